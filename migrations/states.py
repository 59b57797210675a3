"""How far a unit has come, which way it is taken, and what is asked of those who act on it."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from inventory.base import Model
from inventory.words import _N


class UnitState(StrEnum):
    """How far a unit has come; everything before COMMITTED can return without loss."""

    PLANNED = "PLANNED"
    SEEDING = "SEEDING"
    """It is being prepared and copied; nothing has changed for clients."""
    SYNCED = "SYNCED"
    """Its copy follows its source."""
    READY = "READY"
    """It is prepared and has nothing to switch: a site, or a system that will be retired."""
    CUTTING_OVER = "CUTTING_OVER"
    VERIFYING = "VERIFYING"
    ON_PROBATION = "ON_PROBATION"
    """It works in its new place and the way back is open."""
    COMMITTED = "COMMITTED"
    DECOMMISSIONED = "DECOMMISSIONED"
    """What it left behind is given up."""
    ROLLING_BACK = "ROLLING_BACK"
    ROLLED_BACK = "ROLLED_BACK"
    """It works in its old place again; its preparation is kept, so that the next attempt need not copy anew."""
    WITHDRAWING = "WITHDRAWING"
    """Its preparation is being given up; nothing has changed for clients."""
    WITHDRAWN = "WITHDRAWN"
    """Its preparation was given up: everything is as it was before."""
    WAITING = "WAITING"
    """It waits for a person who has something to do: `zhenghe done` lets it go on, whether it has moved or not."""
    HELD = "HELD"
    """It waits for a person: a step before the cutover failed, or a unit that it needs did not come through."""
    UNKNOWN = "UNKNOWN"
    """The way back failed as well: a person must look before anything else is done."""


STATES: Mapping[UnitState, str] = {
    UnitState.PLANNED: _N("planned"),
    UnitState.SEEDING: _N("being prepared"),
    UnitState.SYNCED: _N("in step with its source"),
    UnitState.READY: _N("ready"),
    UnitState.CUTTING_OVER: _N("cutting over"),
    UnitState.VERIFYING: _N("being verified"),
    UnitState.ON_PROBATION: _N("on probation"),
    UnitState.COMMITTED: _N("committed"),
    UnitState.DECOMMISSIONED: _N("done, source given up"),
    UnitState.ROLLING_BACK: _N("going back"),
    UnitState.ROLLED_BACK: _N("back in its old place"),
    UnitState.WITHDRAWING: _N("being withdrawn"),
    UnitState.WITHDRAWN: _N("withdrawn"),
    UnitState.WAITING: _N("waits for people"),
    UnitState.HELD: _N("held"),
    UnitState.UNKNOWN: _N("unknown"),
}
"""Words for states, to be translated."""
LINE_STATES: Mapping[UnitState, str] = {UnitState.DECOMMISSIONED: _N("released")}
"""Words that are others for lines."""

BETWEEN = frozenset(
    {
        UnitState.CUTTING_OVER,
        UnitState.VERIFYING,
        UnitState.ON_PROBATION,
        UnitState.ROLLING_BACK,
        UnitState.WAITING,
        UnitState.UNKNOWN,
    }
)
"""States in which users are, or may be, served from one side while the other one is still needed."""
THROUGH = frozenset({UnitState.READY, UnitState.ON_PROBATION, UnitState.COMMITTED, UnitState.DECOMMISSIONED})


def state_word(kind: str, state: UnitState, say: Callable[[str], str]) -> str:
    """Return the word for a state of a unit of some kind."""
    return say((LINE_STATES if kind == "line" else {}).get(state, STATES[state]))


class Direction(StrEnum):
    """Which way a passage takes the units."""

    FORWARD = "forward"
    BACK = "back"
    COMMIT = "commit"
    WITHDRAW = "withdraw"
    """Gives up what was prepared, so that sources, entries and devices are as they were before."""


GOALS: Mapping[Direction, frozenset[UnitState]] = {
    Direction.FORWARD: THROUGH,
    Direction.BACK: frozenset({UnitState.ROLLED_BACK, UnitState.READY, UnitState.PLANNED, UnitState.WITHDRAWN}),
    Direction.COMMIT: frozenset({UnitState.COMMITTED, UnitState.DECOMMISSIONED}),
    Direction.WITHDRAW: frozenset({UnitState.WITHDRAWN, UnitState.PLANNED}),
}
"""The states that a unit may have when a passage came through; on the way back one that never moved is where it was."""


class Deed(StrEnum):
    """What an actuator is asked to do with a step."""

    PROBE = "probe"
    APPLY = "apply"
    UNDO = "undo"


class UnitResult(Model):
    """How a unit came out of a passage."""

    unit: str
    state: UnitState
    reason: str = ""


class PassageResult(Model):
    """How all units came out of a passage, sorted by key."""

    units: tuple[UnitResult, ...]
