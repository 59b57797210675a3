"""Tables of a document that go on below a break: without a header they are rows of the table above."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from inventory.survey.entries import Remark, Weight
from inventory.survey.opening.grids import Grid, Spot
from inventory.survey.tables.headings import Matcher
from inventory.survey.tables.tables import TableFinder
from inventory.survey.text import cleaned
from inventory.words import _

_NUMBERED = re.compile(r"表\d+")
_BREAK = re.compile(r"[（(]?(?:续表|接上表|续上表|续)\d*[)）]?")


def joined(grids: Sequence[Grid], matcher: Matcher) -> tuple[list[Grid], list[Remark]]:
    """Return the tables of a file, those that go on in a next one as one; cells count on from the first."""
    found: list[Grid] = []
    remarks = []
    for grid in grids:
        if found and _goes_on(found[-1], grid, matcher):
            expected = _("taken as further rows of {table}: it has no header").format(table=found[-1].sheet)
            remarks.append(Remark(place=grid.place(), expected=expected, severity=Weight.NOTE))
            found[-1] = _appended(found[-1], grid)
        else:
            found.append(grid)
    return found, remarks


def _goes_on(above: Grid, grid: Grid, matcher: Matcher) -> bool:
    """Tell whether a table goes on with the one above it: as wide, right below it, and without a header."""
    if not (_NUMBERED.fullmatch(above.sheet) and _NUMBERED.fullmatch(grid.sheet)) or above.below:
        return False
    between = [cleaned(str(cell)) for cells in grid.rows[: grid.above] for cell in cells if cell]
    own = Grid(grid.file, grid.sheet, grid.rows[grid.above : len(grid.rows) - grid.below])
    if own.width != Grid(above.file, above.sheet, above.rows[above.above :]).width or own.width < 3:
        return False
    if not all(map(_BREAK.fullmatch, between)) or TableFinder(grid, matcher, frozenset()).tables():
        return False
    tables = TableFinder(above, matcher, frozenset()).tables()
    return bool(tables) and not tables[-1].form


def _appended(above: Grid, grid: Grid) -> Grid:
    down = len(above.rows) - grid.above
    merged = [(top + down, left, bottom + down, right) for top, left, bottom, right in grid.merged or ()]
    return replace(
        above,
        rows=[*above.rows, *grid.rows[grid.above :]],
        merged=(*(above.merged or ()), *merged),
        below=grid.below,
        struck=above.struck | _lowered(grid.struck, down),
        halved=above.halved | _lowered(grid.halved, down),
    )


def _lowered(spots: Iterable[Spot], down: int) -> frozenset[Spot]:
    return frozenset((row + down, column) for row, column in spots)
