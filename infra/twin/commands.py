"""Short commands of the operating system that the twin is built with."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from infra.twin.errors import CannotBuild
from inventory.words import _


def run(command: Sequence[str | Path], text: str = "", limit: float = 60.0) -> str:
    """Run a command to its end and return what it printed; CannotBuild with its last words where it fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=limit, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(words, str(error)) from error
    if done.returncode != 0:
        raise _failed(words, (done.stderr or done.stdout).strip() or f"exit {done.returncode}")
    return done.stdout


def ip(lines: Iterable[str], namespace: str | None = None) -> None:
    """Give many lines to one `ip`, in a namespace by its name or in the one of this process."""
    where = () if namespace is None else ("-n", namespace)
    run(("ip", *where, "-batch", "-"), "\n".join(lines) + "\n")


def _failed(words: list[str], why: str) -> CannotBuild:
    mend = _("look at what it names; where a command is missing, run make setup")
    return CannotBuild(" ".join(words), why, mend)
