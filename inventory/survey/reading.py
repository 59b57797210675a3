"""Reads survey sheets: files or folders of them, whatever their format, into entries and remarks."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from inventory.survey.columns import catalogue
from inventory.survey.entries import Entry, Place, Remark, Weight
from inventory.survey.opening.grids import Grid
from inventory.survey.opening.workbooks import read_files
from inventory.survey.tables.continuing import joined
from inventory.survey.tables.filing import is_filing_form, put_together, unit_of
from inventory.survey.tables.headings import Matcher
from inventory.survey.tables.reading import read_sheet
from inventory.survey.tables.settling import Settled
from inventory.survey.tables.tables import TableFinder
from inventory.survey.text import folded, shortened
from inventory.words import _, system_said

_NOTHING_SETTLED = Settled()
_LOCKS = ("~$", ".~lock.", ".")
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})
_PLAIN = frozenset({"", ".txt", ".md"})
"""Endings of files that lie beside sheets and are none."""
_DEPTH = 8
_LATEST = re.compile(r"最终|终稿|终版|定稿|更正|修订|修正|修改[后版稿]|[（(]修改[)）]|补正|新版")
"""What files are called that correct another one beside them."""


def read_sheets(
    paths: Iterable[Path], mapping: Settled = _NOTHING_SETTLED
) -> tuple[tuple[Entry, ...], tuple[Remark, ...]]:
    """Read files and folders of survey sheets; whatever is wrong with them is a remark and never an exception."""
    remarks: list[Remark] = []
    entries: list[Entry] = []
    files = tuple(dict.fromkeys(file for path in paths for file in _files(path, remarks)))
    # Of two versions of a sheet the first one that is read is kept.
    files = tuple(sorted(files, key=lambda file: _LATEST.search(file.stem) is None))
    matcher = Matcher(catalogue())
    for file, (grids, found) in zip(files, read_files(files), strict=True):
        remarks.extend(found)
        before = len(entries), len(remarks)
        rows, about = _read_file(file, grids, matcher, mapping)
        entries.extend(_settled(entry, mapping) for entry in rows)
        remarks.extend(about)
        if grids and before == (len(entries), len(remarks)):
            remarks.append(_nothing_in(file, grids))
    remarks.extend(_reported_twice(entries))
    return tuple(_without_contradictions(entries, remarks)), tuple(remarks)


def _nothing_in(file: Path, grids: Sequence[Grid]) -> Remark:
    """Say that a file holds nothing: a form that is not filled in, or pictures alone."""
    if not any(any(grid.rows) for grid in grids):
        expected = _("cells with text: there are none; a picture of a table has to be typed in")
        return Remark(place=Place(file=file), expected=expected)
    expected = _("rows below a header: nobody has filled it in")
    return Remark(place=Place(file=file), expected=expected, severity=Weight.WARNING)


def _read_file(
    file: Path, grids: Sequence[Grid], matcher: Matcher, mapping: Settled
) -> tuple[list[Entry], list[Remark]]:
    """Read the sheets of a file; those of a filing form say together what one of them would not say alone."""
    grids, joints = joined(grids, matcher)
    unit = unit_of(grids, matcher)
    rules = []
    for grid in grids:
        rule = mapping.for_sheet(file, grid.sheet)
        if unit and not rule.department and is_filing_form(TableFinder(grid, matcher, frozenset())):
            rule = rule.model_copy(update={"department": unit})
        rules.append(rule)
    sheets = [read_sheet(grid, matcher, rule) for grid, rule in zip(grids, rules, strict=True)]
    stated = {folded(sheet.department): sheet.department for sheet in sheets if sheet.department}
    if len(stated) == 1:
        # A cover, the first sheet, or who signed a letter speaks for the sheets that say nothing of it.
        (department,) = stated.values()
        for index, sheet in enumerate(sheets):
            if not sheet.department and any(map(_ownerless, sheet.entries)):
                sheets[index] = read_sheet(grids[index], matcher, rules[index], department)
    remarks = [*joints, *(remark for sheet in sheets for remark in sheet.remarks)]
    whole, said = put_together(entry for sheet in sheets for entry in sheet.entries)
    return whole, [*(remarks if whole or file.suffix in _PLAIN else map(_graver, remarks)), *said]


def _ownerless(entry: Entry) -> bool:
    return entry.kind not in {"department", "building"} and not entry.department


def _graver(remark: Remark) -> Remark:
    """Make an error of a remark on a whole sheet where nothing was taken of its file: what stands there is lost."""
    lost = remark.severity is Weight.WARNING and not remark.place.cell
    return remark.model_copy(update={"severity": Weight.ERROR}) if lost else remark


def _without_contradictions(entries: Sequence[Entry], remarks: list[Remark]) -> Iterator[Entry]:
    """Yield entries without the reply that there is no system where the same department lists one."""
    listed = {folded(entry.department) for entry in entries if entry.kind == "system"}
    for entry in entries:
        if entry.reported_none and folded(entry.title) in listed:
            expected = _("one answer: this says that there is no system, and another sheet lists some; they are taken")
            remarks.append(Remark(place=entry.places[""], expected=expected, severity=Weight.WARNING))
        else:
            yield entry


def _settled(entry: Entry, mapping: Settled) -> Entry:
    if entry.kind == "department":
        return replace(entry, title=mapping.called(entry.title))
    return replace(entry, department=mapping.called(entry.department))


def _refused(path: Path, expected: str, severity: Weight = Weight.ERROR) -> Remark:
    # A name that is no text cannot be printed.
    name = str(path).encode("utf-8", "backslashreplace").decode()
    return Remark(place=Place(file=Path(name)), expected=expected, severity=severity)


def _files(path: Path, remarks: list[Remark]) -> Iterator[Path]:
    """Yield the files at a path that may be sheets, in the order of their names; remark all the others."""
    if path.is_dir():
        try:
            yield from _inside(path, path.resolve(), remarks, 0)
        except OSError as exc:
            remarks.append(_refused(path, system_said(exc)))
    else:
        yield from _file(path, remarks)


def _file(path: Path, remarks: list[Remark]) -> Iterator[Path]:
    """Yield a path if it is a file whose name is text."""
    if path.is_file() and not any(0xD800 <= ord(letter) < 0xE000 for letter in str(path)):
        yield path
    else:
        remarks.append(_refused(path, _("a file or a folder")))


def _inside(folder: Path, root: Path, remarks: list[Remark], depth: int) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(_LOCKS) or path.name.casefold() in _SYSTEM_FILES:
            remarks.append(_refused(path, _("not read: a hidden file or an office program's lock"), Weight.NOTE))
        elif path.is_symlink():
            inside = path.exists() and path.resolve().is_relative_to(root)
            expected = (
                _("not read: a link; what it points to is read under its own name")
                if inside
                else _("not read: a link that leaves the folder")
            )
            remarks.append(_refused(path, expected, Weight.NOTE if inside else Weight.ERROR))
        elif path.is_dir():
            if depth < _DEPTH:
                yield from _inside(path, root, remarks, depth + 1)
            else:
                remarks.append(_refused(path, _("not read: folders are nested too deeply")))
        else:
            yield from _file(path, remarks)


def _reported_twice(entries: Sequence[Entry]) -> Iterator[Remark]:
    """Yield a remark for each system that was read before under the same title."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind != "system":
            continue
        key = folded(entry.title)
        other = first.setdefault(key, entry)
        if other is entry:
            continue
        same = folded(other.department) == folded(entry.department)
        message = (
            _("the same department reports it at {place} too")
            if same
            else _("{department} reports a system of this name too, at {place}")
        )
        yield Remark(
            place=entry.places.get("title", entry.places[""]),
            read=shortened(entry.title),
            expected=message.format(department=other.department or "?", place=other.places[""]),
            severity=Weight.WARNING if same else Weight.NOTE,
        )
