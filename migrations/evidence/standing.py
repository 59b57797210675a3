"""How far units have come, folded from evidence by one function for all who ask: engine, proof, status, ledger."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from inventory.base import Model
from migrations.evidence.chain import Record
from migrations.evidence.kinds import StepBegun, UnitMoved
from migrations.plan import Plan, Stage, StepKind, Unit
from migrations.states import UnitState

FOLDED = (StepBegun, UnitMoved)
"""The kinds of records that say how far a unit has come."""


class Standing(Model):
    """How far one unit has come in one run, and since when."""

    state: UnitState = UnitState.PLANNED
    reason: str = ""
    """Why it stands there, where it did not come through."""
    since: datetime | None = None
    """When it came to this state; nothing for a unit with which nothing was done."""
    entered: bool = False
    """Whether it has begun to change something in its cutover and was not returned since."""
    prepared: bool = False
    """Whether it was returned because somebody asked for it: its preparation was completed and is kept.

    After a cutover that failed it is gone through again, because that may be what was wrong.
    """


class RunView:
    """Folds the records of one run, one after the other; what was folded before is not looked at again."""

    def __init__(self, units: Iterable[Unit], known: Mapping[str, Standing] | None = None) -> None:
        """Begin with what is known of units, by key; nothing where it is left out."""
        every = tuple(units)
        self._cutover = {
            step.id
            for unit in every
            for step in unit.steps
            if step.stage is Stage.CUTOVER and step.kind is not StepKind.GATE
        }
        self._of = {unit.key: (known or {}).get(unit.key, Standing()) for unit in every}

    @property
    def standings(self) -> Mapping[str, Standing]:
        """Return how far each unit of the plan has come, by key."""
        return dict(self._of)

    def of(self, unit: str) -> Standing:
        """Return how far one unit has come; KeyError for one that is not in the plan."""
        return self._of[unit]

    def take(self, records: Iterable[Record]) -> None:
        """Fold more records, which follow those before."""
        for record in records:
            before = self._of.get(record.unit)
            if before is None:
                continue
            if (begun := StepBegun.of(record)) is not None:
                entered = before.entered or record.step in self._cutover
                update = {"state": begun.state, "since": _since(before, begun.state, record), "entered": entered}
                self._of[record.unit] = before.model_copy(update=update)
            elif (moved := UnitMoved.of(record)) is not None:
                returned = moved.state is UnitState.ROLLED_BACK
                self._of[record.unit] = Standing(
                    state=moved.state,
                    reason=moved.reason,
                    since=_since(before, moved.state, record),
                    entered=before.entered and not returned,
                    prepared=returned and not moved.reason,
                )


def _since(before: Standing, state: UnitState, record: Record) -> datetime:
    return before.since if state is before.state and before.since is not None else record.time


def standings_of(plan: Plan, records: Iterable[Record]) -> Mapping[str, Standing]:
    """Return how far each unit of a plan has come, by key."""
    view = RunView(plan.units)
    view.take(records)
    return view.standings


def standing_of(unit: Unit, records: Iterable[Record]) -> Standing:
    """Return how far one unit has come."""
    view = RunView((unit,))
    view.take(records)
    return view.of(unit.key)
