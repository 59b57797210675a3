"""What actuators say of their work while they work: shown to whoever watches, and no evidence."""

import json
from pathlib import Path
from typing import Any

from inventory.base import Model


class Told(Model):
    """One line about a step under way."""

    unit: str
    step: str
    text: str


def follow_progress(path: Path, offset: int) -> tuple[tuple[Told, ...], int]:
    """Return the whole lines of a file from a byte offset on, and the offset for the next call."""
    if not path.exists():
        return (), offset
    with path.open("rb") as file:
        file.seek(offset)
        whole, newline, _torn = file.read().rpartition(b"\n")
    if not newline:
        return (), offset
    lines = (_line(line) for line in whole.splitlines())
    return tuple(Told.model_validate(line) for line in lines if line is not None), offset + len(whole) + 1


def _line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        # A writer was killed inside it; the next one wrote on in the same line.
        return None
