"""What is wrong with an inventory: where, why, and how it is mended."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from inventory.base import Model
from inventory.words import _


class Severity(StrEnum):
    """Whether a finding stops the work."""

    ERROR = "error"
    WARNING = "warning"


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

    @property
    def place(self) -> str:
        """Return file:line:column, as editors and terminals understand it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else str(self.file)


class InventoryErrors(Exception):
    """An inventory is not fit to be planned; carries every finding of every file."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(summary(self.findings))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by file and place, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda f: (str(f.file), f.line, f.column, f.field, f.reason)))


def summary(findings: Sequence[Finding]) -> str:
    """Say in one line how much is wrong and in how many files."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    return _("errors: {errors}, warnings: {warnings}, files: {files}").format(
        errors=errors, warnings=len(findings) - errors, files=len({finding.file for finding in findings})
    )


def written(findings: Sequence[Finding]) -> str:
    """Write findings for a person: grouped by file, in the order of lines, counted at the end."""
    lines: list[str] = []
    for file, group in groupby(in_order(findings), key=lambda finding: finding.file):
        lines.append(str(file))
        for finding in group:
            where = f"{finding.line}:{finding.column}" if finding.line else "-"
            field = f"{finding.field}: " if finding.field else ""
            word = _("error") if finding.severity is Severity.ERROR else _("warning")
            lines.append(f"  {where:<8} {word}  {field}{finding.reason}")
            if finding.mend:
                lines.append(f"  {'':<8} {'→':>{len(word)}}  {finding.mend}")
        lines.append("")
    return "\n".join([*lines, summary(findings)])
