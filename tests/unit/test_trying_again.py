"""How often a step is tried again: a way back is not begun while it would need the very host that does not answer."""

from pathlib import Path

import pytest

from migrations.actuators.contract import Busy, HalfDone, Refused, StepError, Unreachable
from migrations.home import RunHome, RunSettings
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest
from migrations.run.engine.activities import ASKED_AGAIN, RunActivities
from migrations.run.engine.messages import PassageRequest, StepRequest
from migrations.run.engine.troubles import Troubles
from migrations.states import Deed, Direction, UnitState


def _plan(catch_up: float) -> Plan:
    def step(verb: str, stage: Stage, kind: StepKind) -> Step:
        arguments = {"limits": {"catch_up": catch_up}}
        return Step(id=f"system:b/{verb}", verb=verb, stage=stage, kind=kind, arguments=arguments, timeout=9)

    steps = (
        step("lag", Stage.CUTOVER, StepKind.GATE),
        step("switch", Stage.CUTOVER, StepKind.REVERSIBLE),
        step("verify", Stage.CUTOVER, StepKind.GATE),
    )
    unit = Unit(name="b", kind=Actuator.SYSTEM, needs=(), wave=1, steps=steps)
    return Plan(programme="p", units=(unit,), untouched=())


class Case:
    """A run that stands somewhere in its cutover."""

    def __init__(self, folder: Path, catch_up: float) -> None:
        plan = _plan(catch_up)
        self.home = RunHome(folder / "run")
        self.home.create(plan, RunSettings(run="p", plan=digest(plan), world=folder / "world.json"))
        self._activities = RunActivities(self.home, dict, Troubles(None))

    def begun(self, verb: str) -> None:
        what = {"deed": Deed.APPLY, "passage": 1, "state": UnitState.CUTTING_OVER}
        self.home.evidence.append("step-begun", unit="system:b", step=f"system:b/{verb}", what=what)

    def fails(self, verb: str, error: type[StepError], deed: Deed = Deed.APPLY) -> bool:
        """Fail a step and return whether it is tried again."""
        request = StepRequest(
            passage=PassageRequest(run="p", number=1, direction=Direction.FORWARD),
            unit="system:b",
            step=f"system:b/{verb}",
            deed=deed,
            state=UnitState.CUTTING_OVER,
        )
        what = {"deed": deed, "passage": 1, "error": error.__name__, "reason": "r"}
        self.home.evidence.append("step-failed", unit="system:b", step=request.step, what=what)
        return not self._activities._verdict(request, error(request.step, "r")).non_retryable


@pytest.mark.parametrize("error", [Refused, Unreachable, Busy])
def test_before_anything_was_turned_each_failure_is_counted(tmp_path: Path, error: type[StepError]) -> None:
    case = Case(tmp_path, 60)
    again = [case.fails("lag", error) for _ in range(ASKED_AGAIN[error])]
    assert again == [True] * (ASKED_AGAIN[error] - 1) + [False]


@pytest.mark.parametrize("catch_up, again", [(60, True), (0, False)])
def test_a_gate_behind_the_turn_that_reaches_no_host_waits_for_it(
    tmp_path: Path, catch_up: float, *, again: bool
) -> None:
    case = Case(tmp_path, catch_up)
    case.begun("switch")
    assert [case.fails("verify", Unreachable) for _ in range(6)] == [True] * 3 + [again] * 3


def test_a_gate_behind_the_turn_that_finds_something_wrong_goes_back_at_once(tmp_path: Path) -> None:
    case = Case(tmp_path, 60)
    case.begun("switch")
    assert not case.fails("verify", Refused)


def test_whatever_fails_after_the_turn_is_tried_again_though_it_is_refused_then(tmp_path: Path) -> None:
    case = Case(tmp_path, 60)
    case.begun("switch")
    errors = (HalfDone, Refused, Refused, Unreachable, HalfDone, Refused)
    assert [case.fails("switch", error) for error in errors] == [True] * len(errors)


def test_a_way_back_is_not_waited_for(tmp_path: Path) -> None:
    case = Case(tmp_path, 60)
    case.begun("switch")
    assert case.fails("switch", HalfDone)
    assert not case.fails("switch", Refused, Deed.UNDO)
    assert [case.fails("switch", Unreachable, Deed.UNDO) for _ in range(3)] == [True, True, False]
