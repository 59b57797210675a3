"""Control groups of a twin: one for the twin, one below it for each host.

A machine whose init is systemd has one hierarchy (pure v2); others mount v1 hierarchies with v2 in `unified`. In both,
the group of a twin names all its processes, whatever became of the one that started them.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
SUPERVISOR = "supervisor"


class Groups:
    """The groups of one twin in every hierarchy that systemd uses here."""

    def __init__(self, twin: str, root: Path = ROOT) -> None:
        self._name = f"zhenghe-{twin}"
        self._root = root

    def make(self, member: str) -> tuple[Path, ...]:
        """Make the group of a member and return the files that a process writes its id to."""
        files = []
        for hierarchy in hierarchies(self._root):
            folder = hierarchy / self._name / member
            folder.mkdir(parents=True, exist_ok=True)
            files.append(folder / "cgroup.procs")
        return tuple(files)

    def processes(self, member: str = "") -> frozenset[int]:
        """Return the ids of all processes of the twin, or of one member, that this process can see."""
        return frozenset(
            int(line)
            for top in self._tops()
            for file in (top / member).rglob("cgroup.procs")
            for line in _lines(file)
            if line != "0"
        )

    def kill(self, limit: float = 20.0) -> None:
        """End every process of the twin and return when none is left; TimeoutError after `limit` seconds."""
        until = time.monotonic() + limit
        while left := self.processes():
            for process in left:
                _send(process, signal.SIGKILL)
            if time.monotonic() > until:
                raise TimeoutError(f"processes {sorted(left)} do not end")
            time.sleep(0.02)

    def halt(self, member: str) -> None:
        """Stop every process of a member where it is, until `resume`; new ones of theirs as well."""
        halted: frozenset[int] = frozenset()
        while new := self.processes(member) - halted:
            for process in new:
                _send(process, signal.SIGSTOP)
            halted |= new

    def resume(self, member: str) -> None:
        """Let the processes of a member go on."""
        for process in self.processes(member):
            _send(process, signal.SIGCONT)

    def remove(self, member: str = "") -> None:
        """Remove the groups of one member, or of the whole twin; nothing may run in them any more."""
        for top in self._tops():
            folder = top / member
            if not folder.is_dir():
                continue
            for parent, children, _ in os.walk(folder, topdown=False):
                for child in children:
                    _remove(Path(parent, child))
            _remove(folder)

    def exist(self) -> bool:
        """Say whether the twin has any group at all."""
        return any(True for _ in self._tops())

    def _tops(self) -> Iterator[Path]:
        # Hosts' own systemd makes groups in hierarchies where we made none: look at every one of them.
        for parent in (self._root, *(path for path in self._root.glob("*") if path.is_dir())):
            if (parent / self._name).is_dir():
                yield parent / self._name


def hierarchies(root: Path = ROOT) -> tuple[Path, ...]:
    """Return the hierarchies that systemd keeps track of processes in: one where v2 is alone, else two."""
    if (root / "cgroup.controllers").exists():
        return (root,)
    return tuple(path for path in (root / "systemd", root / "unified") if (path / "cgroup.procs").exists())


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []  # the group was removed while we looked


def _send(process: int, sign: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, sign)


def _remove(folder: Path) -> None:
    # A group is busy for an instant after its last process ended.
    for _ in range(50):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
        else:
            return
