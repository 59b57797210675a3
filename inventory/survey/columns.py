"""The columns that survey sheets may have: `columns.yaml` beside this file, read and typed.

It serves both ways: sheets are read by all of a column's words, new ones are written with its first word.
"""

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from inventory.base import Model
from inventory.files.reading import read
from inventory.survey.entries import Kind
from inventory.words import spoken

SOURCE = Path(__file__).parent / "columns.yaml"

Type = Literal[
    "text", "name", "list", "truth", "choice", "count", "number", "money", "date", "year", "percent",
    "memory", "storage", "bandwidth", "area", "level", "address", "prefix", "golden", "costs", "tally",
]  # fmt: skip


class Column(Model):
    """A column: the field that it fills, the headers it goes by, and how its cells are read."""

    field: str
    words: tuple[str, ...] = Field(min_length=1)
    type: Type
    unit: str = ""
    choices: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Values with the words that mean them, best first."""
    open: bool = False
    """Whether words other than the choices are taken as they stand."""
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    negated: bool = False
    """Whether the column asks the opposite of what the field says."""
    joined: bool = False
    """Whether several columns fill the field together."""
    implies: dict[str, str] = Field(default_factory=dict)
    """Values of other fields that a row has which fills this column."""

    @property
    def header(self) -> str:
        """Return the header under which new sheets show the column, with its unit."""
        return f"{self.words[0]}({self.unit})" if self.unit else self.words[0]


class Listing(Model):
    """What one kind of sheet lists, and its columns."""

    kind: Kind
    titled: str
    """What new sheets of this kind are called."""
    sheet: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def telling(self) -> frozenset[str]:
        """Return the fields of which a row needs one, so that it says what it is about."""
        also = {
            "request": {"resource"},
            "host": {"address", "purpose"},
            "line": {"purpose", "route", "bandwidth"},
            "room": {"area", "building"},
        }
        return frozenset({"title"} | also.get(self.kind, set()))

    def column(self, field: str) -> Column | None:
        """Return the column that fills a field best; None where no column does."""
        return next((column for column in self.columns if column.field == field), None)


class Catalogue(Model):
    """All kinds of sheets."""

    aside: tuple[str, ...]
    """Headers of columns that only count rows."""
    unkept: tuple[tuple[str, ...], ...]
    """Headers that are known and for which the inventory has no place."""
    kinds: tuple[Listing, ...]

    def listing(self, kind: str) -> Listing:
        """Return the columns of one kind."""
        return next(listing for listing in self.kinds if listing.kind == kind)


REFERENCES: dict[str, frozenset[str]] = {
    "department": frozenset({"building"}),
    "room": frozenset({"building", "gateway"}),
    "system": frozenset({
        "office", "survey.replaceable_by", "domain", "into", "depends_on", "exchange.works_with",
    }),
    "line": frozenset({"domain"}),
    "resource": frozenset({"system", "library"}),
    "request": frozenset({"resource"}),
}  # fmt: skip
"""The fields by kind that refer to something else; entries hold titles there, inventories names."""


def references(kind: str) -> frozenset[str]:
    """Return the fields of a kind that refer to something else by its title."""
    return REFERENCES.get(kind, frozenset())


_GROUPS = {"survey.usage": "资源占用"}
"""What several columns are about together."""


def label_of(kind: str, field: str) -> str:
    """Return what departments' sheets, which are Chinese, call a field; nothing in other languages."""
    if spoken(os.environ) != "zh":
        return ""
    listing = next((each for each in catalogue().kinds if each.kind == kind), None)
    column = listing.column(field) if listing is not None else None
    if column is None:
        return f"{_GROUPS[field]}（{field}）" if field in _GROUPS else ""
    return f"{column.words[0]}（{field}）"


@cache
def catalogue() -> Catalogue:
    """Return the columns that are known."""
    documents, problems = read(SOURCE.read_bytes())
    if problems:
        raise ValueError(f"{SOURCE}:{problems[0].spot.line}: {problems[0].reason}")
    return Catalogue.model_validate(documents[0].plain)
