"""The steps that a system goes through, by its disposition; who does each is its actuator's affair.

    moves      (rehost, replatform)  copied, fronted, switched in one pause, the old side given up
    retires    its components are archived and stopped
    relocates  its own hardware is carried to another room: people do all of it
    merges     people take its data over into another system, and its users go there
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from inventory.model import Disposition
from migrations.plan import Actuator, Stage, StepKind


class Stop(NamedTuple):
    """One step of an itinerary: its timeout is in seconds, and in days what a person has for it."""

    verb: str
    stage: Stage
    kind: StepKind
    timeout: float = 60.0
    per: Literal["system", "component", "entry"] = "system"
    backwards: bool = False
    """Whether components take their turns from the last to the first: the one that others use is the last to stop."""
    waits: bool = False
    """Whether the system's limit for catching up is added to its timeout."""
    people: Literal["", "own", "taking"] = ""
    """Whose people do it: those of its own department, or of the one that takes it over; else a program does."""
    days: int = 0


MOVE = (
    Stop("prepare", Stage.PREPARE, StepKind.COMPENSATABLE, 300, per="component"),
    Stop("replicate", Stage.PREPARE, StepKind.COMPENSATABLE, 300, per="component", waits=True),
    Stop("front", Stage.PREPARE, StepKind.REVERSIBLE, 180, per="entry"),
    Stop("lag", Stage.CUTOVER, StepKind.GATE, 120, waits=True),
    Stop("switch", Stage.CUTOVER, StepKind.REVERSIBLE, 180, waits=True),
    Stop("verify", Stage.CUTOVER, StepKind.GATE, 300),
    Stop("retire", Stage.COMMIT, StepKind.PIVOT, 300, per="component", backwards=True),
)
RETIRE = (Stop("retire", Stage.COMMIT, StepKind.COMPENSATABLE, 300, per="component", backwards=True),)
RELOCATE = (
    Stop("agree", Stage.PREPARE, StepKind.REVERSIBLE, people="own", days=14),
    Stop("shut-down", Stage.CUTOVER, StepKind.REVERSIBLE, people="own", days=14),
    Stop("carry", Stage.CUTOVER, StepKind.REVERSIBLE, people="own", days=2),
    Stop("rack", Stage.CUTOVER, StepKind.REVERSIBLE, people="own", days=2),
    Stop("readdress", Stage.CUTOVER, StepKind.REVERSIBLE, people="own", days=2),
    Stop("accept", Stage.CUTOVER, StepKind.GATE, people="own", days=7),
)
MERGE = (
    Stop("export", Stage.PREPARE, StepKind.REVERSIBLE, people="own", days=30),
    Stop("take-over", Stage.PREPARE, StepKind.REVERSIBLE, people="taking", days=30),
    Stop("redirect", Stage.CUTOVER, StepKind.REVERSIBLE, people="own", days=7),
    Stop("accept", Stage.CUTOVER, StepKind.GATE, people="taking", days=7),
    Stop("close-down", Stage.COMMIT, StepKind.PIVOT, people="own", days=30),
)
ITINERARIES: Mapping[Disposition, tuple[Stop, ...]] = {
    Disposition.REHOST: MOVE,
    Disposition.REPLATFORM: MOVE,
    Disposition.RETIRE: RETIRE,
    Disposition.RELOCATE: RELOCATE,
    Disposition.MERGE: MERGE,
}
"""A disposition without one is no unit's."""
BY_PEOPLE = frozenset({Disposition.RELOCATE, Disposition.MERGE})


def actuator_of(stop: Stop) -> Actuator | None:
    """Return who carries a step out, where that is not the actuator of its unit's kind."""
    return Actuator.PEOPLE if stop.people else None
