"""A line moves and comes back whatever else its devices are configured with."""

import pytest

from infra.twin.routers import surveyed_configuration
from inventory.model import Programme
from netcfg.difference import commands_between, intended, ours_between, same, shown, taken, unsaved
from netcfg.errors import CannotCopy
from netcfg.guards.lines import Deed, Ours, way_back
from netcfg.intent import DeviceChange, LineStage, line_steps
from netcfg.platforms import load_platform
from netcfg.reading import paths
from tests.unit.vendors import steps
from tests.unit.vendors import surveyed as vendor

FRR = load_platform("frr")
DEVICE, PEER, CIRCUIT = "water-ce", "10.252.11.2", "10.254.11.1"
REMOTE = f" neighbor {PEER} remote-as 65281"
OUT = f"  neighbor {PEER} route-map OWN-OUT out"

GROUP = ("neighbor G peer-group", "neighbor G remote-as 65300")
OF_GROUP = "neighbor 10.9.9.9 peer-group G"


def speaker(*lines: str) -> str:
    return "\n".join(f" {line}" for line in lines)


BESIDE = {
    "a group with an AS, of others": (*GROUP, OF_GROUP),
    "a group without an AS": (GROUP[0], "neighbor 10.9.9.9 remote-as 65009", OF_GROUP),
    "an unnumbered neighbour": ("neighbor eth7 interface remote-as external", "neighbor eth7 timers 1 3"),
    "an unnumbered neighbour of a group": (*GROUP, "neighbor eth7 interface peer-group G"),
    "the line's neighbour has an AS and a group": (GROUP[0], f"neighbor {PEER} peer-group G"),
}
CIRCUIT_REMOTE = f"neighbor {CIRCUIT} remote-as 65101"
SHAPES = {
    "as surveyed": (REMOTE, REMOTE),
    **{shape: (REMOTE, REMOTE + "\n" + speaker(*lines)) for shape, lines in BESIDE.items()},
    "the line's neighbour has its AS from a group": (
        REMOTE, speaker("neighbor L peer-group", "neighbor L remote-as 65281", f"neighbor {PEER} peer-group L"),
    ),
    "an AS that is any other": (REMOTE, f" neighbor {PEER} remote-as external"),
    "lines that say no": (OUT, f"{OUT}\n  no neighbor {PEER} send-community\n  no neighbor {PEER} activate"),
    "the circuit is in a group that has the policy": (
        f" {CIRCUIT_REMOTE}", speaker("neighbor C peer-group", CIRCUIT_REMOTE, f"neighbor {CIRCUIT} peer-group C"),
    ),
    "an interface is named for its address": (REMOTE, f"{REMOTE}\n neighbor {PEER} interface line-water-leas"),
    "another name for the policy": ("EXTRANET-IN", "GOV-IN"),
    "a policy that is not there": ("route-map EXTRANET-IN in", "route-map NOWHERE in"),
    "no policy at the circuit": (f"  neighbor {CIRCUIT} route-map EXTRANET-IN in\n", ""),
    "a description like a command": ("description line:water-leased", "description no exit"),
}  # fmt: skip


def surveyed(programme: Programme, shape: str) -> str:
    text = surveyed_configuration(programme, DEVICE).replace(*SHAPES[shape])
    if "group that has the policy" in shape:
        text = text.replace(f"  neighbor {CIRCUIT} route-map EXTRANET-IN in", "  neighbor C route-map EXTRANET-IN in")
    return text


def changes(programme: Programme, line: str = "water-leased") -> list[DeviceChange]:
    steps = line_steps(programme, next(each for each in programme.network.lines if each.name == line))
    return [next(each for each in step.arguments.devices if each.device == DEVICE) for step in steps]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_line_moves_and_comes_back_whatever_there_is_beside_it(programme: Programme, shape: str) -> None:
    text = surveyed(programme, shape)
    passed = [text]
    for change in changes(programme):
        assert same(FRR, text, intended(FRR, text, change.after, change.before, change.policies)), change
        text = intended(FRR, text, change.before, change.after, change.policies)
        passed.append(text)
    assert not any(PEER in line for path in paths(FRR, text) for line in path)
    for change in reversed(changes(programme)):
        passed.pop()
        before = (*change.before, *taken(FRR, passed[-1], change.before, change.after))
        text = intended(FRR, text, change.after, before, change.policies)
        assert same(FRR, text, passed[-1]), set(paths(FRR, text)) ^ set(paths(FRR, passed[-1]))


def attached(programme: Programme, shape: str) -> str:
    change, text = changes(programme)[0], surveyed(programme, shape)
    return intended(FRR, text, change.before, change.after, change.policies)


@pytest.mark.parametrize(
    "shape, last",
    [
        ("as surveyed", "call EXTRANET-IN"),
        ("another name for the policy", "call GOV-IN"),
        ("the circuit is in a group that has the policy", "call EXTRANET-IN"),
    ],
)
def test_the_policy_of_ours_goes_on_with_the_operators(programme: Programme, shape: str, last: str) -> None:
    found = paths(FRR, attached(programme, shape))
    assert ("route-map ZH-ADMINISTRATIVE-IN permit 30", last) in found
    assert f"neighbor {CIRCUIT} route-map ZH-ADMINISTRATIVE-IN in" in {path[-1] for path in found}


def test_a_policy_that_is_named_and_not_there_goes_on_denying(programme: Programme) -> None:
    found = paths(FRR, attached(programme, "a policy that is not there"))
    assert ("route-map ZH-ADMINISTRATIVE-IN deny 30", "call NOWHERE") in found


def test_a_circuit_without_a_policy_goes_on_accepting_what_it_accepted(programme: Programme) -> None:
    last = ("route-map ZH-ADMINISTRATIVE-IN permit 30",)
    text = attached(programme, "no policy at the circuit")
    assert last in paths(FRR, text)
    # A speaker that accepts nothing without a policy goes on accepting nothing.
    strict = surveyed(programme, "no policy at the circuit").replace(" no bgp ebgp-requires-policy\n", "")
    change = changes(programme)[0]
    assert last not in paths(FRR, intended(FRR, strict, change.before, change.after, change.policies))


@pytest.mark.parametrize(
    "platform, own, elsewhere",
    [("ios", "route-map EXTRANET-IN in", "inherit peer-policy GOV"),
     ("vrp8", "route-policy EXTRANET-IN import", "route-filter GOV import")],
)  # fmt: skip
def test_a_policy_that_is_kept_elsewhere_is_refused(
    programme: Programme, platform: str, own: str, elsewhere: str
) -> None:
    """Ours at the neighbour itself would take its place, and let everything through."""
    text, of = vendor(programme, platform, DEVICE).replace(own, elsewhere), load_platform(platform)
    attach = steps(programme, platform)[0]
    change = next(DeviceChange.model_validate(each) for each in attach["devices"] if each["device"] == DEVICE)
    with pytest.raises(CannotCopy, match=rf"10\.254\.11\.1.*{elsewhere}.*kept elsewhere"):
        intended(of, text, change.before, change.after, change.policies)


def test_an_entry_stands_as_long_as_any_line_asks_for_it(programme: Programme) -> None:
    """Two lines between the same two devices."""
    document = programme.model_dump(mode="json")
    leased = next(line for line in document["network"]["lines"] if line["name"] == "water-leased")
    document["network"]["lines"].append(leased | {"name": "water-backup", "prefix": "10.252.12.0/30"})
    both = Programme.model_validate(document)
    text = surveyed_configuration(both, DEVICE)
    start, lists = text, []
    moves = [changes(both, name)[:2] for name in ("water-leased", "water-backup")]
    for change in (change for stage in zip(*moves, strict=True) for change in stage):
        text = intended(FRR, text, change.before, change.after, change.policies)
        ours = [path[0] for path in paths(FRR, text) if path[0].startswith("ip prefix-list ZH-")]
        lists.append({line.split()[2] for line in ours})
    entries = [path[0] for path in paths(FRR, text) if "SECOND seq" in path[0]]
    assert len({entry.split()[-1] for entry in entries}) == len(entries) > 0
    assert [len(each) for each in lists] == [2, 3, 5, 6]
    for change in reversed(moves[0]):
        text = intended(FRR, text, change.after, change.before, change.policies)
        assert entries[0] in text
    for change in reversed(moves[1]):
        text = intended(FRR, text, change.after, change.before, change.policies)
    assert same(FRR, text, start)


def test_checks_let_traffic_take_any_line_of_a_pair(programme: Programme) -> None:
    document = programme.model_dump(mode="json")
    leased = next(line for line in document["network"]["lines"] if line["name"] == "water-leased")
    document["network"]["lines"].append(leased | {"name": "water-backup", "prefix": "10.252.12.0/30"})
    both = Programme.model_validate(document)
    line = next(each for each in both.network.lines if each.name == "water-leased")
    attach = next(step for step in line_steps(both, line) if step.verb is LineStage.ATTACH)
    ways = [c.addresses for c in attach.arguments.checks if c.kind == "route-via" and c.device == DEVICE]
    assert {str(address) for address in ways[0]} >= {PEER, "10.252.12.2"}


BASE = "interface a\n ip address 10.0.0.1/30\nroute-map R permit 10\n match ip address prefix-list X\n"


def back(before: str, after: str, now: str) -> tuple[tuple[str, ...], Ours]:
    ours = ours_between(FRR, before, after)
    due = way_back(ours, set(paths(FRR, now)), FRR.difference.settings, FRR.difference.depending)
    return tuple(deed.command for deed in due), ours


def test_only_what_is_still_there_of_ours_is_taken_back() -> None:
    after = BASE + "ip prefix-list ZH seq 1 permit 10.1.0.0/16\nip prefix-list ZH seq 2 permit 10.2.0.0/16\n"
    half = BASE + "ip prefix-list ZH seq 2 permit 10.2.0.0/16\nip route 10.99.0.0/16 10.0.0.2\n"
    commands, ours = back(BASE, after, half)
    assert commands == ("no ip prefix-list ZH seq 2 permit 10.2.0.0/16",)
    assert ours.others(set(paths(FRR, BASE)), set(paths(FRR, half))) == {("ip route 10.99.0.0/16 10.0.0.2",)}


def test_what_others_put_in_the_place_of_ours_stays() -> None:
    after = BASE.replace("prefix-list X", "prefix-list ZH")
    others = BASE.replace("prefix-list X", "prefix-list THEIRS")
    commands, ours = back(BASE, after, others)
    assert commands == ()
    assert ours.wrong(set(paths(FRR, others))) == {("route-map R permit 10", "match ip address prefix-list X")}


NEIGHBOUR = "router bgp 1\n neighbor 10.9.9.9 "
FAMILY = "router bgp 1\n address-family ipv4 unicast\n  neighbor 10.9.9.9 "
REMADE = (
    *((NEIGHBOUR, *pair) for pair in (
        ("remote-as 2", "remote-as 3"), ("remote-as 2", "remote-as external"), ("description a", "description 局 b"),
        ("password a", "password b"), ("update-source lo", "update-source eth0"), ("timers 5 15", "timers 1 3"),
        ("timers connect 7", "timers connect 8"), ("ebgp-multihop 2", "ebgp-multihop 3"),
        ("peer-group A", "peer-group B"),
    )),
    *((FAMILY, *pair) for pair in (
        ("route-map A in", "route-map B in"), ("prefix-list A out", "prefix-list B out"), ("weight 3", "weight 4"),
        ("maximum-prefix 9", "maximum-prefix 8 restart 1"), ("allowas-in 1", "allowas-in origin"),
    )),
    ("interface a\n ", "description a", "description b"),
)  # fmt: skip


@pytest.mark.parametrize("place, ours, others", REMADE)
def test_what_others_wrote_anew_while_it_was_away_is_not_written_over(place: str, ours: str, others: str) -> None:
    """A neighbour, or a description, went with our change; somebody has set it otherwise since."""
    here = place[: place.rfind("\n") + 1]
    assert not any(command.endswith(ours) for command in back(place + ours, here, place + others)[0])
    assert any(command.endswith(ours) for command in back(place + ours, here, here)[0])


def test_nothing_of_ours_is_put_onto_a_neighbour_that_others_made_anew() -> None:
    """Its settings would hang on theirs, and the line's shutdown would end their session."""
    own = "  neighbor 10.9.9.9 {}\n"
    before = NEIGHBOUR + "remote-as 2\n neighbor 10.9.9.9 shutdown\n" + " address-family ipv4 unicast\n"
    before += own.format("route-map OWN-OUT out") + "  neighbor 10.9.9.8 weight 1\n"
    after = "router bgp 1\n address-family ipv4 unicast\n"
    theirs = NEIGHBOUR + "remote-as 3\n address-family ipv4 unicast\n"
    assert back(before, after, theirs)[0] == ("neighbor 10.9.9.8 weight 1",)
    assert "neighbor 10.9.9.9 shutdown" in back(before, after, after)[0]


def test_a_section_of_ours_in_which_others_wrote_is_not_taken_away() -> None:
    after = BASE + "route-map ZH permit 10\n set local-preference 50\n"
    others = after + " set metric 5\n"
    assert back(BASE, after, others)[0] == ()
    assert back(BASE, after, after)[0] == ("no route-map ZH permit 10",)


def test_what_others_took_away_with_its_section_is_not_made_anew() -> None:
    after = BASE.replace(" ip address 10.0.0.1/30\n", "")
    assert back(BASE, after, "route-map R permit 10\n match ip address prefix-list X\n")[0] == ()
    assert back(BASE, after, after)[0] == ("ip address 10.0.0.1/30",)


def test_an_interface_is_emptied_and_never_taken_away() -> None:
    assert commands_between(FRR, BASE + "interface b\n description x\n shutdown\n", BASE) == (
        "interface b",
        "no shutdown",
        "no description x",
        "exit",
    )


def test_what_is_not_saved_is_told_from_what_a_device_prints_by_itself() -> None:
    startup = "frr version 8.4\nhostname a\nip route 10.0.0.0/8  10.1.1.1\n"
    running = "Building configuration...\n!\nfrr version 8.5\nno ipv6 forwarding\nhostname a\n"
    running += "ip route 10.0.0.0/8 10.1.1.1\n"
    assert unsaved(FRR, running, startup) == set()
    assert unsaved(FRR, running + "ip route 10.2.0.0/16 10.1.1.1\n", startup) == {("ip route 10.2.0.0/16 10.1.1.1",)}


@pytest.mark.parametrize("line", ["neighbor 10.1.1.1 password hunter2 more", "key 1 hunter2", "password 8 hunter2"])
def test_no_secret_is_shown(line: str) -> None:
    assert "hunter2" not in shown(FRR, [("router bgp 1", line)])[0]
    assert shown(FRR, [("router bgp 1", "neighbor 10.1.1.1 description the password")]) == (
        "router bgp 1 / neighbor 10.1.1.1 description the password",
    )


def test_a_deed_is_one_command() -> None:
    ours = ours_between(FRR, BASE, BASE + "ip prefix-list ZH seq 1 permit 10.1.0.0/16\n")
    line = "ip prefix-list ZH seq 1 permit 10.1.0.0/16"
    assert ours.back == (Deed((line,), f"no {line}", adds=False),)
