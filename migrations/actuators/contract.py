"""The seam between a run and those who act: one Protocol for sites, systems and lines.

StepError
├── Refused       the answer is no and stays no until somebody mends something
├── Unreachable   somebody did not answer; trying again may help
├── HalfDone      users are on the new side and something there failed; the way back would need it as well
├── Busy          somebody else holds what is to be changed, for some time at the most
└── Waiting       a person has something to do and has not said that it is done
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from inventory.base import Model
from inventory.errors import ZhengheError
from migrations.plan import Step

Progress = Callable[[str], None]
"""Is told in a line what is being done; may be called from any thread and at any pace."""


class ObservedState(StrEnum):
    """Whether a step's effect is there."""

    DONE = "done"
    NOT_DONE = "not-done"
    UNKNOWN = "unknown"


class Observation(Model):
    """What was seen of a step's effect; facts are measured values fit for evidence, never secrets."""

    state: ObservedState
    facts: dict[str, Any] = {}  # noqa: RUF012
    detail: str = ""


class StepError(ZhengheError):
    """A step did not come through; carries the step, where it failed (host or device), why, and what to do next."""

    def __init__(self, step: str, reason: str, *, where: str = "", mend: str = "") -> None:
        self.step = step
        self.reason = reason
        self.where = where
        self.mend = mend
        super().__init__(": ".join(part for part in (step, where, reason, mend) if part))


class Refused(StepError):
    """The step cannot be done as things are; it is not tried again by itself."""


class Unreachable(StepError):
    """A host, device or service did not answer; the step is tried again."""


class HalfDone(StepError):
    """Users are on the new side already, and the rest failed: it is tried again before a way back that needs it too."""


class Busy(StepError):
    """Somebody else holds what is to be changed, such as a change that was cut off and waits for its timer."""


class Waiting(StepError):
    """A person has something to do: nothing is wrong, and the unit goes on when he has said that it is done."""


class StepActuator(Protocol):
    """Acts on the world for one kind of unit.

    `apply` and `undo` observe first, change what is missing, observe again and return what they saw last; they may be
    called again after a kill at any instant. All raise StepError.
    """

    def probe(self, step: Step, progress: Progress) -> Observation:
        """Observe, and change nothing."""

    def apply(self, step: Step, progress: Progress) -> Observation:
        """Bring the step's effect about; DONE when it is there."""

    def undo(self, step: Step, progress: Progress) -> Observation:
        """Take the step's effect back; NOT_DONE when it is gone."""
