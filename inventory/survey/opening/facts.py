"""Facts in a workbook's XML beside its cells: hidden rows, errors, struck-out text, comments, its reach."""

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from inventory.survey.opening.archives import Refused, parsed
from inventory.survey.opening.runs import CommentReader, DrawingReader, Runs, SharedTexts

LIMIT_CELLS = 4_000_000
"""The rectangle of all cells that have a value may hold so many; it is kept in memory as a whole."""

Spot = tuple[int, int]
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
# Formats 9 and 10 are the ones for per cent that every workbook has.
_PERCENTS = frozenset({9, 10})
_DIVIDED = re.compile(r"""[#0,]*0(?:!\.0+,\"\s*万元?|(?:\.0+)?,\"\s*千元?)\s*\"""")
_SHOWN = re.compile(r"[#,]*[#0]*0(?:\.[0#]+)?_?\s*\"\s*([^\s\"]{1,6})\s*\"\s*")


@dataclass
class Facts:
    """What is known of one sheet besides its values; rows and columns count from zero."""

    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    blank_formulas: list[Spot] = field(default_factory=list)
    errors: list[tuple[int, int, str]] = field(default_factory=list)
    percents: list[Spot] = field(default_factory=list)
    units: list[tuple[int, int, str]] = field(default_factory=list)
    """Cells whose format shows a unit behind their number, with that unit."""
    boxes: int = 0
    """Text boxes that stand on the sheet and say something."""
    pictures: int = 0
    struck: list[Spot] = field(default_factory=list)
    left: list[tuple[int, int, str]] = field(default_factory=list)
    """Cells of whose text a part is struck out, with what is left."""
    comments: list[tuple[int, int, str]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    top: int = 1 << 30
    first: int = 1 << 30
    bottom: int = -1
    right: int = -1

    def reach(self, row: int, column: int, rows: int = 1, columns: int = 1) -> None:
        """Take note that cells from here on have values."""
        self.top, self.first = min(self.top, row), min(self.first, column)
        self.bottom, self.right = max(self.bottom, row + rows - 1), max(self.right, column + columns - 1)

    @property
    def too_large(self) -> bool:
        """Tell whether the cells with values span more than is read."""
        if self.bottom < self.top:
            return False  # a sheet without a value, as the second and third one of most files
        return (self.bottom - self.top + 1) * (self.right - self.first + 1) > LIMIT_CELLS


@lru_cache(maxsize=32768)
def spot_of(reference: str) -> Spot | None:
    """Return row and column of a cell such as B7, from zero; None if it is not one."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return None
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]) - 1, column - 1


def number_of(text: str | None, default: int) -> int:
    """Return the whole number that an attribute is, or the default where it is none or absurdly long."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else default


class _SheetReader:
    """Follows the tags of one xlsx sheet."""

    def __init__(self, styles: "_Styles", texts: Mapping[int, str]) -> None:
        self.facts = Facts()
        self.styles = styles
        self.texts = texts
        self.runs = Runs()
        self.row = -1
        self.column = -1
        self.cell: Mapping[str, str] = {}
        self.formula = False
        self.value: list[str] = []
        self.inside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "row":
            self.row = number_of(attributes.get("r"), self.row + 2) - 1
            self.column = -1
            if attributes.get("hidden") in {"1", "true"}:
                self.facts.hidden_rows.append(self.row)
        elif tag == "c":
            spot = spot_of(attributes.get("r", ""))
            self.row, self.column = spot if spot is not None else (self.row, self.column + 1)
            self.cell, self.formula, self.value = attributes, False, []
            self.runs = Runs()
        elif tag == "f":
            self.formula = True
        elif tag in {"v", "t"}:
            self.inside = True
        elif tag in {"r", "strike"}:
            self.runs.format(tag, attributes)
        elif tag == "col" and attributes.get("hidden") in {"1", "true"}:
            first = number_of(attributes.get("min"), 1) - 1
            last = min(number_of(attributes.get("max"), first + 1), first + 1000)
            self.facts.hidden_columns.extend(range(first, last))

    def data(self, text: str) -> None:
        if self.inside:
            self.value.append(text)
            self.runs.say(text)

    def end(self, tag: str) -> None:
        if tag in {"v", "t"}:
            self.inside = False
        elif tag == "c":
            self.finish("".join(self.value))

    def finish(self, value: str) -> None:
        kind = self.cell.get("t", "n")
        if value:
            self.facts.reach(self.row, self.column)
        elif self.formula and kind != "str":
            self.facts.blank_formulas.append((self.row, self.column))
        if kind == "e":
            self.facts.errors.append((self.row, self.column, value[:20]))
        style = number_of(self.cell.get("s"), 0)
        if kind == "n" and value and style in self.styles.percents:
            self.facts.percents.append((self.row, self.column))
        if kind == "n" and value and style in self.styles.units:
            self.facts.units.append((self.row, self.column, self.styles.units[style]))
        rest = self.texts.get(number_of(value, -1)) if kind == "s" else self.runs.left
        if value and (style in self.styles.struck or rest == ""):
            self.facts.struck.append((self.row, self.column))
        elif rest:
            self.facts.left.append((self.row, self.column, rest))


class _Styles(NamedTuple):
    """The styles of cells, by number: those that show per cent, a unit, or strike out what they show."""

    percents: frozenset[int] = frozenset()
    units: Mapping[int, str] = MappingProxyType({})
    struck: frozenset[int] = frozenset()


def unit_of(code: str) -> str:
    """Return the unit of the numbers that a format shows with one behind them, such as 万元 of 0.0"万元".

    Of 0!.0,"万" it is 元: the cell holds a number ten thousand times the one that it shows.
    """
    first = code.partition(";")[0]
    match = _SHOWN.fullmatch(first)
    return match[1] if match else "元" if _DIVIDED.fullmatch(first) else ""


class _StyleReader:
    """Follows the tags of the styles of an xlsx."""

    def __init__(self) -> None:
        self.formats: set[int] = set(_PERCENTS)
        self.units: dict[int, str] = {}
        self.fonts = -1
        self.struck: set[int] = set()
        self.styles: list[tuple[int, int]] = []
        self.inside: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.inside.append(tag)
        if tag == "numFmt" and "%" in attributes.get("formatCode", ""):
            self.formats.add(number_of(attributes.get("numFmtId"), -1))
        elif tag == "numFmt" and (unit := unit_of(attributes.get("formatCode", ""))):
            self.units[number_of(attributes.get("numFmtId"), -1)] = unit
        elif tag == "font" and "fonts" in self.inside:
            self.fonts += 1
        elif tag == "strike" and "fonts" in self.inside and attributes.get("val", "1") not in {"0", "false"}:
            self.struck.add(self.fonts)
        elif tag == "xf" and "cellXfs" in self.inside:
            self.styles.append((number_of(attributes.get("numFmtId"), -1), number_of(attributes.get("fontId"), -1)))

    def end(self, _tag: str) -> None:
        self.inside.pop()

    def found(self) -> _Styles:
        """Return the numbers of the styles that matter."""
        return _Styles(
            frozenset(index for index, (number, _font) in enumerate(self.styles) if number in self.formats),
            {index: self.units[number] for index, (number, _font) in enumerate(self.styles) if number in self.units},
            frozenset(index for index, (_number, font) in enumerate(self.styles) if font in self.struck),
        )


def _styles_of(archive: zipfile.ZipFile) -> _Styles:
    if "xl/styles.xml" not in archive.namelist():
        return _Styles()
    reader = _StyleReader()
    parsed(archive.read("xl/styles.xml"), reader.start, reader.end)
    return reader.found()


def _texts_of(archive: zipfile.ZipFile) -> Mapping[int, str]:
    """Return what is left of the texts that cells share, where a part of them is struck out."""
    if "xl/sharedStrings.xml" not in archive.namelist():
        return {}
    reader = SharedTexts()
    parsed(archive.read("xl/sharedStrings.xml"), reader.start, reader.end, reader.data)
    return reader.found


def _beside(archive: zipfile.ZipFile, path: str, kind: str) -> frozenset[str]:
    """Return the files of a kind (comments, drawing) that belong to a sheet."""
    folder, name = posixpath.split(path)
    relations = f"{folder}/_rels/{name}.rels"
    files: list[str] = []

    def relation(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship" and attributes.get("Type", "").endswith(f"/{kind}"):
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            files.append(target.lstrip("/"))

    known = frozenset(archive.namelist())
    if relations in known:
        parsed(archive.read(relations), relation)
    return known.intersection(files)


def _drawn_on(archive: zipfile.ZipFile, path: str) -> tuple[int, int]:
    """Return how many text boxes with words in them, and how many pictures, stand on a sheet."""
    drawings = DrawingReader()
    for file in _beside(archive, path, "drawing"):
        parsed(archive.read(file), drawings.start, drawings.end, drawings.data)
    return drawings.boxes, drawings.pictures


def _comments_on(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[int, int, str]]:
    """Yield the comments on the cells of a sheet, by row and column."""
    for file in _beside(archive, path, "comments"):
        reader = CommentReader()
        parsed(archive.read(file), reader.start, reader.end, reader.data)
        for reference, text in reader.found:
            if (spot := spot_of(reference)) is not None:
                yield *spot, text


def _sheet_paths(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    targets: dict[str, str] = {}
    sheets: list[tuple[str, str]] = []

    def relation(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def sheet(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "sheet":
            sheets.append((attributes.get("name", ""), attributes.get("id", "")))

    parsed(archive.read("xl/_rels/workbook.xml.rels"), relation)
    parsed(archive.read("xl/workbook.xml"), sheet)
    for name, identifier in sheets:
        yield name, posixpath.normpath(posixpath.join("/xl", targets.get(identifier, ""))).lstrip("/")


def xlsx_facts(archive: zipfile.ZipFile) -> dict[str, Facts]:
    """Return the facts of every sheet of an xlsx by the sheet's name; Refused where its XML is broken."""
    known = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= known:
        raise Refused("broken")
    styles = _styles_of(archive)
    texts = _texts_of(archive)
    facts = {}
    for name, path in _sheet_paths(archive):
        if path in known and path.startswith("xl/worksheets/"):
            reader = _SheetReader(styles, texts)
            parsed(archive.read(path), reader.start, reader.end, reader.data)
            facts[name] = reader.facts
            facts[name].comments += _comments_on(archive, path)
            facts[name].boxes, facts[name].pictures = _drawn_on(archive, path)
    return facts
