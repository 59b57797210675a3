"""Tells people what an import found and what it would change, so that two hundred files can still be read."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from difflib import unified_diff
from pathlib import Path

from inventory.survey.entries import Kind, Remark, Weight
from inventory.survey.merging.folder import Change
from inventory.words import _

WHOLE = 3
"""Remarks of one kind in one file that are told whole; more of them are counted."""

CELLS = 40
"""Cells of further remarks of a kind that are named."""

NEW_LINES = 200
"""Lines of new files that are shown; beyond that the files are listed."""

_ORDER = {weight: number for number, weight in enumerate(Weight)}


def word_for(weight: Weight) -> str:
    """Return what a remark of a weight is called."""
    return {Weight.ERROR: _("error"), Weight.WARNING: _("warning"), Weight.NOTE: _("note")}[weight]


def word_of(kind: Kind) -> str:
    """Return what a kind of part is called."""
    return {
        "building": _("building"),
        "department": _("department"),
        "office": _("office"),
        "unit": _("subordinate unit"),
        "room": _("machine room"),
        "host": _("host"),
        "asset": _("asset"),
        "system": _("system"),
        "line": _("line"),
        "resource": _("data resource"),
        "request": _("request for data"),
        "demand": _("demand for data"),
    }[kind]


def remarks_text(remarks: Iterable[Remark]) -> str:
    """Write remarks by file and kind: the first ones of each whole, the others counted; errors first."""
    files: dict[Path, dict[tuple[Weight, str], list[Remark]]] = defaultdict(lambda: defaultdict(list))
    for remark in remarks:
        files[remark.place.file][remark.severity, remark.column or remark.expected].append(remark)
    lines = []
    for file, kinds in files.items():
        lines.append(str(file))
        for weight, column in sorted(kinds, key=lambda kind: _ORDER[kind[0]]):
            found = kinds[weight, column]
            lines += [f"  {_line(remark)}" for remark in found[:WHOLE]]
            if len(found) > WHOLE:
                told = _("… and {count} more of this kind ({kind}): {cells}").format(
                    count=len(found) - WHOLE, kind=column, cells=_cells(found[WHOLE:])
                )
                lines.append(f"  {told}")
        lines.append("")
    return "\n".join(lines)


def _cells(remarks: Sequence[Remark]) -> str:
    """Name the cells of remarks that are not told whole; very many are cut."""
    names = [" ".join(filter(None, (remark.place.sheet, remark.place.cell))) or "-" for remark in remarks]
    sheets = {remark.place.sheet for remark in remarks}
    if len(sheets) == 1:
        names = [remark.place.cell or remark.place.sheet or "-" for remark in remarks]
    return _(", ").join([*names[:CELLS], *(["…"] if len(names) > CELLS else [])])


def _line(remark: Remark) -> str:
    place = " ".join(
        part for part in (f"[{remark.place.sheet}]" if remark.place.sheet else "", remark.place.cell) if part
    )
    read = f"'{remark.read}'" if remark.read else ""
    said = ": ".join(
        part for part in (" ".join(each for each in (remark.column, read) if each), remark.expected) if part
    )
    return f"{word_for(remark.severity)}  {place or '-'}  {said}"


def counted(remarks: Iterable[Remark]) -> str:
    """Say in one line how many remarks there are of each weight."""
    number = Counter(remark.severity for remark in remarks)
    return _("errors: {errors}, warnings: {warnings}, notes: {notes}").format(
        errors=number[Weight.ERROR], warnings=number[Weight.WARNING], notes=number[Weight.NOTE]
    )


def difference(changes: Sequence[Change]) -> str:
    """Return the unified difference of what changes; many new files are listed instead."""
    new = [change for change in changes if not change.before]
    listed = new if sum(change.after.count("\n") for change in new) > NEW_LINES else []
    lines: list[str] = []
    for change in changes:
        if change.secret:
            lines.append(_("{file}: written anew without what is classified; it is not shown").format(file=change.file))
        if change.secret or change in listed:
            continue
        before = "/dev/null" if not change.before else f"a/{change.file}"
        lines += unified_diff(
            change.before.splitlines(), change.after.splitlines(), before, f"b/{change.file}", lineterm=""
        )
    lines += [_("new: {file} ({lines} lines)").format(file=each.file, lines=each.after.count("\n")) for each in listed]
    return "\n".join(lines)
