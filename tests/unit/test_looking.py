"""A look at what was done: what is seen first is kept with its time, what is well again is told, no answer is none."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from migrations.actuators.contract import Observation, ObservedState, Progress, Refused, StepError, Unreachable
from migrations.evidence.kinds import (
    PassageBegun,
    PassageEnded,
    RehearsalEnded,
    StepDone,
    StepFailed,
    TroubleGone,
    TroubleSeen,
    UnitMoved,
)
from migrations.home import RunHome, RunSettings, states_of
from migrations.ledger import ledger_of
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest, digest_of_unit
from migrations.planning.itineraries import MOVE, RELOCATE
from migrations.service.looking import Looker
from migrations.service.troubles import Looked
from migrations.service.users import Users
from migrations.states import Deed, Direction, PassageResult, UnitResult, UnitState
from migrations.trust import witness

WORLD = Path("/nowhere/world.json")


class _Eyes:
    """Sees what a test has put there: an observation or an error by verb, and that all is done for every other one."""

    def __init__(self) -> None:
        self.there: dict[str, Observation | StepError] = {}

    def probe(self, step: Step, progress: Progress) -> Observation:  # noqa: ARG002
        seen = self.there.get(step.verb, Observation(state=ObservedState.DONE))
        if isinstance(seen, StepError):
            raise seen
        return seen

    def apply(self, step: Step, progress: Progress) -> Observation:  # noqa: ARG002
        raise AssertionError("a look changes nothing")

    undo = apply


@pytest.fixture
def eyes() -> _Eyes:
    return _Eyes()


def _unit(name: str, stops: Any, **arguments: Any) -> Unit:
    key = f"system:{name}"
    return Unit(
        name=name,
        kind=Actuator.SYSTEM,
        needs=(),
        steps=tuple(
            Step(
                id=f"{key}/{stop.verb}",
                verb=stop.verb,
                stage=stop.stage,
                kind=stop.kind,
                arguments={"system": name, "verb": stop.verb, **arguments},
                timeout=9,
                by=Actuator.PEOPLE if stop.people else None,
            )
            for stop in stops
        ),
    )


def _run(state: Path, *units: Unit, **states: UnitState) -> RunHome:
    plan = Plan(programme="look", units=units, untouched=())
    home = RunHome(state / "runs" / "run")
    home.create(plan, RunSettings(run="run", plan=digest(plan), world=WORLD))
    witness.begin(home)
    for unit in units:
        for step in unit.steps:
            if step.by is None and step.stage is not Stage.COMMIT and step.kind is not StepKind.GATE:
                home.evidence.write(StepDone(deed=Deed.APPLY, passage=1), unit=unit.key, step=step.id)
        home.evidence.write(UnitMoved(state=states[unit.name], passage=1), unit=unit.key)
    return home


def _looked(home: RunHome, eyes: _Eyes, holds: timedelta = timedelta(days=30)) -> Looked:
    actuators: Mapping[Actuator, Any] = dict.fromkeys(Actuator, eyes)
    looker = Looker(home.path.parent, lambda _home: actuators, Users(keeping=True), holds)
    return looker.world(ledger_of(home.path.parent, "look", WORLD))


def _whats(looked: Looked) -> list[tuple[str, str]]:
    return [(each.what, each.about.partition("/")[2]) for each in looked.troubles if each.what != "proof"]


def _switch(way_back: str) -> Observation:
    opened = [{"host": "old", "side": "source", "component": "db", "state": "sealed", "way_back": way_back}]
    return Observation(state=ObservedState.DONE, facts={"opened": opened})


def test_what_is_seen_first_is_kept_with_its_time_and_told_when_it_is_well_again(tmp_path: Path, eyes: _Eyes) -> None:
    home = _run(tmp_path, _unit("a", MOVE), a=UnitState.ON_PROBATION)
    eyes.there["switch"] = _switch("open")
    assert _whats(_looked(home, eyes)) == []
    eyes.there["switch"] = _switch("broken: no slot")
    first = _looked(home, eyes)
    assert _whats(first) == [("way back", "switch")]
    again = _looked(home, eyes)
    (seen,) = [record for record, _said in TroubleSeen.among(home.evidence.records()) if record.step]
    assert [each.since for each in again.troubles if each.what == "way back"] == [seen.time]
    eyes.there["switch"] = _switch("open")
    assert _whats(_looked(home, eyes)) == []
    assert [record.step for record, _said in TroubleGone.among(home.evidence.records())] == ["system:a/switch"]
    assert witness.testimony(home).outcome == "sound"


def test_no_answer_is_not_known_and_a_source_that_says_no_is_no_way_back(tmp_path: Path, eyes: _Eyes) -> None:
    unit = _unit("a", MOVE, components=[{"name": "db", "sources": ["old"], "targets": ["new"]}])
    home = _run(tmp_path, unit, a=UnitState.ON_PROBATION)
    eyes.there["switch"] = Unreachable("system:a/switch", "no route", where="old")
    assert _whats(_looked(home, eyes)) == [("not known", "switch")]
    eyes.there["switch"] = Refused("system:a/switch", "the cluster is stopped", where="old")
    assert _whats(_looked(home, eyes)) == [("way back", "switch")]
    eyes.there["switch"] = Refused("system:a/switch", "the cluster is stopped", where="new")
    assert _whats(_looked(home, eyes)) == [("not known", "switch")]


def test_a_copy_that_was_cut_off_holds_its_unit_and_one_that_is_late_does_not(tmp_path: Path, eyes: _Eyes) -> None:
    home = _run(tmp_path, _unit("a", MOVE), a=UnitState.SYNCED)

    def copy(**facts: object) -> Observation:
        return Observation(state=ObservedState.NOT_DONE, facts={"new": facts})

    eyes.there["replicate"] = copy(bytes_behind=5_000_000)
    assert _whats(_looked(home, eyes)) == [("copy", "replicate")]
    assert states_of(home.plan(), home.evidence.records()) == {"system:a": UnitState.SYNCED}
    eyes.there["replicate"] = copy(cut_off=True, reason="the slot was cut off")
    with home.held():
        # Whoever works on the run finds it himself, and is not looked at.
        assert "is being carried out" in _looked(home, eyes).left_out[0]
    assert _whats(_looked(home, eyes)) == [("cut off", "replicate")]
    assert states_of(home.plan(), home.evidence.records()) == {"system:a": UnitState.HELD}
    (moved,) = [said for _record, said in UnitMoved.among(home.evidence.records()) if said.state is UnitState.HELD]
    assert "the slot was cut off" in moved.reason
    assert witness.testimony(home).outcome == "sound"


def test_people_who_are_late_are_named(tmp_path: Path, eyes: _Eyes) -> None:
    unit = _unit("r", RELOCATE, who="water-bureau", days=2)
    home = _run(tmp_path, unit, r=UnitState.WAITING)
    asked = StepFailed(deed=Deed.APPLY, passage=1, error="Waiting")
    home.evidence.write(asked, unit=unit.key, step="system:r/agree")
    assert _whats(_looked(home, eyes)) == []
    late = _unit("r", RELOCATE, who="water-bureau", days=-1)
    other = _run(tmp_path / "late", late, r=UnitState.WAITING)
    other.evidence.write(asked, unit=unit.key, step="system:r/agree")
    assert _whats(_looked(other, eyes)) == [("overdue", "agree")]


def _rehearse(state: Path, unit: Unit, number: int, direction: Direction, came_to: UnitState) -> None:
    plan = Plan(programme="look", units=(unit,), untouched=())
    home = RunHome(state / "runs" / f"twin.{number}")
    settings = RunSettings(run=home.path.name, plan=digest(plan), world=WORLD, kind="twin", rehearsal=True)
    home.create(plan, settings)
    result = PassageResult(units=(UnitResult(unit=unit.key, state=came_to),))
    home.evidence.write(PassageBegun(number=1, direction=direction))
    home.evidence.write(PassageEnded(number=1, result=result))
    home.evidence.write(RehearsalEnded(outcome="passed"))


def test_only_a_rehearsal_in_which_the_unit_went_back_proves_its_way_back(tmp_path: Path, eyes: _Eyes) -> None:
    bare = _unit("a", MOVE)
    unit = bare.model_copy(update={"digest": digest_of_unit(bare)})
    home = _run(tmp_path, unit, a=UnitState.ON_PROBATION)

    def proofs(holds: timedelta = timedelta(days=30)) -> list[str]:
        return [each.text for each in _looked(home, eyes, holds).troubles if each.what == "proof"]

    # A bad night asks nobody to go back, whether it passed or not.
    _rehearse(tmp_path, unit, 1, Direction.FORWARD, UnitState.ON_PROBATION)
    _rehearse(tmp_path, unit, 2, Direction.BACK, UnitState.UNKNOWN)
    assert proofs() == ["its way back was never rehearsed as it is"]
    _rehearse(tmp_path, unit, 3, Direction.BACK, UnitState.ROLLED_BACK)
    assert proofs() == []
    assert proofs(timedelta(0)) == ["its way back was rehearsed 0 days ago, which proves nothing after 0"]


def test_a_way_back_that_was_never_rehearsed_or_long_ago_is_told(tmp_path: Path, eyes: _Eyes) -> None:
    home = _run(tmp_path, _unit("a", MOVE), a=UnitState.ON_PROBATION)
    assert [each.text for each in _looked(home, eyes).troubles] == ["its way back was never rehearsed as it is"]
    assert os.listdir(home.path.parent) == ["run"]  # noqa: PTH208
