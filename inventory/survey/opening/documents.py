"""Reads the tables of a Word document (.docx): each is a grid, with the paragraphs above it as rows above.

The document's XML is parsed as that of workbooks is: in a process of its own, after the archive was found to be no
bomb, and without document types. What was deleted under tracked changes is not read; boxes are read as □ and ☑.
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inventory.survey.opening.archives import Refused, parsed

LIMIT_CELLS = 500_000
LIMIT_DEPTH = 8
STRUCK = "…"
"""Stands for text of a cell that is all struck out."""
WIDEST = 200
"""Columns that one cell may reach over."""

_SYMBOLS = {"F052": "☑", "F0FE": "☑", "F0FC": "✓", "F050": "✓", "F0A8": "□", "F06F": "□", "F0A3": "□", "F02A": "□"}
"""Signs of the Wingdings fonts that people tick boxes with."""
_UNREAD = frozenset({"del", "moveFrom", "txbxContent", "Fallback", "instrText", "footnotePr", "pict"})
_OFF = frozenset({"0", "false", "off", "none"})


@dataclass
class _Cell:
    column: int
    wide: int = 1
    goes_on: bool = False
    text: list[str] = field(default_factory=list)
    struck: bool = False
    """Whether some of its text is struck out, which `text` is without."""


@dataclass
class DocumentTable:
    """A table while it is read; rows and columns count from zero, and the rows of the text above it come first."""

    rows: list[list[str | None]]
    above: int
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    struck: list[tuple[int, int]] = field(default_factory=list)
    left: list[tuple[int, int, str]] = field(default_factory=list)
    """Cells of whose text a part is struck out, with what is left."""
    starts: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """By column the row, the width and the last row of the cell that may go on below."""
    cells: list[_Cell] = field(default_factory=list)
    column: int = 0

    def end_row(self) -> None:
        """Put the cells of a row in their columns; one that goes on from above is merged with it."""
        row = len(self.rows)
        texts: list[str | None] = [None] * self.column
        for cell in self.cells:
            top, wide, bottom = self.starts.get(cell.column, (row, cell.wide, row - 1))
            if cell.goes_on and bottom == row - 1 and cell.column in self.starts:
                self.starts[cell.column] = (top, wide, row)
                continue
            self.close(cell.column)
            self.starts[cell.column] = (row, cell.wide, row)
            text = "".join(cell.text).strip()
            texts[cell.column] = text or None
            if cell.struck and not text:
                # Something has to stand there, or it would not be told that it was struck out.
                texts[cell.column] = STRUCK
                self.struck.append((row, cell.column))
            elif cell.struck:
                self.left.append((row, cell.column, text))
        self.rows.append(texts)
        self.cells, self.column = [], 0

    def close(self, column: int) -> None:
        """Take note of the cell that ended in a column, where it is merged of several."""
        top, wide, bottom = self.starts.pop(column, (0, 1, 0))
        if bottom > top or wide > 1:
            self.merged.append((top, column, bottom, column + wide - 1))


class _DocumentReader:
    """Follows the tags of a document."""

    def __init__(self) -> None:
        self.tables: list[DocumentTable] = []
        self.open: list[DocumentTable] = []
        self.text: list[str] = []
        self.above: list[str] = []
        self.struck = False
        self.inside = 0
        self.skipped = 0
        self.count = 0
        self.checked: bool | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self.skipped or tag in _UNREAD:
            self.skipped += 1
            return
        begin = getattr(self, f"begin_{tag}", None)
        if begin is not None:
            begin(attributes)

    def end(self, tag: str) -> None:
        if self.skipped:
            self.skipped -= 1
            return
        finish = getattr(self, f"finish_{tag}", None)
        if finish is not None:
            finish()

    def data(self, text: str) -> None:
        if self.inside and not self.skipped:
            self.say(text)

    def say(self, text: str) -> None:
        """Add text to the open cell, or to the paragraph outside of all tables."""
        if self.open and self.open[-1].cells:
            cell = self.open[-1].cells[-1]
            cell.struck = cell.struck or (self.struck and bool(text.strip()))
            if not self.struck or not text.strip():
                cell.text.append(text)
        elif not self.open:
            self.text.append(text)

    def begin_t(self, _attributes: Mapping[str, str]) -> None:
        self.inside += 1

    def finish_t(self) -> None:
        self.inside -= 1

    def begin_r(self, _attributes: Mapping[str, str]) -> None:
        self.struck = False

    def begin_strike(self, attributes: Mapping[str, str]) -> None:
        self.struck = attributes.get("val", "true") not in _OFF

    begin_dstrike = begin_strike

    def begin_br(self, _attributes: Mapping[str, str]) -> None:
        self.say("\n")

    begin_cr = begin_br

    def begin_tab(self, _attributes: Mapping[str, str]) -> None:
        self.say(" ")

    def begin_sym(self, attributes: Mapping[str, str]) -> None:
        self.say(_SYMBOLS.get(attributes.get("char", "").upper(), ""))

    def begin_checkBox(self, _attributes: Mapping[str, str]) -> None:  # noqa: N802 - the tag's name
        self.checked = False

    def begin_default(self, attributes: Mapping[str, str]) -> None:
        if self.checked is not None:
            self.checked = attributes.get("val", "1") not in _OFF

    begin_checked = begin_default

    def finish_checkBox(self) -> None:  # noqa: N802 - the tag's name
        self.say("☑" if self.checked else "□")
        self.checked = None

    def finish_p(self) -> None:
        if self.open:
            self.say("\n")
        elif text := "".join(self.text).strip():
            self.above.append(text)
        if not self.open:
            self.text = []

    def begin_tbl(self, _attributes: Mapping[str, str]) -> None:
        if len(self.open) >= LIMIT_DEPTH:
            raise Refused("bomb")
        rows: list[list[str | None]] = [] if self.open else [[text] for text in self.above]
        self.open.append(DocumentTable(rows, len(rows)))
        if len(self.open) == 1:
            self.above = []

    def finish_tbl(self) -> None:
        table = self.open.pop()
        for column in list(table.starts):
            table.close(column)
        self.tables.append(table)

    def finish_tr(self) -> None:
        if self.open:
            self.open[-1].end_row()

    def begin_gridBefore(self, attributes: Mapping[str, str]) -> None:  # noqa: N802 - the tag's name
        if self.open:
            self.open[-1].column += _number(attributes)

    def begin_tc(self, _attributes: Mapping[str, str]) -> None:
        self.count += 1
        if self.count > LIMIT_CELLS:
            raise Refused("bomb")
        if self.open:
            table = self.open[-1]
            table.cells.append(_Cell(table.column))
            table.column += 1

    def begin_gridSpan(self, attributes: Mapping[str, str]) -> None:  # noqa: N802 - the tag's name
        if self.open and self.open[-1].cells:
            wide = max(1, _number(attributes))
            self.open[-1].cells[-1].wide = wide
            self.open[-1].column += wide - 1

    def begin_vMerge(self, attributes: Mapping[str, str]) -> None:  # noqa: N802 - the tag's name
        if self.open and self.open[-1].cells:
            self.open[-1].cells[-1].goes_on = attributes.get("val", "continue") != "restart"


def _number(attributes: Mapping[str, str]) -> int:
    text = attributes.get("val", "")
    return min(int(text), WIDEST) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def document_sheets(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    """Return the tables of a document as sheets, its text as one where it has no table; Refused where it is broken."""
    reader = _DocumentReader()
    parsed(archive.read("word/document.xml"), reader.start, reader.end, reader.data)
    tables = reader.tables or [DocumentTable([], 0)]
    # What stands below the last table signs all of it: 填报单位, date.
    below = len(reader.above) if reader.tables else 0
    tables[-1].rows += [[text] for text in reader.above]
    return [
        {
            "name": f"表{number}" if len(tables) > 1 else "",
            "hidden": False,
            "start": (0, 0),
            "rows": table.rows,
            "merged": table.merged,
            "above": table.above,
            "below": below if table is tables[-1] else 0,
            "facts": [[], [], [], [], [], table.struck, table.left, [], [], [0, 0]],
        }
        for number, table in enumerate(tables, 1)
    ]
