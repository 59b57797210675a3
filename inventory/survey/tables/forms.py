"""Sheets that are no table of rows: one thing for each column, the labels in front."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from inventory.survey.opening.grids import Cell, Grid, Spot, empty
from inventory.survey.tables.headings import Matcher, is_unit, taken_apart
from inventory.survey.tables.tables import Heading, Row, Table, TableFinder
from inventory.survey.text import cleaned, folded, plain

_LABELS = 4
"""So many labels below each other make a sheet of columns."""
_LONGEST = 40
_BESIDE = frozenset(
    {
        "备注",
        "说明",
        "填写说明",
        "填报说明",
        "填表说明",
        "要求",
        "填写要求",
        "单位",
        "计量单位",
        "示例",
        "样例",
        "填写示例",
        "合计",
    }
)
"""Heads of columns that stand beside those of systems."""


def columned(finder: TableFinder) -> Table | None:
    """Return the table of a sheet whose columns are the entries, with the labels in one of its first columns."""
    for column in range(3):
        labels = [row for row in range(len(finder.grid.rows)) if finder.is_label(row, column)]
        if len(labels) < _LABELS:
            continue
        votes = Counter(kind for row in labels for kind in finder.kinds(str(finder.grid.at(row, column))))
        kind = max((kind for kind in votes if kind in finder.matcher.words), key=lambda kind: votes[kind], default="")
        titled = next((row for row in labels if _titles(finder, kind, row, column)), None)
        named = titled is None and kind == "system" and _names_above(finder, labels[0], column)
        titled = labels[0] - 1 if named else titled
        if titled is None or votes[kind] < _LABELS:
            continue
        beside = _beside(finder, min(labels), titled, column)
        filled = [at for at, cell in enumerate(finder.grid.rows[titled]) if at > column and not empty(cell)]
        filled = [at for at in filled if at not in beside]
        # Labels that stand between values are those of a form.
        formed = any(sum(finder.is_label(row, at) for row in labels) * 2 > len(labels) for at in filled)
        if len(filled) > 1 and not formed and sum(finder.is_label(titled, at) for at in filled) * 2 < len(filled):
            rows = [labels[0] - 1, *labels] if named else labels
            turned = _turned(finder, column, rows, filled, beside, named=named)
            return replace(turned, aside=frozenset({*beside, *range(column)}))
    return None


def _beside(finder: TableFinder, top: int, titled: int, column: int) -> set[int]:
    """Return the columns that are of no system, such as 备注 and 单位."""
    rows = [row for row in (top - 1, titled) if row >= 0]
    heads = ((at, cell) for row in rows for at, cell in enumerate(finder.grid.rows[row]) if at > column)
    return {at for at, cell in heads if folded(str(cell or "")) in _BESIDE}


def _names_above(finder: TableFinder, row: int, column: int) -> bool:
    """Tell whether the row above all labels names the systems: 项目 | 水费系统 | 河长制平台."""
    names = [cell for cell in finder.grid.rows[row - 1][column + 1 :] if not empty(cell)] if row else []
    whole = [isinstance(cell, str) and re.search(r"(?:系统|平台|网站|OA|软件)$", cleaned(cell)) for cell in names]
    return len(whole) > 1 and all(whole)


def _titles(finder: TableFinder, kind: str, row: int, column: int) -> bool:
    match = finder.matcher.match(kind, (cleaned(str(finder.grid.at(row, column))),)) if kind else None
    return match is not None and match.how == "known" and match.column is not None and match.column.field == "title"


def _turned(
    finder: TableFinder, column: int, labels: list[int], filled: list[int], aside: Collection[int], *, named: bool
) -> Table:
    headings = []
    for row in range(min(labels), max(labels) + 1):
        text = "系统名称" if named and row == labels[0] else finder.grid.at(row, column)
        if isinstance(text, str) and not empty(text) and len(text) <= _LONGEST:
            words = cleaned(text)
            beside = plain(str(finder.grid.at(row, column + 1) or ""))
            unit = beside if column + 1 in aside and is_unit(beside) else ""
            headings.append(Heading((words,), (row, column), taken_apart(words)[1] or unit))
    top = min(labels)
    above = finder.grid.rows[top - 1] if top else ()
    # A row such as 指标 | 系统1 | 系统2 only counts the columns.
    counts = sum(not empty(cell) for at, cell in enumerate(above) if at in filled) > 1
    rows = tuple(Row(top, {heading: _held(finder, (heading.spot[0], at)) for heading in headings}) for at in filled)
    return Table(top - counts, tuple(headings), rows, form=True)


def _held(finder: TableFinder, spot: Spot) -> Spot:
    """Return the cell that holds what a cell shows; one merged over several columns counts for each of them."""
    return finder.holders.get(spot, spot)


def spelled_out(grid: Grid, matcher: Matcher) -> Grid:
    """Return a sheet of lines such as 系统名称：水费系统 as a form, each label with its value in the next cell.

    Any other sheet is returned as it is.
    """
    lines = {row: found for row, cells in enumerate(grid.rows) if (found := _line(cells, matcher)) is not None}
    filled = sum(any(not empty(cell) for cell in cells) for cells in grid.rows)
    if len(lines) < _LABELS or len(lines) * 2 < filled:
        return grid
    rows = [
        [*([None] * lines[row][0]), *lines[row][1]] if row in lines else cells for row, cells in enumerate(grid.rows)
    ]
    return replace(grid, rows=rows)


def _line(cells: Sequence[Cell], matcher: Matcher) -> tuple[int, tuple[str, str]] | None:
    """Return the column, the label and the value of a row that is one line with a known label."""
    filled = [(column, cell) for column, cell in enumerate(cells) if not empty(cell)]
    if len(filled) != 1 or not isinstance(filled[0][1], str):
        return None
    label, colon, value = filled[0][1].replace("：", ":").partition(":")
    known = len(label) <= _LONGEST and matcher.kinds_of(re.sub(r"^\s*\d{1,2}[.、)]\s*", "", label).strip())
    return (filled[0][0], (label.strip(), value.strip())) if colon and value.strip() and known else None
