"""Findings about an inventory: where, why, and how each is mended."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.words import _N, _

WHOLE = 40
"""So many findings are written whole; the others are counted."""
ROWS = 20
"""So many rows of counted findings are written."""
NAMED = 6
"""So many files of a folder are named where it is said what was read."""

RULES: Mapping[str, str] = {
    "file": _N("files that cannot be read"),
    "yaml": _N("files that are not written as YAML has to be"),
    "field": _N("fields that are unknown, missing or wrong"),
    "kind": _N("kinds of components that cannot be used"),
    "name": _N("names that two parts bear"),
    "reference": _N("words that lead nowhere"),
    "circle": _N("parts that rest on each other in a circle"),
    "secret": _N("secrets"),
    "address": _N("prefixes and addresses that do not fit together"),
    "circuit": _N("lines without a circuit to go over"),
    "classified": _N("classified systems of which too much is recorded"),
    "golden-project": _N("lines of national golden projects"),
    "setting": _N("settings that do not fit a component's kind"),
    "disposition": _N("dispositions, exemptions and answers without what they rest on"),
    "date": _N("dates in the wrong order"),
    "plan": _N("what a move needs"),
    "survey": _N("what the survey lacks"),
    "configured": _N("what devices are configured with and the inventory lacks, or the other way round"),
    "suggestion": _N("suggestions"),
}
"""What a finding is about, by the name of its rule."""

FIRST = frozenset({"file", "yaml"})
"""The rules whose findings are mended first: what stands in a file that cannot be read is missing elsewhere."""


class Severity(StrEnum):
    """Whether a finding stops the work: an error does, a warning does not, a note is only a suggestion."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


RANK: Mapping[Severity, int] = {severity: rank for rank, severity in enumerate(Severity)}


class Spot(NamedTuple):
    """A place in a file: line and column count from one, zero means the whole file."""

    line: int
    column: int


class Problem(NamedTuple):
    """What is wrong with the writing of a file, before anybody knows what its fields are."""

    spot: Spot
    reason: str
    mend: str


class Finding(Model):
    """One thing that is wrong, with its place in a file; line and column count from one, zero means the whole file."""

    file: Path
    line: int
    column: int
    field: str
    """The path of the field inside its document, such as components[0].to.site; empty for the document itself."""
    reason: str
    mend: str = ""
    severity: Severity = Severity.ERROR
    rule: str = "field"
    """One of RULES."""

    @property
    def place(self) -> str:
        """Return file:line:column, as editors and terminals understand it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else str(self.file)


class Advice(Model):
    """A suggestion about a system, or about all of them; the check knows where a system is written."""

    system: str = ""
    reason: str
    mend: str = ""
    field: str = ""
    """The field of the system that it is about, such as survey.function; empty for the system itself."""


class InventoryErrors(ZhengheError):
    """An inventory is not fit to be planned; carries every finding of every file."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(summary(self.findings))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by file and place, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda f: (str(f.file), f.line, f.column, f.field, f.reason)))


def counted(findings: Iterable[Finding]) -> Mapping[Severity, int]:
    """Return how many findings there are of each severity."""
    counts = Counter(finding.severity for finding in findings)
    return {severity: counts[severity] for severity in Severity}


def summary(findings: Sequence[Finding]) -> str:
    """Say in one line how much is wrong and in how many files."""
    counts = counted(findings)
    return _("errors: {errors}, warnings: {warnings}, suggestions: {notes}, files: {files}").format(
        errors=counts[Severity.ERROR],
        warnings=counts[Severity.WARNING],
        notes=counts[Severity.NOTE],
        files=len({finding.file for finding in findings}),
    )


def written(findings: Sequence[Finding], files: Sequence[Path] = (), systems: int = 0) -> str:
    """Write findings for a person: the gravest whole, by file and line, the others counted, and what was read."""
    settled = sorted(in_order(findings), key=lambda finding: (RANK[finding.severity], finding.rule not in FIRST))
    shown, rest = settled[:WHOLE], settled[WHOLE:]
    lines = [*_whole(in_order(shown)), *_counted(rest)]
    if files:
        lines += [*_read(files), _("{files} files, {systems} systems").format(files=len(files), systems=systems)]
    if findings or not files:
        return "\n".join([*lines, summary(findings)])
    return "\n".join([*lines[:-1], _("{what}: no errors").format(what=lines[-1])])


def _whole(findings: Sequence[Finding]) -> list[str]:
    lines: list[str] = []
    words = {Severity.ERROR: _("error"), Severity.WARNING: _("warning"), Severity.NOTE: _("suggestion")}
    for file, group in groupby(findings, key=lambda finding: finding.file):
        lines.append(str(file))
        for finding in group:
            where = f"{finding.line}:{finding.column}" if finding.line else "-"
            field = f"{finding.field}: " if finding.field else ""
            word = words[finding.severity]
            lines.append(f"  {where:<8} {word}  {field}{finding.reason}")
            if finding.mend:
                lines.append(f"  {'':<8} {'→':>{len(word)}}  {finding.mend}")
        lines.append("")
    return lines


def _counted(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    lines = [_("and {count} more (--json and --sarif tell all of them):").format(count=len(findings))]
    by_file = Counter((finding.file, finding.severity, finding.rule) for finding in findings)
    rows: Mapping[tuple[Path | None, Severity, str], int] = by_file  # type: ignore[assignment]
    if len(by_file) > ROWS:
        rows = Counter((None, finding.severity, finding.rule) for finding in findings)
    words = {Severity.ERROR: _("error"), Severity.WARNING: _("warning"), Severity.NOTE: _("suggestion")}
    for (file, severity, rule), count in sorted(rows.items(), key=lambda row: (RANK[row[0][1]], -row[1], str(row[0]))):
        files = {finding.file for finding in findings if (finding.severity, finding.rule) == (severity, rule)}
        where = str(file) if file is not None else _("in {count} files").format(count=len(files))
        lines.append(f"  {count:>6} × {words[severity]}  {_(RULES[rule])}  {where}")
    return [*lines, ""]


def _read(files: Sequence[Path]) -> list[str]:
    lines = [_("read:")]
    for folder, group in groupby(sorted(files, key=lambda file: (str(file.parent), file.name)), lambda f: f.parent):
        names = [file.name for file in group]
        more = _(" and {count} more").format(count=len(names) - NAMED) if len(names) > NAMED else ""
        lines.append(f"  {folder}/: {', '.join(names[:NAMED])}{more}")
    return lines
