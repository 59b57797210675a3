"""The cells of a table's rows: those that say something, what they tell, and where they put it."""

import re
from collections.abc import Iterator

from inventory.survey.cells.ticks import is_tick
from inventory.survey.cells.told import Setting, Told, shown
from inventory.survey.cells.values import is_ditto, told_by
from inventory.survey.columns import Column, Listing
from inventory.survey.entries import Place, Weight
from inventory.survey.opening.grids import Cell, Spot, empty
from inventory.survey.tables.assigning import ADDED, AssignedTable
from inventory.survey.tables.headings import legend_of, measures
from inventory.survey.tables.sheet import Sheet
from inventory.survey.tables.tables import Heading, Row, Table
from inventory.survey.text import plain
from inventory.words import _

_FAILED = re.compile(r"#(?:REF!|N/A|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)|Err:\d{3}")
"""What an office program shows in place of a value that its formula could not give."""
_CODED = frozenset({"truth", "choice", "level", "text"})
_MEASURED = frozenset({"storage", "memory", "percent", "count", "number"})


class CellReader(AssignedTable):
    """Reads single cells of a table."""

    def __init__(self, sheet: Sheet, table: Table, listing: Listing) -> None:
        super().__init__(sheet, table, listing)
        self.before: dict[Heading, Cell] = {}

    def cells(self, row: Row) -> Iterator[tuple[Heading, tuple[Spot, Cell]]]:
        """Yield the cells of a row that say something, with 'ditto' put in words."""
        for heading in self.columns:
            if heading not in row.spots:
                continue
            spot = row.spots[heading]
            cell = self.grid.at(*spot)
            if is_ditto(cell):
                above = self.before.get(heading)
                if above is None:
                    expected = _("a value: nothing that was read stands above it")
                    self.remark(spot, expected, Weight.ERROR, column=heading.text, read=shown(cell))
                    continue
                cell = above
            if not self.faulty(heading, spot) and not empty(meant := self.meant(heading, spot, cell)):
                yield heading, (spot, meant)

    def meant(self, heading: Heading, spot: Spot, cell: Cell) -> Cell:
        """Return what a cell says: itself, the answer that it ticks, or nothing where it is struck out."""
        if spot in self.grid.struck and not empty(cell):
            self.remark(spot, _("struck out; not read"), Weight.WARNING, column=heading.text)
            return None
        cell = self.decoded(heading, cell)
        if heading in self.options and not empty(cell):
            return self.options[heading] if self.ticks(heading, spot, cell) else None
        return cell

    def decoded(self, heading: Heading, cell: Cell) -> Cell:
        """Return what a cell stands for whose header says so: 是否涉密（0-是，1-否）."""
        code = shown(cell).strip().upper()
        column = self.columns.get(heading)
        if len(code) != 1 or not heading.parts or (column is not None and column.type not in _CODED):
            return cell
        return legend_of(heading.parts[-1]).get(code, cell)

    def ticks(self, heading: Heading, spot: Spot, cell: Cell) -> bool:
        """Tell whether a cell ticks the answer above it; what is neither a tick nor none is asked about."""
        tick = is_tick(shown(cell))
        if tick is None:
            # What stands there is not repeated: whether its row is classified is not known yet.
            self.remark(spot, _("a tick such as √, or nothing"), Weight.ERROR, column=heading.text)
        return bool(tick)

    def faulty(self, heading: Heading, spot: Spot) -> bool:
        """Tell whether a cell's formula gives an error, or nothing yet, and remark it."""
        cell = self.grid.at(*spot)
        error = self.grid.errors.get(spot, cell if isinstance(cell, str) and _FAILED.fullmatch(cell.strip()) else "")
        if error:
            expected = _("a value: the formula of this cell ends in an error")
            self.remark(spot, expected, Weight.ERROR, column=heading.text, read=error)
        elif spot in self.grid.blank_formulas:
            expected = _("a value: this formula was never computed; open and save the file in an office program")
            self.remark(spot, expected, Weight.ERROR, column=heading.text)
        return bool(error) or spot in self.grid.blank_formulas

    def told(self, heading: Heading, column: Column, spot: Spot, cell: Cell) -> Told:
        """Return what a cell tells in the units of its header or sheet."""
        cell = self.piece(heading, cell) if column.type in _MEASURED else cell
        stated = (unit for unit in self.sheet.labelled.units if measures(unit, column.type))
        own = self.measured.get(heading, {}).get(spot[0]) or self.shown_unit(spot, column)
        unit = own or heading.unit or next(stated, "")
        percents = self.grid.percents
        percent = None if percents is None else spot in percents
        return told_by(cell, column, Setting(unit, percent))

    def shown_unit(self, spot: Spot, column: Column) -> str:
        """Return the unit that the format of a cell shows behind its number, where the column measures in it."""
        unit = self.grid.units.get(spot, "")
        return unit if unit and measures(unit, column.type) else ""

    def piece(self, heading: Heading, cell: Cell) -> Cell:
        """Return the part of a cell such as 4T/2.1T that its header, such as 硬盘（总/已用）, calls the whole."""
        asked = re.search(r"[(（]([^()（）]*/[^()（）]*)[)）]", heading.parts[-1].replace("／", "/"))
        if asked is None or not isinstance(cell, str) or "/" not in cell:
            return cell
        parts, names = plain(cell).split("/"), asked[1].split("/")
        wanted = next((index for index, name in enumerate(names) if re.search(r"总|合计|容量|平均|均值", name)), None)
        return parts[wanted].strip() if wanted is not None and len(parts) == len(names) else cell

    def latest(self, heading: Heading, column: Column, value: object, values: dict[str, object]) -> bool:
        """Keep a year's amount, and tell whether it is that of the last year of its field so far."""
        assert heading.year is not None
        if column.field in ADDED:
            said = values.get(column.field, 0)
            assert isinstance(said, int | float)
            assert isinstance(value, int | float)
            values[column.field] = said + value
            return False
        if column.field == "survey.running_cost":
            costs = values.setdefault("survey.costs", [])
            assert isinstance(costs, list)
            costs.append({"year": heading.year, "amount": value})
        latest = heading.year >= self.years.get(column.field, 0)
        self.years[column.field] = max(heading.year, self.years.get(column.field, 0))
        return latest

    def first(self, row: Row) -> Spot:
        """Return the first cell of a row that has something in it."""
        spots = [spot for spot in row.spots.values() if not empty(self.grid.at(*spot))]
        if self.table.form:
            return min(spots, default=(row.number, 0))
        return row.number, min((spot[1] for spot in spots), default=0)

    def about(self, row: Row, expected: str, severity: Weight, *, read: str = "") -> None:
        """Remark something about all of a row."""
        self.remark(self.first(row), expected, severity, read=read)

    def take(
        self, heading: Heading, spot: Spot, cell: Cell, values: dict[str, object], places: dict[str, Place]
    ) -> None:
        """Read one cell into its field."""
        column = self.columns[heading]
        told = self.told(heading, column, spot, cell)
        if told.expected:
            self.remark(spot, told.expected, told.severity, column=heading.text, read=shown(cell))
        if told.value is None or (column.field == "classified" and told.value is False):
            # That something is not classified is nothing to keep where the inventory has no field for it.
            return
        if (column.joined or (heading in self.options and column.type == "text")) and column.field in values:
            values[column.field] = f"{values[column.field]}{'; ' if column.joined else '、'}{told.value}"
            return
        if heading.year is not None and not self.latest(heading, column, told.value, values):
            return
        if column.field in values and heading.year is None:
            expected = _("one answer: another column is ticked or filled in too, and was taken")
            self.remark(spot, expected, Weight.ERROR, column=heading.text)
            return
        values |= {
            column.field: told.value,
            **{key: value for key, value in column.implies.items() if key not in values},
        }
        places[column.field] = self.grid.place(*spot)
