"""Tables that stand side by side: each is read as if the others were not there."""

from collections.abc import Sequence
from dataclasses import replace

from inventory.survey.opening.grids import Cell, Grid, empty
from inventory.survey.tables.tables import TableFinder
from inventory.survey.text import folded

_KNOWN = 2
"""So many known headers make a table of its own."""


def sides(finder: TableFinder) -> tuple[Grid, ...]:
    """Return the grid once for each table that stands beside another; itself alone where none does.

    Columns of other tables are empty in each; rows above the headers are kept in all of them.
    """
    grid = finder.grid
    top = next((row for row, cells in enumerate(grid.rows) if cells and finder.is_header(row, again=False)), None)
    if top is None:
        return (grid,)
    spans = _repeated(grid, top) or _parted(grid, top)
    if len(spans) < 2 or not all(_heads(finder, top, span) for span in spans):
        return (grid,)
    return tuple(_alone(grid, top, span) for span in spans)


def _parted(grid: Grid, top: int) -> list[range]:
    """Return the columns of each part of a header that columns without anything in them divide."""
    used = [any(not empty(grid.at(row, column)) for row in range(top, len(grid.rows))) for column in range(grid.width)]
    spans, start = [], 0
    for column, filled in enumerate([*used, False]):
        if not filled:
            if column > start:
                spans.append(range(start, column))
            start = column + 1
    return spans


def _repeated(grid: Grid, top: int) -> list[range]:
    """Return the columns of each part of a header that says the same several times over."""
    words = [folded(str(cell or "")) for cell in grid.rows[top]]
    while words and not words[-1]:
        words.pop()
    for width in range(2, len(words) // 2 + 1):
        first = words[:width]
        if all(first) and len(words) % width == 0 and first * (len(words) // width) == words:
            return [range(start, start + width) for start in range(0, len(words), width)]
    return []


def _heads(finder: TableFinder, top: int, span: range) -> bool:
    texts = [cell for column in span if isinstance(cell := finder.grid.at(top, column), str) and not empty(cell)]
    titled = any(
        (match := finder.matcher.match(kind, (text,))).how == "known"
        and match.column is not None
        and match.column.field == "title"
        for text in texts
        for kind in finder.kinds(text) & finder.matcher.words.keys()
    )
    return titled and sum(bool(finder.kinds(text)) for text in texts) >= _KNOWN


def _alone(grid: Grid, top: int, span: range) -> Grid:
    rows: list[Sequence[Cell]] = list(grid.rows[:top])
    for cells in grid.rows[top:]:
        kept = [cell if column in span else None for column, cell in enumerate(cells)]
        while kept and kept[-1] is None:
            kept.pop()
        rows.append(kept)
    merged = grid.merged and tuple(each for each in grid.merged if each[0] < top or each[1] in span)
    return replace(grid, rows=rows, merged=merged)
