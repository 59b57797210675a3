"""What keeps an unconfirmed change from staying: one guard for each way in which devices can take a change back.

A guard owns when its timer starts, for that is where platforms differ: before typing (a keeper on the device), at
commit, or when a whole file is loaded. Whoever uses one need not know.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal, Protocol

from inventory.base import Model
from netcfg.guards.lines import LinePath, Ours

Outcome = Literal["returned", "kept", "differs", "open", "left", "untouched"]
"""What became of a change on one device, after a comparison.

`open`: it could not be compared, its timer runs; `left`: nothing was done, for others changed the device since;
`untouched`: the device was never held for it.
"""


class Standing(Model):
    """What a guard sees of a device."""

    state: Literal["free", "busy", "left"]
    """`busy` while another change goes on; `left` where one was never decided and nobody attends to it."""
    owner: str = ""
    running: str = ""
    """The configuration in force."""
    startup: str
    """The configuration that the device would start with."""
    strange: str = ""
    """Why it cannot be told which configuration is in force; empty where it can."""
    unloaded: bool = False
    """That one was edited since, and the device has not read it yet."""
    full: str = ""
    """Why the device has no room for its configuration; empty where it has."""
    silent: str = ""
    """The part of the device that does not answer, so that its configuration is not shown whole."""


class Settled(Model):
    """What became of a change on one device, and which lines stand differently from before it."""

    outcome: Outcome
    ours: tuple[tuple[str, ...], ...] = ()
    """Lines of the change that are not as they were before it."""
    others: tuple[tuple[str, ...], ...] = ()
    """Lines that somebody else changed meanwhile; they stay."""
    why: str = ""
    lost: bool = False
    """The timer did not run any more."""
    restarted: bool = False
    """The device was started anew since."""


@dataclass(frozen=True)
class Ticket:
    """One attempt at a stage: its name on devices, the same at every attempt, and what tells it from all others."""

    label: str
    token: str
    seconds: float
    """After so many seconds an unconfirmed change returns by itself."""


@dataclass(frozen=True)
class Way:
    """What leads a device from the configuration in force to another one, and what takes that back."""

    running: str
    goal: str
    ours: Ours


class Guard(Protocol):
    """Keeps one change of one device: it is confirmed, or it returns."""

    def look(self) -> Standing:
        """Return whether a change is under way, and what the device starts with; changes nothing."""

    def settle(self, owner: str, stage: Set[LinePath]) -> Settled:
        """Bring to an end what an attempt left undecided; touches nothing where others may have changed the device.

        `stage` is all that a stage may change, for a device that does not remember it.
        """

    def hold(self, way: Way) -> Literal["held", "busy", "left", "changed"]:
        """Hold the device for this change, its timer running from here on where the platform wants that.

        NotHeld where what would be needed to take it back cannot be kept.
        """

    def push(self, way: Way) -> None:
        """Put a change in force, not for good; TooLate where less than a third of the timer's time is left."""

    def confirm(self, way: Way) -> Outcome:
        """Keep the change."""

    def take_back(self, way: Way) -> Settled:
        """Take the change back now, and compare."""

    def save(self) -> None:
        """Make the confirmed configuration the one to start with."""

    def release(self) -> None:
        """Let the device go for other changes."""
