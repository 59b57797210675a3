"""A visit to one device: both its sessions, opened together, for one phase of a transaction."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from inventory.base import Model
from inventory.words import _
from netcfg.answers import facts_of
from netcfg.checks import Eyes, fallback, unmet
from netcfg.command_line import CommandLine
from netcfg.difference import homeless, intended, ours_between, same, shown, taken, unsaved
from netcfg.errors import DeviceBusy, DeviceIncomplete, DeviceUnsaved, NeighbourUnseen, NotHeld, WrongDevice
from netcfg.facts import sent_between
from netcfg.guards import Guard, Ticket, Way
from netcfg.guards.keeping import KeptGuard
from netcfg.guards.lines import LinePath
from netcfg.guards.loading import LoadedGuard
from netcfg.guards.timed import TimedGuard
from netcfg.guards.trial import TrialGuard
from netcfg.intent import Check, DeviceChange
from netcfg.platforms import Platform, load_platform
from netcfg.reading import body, paths, router_id
from netcfg.sessions import Sessions, Shell, ShellLine
from netcfg.terminals import Terminal, TerminalShell

_Thing = TypeVar("_Thing")
_T = TypeVar("_T")
Line = CommandLine | ShellLine | Terminal
Side = Literal["before", "after", "neither"]


class DeviceState(Model):
    """Where one device stands between a stage's two configurations."""

    device: str
    at: Side
    permanent: bool
    """It would start with this configuration, and no timer waits to take it back."""


@dataclass(frozen=True)
class Found:
    """What a look at a device found: its configuration in force, the one to start with, and who changes it."""

    running: str
    startup: str
    left: str
    """The change that was left undecided there; empty where there is none."""
    full: str
    """Why the device could not save; empty where it could."""


class Visit:
    """What a transaction does on one device."""

    def __init__(
        self, change: DeviceChange, guard: Guard, line: Line, shell: Shell | TerminalShell, saved: str | None
    ) -> None:
        """Speak with a device; `saved` is the configuration that it had before the change, where there was one."""
        self.change = change
        self._saved = saved
        self.device = change.device
        self._platform = load_platform(change.platform)
        self._line = line
        self._shell = shell
        self.guard = guard

    def _identify(self, running: str) -> None:
        """WrongDevice where a configuration is another device's."""
        wanted = f"{self.device} ({self.change.router_id})"
        found = f"{self._line.hostname} ({router_id(self._platform, running)})"
        if found != wanted:
            raise WrongDevice(self.device, wanted, found)

    def find(self, wait: Callable[[str], None]) -> Found:
        """Return what the device has, once no other change is under way; `wait` is told whose one waits for."""
        while True:
            standing = self.guard.look()
            running = standing.running
            if standing.silent:
                raise DeviceIncomplete(self.device, standing.silent)
            if standing.strange:
                raise NotHeld(self.device, standing.strange)
            if standing.unloaded:
                raise DeviceUnsaved(self.device, (_("a file that was edited since it was loaded last"),))
            self._identify(running)
            if standing.state != "busy":
                left = standing.owner if standing.state == "left" else ""
                return Found(running, standing.startup, left, standing.full or self._elsewhere(running))
            wait(standing.owner)

    def _elsewhere(self, running: str) -> str:
        """Return which line has the device save in other files than those that are looked at; empty where none has."""
        keeping = self._platform.keeping
        found = re.search(keeping.elsewhere, running, re.MULTILINE) if keeping.kind == "typed" else None
        return found[0] if found is not None else ""

    def busy(self, owner: str) -> DeviceBusy:
        """Return the error that says who holds the device."""
        return DeviceBusy(self.device, owner)

    def state(self, found: Found) -> DeviceState:
        """Return where the device stands; it has both configurations of a stage where that concerns nothing of it."""
        permanent = not found.left and not self.unsaved(found)
        return DeviceState(device=self.device, at=self.place(found.running), permanent=permanent)

    def unsaved(self, found: Found) -> set[LinePath]:
        """Return the lines in which the configuration in force and the one to start with differ."""
        return unsaved(self._platform, found.running, found.startup)

    def demand_saved(self, found: Found) -> None:
        """DeviceUnsaved where others have left something unsaved; what this stage changes may be so, once it died."""
        foreign = self.unsaved(found) - self.of_stage(found.running)
        if foreign:
            raise DeviceUnsaved(self.device, self.shown(foreign))

    def place(self, running: str) -> Side:
        """Return which of a stage's configurations this is; `after` where both are the same to the device."""
        if same(self._platform, running, self.goal(running, forward=True)):
            return "after"
        if same(self._platform, running, self._template(running)):
            return "before"
        return "neither"

    def goal(self, running: str, *, forward: bool) -> str:
        """Return what the running configuration becomes by the stage, or by its undo: the two swapped.

        Undo puts back what was saved before the change: a surveyed line may have more to it than the plan knows.
        """
        if forward:
            return intended(self._platform, running, self.change.before, self.change.after, self.change.policies)
        if self._saved is None:
            return self._template(running)
        fell = taken(self._platform, self._saved, self.change.before, self.change.after)
        return intended(self._platform, running, self.change.after, fell, self.change.policies)

    def _template(self, running: str) -> str:
        return intended(self._platform, running, self.change.after, self.change.before, self.change.policies)

    @property
    def can_return(self) -> bool:
        """Say whether undo knows all that it has to put back."""
        return not self.change.before or self._saved is not None

    def way(self, running: str, goal: str) -> Way:
        """Return what leads from one configuration to the other, and back; NeighbourUnseen where nothing does."""
        ours = ours_between(self._platform, running, goal)
        if (unseen := homeless(self._platform, ours.added)) is not None:
            raise NeighbourUnseen(self.device, unseen)
        return Way(body(self._platform, running), goal, ours)

    def push(self, way: Way) -> None:
        """Have the device changed; it is in force but not permanent."""
        self.guard.push(way)

    def astray(self, running: str) -> tuple[str, ...]:
        """Return in words in which lines a configuration differs from what a stage begins with."""
        here, there = (set(paths(self._platform, text)) for text in (running, self._template(running)))
        return self.differing(there - here, here - there)

    def differs(self, way: Way, running: str) -> tuple[str, ...]:
        """Return in words which lines of a change are not in force."""
        wrong = set(paths(self._platform, running))
        return self.differing(way.ours.added - wrong, way.ours.removed & wrong)

    def others(self, way: Way, running: str) -> set[LinePath]:
        """Return the lines that changed beside ours since the way began."""
        before, now = (set(paths(self._platform, text)) for text in (way.running, running))
        return way.ours.others(before, now)

    def drift(self, last: str, running: str) -> tuple[str, ...]:
        """Return the lines, other than this stage's, in which two configurations of the device differ."""
        before, now = (set(paths(self._platform, text)) for text in (last, running))
        return self.shown((before ^ now) - self.of_stage(running))

    def foreign_unsaved(self, way: Way, found: Found) -> tuple[str, ...]:
        """Return the unsaved lines that are not of the change, nor of an attempt at it that died."""
        return self.shown(self.unsaved(found) - way.ours.added - way.ours.removed - self.of_stage(found.running))

    def of_stage(self, running: str) -> set[LinePath]:
        """Return all lines that the stage, or its undo, adds or takes away."""
        after, before = (set(paths(self._platform, self.goal(running, forward=way))) for way in (True, False))
        return after ^ before

    def differing(self, missing: Set[LinePath], surplus: Set[LinePath]) -> tuple[str, ...]:
        """Say of lines that they are missing, of others that they are too many."""
        words = {True: _("{device}: “{line}” is missing from the configuration"),
                 False: _("{device}: “{line}” should not be in the configuration")}  # fmt: skip
        return tuple(
            words[path in missing].format(device=self.device, line=self.shown({path})[0])
            for path in sorted(missing | surplus)
        )

    def shown(self, lines: Iterable[LinePath]) -> tuple[str, ...]:
        """Return lines as people read them, without the secrets in them."""
        return shown(self._platform, lines)

    def masked(self, line: str) -> str:
        """Return a line as people may read it, without the secret in it."""
        return self._platform.masked(line)

    def unmet(self, checks: Sequence[Check], within: float, mark: str = "") -> tuple[str, ...]:
        """Return in words which checks of this device are not met within so many seconds.

        `mark` is what `counted` returned when the line was drained.
        """
        return unmet(Eyes(self._platform, self._line, self._shell, mark), checks, within)

    def fallback(self, checks: Sequence[Check]) -> tuple[str, ...]:
        """Say how soon traffic is back on the line when a circuit dies, for circuits that checks lead packets over."""
        ways = {check.addresses: check for check in checks if check.device == self.device and check.kind == "route-via"}
        eyes = Eyes(self._platform, self._line, self._shell)
        return tuple(sentence for check in ways.values() for sentence in fallback(eyes, check))

    def counted(self, interface: str) -> str:
        """Return what an interface has carried so far, as the device says it."""
        return self._shell.ask(self._platform.shell.traffic.format(interface=interface)) or ""

    def silent_since(self, interface: str, mark: str) -> bool:
        """Say whether nothing has gone out over an interface since it was counted; not where nobody can say."""
        facts = facts_of(self._platform)
        try:
            before, now = facts.traffic(mark, interface), facts.traffic(self.counted(interface), interface)
        except LookupError:
            return False
        return before.uptime <= now.uptime and before.packets <= now.packets and not sent_between(before, now)

    def ask(self, command: str) -> str:
        """Return what the shell account answers; empty where the command fails."""
        return self._shell.ask(command) or ""

    def save(self) -> None:
        """Make the running configuration permanent."""
        self.guard.save()


def _guard(change: DeviceChange, line: CommandLine | ShellLine | None, shell: Shell, ticket: Ticket) -> KeptGuard:
    """Return the guard of a device that has a shell account; without a command line it takes back and tells."""
    platform = load_platform(change.platform)
    guard = LoadedGuard if platform.keeping.kind == "loaded" else KeptGuard
    return guard(change.device, platform, line, shell, ticket)


def _typed_guard(change: DeviceChange, line: Terminal, ticket: Ticket) -> Guard:
    """Return the guard of a device that has nothing but its command line."""
    platform = load_platform(change.platform)
    guard = TrialGuard if platform.keeping.kind == "trial" else TimedGuard
    return guard(change.device, platform, line, ticket)


@contextmanager
def guard_alone(sessions: Sessions, change: DeviceChange, ticket: Ticket) -> Iterator[Guard]:
    """Yield a guard that takes back and tells, over one session of its own."""
    platform = load_platform(change.platform)
    if platform.dialogue is not None:
        with sessions.terminal(change.device, platform) as line:
            yield _typed_guard(change, line, ticket)
    else:
        with sessions.shell(change.device) as shell:
            yield _guard(change, None, shell, ticket)


class Opens(Protocol):
    """Opens sessions with devices."""

    def command_line(self, device: str, platform: Platform) -> AbstractContextManager[CommandLine]:
        """Open a device's command line."""

    def shell(self, device: str) -> AbstractContextManager[Shell]:
        """Open a device's account with a plain shell."""

    def terminal(self, device: str, platform: Platform) -> AbstractContextManager[Terminal]:
        """Open the command line of a device that has nothing else."""


@contextmanager
def visits(
    sessions: Opens, changes: Sequence[DeviceChange], ticket: Ticket, saved: Mapping[str, str]
) -> Iterator[tuple[Visit, ...]]:
    """Visit devices, all at once; their sessions end with the context. `saved`: configurations before the change."""

    def come(change: DeviceChange) -> Visit:
        platform, before = load_platform(change.platform), saved.get(change.device)
        if platform.dialogue is not None:
            typed = open_ended.enter_context(sessions.terminal(change.device, platform))
            return Visit(change, _typed_guard(change, typed, ticket), typed, TerminalShell(platform, typed), before)
        if not platform.driver:
            shell = open_ended.enter_context(sessions.shell(change.device))
            asked = ShellLine(platform, shell)
            return Visit(change, _guard(change, asked, shell, ticket), asked, shell, before)
        with ThreadPoolExecutor(1) as pool:
            beside = pool.submit(sessions.shell, change.device)
            try:
                line = open_ended.enter_context(sessions.command_line(change.device, platform))
            finally:
                # The other one is closed with the context too, whatever became of the first.
                shell = open_ended.enter_context(beside.result())
        return Visit(change, _guard(change, line, shell, ticket), line, shell, before)

    with ExitStack() as open_ended:
        yield each(changes, come)


def each(things: Sequence[_Thing], act: Callable[[_Thing], _T]) -> tuple[_T, ...]:
    """Act on all things at once and return the answers in order; an error is raised when all are through."""
    if not things:
        return ()
    with ThreadPoolExecutor(max_workers=min(16, len(things))) as pool:
        return tuple(pool.map(act, things))
