"""Commands that are killed when the process that started them ends, however it ends."""

import os
from collections.abc import Sequence
from pathlib import Path

# Its $0 is the process that must still be there: it may have ended before setpriv could ask for the signal.
_STILL_THERE = '[ "$PPID" = "$0" ] && exec "$@"'


def killed_with_parent(command: Sequence[str | Path]) -> list[str]:
    """Return a command that the kernel kills when the thread that starts it ends (prctl(2), PR_SET_PDEATHSIG).

    What the command itself starts is not killed: give it a pid namespace that ends with it.
    """
    return ["setpriv", "--pdeathsig", "KILL", "sh", "-c", _STILL_THERE, str(os.getpid()), *map(str, command)]
