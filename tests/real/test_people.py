"""Units that people move: each step waits for its person, the way back too, and a rehearsal has no people."""

from collections.abc import Callable
from pathlib import Path

import pytest

from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from migrations.cli.done import confirm
from migrations.cli.help import WrongUse
from migrations.home import RunHome, RunSettings, states_of
from migrations.plan import Actuator, Plan, digest
from migrations.planning.planner import make_plan
from migrations.run.runner import Listener, running
from migrations.states import Direction, PassageResult, UnitState
from tests.real.people import WORKER

pytestmark = pytest.mark.real
Say = Callable[..., int]


@pytest.fixture(scope="module")
def plan(programme: Programme) -> Plan:
    """One system that is carried across town and one that merges into another department's, and nothing else."""
    document = programme.model_dump(mode="json")
    changes = {
        "identity": {"survey": {"obstacle": "a reader of cards in the room"}, "depends_on": []},
        "archive": {"office": "drawings", "into": "identity", "depends_on": []},
    }
    for each in document["systems"]:
        each.update(changes.get(each["system"], {}))
    whole = make_plan(Programme.model_validate(document), load_kinds(playbooks_folder() / "roles"))
    units = tuple(unit for unit in whole.units if unit.name in changes)
    return whole.model_copy(update={"units": units, "untouched": ()})


@pytest.fixture
def home(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunHome:
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path))
    return _made(plan, tmp_path, rehearsal=False)


def _made(plan: Plan, state: Path, *, rehearsal: bool) -> RunHome:
    home = RunHome(state / "runs" / "run")
    known = digest(plan)
    home.create(plan, RunSettings(run="run", plan=known, world=Path("/nowhere"), rehearsal=rehearsal))
    return home


def _say(step: str, *, undone: bool = False) -> None:
    assert confirm(step, "", "seen by hand", undone=undone, as_json=True) == 0


def _reason(result: PassageResult, unit: str) -> str:
    return next(each.reason for each in result.units if each.unit == unit)


def test_each_step_waits_for_its_person_and_the_way_back_does_too(home: RunHome, plan: Plan) -> None:
    def states() -> dict[str, UnitState]:
        return states_of(plan, home.evidence.records())

    assert {step.by for unit in plan.units for step in unit.steps} == {Actuator.PEOPLE}
    with running(home, Listener(), WORKER) as runner:
        result = runner.take(Direction.FORWARD)
        assert states() == {"system:identity": UnitState.WAITING, "system:archive": UnitState.WAITING}
        assert "agree is to be done by civil-affairs until 20" in _reason(result, "system:identity")
        assert "zhenghe done system:identity/agree" in _reason(result, "system:identity")
        # Nobody may speak for a step that is not asked for, nor say that it was taken back.
        for step, undone in (("system:identity/carry", False), ("system:identity/agree", True), ("none", False)):
            with pytest.raises(WrongUse):
                confirm(step, "", "", undone=undone, as_json=True)
        for verb in ("agree", "shut-down", "carry"):
            _say(f"system:identity/{verb}")
            result = runner.take(Direction.FORWARD, ("system:identity",))
        assert "rack is to be done by" in _reason(result, "system:identity")
        # Half way over it may be withdrawn no more, and goes back as people say that they have taken it back.
        assert "take it back" in _reason(runner.take(Direction.WITHDRAW, ("system:identity",)), "system:identity")
        result = runner.take(Direction.BACK, ("system:identity",))
        assert "carry is to be taken back by" in _reason(result, "system:identity")
        for verb in ("carry", "shut-down"):
            _say(f"system:identity/{verb}", undone=True)
            runner.take(Direction.BACK, ("system:identity",))
        assert states()["system:identity"] is UnitState.ROLLED_BACK
        # What was prepared for the merger is given up without anybody's having done anything.
        runner.take(Direction.WITHDRAW, ("system:archive",))
        assert states()["system:archive"] is UnitState.WITHDRAWN


def test_a_rehearsal_has_no_people_and_passes_by_their_steps(plan: Plan, tmp_path: Path) -> None:
    home = _made(plan, tmp_path, rehearsal=True)
    with running(home, Listener(), WORKER) as runner:
        for direction in (Direction.FORWARD, Direction.BACK, Direction.FORWARD):
            runner.take(direction)
        assert set(states_of(plan, home.evidence.records()).values()) == {UnitState.ON_PROBATION}
        runner.take(Direction.COMMIT)
    assert states_of(plan, home.evidence.records()) == {
        "system:identity": UnitState.COMMITTED,
        "system:archive": UnitState.DECOMMISSIONED,
    }
