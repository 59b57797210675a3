"""Where one call of a playbook keeps its files; what one that was killed left is removed by the next, or at the end.

A call holds a lock on its folder for as long as it lives. Its Unix sockets lie elsewhere, in a folder whose name is
computed from the first one's: a socket's path may have a hundred bytes at most, and a run's home may have a long one.
"""

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "step-"
_LASTING = "ansible-"
_PATIENCE = 2.0
"""Seconds for which a process without a command is looked at again."""


@dataclass(frozen=True)
class Scratch:
    """The folders of one call."""

    private: Path

    @property
    def sockets(self) -> Path:
        """Return where SSH keeps its sockets."""
        return Path(tempfile.gettempdir()) / f"zh-{self.private.name.removeprefix(_PREFIX)}"

    def end_processes(self) -> None:
        """Kill whoever was given files of this call, until nobody is left."""
        until = time.monotonic() + _PATIENCE
        while True:
            left, unnamed = self._processes()
            for process in left:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if not left and (not unnamed or time.monotonic() > until):
                return
            time.sleep(0.01)

    def remove(self) -> None:
        """Remove both folders, the one by which they are found last."""
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.private, ignore_errors=True)

    def _processes(self) -> tuple[list[int], bool]:
        """Return who was given files of this call, and whether there is somebody of whom that cannot be said yet."""
        marks, found, unnamed = (os.fsencode(self.private), os.fsencode(self.sockets)), [], False
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                # A zombie has no command and no folder any more. Playbooks are known by their folder.
                command, folder = (entry / "cmdline").read_bytes(), os.fsencode((entry / "cwd").readlink())
                if entry.name != str(os.getpid()) and any(mark in command + folder for mark in marks):
                    found.append(int(entry.name))
                elif not command:
                    # Whoever just becomes another program has none for an instant; the kernel's own have no program.
                    unnamed = bool((entry / "exe").readlink()) or unnamed
        return found, unnamed


@contextmanager
def scratch(home: Path) -> Iterator[Scratch]:
    """Make the folders of a call below a home, and remove them in the end."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(home, fcntl.LOCK_EX):
        for left in home.glob(f"{_PREFIX}*"):
            _remove_if_dead(Scratch(left))
        made = Scratch(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home)))
        lock = os.open(made.private, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        made.sockets.mkdir(mode=0o700)
        yield made
    finally:
        made.remove()
        os.close(lock)


def clear_away(home: Path, patience: float = 10.0) -> None:
    """End and remove what calls left in a home, waiting `patience` seconds for those that are just being killed."""
    if home.is_dir():
        with _locked(home, fcntl.LOCK_EX):
            for left in (*home.glob(f"{_PREFIX}*"), *home.glob(f"{_LASTING}*")):
                _remove_if_dead(Scratch(left), patience)


def lasting_folder(home: Path) -> Path:
    """Make a folder that is there for as long as this process lives, and remove those of processes that have died."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(home, fcntl.LOCK_EX):
        for left in home.glob(f"{_LASTING}*"):
            _remove_if_dead(Scratch(left))
        made = Path(tempfile.mkdtemp(prefix=_LASTING, dir=home))
        # Never closed: the lock ends with the process.
        fcntl.flock(os.open(made, os.O_RDONLY), fcntl.LOCK_EX)
    return made


def _remove_if_dead(left: Scratch, patience: float = 0.0) -> None:
    with suppress(FileNotFoundError, BlockingIOError), _locked(left.private, fcntl.LOCK_EX | fcntl.LOCK_NB, patience):
        left.end_processes()
        left.remove()


@contextmanager
def _locked(folder: Path, how: int, patience: float = 0.0) -> Iterator[None]:
    descriptor, until = os.open(folder, os.O_RDONLY), time.monotonic() + patience
    try:
        while True:
            try:
                fcntl.flock(descriptor, how)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)
