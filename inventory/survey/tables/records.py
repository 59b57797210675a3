"""Turns the rows of one table into entries; what is not understood, or is understood by guessing, is remarked."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property

from inventory.survey.cells.dates import has_come
from inventory.survey.cells.denials import over
from inventory.survey.cells.quantities import amount_of
from inventory.survey.cells.told import Setting, Told, shown
from inventory.survey.cells.values import told_by
from inventory.survey.columns import Listing
from inventory.survey.entries import Entry, Place, Remark, Weight
from inventory.survey.opening.grids import Cell, Spot, empty
from inventory.survey.tables.headings import taken_apart
from inventory.survey.tables.naming import perhaps_several, several, unnumbered, untitled
from inventory.survey.tables.owning import OwnedRows
from inventory.survey.tables.secrecy import CLASSIFIED, Answer, classified, secret_list
from inventory.survey.tables.sheet import Sheet
from inventory.survey.tables.tables import Heading, Row, Table
from inventory.survey.text import cleaned, folded, plain, shortened
from inventory.words import _

_IDENTITY = frozenset({"title", "name", "department", "holder"})
_COUNTS = frozenset(
    {"数量", "台数", "台套数", "服务器数量", "服务器台数", "设备数量", "条数", "线路数量", "count", "quantity"}
)
_STATE_ONLY = re.compile(
    r"(?:正在|拟|计划|准备|即将|尚未|未|待|已)?(?:建设|在建|建成|开发|筹建|规划|招标|上线|建|停用|下线)(?:中|阶段)?"
)
_UNITS = frozenset(
    {"下属单位", "下属单位名称", "二级单位", "二级单位名称", "所属二级单位", "直属单位", "基层单位", "下属事业单位"}
)
"""Headers under which a department writes which body below it has a system."""


class TableReader(OwnedRows):
    """Reads one table whose kind is known."""

    def __init__(self, sheet: Sheet, table: Table, listing: Listing) -> None:
        super().__init__(sheet, table, listing)
        self.above: dict[str, object] | None = None
        self.owners: dict[int, Entry | None] | None = None
        """The system of each row, where these are the servers of systems."""
        self.units: list[tuple[int, str]] = []
        """The entries of the sheet, by number, with the subordinate unit that their rows name."""

    def read(self) -> None:
        """Read headers, then rows, then say which columns were lost."""
        self.assign()
        fields = {column.field for column in self.columns.values()}
        if not fields & self.listing.telling and not self.table.filed:
            column = self.listing.column(min(self.listing.telling))
            expected = _("a column such as {word}; none of its rows is read ({count})").format(
                word=column.words[0] if column else "", count=len(self.table.rows)
            )
            # A hidden sheet without a name in it has the words that cells may be filled with.
            self.remark((self.table.top, 0), expected, Weight.WARNING if self.grid.hidden else Weight.ERROR)
            return
        data = self.data()
        owners: dict[int, Entry | None] = {}
        owner: Entry | None = None
        for row in data:
            before = len(self.sheet.entries)
            self.entry(row)
            added = self.sheet.entries[before:]
            owner = added[-1] if added else owner
            owners[row.number] = owner
            self.units += [(before + index, self.unit(row)) for index in range(len(added))]
        self.parted()
        self.say_lost(data)
        if self.nested:
            self.servers(data, owners)

    def unit(self, row: Row) -> str:
        """Return the subordinate unit that a row of a system names in a column which is not kept."""
        heading = next((each for each in row.spots if each in self.lost and folded(each.text) in _UNITS), None)
        cell = self.grid.at(*row.spots[heading]) if heading is not None and self.listing.kind == "system" else None
        return "" if empty(cell) else cleaned(str(cell))

    def parted(self) -> None:
        """Give systems of one title and department that are of different subordinate units titles of their own."""
        found = [(index, self.sheet.entries[index], unit) for index, unit in self.units]
        units: dict[tuple[str, str], set[str]] = defaultdict(set)
        for _index, entry, unit in found:
            units[folded(entry.title), folded(entry.department)].add(unit)
        for index, entry, unit in found:
            if unit and len(units[folded(entry.title), folded(entry.department)]) > 1:
                title = f"{entry.title}（{unit}）"
                self.sheet.entries[index] = replace(entry, title=title)
                expected = _("a title of its own: another row bears it too; it is called '{title}'").format(title=title)
                place = entry.places.get("title", entry.places[""])
                self.sheet.remarks.append(
                    Remark(place=place, read=shortened(entry.title), expected=expected, severity=Weight.NOTE)
                )

    def servers(self, rows: Sequence[Row], owners: dict[int, Entry | None]) -> None:
        """Read the servers that stand beside systems; those of a classified one are left out."""
        table = Table(self.table.top, self.nested, tuple(rows))
        reader = TableReader(self.sheet, table, self.sheet.matcher.catalogue.listing("host"))
        reader.owners = owners
        reader.assign()
        for row in rows:
            owner = owners[row.number]
            reader.groups[row.number] = ""
            if all(empty(self.grid.at(*row.spots[heading])) for heading in self.nested):
                continue
            if owner is None or owner.values.get("grading.classified"):
                self.about(
                    row, _("its servers are not taken: the system is classified, or was not read"), Weight.WARNING
                )
            else:
                reader.entry(row)
        reader.say_lost(rows)

    def entry(self, row: Row) -> None:
        """Read one row."""
        cells = dict(self.cells(row))
        if self.continues(row, cells):
            return
        answer = self.classified(row, cells)
        if answer is not None:
            self.untold(row, cells, answer)
            self.before = {}
            self.above = None
            return
        if self.listing.kind == "system" and self.apart(row, cells):
            return
        self.before |= {heading: cell for heading, (_spot, cell) in cells.items()}
        values: dict[str, object] = {}
        places: dict[str, Place] = {"": self.grid.place(*self.first(row))}
        self.years = dict.fromkeys(self.years, 0)
        for heading, (spot, cell) in cells.items():
            if self.is_sum(heading, spot):
                self.say_sum(row, heading, spot)
            else:
                self.take(heading, spot, cell, values, places)
        if (state := self.states.get(row.number, "")) and "survey.state" not in values:
            values["survey.state"], places["survey.state"] = state, places[""]
        self.say_over(row, values)
        self.date(values, places)
        if values.get("sharing") == "none" and "conditions" in values and not {"basis", "name"} & values.keys():
            # The guide of 2017 has the law that forbids sharing written under the conditions of sharing; a row that
            # bears a name came out of our own sheet, where both have their columns.
            values["basis"], places["basis"] = values.pop("conditions"), places.pop("conditions")
        self.add(row, values, places)
        self.above = values

    def apart(self, row: Row, cells: Mapping[Heading, tuple[Spot, Cell]]) -> bool:
        """Take only the names where one cell names several systems; return whether it does."""
        titled = next(((heading, *found) for heading, found in cells.items() if self.is_title(heading)), None)
        if titled is None or not isinstance(text := titled[2], str):
            return False
        heading, spot, _cell = titled
        names = several(text)
        if names:
            expected = _("a row for each system: of these {count} only the names are taken, the rest is not read")
            told = expected.format(count=len(names))
            self.remark(spot, told, Weight.ERROR, column=heading.text, read=text)
        elif perhaps_several(text):
            expected = _("if these are two systems, give each a row of its own; it is taken as one")
            self.remark(spot, expected, Weight.WARNING, column=heading.text, read=text)
        for name in names:
            values: dict[str, object] = {}
            places = {"": self.grid.place(*self.first(row)), "title": self.grid.place(*spot)}
            for other, (at, cell) in cells.items():
                if self.columns[other].field == "department":
                    self.take(other, at, cell, values, places)
            self.add(row, {**values, "title": name}, places)
        self.above = None
        return bool(names)

    def is_title(self, heading: Heading) -> bool:
        """Tell whether a heading is that of the titles."""
        return self.columns[heading].field == "title"

    def continues(self, row: Row, cells: Mapping[Heading, tuple[Spot, Cell]]) -> bool:
        """Tell whether a row belongs to the entry above it, whose title is merged over both; its lists grow then."""
        title = next((spot for heading, (spot, _cell) in cells.items() if self.is_title(heading)), None)
        if title is None and self.above is not None and self.goes_on(row, cells):
            title = (-1, 0)
        if self.table.form or title is None or title[0] == row.number:
            return False
        for heading, (spot, cell) in cells.items():
            if spot[0] == row.number and not self.lengthened(heading, spot, cell):
                expected = _("not read: one entry has one row, and this is another row of the entry above")
                self.remark(spot, expected, Weight.WARNING, column=heading.text)
        return True

    def goes_on(self, row: Row, cells: Mapping[Heading, tuple[Spot, Cell]]) -> bool:
        """Tell whether a row without a title only has another server or another item of the entry above."""
        tallied = all(self.columns[heading].type == "tally" for heading in cells)
        return tallied and (bool(cells) or any(not empty(self.grid.at(*row.spots[each])) for each in self.nested))

    def lengthened(self, heading: Heading, spot: Spot, cell: Cell) -> bool:
        """Tell whether a further row of an entry only says what is said already, or adds to a list of it."""
        column = self.columns[heading]
        if self.above is None or column.field in _IDENTITY:
            return False
        told = self.told(heading, column, spot, cell)
        said = self.above.get(column.field)
        if column.type == "tally" and isinstance(told.value, int):
            self.above[column.field] = told.value + (said if isinstance(said, int) else 0)
            return True
        if column.type == "list" and isinstance(told.value, list):
            self.above[column.field] = list(dict.fromkeys([*(said if isinstance(said, list) else ()), *told.value]))
            return True
        return told.value is not None and told.value == said

    def classified(self, row: Row, cells: Mapping[Heading, tuple[Spot, Cell]]) -> Answer | None:
        """Tell whether a row is, or may be, about something classified; columns that are not read count too."""
        unread = {
            heading: (spot, self.decoded(heading, self.grid.at(*spot)))
            for heading, spot in row.spots.items()
            if heading not in self.columns
        }
        listed = row.number in self.secret_rows or secret_list(
            self.sheet.titles, (self.grid.sheet, self.grid.file.stem)
        )
        said = [self.grid.comments[spot] for spot in row.spots.values() if spot in self.grid.comments]
        return classified(self.listing, self.columns, {**unread, **cells}, said, listed=listed)

    def untold(self, row: Row, cells: Mapping[Heading, tuple[Spot, Cell]], answer: Answer) -> None:
        """Take only that something exists which is, or may be, classified; no cell's content is repeated."""
        values: dict[str, object] = {}
        places = {"": self.grid.place(*self.first(row))}
        sure = answer != "unclear"
        expected = _("not taken: classified") if sure else _("not taken: whether it is classified is not clear")
        for heading, (spot, cell) in cells.items():
            column = self.columns[heading]
            if column.field in {"title", "department", "name"} and self.listing.kind == "system":
                self.take(heading, spot, cell, values, places)
            elif column.field in CLASSIFIED:
                places["grading.classified"] = self.grid.place(*spot)
                if not sure:
                    yes_or_no = _("yes or no: whether it is classified; until then only its name is taken")
                    self.remark(spot, yes_or_no, Weight.ERROR, column=heading.text)
            else:
                # One that is merged with rows above is theirs; it is this row that goes without.
                place = spot if self.table.form else (row.number, spot[1])
                self.remark(place, expected, Weight.NOTE if sure else Weight.WARNING)
        self.exists(row, values, places, expected, answer)

    def exists(
        self, row: Row, values: dict[str, object], places: dict[str, Place], expected: str, answer: Answer
    ) -> None:
        """Add a system of which nothing is kept but that it exists; of anything else only tell that it does."""
        if answer == "named":
            expected = _("taken as classified, for its words speak of secrets; if it is not, write 否 under 是否涉密")
        if self.listing.kind != "system" or answer == "named":
            self.about(row, expected, Weight.WARNING)
        if self.listing.kind == "system":
            if answer != "unclear":
                values["grading.classified"] = True
                places.setdefault("grading.classified", places[""])
            self.add(row, values, places)

    def add(self, row: Row, values: dict[str, object], places: dict[str, Place]) -> None:
        """Add the entry of a row, if the row says what it is about."""
        identity = {field: str(values.pop(field, "")) for field in _IDENTITY}
        # A row that bears a name came out of our own sheet: its titles are as they are.
        own = bool(identity["name"])
        identity["title"] = identity["title"] if own else unnumbered(identity["title"])
        if self.owners is not None and (owner := self.owners[row.number]) is not None:
            values["purpose"] = "; ".join(filter(None, (owner.title, str(values.get("purpose", "")))))
            identity["department"] = owner.department
        title = identity["title"] or (str(values.get("resource", "")) if self.listing.kind == "request" else "")
        if title and not identity["name"] and re.fullmatch(r"[\d\W_]+", plain(title)):
            self.about(row, _("a name: this says nothing but a number; the row is not read"), Weight.ERROR, read=title)
            return
        if self.listing.kind == "system" and _STATE_ONLY.fullmatch(title):
            self.about(row, _("a name: this only says how far it is; the row is not read"), Weight.ERROR, read=title)
            return
        title = title or (untitled(self.listing.kind, values) if not identity["name"] else "")
        if not title and self.table.filed:
            self.sheet.entries.append(Entry(self.listing.kind, "", "", "", partial=True, values=values, places=places))
            return
        if not title and not identity["name"]:
            column = self.listing.column("title")
            expected = _("{word}: without it the row is not read").format(word=column.words[0] if column else "")
            self.about(row, expected, Weight.ERROR)
            return
        self.guess_kind(row, title, values, places)
        self.say_several(row)
        self.sheet.entries.append(
            Entry(
                kind=self.listing.kind,
                name=identity["name"],
                title=title,
                department=self.responsible(row, identity["department"], places, own=own),
                holder=identity["holder"],
                values=values,
                places=places,
            )
        )

    def is_sum(self, heading: Heading, spot: Spot) -> bool:
        """Tell whether an amount of money is merged over several entries: it is that of all of them together."""
        if self.columns[heading].type not in {"money", "costs"} or self.titled is None:
            return False
        bottom = self.reaches.get(spot, spot[0])
        return len({self.titles[row] for row in range(spot[0], bottom + 1) if row in self.titles}) > 1

    @cached_property
    def reaches(self) -> Mapping[Spot, int]:
        """Map merged cells, by their first, to their last row."""
        return {(top, left): bottom for top, left, bottom, _right in self.grid.merged or ()}

    @cached_property
    def titles(self) -> Mapping[int, Spot]:
        """Map rows by number to the cells of their titles."""
        return {} if self.titled is None else {row.number: row.spots[self.titled] for row in self.table.rows}

    def say_sum(self, row: Row, heading: Heading, spot: Spot) -> None:
        """Remark an amount that belongs to several entries together, once."""
        if spot[0] == row.number:
            expected = _("an amount for each row: this cell is merged over several of them, and is taken for none")
            self.remark(spot, expected, Weight.ERROR, column=heading.text, read=shown(self.grid.at(*spot)))

    def say_over(self, row: Row, values: Mapping[str, object]) -> None:
        """Remark a word beside what is read, or in brackets behind the title, by which the row is over or none."""
        if "survey.state" in values or self.listing.kind not in {"system", "line", "host"}:
            return
        for heading, spot in row.spots.items():
            cell, titled = self.grid.at(*spot), heading == self.titled
            if isinstance(cell, str) and (titled or heading not in self.columns) and over(cell, titled=titled):
                system = _("this seems to be over, or listed twice: say so under 系统状态, or take the row out")
                expected = (
                    system
                    if self.listing.kind == "system"
                    else _("this seems to be over, or listed twice: if so, take the row out")
                )
                self.remark(spot, expected, Weight.WARNING, column=heading.text, read=cell)

    def say_several(self, row: Row) -> None:
        """Remark a row that stands for several servers or lines, of which one is taken."""
        for heading, spot in row.spots.items() if self.listing.kind in {"host", "line"} else ():
            word = folded(taken_apart(heading.parts[-1])[0]) if heading.parts else ""
            counts = word in _COUNTS and heading not in self.columns
            amount = amount_of(self.grid.at(*spot)) if counts else None
            if amount is not None and amount.number > 1:
                server = _("a row for each server, with its address: one is taken for all of them")
                line = _("a row for each line, with both its ends: one is taken for all of them")
                expected = server if self.listing.kind == "host" else line
                self.lost.pop(heading, None)
                self.remark(spot, expected, Weight.WARNING, column=heading.text, read=shown(self.grid.at(*spot)))

    def guess_kind(self, row: Row, title: str, values: dict[str, object], places: dict[str, Place]) -> None:
        """Take the kind of a line, an asset or a unit from its name where no column says it, and remark that."""
        column = self.listing.column("kind")
        if column is None or "kind" in values or column in self.columns.values():
            return
        for text in (title, str(values.get("purpose", ""))):
            told = told_by(text, column, Setting()) if text else Told()
            if isinstance(told.value, str):
                values["kind"] = told.value
                places["kind"] = self.grid.place(*self.first(row))
                expected = _("guessed from its name: {word}").format(word=column.choices[told.value][0])
                self.about(row, expected, Weight.WARNING, read=text)
                return

    def date(self, values: dict[str, object], places: dict[str, Place]) -> None:
        """Give a system the day on which its sheet was filled in."""
        day = self.sheet.labelled.surveyed
        if isinstance(day, date) and not has_come(day):
            place = self.sheet.label_places["surveyed"]
            said = Remark(place=place, read=day.isoformat(), expected=_("a day that has come already"))
            self.sheet.remarks += [] if said in self.sheet.remarks else [said]
            return
        if self.listing.kind == "system" and isinstance(day, date) and "survey.surveyed" not in values:
            values["survey.surveyed"] = day.isoformat()
            places["survey.surveyed"] = self.sheet.label_places["surveyed"]
