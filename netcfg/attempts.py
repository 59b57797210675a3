"""One attempt at a stage: what it has touched, and what becomes of that."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from inventory.words import _
from netcfg.difference import shown
from netcfg.errors import (
    CheckFailed,
    DeviceError,
    DeviceUnreachable,
    DeviceUnsaved,
    LeftBehind,
    NotConfirmed,
    NotHeld,
    NotReturned,
    NotSaved,
)
from netcfg.guards import Ticket, Way
from netcfg.intent import DeviceChange, LineArguments
from netcfg.platforms import load_platform
from netcfg.sessions import Sessions
from netcfg.visits import Found, Visit, each, guard_alone

Progress = Callable[[str], None]
_AGAIN_SECONDS = 0.5
_WAIT_SECONDS = 120.0
_TIMERS = 2.0
"""A change of another line that holds the device is over by then, or its timer has run out."""


def patience(visit: Visit, seconds: float) -> Callable[[str], None]:
    """Return what waits a little for a device that another change holds; DeviceBusy after that.

    `seconds`: our timers'. A call that died before the device knew its name has left one, which has to run out.
    """
    limit = time.monotonic() + max(_WAIT_SECONDS, _TIMERS * seconds)

    def wait(owner: str) -> None:
        if time.monotonic() > limit:
            raise visit.busy(owner)
        time.sleep(_AGAIN_SECONDS)

    return wait


class Attempt:
    """A guarded change of several devices, from the first look to the last word about each of them."""

    def __init__(self, move: LineArguments, label: str, seconds: float, progress: Progress) -> None:
        self.move = move
        self.ticket = Ticket(label, secrets.token_hex(8), seconds)
        self.ways: dict[str, Way] = {}
        self.progress = progress
        self._touched: dict[str, DeviceChange] = {}
        self._over = False

    def find(self, visit: Visit) -> Found:
        """Return what a device has, once nobody else changes it; what was left undecided is brought to an end.

        DeviceBusy where another change takes too long; LeftBehind, NotReturned where a person has to look.
        """
        wait = patience(visit, self.ticket.seconds)
        found = visit.find(wait)
        if found.left and visit.device not in self._touched:
            self._settle(visit, found)
            found = visit.find(wait)
        return found

    def hold(self, late: Sequence[Visit], found: Mapping[str, Found], goals: Mapping[str, str]) -> bool:
        """Hold all devices and start their timers; False where one was not free or has changed: none is held then."""
        self.ways = {visit.device: visit.way(found[visit.device].running, goals[visit.device]) for visit in late}
        # Whatever goes wrong, a device that may be held is asked what became of that.
        self._touched = {visit.device: visit.change for visit in late}
        words = each(late, lambda visit: visit.guard.hold(self.ways[visit.device]))
        if all(word == "held" for word in words):
            return True
        # No timer runs while anybody waits.
        each(late, lambda visit: visit.guard.take_back(self.ways[visit.device]))
        self._touched = {}
        time.sleep(secrets.randbelow(200) / 1000)
        return False

    def push(self, late: Sequence[Visit]) -> None:
        """Change the far end before the near end."""
        for visit in sorted(late, key=lambda visit: visit.change.push):
            text = _("{device}: changed, returns by itself in {seconds:.0f} s unless confirmed")
            self.progress(text.format(device=visit.device, seconds=self.ticket.seconds))
            visit.push(self.ways[visit.device])

    def compare(self, changed: Sequence[Visit]) -> None:
        """See that the change is in force and that nobody else's is unsaved; tell what others have changed."""
        pairs = tuple(zip(changed, each(changed, self.find), strict=True))
        if lost := tuple(visit.device for visit, found in pairs if not self._held(visit, found)):
            raise NotConfirmed(self.move.line, self.move.stage, lost)
        for visit, found in pairs:
            way = self.ways[visit.device]
            if failed := visit.differs(way, found.running):
                raise CheckFailed(self.move.line, self.move.stage, failed)
            if foreign := visit.foreign_unsaved(way, found):
                raise DeviceUnsaved(visit.device, foreign)
            self._tell_others(visit, visit.others(way, found.running))

    def _held(self, visit: Visit, found: Found) -> bool:
        """Say whether the change of a device waits for its word; where nothing had to be typed none may wait."""
        way = self.ways[visit.device]
        return found.left == self.ticket.label or not (found.left or way.ours.added or way.ours.removed)

    def confirm(self, changed: Sequence[Visit]) -> None:
        """Keep the change on all devices; NotConfirmed where one did not."""

        def confirmed(visit: Visit) -> bool:
            try:
                return visit.guard.confirm(self.ways[visit.device]) == "kept"
            except DeviceError:
                return False

        kept = each(changed, confirmed)
        if not all(kept):
            lost = tuple(visit.device for visit, so in zip(changed, kept, strict=True) if not so)
            raise NotConfirmed(self.move.line, self.move.stage, lost)
        self._over = True

    def save(self, changed: Sequence[Visit]) -> tuple[Found, ...]:
        """Make the change permanent, and nothing else; return what the devices have. NotSaved says where it is not."""
        saved = each(changed, self._saved)
        reasons = tuple(each for each in saved if isinstance(each, str))
        each(changed, lambda visit: visit.guard.release())
        if reasons:
            raise NotSaved(self.move.line, self.move.stage, reasons)
        return tuple(each for each in saved if isinstance(each, Found))

    def _saved(self, visit: Visit) -> Found | str:
        try:
            found = self.find(visit)
            if foreign := visit.foreign_unsaved(self.ways[visit.device], found):
                return str(DeviceUnsaved(visit.device, foreign))
            if visit.unsaved(found):
                if found.full:
                    # A device that saves there may be left without any configuration to start with.
                    return f"{visit.device}: {found.full}"
                visit.save()
                found = self.find(visit)
            if left := visit.unsaved(found):
                return str(DeviceUnsaved(visit.device, visit.shown(left)))
        except DeviceError as error:
            return str(error)
        return found

    def take_back(self, sessions: Sessions) -> tuple[str, ...]:
        """Take back what is not confirmed everywhere, and return what became of each device.

        NotReturned where one is not as it was.
        """
        if self._over:
            return ()
        told: list[str] = []
        broken: NotReturned | None = None
        for change in sorted(self._touched.values(), key=lambda change: -change.push):
            try:
                told += self._taken_back(sessions, change)
            except NotReturned as error:
                broken = error
            except DeviceError as error:
                text = _("{device}: unless it was confirmed it returns by itself; that could not be seen ({why})")
                told.append(text.format(device=change.device, why=error))
        for sentence in told:
            self.progress(sentence)
        if broken is not None:
            broken.outcomes = tuple(told)
            raise broken
        return tuple(told)

    def _taken_back(self, sessions: Sessions, change: DeviceChange) -> tuple[str, ...]:
        platform = load_platform(change.platform)
        with guard_alone(sessions, change, self.ticket) as guard:
            settled = guard.take_back(self.ways[change.device])
        match settled.outcome:
            case "returned":
                text = _("{device}: has its earlier configuration again")
            case "kept":
                text = _("{device}: keeps the change, confirmed but not saved; the step done again saves it")
            case "differs":
                raise NotReturned(change.device, self.ticket.label, shown(platform, settled.ours))
            case "untouched":
                return ()
            case _:
                raise DeviceUnreachable(change.device, platform.masked(settled.why))
        return (text.format(device=change.device), *self._of_others(change.device, shown(platform, settled.others)))

    def _settle(self, visit: Visit, found: Found) -> None:
        owner = found.left
        settled = visit.guard.settle(owner, visit.of_stage(found.running))
        ours, others = visit.shown(settled.ours), visit.shown(settled.others)
        if settled.outcome == "left" or (settled.lost and others):
            raise LeftBehind(visit.device, owner, ours, others)
        if settled.outcome == "differs":
            raise NotReturned(visit.device, owner, ours)
        if settled.outcome != "returned":
            raise NotHeld(visit.device, visit.masked(settled.why))
        text = _("{device}: change {owner} had been left undecided; the device is now as it was before that")
        self.progress(text.format(device=visit.device, owner=owner))
        for sentence in self._of_others(visit.device, others):
            self.progress(sentence)

    def _tell_others(self, visit: Visit, lines: Sequence[tuple[str, ...]] | set[tuple[str, ...]]) -> None:
        for sentence in self._of_others(visit.device, visit.shown(lines)):
            self.progress(sentence)

    @staticmethod
    def _of_others(device: str, lines: Sequence[str]) -> tuple[str, ...]:
        text = _("{device}: meanwhile changed by others, and left so: {lines}")
        return (text.format(device=device, lines="; ".join(lines)),) if lines else ()
