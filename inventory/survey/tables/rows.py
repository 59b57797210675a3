"""Rows of a table: which are entries, and what the others say of a group or of the sheet."""

from collections.abc import Sequence

from inventory.survey.cells.told import shown
from inventory.survey.columns import Column, Listing
from inventory.survey.entries import Weight
from inventory.survey.opening.grids import Cell, Spot, empty
from inventory.survey.tables.bodies import is_department, names_body, signed
from inventory.survey.tables.celling import CellReader
from inventory.survey.tables.guidance import heads_notes
from inventory.survey.tables.margins import group_in, labels_in, replying_department, role_of, style_of
from inventory.survey.tables.replies import is_bare_reply, is_reply
from inventory.survey.tables.secrecy import secret_list
from inventory.survey.tables.sheet import Sheet
from inventory.survey.tables.stating import state_in
from inventory.survey.tables.tables import Heading, Row, Table
from inventory.survey.text import cleaned, folded
from inventory.words import _

# Kinds whose titles look like the headings of groups.
_BODIES = frozenset({"department", "office", "unit", "building"})


def _number(cell: Cell) -> bool:
    return isinstance(cell, int | float) or str(cell).strip().isdigit()


class RowReader(CellReader):
    """Tells the entries of a table from all its other rows."""

    def __init__(self, sheet: Sheet, table: Table, listing: Listing) -> None:
        super().__init__(sheet, table, listing)
        self.group = ""
        """The department of the group that is read."""
        self.groups: dict[int, str | None] = {}
        """The department of the group that a row stands in; none where its heading was not understood."""
        self.secret_rows: set[int] = set()
        self.states: dict[int, str] = {}
        """The state of a row's system that the heading above it, or the title of the list, says."""
        self._last: int | None = None

    def data(self) -> list[Row]:
        """Return the rows that are entries; what the others say about the sheet or a group is known afterwards."""
        group: str | None = ""
        style = ""
        secretly = False
        rows: list[Row] = []
        heads: list[tuple[Row, int]] = []
        noted = False
        state = listed = state_in((*self.sheet.titles, self.grid.sheet, self.grid.file.stem), self.state)
        for index, row in enumerate(self.table.rows):
            if self.is_header(row):
                self.stop(row, len(self.table.rows) - index - 1)
                break
            noted = heads_notes(self.grid.rows[row.number]) or (noted and self.is_short(row))
            role = self.role(row, noted=noted)
            if role == "group":
                heads.append((row, len(rows)))
            heading = str(self.grid.rows[row.number][self.leading(row)])
            if role in {"group", "heading", "note"}:
                secretly = secret_list((), (heading[:20],))
                state = self.say_state(row, state_in((heading,), self.state)) or listed
            if role == "group":
                self.group = group = group_in(self.grid.rows[row.number])
                style = style_of(heading)
            elif group and self.begins_unknown(role, heading, style):
                group, self.group = None, ""
            elif role == "data":
                self.groups[row.number] = group
                self.states[row.number] = state
                self.secret_rows |= {row.number} if secretly else set()
                rows.append(row)
        self.say_groups(heads, len(rows))
        return rows

    @property
    def state(self) -> Column | None:
        """Return the column of states; None where the table lists nothing that has one."""
        return self.listing.column("survey.state")

    def say_state(self, row: Row, state: str) -> str:
        """Remark a heading that says a state of the rows below it, and return that."""
        if state and self.state is not None:
            expected = _("taken as the state of the rows below: {state}").format(state=self.state.choices[state][0])
            self.about(row, expected, Weight.NOTE)
        return state

    def lists_item(self, row: Row) -> bool:
        """Tell whether a row only has another item of the entry above it, such as 信息项 of a resource."""
        filled = [column for column, cell in enumerate(self.grid.rows[row.number]) if not empty(cell)]
        tallied = [heading.spot[1] for heading, column in self.columns.items() if column.type == "tally"]
        return filled == tallied

    def begins_unknown(self, role: str, heading: str, style: str) -> bool:
        """Tell whether another group begins whose department is not understood; `style` is that of the headings."""
        alike = role == "heading" and style_of(heading) == style
        return alike or (role in {"heading", "note"} and names_body(heading) and self.group not in cleaned(heading))

    def last_entry(self) -> int:
        """Return the last row of the sheet that is an entry; what stands below it speaks of the sheet."""
        if self._last is None:
            titled = self.titled
            titles = (
                (row.number, self.grid.at(*row.spots[titled]) if titled else None) for row in self.table.rows[::-1]
            )
            width = len(self.table.headings)
            found = (row for row, title in titles if role_of(self.grid.rows[row], title, width) == "data")
            self._last = next(found, -1)
        return self._last

    def say_groups(self, heads: Sequence[tuple[Row, int]], end: int) -> None:
        """Remark the departments that head groups, and take one that stands below all rows as who signed."""
        ends = [*(count for _row, count in heads), end][1:]
        for (row, before), after in zip(heads, ends, strict=True):
            cells = self.grid.rows[row.number]
            spot = (row.number, self.leading(row))
            read = shown(self.grid.at(*spot))
            filled = [str(cell) for cell in cells if not empty(cell)]
            if before == end and len(filled) == 1 and not style_of(filled[0]):
                if not self.sheet.labelled.department:
                    self.sheet.labelled = self.sheet.labelled._replace(department=signed(filled[0]))
                    self.sheet.label_places["department"] = self.grid.place(*spot)
                self.remark(spot, _("taken as the department that signed"), Weight.NOTE, read=read)
            elif replying_department(cells):
                self.remark(spot, _("taken as the reply that there is nothing to list"), Weight.NOTE, read=read)
            elif before == after and not any(owner == group_in(cells) for _kind, _place, owner in self.sheet.replies):
                expected = _("rows below this department, or 无 where it has nothing to list")
                self.remark(spot, expected, Weight.WARNING, read=read)
            else:
                self.remark(spot, _("taken as the department of the rows below"), Weight.NOTE, read=read)

    def leading(self, row: Row) -> int:
        """Return the first column of a row of the sheet that is not empty."""
        return next(index for index, cell in enumerate(self.grid.rows[row.number]) if not empty(cell))

    @property
    def titled(self) -> Heading | None:
        """Return the heading of the titles."""
        return next((heading for heading, column in self.columns.items() if column.field == "title"), None)

    def is_header(self, row: Row) -> bool:
        """Tell whether a row holds nothing but words that head columns."""
        filled = [cell for cell in self.grid.rows[row.number] if not empty(cell)]
        known = (isinstance(cell, str) and self.sheet.matcher.kinds_of(cell) for cell in filled)
        entitled = self.titled is not None and not empty(self.grid.at(*row.spots[self.titled]))
        return not self.table.form and entitled and len(filled) > 1 and all(known)

    def stop(self, row: Row, count: int) -> None:
        """Remark headers in the middle of a table: what stands below them would be read as something else."""
        expected = _(
            "one row for each entry: these are headers; leave a row empty above a second table. "
            "The {count} rows below are not read"
        )
        self.about(row, expected.format(count=count), Weight.ERROR)

    def is_short(self, row: Row) -> bool:
        """Tell whether a row holds no more than a number and a text, as notes below a table do."""
        return sum(not empty(cell) for cell in self.grid.rows[row.number]) <= min(2, len(self.table.headings) - 1)

    def role(self, row: Row, *, noted: bool = False) -> str:
        """Return what a row is, and remark it where it is no entry; `noted` tells whether it stands below 填表说明."""
        if self.table.form:
            return "data"
        cells = self.grid.rows[row.number]
        titled = self.titled
        title = self.grid.at(*row.spots[titled]) if titled else None
        if titled and row.spots[titled] in self.grid.struck:
            self.about(row, _("struck out; not read"), Weight.WARNING)
            return "struck"
        named = any(column.field == "department" for column in self.columns.values())
        if self.listing.kind not in _BODIES and not named and (owner := replying_department(cells)):
            self.sheet.replies.append((self.listing.kind, self.grid.place(row.number, self.leading(row)), owner))
            return "group"
        if self.lists_item(row):
            return "data"
        role = "note" if noted else role_of(cells, title, len(self.table.headings))
        if role == "data" and self.replies(row, title, headed=titled is not None):
            role = "none"
        if role == "signature" and row.number < self.last_entry() and is_department(labels_in(cells).department):
            # 填报单位 with rows below it speaks of these.
            self.sheet.take_labels(row.number, within=True)
            role = "group"
        if self.listing.kind in _BODIES and (role == "none" or (role == "group" and not empty(title))):
            return "data"
        self.set_aside(row, role, row.spots[titled] if titled and not empty(title) else None)
        return role

    def replies(self, row: Row, title: Cell, *, headed: bool) -> bool:
        """Tell whether a row only says that the department that it names has nothing to list."""
        owner = next((row.spots[each] for each, column in self.columns.items() if column.field == "department"), None)
        if owner is None or empty(self.grid.at(*owner)):
            return False
        rest = [cell for column, cell in enumerate(self.grid.rows[row.number]) if column != owner[1]]
        if not headed or empty(title) or not folded(str(title)):
            # 民政局 | 无 under 是否有信息系统.
            said = [str(cell) for cell in rest if not empty(cell) and not _number(cell)]
            replies = [is_bare_reply(text) or text.strip() == "否" for text in said]
            return any(replies) and all(reply or not folded(text) for reply, text in zip(replies, said, strict=True))
        return not empty(title) and is_reply(rest, title)

    def owner(self, row: Row) -> str:
        """Return the department that a row names itself; empty where it names none."""
        cells = (
            self.grid.at(*row.spots[each]) for each, column in self.columns.items() if column.field == "department"
        )
        return next((cleaned(str(cell)) for cell in cells if not empty(cell)), "")

    def set_aside(self, row: Row, role: str, titled: Spot | None) -> None:
        """Remark a row that is no entry, and take what it says of the sheet; `titled` is its cell for the title."""
        spot = (row.number, self.leading(row)) if role != "none" or titled is None else titled
        expected = {
            "total": _("a total and no entry; not read"),
            "note": _("a note and no entry; not read"),
            "heading": _("a heading and no entry; not read"),
            "none": _("taken as the reply that there is nothing to list"),
            "signature": _("signatures and no entry; not read"),
            "numbering": _("a row that numbers the columns; not read"),
            "example": _("an example and no entry; not read"),
        }.get(role, "")
        if role == "signature":
            self.sheet.take_labels(row.number)
        if role == "none":
            self.sheet.replies.append((self.listing.kind, self.grid.place(*spot), self.owner(row) or self.group))
        if expected:
            self.remark(spot, expected, Weight.NOTE, read="" if role == "signature" else shown(self.grid.at(*spot)))
