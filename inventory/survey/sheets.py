"""Writes the survey sheets that departments fill in: a workbook for each, with all that is known already filled in.

The columns are those by which sheets are read (`columns.yaml`), so that what is read back unchanged changes nothing: a
value is only written where its cell is read as the same value again. The bytes depend on the inventory alone.
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from inventory.survey.cells.told import Setting
from inventory.survey.cells.values import DITTO, told_by
from inventory.survey.columns import Column, Listing, catalogue, references
from inventory.survey.entries import Kind
from inventory.survey.merging.deciding import equal
from inventory.survey.merging.fields import get_field
from inventory.survey.merging.folder import Folder, Part
from inventory.survey.merging.memory import Memory
from inventory.survey.merging.secrecy import forget_classified

BLANK_ROWS = 200
"""Rows below what is known for which the drop-down lists hold."""

LISTED: tuple[Kind, ...] = (
    "department", "office", "unit", "system", "room", "host", "asset", "line", "resource", "request",
)  # fmt: skip
"""The kinds of sheets in a workbook, in their order."""

ASKED_OF_THE_OFFICE = re.compile(r"(disposition|into|override|exemption|wave|domain|gateway|prefix|os|exchange)(\.|$)")
"""Fields that departments are not asked for; they have a column only where something is known."""

IDENTITY = frozenset({"name", "title", "department", "holder"})
LONGEST = 32000
"""Characters that a cell may have."""

NOTE_SHEET = "填表说明"
NOTES = (
    "每张工作表填一类内容。已知内容已预先填好，请核对、修改、补充。",
    "“标识”一列由整合办公室使用，请勿改动；新增的行留空即可。",
    "带下拉箭头的单元格请从列表中选择。日期写作 2017-03-01 或 2017年3月。",
    "金额、内存、存储等按表头括号内的单位填写。不清楚的留空。",
    "留空不会删除已登记的内容。不再使用的系统请填写最后使用时间，不要删行。",
    "涉密系统只填名称和是否涉密，其余一律不填。",
)

_LEVELS = dict(enumerate("一二三四五", 1))
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_x[0-9A-Fa-f]{4}_")


class Workbook(NamedTuple):
    """The sheets of one department: the file's name, and its bytes."""

    name: str
    content: bytes


class Cell(NamedTuple):
    """A cell that is filled in: what stands there, and the inventory's value that it means."""

    shown: str | float | date
    value: Any


def workbooks(folder: Folder, memory: Memory) -> tuple[Workbook, ...]:
    """Return a workbook for each department, an empty one where there is none; the memory keeps what they say."""
    forget_classified(folder, memory)
    departments = [part for part in folder.parts if part.kind == "department"]
    known = Known(folder, memory)
    if not departments:
        return (Workbook("survey.xlsx", _workbook([(listing, []) for listing in _listings()])),)
    return tuple(
        Workbook(_file_name(part), _workbook([(each, list(known.rows(each, part))) for each in _listings()]))
        for part in departments
    )


def _listings() -> Iterator[Listing]:
    return (catalogue().listing(kind) for kind in LISTED)


def _file_name(department: Part) -> str:
    title = re.sub(r"[^\w()（）-]", "", department.title)[:60]
    return f"{department.name}-{title}.xlsx" if title and title != department.name else f"{department.name}.xlsx"


class Known:
    """What is known of parts, as cells; it is remembered as said."""

    def __init__(self, folder: Folder, memory: Memory) -> None:
        self._memory = memory
        self._titles = {
            str(each["name"]): str(each.get("title") or each["name"])
            for keys in (("platforms",), ("network", "domains"))
            for _file, members in folder.top(*keys)
            for each in members
        } | {
            part.name: part.title for part in folder.parts if part.kind in {"building", "office", "system", "resource"}
        }
        self._parts: dict[tuple[Kind, str], list[Part]] = {}
        for part in folder.parts:
            owner = part.name if part.kind == "department" else part.department
            self._parts.setdefault((part.kind, owner), []).append(part)

    def rows(self, listing: Listing, department: Part) -> Iterator[dict[str, Cell]]:
        """Yield the cells by field of each part of a kind that a department has."""
        for part in self._parts.get((listing.kind, department.name), ()):
            cells = {
                column.field: cell
                for column in reversed(listing.columns)
                if (cell := self._cell(part, column, listing.kind)) is not None
            }
            if part.kind != "department":
                cells["department"] = Cell(_called(department, listing), None)
            said = {field: cell.value for field, cell in cells.items() if field not in IDENTITY or field == "title"}
            self._memory.keep(part.key, "" if part.kind == "department" else department.name, said)
            yield cells

    def _cell(self, part: Part, column: Column, kind: Kind) -> Cell | None:
        if column.field == "holder":
            return None if part.holder is None else Cell(_called(part.holder, catalogue().listing(kind)), None)
        if get_field(part.values, "grading.classified") and column.field not in {"title", "name", "grading.classified"}:
            return None
        value = part.title if column.field == "title" else part.name if column.field == "name" else None
        value = get_field(part.values, column.field) if value is None else value
        if value is None or column.negated or column.field == "department":
            return None
        meant = self._titled(value) if column.field in references(kind) else value
        cell = Cell(_shown(column, meant), value)
        return cell if _reads_as(cell.shown, column, meant) else None

    def _titled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._titles.get(each, each) for each in value]
        return self._titles.get(value, value)


def _called(part: Part, listing: Listing) -> str:
    """Return the title of what another part belongs to; its name where the title cannot stand in a cell."""
    column = listing.column("title")
    return part.title if column is not None and _reads_as(part.title, column, part.title) else part.name


_SHOWN: Mapping[str, Callable[[Any, Column], Any]] = {
    "truth": lambda value, _column: "是" if value else "否",
    "choice": lambda value, column: column.choices.get(value, (value,))[0],
    "list": lambda value, _column: "、".join(map(str, value)),
    "level": lambda value, _column: f"第{_LEVELS.get(value, value)}级",
    "percent": lambda value, _column: f"{value}%",
    "memory": lambda value, _column: value / 1024,
    "date": lambda value, _column: _day(value),
}
"""How values are shown to a department, by the type of their column; others are shown as they are."""


def _shown(column: Column, value: Any) -> str | float | date:
    shown = _SHOWN[column.type](value, column) if column.type in _SHOWN else value
    return shown if isinstance(shown, int | float | date) and not isinstance(shown, bool) else str(shown)


def _day(text: str) -> str | date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    # Excel knows no day before 1900, and believes in a 29 February of that year.
    return day if day.year > 1900 else text


def _reads_as(shown: str | float | date, column: Column, value: Any) -> bool:
    """Return whether a cell is read as a value, and without a remark."""
    if isinstance(shown, str) and (len(shown) > LONGEST or _UNWRITABLE.search(shown) or shown in DITTO):
        return False
    cell = datetime(shown.year, shown.month, shown.day) if isinstance(shown, date) else shown  # noqa: DTZ001
    told = told_by(cell, column, Setting(unit=column.unit))
    return equal(told.value, value) and not told.expected


@dataclass(frozen=True)
class _Formats:
    header: Format
    text: Format
    day: Format
    name: Format


def _workbook(sheets: Sequence[tuple[Listing, list[dict[str, Cell]]]]) -> bytes:
    content = io.BytesIO()
    options = {"in_memory": True, "default_date_format": "yyyy-mm-dd"}
    with xlsxwriter.Workbook(content, options) as book:
        book.set_properties({"created": datetime(2017, 1, 1)})  # noqa: DTZ001 - the same bytes at any time
        cell = {"valign": "top", "text_wrap": True}
        formats = _Formats(
            book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "align": "center"}),
            book.add_format(cell),
            book.add_format({**cell, "num_format": "yyyy-mm-dd"}),
            book.add_format({**cell, "font_color": "#808080"}),
        )
        for listing, rows in sheets:
            _fill(book.add_worksheet(listing.titled), listing, rows, formats)
        # The text is in a box, for cells are read as a sheet of something.
        text = "\n\n".join(f"{number}. {note}" for number, note in enumerate(NOTES, 1))
        box = {"width": 640, "height": 300, "font": {"size": 12}, "fill": {"color": "#FFF8E5"}, "line": {"width": 0.75}}
        book.add_worksheet(NOTE_SHEET).insert_textbox(1, 1, text, box)
    return content.getvalue()


def _columns(listing: Listing, rows: Sequence[Mapping[str, Cell]]) -> list[Column]:
    """Return the best column of each field that departments are asked for, or of which something is known."""
    fields = dict.fromkeys(column.field for column in listing.columns)
    best = (listing.column(field) for field in fields)
    asked = [
        column
        for column in best
        if column is not None
        and (not ASKED_OF_THE_OFFICE.match(column.field) or any(column.field in row for row in rows))
    ]
    return [column for column in asked if not (listing.kind == "resource" and column.field == "classified")]


def _fill(sheet: Worksheet, listing: Listing, rows: Sequence[Mapping[str, Cell]], formats: _Formats) -> None:
    sheet.freeze_panes(1, 1)
    sheet.set_row(0, 32)
    for place, column in enumerate(_columns(listing, rows)):
        shown = [row[column.field].shown for row in rows if column.field in row]
        widest = max((_width(str(each)) for each in shown), default=0)
        sheet.set_column(place, place, min(40, max(10, _width(column.header) + 2, widest + 2)))
        sheet.write_string(0, place, column.header, formats.header)
        _offer(sheet, place, column, len(rows) + BLANK_ROWS)
        for number, row in enumerate(rows, 1):
            if (cell := row.get(column.field)) is not None:
                _write(sheet, number, place, cell.shown, formats, column)


def _write(
    sheet: Worksheet, row: int, place: int, shown: str | float | date, formats: _Formats, column: Column
) -> None:
    if isinstance(shown, date):
        sheet.write_datetime(row, place, datetime(shown.year, shown.month, shown.day), formats.day)  # noqa: DTZ001
    elif isinstance(shown, str):
        # Never write(): a text that begins with '=' is no formula.
        sheet.write_string(row, place, shown, formats.name if column.type == "name" else formats.text)
    else:
        sheet.write_number(row, place, shown, formats.text)


def _offer(sheet: Worksheet, place: int, column: Column, last: int) -> None:
    """Let people choose from a list where only some words are understood."""
    words = [words[0] for words in column.choices.values()]
    words = ["是", "否"] if column.type == "truth" else words
    words = [f"第{level}级" for level in _LEVELS.values()] if column.type == "level" else words
    if words:
        strict = {} if not column.open else {"error_type": "information"}
        sheet.data_validation(1, place, last, place, {"validate": "list", "source": words, **strict})


def _width(text: str) -> int:
    """Return how many columns of a letter a text takes; Chinese takes two a character."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)
