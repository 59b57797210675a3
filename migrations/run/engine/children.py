"""Processes that die with the one that started them, whatever kills it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.parent_death import killed_with_parent
from inventory.errors import ZhengheError
from inventory.words import _

VAIN = 5
"""So many ends in a row before it came to work, and a process is not started again."""
_FROM_SHELL = range(129, 193)
"""The statuses by which a shell, and whoever does as it does, tells which signal ended its command."""


class ChildFailed(ZhengheError):
    """A process that a run needs ends again and again; carries its name, how it ended last and where its log is."""

    def __init__(self, name: str, how: str, log: Path) -> None:
        self.name = name
        self.how = how
        self.log = log
        text = _("the run's {name} does not stay alive ({how}); its log is {log}: mend what it names, and call again")
        super().__init__(text.format(name=name, how=how, log=log))


def namespaced(command: Sequence[str]) -> list[str]:
    """Return a command that is the init of a pid namespace of its own: when it dies, all that it started die."""
    options = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "slave")
    # Without root a user namespace is needed to make the others; everybody keeps his own number in it.
    own = () if os.geteuid() == 0 else ("--user", "--map-current-user")
    return ["unshare", *own, *options, "--", *command]


class Child:
    """A process that is started again whenever it has died; use it from one thread that outlives it.

    Each end is told. It counts until the process is said to be `at_work`, however long its start takes.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, tell: Callable[[str], None], keep: Sequence[int] = ()
    ) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._tell = tell
        self._keep = tuple(keep)
        self._process: subprocess.Popen[bytes] | None = None
        self._vain = 0

    @property
    def pid(self) -> int | None:
        """Return the process's number while it lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def ensure(self) -> bool:
        """Start the process where it does not live, and say whether it had to be; ChildFailed after vain tries."""
        if self.pid is not None:
            return False
        if self._process is not None:
            self._ended(self._process.returncode)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                killed_with_parent(self._command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self._keep,
                # Its own session: an interrupt typed at the terminal is for the command alone.
                start_new_session=True,
            )
        return True

    def at_work(self) -> None:
        """Say that the process has come so far that its ends are no vain starts."""
        self._vain = 0

    def begin_anew(self) -> None:
        """Forget ends: what they were due to is mended."""
        self.end()
        self._process, self._vain = None, 0

    def end(self) -> None:
        """Kill the process and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _ended(self, code: int) -> None:
        how = self._how(code)
        self._vain += 1
        if self._vain >= VAIN:
            raise ChildFailed(self.name, how, self._log)
        self._tell(_("the run's {name} has ended ({how}); it is started again").format(name=self.name, how=how))

    def _how(self, code: int) -> str:
        number = -code if code < 0 else code - 128 if code in _FROM_SHELL else 0
        if number:
            return _("ended by signal {number}").format(number=f"{number} {_name_of(number)}".strip())
        said = ""
        with contextlib.suppress(OSError):
            lines = self._log.read_bytes()[-4096:].decode(errors="replace").strip().splitlines()
            said = lines[-1].strip()[:300] if lines else ""
        return _("status {code}").format(code=code) + (f": {said}" if said else "")


def _name_of(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return ""
