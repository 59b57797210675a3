"""The columns of a table: which field each fills, and which are lost."""

import re
from collections.abc import Sequence

from inventory.survey.cells.ticks import is_tick
from inventory.survey.cells.told import Setting, shown
from inventory.survey.cells.values import told_by
from inventory.survey.columns import Column, Listing
from inventory.survey.entries import Weight
from inventory.survey.opening.grids import empty, letters
from inventory.survey.tables.bodies import is_office
from inventory.survey.tables.headings import Match, measures, taken_apart
from inventory.survey.tables.servers import servers_in
from inventory.survey.tables.settling import IGNORE, column_line
from inventory.survey.tables.sheet import Sheet
from inventory.survey.tables.tables import Heading, Row, Table
from inventory.survey.text import folded, plain
from inventory.words import _

_CHOSEN = frozenset({"choice", "truth", "level"})
_WRITTEN = frozenset({"text", "list"})
ADDED = frozenset({"survey.investment"})
"""Fields of which the amounts of several years make one."""
_AMOUNTS = frozenset({"money", "count"})
_WHOLE = re.compile(r"合计|总计|总额|小计|^总")
_MEASURES = frozenset({"单位", "金额单位", "计量单位", "费用单位", "货币单位", "计价单位"})
_ORDERED_BY = frozenset({"建设单位", "建设部门", "项目建设单位"})


def preference(heading: Heading, match: Match) -> int:
    """Return the place of a header among those of the department, where the better one of two is taken."""
    if match.column is None or match.column.field != "department" or not heading.parts:
        return 0
    words = [folded(word) for word in match.column.words]
    word = folded(taken_apart(heading.parts[-1])[0])
    return words.index(word) if word in words else len(words)


class AssignedTable:
    """A table whose kind is known, with the field of each of its columns."""

    def __init__(self, sheet: Sheet, table: Table, listing: Listing) -> None:
        self.sheet = sheet
        self.grid = sheet.grid
        self.table = table
        self.listing = listing
        self.remark = sheet.remark
        self.columns: dict[Heading, Column] = {}
        self.lost: dict[Heading, tuple[str, Weight]] = {}
        self.options: dict[Heading, str] = {}
        """The answer that each heading is which is one of several to be ticked."""
        self.years: dict[str, int] = {}
        """The last year that was read of each field that has a column for each year."""
        self.measured: dict[Heading, dict[int, str]] = {}
        """The units of a column's amounts by row, where a column beside it holds them."""
        self.nested: tuple[Heading, ...] = ()
        """The headings of the servers that stand beside systems."""

    def assign(self) -> None:
        """Find the field of every column; of two for one field the surer one wins."""
        if self.listing.kind == "system" and not self.table.form:
            self.nested = servers_in(self.table, self.sheet.matcher)
        own = [heading for heading in self.table.headings if heading not in self.nested]
        matches = self.ordered([(heading, self.match(heading)) for heading in own])
        order = {"known": 0, "guessed": 1}
        taken: dict[str, Heading] = {}
        for heading, (column, how) in sorted(matches, key=lambda pair: (order.get(pair[1].how, 2), preference(*pair))):
            if column is None:
                self.lose(heading, how)
            elif how == "guessed" and column.field in taken:
                self.lose(heading, "unknown")
            elif column.field in taken and not self.shares(heading, taken[column.field], column):
                other = taken[column.field].text
                self.lost[heading] = (
                    _("column '{other}' says the same and was taken").format(other=other),
                    Weight.WARNING,
                )
            else:
                taken.setdefault(column.field, heading)
                self.columns[heading] = column
                if how == "guessed":
                    expected = _("guessed: taken as {header}").format(header=column.words[0])
                    self.remark(heading.spot, expected, Weight.WARNING, column=heading.text)
        self.columns = {heading: self.columns[heading] for heading, _match in matches if heading in self.columns}

    def ordered(self, matches: list[tuple[Heading, Match]]) -> list[tuple[Heading, Match]]:
        """Return what headings mean, after a look at the cells below those whose words mean two things.

        单位 beside an amount is what it is counted in, and 建设单位 above offices is who ordered the system.
        """
        fields = {match.column.field for _heading, match in matches if match.column is not None}
        found: list[tuple[Heading, Match]] = []
        for heading, match in matches:
            if self.is_measure(heading, [each for each, other in found if other.column is not None]):
                found.append((heading, Match(None, "measure")))
            elif match.column is not None and match.column.field == "survey.builder" and self.ordering(heading):
                stated = self.sheet.rule.department or self.sheet.labelled.department
                owner = self.listing.column("department")
                owns = "department" not in fields and not stated
                found.append((heading, Match(owner, "guessed") if owns else Match(None, "unkept")))
            else:
                found.append((heading, match))
        return [(heading, self.whole(heading, match, found)) for heading, match in found]

    def whole(self, heading: Heading, match: Match, every: Sequence[tuple[Heading, Match]]) -> Match:
        """Return what a heading means; a part of something where others are guessed to be the same amount."""
        if match.how != "guessed" or match.column is None or match.column.type not in _AMOUNTS:
            return match
        same = [
            each for each, other in every
            if other.how == "guessed" and other.column is not None and other.column.field == match.column.field
        ]  # fmt: skip
        totals = [each for each in same if _WHOLE.search(plain(each.parts[-1]))]
        alone = len(same) == 1 or totals == [heading]
        return match if alone else Match(None, "part")

    def is_measure(self, heading: Heading, before: Sequence[Heading]) -> bool:
        """Tell whether a column holds the units of the amounts in the column before it, and keep them by row."""
        if not before or not heading.parts or folded(taken_apart(heading.parts[-1])[0]) not in _MEASURES:
            return False
        cells = {row.number: self.grid.at(*row.spots[heading]) for row in self.table.rows if heading in row.spots}
        units = {number: str(cell) for number, cell in cells.items() if not empty(cell)}
        if not units or not all(measures(unit, "money") for unit in units.values()):
            return False
        self.measured[before[-1]] = units
        return True

    def ordering(self, heading: Heading) -> bool:
        """Tell whether offices stand below 建设单位: they ordered the system, and built nothing."""
        cells = [self.grid.at(*row.spots[heading]) for row in self.table.rows if heading in row.spots]
        named = [str(cell) for cell in cells if not empty(cell)]
        return folded(heading.parts[-1]) in _ORDERED_BY and bool(named) and all(map(is_office, named))

    def shares(self, heading: Heading, other: Heading, column: Column) -> bool:
        """Tell whether two columns may fill one field: parts of it, options to tick, years, or labels of a form."""
        years = heading.year is not None and other.year is not None
        if years and column.field not in self.years:
            self.years[column.field] = 0
            last = _("several years: of each row the last one that is filled in is taken")
            expected = _("several years: their sum is taken") if column.field in ADDED else last
            self.remark(heading.spot, expected, Weight.NOTE, column=heading.text)
        return column.joined or self.table.form or years or (heading in self.options and other in self.options)

    def summed(self, heading: Heading) -> Match | None:
        """Return what a column of a group means that has the parts of an amount and their sum; none elsewhere."""
        group = [each for each in self.table.headings if len(each.parts) > 1 and each.parts[:-1] == heading.parts[:-1]]
        totals = [each for each in group if _WHOLE.fullmatch(plain(each.parts[-1])) and each.year is None]
        if len(totals) != 1 or len(group) == 1 or any(each.year for each in group):
            return None
        column, how = self.sheet.matcher.match(self.listing.kind, heading.parts[:-1])
        if column is None or how != "known" or column.type not in _AMOUNTS:
            return None
        return Match(column, "known") if totals == [heading] else Match(None, "part")

    def option(self, heading: Heading) -> Column | None:
        """Return the column of which a heading is one of the answers to be ticked; None where it is no answer."""
        if len(heading.parts) < 2:
            return None
        column, how = self.sheet.matcher.match(self.listing.kind, heading.parts[:-1])
        if column is None or how != "known":
            return None
        if column.type in _WRITTEN:
            return column if self.only_ticks(heading) else None
        if folded(heading.parts[-1]) not in self.sheet.matcher.options or column.type not in _CHOSEN:
            return None
        told = told_by(heading.parts[-1], column, Setting())
        return column if told.value is not None and not told.expected else None

    def only_ticks(self, heading: Heading) -> bool:
        """Tell whether nothing but ticks stands below one of several headings of a group, and at least one."""
        group = [each for each in self.table.headings if each.parts[:-1] == heading.parts[:-1]]
        cells = [self.grid.at(*row.spots[heading]) for row in self.table.rows if heading in row.spots]
        ticks = [is_tick(shown(cell)) for cell in cells if not empty(cell)]
        return len(group) > 1 and any(ticks) and None not in ticks

    def match(self, heading: Heading) -> Match:
        """Return what a heading means: what is settled for it, else what the catalogue says."""
        if not heading.parts or heading.shadow:
            return Match(None, "unknown")
        if (column := self.option(heading)) is not None:
            self.options[heading] = heading.parts[-1]
            return Match(column, "known")
        if (whole := self.summed(heading)) is not None:
            return whole
        words = ("".join(heading.parts), heading.parts[-1])
        for word in (*words, *(plain(word).partition("(")[0] for word in words)):
            field = self.sheet.rule.columns.get(folded(word))
            if field == IGNORE:
                return Match(None, "ignored")
            if field is not None and (column := self.listing.column(field)) is not None:
                return Match(column, "known")
        return self.sheet.matcher.match(self.listing.kind, heading.parts)

    def lose(self, heading: Heading, how: str) -> None:
        """Take note of a column that is not read, and why."""
        if how == "unknown":
            expected = _("a header that is known, or a line in the mapping file; the column is not read")
            self.lost[heading] = (expected, Weight.WARNING)
        elif how == "part":
            expected = _("one column for the whole amount: this is a part of it; a total beside its parts is taken")
            self.lost[heading] = (expected, Weight.WARNING)
        elif how == "unkept":
            self.lost[heading] = (_("the inventory keeps no such thing; the column is not read"), Weight.NOTE)
        elif how == "ignored":
            self.lost[heading] = (_("not read: the mapping file says so"), Weight.NOTE)

    def say_lost(self, rows: Sequence[Row]) -> None:
        """Remark the columns that are not read and hold something; never what they hold."""
        for heading, (expected, severity) in self.lost.items():
            cells = sum(not empty(self.grid.at(*row.spots[heading])) for row in rows if heading in row.spots)
            if cells:
                text = _("{expected} ({count} cells)").format(expected=expected, count=cells)
                settles = column_line(heading.parts[-1]) if heading.parts and severity is Weight.WARNING else ("", "")
                column = heading.text or letters(heading.spot[1])
                self.remark(heading.spot, text, severity, column=column, settles=settles)
