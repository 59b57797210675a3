"""Sessions that were opened for one stage, and serve the look with which the next one begins.

After a change every session is opened anew, because only that shows whether a device can still be reached. The next
change of the same device begins with those: they are some seconds old, and are asked first whether they still answer.
"""

import threading
from types import TracebackType
from typing import Generic, TypeVar

from netcfg.command_line import CommandLine
from netcfg.platforms import Platform
from netcfg.sessions import Sessions, Shell
from netcfg.terminals import Terminal

_Session = TypeVar("_Session", bound=CommandLine | Shell)
_Key = tuple[type, str]


class Spares:
    """The sessions that are open and in nobody's use, one of each kind for a device."""

    def __init__(self, seconds: float = 5.0) -> None:
        """Close what nobody has asked for in so many seconds: others may need the place on the device."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._open: dict[_Key, CommandLine | Shell] = {}
        self.waiting: tuple[threading.Timer, ...] = ()
        """What will close those that nobody asks for."""

    def take(self, kind: type[_Session], device: str) -> _Session | None:
        """Return a session that answers; None where there is none."""
        with self._lock:
            found = self._open.pop((kind, device), None)
        if found is not None and not found.alive:
            found.close()
            return None
        return found if isinstance(found, kind) else None

    def drop(self, kind: type[_Session], device: str) -> None:
        """Close a spare session, so that a new one finds a place on the device."""
        with self._lock:
            found = self._open.pop((kind, device), None)
        if found is not None:
            found.close()

    def give(self, device: str, session: CommandLine | Shell) -> None:
        """Keep a session for a while, in the place of an earlier one."""
        key = (type(session), device)
        with self._lock:
            earlier = self._open.pop(key, None)
            self._open[key] = session
        if earlier is not None:
            earlier.close()
        timer = threading.Timer(self._seconds, self._drop, (key, session))
        timer.daemon = True
        self.waiting = (*(each for each in self.waiting if each.is_alive()), timer)
        timer.start()

    def _drop(self, key: _Key, session: CommandLine | Shell) -> None:
        with self._lock:
            if self._open.get(key) is not session:
                return
            del self._open[key]
        session.close()


class Loan(Generic[_Session]):
    """A session in use, as a context; afterwards it is closed, or kept if nothing went wrong with it."""

    def __init__(self, spares: Spares, device: str, session: _Session, *, keep: bool) -> None:
        """Take a session that is open."""
        self._session: _Session = session
        self._spares, self._device, self._keep = spares, device, keep

    def __enter__(self) -> _Session:
        return self._session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keep and kind is None:
            self._spares.give(self._device, self._session)
        else:
            self._session.close()


class Lending:
    """Opens sessions as `Sessions` does, or lends those that are open."""

    def __init__(self, sessions: Sessions, spares: Spares, *, anew: bool, keep: bool) -> None:
        """`anew`: every session is opened now; `keep`: they serve whoever comes next."""
        self._sessions, self._spares, self._anew, self._keep = sessions, spares, anew, keep

    def command_line(self, device: str, platform: Platform) -> Loan[CommandLine]:
        """Return a device's command line."""
        spare = self._spare(CommandLine, device)
        line = self._sessions.command_line(device, platform) if spare is None else spare
        return Loan(self._spares, device, line, keep=self._keep)

    def shell(self, device: str) -> Loan[Shell]:
        """Return a device's account with a plain shell."""
        spare = self._spare(Shell, device)
        shell = self._sessions.shell(device) if spare is None else spare
        return Loan(self._spares, device, shell, keep=self._keep)

    def terminal(self, device: str, platform: Platform) -> Terminal:
        """Return the command line of a device that has nothing else; such sessions are few there, so none is kept."""
        return self._sessions.terminal(device, platform)

    def _spare(self, kind: type[_Session], device: str) -> _Session | None:
        if self._anew:
            self._spares.drop(kind, device)
            return None
        return self._spares.take(kind, device)
