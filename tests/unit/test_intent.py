import json
import os
from pathlib import Path
from typing import Any

import pytest

from infra.twin.routers import surveyed_configuration
from inventory.derived.wired import ends_of
from inventory.model import Line, Programme
from netcfg.difference import commands_between, intended, same, taken
from netcfg.errors import NoCircuit, PlatformUnknown
from netcfg.intent import LineArguments, LineStage, LineStep, line_steps
from netcfg.platforms import load_platform

GOLDEN = Path(__file__).parent / "golden" / "lines"
FRR = load_platform("frr")


def line_of(programme: Programme, name: str) -> Line:
    return next(line for line in programme.network.lines if line.name == name)


class Devices:
    """The configurations of devices that take every command as it is meant."""

    def __init__(self, programme: Programme) -> None:
        self.text = {d.name: surveyed_configuration(programme, d.name) for d in programme.network.devices}
        self.saved: dict[tuple[str, str], str] = {}
        self.typed: list[str] = []

    def change(self, step: LineStep, *, forward: bool = True) -> None:
        for device in sorted(step.arguments.devices, key=lambda device: device.push):
            text, before = self.text[device.device], device.before
            if forward:
                self.saved[device.device, step.verb] = text
            else:
                before = (*before, *taken(FRR, self.saved[device.device, step.verb], before, device.after))
            gone, come = (before, device.after) if forward else (device.after, before)
            goal = intended(FRR, text, gone, come, device.policies)
            self.typed += [f"{device.device}# {line}" for line in commands_between(FRR, self.text[device.device], goal)]
            self.text[device.device] = goal


@pytest.mark.parametrize("stage", [stage.value for stage in LineStage])
@pytest.mark.parametrize("way", ["change", "undo"])
def test_what_is_typed_at_each_stage(programme: Programme, stage: str, way: str) -> None:
    steps = line_steps(programme, line_of(programme, "water-leased"))
    place = [step.verb.value for step in steps].index(stage)
    devices = Devices(programme)
    for step in steps[: place + 1]:
        devices.typed.clear()
        devices.change(step)
    if way == "undo":
        devices.typed.clear()
        devices.change(steps[place], forward=False)
    compare(GOLDEN / f"{stage}-{way}.txt", "".join(f"{line}\n" for line in devices.typed))


def compare(golden: Path, text: str) -> None:
    if os.environ.get("ZHENGHE_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()


def test_the_far_end_is_pushed_before_the_near_end(programme: Programme) -> None:
    for line in programme.network.lines:
        for step in line_steps(programme, line):
            order = [device.device for device in sorted(step.arguments.devices, key=lambda device: device.push)]
            assert order == list(reversed(ends_of(line)))


def test_steps_are_json_that_reads_back(programme: Programme) -> None:
    for step in line_steps(programme, line_of(programme, "water-exit")):
        document: dict[str, Any] = json.loads(json.dumps(step.arguments.model_dump(mode="json")))
        assert LineArguments.model_validate(document) == step.arguments


@pytest.mark.parametrize("change", [{"golden_project": "金税"}, {"domain": None}])
def test_a_line_that_stays_has_no_steps(programme: Programme, change: dict[str, str | None]) -> None:
    assert line_steps(programme, line_of(programme, "tax-golden")) == ()
    assert line_steps(programme, line_of(programme, "water-leased").model_copy(update=change)) == ()


def test_a_line_is_refused_whose_end_has_no_circuit_into_its_domain(programme: Programme) -> None:
    with pytest.raises(NoCircuit, match=r"water-leased.*water-hub.*public") as raised:
        line_steps(programme, line_of(programme, "water-leased").model_copy(update={"domain": "public"}))
    assert (raised.value.line, raised.value.device, raised.value.domain) == ("water-leased", "water-hub", "public")


def test_an_unknown_platform_is_named_with_those_that_are_known() -> None:
    with pytest.raises(PlatformUnknown, match=r"abacus.*frr"):
        load_platform("abacus")


def test_a_stage_is_still_done_after_later_ones(programme: Programme) -> None:
    steps = line_steps(programme, line_of(programme, "water-leased"))
    devices = Devices(programme)
    for step in steps:
        devices.change(step)
    for step in steps:
        for device in step.arguments.devices:
            text = devices.text[device.device]
            assert same(FRR, intended(FRR, text, device.before, device.after, device.policies), text), step.verb


def test_what_the_survey_found_is_only_referred_to(programme: Programme) -> None:
    """No line of a surveyed list or policy is among what is added or removed before the line is released."""
    devices = Devices(programme)
    for step in line_steps(programme, line_of(programme, "civil-private"))[:3]:
        devices.change(step)
    named = [line for line in devices.typed if "prefix-list" in line or "# route-map" in line]
    assert named
    assert all(" ZH-" in line or line.endswith("prefix-list EXTRANET") for line in named)
