"""Finds and ends whatever stems from a process, however far it has moved away."""

import contextlib
import os
import signal
import time
from pathlib import Path


def descendants(process: int) -> list[int]:
    """Return the ids of all processes that stem from one, deepest last."""
    parents: dict[int, list[int]] = {}
    # By folders alone: a pattern with a file in it is looked up in the search itself, and fails where a process ends.
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (one / "stat").read_text(errors="replace")
            # The name in parentheses may contain anything, so the fields are counted from behind it.
            parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(one.name))
    found = list(parents.get(process, ()))
    for child in found:
        found.extend(parents.get(child, ()))
    return found


def clear() -> None:
    """Kill whatever stems from this process, which has to reap what is orphaned below it, until nothing does."""
    while left := descendants(os.getpid()):
        for one in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)
