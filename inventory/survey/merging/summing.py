"""Sums up what was remarked on many files by its cause, with the lines of a mapping file that settle it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from inventory.survey.entries import Remark, Weight
from inventory.words import _

SHOWN = 20
"""Causes that are told; the rest are counted."""

_NUMBER = re.compile(r"[0-9]+")


def causes_text(remarks: Iterable[Remark]) -> str:
    """Write what is wrong in several files once for each cause, the most frequent first; empty for a single file."""
    causes: dict[tuple[str, str], list[Remark]] = defaultdict(list)
    for remark in remarks:
        if remark.severity is not Weight.NOTE:
            causes[remark.column, _NUMBER.sub("…", remark.expected)].append(remark)
    wide = {cause: found for cause, found in causes.items() if len(_files(found)) > 1}
    ranked = sorted(wide.items(), key=lambda each: (-len(_files(each[1])), -len(each[1])))
    lines = [
        _("{count} times in {files} files: {cause}").format(
            count=len(found), files=len(_files(found)), cause=": ".join(filter(None, cause))
        )
        for cause, found in ranked[:SHOWN]
    ]
    if len(ranked) > SHOWN:
        lines.append(_("… and {count} more causes").format(count=len(ranked) - SHOWN))
    return "\n".join(lines)


def mapping_text(remarks: Sequence[Remark]) -> str:
    """Write the mapping file that settles what can be settled, ready to copy; empty where nothing can."""
    lines: dict[str, dict[str, None]] = {"columns": {}, "sheets": {}}
    for remark in remarks:
        part, line = remark.settles
        if part:
            lines[part][line] = None
    written = [f"{part}:\n" + "\n".join(f"  {line}" for line in each) for part, each in lines.items() if each]
    if not written:
        return ""
    hint = _("# for a file that is given with --mapping: write a field in place of ignore, a title in place of …")
    return "\n".join([hint, *written])


def _files(remarks: Iterable[Remark]) -> set[Path]:
    return {remark.place.file for remark in remarks}
