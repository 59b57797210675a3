"""The form by which systems are filed under the MLPS: 表一 of the unit, 表二 of the system, 表三 of its level.

They stand on one sheet, on a sheet each, or in the tables of a document; of several systems each has its own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from inventory.survey.entries import Entry, Remark, Weight
from inventory.survey.opening.grids import Grid, Spot, empty
from inventory.survey.tables.headings import Matcher, taken_apart
from inventory.survey.tables.tables import Heading, Row, Table, TableFinder
from inventory.survey.text import cleaned
from inventory.words import _

_FILED = re.compile(r"^\s*(0\d|1\d)\s*[\u4e00-\u9fff]")
_FILED_LABELS = 4
_ASKED = frozenset({
    "title", "survey.number", "survey.function", "survey.users", "survey.network", "survey.launched", "grading.mlps",
})  # fmt: skip
"""The fields that a filing form tells; its lists of products are those of no column."""
_UNIT = re.compile(r"(?:备案)?单位(?:名称|全称)|(?:备案|填报)单位")
_SUFFIX = re.compile(r"(?:[(（_-]\s*)?(\d+)\s*[)）]?\s*$")


def is_filing_form(finder: TableFinder) -> bool:
    """Tell whether a sheet is a part of a filing form: its labels bear two digits."""
    found = [_FILED.match(cell) for cells in finder.grid.rows for cell in cells[:6] if isinstance(cell, str)]
    numbers = {match[1] for match in found if match is not None}
    # Amounts such as 12万元 look like labels, but do not count from one.
    return {"01", "02"} <= numbers and len(numbers) >= _FILED_LABELS


def filing_forms(finder: TableFinder) -> tuple[Table, ...]:
    """Return what a sheet says of each of its systems; the first may go on from another sheet and name none."""
    forms: list[dict[Heading, Spot]] = [{}]
    fields: set[str] = set()
    for parts, spot, beside in _labels(finder):
        match = finder.matcher.match("system", parts)
        if match.column is None or match.how != "known" or match.column.field not in _ASKED:
            continue
        field = match.column.field
        if field == "title" and not taken_apart(parts[-1])[0].endswith("系统名称"):
            continue
        if field == "title":
            forms.append({})
            fields = set()
        if field not in fields:
            fields.add(field)
            forms[-1][Heading(parts, spot)] = (spot[0], beside)
    return tuple(_table(spots) for spots in forms if spots)


def _table(spots: dict[Heading, Spot]) -> Table:
    top = min(heading.spot[0] for heading in spots)
    return Table(top, tuple(spots), (Row(top, spots),), form=True, filed=True)


def _labels(finder: TableFinder) -> Iterator[tuple[tuple[str, ...], Spot, int]]:
    """Yield the labels of a form: their words, their cell, and the column of the value beside each."""
    for row, cells in enumerate(finder.grid.rows):
        filled = [column for column, cell in enumerate(cells) if not empty(cell)]
        for column, beside in pairwise(filled):
            yield _parts(finder, row, column), (row, column), beside


def _parts(finder: TableFinder, row: int, column: int) -> tuple[str, ...]:
    """Return a label with the one above it, which is merged over the rows of its group."""
    own = cleaned(str(finder.grid.at(row, column)))
    above = cleaned(str(finder.value(row, 0) or "")) if column else ""
    return (above, own) if above and above != own and _FILED.match(above) and not _FILED.match(own) else (own,)


def unit_in(finder: TableFinder) -> str:
    """Return the unit that files, as 表一 names it; empty where the sheet does not."""
    return next(
        (
            cleaned(str(finder.grid.at(spot[0], beside)))
            for parts, spot, beside in _labels(finder)
            if len(parts) == 1 and _FILED.match(parts[0]) and _UNIT.fullmatch(taken_apart(parts[0])[0])
        ),
        "",
    )


def unit_of(grids: Sequence[Grid], matcher: Matcher) -> str:
    """Return the unit that files the forms in a file; empty where none or several are named."""
    finders = (TableFinder(grid, matcher, frozenset()) for grid in grids)
    units = {unit for finder in finders if is_filing_form(finder) and (unit := unit_in(finder))}
    return units.pop() if len(units) == 1 else ""


def put_together(entries: Iterable[Entry]) -> tuple[list[Entry], list[Remark]]:
    """Give what a sheet says of a system that it does not name to the system that another sheet of its file names."""
    found: list[Entry] = []
    loose: list[tuple[Entry, list[int]]] = []
    since: list[int] = []
    for entry in entries:
        if entry.partial:
            loose.append((entry, since))
            since = []
        else:
            since.append(len(found))
            found.append(entry)
    remarks = []
    for part, before in loose:
        index = _owner(found, part, before)
        if index is None:
            expected = _("the name of the system that this sheet of a filing form is about: write 系统名称 on it")
            remarks.append(Remark(place=part.places[""], expected=expected))
            continue
        owner = found[index]
        values = {field: value for field, value in part.values.items() if field not in owner.values}
        places = {field: place for field, place in part.places.items() if field in values}
        found[index] = replace(owner, values={**owner.values, **values}, places={**owner.places, **places})
        expected = _("taken as what a filing form says of '{title}'").format(title=owner.title)
        remarks.append(Remark(place=part.places[""], expected=expected, severity=Weight.NOTE))
    return found, remarks


def _owner(found: Sequence[Entry], part: Entry, before: Sequence[int]) -> int | None:
    """Return the system that a part is about: the only one, that of the same number, or the one right before it."""
    free = [
        index
        for index, entry in enumerate(found)
        if entry.kind == "system" and not set(part.values) <= set(entry.values)
    ]
    if len(free) < 2:
        return free[0] if free else None
    own = _SUFFIX.search(part.places[""].sheet)
    same = [
        index
        for index in free
        if own and (other := _SUFFIX.search(found[index].places[""].sheet)) is not None and other[1] == own[1]
    ]
    if not same and len(before) == 1:
        same = [index for index in before if index in free]
    return same[0] if len(same) == 1 else None
