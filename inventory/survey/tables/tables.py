"""Finds the tables of a sheet: where headers stand, over how many rows, and which rows are below them.

A form (one thing on a sheet, each label beside its value) is a table of one row.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from inventory.survey.opening.grids import Cell, Grid, Spot, empty
from inventory.survey.tables.bodies import is_department, is_numbered
from inventory.survey.tables.headings import Matcher, is_unit, taken_apart
from inventory.survey.tables.margins import labels_in
from inventory.survey.text import cleaned, folded

_HEADER_ROWS = 3
_LONGEST = 120
_PAIRS = 4
_LISTED = re.compile(r"(?:清单|情况|统计|一览|台账|名录|明细|汇总|目录)表?$")
_SURE = 3
"""So many known headers begin a second table."""
"""So many labels with a value beside them make a form."""


_YEAR = re.compile(r"((?:19|20)\d{2})(?:\.0)?\s*(?:年度?)?(?:\s*[(（].{0,8}[)）])?")
_SPAN = re.compile(r"^(?:近[一二三四五\d]{1,2}年|历年|分年度|各年度?|最近[一二三四五\d]年)(?:来|度)?的?")
_IN_WORDS = re.compile(r"((?:19|20)\d{2})\s*(?:年度?)")


def year_of(cell: Cell) -> int | None:
    """Return the year that a cell of a header is; None where it says something else."""
    match = _YEAR.fullmatch(cleaned(str(cell))) if isinstance(cell, str | int | float) else None
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class Heading:
    """The header of a column, from the top row to the lowest one."""

    parts: tuple[str, ...]
    spot: Spot
    unit: str = ""
    shadow: bool = False
    """Whether it only lies under another column's header."""
    year: int | None = None
    """The year that its numbers are of, where the header names one."""

    @property
    def text(self) -> str:
        """Return the header on one line."""
        return " / ".join((*self.parts, *((str(self.year),) if self.year else ())))


@dataclass(frozen=True, slots=True)
class Row:
    """One entry: the cell under each heading."""

    number: int
    spots: Mapping[Heading, Spot]


@dataclass(frozen=True, slots=True)
class Table:
    """A header and its rows; rows before `top` that no other table has are its title rows."""

    top: int
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    form: bool = False
    filed: bool = False
    """Whether it is a filing form, of which only some labels are read."""
    aside: frozenset[int] = frozenset()
    """The columns of a form that only number, explain or measure what stands beside them."""


def fills_gaps(above: Sequence[int], below: Sequence[int]) -> bool:
    """Tell whether the columns of a row only stand below headings with a gap beside them, and below these gaps."""
    wide = [column for column, after in pairwise(above) if after - column > 1] + [above[-1]]
    ends = dict(pairwise([*above, max(below, default=0) + 1]))
    spans = [range(column, ends[column]) for column in wide if ends[column] - column > 1]
    return len(below) > 1 and bool(spans) and all(any(column in span for span in spans) for column in below)


class TableFinder:
    """Looks for the tables of one sheet."""

    def __init__(self, grid: Grid, matcher: Matcher, settled: frozenset[str]) -> None:
        self.grid = grid
        self.matcher = matcher
        self.settled = settled
        self.holders = grid.spread()

    def value(self, row: int, column: int) -> Cell:
        """Return a header's cell; a merged one shows in all of its cells."""
        return self.grid.at(*self.holders.get((row, column), (row, column)))

    def tables(self) -> tuple[Table, ...]:
        """Return all tables, or the form that the sheet is."""
        blocks: list[tuple[int, int]] = []
        row = 0
        while row < len(self.grid.rows):
            # The same header once more, as on a new page, is no second table: its rows go on where they were.
            fresh = not blocks or not any(self.says_again(row, other) for other in blocks[-1])
            if self.grid.rows[row] and fresh and self.is_header(row, again=bool(blocks)):
                blocks.append(self.block(row, blocks[-1][1] + 1 if blocks else 0))
                row = blocks[-1][1]
            row += 1
        if not blocks:
            return tuple(self.forms())
        ends = [self.title_above(top) for top, _bottom in blocks[1:]] + [len(self.grid.rows) - self.grid.below]
        tables = tuple(self.table(top, bottom, end) for (top, bottom), end in zip(blocks, ends, strict=True))
        # What heads nothing may be the last row of a form.
        return tables if any(table.rows for table in tables) else tuple(self.forms()) or tables

    def says_again(self, row: int, header: int) -> bool:
        """Tell whether a row is a row of the header above once more, as on a new page."""
        words = {column: folded(cell) for column, cell in enumerate(self.grid.rows[header]) if isinstance(cell, str)}
        return self.grid.rows[row] == self.grid.rows[header] or self.repeats(self.grid.rows[row], words)

    def title_above(self, top: int) -> int:
        """Return where the title of a second table begins: below a gap, with a number, or as a list is called."""
        row = top - 1
        filled = [cell for cell in self.grid.rows[row] if not empty(cell)]
        if len(filled) != 1:
            return top
        text = cleaned(str(filled[0]))
        gap = row > 0 and all(empty(cell) for cell in self.grid.rows[row - 1])
        return row if gap or is_numbered(text) or _LISTED.search(text) else top

    def is_header(self, row: int, *, again: bool) -> bool:
        """Tell whether the words of a row are headers; below a table this takes more of them."""
        cells = [cell for cell in self.grid.rows[row] if not empty(cell)]
        if not cells or not all(year_of(cell) or (isinstance(cell, str) and len(cell) <= _LONGEST) for cell in cells):
            return False
        if labels_in(self.grid.rows[row]).department:
            # 填报单位 with a department beside it speaks of the sheet, and heads no column.
            return False
        found = [self.kinds_in_any_year(str(cell)) for cell in cells]
        votes = Counter(kind for kinds in found for kind in kinds)
        known = sum(bool(kinds) for kinds in found)
        best = max((votes[kind] for kind in votes if kind in self.matcher.words), default=0)
        whole = best + votes["aside"] == len(cells)
        gap = again and self.follows_gap(row)
        if again and not (best >= _SURE and (whole or gap)) and not (best > 1 and whole and gap):
            return False
        if self.is_form_row(row, known, len(cells)):
            return False
        lonely = best == 1 and votes["aside"] == 1 and len(cells) <= 3
        # A sheet of one's own design: few of its headers are known, but what it lists is.
        named = best == 2 and any(self.names(str(cell)) for cell in cells)
        own = (best >= 3 or (named and not again)) and known * 4 >= len(cells)
        return own or (known * 2 >= len(cells) and (best >= 2 or lonely))

    def names(self, text: str) -> bool:
        """Tell whether a header names what the rows of a table are, such as 机房名称."""
        words = folded(taken_apart(text)[0])
        return len(words) > 2 and words.endswith("名称") and bool(self.kinds(text) & self.matcher.words.keys())

    def is_form_row(self, row: int, known: int, cells: int) -> bool:
        """Tell whether labels and values take turns in a row, and labels of the same kind stand in other rows too."""
        if known * 2 > cells + 1 or sum(1 for _ in self.pairs(row)) < known:
            return False
        here = {folded(heading.text) for heading, _spot in self.pairs(row)}
        near = range(max(0, row - 8), min(len(self.grid.rows), row + 9))
        elsewhere = {folded(heading.text) for other in near if other != row for heading, _spot in self.pairs(other)}
        return len(elsewhere - here) >= 2

    def follows_gap(self, row: int) -> bool:
        """Tell whether the row above is empty or a title: where a second table may begin."""
        return sum(not empty(cell) for cell in self.grid.rows[row - 1]) <= 1

    def kinds(self, text: str) -> frozenset[str]:
        """Return the kinds that know a header; those that a person has settled fit all."""
        if folded(text) in self.settled or folded(taken_apart(text)[0]) in self.settled:
            return frozenset(self.matcher.words)
        return self.matcher.kinds_of(text)

    def kinds_in_any_year(self, text: str) -> frozenset[str]:
        """Return the kinds that know a header, or know it without the year that it names: 2016年运维费."""
        return self.kinds(text) or self.kinds(_IN_WORDS.sub("", text, count=1))

    def block(self, row: int, limit: int) -> tuple[int, int]:
        """Return the first and the last row of the header that a row belongs to."""
        top = bottom = row
        while top > limit and bottom - top + 1 < _HEADER_ROWS and self.is_group_row(top - 1, top):
            top -= 1
        while bottom - top + 1 < _HEADER_ROWS and self.is_group_row(bottom, bottom + 1, deeper=bottom > top):
            bottom += 1
        return top, max(bottom, self.merged_to(top))

    def merged_to(self, top: int) -> int:
        """Return the last row that cells of a header's first row reach, where some are merged over several rows."""
        cells = [each for each in self.grid.merged or () if each[0] == top and not empty(self.grid.at(*each[:2]))]
        bottom = max((bottom for _top, _left, bottom, _right in cells), default=top)
        grouped = any(right > left for _top, left, _bottom, right in cells)
        return bottom if grouped and bottom - top < _HEADER_ROWS else top

    def is_group_row(self, upper: int, lower: int, *, deeper: bool = False) -> bool:
        """Tell whether some cells of a row are headings of several cells in the row below it, and none has one only.

        Below a row of headings that is `deeper` than the first, each has cells of its own, and one may have one.
        """
        if lower >= len(self.grid.rows) or labels_in(self.grid.rows[upper])._replace(units=()) != labels_in(()):
            return False
        above = [column for column, cell in enumerate(self.grid.rows[upper]) if not empty(cell)]
        below = {column: cell for column, cell in enumerate(self.grid.rows[lower]) if not empty(cell)}
        years = sum(year_of(cell) is not None for cell in below.values())
        known = any(self.says(above, upper, column, cell) for column, cell in below.items())
        signs = known or years > 1 or self.are_options(below.values()) or self.merges(upper, below)
        if len(above) < 2 or not (signs or fills_gaps(above, list(below))):
            return False
        if not all(isinstance(cell, str) or year_of(cell) for cell in below.values()):
            return False
        if deeper and min(below, default=0) < above[0]:
            return False
        ends = [*above[1:], max(below, default=0) + 1]
        groups = 0
        for column, end in zip(above, ends, strict=True):
            if column in below:
                if not deeper and not any(other in below for other in range(column + 1, end)):
                    # A single cell below a header is what the header is about.
                    return False
                groups += 1
        return groups > 0 and not (deeper and groups < len(above))

    def says(self, above: Sequence[int], upper: int, column: int, cell: Cell) -> bool:
        """Tell whether a cell is known as a header, alone or together with the heading of its group."""
        if not isinstance(cell, str) or self.kinds(cell):
            return isinstance(cell, str)
        group = next((str(self.grid.at(upper, each)) for each in reversed(above) if each <= column), "")
        over, own = taken_apart(group)[0], taken_apart(cell)[0]
        return bool(self.kinds(over + own) or self.kinds(own + over))

    def are_options(self, cells: Iterable[Cell]) -> bool:
        """Tell whether cells are answers to choose from, one of which is ticked in each row."""
        texts = [folded(str(cell)) for cell in cells]
        return len(texts) > 1 and sum(text in self.matcher.options for text in texts) * 2 >= len(texts)

    def merges(self, upper: int, below: Iterable[int]) -> bool:
        """Tell whether merged cells make a header of two rows: some over both, one beside them over several columns."""
        cells = [(top, left, bottom, right) for top, left, bottom, right in self.grid.merged or () if top <= upper]
        over_both = any(
            bottom == upper + 1 and not empty(self.grid.at(top, left)) for top, left, bottom, _right in cells
        )
        groups = [range(left, right + 1) for _top, left, bottom, right in cells if bottom == upper and right > left]
        return over_both and bool(groups) and all(any(column in group for group in groups) for column in below)

    def headings(self, top: int, bottom: int) -> tuple[Heading, ...]:
        """Return the headings of all columns; a group's heading reaches over the columns below it."""
        headings = []
        width = max(len(self.grid.rows[row]) for row in range(top, bottom + 1))
        for column in range(max(width, self.grid.width)):
            parts: list[str] = []
            for row in range(top, bottom + 1):
                text = cleaned(str(self.group_value(row, column, bottom) or ""))
                if text and text not in parts[-1:]:
                    parts.append(text)
            holder = self.holders.get((bottom, column), (bottom, column))
            unit = next((unit for part in reversed(parts) if (unit := taken_apart(part)[1])), "")
            own = self.first_row(top, bottom, column)
            year, parts = self.yearly(parts)
            headings.append(Heading(tuple(parts), (own, column), unit, shadow=holder[1] != column, year=year))
            if year and not parts and column and (before := headings[column - 1]).year:
                # The header of the years stands in the first one's cell: 运维费（万元）2016年 | 2017.
                headings[-1] = replace(headings[-1], parts=before.parts, unit=before.unit)
        return tuple(headings)

    def yearly(self, parts: list[str]) -> tuple[int | None, list[str]]:
        """Return the year that the words of a header name, and the words without it where they are known so."""
        if parts and (year := year_of(parts[-1])):
            return year, [_SPAN.sub("", part) or part for part in parts[:-1]]
        for index, part in enumerate(parts):
            match = _IN_WORDS.search(part)
            rest = cleaned(_IN_WORDS.sub("", part, count=1))
            if match and rest and (self.kinds(rest) or year_of(rest)) and not self.kinds(part):
                return int(match[1]), [*parts[:index], rest, *parts[index + 1 :]]
        return None, parts

    def first_row(self, top: int, bottom: int, column: int) -> int:
        """Return the lowest row of a header in which a column has its own cell."""
        return next((row for row in range(bottom, top, -1) if not empty(self.grid.at(row, column))), top)

    def group_value(self, row: int, column: int, bottom: int) -> Cell:
        """Return a header's cell; where nothing tells of merged cells a group's heading fills the gaps beside it."""
        value = self.value(row, column)
        merged = any(top <= row <= end for top, _left, end, _right in self.grid.merged or ())
        if not empty(value) or merged or row == bottom or empty(self.grid.at(bottom, column)):
            return value
        while column > 0 and empty(value):
            column -= 1
            value = self.grid.at(row, column)
        return value

    def table(self, top: int, bottom: int, end: int) -> Table:
        """Return the table below a header."""
        units = self.units_in(bottom + 1)
        headings = tuple(
            replace(heading, unit=units.get(heading.spot[1], heading.unit)) for heading in self.headings(top, bottom)
        )
        words = {heading.spot[1]: folded(heading.parts[-1]) for heading in headings if heading.parts}
        rows = []
        for number in range(bottom + 1 + bool(units), end):
            cells = self.grid.rows[number]
            if not all(empty(cell) for cell in cells) and not self.repeats(cells, words):
                rows.append(Row(number, {heading: self.spot(number, heading.spot[1]) for heading in headings}))
        return Table(top, headings, tuple(rows))

    def units_in(self, row: int) -> dict[int, str]:
        """Return the units by column where a row below a header holds nothing else."""
        cells = self.grid.rows[row] if row < len(self.grid.rows) else ()
        filled = {column: str(cell) for column, cell in enumerate(cells) if not empty(cell)}
        units = {column: text if is_unit(text) else taken_apart(text)[1] or text for column, text in filled.items()}
        return (
            units
            if all(is_unit(unit) and folded(unit) == folded(filled[column]) for column, unit in units.items())
            else {}
        )

    def spot(self, row: int, column: int) -> Spot:
        """Return the cell that holds a value; one merged over several rows counts for each of them."""
        holder = self.holders.get((row, column), (row, column))
        return holder if holder[1] == column else (row, column)

    def repeats(self, cells: Sequence[Cell], words: Mapping[int, str]) -> bool:
        """Tell whether a row is the header once more, as on a new page."""
        filled = [(column, cell) for column, cell in enumerate(cells) if not empty(cell)]
        same = sum(isinstance(cell, str) and words.get(column) == folded(cell) for column, cell in filled)
        return same >= 2 and same * 2 > len(filled)

    def forms(self) -> Iterator[Table]:
        """Yield the form that a sheet is, if it is one."""
        pairs = [(heading, spot) for row in range(len(self.grid.rows)) for heading, spot in self.pairs(row)]
        votes = Counter(kind for heading, _spot in pairs for kind in self.kinds(heading.parts[-1]))
        if sum(bool(self.kinds(heading.parts[-1])) for heading, _ in pairs) < _PAIRS or not votes:
            return
        rows: list[dict[Heading, Spot]] = [{}]
        seen: set[str] = set()
        for heading, spot in pairs:
            word = folded(heading.text)
            if word in seen:
                rows.append({})
                seen = set()
            seen.add(word)
            rows[-1][heading] = spot
        headings = tuple(heading for heading, _spot in pairs)
        yield Table(
            min(heading.spot[0] for heading in headings),
            headings,
            tuple(Row(min(spot[0] for spot in row.values()), row) for row in rows),
            form=True,
        )

    def pairs(self, row: int) -> Iterator[tuple[Heading, Spot]]:
        """Yield the labels of a row with the cell to the right of each."""
        filled = [column for column, cell in enumerate(self.grid.rows[row]) if not empty(cell)]
        position = 0
        while position < len(filled):
            text = self.grid.at(row, filled[position])
            label = isinstance(text, str) and len(text) <= _LONGEST and bool(self.kinds(text))
            beside = position + 1 < len(filled)
            if label and (not beside or not self.is_label(row, filled[position + 1])):
                last = filled[position + 1] if beside else filled[position] + 1
                words = cleaned(str(text))
                yield Heading((words,), (row, filled[position]), taken_apart(words)[1]), (row, last)
                position += 1
            position += 1

    def is_label(self, row: int, column: int) -> bool:
        """Tell whether a cell of a form is a label and no value."""
        text = self.grid.at(row, column)
        return isinstance(text, str) and bool(self.kinds(text)) and not is_department(text)
