"""How a worker says that it lives, and what keeps it from its work where even the evidence may not be written.

The command holds a pipe and its worker inherits the other end. A worker that writes nothing is dead, stopped or hangs.
"""

import contextlib
import json
import os
import time

VARIABLE = "ZHENGHE_TROUBLES"
"""Names the descriptor to the worker, in its environment."""
BEAT = 2.0
"""Seconds between two signs of life."""


class Troubles:
    """The worker's end; a worker that was started by hand has none, and its words go nowhere."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @classmethod
    def inherited(cls) -> "Troubles":
        """Return the end that the command left to this process, and to nobody whom this process starts."""
        descriptor = int(os.environ.pop(VARIABLE, "-1"))
        if descriptor < 0:
            return cls(None)
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the name of the call says it
        return cls(descriptor)

    def beat(self) -> None:
        """Say that this process is at work."""
        self._write("")

    def tell(self, text: str) -> None:
        """Say what keeps this process from its work."""
        self._write(json.dumps(text[:1000]))

    def _write(self, line: str) -> None:
        if self._descriptor is not None:
            # A command that does not read at the moment is told nothing rather than waited for.
            with contextlib.suppress(OSError):
                os.write(self._descriptor, line.encode() + b"\n")


class Heard:
    """The command's end."""

    def __init__(self) -> None:
        self._read, self.descriptor = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._torn = b""
        self._looked = self._last = time.monotonic()

    @property
    def silence(self) -> float:
        """Return for how many seconds nothing was heard; what this process slept through does not count."""
        return self._looked - self._last

    def take(self) -> tuple[bool, tuple[str, ...]]:
        """Return whether a sign of life came since the last call, and the troubles that were told."""
        heard = self._torn
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._read, 65536):
                heard += part
        whole, newline, self._torn = heard.rpartition(b"\n")
        now = time.monotonic()
        if newline:
            self._last = now
        elif now - self._looked > BEAT:
            self._last += now - self._looked
        self._looked = now
        return bool(newline), tuple(json.loads(line) for line in whole.split(b"\n") if line)

    def begin(self) -> None:
        """Count silence from now on."""
        self._looked = self._last = time.monotonic()

    def close(self) -> None:
        """Let both ends go."""
        os.close(self._read)
        os.close(self.descriptor)
