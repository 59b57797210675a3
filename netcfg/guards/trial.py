"""The guard of devices that commit a candidate on trial; all of it is typed on their command line.

The timer is the device's own and starts with the commit on trial. Until that a candidate belongs to its session alone
and goes with it; from then on nobody else can configure the device until the trial is over, so that whatever returns is
ours. Which attempt a trial belongs to is its persistence mark, which any session may name.
"""

import math
import re
import time
from collections.abc import Set
from contextlib import suppress
from typing import Literal

from inventory.words import _
from netcfg.difference import commands_between
from netcfg.errors import CommandRejected, DeviceError, NotHeld, TooLate
from netcfg.guards import Outcome, Settled, Standing, Ticket, Way
from netcfg.guards.lines import LinePath
from netcfg.guards.typed import TypedDevice, changes
from netcfg.platforms import Platform, Trial
from netcfg.terminals import Terminal

_MARK = "zhenghe:"
_ROUNDS = 5
"""A trial may begin or end while the configuration is read."""
_COMMIT_SECONDS = 60.0


class TrialGuard:
    """The guard of one change on one device."""

    def __init__(self, device: str, platform: Platform, line: Terminal, ticket: Ticket) -> None:
        """Speak with a device by its command line."""
        assert isinstance(platform.keeping, Trial)
        self._device = device
        self._platform = platform
        self._words: Trial = platform.keeping
        self._line = line
        self._ticket = ticket
        self._seen = TypedDevice(device, platform, line, platform.keeping)
        self._locked = False
        self._armed_at: float | None = None

    def look(self) -> Standing:
        """Return whether a trial is under way, and the device's two configurations; changes nothing."""
        for _round in range(_ROUNDS):
            owner = self._trial()
            running = self._seen.whole(self._platform.commands.running)
            startup = self._line.take(self._words.startup)
            if self._trial() == owner:
                break
        else:
            owner = _("somebody who configures it again and again")
        if not running:
            return Standing(state="free", startup=startup, silent=self._platform.commands.running)
        state, name = self._whose(owner)
        return Standing(state=state, owner=name, running=running, startup=startup, full=self._seen.full(startup))

    def settle(self, owner: str, stage: Set[LinePath]) -> Settled:  # noqa: ARG002 - nobody else can have changed it
        """End the trial that an earlier attempt at this stage left undecided."""
        trial = self._trial()
        if trial is None or self._whose(trial) != ("left", owner):
            return Settled(outcome="returned")
        return self._abandoned(trial)

    def hold(self, way: Way) -> Literal["held", "busy", "left", "changed"]:
        """Keep everybody else from configuring until the trial does; NotHeld where the device does not lock itself."""
        state, _owner = self._whose(self._trial())
        if state != "free":
            return state
        try:
            self._line.take(self._words.lock)
        except CommandRejected as error:
            if re.search(self._words.locked, error.reason):
                return "busy"
            raise NotHeld(self._device, error.reason) from error
        self._locked = True
        self._armed_at = time.monotonic()
        running = self._seen.whole(self._platform.commands.running)
        if self._trial() is not None or self._seen.lines(running) != self._seen.lines(way.running):
            self.release()
            return "changed"
        return "held"

    def push(self, way: Way) -> None:
        """Type the change and commit it on trial; TooLate where the other devices' timers have too little time left."""
        commands = commands_between(self._platform, way.running, way.goal)
        if not commands:
            self.release()
            return
        words = self._platform.commands
        self._line.take(words.configure)
        try:
            for command in commands:
                self._in_time(command)
                self._line.take(command)
            self._in_time(self._attempt)
            answer = self._line.take(self._attempt, _COMMIT_SECONDS)
        except (CommandRejected, TooLate):
            self._discard()
            raise
        if re.search(self._words.tried, answer) is None:
            self._discard()
            raise CommandRejected(self._device, self._attempt, self._platform.masked(answer.strip() or "-"))
        self._line.take(words.end)
        # From here on the trial keeps others out; the next session of ours is another one to the device.
        self.release()

    def confirm(self, way: Way) -> Outcome:
        """Commit for good what is on trial; `returned` where it is not any more."""
        if changes(way) and not self._kept():
            return "returned"
        return self._compared(way).outcome

    def take_back(self, way: Way) -> Settled:
        """End the trial now if it is ours, and compare."""
        if self._locked:
            self.release()
        trial = self._trial()
        if trial == self._mark:
            abandoned = self._abandoned(trial)
            if abandoned.outcome != "returned":
                return abandoned
        return self._compared(way)

    def save(self) -> None:
        """Make the configuration in force the one to start with."""
        self._line.take(self._platform.commands.save, _COMMIT_SECONDS)

    def release(self) -> None:
        """Let others configure; a trial lets go by itself when it is over."""
        if self._locked:
            self._line.take(self._words.unlock)
            self._locked = False

    @property
    def _mark(self) -> str:
        return f"{_MARK}{self._ticket.label}:{self._ticket.token}"

    @property
    def _attempt(self) -> str:
        seconds = max(self._words.least, math.ceil(self._ticket.seconds))
        return self._words.attempt.format(seconds=seconds, owner=self._mark)

    def _in_time(self, command: str) -> None:
        assert self._armed_at is not None
        if time.monotonic() > self._armed_at + self._ticket.seconds * 2 / 3:
            raise TooLate(self._device, self._platform.masked(command))

    def _discard(self) -> None:
        # Where the session is gone already, the candidate is too.
        with suppress(DeviceError):
            self._line.take(self._words.discard)
            self._line.take(self._platform.commands.end)

    def _kept(self) -> bool:
        """Say whether the device took the word that keeps the trial; whether that is so is seen afterwards."""
        if self._trial() != self._mark:
            return False
        self._line.take(self._platform.commands.configure)
        try:
            self._line.take(self._words.keep.format(owner=self._mark), _COMMIT_SECONDS)
        except CommandRejected:
            return False
        finally:
            self._line.take(self._platform.commands.end)
        return self._trial() is None

    def _abandoned(self, mark: str) -> Settled:
        during = self._seen.lines(self._line.running())
        self._line.take(self._platform.commands.configure)
        try:
            self._line.take(self._words.abandon.format(owner=mark), _COMMIT_SECONDS)
        except CommandRejected as error:
            if self._trial() is not None:
                return Settled(outcome="open", why=error.reason)
        finally:
            self._line.take(self._platform.commands.end)
        if self._trial() is not None:
            return Settled(outcome="open", why=_("the trial goes on"))
        if self._seen.lines(self._line.running()) == during:
            return Settled(outcome="differs", why=_("the trial is over, and nothing of it went back"))
        return Settled(outcome="returned")

    def _compared(self, way: Way) -> Settled:
        return self._seen.compared(way, self._seen.running(), pending=self._trial() is not None)

    def _whose(self, trial: str | None) -> tuple[Literal["free", "busy", "left"], str]:
        if trial is None:
            return "free", ""
        label = trial.removeprefix(_MARK).rpartition(":")[0] if trial.startswith(_MARK) else ""
        return ("left", label) if label == self._ticket.label else ("busy", label or trial)

    def _trial(self) -> str | None:
        """Return the mark of the trial under way, if there is one; that of a person's has no name."""
        answer = self._line.take(self._words.status)
        if re.search(self._words.active, answer) is None:
            return None
        found = re.search(self._words.owner, answer)
        return found[1] if found is not None else _("a person’s trial")
