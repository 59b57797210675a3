"""The content of a cell, and what is known about it beside that."""

from dataclasses import dataclass
from datetime import date, datetime

from inventory.survey.entries import Weight
from inventory.survey.opening.grids import Cell


@dataclass(frozen=True, slots=True)
class Told:
    """What a cell tells: a value or nothing, and what has to be remarked about it."""

    value: object = None
    expected: str = ""
    severity: Weight = Weight.NOTE


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known about a cell beside its content."""

    unit: str = ""
    """The unit of its header, or else of its sheet."""
    percent: bool | None = False
    """Whether its number is shown as per cent; none where that cannot be known."""


def misread(expected: str) -> Told:
    """Tell that a cell is not what its column asks for."""
    return Told(None, expected, Weight.ERROR)


def shown(cell: Cell) -> str:
    """Return a cell as text, the way that a sheet shows it."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell == int(cell) and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else str(cell)
