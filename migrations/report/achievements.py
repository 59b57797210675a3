"""Achievements of runs in the real world, as records of the same form as those of the inventory.

A rehearsal in a twin achieves nothing, nor does a run whose evidence was changed. Only what stands at the end counts: a
unit that was rolled back has achieved nothing.
"""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from inventory.base import Model
from inventory.errors import ZhengheError, cause_of
from inventory.model import Record
from inventory.obligations.dates import CHINA
from inventory.words import _
from migrations.evidence.chain import Record as Seen
from migrations.evidence.chain import Soundness
from migrations.evidence.kinds import UnitChecked, UnitMoved, WritesJudged
from migrations.home import RunHome, states_of
from migrations.plan import STANDING, Actuator, Plan, Stage, Unit
from migrations.states import UnitState
from migrations.trust.witness import signed_part, testimony

ARRIVED = frozenset({UnitState.ON_PROBATION, UnitState.READY})
MOVED = frozenset({UnitState.ON_PROBATION, UnitState.COMMITTED, UnitState.DECOMMISSIONED})


class RunAchievements(Model):
    """The records that runs amount to, which runs they come from, and why others were left out."""

    records: tuple[Record, ...] = ()
    runs: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def achievements_of_runs(runs: Path, programme: str) -> RunAchievements:
    """Return what the runs of a programme in the real world have achieved; twins' runs are passed over."""
    records: list[Record] = []
    names: list[str] = []
    left_out: list[str] = []
    for path in sorted(runs.glob("*/run.json")):
        home = RunHome(path.parent)
        try:
            found = _of_run(home, programme)
        except (OSError, ValueError, KeyError, ZhengheError) as exc:
            left_out.append(_("run {run} does not count: {reason}").format(run=home.path.name, reason=cause_of(exc)))
            continue
        if found is not None:
            records += found
            names.append(home.path.name)
    return RunAchievements(records=tuple(records), runs=tuple(names), left_out=tuple(left_out))


def _of_run(home: RunHome, programme: str) -> tuple[Record, ...] | None:
    settings = home.settings()
    if settings.kind != "real" or not home.evidence.path.exists():
        return None
    plan = home.plan()
    if plan.programme != programme:
        return None
    verdict = testimony(home)
    if verdict.outcome in {Soundness.BROKEN, Soundness.UNSIGNED}:
        raise ValueError(verdict.reason)
    # Whatever came after the last signature, nobody stands for.
    return tuple(achieved_in(plan, signed_part(home.evidence.records()), home.path.name))


def achieved_in(plan: Plan, seen: tuple[Seen, ...], run: str) -> Iterator[Record]:
    """Yield what the evidence of one run shows of the units of its plan."""
    states = states_of(plan, seen)
    by_unit: dict[str, list[Seen]] = {}
    for each in seen:
        by_unit.setdefault(each.unit, []).append(each)
    for unit in plan.units:
        of_unit = by_unit.get(unit.key, [])
        kind, day = _end_of(unit, states[unit.key], of_unit)
        if day is not None:
            yield Record(kind=kind, subject=unit.key, date=day, note=run)
        checked = _checked(unit, states[unit.key], of_unit)
        if checked is not None:
            yield Record(kind="verified", subject=unit.key, date=_day(checked.time), note=run)


def _end_of(unit: Unit, state: UnitState, seen: list[Seen]) -> tuple[Any, date | None]:
    """Return the kind of record that a unit's end amounts to, and its day; no day where it is not at its end."""
    if unit.kind in STANDING:
        return "committed", _last(seen, UnitState.READY) if state in {UnitState.READY, *MOVED} else None
    if unit.kind is Actuator.LINE:
        # Its rent can end only when it was released, which is what its commit's steps do.
        return "committed", _last(seen, UnitState.DECOMMISSIONED) if state is UnitState.DECOMMISSIONED else None
    if not any(step.stage is Stage.CUTOVER for step in unit.steps):
        return "retired", _last(seen, UnitState.DECOMMISSIONED) if state is UnitState.DECOMMISSIONED else None
    committed = state in {UnitState.COMMITTED, UnitState.DECOMMISSIONED}
    return "committed", _last(seen, UnitState.COMMITTED) if committed else None


def _checked(unit: Unit, state: UnitState, seen: list[Seen]) -> Seen | None:
    """Return the last check of a unit in its new place, where it found nothing wrong and no write was lost."""
    if state not in MOVED and not (unit.kind in STANDING and state is UnitState.READY):
        return None
    arrived = max((each.seq for each in seen if _state(each) in ARRIVED), default=None)
    if arrived is None:
        return None
    since = [each for each in seen if each.seq > arrived]
    checks = list(UnitChecked.among(since))
    # The last word on each probe's writes: what nobody answered for then may have been settled since.
    verdicts = {verdict.name: verdict for _record, verdict in WritesJudged.among(since)}
    wrong = any(verdict.lost or verdict.doubled or verdict.unanswered for verdict in verdicts.values())
    if not checks or wrong:
        return None
    record, found = checks[-1]
    return record if found.passed and not found.failed and not found.unknown else None


def _last(seen: list[Seen], state: UnitState) -> date | None:
    return next((_day(each.time) for each in reversed(seen) if _state(each) is state), None)


def _state(seen: Seen) -> UnitState | None:
    moved = UnitMoved.of(seen)
    return None if moved is None else moved.state


def _day(time: datetime) -> date:
    return time.astimezone(CHINA).date()
