"""Reads survey sheets: files or folders of them, whatever their format, into entries and remarks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from inventory.survey.columns import catalogue
from inventory.survey.entries import Entry, Place, Remark, Weight
from inventory.survey.opening.workbooks import read_files
from inventory.survey.tables.headings import Matcher
from inventory.survey.tables.reading import read_sheet
from inventory.survey.tables.settling import Settled
from inventory.survey.text import folded, shortened
from inventory.words import _

_NOTHING_SETTLED = Settled()
_LOCKS = ("~$", ".~lock.", ".")
_DEPTH = 8


def read_sheets(
    paths: Iterable[Path], mapping: Settled = _NOTHING_SETTLED
) -> tuple[tuple[Entry, ...], tuple[Remark, ...]]:
    """Read files and folders of survey sheets; whatever is wrong with them is a remark and never an exception."""
    remarks: list[Remark] = []
    entries: list[Entry] = []
    files = tuple(dict.fromkeys(file for path in paths for file in _files(path, remarks)))
    matcher = Matcher(catalogue())
    for file, (grids, found) in zip(files, read_files(files), strict=True):
        remarks.extend(found)
        before = len(entries), len(remarks)
        for grid in grids:
            rows, about = read_sheet(grid, matcher, mapping.for_sheet(file, grid.sheet))
            entries.extend(_settled(entry, mapping) for entry in rows)
            remarks.extend(about)
        if grids and before == (len(entries), len(remarks)):
            remarks.append(Remark(place=Place(file=file), expected=_("rows below a header"), severity=Weight.WARNING))
    remarks.extend(_reported_twice(entries))
    return tuple(_without_contradictions(entries, remarks)), tuple(remarks)


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
            remarks.append(_refused(path, exc.strerror or _("a folder that can be read")))
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
        if path.name.startswith(_LOCKS):
            remarks.append(_refused(path, _("not read: a hidden file or an office program's lock"), Weight.NOTE))
        elif path.is_symlink():
            inside = path.resolve().is_relative_to(root)
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
