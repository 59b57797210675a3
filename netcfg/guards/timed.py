"""The guard of devices that set a timer before the first command, and go back to what they had when it runs out.

Commands act at once. What the device does when its timer runs out concerns its whole configuration, with what others
did meanwhile; so whoever can still reach it takes back only our lines, and then stops the timer. Whose change waits is
told by one line of configuration, which comes with the first command and goes before the timer is stopped. It also
names the copy of the configuration that the device made when the timer was set.
"""

import math
import re
import time
from collections.abc import Set
from typing import Literal, NamedTuple

from inventory.words import _
from netcfg.difference import commands_between
from netcfg.errors import CommandRejected, NotHeld, TooLate
from netcfg.guards import Outcome, Settled, Standing, Ticket, Way
from netcfg.guards.lines import LinePath, typed, way_back
from netcfg.guards.typed import TypedDevice
from netcfg.platforms import Platform, Timed
from netcfg.reading import written
from netcfg.terminals import Terminal

_ROUNDS = 5
_SAVE_SECONDS = 60.0
_NOWHERE = "-"


class _Mark(NamedTuple):
    label: str
    token: str
    copy: str
    """The device's copy of what it had before."""


class TimedGuard:
    """The guard of one change on one device."""

    def __init__(self, device: str, platform: Platform, line: Terminal, ticket: Ticket) -> None:
        """Speak with a device by its command line."""
        assert isinstance(platform.keeping, Timed)
        self._platform = platform
        self._words: Timed = platform.keeping
        self._device = TypedDevice(device, platform, line, platform.keeping)
        self._line = line
        self._ticket = ticket
        self._armed_at: float | None = None

    def look(self) -> Standing:
        """Return whether a change waits to be confirmed, and the device's two configurations; changes nothing."""
        for _round in range(_ROUNDS):
            pending = self._pending()
            running = self._device.whole(self._platform.commands.running)
            startup = self._line.take(self._words.startup)
            if self._pending() == pending:
                break
        if not running:
            return Standing(state="free", startup=startup, silent=self._platform.commands.running)
        state, owner = self._whose(self._mark_in(running), pending=pending)
        return Standing(
            state=state,
            owner=owner,
            running=self._unmarked(running),
            startup=self._unmarked(startup),
            full=self._device.full(startup),
        )

    def settle(self, owner: str, stage: Set[LinePath]) -> Settled:
        """Take back what an earlier attempt at this stage left undecided, of the stage's lines only."""
        mark = self._mark()
        if mark is None or mark.label != owner:
            return Settled(outcome="returned")
        if not self._pending() or owner != self._ticket.label:
            return Settled(outcome="left", lost=True, ours=((self._marking(mark),),))
        before = self._device.lines(self._copy(mark))
        if not before:
            return Settled(outcome="open", why=_("what it had before cannot be read; its timer takes the change back"))
        during = self._running()
        added, removed = (during - before) & stage, (before - during) & stage
        others = (during ^ before) - added - removed
        if not others:
            return self._reverted(before)
        goal = written(self._platform, sorted((during - added) | removed))
        self._type(commands_between(self._platform, written(self._platform, sorted(during)), goal))
        wrong = (self._running() & added) | (removed - self._running())
        self._stop(mark)
        outcome: Outcome = "differs" if wrong else "returned"
        return Settled(outcome=outcome, ours=tuple(sorted(wrong)), others=tuple(sorted(others)))

    def hold(self, way: Way) -> Literal["held", "busy", "left", "changed"]:
        """Set the timer, and say on the device whose it is; NotHeld where the device cannot."""
        state, _owner = self._whose(self._mark(), pending=self._pending())
        if state != "free":
            return state
        self._armed_at = time.monotonic()
        try:
            answer = self._line.take(self._words.arm.format(minutes=max(1, math.ceil(self._ticket.seconds / 60))))
        except CommandRejected as error:
            raise NotHeld(self._device.name, error.reason) from error
        found = re.search(self._words.copied, answer)
        mark = _Mark(self._ticket.label, self._ticket.token, found["copy"] if found is not None else _NOWHERE)
        self._line.take(self._marking(mark))
        self._line.take(self._platform.commands.end)
        if self._running() != self._device.lines(way.running):
            self._stop(mark)
            return "changed"
        return "held"

    def push(self, way: Way) -> None:
        """Type the change; TooLate where less than a third of the timer's time is left."""
        self._type(commands_between(self._platform, way.running, way.goal), in_time=True)

    def confirm(self, way: Way) -> Outcome:
        """Stop the timer; `returned` where it has run out."""
        mark = self._mark()
        if mark is None or mark.token != self._ticket.token or not self._pending() or not self._stop(mark):
            return "returned"
        return self._compared(way).outcome

    def take_back(self, way: Way) -> Settled:
        """Take our lines back now, stop the timer, and compare."""
        mark = self._mark()
        if mark is None or mark.token != self._ticket.token:
            return self._compared(way)
        before, running = self._device.lines(way.running), self._running()
        if not way.ours.others(before, running) and self._pending():
            return self._reverted(before)
        for _round in range(_ROUNDS):
            known = self._platform.difference
            due = way_back(way.ours, self._running(), known.settings, known.depending)
            if not due:
                break
            self._type(typed(due, self._platform.commands.leave, self._platform.difference.opens))
        self._stop(mark)
        return self._compared(way)

    def save(self) -> None:
        """Make the configuration in force the one to start with."""
        self._line.take(self._platform.commands.save, _SAVE_SECONDS)

    def release(self) -> None:
        """Nobody was kept out."""

    def _type(self, commands: tuple[str, ...], *, in_time: bool = False) -> None:
        if not commands:
            return
        self._line.take(self._platform.commands.configure)
        for command in commands:
            if in_time:
                self._in_time(command)
            self._line.take(command)
        self._line.take(self._platform.commands.end)

    def _in_time(self, command: str) -> None:
        assert self._armed_at is not None
        if time.monotonic() > self._armed_at + self._ticket.seconds * 2 / 3:
            raise TooLate(self._device.name, self._platform.masked(command))

    def _stop(self, mark: _Mark) -> bool:
        """Take the mark away and stop the timer; False where it had run out before."""
        self._type((self._words.unmark.format(label=mark.label, token=mark.token),))
        try:
            self._line.take(self._words.keep)
        except CommandRejected:
            return False
        return True

    def _reverted(self, before: Set[LinePath]) -> Settled:
        """Have the device go back at once to what it had, where nothing but our change would go with it."""
        try:
            self._line.take(self._words.abandon, _SAVE_SECONDS)
        except CommandRejected as error:
            if self._pending():
                return Settled(outcome="open", why=error.reason)
        if self._pending():
            return Settled(outcome="open", why=_("its timer goes on"))
        wrong = self._running() ^ before
        return Settled(outcome="differs" if wrong else "returned", ours=tuple(sorted(wrong)))

    def _compared(self, way: Way) -> Settled:
        return self._device.compared(way, self._running(), pending=self._pending())

    def _copy(self, mark: _Mark) -> str:
        if mark.copy == _NOWHERE:
            return ""
        try:
            return self._line.take(self._words.show_copy.format(copy=mark.copy))
        except CommandRejected:
            return ""

    def _running(self) -> set[LinePath]:
        return {path for path in self._device.running() if re.match(self._words.marked, path[-1]) is None}

    def _pending(self) -> bool:
        return re.search(self._words.idle, self._line.ask(self._words.status)) is None

    def _mark(self) -> _Mark | None:
        return self._mark_in(self._line.running())

    def _mark_in(self, text: str) -> _Mark | None:
        found = re.search(self._words.marked, text, re.MULTILINE)
        return _Mark(found["label"], found["token"], found["copy"]) if found is not None else None

    def _marking(self, mark: _Mark) -> str:
        return self._words.mark.format(label=mark.label, token=mark.token, copy=mark.copy)

    def _unmarked(self, text: str) -> str:
        return re.sub(self._words.marked, "!", text, flags=re.MULTILINE)

    def _whose(self, mark: _Mark | None, *, pending: bool) -> tuple[Literal["free", "busy", "left"], str]:
        if mark is None:
            return ("busy", _("(without a name)")) if pending else ("free", "")
        return ("busy" if pending and mark.label != self._ticket.label else "left"), mark.label
