"""The guarded transaction: a change of several devices that returns by itself unless it was confirmed.

A change goes: see that each device is the one that the inventory names; save its configuration, there and here; arm a
timer on it; push the far end before the near end; connect anew, compare, check; confirm; make it permanent. Whatever
is not confirmed returns, at once where the device can be reached, otherwise when its timer runs out. A device that was
confirmed when another one was not keeps its change: each stage is so made that one end may be ahead of the other.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

from inventory.base import Model
from inventory.words import _
from netcfg.errors import CheckFailed, DeviceAstray, DeviceError, NotConfirmed, NothingSaved, NotReturned
from netcfg.intent import DeviceChange, LineArguments, When
from netcfg.platforms import load_platform
from netcfg.sessions import Sessions
from netcfg.timers import Timer
from netcfg.visits import DeviceState, Visit, each, visits

Progress = Callable[[str], None]


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

    def __init__(self, world: Reached, home: Path, timer: float = 60.0, within: float = 20.0) -> None:
        """Keep configurations of before a change under `home`.

        `timer` is after how many seconds an unconfirmed change returns by itself; `within` is how long checks may take
        to come true, and is less.
        """
        self._sessions = Sessions(world.ssh_config)
        self._home = home
        self._seconds = timer
        self._within = within

    def observe(self, arguments: Mapping[str, Any]) -> LineState:
        """Look where each device stands; changes nothing."""
        move = LineArguments.model_validate(arguments)
        with self._visits(move) as present:
            return _state(each(present, Visit.look))

    def change(self, arguments: Mapping[str, Any], progress: Progress, forward: bool = True) -> LineState:  # noqa: FBT001, FBT002
        """Bring all devices to a stage's configuration, or back to the one before it; does nothing where it is so.

        On any error the devices have, or get back by themselves, what they had.
        """
        move = LineArguments.model_validate(arguments)
        wanted = "after" if forward else "before"
        with self._visits(move) as present:
            found = each(present, Visit.look)
            # A device that has the configuration, but not for good, goes through it all: an earlier attempt died there.
            so = {state.device for state in found if state.at == wanted and state.permanent}
            late = tuple(visit for visit in present if visit.device not in so)
            if not late:
                return _state(found)
            if forward:
                self._check(move, "ahead", present)
            names = ", ".join(visit.device for visit in late)
            progress(_("{line}: {stage} on {devices}").format(line=move.line, stage=move.stage, devices=names))
            return self._guarded(move, late, progress, forward=forward)

    def _guarded(self, move: LineArguments, late: Sequence[Visit], progress: Progress, *, forward: bool) -> LineState:
        armed: list[DeviceChange] = []
        confirmed = False
        try:
            goals = self._push(move, late, armed, progress, forward=forward)
            # Anew: sessions from before a change say nothing about whether the device can still be reached.
            with self._visits(move) as present:
                changed = tuple(visit for visit in present if visit.device in goals)
                _all_met(move, each(changed, lambda visit: visit.differs(goals[visit.device])))
                self._check(move, "after" if forward else "undone", present)
                _confirm(move, changed)
                confirmed = True
                each(changed, Visit.save)
                state = _state(each(present, Visit.look))
                each(changed, lambda visit: visit.timer.release())
                return state
        finally:
            if not confirmed:
                self._take_back(move, armed, progress)

    def _push(
        self,
        move: LineArguments,
        late: Sequence[Visit],
        armed: list[DeviceChange],
        progress: Progress,
        *,
        forward: bool,
    ) -> dict[str, str]:
        running: dict[str, str] = {}
        # Always in one order, so that two lines that share devices do not wait for each other.
        for visit in sorted(late, key=lambda visit: visit.device):
            running[visit.device] = visit.timer.arm(self._seconds)
            armed.append(visit.change)
            _at_home(move, visit, running[visit.device], forward=forward)
            self._keep(move, visit, running[visit.device], forward=forward)
        goals = {visit.device: visit.goal(running[visit.device], forward=forward) for visit in late}
        for visit in sorted(late, key=lambda visit: visit.change.push):
            text = _("{device}: changed, returns by itself in {seconds:.0f} s unless confirmed")
            progress(text.format(device=visit.device, seconds=self._seconds))
            visit.push(running[visit.device], goals[visit.device])
        return goals

    def _check(self, move: LineArguments, when: When, present: Sequence[Visit]) -> None:
        def see(visit: Visit) -> tuple[str, ...]:
            checks = tuple(check for check in move.checks if check.device == visit.device and check.when == when)
            return visit.unmet(checks, self._within)

        _all_met(move, each(present, see))

    def _take_back(self, move: LineArguments, armed: Sequence[DeviceChange], progress: Progress) -> None:
        broken: NotReturned | None = None
        for change in sorted(armed, key=lambda change: -change.push):
            try:
                with self._sessions.shell(change.device) as shell:
                    Timer(shell, change.device, load_platform(change.platform), _label(move)).take_back()
                progress(_("{device}: has its earlier configuration again").format(device=change.device))
            except NotReturned as error:
                broken = error
            except DeviceError as error:
                # The error that led here is the one to tell; the timer does the rest.
                progress(_("{device}: returns by itself ({why})").format(device=change.device, why=error))
        if broken is not None:
            raise broken

    def _keep(self, move: LineArguments, visit: Visit, text: str, *, forward: bool) -> None:
        file = self._kept(move, visit.device, "change" if forward else "undo")
        if forward and file.exists() and visit.place(text) == "after":
            # An attempt that died has changed the device already: what it had before that is what counts.
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(file.name + ".new")
        scratch.write_text(text)
        scratch.replace(file)

    def _kept(self, move: LineArguments, device: str, way: Literal["change", "undo"]) -> Path:
        return self._home / _label(move) / f"{device}-before-{way}.conf"

    def _visits(self, move: LineArguments) -> AbstractContextManager[tuple[Visit, ...]]:
        kept = {change.device: self._kept(move, change.device, "change") for change in move.devices}
        saved = {device: file.read_text() for device, file in kept.items() if file.exists()}
        return visits(self._sessions, move.devices, _label(move), saved)


def _at_home(move: LineArguments, visit: Visit, running: str, *, forward: bool) -> None:
    """Raise where a stage, or its undo, would start from something that it was not made for: DeviceAstray.

    NothingSaved where what an undo has to put back was not kept.
    """
    if visit.place(running) == "neither":
        expected = visit.goal(running, forward=False)
        raise DeviceAstray(visit.device, move.stage, visit.differs(expected, running))
    if not forward and not visit.can_return:
        raise NothingSaved(visit.device, move.stage)


def _confirm(move: LineArguments, changed: Sequence[Visit]) -> None:
    kept = each(changed, lambda visit: visit.timer.confirm())
    lost = tuple(visit.device for visit, so in zip(changed, kept, strict=True) if not so)
    if lost:
        raise NotConfirmed(move.line, move.stage, lost)


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
