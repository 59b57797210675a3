"""Findings of a preflight."""

from enum import StrEnum

from inventory.base import Model


class Severity(StrEnum):
    """How much a finding weighs."""

    BLOCKS = "blocks"
    """The move is refused as things are."""
    ATTENTION = "attention"
    """Somebody has to decide or to do something."""
    NOTE = "note"
    """What the move will cost or do by itself."""
    NOT_KNOWN = "not known"
    """It could not be looked at."""


class Finding(Model):
    """One thing that a preflight found: where, about what, why it matters, and what to do."""

    severity: Severity
    system: str
    host: str
    subject: str
    """What it is about, such as a mount, a database or a program."""
    why: str
    mend: str = ""
