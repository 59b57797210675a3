"""A visit to one device: both its sessions, opened together, for one phase of a transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Literal, TypeVar

from inventory.base import Model
from inventory.words import _
from netcfg.checks import Eyes, unmet
from netcfg.difference import commands_between, intended, paths, same, taken
from netcfg.errors import WrongDevice
from netcfg.facts import router_id
from netcfg.intent import Check, DeviceChange
from netcfg.platforms import load_platform
from netcfg.sessions import CommandLine, Sessions, Shell
from netcfg.timers import Timer

_Thing = TypeVar("_Thing")
_T = TypeVar("_T")


class DeviceState(Model):
    """Where one device stands between a stage's two configurations."""

    device: str
    at: Literal["before", "after", "neither"]
    permanent: bool
    """It would start with this configuration, and no timer waits to take it back."""


class Visit:
    """What a transaction does on one device."""

    def __init__(
        self, change: DeviceChange, label: str, line: CommandLine, shell: Shell, saved: str | None = None
    ) -> None:
        """Speak with a device; `saved` is the configuration that it had before the change, where there was one."""
        self.change = change
        self._saved = saved
        self.device = change.device
        self._platform = load_platform(change.platform)
        self._line = line
        self._shell = shell
        self.timer = Timer(shell, change.device, self._platform, label)

    def identify(self) -> str:
        """Return the running configuration; WrongDevice where it is another device's."""
        running = self._line.running()
        wanted = f"{self.device} ({self.change.router_id})"
        found = f"{self._line.hostname} ({router_id(self._platform, running)})"
        if found != wanted:
            raise WrongDevice(self.device, wanted, found)
        return running

    def look(self) -> DeviceState:
        """Return where the device stands; it has both configurations of a stage where that concerns nothing of it."""
        start, running = self.timer.look(), self.identify()
        # Between the two another change may have begun.
        while (again := self.timer.look()) != start:
            start, running = again, self.identify()
        permanent = start is not None and same(self._platform, running, start)
        return DeviceState(device=self.device, at=self.place(running), permanent=permanent)

    def place(self, running: str) -> Literal["before", "after", "neither"]:
        """Return which of a stage's configurations this is; `after` where both are the same to the device."""
        if same(self._platform, running, self.goal(running, forward=True)):
            return "after"
        if same(self._platform, running, self.goal(running, forward=False)):
            return "before"
        return "neither"

    def goal(self, running: str, *, forward: bool) -> str:
        """Return what the running configuration becomes by the stage, or by its undo: the two swapped.

        Undo puts back what was saved before the change: a surveyed line may have more to it than the plan knows.
        """
        before, after = (self.change.before, self.change.after)
        if self._saved is not None:
            before = (*before, *taken(self._platform, self._saved, before, after))
        gone, come = (self.change.before, after) if forward else (after, before)
        return intended(self._platform, running, gone, come, self.change.policies)

    @property
    def can_return(self) -> bool:
        """Say whether undo knows all that it has to put back."""
        return not self.change.before or self._saved is not None

    def push(self, running: str, goal: str) -> None:
        """Type what leads from one configuration to the other; it is in force but not permanent."""
        self._line.configure(commands_between(self._platform, running, goal))

    def differs(self, goal: str, running: str | None = None) -> tuple[str, ...]:
        """Return in words the lines that the device has and should not have, or the other way round."""
        running = self._line.running() if running is None else running
        found, wanted = (set(paths(self._platform, text)) for text in (running, goal))
        missing = _("{device}: “{line}” is missing from the configuration")
        surplus = _("{device}: “{line}” should not be in the configuration")
        return tuple(
            (surplus if path in found else missing).format(device=self.device, line=" / ".join(path))
            for path in sorted(found ^ wanted)
        )

    def unmet(self, checks: Sequence[Check], within: float) -> tuple[str, ...]:
        """Return in words which checks of this device are not met within so many seconds."""
        return unmet(Eyes(self._platform, self._line, self._shell), checks, within)

    def save(self) -> None:
        """Make the running configuration permanent."""
        self._line.save()


@contextmanager
def visits(
    sessions: Sessions, changes: Sequence[DeviceChange], label: str, saved: Mapping[str, str]
) -> Iterator[tuple[Visit, ...]]:
    """Visit devices, all at once; their sessions end with the context. `saved`: configurations before the change."""

    def come(change: DeviceChange) -> Visit:
        line = open_ended.enter_context(sessions.command_line(change.device, load_platform(change.platform)))
        shell = open_ended.enter_context(sessions.shell(change.device))
        return Visit(change, label, line, shell, saved.get(change.device))

    with ExitStack() as open_ended:
        yield each(changes, come)


def each(things: Sequence[_Thing], act: Callable[[_Thing], _T]) -> tuple[_T, ...]:
    """Act on all things at once and return the answers in order; an error is raised when all are through."""
    if not things:
        return ()
    with ThreadPoolExecutor(max_workers=min(16, len(things))) as pool:
        return tuple(pool.map(act, things))
