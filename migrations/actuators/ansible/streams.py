"""Reads a command's output while it runs, without a pseudo-terminal.

A pseudo-terminal would have to be made by a fork in this process. gRPC's threads, which Pulumi's SDK brings into it,
do not survive a fork: now and then they abort the child before it has become the command. A pipe can be given to a
command that is started by vfork, which no other thread sees.
"""

import codecs
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 5.0
"""Seconds for the last words after the command has ended; who outlives it may hold the pipe open for ever."""


@contextmanager
def heard(take: Callable[[str], object]) -> Iterator[int]:
    """Yield a descriptor to write to; by the end all that was written to it was handed on. Raises what `take` does."""
    reading, writing = os.pipe()
    over = threading.Event()
    failures: list[Exception] = []

    def read() -> None:
        decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        try:
            while True:
                if not select.select([reading], [], [], 0.1)[0]:
                    if over.is_set():
                        return
                elif part := os.read(reading, 65536):
                    take(decode(part))
                else:
                    return
        except Exception as exc:  # noqa: BLE001 - raised again below, in the thread that is to know of it
            failures.append(exc)
        finally:
            os.close(reading)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield writing
    finally:
        os.close(writing)
        thread.join(PATIENCE)
        over.set()
        thread.join()
    if failures:
        raise failures[0]
