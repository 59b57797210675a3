"""A department's own internet exit, and lines at whose far ends nobody of ours logs in."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.twin.layout import lay_out
from infra.twin.routers import surveyed_configuration
from infra.world_draft import draft
from infra.worlds import CloudSettings
from inventory.checks.checking import check
from inventory.derived.exits import MOVES_DEFAULT
from inventory.findings import Finding, Severity
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Line, Programme
from inventory.obligations.lines import LINES
from migrations.actuators.contract import Waiting
from migrations.actuators.people import ASKED, PeopleActuator
from migrations.evidence.chain import Evidence
from migrations.plan import Actuator, Stage, Unit
from migrations.planning.planner import make_plan
from migrations.proof.verify.expectations import Side, expectations
from netcfg.difference import commands_between, intended, same, taken
from netcfg.doubles.ios import Ios
from netcfg.errors import NoDefaultRoute, NoExit
from netcfg.fetched.ways import Extranet, place_of
from netcfg.intent import DeviceChange, LineArguments, LineStage, LineStep, line_steps
from netcfg.platforms import load_platform
from tests.outward import CARRIER, CE, CITIZEN, MINISTRY, OUT, SHARED, UP, UPWARDS, document, outward
from tests.unit.fetched import District
from tests.unit.vendors import extranet, played_by

FRR = load_platform("frr")
KINDS = load_kinds(playbooks_folder() / "roles")
DEFAULT = "ip route 0.0.0.0/0 198.51.100.2"


@pytest.fixture
def programme() -> Programme:
    return outward()


def line_of(programme: Programme, name: str) -> Line:
    return next(line for line in programme.network.lines if line.name == name)


def steps_of(programme: Programme, name: str) -> tuple[LineStep, ...]:
    return line_steps(programme, line_of(programme, name))


def change_of(step: LineStep) -> DeviceChange:
    (change,) = step.arguments.devices
    return change


def after(text: str, change: DeviceChange) -> str:
    return intended(load_platform(change.platform), text, change.before, change.after, change.policies)


def passed(programme: Programme, name: str) -> list[str]:
    """The near end's configuration as surveyed, and after each stage."""
    texts = [surveyed_configuration(programme, CE)]
    for step in steps_of(programme, name):
        texts.append(after(texts[-1], change_of(step)))
    return texts


TYPED = {
    LineStage.SHIFT: [
        f"{DEFAULT} 250",
        "ip prefix-list ZH-ADMINISTRATIVE-FIRST-water-internet seq 1080289494 permit 0.0.0.0/0",
    ],
    LineStage.DRAIN: ["interface line-water-inte", "shutdown", "exit"],
    LineStage.RELEASE: [f"no {DEFAULT} 250", "interface line-water-inte", "no ip address 198.51.100.1/30", "exit"],
}


def test_the_default_route_is_put_behind_the_circuits_by_one_command(programme: Programme) -> None:
    texts = passed(programme, OUT)
    for number, stage in enumerate(LineStage):
        if stage is not LineStage.ATTACH:
            assert list(commands_between(FRR, texts[number], texts[number + 1])) == TYPED[stage]
    assert "ip prefix-list ZH-ADMINISTRATIVE-SECOND seq 1080289494 permit 0.0.0.0/0" in texts[1]
    assert "0.0.0.0/0 198.51.100.2" not in texts[-1]


def test_on_ios_the_earlier_form_goes_first(programme: Programme) -> None:
    """The circuit's default route carries what comes in between: it was accepted by the attachment."""
    texts, way = passed(played_by(programme, "ios", CE), OUT), "ip route 0.0.0.0 0.0.0.0 198.51.100.2"
    ios = load_platform("ios")
    forward, back = (commands_between(ios, *pair) for pair in ((texts[1], texts[2]), (texts[2], texts[1])))
    assert [command for command in forward if "route 0" in command] == [f"no {way}", f"{way} 250"]
    assert [command for command in back if "route 0" in command] == [f"no {way} 250", way]
    assert way in texts[0]
    assert way not in texts[-1]


def test_a_double_of_ios_takes_every_stage_and_its_way_back(programme: Programme, tmp_path: Path) -> None:
    programme = played_by(programme, "ios", CE)
    double = Ios(CE, passed(programme, OUT)[0])
    before, moves = double.shown(double.running), extranet({CE: double}, tmp_path)
    # A double alone has no neighbours.
    unchecked = [
        LineArguments.model_copy(step.arguments, update={"checks": ()}).model_dump(mode="json")
        for step in steps_of(programme, OUT)
    ]
    for arguments in unchecked:
        assert moves.change(arguments, print).state == "done"
    assert "198.51.100" not in double.shown(double.running)
    for arguments in reversed(unchecked):
        assert moves.change(arguments, print, forward=False).state == "not-done"
    assert double.shown(double.running) == before


@pytest.mark.parametrize("platform", ["frr", "ios"])
@pytest.mark.parametrize("name", [OUT, UPWARDS])
def test_each_stage_is_taken_back_by_swapped_arguments(programme: Programme, name: str, platform: str) -> None:
    programme, of = played_by(programme, platform, CE), load_platform(platform)
    texts = passed(programme, name)
    for number, step in reversed(list(enumerate(steps_of(programme, name)))):
        change = change_of(step)
        fell = taken(of, texts[number], change.before, change.after)
        back = intended(of, texts[number + 1], change.after, fell, change.policies)
        assert same(of, back, texts[number]), step.verb
    assert same(of, texts[0], intended(of, texts[0], change.after, change.before, change.policies))


@pytest.mark.parametrize("platform", ["frr", "ios"])
@pytest.mark.parametrize("name", [OUT, UPWARDS])
def test_a_stage_is_still_done_after_later_ones(programme: Programme, name: str, platform: str) -> None:
    programme = played_by(programme, platform, CE)
    last = passed(programme, name)[-1]
    for step in steps_of(programme, name):
        assert same(load_platform(platform), after(last, change_of(step)), last), step.verb


@pytest.mark.parametrize("odd", [f"{DEFAULT} 10", f"{DEFAULT} tag 7", "ip route 0.0.0.0/0 line-water-inte", ""])
def test_a_default_route_in_another_form_is_no_beginning(programme: Programme, odd: str) -> None:
    text = surveyed_configuration(programme, CE).replace(DEFAULT + "\n", odd + "\n")
    first = change_of(steps_of(programme, OUT)[0])
    assert not same(FRR, text, intended(FRR, text, first.after, first.before, first.policies))
    assert not same(FRR, text, after(text, first))


def test_only_the_near_end_is_changed_and_looked_at(programme: Programme) -> None:
    for name in (OUT, UPWARDS):
        for step in steps_of(programme, name):
            assert {change.device for change in step.arguments.devices} == {CE}
            assert {seen.device for seen in step.arguments.checks} == {CE}


def test_what_goes_out_over_the_line_is_counted_from_the_shift_on(programme: Programme) -> None:
    drain = steps_of(programme, OUT)[2]
    assert [seen.seconds for seen in drain.arguments.checks if seen.kind == "silent"] == [10.0]
    quiet = [seen for step in steps_of(programme, UPWARDS) for seen in step.arguments.checks if seen.kind == "quiet"]
    # The ministry's answers come over the line until it is drained; before the release nothing does.
    assert [seen.outgoing for seen in quiet] == [True, False]


def test_packets_from_inside_must_come_through_before_and_after_each_stage(programme: Programme) -> None:
    for step in steps_of(programme, OUT):
        pings = [seen for seen in step.arguments.checks if seen.kind == "reachable"]
        whens = {seen.when for seen in pings if str(seen.addresses[0]) == CITIZEN}
        assert whens == {"ahead", "after", "undone"}


def test_a_line_without_a_way_out_has_no_steps(programme: Programme) -> None:
    bare = programme.model_copy(update={"network": programme.network.model_copy(update={"exits": ()})})
    with pytest.raises(NoExit, match=r"water-internet.*administrative"):
        steps_of(bare, OUT)


def test_a_platform_that_has_no_words_for_it_is_refused(programme: Programme) -> None:
    with pytest.raises(NoDefaultRoute, match=r"water-internet.*bird.*water-ce"):
        steps_of(played_by(programme, "bird", CE), OUT)


def test_the_check_knows_the_platforms_that_have_words_for_it() -> None:
    folder = Path(__file__).parents[2] / "netcfg" / "platforms"
    names = {file.stem for file in folder.glob("*.yaml")}
    assert {name for name in names if "default_first" in load_platform(name).blocks} == set(MOVES_DEFAULT)


def unit_of(programme: Programme, name: str) -> Unit:
    return next(unit for unit in make_plan(programme, KINDS, lambda *_: "").units if unit.name == name)


def test_the_plan_says_what_others_have_to_do(programme: Programme) -> None:
    out, upwards = unit_of(programme, OUT), unit_of(programme, UPWARDS)
    stages = ["attach", "shift", "drain", "release"]
    assert [step.verb for step in out.steps] == ["announce", *stages, "cancel"]
    assert [step.verb for step in upwards.steps] == ["let-in", *stages[:3], "let-go", stages[3], "cancel"]
    asked = {step.id: step.arguments for unit in (out, upwards) for step in unit.steps if step.by is Actuator.PEOPLE}
    told = {step: (each["who"], each["networks"]) for step, each in asked.items()}
    assert told == {
        f"line:{OUT}/announce": ("water", ["198.51.100.4/30"]),
        f"line:{OUT}/cancel": ("云河移动", ["198.51.100.0/30"]),
        f"line:{UPWARDS}/let-in": ("省水利厅", ["10.11.0.0/24"]),
        f"line:{UPWARDS}/let-go": ("省水利厅", ["10.11.0.0/24"]),
        f"line:{UPWARDS}/cancel": ("云河电信", ["10.252.99.0/30"]),
    }
    assert {each["verb"] for each in asked.values()} == ASKED.keys()
    assert [step.stage for step in out.steps][::5] == [Stage.PREPARE, Stage.COMMIT]


def test_who_waits_is_told_what_the_other_side_is_asked_for(programme: Programme, tmp_path: Path) -> None:
    people = PeopleActuator(Evidence(tmp_path / "evidence"))
    for unit in (unit_of(programme, OUT), unit_of(programme, UPWARDS)):
        for step in (step for step in unit.steps if step.by is Actuator.PEOPLE):
            with pytest.raises(Waiting, match=re.escape(step.arguments["networks"][0])) as waiting:
                people.apply(step, lambda _text: None)
            assert step.arguments["who"] in str(waiting.value)


def test_packets_that_others_send_may_come_as_they_like_until_the_drain(programme: Programme) -> None:
    sides = {f"line:{name}": Side.TARGET for name in (OUT, UPWARDS)}
    found = expectations(programme, KINDS, sides)
    assert {(each.unit, each.host) for each in found} == {(f"line:{OUT}", "desk-1"), (f"line:{UPWARDS}", "desk-1")}
    for each in found:
        assert re.search(each.wanted, "From 10.254.11.1 icmp_seq=1")
        assert each.unwanted == ""


def test_of_a_line_that_went_back_it_is_asked_whether_packets_come_through(programme: Programme) -> None:
    found = expectations(programme, KINDS, {f"line:{name}": Side.SOURCE for name in (OUT, UPWARDS)})
    targets = {each.name.partition(" -- ")[2].removesuffix("; true") for each in found}
    assert targets == {CITIZEN, "10.11.0.20", "10.90.0.10"}
    assert {each.wanted for each in found} == {"bytes from"}


def test_the_extranets_own_uplink_is_no_departments_line(programme: Programme) -> None:
    assert {line.name for line in LINES.of(programme)} == {OUT, UPWARDS}
    assert UP not in {unit.name for unit in make_plan(programme, KINDS, lambda *_: "").units}


def test_an_exit_that_is_called_a_golden_projects_is_left_alone(programme: Programme) -> None:
    golden = line_of(programme, OUT).model_copy(update={"golden_project": "金税"})
    lines = (golden, *(line for line in programme.network.lines if line.name != OUT))
    changed = programme.model_copy(update={"network": programme.network.model_copy(update={"lines": lines})})
    plan = make_plan(changed, KINDS, lambda *_: "")
    assert OUT not in {unit.name for unit in plan.units}
    assert OUT in {left.name for left in plan.untouched}


def test_nobody_is_to_log_in_at_others_devices(programme: Programme, tmp_path: Path) -> None:
    text = draft(programme, tmp_path, "root", CloudSettings(backend="openstack", endpoint="city")).ssh_config
    assert f"Host {CE}\n" in text
    assert f"Host {SHARED}\n" in text
    assert f"Host {CARRIER}\n" not in text
    assert f"Host {MINISTRY}\n" not in text


def test_a_twin_translates_where_packets_leave_for_the_internet(programme: Programme) -> None:
    translates = {device.name: device.translates for device in lay_out(programme).devices}
    assert translates == {
        "pe1": (), CE: ("line-water-inte",), SHARED: ("line-extranet-u",), CARRIER: (), MINISTRY: (),
    }  # fmt: skip


Edit = Callable[[dict[str, Any]], None]


def part(kind: str, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda network: next(each for each in network[kind] if each.get("name", each.get("device")) == name)


MISTAKES: dict[str, tuple[Edit, str, str]] = {
    "no exit in the domain": (lambda n: n.pop("exits"), "no internet exit in the domain 'administrative'", "domain"),
    "two exits in a domain": (
        lambda n: n["exits"].append(dict(n["exits"][0], addresses=["203.0.114.0/30"])), "has two exits", "domain",
    ),
    "a platform without words for it": (
        lambda n: part("devices", CE)(n).update(platform="bird"), "platform 'bird' is not moved yet: only of", "ends",
    ),
    "others run both ends": (
        lambda n: part("devices", CE)(n).update(operated_by="省厅"), "others run both ends of the line", "ends",
    ),
    "the exit has no circuit": (
        lambda n: n["attachments"].pop(1), "device 'exit' has no circuit into the domain 'administrative'", "device",
    ),
    "the uplink leads elsewhere": (
        lambda n: n["exits"][0].update(uplink=UPWARDS), "'water-ministry' does not lead from 'exit' into", "uplink",
    ),
    "the uplink is to be consolidated": (
        lambda n: part("lines", UP)(n).update(domain="administrative"), "no domain takes it over", "domain",
    ),
    "an uplink that is not there": (lambda n: n["exits"][0].update(uplink="x"), "there is no line 'x'", "uplink"),
    "a line from a device to itself": (
        lambda n: part("lines", UPWARDS)(n).update(ends=[CE, CE]), "begins and ends at 'water-ce'", "ends",
    ),
    "two exits at one device": (
        lambda n: n["lines"].append(dict(part("lines", OUT)(n), name="w2", prefix="198.51.100.8/30", probes=[])),
        "has two internet exits, 'water-internet' and 'w2'", "ends",
    ),
    "a ministry without a circuit": (
        lambda n: n["attachments"].pop(2), "device 'ministry-hub' has no circuit into", "ends",
    ),
}  # fmt: skip


def checked(folder: Path, said: dict[str, Any]) -> tuple[Finding, ...]:
    (folder / "programme.yaml").write_text(json.dumps(said, ensure_ascii=False))
    return tuple(each for each in check(folder, KINDS).findings if each.severity is Severity.ERROR)


def test_it_has_no_errors_as_it_is(tmp_path: Path) -> None:
    assert checked(tmp_path, document()) == ()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_cannot_be_so_is_told(tmp_path: Path, mistake: str) -> None:
    edit, reason, field = MISTAKES[mistake]
    said = document()
    edit(said["network"])
    found = [each for each in checked(tmp_path, said) if reason in each.reason]
    assert found, checked(tmp_path, said)
    assert field in found[0].field
    assert found[0].mend


def test_a_default_route_over_the_own_exit_is_the_inventorys(tmp_path: Path, programme: Programme) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    checked(folder, document())
    district = District(tmp_path / "outward", programme, folder)
    for others in (CARRIER, MINISTRY):
        for file in (district.folder / "fetched").glob(f"{others}.*"):
            file.unlink()
    about_ce = [each.reason for each in district.findings() if CE in each.field or CE in each.reason]
    assert about_ce == []
    assert not [each for each in district.findings() if "never fetched" in each.reason]
    district.alter(CE, (DEFAULT + "\n", ""))
    reasons = [each.reason for each in district.findings()]
    wanted = re.compile(r"water-ce has no default route by way of mobile \(198\.51\.100\.2\)")
    assert any(map(wanted.search, reasons))


WAYS = {"before": (frozenset[str](), (CE, CARRIER)), "after": (frozenset({OUT}), (CE, "pe1", SHARED, CARRIER))}


@pytest.mark.parametrize("when", WAYS)
def test_which_way_packets_go_into_the_internet(programme: Programme, when: str) -> None:
    moved, devices = WAYS[when]
    desk, citizen = place_of(programme, "desk-1"), place_of(programme, "citizen-1")
    assert desk is not None
    assert citizen is not None
    route = Extranet(programme, {}, moved).route(desk, citizen)
    assert route.arrives, route
    assert route.devices == devices


def test_released_by_others_it_is_an_obligation_met(programme: Programme) -> None:
    line = line_of(programme, OUT).model_copy(update={"released": date(2018, 3, 1)})
    lines = (line, *(each for each in programme.network.lines if each.name != OUT))
    changed = programme.model_copy(update={"network": programme.network.model_copy(update={"lines": lines})})
    assert {unit.name for unit in make_plan(changed, KINDS, lambda *_: "").units} == {UPWARDS}
