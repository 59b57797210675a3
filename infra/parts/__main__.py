"""Makes what the product needs beside its virtual environment: images of hosts and Pulumi's engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from infra.parts import cache, images, toolchain

# A process killed by an interrupt ends with 128 + SIGINT.
_INTERRUPTED = 130


def parts() -> dict[str, Callable[[], Path]]:
    """Return every part's name and what makes it (or finds it made)."""
    made: dict[str, Callable[[], Path]] = {
        "pulumi": toolchain.build_pulumi,
        "temporal": toolchain.temporal_path,
    }
    return made | {f"image {name}": partial(images.build, name) for name in images.NAMES}


OTHERS: dict[str, Callable[[], Path]] = {"openstack": toolchain.openstack_provider}
"""Parts that not everybody needs, by the word that asks for them."""


def main(words: Sequence[str] = ()) -> int:
    """Make all parts, or the others that are named, two at a time; 2 with a message for each that is not there."""
    if not set(words) <= set(OTHERS):
        cache.tell(f"usage: python -m infra.parts [{'|'.join(OTHERS)}]")
        return 2
    wanted = {word: OTHERS[word] for word in words} if words else parts()
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = {name: pool.submit(_attempt, make) for name, make in wanted.items()}
        try:
            failures = {name: failure for name, future in outcomes.items() if (failure := future.result())}
        except KeyboardInterrupt:
            cache.tell("interrupted; what is whole is kept, start again to go on")
            # The threads wait for their commands; these end with this process.
            os._exit(_INTERRUPTED)
    for name, failure in failures.items():
        cache.tell(f"{name} failed. {failure}")
    return 2 if failures else 0


def _attempt(make: Callable[[], Path]) -> cache.SetupError | None:
    try:
        make()
    except cache.SetupError as error:
        return error
    except OSError as error:
        return cache.SetupError(str(error.filename or "the set-up"), str(error.strerror), "run it as root")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
