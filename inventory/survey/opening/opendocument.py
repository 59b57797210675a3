"""Facts in the XML of an ods beside its cells: its reach, merged and hidden cells, strikes, comments."""

import zipfile
from collections.abc import Mapping

from inventory.survey.opening.archives import parsed
from inventory.survey.opening.facts import Facts, number_of
from inventory.survey.opening.runs import LIMIT_COMMENT

_OFF = frozenset({"", "none"})
_LINES = ("text-line-through-style", "text-line-through-type")
_REPEATED = 10_000
"""Rows that repeat more often are empty ones below the table."""


class _StyleReader:
    """Follows the tags of styles; `struck` says of each by name whether it strikes out."""

    def __init__(self) -> None:
        self.struck: dict[str, bool] = {}
        self.parents: dict[str, str] = {}
        self.name = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "style":
            self.name = attributes.get("name", "")
            self.parents[self.name] = attributes.get("parent-style-name", "")
        elif tag == "text-properties" and (marks := [attributes[key] for key in _LINES if key in attributes]):
            self.struck[self.name] = not _OFF.intersection(marks)

    def strikes(self, name: str) -> bool:
        """Tell whether a style strikes out, by itself or by the one that it is made of."""
        for _step in range(10):
            if name in self.struck or not name:
                break
            name = self.parents.get(name, "")
        return self.struck.get(name, False)


class _TableReader:
    """Follows the tags of an ods: rows and cells are written once and repeated by number."""

    def __init__(self, styles: _StyleReader) -> None:
        self.styles = styles
        self.tables: dict[str, Facts] = {}
        self.facts = Facts()
        self.row = 0
        self.rows = 1
        self.column = 0
        self.columns: list[str] = []
        self.style = ""
        self.spans: list[bool] = []
        self.kept: list[str] = []
        self.strikes = self.plain = False
        self.inside = 0
        self.comment: list[str] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "table":
            self.facts = self.tables.setdefault(attributes.get("name", ""), Facts())
            self.row, self.rows, self.columns = 0, 0, []
        elif tag == "table-column":
            many = max(1, min(number_of(attributes.get("number-columns-repeated"), 1), 1000))
            self.columns += [attributes.get("default-cell-style-name", "")] * many
        elif tag == "table-row":
            self.begin_row(attributes)
        elif tag in {"table-cell", "covered-table-cell"}:
            self.cell(attributes)
        else:
            self.begin_text(tag, attributes)

    def begin_row(self, attributes: Mapping[str, str]) -> None:
        self.row, self.column = self.row + self.rows, 0
        self.rows = max(1, number_of(attributes.get("number-rows-repeated"), 1))
        self.style = attributes.get("default-cell-style-name", "")
        if attributes.get("visibility") in {"collapse", "filter"} and self.rows < _REPEATED:
            self.facts.hidden_rows.extend(range(self.row, self.row + self.rows))

    def begin_text(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "annotation":
            self.comment = []
        elif tag == "p":
            self.inside += 1
        elif tag == "span":
            self.spans.append(self.styles.strikes(attributes.get("style-name", "")))

    def cell(self, attributes: Mapping[str, str]) -> None:
        columns = max(1, number_of(attributes.get("number-columns-repeated"), 1))
        if "value-type" in attributes:
            self.facts.reach(self.row, self.column, self.rows, columns)
        wide = number_of(attributes.get("number-columns-spanned"), 1)
        high = number_of(attributes.get("number-rows-spanned"), 1)
        if wide > 1 or high > 1:
            self.facts.merged.append((self.row, self.column, self.row + high - 1, self.column + wide - 1))
        column = self.columns[self.column] if self.column < len(self.columns) else ""
        self.strikes = self.styles.strikes(attributes.get("style-name") or self.style or column)
        self.kept, self.plain = [], True
        self.column += columns

    def end(self, tag: str) -> None:
        if tag == "annotation" and self.comment is not None:
            self.facts.comments.append((self.row, self.column - 1, "".join(self.comment)[:LIMIT_COMMENT]))
            self.comment = None
        elif tag == "p":
            self.inside -= 1
        elif tag == "span":
            self.spans.pop()
        elif tag in {"table-cell", "covered-table-cell"}:
            self.finish()

    def finish(self) -> None:
        """Take note of a cell that is struck out, all of it or a part."""
        left = "".join(self.kept).strip()
        for row in range(self.row, self.row + min(self.rows, _REPEATED)):
            if self.strikes or (not self.plain and not left):
                self.facts.struck.append((row, self.column - 1))
            elif not self.plain:
                self.facts.left.append((row, self.column - 1, left))

    def data(self, text: str) -> None:
        if self.comment is not None:
            self.comment.append(text)
        elif self.inside and any(self.spans):
            self.plain = self.plain and not text.strip()
        elif self.inside:
            self.kept.append(text)


def ods_facts(archive: zipfile.ZipFile) -> dict[str, Facts]:
    """Return the facts of every sheet of an ods by the sheet's name; Refused where its XML is broken."""
    styles = _StyleReader()
    for name in ("styles.xml", "content.xml"):
        if name in archive.namelist():
            parsed(archive.read(name), styles.start)
    reader = _TableReader(styles)
    parsed(archive.read("content.xml"), reader.start, reader.end, reader.data)
    return reader.tables
