"""A sheet as a grid of cells, whatever file it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path

from inventory.survey.entries import Place

Cell = str | int | float | bool | date | datetime | time | None
Spot = tuple[int, int]


def letters(column: int) -> str:
    """Return a column's letters, A for 0."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def reference(row: int, column: int) -> str:
    """Return a cell's name such as B7; row and column count from zero."""
    return f"{letters(column)}{row + 1}"


def empty(value: Cell) -> bool:
    """Tell whether a cell shows nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


@dataclass(frozen=True, slots=True)
class Grid:
    """A sheet; rows and columns count from zero and rows may be shorter than the sheet is wide."""

    file: Path
    sheet: str
    rows: Sequence[Sequence[Cell]]
    merged: tuple[tuple[int, int, int, int], ...] | None = ()
    """Top, left, bottom, right of merged cells; none where the file cannot tell."""
    above: int = 0
    """How many rows are the text above a table of a document: cells are counted from the table's own first row."""
    below: int = 0
    """How many rows at the end are the text below the last table of a document."""
    hidden: bool = False
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[int, ...] = ()
    blank_formulas: frozenset[Spot] = frozenset()
    errors: Mapping[Spot, str] = field(default_factory=dict)
    struck: frozenset[Spot] = frozenset()
    """Cells whose text is struck out, as far as the file can tell."""
    halved: frozenset[Spot] = frozenset()
    """Cells of whose text a part was struck out, and is not there any more."""
    comments: Mapping[Spot, str] = field(default_factory=dict)
    percents: frozenset[Spot] | None = frozenset()
    """Cells that show their number as per cent; none where the file cannot tell."""
    units: Mapping[Spot, str] = field(default_factory=dict)
    """The units that cells show behind their numbers without holding them."""
    boxes: int = 0
    """Text boxes with words in them."""
    pictures: int = 0

    def at(self, row: int, column: int) -> Cell:
        """Return a cell; none outside of the sheet."""
        if 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row]):
            return self.rows[row][column]
        return None

    @property
    def width(self) -> int:
        """Return how many columns the widest row has."""
        return max((len(row) for row in self.rows), default=0)

    def place(self, row: int | None = None, column: int = 0) -> Place:
        """Return the place of a cell, or of the sheet."""
        if row is None or row < self.above:
            return Place(file=self.file, sheet=self.sheet)
        return Place(file=self.file, sheet=self.sheet, cell=reference(row - self.above, column))

    def spread(self) -> dict[Spot, Spot]:
        """Map the cells inside of merged ranges to the one that holds the value; huge ranges are cut."""
        holders: dict[Spot, Spot] = {}
        height, width = len(self.rows), self.width
        for top, left, bottom, right in self.merged or ():
            for row in range(top, min(bottom, height - 1) + 1):
                for column in range(left, min(right, max(width - 1, left)) + 1):
                    if len(holders) > 1_000_000:
                        return holders
                    if (row, column) != (top, left):
                        holders[row, column] = (top, left)
        return holders
