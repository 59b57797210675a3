"""The guarded transaction: a change of several devices that returns by itself unless it was confirmed.

A change goes: see that each device is the one that the inventory names, that it stands where the stage begins, and that
it would start with what it runs with; check what the change needs; hold all devices, which keep what takes the change
back, and whose timers start only now; push the far end before the near end; connect anew, compare, check; confirm; make
it permanent. Whatever is not confirmed returns, at once where the device can be reached, otherwise when its timer runs
out; only what the change itself did returns. A device that was confirmed when another one was not keeps its change:
each stage is so made that one end may be ahead of the other. Nothing is told of a device that was not seen.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

from inventory.base import Model
from inventory.words import _
from netcfg.attempts import Attempt, Progress, patience
from netcfg.errors import CheckFailed, DeviceAstray, ExtranetError, NotHeld, NothingSaved
from netcfg.guards import Ticket
from netcfg.intent import LineArguments, LineStage, When
from netcfg.kept import KeptConfigurations
from netcfg.sessions import Passwords, Sessions
from netcfg.spares import Lending, Spares
from netcfg.visits import DeviceState, Found, Visit, each, visits

_TRIES = 8
"""So often a change begins anew because a device was not free, or was changed, after it had been looked at."""
_STALE_SECONDS = 2.0
"""Checks that took longer than that were met at different times, so all are looked at once more."""
_SHOWN = 10
_LOOKING_SECONDS = 5.0
"""In which what a way back needs has to be seen once, while nobody is about to take it."""


_LEFT = {LineStage.SHIFT: "shifted", LineStage.DRAIN: "drained"}
"""After which stages it is noted what has gone over the line so far."""
_SINCE = {LineStage.DRAIN: "shifted", LineStage.RELEASE: "drained"}
"""Since when nothing must have gone over it, for the stages that ask."""


class Reached(Protocol):
    """What a transaction needs of a world."""

    @property
    def ssh_config(self) -> Path:
        """The OpenSSH configuration by which devices are reached."""


class LineState(Model):
    """What was found of a stage: done where all devices have it for good, unknown where one fits neither side."""

    state: Literal["done", "not-done", "unknown"]
    facts: dict[str, Any]


class Extranet:
    """Observes and changes the devices of a world, one stage of one line at a time."""

    def __init__(
        self,
        world: Reached,
        home: Path,
        timer: float = 60.0,
        within: float = 20.0,
        key_file: Path | None = None,
        passwords: Passwords = lambda _device: None,
    ) -> None:
        """Keep configurations of before a change under `home`, sealed with a key that lies beside it if not elsewhere.

        `timer` is after how many seconds an unconfirmed change returns by itself; `within` is how long checks may take
        to come true, and is less.
        """
        self._sessions = Sessions(world.ssh_config, passwords=passwords)
        self._spares = Spares()
        self._kept = KeptConfigurations(home, key_file or home.with_name(f"{home.name}.key"))
        self._seconds = timer
        self._within = within

    def observe(self, arguments: Mapping[str, Any]) -> LineState:
        """Look where each device stands; changes nothing."""
        move = LineArguments.model_validate(arguments)
        with self._visits(move, Ticket(_label(move), "", self._seconds), keep=True) as present:
            return _state(each(present, lambda visit: visit.state(self._found(visit))))

    def way_back(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Return in words what would keep a stage from being taken back now; changes nothing."""
        move = LineArguments.model_validate(arguments)
        checks = tuple(check for check in move.checks if check.when == "returning")

        def see(visit: Visit) -> tuple[str, ...]:
            return visit.unmet(tuple(check for check in checks if check.device == visit.device), _LOOKING_SECONDS)

        with self._visits(move, Ticket(_label(move), "", self._seconds)) as present:
            # What the look itself sends over the line is nobody's traffic: what was silent so far is counted anew.
            still = tuple(visit for visit in present if self._silent(move, visit))
            reasons = tuple(reason for every in each(present, see) for reason in every)
            self._mark(_LEFT.get(move.stage), move, still)
            return reasons

    def _silent(self, move: LineArguments, visit: Visit) -> bool:
        """Say whether nothing has gone out over a line since it was counted; not where it never was."""
        mark = self._counted(_LEFT.get(move.stage), move, visit.device)
        interface = _interfaces(move).get(visit.device)
        return bool(mark) and interface is not None and visit.silent_since(interface, mark)

    def _counted(self, since: str | None, move: LineArguments, device: str) -> str:
        """Return what had gone over a line when that was noted; empty where it never was."""
        return "" if since is None else self._kept.read(_counters(since, move, device)) or ""

    def change(self, arguments: Mapping[str, Any], progress: Progress, forward: bool = True) -> LineState:  # noqa: FBT001, FBT002
        """Bring all devices to a stage's configuration, or back to the one before it; does nothing where it is so.

        On any error the devices have, or get back by themselves, what they had; the error says of each what was seen.
        """
        move = LineArguments.model_validate(arguments)
        attempt = Attempt(move, _label(move), self._seconds, progress)
        try:
            with self._visits(move, attempt.ticket) as present:
                done = self._begin(attempt, present, forward=forward)
                if done is not None:
                    return done
            # Anew: sessions from before a change say nothing about whether the device can still be reached.
            with self._visits(move, attempt.ticket, anew=True, keep=True) as present:
                return self._finish(attempt, present, forward=forward)
        except ExtranetError as error:
            error.outcomes += attempt.take_back(self._sessions)
            raise
        except BaseException:
            attempt.take_back(self._sessions)
            raise

    def _begin(self, attempt: Attempt, present: Sequence[Visit], *, forward: bool) -> LineState | None:
        """Push the change with all timers running; the devices' state where nothing is left to do."""
        move = attempt.move
        for _again in range(_TRIES):
            found = dict(zip((v.device for v in present), each(present, attempt.find), strict=True))
            states = tuple(visit.state(found[visit.device]) for visit in present)
            # A device that has the configuration, but not for good, goes through it all: an earlier attempt died there.
            wanted = "after" if forward else "before"
            so = {state.device for state in states if state.at == wanted and state.permanent}
            late = tuple(visit for visit in present if visit.device not in so)
            if not late:
                return _state(states)
            for visit in late:
                _at_home(move, visit, found[visit.device], forward=forward)
            self._check(move, "ahead" if forward else "returning", present)
            goals = {visit.device: visit.goal(found[visit.device].running, forward=forward) for visit in late}
            if attempt.hold(late, found, goals):
                self._push(attempt, late, found, forward=forward)
                return None
        raise NotHeld(present[0].device, _("other changes keep coming in between"))

    def _push(
        self, attempt: Attempt, late: Sequence[Visit], found: Mapping[str, Found], *, forward: bool
    ) -> None:
        move = attempt.move
        names = ", ".join(visit.device for visit in late)
        attempt.progress(_("{line}: {stage} on {devices}").format(line=move.line, stage=move.stage, devices=names))
        for visit in late:
            self._tell_drift(attempt, visit, found[visit.device].running)
            self._keep(move, visit, attempt.ways[visit.device].running, forward=forward)
        attempt.push(late)

    def _finish(self, attempt: Attempt, present: Sequence[Visit], *, forward: bool) -> LineState:
        """Compare, check, confirm, save; whatever is wrong before the confirm is raised."""
        changed = tuple(visit for visit in present if visit.device in attempt.ways)
        when: When = "after" if forward else "undone"
        attempt.compare(changed)
        began = time.monotonic()
        self._check(attempt.move, when, present)
        if time.monotonic() > began + _STALE_SECONDS:
            self._check(attempt.move, when, present)
            attempt.compare(changed)
        attempt.confirm(changed)
        saved = dict(zip((visit.device for visit in changed), attempt.save(changed), strict=True))
        for visit in changed:
            self._kept.write(_last(visit.device), saved[visit.device].running)
        if forward and attempt.move.stage is LineStage.SHIFT:
            after = tuple(check for check in attempt.move.checks if check.when == "after")
            for sentence in (each for visit in present for each in visit.fallback(after)):
                attempt.progress(sentence)
        if forward and (done := _LEFT.get(attempt.move.stage)) is not None:
            self._mark(done, attempt.move, present)
        return _state(tuple(visit.state(saved.get(visit.device) or self._found(visit)) for visit in present))

    def _found(self, visit: Visit) -> Found:
        return visit.find(patience(visit, self._seconds))

    def _check(self, move: LineArguments, when: When, present: Sequence[Visit]) -> None:
        since = _SINCE.get(move.stage)

        def see(visit: Visit) -> tuple[str, ...]:
            checks = tuple(check for check in move.checks if check.device == visit.device and check.when == when)
            return visit.unmet(checks, self._within, self._counted(since, move, visit.device))

        try:
            _all_met(move, each(present, see))
        except CheckFailed:
            if when == "ahead" and any(check.kind == "silent" for check in move.checks):
                # Whoever did that is told now; the next attempt looks at what comes from here on.
                self._mark(since, move, present)
            raise

    def _mark(self, since: str | None, move: LineArguments, present: Sequence[Visit]) -> None:
        """Note what has gone over a line so far that traffic has left."""
        if since is None:
            return
        interfaces = _interfaces(move)
        for visit in present:
            if (interface := interfaces.get(visit.device)) is not None:
                self._kept.write(_counters(since, move, visit.device), visit.counted(interface))

    def _keep(self, move: LineArguments, visit: Visit, text: str, *, forward: bool) -> None:
        name = _before(move, visit.device, "change" if forward else "undo")
        if forward and self._kept.read(name) is not None and visit.place(text) == "after":
            # An attempt that died has changed the device already: what it had before that is what counts.
            return
        self._kept.write(name, text)

    def _tell_drift(self, attempt: Attempt, visit: Visit, running: str) -> None:
        """Tell what others changed since our last change of a device, of what is none of our business."""
        last = self._kept.read(_last(visit.device))
        if last is not None and (drift := visit.drift(last, running)):
            text = _("{device}: since our last change of it others changed {number} lines: {lines}")
            lines = "; ".join((*drift[:_SHOWN], *(["…"] if len(drift) > _SHOWN else [])))
            attempt.progress(text.format(device=visit.device, number=len(drift), lines=lines))

    def _visits(
        self, move: LineArguments, ticket: Ticket, *, anew: bool = False, keep: bool = False
    ) -> AbstractContextManager[tuple[Visit, ...]]:
        kept = {each.device: self._kept.read(_before(move, each.device, "change")) for each in move.devices}
        saved = {device: text for device, text in kept.items() if text is not None}
        sessions = Lending(self._sessions, self._spares, anew=anew, keep=keep)
        return visits(sessions, move.devices, ticket, saved)


def _last(device: str) -> str:
    return f"last/{device}.conf"


def _interfaces(move: LineArguments) -> dict[str, str]:
    """Map devices to their interfaces on the line."""
    return {check.device: check.interface for check in move.checks if check.interface is not None}


def _counters(since: str, move: LineArguments, device: str) -> str:
    return f"{since}/{move.line}/{device}"


def _before(move: LineArguments, device: str, way: Literal["change", "undo"]) -> str:
    return f"{_label(move)}/{device}-before-{way}.conf"


def _at_home(move: LineArguments, visit: Visit, found: Found, *, forward: bool) -> None:
    """Raise where a stage, or its undo, would start from something that it was not made for: DeviceAstray.

    DeviceUnsaved where the device would not start with what it runs with; NotHeld where it could not save; NothingSaved
    where what an undo has to put back was not kept.
    """
    if visit.place(found.running) == "neither":
        raise DeviceAstray(visit.device, move.stage, visit.astray(found.running))
    if found.full:
        raise NotHeld(visit.device, found.full)
    visit.demand_saved(found)
    if not forward and not visit.can_return:
        raise NothingSaved(visit.device, move.stage)


def _all_met(move: LineArguments, reasons: Sequence[Sequence[str]]) -> None:
    failed = tuple(reason for every in reasons for reason in every)
    if failed:
        raise CheckFailed(move.line, move.stage, failed)


def _label(move: LineArguments) -> str:
    """Return the name of a stage's change on its devices: the same at every attempt, both ways, whatever is checked."""
    digest = hashlib.sha256(move.model_dump_json(exclude={"checks"}).encode()).hexdigest()
    return f"{move.line}-{move.stage}-{digest[:8]}"


def _state(states: Sequence[DeviceState]) -> LineState:
    facts = {"devices": {state.device: {"at": state.at, "permanent": state.permanent} for state in states}}
    if any(state.at == "neither" for state in states):
        return LineState(state="unknown", facts=facts)
    done = all(state.at == "after" and state.permanent for state in states)
    return LineState(state="done" if done else "not-done", facts=facts)
