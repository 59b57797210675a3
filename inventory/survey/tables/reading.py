"""Reads one sheet: what stands around its tables and what each of them lists; the rows are left to `records.py`."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from inventory.survey.columns import Listing
from inventory.survey.entries import Entry, Remark, Weight
from inventory.survey.opening.grids import Grid, empty, letters
from inventory.survey.tables.bodies import is_department, signed
from inventory.survey.tables.filing import filing_forms, is_filing_form, unit_in
from inventory.survey.tables.forms import columned, spelled_out
from inventory.survey.tables.headings import Matcher
from inventory.survey.tables.margins import Labelled, labels_in
from inventory.survey.tables.naming import distinguished
from inventory.survey.tables.records import TableReader
from inventory.survey.tables.replies import says_none
from inventory.survey.tables.servers import lists_systems
from inventory.survey.tables.settling import IGNORE, Rule
from inventory.survey.tables.sheet import Sheet
from inventory.survey.tables.sides import sides
from inventory.survey.tables.tables import Table, TableFinder
from inventory.survey.text import cleaned, folded, plain
from inventory.words import _

_COVER = 4
"""A row of a cover has so many cells at most."""


class SheetRead(NamedTuple):
    """What a sheet says."""

    entries: list[Entry]
    remarks: list[Remark]
    department: str = ""
    """The department that it says it is of, such as beside 填报单位; empty where it does not say so."""


def read_sheet(grid: Grid, matcher: Matcher, rule: Rule, of_file: str = "") -> SheetRead:
    """Return the entries of a sheet, and remarks on all that was not understood or was understood by guessing.

    `of_file` is the department that another sheet of its file names.
    """
    if not any(grid.rows):
        return SheetRead([], [])
    if rule.kind == IGNORE:
        sheet = Sheet(grid, matcher, rule)
        sheet.remark(None, _("not read: the mapping file says so"), Weight.NOTE)
        return SheetRead([], sheet.remarks)
    grid = spelled_out(grid, matcher)
    entries: list[Entry] = []
    remarks: list[Remark] = []
    department = ""
    for side in sides(TableFinder(grid, matcher, frozenset(rule.columns))):
        sheet = Sheet(side, matcher, rule, of_file)
        _read(sheet)
        department = department or sheet.labelled.department
        entries += sheet.entries
        # The rows above all of them are looked at for each.
        seen = set(remarks) if remarks else set()
        remarks += [remark for remark in sheet.remarks if remark not in seen]
    named, about = distinguished(entries)
    return SheetRead(named, [*remarks, *about], department)


def _read(sheet: Sheet) -> None:
    _hidden(sheet)
    finder = TableFinder(sheet.grid, sheet.matcher, frozenset(sheet.rule.columns))
    tables = _tables(finder)
    if not tables and is_filing_form(finder) and unit_in(finder):
        sheet.remark((0, 0), _("a filing form: its other fields are not read"), Weight.NOTE)
    elif not tables and not _answered(sheet):
        expected = _("a row of headers such as 系统名称, 部门, 功能描述; no table was found")
        # A cover says whose the other sheets are.
        cover = sheet.labelled.department and all(sum(map(bool, cells)) <= _COVER for cells in sheet.grid.rows)
        sheet.remark(None, expected, Weight.NOTE if cover else Weight.WARNING)
    before = 0
    for table in tables:
        if table.filed:
            for row in range(len(sheet.grid.rows)):
                sheet.take_labels(row)
        else:
            _margin(sheet, before, table.top)
        if sheet.grid.below:
            _signed(sheet, len(sheet.grid.rows) - sheet.grid.below)
        TableReader(sheet, table, _listing(sheet, table)).read()
        if table.form:
            _loose(sheet, table)
        before = max((row.number for row in table.rows), default=table.top) + 1
    _reply(sheet)


def _tables(finder: TableFinder) -> tuple[Table, ...]:
    """Return the tables of a sheet, whichever way it is laid out."""
    if is_filing_form(finder):
        return filing_forms(finder)
    if (turned := columned(finder)) is not None:
        return (turned,)
    return finder.tables()


def _answered(sheet: Sheet) -> bool:
    """Take a sheet without a table that only says that there is nothing; return whether it is one."""
    said = [
        (row, column)
        for row, cells in enumerate(sheet.grid.rows)
        for column, cell in enumerate(cells)
        if isinstance(cell, str) and says_none(cell)
    ]
    for row in range(len(sheet.grid.rows)):
        sheet.take_labels(row)
    if said:
        sheet.titles += [
            cleaned(str(cell))[:80] for cells in sheet.grid.rows for cell in cells if isinstance(cell, str)
        ]
        _signed(sheet)
        sheet.replies.append(("system", sheet.grid.place(*said[0]), ""))
        sheet.remark(said[0], _("taken as the reply that there is nothing to list"), Weight.NOTE)
    return bool(said)


def _signed(sheet: Sheet, start: int = 0) -> None:
    """Take who signed a letter, the last line that is a department, as whose it is where nothing else tells."""
    for row in range(start, len(sheet.grid.rows)):
        sheet.take_labels(row)
    lines = [
        (row, signed(str(cell)))
        for row, cells in enumerate(sheet.grid.rows)
        for cell in cells
        if row >= start and isinstance(cell, str) and not plain(cell).endswith(":") and is_department(signed(cell))
    ]
    if lines and not sheet.labelled.department:
        row, title = lines[-1]
        sheet.labelled = sheet.labelled._replace(department=title)
        sheet.label_places["department"] = sheet.grid.place(row, 0)


def _reply(sheet: Sheet) -> None:
    """Make an entry of the reply that there is no system, where the sheet lists none."""
    listed = {folded(entry.department) for entry in sheet.entries if entry.kind == "system"}
    for kind, place, owner in sheet.replies:
        if kind != "system" or (listed and not owner):
            continue
        title = owner or sheet.department()
        if not title:
            expected = _("the department that replies so: write 填报单位 above, or settle it in the mapping file")
            sheet.remarks.append(Remark(place=place, expected=expected, severity=Weight.WARNING))
        elif folded(title) not in listed:
            source = str(place.model_copy(update={"file": Path(place.file.name)}))
            sheet.entries.append(
                Entry("department", "", title, department="", reported_none=source, places={"": place})
            )


def _hidden(sheet: Sheet) -> None:
    """Remark what is hidden; it is read all the same."""
    grid = sheet.grid
    if grid.hidden:
        sheet.remark(None, _("the sheet is hidden; it was read"), Weight.WARNING)
    rows = [row for row in grid.hidden_rows if row < len(grid.rows) and grid.rows[row]]
    if rows:
        numbers = ", ".join(str(row + 1) for row in rows[:20])
        sheet.remark((rows[0], 0), _("hidden rows were read: {rows}").format(rows=numbers), Weight.NOTE)
    columns = [column for column in grid.hidden_columns if column < grid.width]
    if columns:
        names = ", ".join(letters(column) for column in columns[:20])
        sheet.remark((0, columns[0]), _("hidden columns were read: {columns}").format(columns=names), Weight.NOTE)
    if grid.boxes:
        expected = _("text boxes on this sheet are not read ({count}): put what they say into cells")
        sheet.remark(None, expected.format(count=grid.boxes), Weight.WARNING)
    if grid.pictures:
        expected = _("pictures on this sheet are not read ({count}): a picture of a table has to be typed in")
        sheet.remark(None, expected.format(count=grid.pictures), Weight.NOTE)
    for spot in sorted(grid.halved):
        sheet.remark(spot, _("a part is struck out; only the rest is read"), Weight.WARNING)
    for spot in sorted(grid.comments):
        # What it says is not repeated: it may be what makes its row classified.
        expected = _("a comment stands at this cell; comments are not read: put it into a column")
        sheet.remark(spot, expected, Weight.WARNING)


def _margin(sheet: Sheet, start: int, end: int) -> None:
    """Read the rows above a table: its title, who reports, when, and in which unit."""
    for row in range(start, end):
        filled = [(column, cell) for column, cell in enumerate(sheet.grid.rows[row]) if not empty(cell)]
        if not filled:
            continue
        sheet.take_labels(row)
        if len(filled) == 1:
            sheet.titles.append(cleaned(str(filled[0][1]))[:80])
        elif labels_in(sheet.grid.rows[row]) == Labelled():
            expected = _("a row of headers below it; this row above the table is not read")
            severity = Weight.WARNING if len(filled) > 2 else Weight.NOTE
            sheet.remark((row, filled[0][0]), expected, severity, read=str(filled[0][1]))


def _loose(sheet: Sheet, table: Table) -> None:
    """Remark the cells of a form that are neither a label that is known nor the value of one."""
    if table.filed:
        sheet.remark((table.top, 0), _("a filing form: its other fields are not read"), Weight.NOTE)
        return
    used = {heading.spot for heading in table.headings}
    used |= {spot for row in table.rows for spot in row.spots.values()}
    for row in range(min(heading.spot[0] for heading in table.headings), len(sheet.grid.rows)):
        if labels_in(sheet.grid.rows[row]) != Labelled():
            continue
        for column, cell in enumerate(sheet.grid.rows[row]):
            if not empty(cell) and (row, column) not in used and column not in table.aside:
                expected = _("a label and its value; this cell of the form is not read")
                sheet.remark((row, column), expected, Weight.WARNING)


def _listing(sheet: Sheet, table: Table) -> Listing:
    """Return what a table lists: what is settled, else what most headers and the sheet's title speak for."""
    catalogue = sheet.matcher.catalogue
    if sheet.rule.kind:
        return catalogue.listing(sheet.rule.kind)
    points = Counter({listing.kind: _points(sheet, table, listing) for listing in catalogue.kinds})
    (first, most), (_second, next_most) = points.most_common(2)
    listing = catalogue.listing(first)
    if first == "host" and lists_systems(table, sheet.matcher):
        return catalogue.listing("system")
    if first == "demand" and _asks(sheet, table):
        return catalogue.listing("request")
    if most == next_most and most:
        expected = _("guessed from its headers: it lists {kind}; a mapping file can say so").format(kind=listing.titled)
        sheet.remark((table.top, 0), expected, Weight.WARNING)
    return listing


def _asks(sheet: Sheet, table: Table) -> bool:
    """Tell whether a list of data that is needed says when it was asked for, or what was answered."""
    matches = (sheet.matcher.match("request", heading.parts) for heading in table.headings if heading.parts)
    fields = {match.column.field for match in matches if match.column is not None and match.how == "known"}
    return not fields.isdisjoint({"asked", "answered", "granted"})


def _points(sheet: Sheet, table: Table, listing: Listing) -> float:
    """Return how well a kind fits a table."""
    matches = (sheet.matcher.match(listing.kind, heading.parts) for heading in table.headings if heading.parts)
    fields = {match.column.field for match in matches if match.column is not None and match.how == "known"}
    groups = [part for heading in table.headings for part in heading.parts[:-1]]
    around = folded(" ".join([sheet.grid.sheet, *sheet.titles[-2:], sheet.grid.file.stem, *groups]))
    hint = max((len(word) for word in map(folded, listing.sheet) if word in around), default=0)
    # What something is used for is no server yet.
    vague = listing.kind in {"host", "line"} and "title" not in fields and len(fields) < 3
    if vague or fields.isdisjoint(listing.telling):
        return len(fields) / 100
    return (
        len(fields)
        + 2 * (not fields.isdisjoint(listing.telling & {"title", "resource"}))
        + (1.5 + hint / 10 if hint else 0)
    )
