"""The kit of all code that runs on hosts: refuse, run a command, wait, hold a lock, write a file, answer.

Runs under Python 3.9 with the standard library alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RUNNING = Path("/run/zhenghe")
"""Locks and reports, gone after a restart."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Refused(Exception):
    """A thing is not done as things are here; says why and what to do next."""

    def __init__(self, reason: str, mend: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


def run(*command: str, limit: float = 60.0, good: Sequence[int] = (0,), given: bytes = b"") -> str:
    """Run a command and return its output; Refused where it fails or takes longer than the limit in seconds."""
    try:
        done = subprocess.run(command, capture_output=True, input=given, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise Refused(f"{command[0]}: not finished within {limit:.1f} s") from None
    if done.returncode not in good:
        said = (done.stderr or done.stdout).decode(errors="backslashreplace").strip().splitlines()
        raise Refused(f"{command[0]}: {'; '.join(said[-3:]) or done.returncode}")
    return done.stdout.decode(errors="surrogateescape")


def serving(unit: str) -> bool:
    """Say whether a unit of systemd runs; it goes on serving while it reads a new configuration."""
    return run("systemctl", "is-active", unit, good=(0, 3, 4)).strip() in {"active", "reloading"}


def wait(until: Callable[[], bool], seconds: float, pause: float = 0.05) -> bool:
    """Ask again and again until the answer is yes; return the last answer."""
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


@contextlib.contextmanager
def locked(file: IO[Any], limit: float, reason: str, mend: str = "") -> Iterator[None]:
    """Hold the lock of an open file, which it closes; Refused where somebody else keeps it longer than the limit."""
    with file:
        if not wait(lambda: _taken(file.fileno()), limit, 0.01):
            raise Refused(reason, mend)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write(path: Path, content: str | bytes, mode: int = 0o644) -> bool:
    """Write a file of root's so that a reader sees all of it or the old one; says whether anything changed.

    Files in folders that belong to another account are written by `zhenghe_owned`.
    """
    data = content.encode(errors="surrogateescape") if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    return True


def seconds(value: Any) -> float:
    """Return a duration in seconds, written as a number or as a number with a unit."""
    if not isinstance(value, str):
        return float(value)
    digits = value.rstrip("mshd")
    return float(digits) * _UNITS.get(value[len(digits) :], 1.0)


@contextlib.contextmanager
def alone(given: dict[str, Any]) -> Iterator[None]:
    """Be the only one that works on a component of a system on this host."""
    RUNNING.mkdir(exist_ok=True)
    name = f"{given['system']}-{given['component']['name']}"
    with (RUNNING / f"step-{name}.lock").open("w") as lock:
        # A verb that was left alone by its controller may still be at work.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def answer(done: bool, changed: bool = False, **facts: Any) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Return a task's result with its answer to the step."""
    return {"changed": changed, "answer": {"state": "done" if done else "not-done", "facts": facts}}
