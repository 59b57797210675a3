"""Entries read from survey sheets, each value with its cell, and remarks on all that was not clear."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from inventory.base import Model

Kind = Literal[
    "department",
    "office",
    "unit",
    "building",
    "room",
    "host",
    "asset",
    "system",
    "line",
    "resource",
    "request",
    "demand",
]


class Place(Model):
    """A cell of a sheet; a file that is one sheet (csv) has an empty sheet, a whole sheet or file an empty cell."""

    file: Path
    sheet: str = ""
    cell: str = ""

    def __str__(self) -> str:
        """Return file, sheet and cell as a person looks them up: survey.xlsx [Systems] B7."""
        sheet = f" [{self.sheet}]" if self.sheet else ""
        return f"{self.file}{sheet}{' ' + self.cell if self.cell else ''}"


class Weight(StrEnum):
    """How much a remark matters: an error loses what stood there, a warning may, a note only says what was assumed."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Remark(Model):
    """One thing in a sheet that was not understood, or that was understood by guessing."""

    place: Place
    column: str = ""
    """The header of the column as written."""
    read: str = ""
    """What stood there, shortened; empty where it must not be repeated."""
    expected: str
    """What is expected instead, or what was assumed."""
    severity: Weight = Weight.ERROR
    settles: tuple[str, str] = ("", "")
    """The part of a mapping file and the line in it that settle it; empty where no such line does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a sheet, as far as it was understood.

    `values` maps dotted paths of the kind's model ("survey.function", "grading.mlps") to plain values as YAML holds
    them: dates and addresses are ISO words, money is yuan, memory MiB, storage GiB, bandwidth Mbit/s. References to
    something else (an office, a building, another system) are titles as written; `columns.references` names these
    fields. An empty cell has no key: that a sheet does not say something is no statement.
    """

    kind: Kind
    name: str
    """The name in the inventory; empty where the sheet gives none."""
    title: str
    """The title as written, cleaned of line breaks and doubled spaces."""
    department: str
    """The title of the department that owns it as written; empty for departments themselves."""
    holder: str = ""
    """The title of what it is part of: the room of a host or asset; empty where the department holds it itself."""
    values: Mapping[str, object] = field(default_factory=dict)
    reported_none: str = ""
    """Where a department replies that it has no system, as the words of the place; empty for all other rows."""
    partial: bool = False
    """Whether it only says more of a system that another sheet of its file names."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """The cell of each value under the value's key, and the row's first cell under the empty key."""
