"""What workflows, activities and the command say to each other: references into the plan, never its contents."""

from inventory.base import Model
from migrations.plan import Actuator, Stage, StepKind
from migrations.states import Deed, Direction, UnitResult, UnitState

WAITS = "Waiting for a person"
"""The type by which an activity tells a workflow that nothing is wrong, and a person has something to do first."""


class SoFar(Model):
    """How the units of a passage stand where it goes on as a new workflow."""

    ended: tuple[UnitResult, ...] = ()
    prepared: tuple[str, ...] = ()
    """Keys of those whose cutover comes next."""
    under_way: tuple[str, ...] = ()
    """Names of the workflows of units that have not ended."""


class PassageRequest(Model):
    """A passage of units in one direction; `units` are their keys, all of the plan's where it is empty."""

    run: str
    number: int
    direction: Direction
    units: tuple[str, ...] = ()
    heartbeat: float = 10.0
    """Seconds after which a silent worker is taken for dead."""
    history: int = 8000
    """Events of the passage's workflow after which it goes on as a new one."""
    so_far: SoFar = SoFar()

    def alone(self) -> "PassageRequest":
        """Return which passage it is and nothing else: whoever takes part in it need not be told of all others."""
        return self.model_copy(update={"units": (), "so_far": SoFar()})


class StepOutline(Model):
    """What a workflow has to know of a step."""

    id: str
    verb: str
    stage: Stage
    kind: StepKind
    timeout: float


class UnitOutline(Model):
    """What a workflow has to know of a unit to carry its steps out, and how far it has come before."""

    key: str
    kind: Actuator
    state: UnitState
    entered: bool
    """Whether it has begun its cutover and not been returned since."""
    prepared: bool
    """Whether its preparation was completed and then kept by a way back that was asked for; its gates look again."""
    steps: tuple[StepOutline, ...]


class UnitNeeds(Model):
    """What a workflow has to know of a unit to find its turn; needs that are not taken along are not in it."""

    key: str
    needs: tuple[str, ...]


class UnitRequest(Model):
    """One unit's part of a passage."""

    passage: PassageRequest
    unit: str
    stage: Stage | None = None
    """Which part of the way forward; none where it is taken as a whole, as the other directions are."""
    stuck: tuple[str, ...] = ()
    """Those that go before it and do not let it go on."""


class PartEnded(Model):
    """How a unit's workflow ended, told to a passage that did not begin it; without a result it has failed."""

    part: str
    result: UnitResult | None = None
    failure: str = ""


class StepRequest(Model):
    """One deed for one step; the state is that of the unit meanwhile."""

    passage: PassageRequest
    unit: str
    step: str
    deed: Deed
    state: UnitState


class Receipt(Model):
    """Who carried a deed out says so for this deed alone: an answer that was copied, or none, is no receipt for it."""

    passage: int
    step: str
    deed: Deed


class Note(Model):
    """A unit's new state with its reason, to be kept in the evidence."""

    passage: PassageRequest
    unit: str
    state: UnitState
    reason: str = ""
