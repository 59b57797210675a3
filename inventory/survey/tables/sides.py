"""Tables that stand side by side: each is read as if the others were not there."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from inventory.survey.cells.secrets import secret
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
    start = top
    if len(spans) < 2:
        spans = _by_kind(finder, top)
        # Each takes its own heading of the row of groups along.
        start = top - 1 if top and sum(not empty(cell) for cell in grid.rows[top - 1]) > 1 else top
    if len(spans) < 2 or not all(_heads(finder, top, span) for span in spans):
        return (grid,)
    return tuple(_alone(grid, start, span) for span in spans)


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


def _by_kind(finder: TableFinder, top: int) -> list[range]:
    """Return the columns of each part of a header that lists something else than the part before it.

    A part begins below a heading of a group, or with the name of a line. Servers beside systems are these systems' own
    and no part.
    """
    filled = [column for column, cell in enumerate(finder.grid.rows[top]) if not empty(cell)]
    starts = [column for column in filled if top and not empty(finder.grid.at(top - 1, column))]
    if len(starts) < 2:
        # Without headings of groups a line may be that of the system beside it, and so as secret as this is.
        starts = [] if _speaks_of_secrets(finder.grid, top) else _lines(finder, top, filled)
    spans: list[tuple[str, range]] = []
    for start, end in pairwise(sorted({filled[0], *starts, filled[-1] + 1})):
        kind = _listed(finder, top, range(start, end))
        if spans and kind in {"", spans[-1][0], "host"}:
            spans[-1] = (spans[-1][0], range(spans[-1][1].start, end))
        else:
            spans.append((kind, range(start, end)))
    kinds = [kind for kind, _span in spans]
    return [span for _kind, span in spans] if all(kinds) and len(set(kinds)) == len(kinds) else []


def _lines(finder: TableFinder, top: int, columns: Sequence[int]) -> list[int]:
    """Return the columns of a header that name a line and no system."""
    return [each for each in columns if _names(finder, top, each, "line") and not _names(finder, top, each, "system")]


def _speaks_of_secrets(grid: Grid, top: int) -> bool:
    """Tell whether a header asks for secrecy, or a cell below it speaks of secrets."""
    asked = any(isinstance(cell, str) and "密" in cell for cell in grid.rows[top])
    return asked or any(isinstance(cell, str) and secret(cell) for cells in grid.rows[top + 1 :] for cell in cells)


def _names(finder: TableFinder, top: int, column: int, kind: str) -> bool:
    """Tell whether a header names the things of a kind, such as 线路名称."""
    text = finder.grid.at(top, column)
    match = finder.matcher.match(kind, (text,)) if isinstance(text, str) and kind in finder.kinds(text) else None
    return match is not None and match.column is not None and match.column.field == "title"


def _listed(finder: TableFinder, top: int, span: range) -> str:
    """Return the kind that a part of a header lists: it names it, and knows most of the headers; empty if none does."""
    texts = [str(cell) for column in span if not empty(cell := finder.grid.at(top, column))]
    named = [kind for kind in finder.matcher.words if any(_names(finder, top, column, kind) for column in span)]
    known = {kind: sum(kind in finder.kinds(text) for text in texts) for kind in named}
    best = max(known, key=lambda kind: known[kind], default="")
    return best if best and known[best] >= _KNOWN and known[best] * 2 >= len(texts) else ""


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
