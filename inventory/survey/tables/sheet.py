"""One sheet while it is read: what it says about all of itself, and what was made of it so far."""

import re

from inventory.survey.cells.secrets import secret
from inventory.survey.entries import Entry, Kind, Place, Remark, Weight
from inventory.survey.opening.grids import Grid, Spot
from inventory.survey.tables.bodies import department_in
from inventory.survey.tables.headings import Matcher
from inventory.survey.tables.margins import Labelled, labels_in
from inventory.survey.tables.settling import Rule
from inventory.survey.text import plain, shortened
from inventory.words import _

_WRAPPING = re.compile(r"(?:附件|附表|表格|材料|回复|反馈|新建文件夹|电子版|盖章版?|扫描件)?\s*[(（]?\d*[)）]?")
"""Names of folders that say nothing of whose the files in them are."""


class Sheet:
    """A sheet's grid with what is settled for it; entries and remarks stand in the order in which they were made."""

    def __init__(self, grid: Grid, matcher: Matcher, rule: Rule, of_file: str = "") -> None:
        self.grid = grid
        self.of_file = of_file
        """The department that another sheet of the file names."""
        self.matcher = matcher
        self.rule = rule
        self.entries: list[Entry] = []
        self.remarks: list[Remark] = []
        self.labelled = Labelled()
        self.label_places: dict[str, Place] = {}
        self.titles: list[str] = []
        self.replies: list[tuple[Kind, Place, str]] = []
        """Where the sheet says that there is nothing of a kind to list, and of which department if not of its own."""
        self._department: str | None = None

    def remark(
        self,
        spot: Spot | None,
        expected: str,
        severity: Weight,
        *,
        column: str = "",
        read: str = "",
        settles: tuple[str, str] = ("", ""),
    ) -> None:
        """Collect one remark about a cell, or about the sheet."""
        place = self.grid.place() if spot is None else self.grid.place(*spot)
        # What speaks of secrets is not repeated, wherever it stands: also a note below a table.
        read = "" if secret(read) else read
        self.remarks.append(
            Remark(
                place=place,
                column=shortened(column),
                read=shortened(read),
                expected=expected,
                severity=severity,
                settles=settles,
            )
        )

    def take_labels(self, row: int, *, within: bool = False) -> None:
        """Take over what a row says about the whole sheet; `within` a table its department is that of a group."""
        found = labels_in(self.grid.rows[row])
        found = found._replace(department="") if within else found
        for name, value in found._asdict().items():
            if value and not getattr(self.labelled, name):
                self.labelled = self.labelled._replace(**{name: value})
                self.label_places[name] = self.grid.place(row, 0)

    def department(self) -> str:
        """Return the department of all rows that name none, and remark where it was guessed; empty if nothing tells."""
        if self._department is None:
            self._department = self.rule.department or self.labelled.department or self._guessed_department()
        return self._department

    def _guessed_department(self) -> str:
        # A line that ends in a colon says to whom a letter goes.
        titles = [title for title in self.titles if not plain(title).endswith(":")]
        folders = [self.grid.file.parent.name]
        if _WRAPPING.fullmatch(folders[0]):
            folders.append(self.grid.file.parent.parent.name)
        parts = [*titles, self.grid.sheet, self.of_file, self.grid.file.stem, *folders]
        for text in parts:
            if text == self.of_file and text:
                said = _("another sheet of the file names it: the department is {found}").format(found=text)
                self.remark(None, said, Weight.NOTE)
                return text
            if found := department_in(text):
                expected = _("guessed from '{text}': the department is {found}").format(
                    text=shortened(text), found=found
                )
                self.remark(None, expected, Weight.NOTE)
                return found
        return ""
