"""A run on a real engine with an actuator that writes down: states, the way back, failures, and who is kept out."""

import asyncio
import fcntl
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter

from migrations.evidence.chain import Record
from migrations.evidence.kinds import WorkflowFailed
from migrations.home import RunBusy, RunHome, RunSettings, StalePlan, states_of
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest
from migrations.run import runner as runners
from migrations.run.engine.messages import PassageRequest
from migrations.run.engine.serving import STEPS_AT_ONCE
from migrations.run.engine.temporal import QUEUE, reached
from migrations.run.runner import Defective, Listener, passages_of, running
from migrations.states import Direction, UnitState
from tests.real.plans import unit_of
from tests.real.recorder import WORKER, Recorder

pytestmark = pytest.mark.real


def _system(name: str, needs: tuple[str, ...], wave: int) -> Unit:
    verbs = ("prepare", "lag", "switch", "verify", "retire")
    return unit_of(Actuator.SYSTEM, name, *verbs, needs=needs, wave=wave, timeout=30)


PLAN = Plan(
    programme="run",
    untouched=(),
    units=(
        unit_of(Actuator.SITE, "a", "provision", timeout=30),
        _system("b", ("site:a",), 2),
        _system("c", ("site:a", "system:b"), 3),
    ),
)


@pytest.fixture
def home(tmp_path: Path) -> RunHome:
    made = RunHome(tmp_path / "run")
    made.create(PLAN, RunSettings(run="run", plan=digest(PLAN), world=Path("/nowhere"), heartbeat=20))
    return made


@pytest.fixture
def ordered(home: RunHome) -> Callable[..., None]:
    """Have the actuator fail at deeds from now on, or no longer."""

    def order(how: str, *deeds: str) -> None:
        folder = home.path / "fake"
        folder.mkdir(exist_ok=True)
        (folder / how).write_text("\n".join(deeds))

    return order


def _taken(home: RunHome, *directions: Direction) -> dict[str, UnitState]:
    with running(home, Listener(), WORKER) as runner:
        for direction in directions:
            runner.take(direction)
    return states_of(PLAN, home.evidence.records())


def _effects(home: RunHome) -> list[str]:
    return [f"{effect.state} {effect.step}" for effect in Recorder(home).effects()]


def _reason(home: RunHome, unit: str) -> str:
    return [str(r.what["reason"]) for r in home.evidence.records() if r.kind == "unit-state" and r.unit == unit][-1]


def test_failed_verification_returns_the_system_by_itself(home: RunHome, ordered: Callable[..., None]) -> None:
    ordered("refuse", "apply system:b/verify")
    states = _taken(home, Direction.FORWARD)
    assert states == {
        "site:a": UnitState.READY, "system:b": UnitState.ROLLED_BACK, "system:c": UnitState.HELD,
    }  # fmt: skip
    # Its preparation is kept, gates have nothing to take back, and whoever needs it is prepared and no more.
    assert [effect for effect in _effects(home) if "system:c" not in effect] == [
        "done site:a/provision",
        "done system:b/prepare",
        "done system:b/lag",
        "done system:b/switch",
        "not-done system:b/switch",
    ]
    assert [effect for effect in _effects(home) if "system:c" in effect] == ["done system:c/prepare"]
    assert "it was refused" in _reason(home, "system:b")
    assert _reason(home, "system:c") == "it needs system:b"
    ordered("refuse")
    assert _taken(home, Direction.FORWARD)["system:c"] is UnitState.ON_PROBATION


def test_failed_preparation_holds_the_unit_and_changes_nothing_else(
    home: RunHome, ordered: Callable[..., None]
) -> None:
    ordered("refuse", "apply system:b/prepare")
    states = _taken(home, Direction.FORWARD)
    assert (states["system:b"], states["system:c"]) == (UnitState.HELD, UnitState.HELD)
    assert _effects(home) == ["done site:a/provision", "done system:c/prepare"]


def test_who_does_not_answer_is_asked_again_and_then_given_up(home: RunHome, ordered: Callable[..., None]) -> None:
    ordered("unreachable", "apply site:a/provision")
    states = _taken(home, Direction.FORWARD)
    assert set(states.values()) == {UnitState.HELD}
    failed = [record for record in home.evidence.records() if record.kind == "step-failed"]
    assert [record.what["error"] for record in failed] == ["Unreachable"] * 4
    assert failed[0].what["mend"] == "start it"


def test_failed_way_back_is_unknown_until_it_is_mended(home: RunHome, ordered: Callable[..., None]) -> None:
    ordered("refuse", "apply system:b/verify", "undo system:b/switch")
    assert _taken(home, Direction.FORWARD)["system:b"] is UnitState.UNKNOWN
    assert "on the way back" in _reason(home, "system:b")
    # As long as the same is wrong it stays so, whoever asks.
    assert _taken(home, Direction.FORWARD)["system:b"] is UnitState.UNKNOWN
    # Its users are on the new side: that is found, and gone on from, without a person's saying so.
    ordered("refuse")
    lags = _effects(home).count("done system:b/lag")
    assert _taken(home, Direction.FORWARD)["system:b"] is UnitState.ON_PROBATION
    assert (_effects(home).count("done system:b/switch"), _effects(home).count("done system:b/lag")) == (1, lags)


def test_a_unit_found_on_its_old_side_is_returned_by_itself(home: RunHome, ordered: Callable[..., None]) -> None:
    ordered("refuse", "apply system:b/switch", "undo system:b/switch")
    assert _taken(home, Direction.FORWARD)["system:b"] is UnitState.UNKNOWN
    ordered("refuse")
    assert _taken(home, Direction.FORWARD)["system:b"] is UnitState.ROLLED_BACK
    assert "not found done" in _reason(home, "system:b")


def test_nothing_is_committed_that_has_not_come_through_and_nothing_returns_after(
    home: RunHome, ordered: Callable[..., None]
) -> None:
    ordered("refuse", "apply system:c/switch")
    states = _taken(home, Direction.FORWARD, Direction.COMMIT)
    assert states == {
        "site:a": UnitState.COMMITTED, "system:b": UnitState.DECOMMISSIONED, "system:c": UnitState.ROLLED_BACK,
    }  # fmt: skip
    assert "done system:c/retire" not in _effects(home)
    assert _taken(home, Direction.BACK) == states
    assert "not-done system:b/switch" not in _effects(home)


DEFECTIVE = f"""
import runpy, sys
from migrations.run.engine.workflows import UnitWorkflow

async def defective(*_):
    raise RuntimeError("a defect in the workflow")

UnitWorkflow._cut_over = defective
sys.argv[0] = {WORKER[1]!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""A worker with an error in the workflow of a unit, which its server tries again for ever."""


class _Warned(Listener):
    """Keeps what is told of troubles."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, text: str) -> None:
        self.warnings.append(text)


def test_a_workflow_that_fails_again_and_again_is_told_and_goes_on_with_a_version_that_has_it_mended(
    home: RunHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "ASK_AFTER_FAILING", 1.0)
    warned = _Warned()
    with running(home, warned, (sys.executable, "-c", DEFECTIVE)) as runner, pytest.raises(Defective) as told:
        runner.take(Direction.FORWARD)
    assert "RuntimeError: a defect in the workflow" in str(told.value)
    assert any("begins anew from its evidence" in text for text in warned.warnings)
    failed = [failure for _record, failure in WorkflowFailed.among(home.evidence.records())]
    assert {failure.workflow for failure in failed} == {"run/1/system:b"}
    assert min(failure.attempts for failure in failed) >= 3
    # Whatever had come through before is not done again.
    assert set(_taken(home, Direction.FORWARD).values()) == {UnitState.READY, UnitState.ON_PROBATION}
    assert [passage.is_open for passage in passages_of(home.evidence.records())] == [False]
    assert sorted(_effects(home)).count("done system:b/prepare") == 1


class _Stops(Listener):
    """Ends the command when a step has begun, as a kill would."""

    def __init__(self, step: str) -> None:
        self._step = step

    def recorded(self, record: Record) -> None:
        if (record.kind, record.step) == ("step-begun", self._step):
            raise KeyboardInterrupt


def test_way_back_ends_a_passage_that_was_cut_off_in_a_switch(home: RunHome, ordered: Callable[..., None]) -> None:
    ordered("halt", "after apply system:b/switch")
    with pytest.raises(KeyboardInterrupt), running(home, _Stops("system:b/switch"), WORKER) as runner:
        runner.take(Direction.FORWARD)
    ordered("halt")
    assert _taken(home, Direction.BACK)["system:b"] is UnitState.ROLLED_BACK
    first, second = passages_of(home.evidence.records())
    assert (first.abandoned, second.abandoned) == (True, False)
    assert _effects(home).count("done system:b/switch") == _effects(home).count("not-done system:b/switch")


def test_preparation_is_kept_by_a_way_back_that_was_asked_for(home: RunHome) -> None:
    _taken(home, Direction.FORWARD, Direction.BACK, Direction.FORWARD)
    begun = [record.step for record in home.evidence.records() if record.kind == "step-begun"]
    assert begun.count("system:b/prepare") == 1
    assert (begun.count("system:b/lag"), begun.count("system:b/switch")) == (2, 3)


def test_only_named_units_are_taken(home: RunHome) -> None:
    _taken(home, Direction.FORWARD)
    with running(home, Listener(), WORKER) as runner:
        result = runner.take(Direction.BACK, ("system:c",))
    assert [(unit.unit, unit.state) for unit in result.units] == [("system:c", UnitState.ROLLED_BACK)]
    assert states_of(PLAN, home.evidence.records())["system:b"] is UnitState.ON_PROBATION


def test_second_command_is_kept_out(home: RunHome) -> None:
    with home.held(), pytest.raises(RunBusy), home.held(patience=0):
        pass


def test_plan_that_was_changed_is_not_carried_out(home: RunHome) -> None:
    home.plan_file.write_text(home.plan_file.read_text().replace("system:b/retire", "system:b/remove"))
    with pytest.raises(StalePlan):
        home.plan()


def test_message_that_this_run_did_not_seal_does_nothing(home: RunHome) -> None:
    forged = PassageRequest(run="run", number=9, direction=Direction.COMMIT)

    async def forge(address: str) -> None:
        client = await reached(address, pydantic_data_converter)
        await client.start_workflow("passage", forged, id="forged", task_queue=QUEUE)

    with running(home, Listener(), WORKER) as runner:
        runner.take(Direction.FORWARD, ("site:a",))
        asyncio.run(forge(runner.address))
        runner.take(Direction.FORWARD, ("site:a", "system:b"))
    assert not any(record.what.get("passage") == 9 for record in home.evidence.records())
    assert states_of(PLAN, home.evidence.records())["system:b"] is UnitState.ON_PROBATION


def _fronted(name: str, *hosts: str) -> Unit:
    arguments = {"entries": [{"host": host} for host in hosts]}
    step = Step(
        id=f"system:{name}/front",
        verb="front",
        stage=Stage.PREPARE,
        kind=StepKind.COMPENSATABLE,
        arguments=arguments,
        timeout=60,
    )
    return Unit(name=name, kind=Actuator.SYSTEM, needs=(), wave=1, steps=(step,))


class _Frees(Listener):
    """Lets a lock go when a step has been done."""

    def __init__(self, lock: IO[bytes], step: str) -> None:
        self._lock = lock
        self._step = step
        self.done: list[str] = []

    def recorded(self, record: Record) -> None:
        if record.kind == "step-done":
            self.done.append(record.step)
            if record.step == self._step:
                fcntl.flock(self._lock, fcntl.LOCK_UN)


def test_who_waits_for_an_entry_keeps_nobody_else_from_the_worker(tmp_path: Path) -> None:
    waiting = tuple(_fronted(f"a{number}", "entry-1") for number in range(STEPS_AT_ONCE + 2))
    plan = Plan(programme="run", units=(*waiting, _fronted("z")), untouched=())
    home = RunHome(tmp_path / "run")
    home.create(plan, RunSettings(run="run", plan=digest(plan), world=Path("/nowhere")))
    with (home.locks / hashlib.sha256(b"entry:entry-1").hexdigest()[:24]).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        frees = _Frees(lock, "system:z/front")
        with running(home, frees, WORKER) as runner:
            result = runner.take(Direction.FORWARD)
    assert frees.done[0] == "system:z/front"
    assert {unit.state for unit in result.units} == {UnitState.READY}


def test_what_was_prepared_is_withdrawn_and_can_be_prepared_again(home: RunHome, ordered: Callable[..., None]) -> None:
    systems = ("system:b", "system:c")
    ordered("refuse", "apply system:b/lag")
    with running(home, Listener(), WORKER) as runner:
        runner.take(Direction.FORWARD)
        ordered("refuse", "undo system:c/prepare")
        # Who needs it goes first; where that fails, what it stands on is kept.
        runner.take(Direction.WITHDRAW, systems)
        states = states_of(PLAN, home.evidence.records())
        assert (states["system:c"], states["system:b"]) == (UnitState.HELD, UnitState.ROLLED_BACK)
        ordered("refuse")
        runner.take(Direction.WITHDRAW, systems)
        states = states_of(PLAN, home.evidence.records())
        assert states == {
            "site:a": UnitState.READY, "system:b": UnitState.WITHDRAWN, "system:c": UnitState.WITHDRAWN,
        }  # fmt: skip
        assert _effects(home)[-2:] == ["not-done system:c/prepare", "not-done system:b/prepare"]
        runner.take(Direction.FORWARD)
        assert set(states_of(PLAN, home.evidence.records()).values()) == {UnitState.READY, UnitState.ON_PROBATION}
        # What has moved is taken back, and not withdrawn.
        result = runner.take(Direction.WITHDRAW, ("system:c",))
        assert [unit.state for unit in result.units] == [UnitState.ON_PROBATION]
        assert "take it back first" in result.units[0].reason
