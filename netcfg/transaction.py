"""The guarded transaction: a change of several devices that returns by itself unless it was confirmed.

A change goes: see that each device is the one that the inventory names; save its configuration, there and here; arm a
timer on it; push the far end before the near end; connect anew, compare, check; confirm; make it permanent. Whatever
is not confirmed returns, at once where the device can be reached, otherwise when its timer runs out. A device that was
confirmed when another one was not keeps its change: each stage is so made that one end may be ahead of the other.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from inventory.base import Model
from inventory.words import _
from netcfg.checks import Eyes, unmet
from netcfg.difference import commands_between, intended, paths, same
from netcfg.errors import CheckFailed, DeviceError, NotConfirmed, NotReturned, WrongDevice
from netcfg.facts import router_id
from netcfg.intent import DeviceChange, LineArguments, When
from netcfg.platforms import Platform, load_platform
from netcfg.sessions import CommandLine, Sessions
from netcfg.timers import Timer, startup

Progress = Callable[[str], None]
_T = TypeVar("_T")


class Reached(Protocol):
    """What a transaction needs of a world."""

    @property
    def ssh_config(self) -> Path:
        """The OpenSSH configuration by which devices are reached."""


class DeviceState(Model):
    """Where one device stands between a stage's two configurations."""

    device: str
    at: Literal["before", "after", "neither"]
    permanent: bool
    """It would start with this configuration, and no timer waits to take it back."""


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
        return _state(_each(move.devices, self._look))

    def change(self, arguments: Mapping[str, Any], progress: Progress, forward: bool = True) -> LineState:  # noqa: FBT001, FBT002
        """Bring all devices to a stage's configuration, or back to the one before it; does nothing where it is so.

        On any error the devices have, or get back by themselves, what they had.
        """
        move = LineArguments.model_validate(arguments)
        wanted = "after" if forward else "before"
        found = _each(move.devices, self._look)
        # A device that has the configuration, but not for good, goes through it all: an earlier attempt died there.
        so = {each.device for each in found if each.at == wanted and each.permanent}
        late = tuple(each for each in move.devices if each.device not in so)
        if not late:
            return _state(found)
        if forward:
            self._check(move, "ahead", move.devices)
        names = ", ".join(each.device for each in late)
        progress(_("{line}: {stage} on {devices}").format(line=move.line, stage=move.stage, devices=names))
        self._guarded(move, late, progress, forward=forward)
        _each(late, self._save)
        _each(late, lambda each: self._timer(move, each).release())
        return _state(_each(move.devices, self._look))

    def _guarded(self, move: LineArguments, late: Sequence[DeviceChange], progress: Progress, *, forward: bool) -> None:
        armed: list[DeviceChange] = []
        confirmed = False
        try:
            texts = {}
            # Always in one order, so that two lines that share devices do not wait for each other.
            for each in sorted(late, key=lambda change: change.device):
                texts[each.device] = self._timer(move, each).arm(self._seconds)
                armed.append(each)
                self._keep(move, each, texts[each.device], forward=forward)
            goals = {each.device: _goal(each, texts[each.device], forward=forward) for each in late}
            for each in sorted(late, key=lambda change: change.push):
                progress(_("{device}: changed, returns by itself in {seconds:.0f} s").format(
                    device=each.device, seconds=self._seconds))  # fmt: skip
                self._push(each, texts[each.device], goals[each.device])
            self._compare(move, late, goals)
            self._check(move, "after" if forward else "undone", move.devices)
            self._confirm(move, late)
            confirmed = True
        finally:
            if not confirmed:
                self._take_back(move, armed, progress)

    def _look(self, change: DeviceChange) -> DeviceState:
        platform = load_platform(change.platform)
        with self._sessions.command_line(change.device, platform) as line:
            running = _identified(change, platform, line)
        with self._sessions.shell(change.device) as shell:
            start = startup(shell, platform)
        permanent = start is not None and same(platform, running, start)
        at: Literal["before", "after", "neither"] = "neither"
        if same(platform, running, _goal(change, running, forward=True)):
            at = "after"
        elif same(platform, running, _goal(change, running, forward=False)):
            at = "before"
        return DeviceState(device=change.device, at=at, permanent=permanent)

    def _push(self, change: DeviceChange, running: str, goal: str) -> None:
        platform = load_platform(change.platform)
        with self._sessions.command_line(change.device, platform) as line:
            _identified(change, platform, line)
            line.configure(commands_between(platform, running, goal))

    def _compare(self, move: LineArguments, late: Sequence[DeviceChange], goals: Mapping[str, str]) -> None:
        def other(change: DeviceChange) -> tuple[str, ...]:
            platform = load_platform(change.platform)
            with self._sessions.command_line(change.device, platform) as line:
                found, wanted = (set(paths(platform, text)) for text in (line.running(), goals[change.device]))
            text = _("{device}: “{line}” is or is not in its configuration, against what was sent")
            return tuple(text.format(device=change.device, line=" / ".join(path)) for path in sorted(found ^ wanted))

        failed = tuple(reason for each in _each(late, other) for reason in each)
        if failed:
            raise CheckFailed(move.line, move.stage, failed)

    def _check(self, move: LineArguments, when: When, devices: Sequence[DeviceChange]) -> None:
        def see(change: DeviceChange) -> tuple[str, ...]:
            checks = tuple(each for each in move.checks if each.device == change.device and each.when == when)
            platform = load_platform(change.platform)
            if not checks:
                return ()
            with (
                self._sessions.command_line(change.device, platform) as line,
                self._sessions.shell(change.device) as shell,
            ):
                return unmet(Eyes(platform, line, shell), checks, self._within)

        failed = tuple(reason for each in _each(devices, see) for reason in each)
        if failed:
            raise CheckFailed(move.line, move.stage, failed)

    def _confirm(self, move: LineArguments, late: Sequence[DeviceChange]) -> None:
        kept = _each(late, lambda each: self._timer(move, each).confirm())
        lost = tuple(each.device for each, so in zip(late, kept, strict=True) if not so)
        if lost:
            raise NotConfirmed(move.line, move.stage, lost)

    def _take_back(self, move: LineArguments, armed: Sequence[DeviceChange], progress: Progress) -> None:
        broken: NotReturned | None = None
        for each in sorted(armed, key=lambda change: -change.push):
            try:
                self._timer(move, each).take_back()
                progress(_("{device}: has its earlier configuration again").format(device=each.device))
            except NotReturned as error:
                broken = error
            except DeviceError as error:
                # The error that led here is the one to tell; the timer does the rest.
                progress(_("{device}: returns by itself ({why})").format(device=each.device, why=error))
        if broken is not None:
            raise broken

    def _save(self, change: DeviceChange) -> None:
        platform = load_platform(change.platform)
        with self._sessions.command_line(change.device, platform) as line:
            line.save()

    def _timer(self, move: LineArguments, change: DeviceChange) -> Timer:
        return Timer(self._sessions, change.device, load_platform(change.platform), _label(move))

    def _keep(self, move: LineArguments, change: DeviceChange, text: str, *, forward: bool) -> None:
        folder = self._home / "configurations" / _label(move)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{change.device}-before-{'change' if forward else 'undo'}.conf").write_text(text)


def _identified(change: DeviceChange, platform: Platform, line: CommandLine) -> str:
    """Return the running configuration of the device, having seen that it is the one that is meant."""
    running = line.running()
    wanted = f"{change.device} ({change.router_id})"
    found = f"{line.hostname} ({router_id(platform, running)})"
    if found != wanted:
        raise WrongDevice(change.device, wanted, found)
    return running


def _goal(change: DeviceChange, running: str, *, forward: bool) -> str:
    before, after = (change.before, change.after) if forward else (change.after, change.before)
    return intended(load_platform(change.platform), running, before, after, change.policies)


def _label(move: LineArguments) -> str:
    """Return the name of a stage's change on its devices: the same at every attempt, and both ways."""
    digest = hashlib.sha256(move.model_dump_json().encode()).hexdigest()
    return f"{move.line}-{move.stage}-{digest[:8]}"


def _state(states: Sequence[DeviceState]) -> LineState:
    facts = {"devices": {each.device: {"at": each.at, "permanent": each.permanent} for each in states}}
    if any(each.at == "neither" for each in states):
        return LineState(state="unknown", facts=facts)
    done = all(each.at == "after" and each.permanent for each in states)
    return LineState(state="done" if done else "not-done", facts=facts)


def _each(devices: Sequence[DeviceChange], act: Callable[[DeviceChange], _T]) -> tuple[_T, ...]:
    """Act on all devices at once and return the answers in order; an error is raised when all are through."""
    if not devices:
        return ()
    with ThreadPoolExecutor(max_workers=min(16, len(devices))) as pool:
        return tuple(pool.map(act, devices))
