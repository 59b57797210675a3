"""The guard of devices that commit a candidate on trial; all of it is typed on their command line.

The timer is the device's own and starts with the commit on trial. Until that a candidate belongs to its session alone
and goes with it; from then on nobody else can configure the device until the trial is over, so that whatever returns is
ours. Which attempt a trial belongs to is its persistence mark, which any session may name.
"""

import math
import re
import time
from contextlib import suppress
from typing import Literal

from inventory.words import _
from netcfg.difference import commands_between
from netcfg.errors import CommandRejected, DeviceError, DeviceUnreachable, NotHeld, TooLate
from netcfg.guards import Outcome, Settled, Standing, Ticket, Way
from netcfg.guards.lines import LinePath
from netcfg.platforms import Platform, Trial
from netcfg.reading import body, paths
from netcfg.terminals import Terminal

_MARK = "zhenghe:"
_ROUNDS = 5
"""A trial may begin or end while the configuration is read."""
_COMMIT_SECONDS = 60.0
_ROOM = 65536
"""Bytes that must be free beside what is saved."""


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
        self._locked = False
        self._armed_at: float | None = None

    def look(self) -> Standing:
        """Return whether a trial is under way, and the device's two configurations; changes nothing."""
        for _round in range(_ROUNDS):
            owner = self._trial()
            running = self._whole(self._platform.commands.running)
            startup = self._line.take(self._words.startup)
            if self._trial() == owner:
                break
        else:
            owner = _("somebody who configures it again and again")
        if not running:
            return Standing(state="free", startup=startup, silent=self._platform.commands.running)
        state, name = self._whose(owner)
        return Standing(state=state, owner=name, running=running, startup=startup, full=self._full(startup))

    def settle(self, owner: str) -> Settled:
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
        running = self._whole(self._platform.commands.running)
        if self._trial() is not None or self._lines(running) != self._lines(way.running):
            self.release()
            return "changed"
        return "held"

    def push(self, way: Way) -> None:
        """Type the change and commit it on trial; TooLate where the other devices' timers have too little time left."""
        commands = commands_between(self._platform, way.running, way.goal)
        if not commands:
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

    def confirm(self, way: Way) -> Outcome:
        """Commit for good what is on trial; `returned` where it is not any more."""
        if self._changes(way) and not self._kept():
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
        during = self._lines(self._line.running())
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
        if self._lines(self._line.running()) == during:
            return Settled(outcome="differs", why=_("the trial is over, and nothing of it went back"))
        return Settled(outcome="returned")

    def _compared(self, way: Way) -> Settled:
        """Say by the configuration in force what became of the change, and what others did."""
        running = self._lines(self._whole(self._platform.commands.running) or self._incomplete())
        wrong = way.ours.wrong(running)
        others = tuple(sorted(way.ours.others(self._lines(way.running), running)))
        if not self._changes(way):
            return Settled(outcome="kept" if self._trial() is None else "open", others=others)
        if not wrong:
            return Settled(outcome="returned", others=others)
        if way.ours.added <= running and not way.ours.removed & running:
            # On trial it is in force too, but not for good.
            return Settled(outcome="kept" if self._trial() is None else "open", others=others)
        return Settled(outcome="differs", ours=tuple(sorted(wrong)), others=others)

    @staticmethod
    def _changes(way: Way) -> bool:
        return bool(way.ours.added or way.ours.removed)

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

    def _whole(self, command: str) -> str:
        """Return a configuration; empty where it is not shown to its last line."""
        text = self._line.take(command)
        return text if text.rstrip().endswith(f"\n{self._words.last}") else ""

    def _incomplete(self) -> str:
        raise DeviceUnreachable(self._device, _("it does not show its whole configuration"))

    def _lines(self, text: str) -> set[LinePath]:
        return set(paths(self._platform, body(self._platform, text)))

    def _full(self, startup: str) -> str:
        """Return why the disk has no room for the configuration to start with; empty where it has, or does not say."""
        found = re.search(self._words.room, self._line.take(self._words.free))
        if found is None:
            return ""
        free = int(found["kilobytes"].replace(",", "")) * 1024
        text = _("its disk has only {free} KiB free")
        return text.format(free=free // 1024) if free < 2 * len(startup) + _ROOM else ""
