"""The evidence as a worker needs it again and again: read once, followed from there, and sorted by unit."""

import threading

from migrations.evidence.chain import Evidence, Record
from migrations.evidence.kinds import PassageBegun, PassageEnded, StepBegun, StepDone, StepFailed, UnitMoved
from migrations.plan import Stage, StepKind, Unit
from migrations.states import Deed, UnitState

KEPT = (PassageBegun, PassageEnded, StepBegun, StepDone, StepFailed, UnitMoved)
"""What a worker asks for; all else that is written in the weeks of a run is not looked into, and not kept in memory."""


class Memory:
    """What the evidence of a run says of its units' steps and states; may be asked by several threads."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._offset = 0
        self._of: dict[str, list[Record]] = {}
        self._open: int | None = None
        self._one_at_a_time = threading.Lock()

    def of(self, unit: str) -> tuple[Record, ...]:
        """Return the records of a unit's steps and states in order, up to now; OSError, DamagedEvidence."""
        with self._one_at_a_time:
            self._follow()
            return tuple(self._of.get(unit, ()))

    def open_passage(self) -> int | None:
        """Return the number of the passage that was begun last and has not ended; OSError, DamagedEvidence."""
        with self._one_at_a_time:
            self._follow()
            return self._open

    def _follow(self) -> None:
        records, self._offset = self._evidence.follow(self._offset, KEPT)
        for record in records:
            self._of.setdefault(record.unit, []).append(record)
            if (begun := PassageBegun.of(record)) is not None:
                self._open = begun.number
            elif record.kind == PassageEnded.KIND:
                self._open = None


def unseen(unit: Unit, state: UnitState, records: tuple[Record, ...]) -> str:
    """Name the step of a unit that must have been seen done, or undone, for it to come to a state, and was not.

    Whoever answers in a step's place would otherwise move a unit's state without anything having been done.
    """
    last = {record.step: record for record in records if record.kind in {StepBegun.KIND, StepDone.KIND}}
    for step in unit.steps:
        known = last.get(step.id)
        end = StepDone.of(known) if known is not None else None
        done = end.deed if end is not None else None
        match state:
            case UnitState.ON_PROBATION if step.stage is Stage.CUTOVER:
                seen = done is Deed.APPLY
            case UnitState.DECOMMISSIONED if step.stage is Stage.COMMIT:
                seen = done is Deed.APPLY
            case UnitState.ROLLED_BACK if step.stage is Stage.CUTOVER and step.kind is not StepKind.GATE:
                seen = known is None or done is Deed.UNDO
            case UnitState.WITHDRAWN if step.stage is Stage.PREPARE:
                seen = done is Deed.UNDO
            case _:
                seen = True
        if not seen:
            return step.id
    return ""
