"""Runs a command so that nothing of it outlives its limit, its own end, or the process that wanted it.

    python leash.py PARENT PIDFILE SECONDS COMMAND...

Ends with the command's status, or 128 and the number of the signal that ended the command or the leash; with 124 when
the seconds were up, and with 125 when the parent was gone before anything was begun.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

TIMED_OUT = 124
ORPHANED = 125
_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36


def descendants(process: int) -> list[int]:
    """Return the ids of all processes that stem from one, deepest last."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = stat.read_text(errors="replace")
            # The name in parentheses may contain anything, so the fields are counted from behind it.
            parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found = list(parents.get(process, ()))
    for one in found:
        found.extend(parents.get(one, ()))
    return found


def clear() -> None:
    """Kill whatever stems from this process until nothing does."""
    while left := descendants(os.getpid()):
        for one in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    clear()
    os._exit(TIMED_OUT if number == signal.SIGALRM else 128 + number)


def main(argv: list[str]) -> int:
    """Run the command on a leash."""
    parent, file, seconds, command = int(argv[0]), Path(argv[1]), float(argv[2]), argv[3:]
    libc = ctypes.CDLL(None, use_errno=True)
    # Descendants that lose their parent become ours, so that daemons among them are found as well.
    libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, _end)
    if os.getppid() != parent:
        return ORPHANED
    file.write_text(str(os.getpid()))
    signal.setitimer(signal.ITIMER_REAL, seconds)

    def go_with_the_leash() -> None:
        # A leash that is killed clears nothing: then at least the command itself is to end.
        libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    status = subprocess.Popen(command, preexec_fn=go_with_the_leash).wait()  # noqa: PLW1509 - there is one thread
    signal.setitimer(signal.ITIMER_REAL, 0)
    clear()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
