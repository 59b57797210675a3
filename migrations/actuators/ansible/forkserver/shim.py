"""The program that ansible-runner starts in the place of ansible-playbook: the forkserver runs that, and it ends alike.

    python shim.py PARENT PIDFILE SOCKET SECONDS COMMAND...

Ends with the command's status, or 128 and the number of the signal that ended the command or was to end this process;
with 124 when the seconds were up, with 125 when the parent was gone before anything was begun, and with 123 when who
ran the command was ended, by a signal that nobody here knows.
"""

import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

TIMED_OUT = 124
ORPHANED = 125
LOST = 123
KEPT = "ZHENGHE_KEPT"
"""Names the variables that every playbook gets of the server's own environment: by them secrets are looked up."""
SLACK = 30.0
"""Seconds for the server's start and the end of everything, beyond the command's own limit."""
_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Hand the command over and wait for its end."""
    parent, file, place, seconds, command = int(argv[0]), Path(argv[1]), argv[2], float(argv[3]), argv[4:]
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keeper:
        told: list[int] = []

        def stop(number: int, _frame: FrameType | None) -> None:
            told.append(number)
            with contextlib.suppress(OSError):
                keeper.send(b"stop")

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, stop)
        if os.getppid() != parent:
            return ORPHANED
        file.write_text(str(os.getpid()))
        keeper.settimeout(seconds + SLACK)
        request = {"command": command, "environment": dict(os.environ), "folder": str(Path.cwd()), "seconds": seconds}
        try:
            keeper.connect(place)
            socket.send_fds(keeper, [json.dumps(request).encode()], [0, 1, 2])
            said = keeper.recv(16)
        except TimeoutError:
            return TIMED_OUT
        except OSError:
            said = b""
        if told:
            return 128 + told[0]
        return int(said) if said else LOST


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
