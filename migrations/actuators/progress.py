"""Actuators' words about their work while they work: shown to whoever watches, and no evidence."""

from pathlib import Path

from pydantic import ValidationError

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
    return tuple(filter(None, map(_line, whole.split(b"\n")))), offset + len(whole) + 1


def _line(line: bytes) -> Told | None:
    try:
        return Told.model_validate_json(line)
    except ValidationError:
        # A writer was killed inside it; the next one wrote on in the same line.
        return None
