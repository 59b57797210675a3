"""Whose the rows of a table are: by their own cells, their county, their group, or what the sheet says of itself."""

import re

from inventory.survey.columns import Listing
from inventory.survey.entries import Place, Weight
from inventory.survey.opening.grids import empty
from inventory.survey.tables.bodies import (
    former_of,
    may_name,
    names_several,
    speaks_of_itself,
    with_person,
    without_notes,
)
from inventory.survey.tables.headings import taken_apart
from inventory.survey.tables.rows import RowReader
from inventory.survey.tables.settling import department_line
from inventory.survey.tables.sheet import Sheet
from inventory.survey.tables.tables import Heading, Row, Table
from inventory.survey.text import cleaned, folded
from inventory.words import _

_PIECES = frozenset({"台", "套", "个", "条", "项", "件", "组", "块", "张", "只", "台套", "元", "万元"})
_COUNTIES = frozenset({
    "县区", "区县", "县市区", "市县", "市县区", "旗县区", "旗县", "所属县区", "所属区县", "所在县区", "所在区县",
    "行政区划", "区划", "所属区划",
})  # fmt: skip
"""Headers of columns that say in which county of a city a department is."""
_COUNTY = re.compile(r"[\u4e00-\u9fff]{1,8}[区县市旗]")


class OwnedRows(RowReader):
    """Tells the department of each row."""

    def __init__(self, sheet: Sheet, table: Table, listing: Listing) -> None:
        super().__init__(sheet, table, listing)
        self.last = ""
        self.fallback: str | None = None
        self._county = ""

    def counties(self) -> Heading | None:
        """Return the column that says in which county a department is."""
        named = ((folded(taken_apart(each.parts[-1])[0]), each) for each in self.table.headings if each.parts)
        return next((each for word, each in named if word in _COUNTIES), None)

    def county(self, row: Row) -> str:
        """Return the county that a row names, or the row above it; empty where none is named."""
        heading = self.counties()
        if heading is None or heading in self.columns or heading not in row.spots:
            return ""
        self.lost.pop(heading, None)
        cell = self.grid.at(*row.spots[heading])
        text = self._county if empty(cell) else cleaned(str(cell)).replace(" ", "")
        self._county = text if _COUNTY.fullmatch(text) else ""
        return self._county

    def responsible(self, row: Row, written: str, places: dict[str, Place], *, own: bool) -> str:
        """Return the department of a row; empty where its cell names several, which is asked about.

        `own` tells whether the row came out of a sheet that we wrote.
        """
        if names_several(written):
            expected = _("one department: this names several; give the row to the one that answers for it")
            self.about(row, expected, Weight.ERROR, read=written)
            return ""
        # 单位 beside a number is what it counts.
        written = "" if folded(written) in _PIECES else written
        meant = self.groups[row.number] or self.sheet.department() if speaks_of_itself(written) else written
        if written and not may_name(meant):
            self.about(row, _("the title of a department"), Weight.ERROR, read=written)
            return ""
        if own:
            # Our own sheet has titles as they are.
            return self.department(row, meant, places)
        if whose := with_person(without_notes(meant)):
            expected = _("the department alone, without a person: {title} is taken").format(title=whose)
            self.about(row, expected, Weight.WARNING, read=written)
            meant = whose
        if former := former_of(meant):
            expected = _("its former title {former} is not kept; 'zhenghe join' unites what came under both")
            self.about(row, expected.format(former=former), Weight.NOTE, read=written)
        return self.placed(row, self.department(row, without_notes(meant), places), stated=bool(written))

    def placed(self, row: Row, department: str, *, stated: bool) -> str:
        """Return a department with the county that its row names: each county has one of its title."""
        county = self.county(row)
        if not county or department.startswith(county):
            return department
        if stated or self.groups[row.number]:
            return county + department
        # The sheet's own department put together the sheets of those of the counties.
        expected = _("the department of {county}: write it in a column 部门")
        self.about(row, expected.format(county=county), Weight.ERROR)
        return ""

    def department(self, row: Row, written: str, places: dict[str, Place]) -> str:
        """Return the department of a row: its own, its group's, the mapping file's, or the sheet's."""
        if self.listing.kind in {"department", "building"}:
            return ""
        group = self.groups[row.number]
        if written or group:
            self.last = written
            return written or group or ""
        if group is None:
            expected = _("the department: the heading above was not understood; write 单位：… there, or a column 部门")
            self.about(row, expected, Weight.WARNING)
            return ""
        stated = self.sheet.rule.department or self.sheet.labelled.department
        if self.last:
            # A gap stands for the cell above, as merged cells do; who put all sheets together is not meant.
            weight = Weight.WARNING if stated and folded(stated) != folded(self.last) else Weight.NOTE
            self.about(row, _("guessed: the department of the row above"), weight, read=self.last)
            return self.last
        if self.fallback is None:
            self.fallback = self.sheet.department()
            if not self.fallback:
                expected = _("the department, as a column, as 填报单位 above the table, or in the mapping file")
                self.remark(self.first(row), expected, Weight.WARNING, settles=department_line(self.grid.file))
        if "department" in self.sheet.label_places and self.fallback == self.sheet.labelled.department:
            places["department"] = self.sheet.label_places["department"]
        return self.fallback
