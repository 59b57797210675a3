"""A line moves and comes back on a device that is BIRD, whose file is edited and never written anew."""

import re

import pytest

from infra.twin.routers import surveyed_configuration
from inventory.model import Programme
from netcfg.difference import deeds_between, homeless, intended, ours_between, same, taken
from netcfg.errors import CannotCall, PolicyUnseen
from netcfg.guards.lines import way_back
from netcfg.guards.statements import edited
from netcfg.intent import DeviceChange, LineStage, line_steps
from netcfg.linux import kernel_routes
from netcfg.platforms import Loading, load_platform
from netcfg.reading import paths

BIRD = load_platform("bird")
DEVICE = "water-hub"
assert isinstance(BIRD.keeping, Loading)
LAST = BIRD.keeping.last
WHERE = "import where extranet_in();"
TEMPLATE = "template bgp edges { ipv4 { import where extranet_in(); export where own_out(); }; }\n"
SHAPES = {
    "as surveyed": ("", ""),
    "a policy of several words": (WHERE, "import where net ~ [ 10.50.0.0/16+ ] && extranet_in();"),
    "everything is accepted": (WHERE, "import all;"),
    "spacing and comments": (WHERE, "import /* the extranet */ where\n  extranet_in ( ) ; # ours"),
    "a neighbour with a port": ("neighbor 10.252.11.1 as", "neighbor 10.252.11.1 port 179 as"),
    "the circuit's policy in a template": (
        "protocol bgp to_water_hub_administrative {",
        TEMPLATE + "protocol bgp to_water_hub_administrative from edges {",
    ),
    "limits at the line": ("import all;", "import all; import limit 100 action block;"),
}  # fmt: skip


@pytest.fixture(scope="module")
def mixed(programme: Programme) -> Programme:
    """The example district where the water authority's hub is BIRD."""
    devices = tuple(
        each.model_copy(update={"platform": "bird"}) if each.name == DEVICE else each
        for each in programme.network.devices
    )
    return programme.model_copy(update={"network": programme.network.model_copy(update={"devices": devices})})


def changes(programme: Programme, line: str = "water-leased") -> dict[LineStage, DeviceChange]:
    steps = line_steps(programme, next(each for each in programme.network.lines if each.name == line))
    return {step.verb: next(each for each in step.arguments.devices if each.device == DEVICE) for step in steps}


def carried_out(text: str, goal: str) -> str:
    """The file after the edits that lead to a goal."""
    changed = edited(text, deeds_between(BIRD, text, goal), LAST)
    assert same(BIRD, changed, goal)
    assert deeds_between(BIRD, changed, goal) == ()
    return changed


@pytest.mark.parametrize("shape", SHAPES)
def test_every_stage_leads_there_and_back(mixed: Programme, shape: str) -> None:
    text = surveyed_configuration(mixed, DEVICE)
    old, new = SHAPES[shape]
    assert old in text
    text = text.replace(old, new, 1)
    if "template" in shape:
        text = text.replace("\t\timport where extranet_in();\n\t\texport where own_out();\n", "")
    before: dict[LineStage, str] = {}
    for stage, change in changes(mixed).items():
        before[stage] = text
        goal = intended(BIRD, text, change.before, change.after, change.policies)
        assert not same(BIRD, goal, text), stage
        ours = ours_between(BIRD, text, goal)
        text = carried_out(text, goal)
        # What a guard takes back is the same difference, the other way round.
        have = set(paths(BIRD, text))
        returned = edited(text, way_back(ours, have, BIRD.difference.settings), LAST)
        assert same(BIRD, returned, before[stage]), stage
    assert "10.252.11.1" not in text
    for stage, change in reversed(changes(mixed).items()):
        fell = taken(BIRD, before[stage], change.before, change.after)
        text = carried_out(text, intended(BIRD, text, change.after, fell or change.before, change.policies))
        assert same(BIRD, text, before[stage]), stage


@pytest.mark.parametrize("policy", ["import filter extranet_in;", "import filter { accept; };"])
def test_a_policy_that_cannot_be_called_is_named_before_anything_is_done(mixed: Programme, policy: str) -> None:
    text = surveyed_configuration(mixed, DEVICE).replace(WHERE, policy)
    attach = changes(mixed)[LineStage.ATTACH]
    with pytest.raises(CannotCall, match=r"10\.254\.81\.1.*import filter.*make it a function"):
        intended(BIRD, text, attach.before, attach.after, attach.policies)


@pytest.mark.parametrize("unseen", [(f"\t\t{WHERE}\n", ""), ("neighbor 10.254.81.1 as", "neighbor EDGE as")])
def test_a_policy_that_is_not_seen_is_told_before_anything_is_done(mixed: Programme, unseen: tuple[str, str]) -> None:
    text = surveyed_configuration(mixed, DEVICE).replace(*unseen)
    attach = changes(mixed)[LineStage.ATTACH]
    with pytest.raises(PolicyUnseen, match=r"10\.254\.81\.1.*import where"):
        intended(BIRD, text, attach.before, attach.after, attach.policies)


def test_a_neighbour_that_is_written_as_a_constant_is_told_before_anything_is_done(mixed: Programme) -> None:
    text = surveyed_configuration(mixed, DEVICE)
    text = text.replace("neighbor 10.252.11.1 as", "neighbor FAR as")
    text = text.replace("log ", "define FAR = 10.252.11.1;\nlog ", 1)
    drain = changes(mixed)[LineStage.DRAIN]
    goal = intended(BIRD, text, drain.before, drain.after, drain.policies)
    assert homeless(BIRD, ours_between(BIRD, text, goal).added) == "10.252.11.1"
    attach = changes(mixed)[LineStage.ATTACH]
    goal = intended(BIRD, text, attach.before, attach.after, attach.policies)
    assert homeless(BIRD, ours_between(BIRD, text, goal).added) is None


ROUTES = """10.81.8.0/24 via 10.252.11.2 dev line-water-leas
10.252.11.0/30 dev line-water-leas proto kernel scope link src 10.252.11.1
10.81.0.0/24 via 10.252.11.2 dev line-water-leas proto bird metric 32
default proto static metric 20 \\\tnexthop via 10.252.11.2 dev line-water-leas weight 1 \\\tnexthop via 10.9.0.1 dev lan
fe80::/64 dev line-water-leas proto kernel metric 256 pref medium
2001:db8:81::/48 via fe80::1 dev line-water-leas proto bgp metric 20 pref medium
2001:db8:82::/48 via fe80::1 dev line-water-leas2 proto bgp metric 20 pref medium
multicast ff00::/8 dev line-water-leas proto kernel metric 256 pref medium
10.83.0.0/24 via 10.252.11.2 dev line-water-leas table 100
broadcast 10.252.11.3 dev line-water-leas table local scope link src 10.252.11.1
"""


def test_routes_that_others_than_the_router_have_made_over_a_line_are_found() -> None:
    assert kernel_routes(ROUTES, "line-water-leas") == {
        "10.81.8.0/24": "boot", "0.0.0.0/0": "static", "2001:db8:81::/48": "bgp", "10.83.0.0/24": "boot",
    }  # fmt: skip


def test_what_is_there_is_neither_moved_nor_written_anew(mixed: Programme) -> None:
    text = surveyed_configuration(mixed, DEVICE)
    attach = changes(mixed)[LineStage.ATTACH]
    changed = carried_out(text, intended(BIRD, text, attach.before, attach.after, attach.policies))
    left = iter(changed.splitlines())
    gone = [line for line in text.splitlines() if line not in left]
    assert [line.strip() for line in gone] == ["import where extranet_in();"] or len(gone) > 0
    assert set(text.splitlines()) - set(changed.splitlines()) == {"\t\timport where extranet_in();"}
    assert "import where 'zh_ADMINISTRATIVE_in'() || (extranet_in());" in changed
    assert changed.index("function 'zh_ADMINISTRATIVE_in'") < changed.index("protocol bgp")


def test_names_are_words_that_bird_takes(mixed: Programme) -> None:
    for change in changes(mixed).values():
        for block in (*change.before, *change.after, *(policy.present for policy in change.policies)):
            for name in re.findall(r"(?:define|function) (\S+?)(?: =|\(|$)", block):
                assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*|'[A-Za-z0-9_.:-]+'", name), name
