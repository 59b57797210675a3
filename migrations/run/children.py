"""Processes that die with the one that started them, whatever kills it."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from infra.tied import tied
from inventory.words import _


class ChildFailed(Exception):
    """A process that a run needs ends again and again; carries its name and where its log is."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        super().__init__(_("the run's {name} does not stay alive; its log is {log}").format(name=name, log=log))


def namespaced(command: Sequence[str]) -> list[str]:
    """Return a command that is the init of a pid namespace of its own: when it dies, all that it started die."""
    options = ("--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "slave")
    return ["unshare", *options, "--", *command]


class Child:
    """A process that is started again whenever it has died; use it from one thread that outlives it."""

    def __init__(self, name: str, command: Sequence[str], log: Path, keep: Sequence[int] = ()) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._keep = tuple(keep)
        self._process: subprocess.Popen[bytes] | None = None
        self._started: list[float] = []

    @property
    def pid(self) -> int | None:
        """Return the process's number while it lives."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def ensure(self) -> bool:
        """Start the process where it does not live, and say whether it had to be; ChildFailed after ten vain tries."""
        if self.pid is not None:
            return False
        now = time.monotonic()
        self._started = [moment for moment in self._started if now - moment < 20] + [now]
        if len(self._started) > 10:
            raise ChildFailed(self.name, self._log)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                tied(self._command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self._keep,
                # Its own session: an interrupt typed at the terminal is for the command alone.
                start_new_session=True,
            )
        return True

    def end(self) -> None:
        """Kill the process and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
