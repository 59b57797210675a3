"""Runs a command and all of its descendants in a pid namespace that ends when this process does, however it ends."""

import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from infra.parent_death import killed_with_parent

OnLine = Callable[[str], object]
_BY_SIGNAL = range(129, 193)
"""The statuses by which a shell tells which signal ended its command."""
# The namespace's first process. It stays above the command, because unshare(1) of util-linux 2.38 cannot tell that its
# own child was killed: it ends with status 1 and complains of something else.
_WAIT = ("sh", "-c", '"$@"; exit "$?"', "sh")


class Ended(NamedTuple):
    """How a command ended and what it said."""

    code: int
    output: str
    errors: str

    @property
    def signal(self) -> int | None:
        """Return the number of the signal that ended the command; None where it ended by itself."""
        return self.code - 128 if self.code in _BY_SIGNAL else -self.code if self.code < 0 else None


def run_tethered(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    lock: int | None = None,
    on_output: OnLine | None = None,
    on_error: OnLine | None = None,
) -> Ended:
    """Run a command to its end; `lock` is a descriptor that stays open until the last of its processes is gone.

    An exception in here, the interrupt from the keyboard included, kills the command.
    """
    process = subprocess.Popen(
        killed_with_parent([*_own_pids(), *command]), cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
        pass_fds=() if lock is None else (lock,),
        # The interrupt reaches this process alone, which then ends the command.
        start_new_session=True,
    )  # fmt: skip
    said: list[str] = []
    complained: list[str] = []
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        readers = (_reader(process.stdout, said, on_output), _reader(process.stderr, complained, on_error))
        for reader in readers:
            reader.join()
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    return Ended(code, "\n".join(said), "\n".join(complained))


def _own_pids() -> tuple[str, ...]:
    # The first process of a pid namespace takes all others along. Without root a user namespace is needed to make one.
    own = () if os.geteuid() == 0 else ("--user", "--map-current-user")
    return ("unshare", *own, "--pid", "--fork", "--kill-child", *_WAIT)


def _reader(stream: IO[str], lines: list[str], on_line: OnLine | None) -> threading.Thread:
    def read() -> None:
        with stream:
            for line in stream:
                lines.append(line.rstrip())
                if on_line is not None:
                    on_line(line.rstrip())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
