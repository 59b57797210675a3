"""Settlements of odd sheets by a person, in a mapping file.

columns: {责任处: office, 建设性质: ignore}      # in all sheets
departments: {人社局: 人力资源和社会保障局}      # two titles of one department
sheets:
  - {file: 'water*.xlsx', department: 水务局}
  - {sheet: 附件2*, kind: line, columns: {月租: rent}}
  - {file: old.xls, sheet: 字典, kind: ignore}
"""

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from inventory.base import Model
from inventory.files.gathering import Cursor
from inventory.files.reading import read
from inventory.files.wording import meant, mend_of, reason_of
from inventory.findings import Finding, InventoryErrors
from inventory.survey.columns import catalogue
from inventory.survey.entries import Kind
from inventory.survey.text import folded
from inventory.words import _, system_said

IGNORE = "ignore"


def column_line(header: str, field: str = IGNORE) -> tuple[str, str]:
    """Return the part of a mapping file and the line in it that settle what a header means."""
    return "columns", f"{_written(header)}: {field}"


def department_line(file: Path) -> tuple[str, str]:
    """Return the part of a mapping file and the line in it that say whose a file is; the title is left open."""
    return "sheets", f"- {{file: {_written(file.name)}, department: …}}"


def _written(text: str) -> str:
    """Return text as YAML holds it: in quotes where it would mean something else without them."""
    return (
        text
        if re.fullmatch(r"[\u4e00-\u9fff\w（）/.-]+", text) and not text[0].isdigit()
        else json.dumps(text, ensure_ascii=False)
    )


class Rule(Model):
    """What is settled for the sheets whose file and name fit two patterns with * and ?."""

    file: str = "*"
    sheet: str = "*"
    kind: Kind | Literal["ignore"] | None = None
    department: str = ""
    columns: Mapping[str, str] = {}

    def fits(self, file: Path, sheet: str) -> bool:
        """Tell whether the rule is about a sheet."""
        return (fnmatchcase(file.name, self.file) or fnmatchcase(file.as_posix(), self.file)) and fnmatchcase(
            sheet, self.sheet
        )


class Settled(Model):
    """All that is settled; columns hold a field of the sheet's kind, or `ignore`."""

    columns: Mapping[str, str] = {}
    departments: Mapping[str, str] = {}
    """The titles of departments that are to be used in place of what sheets call them."""
    sheets: tuple[Rule, ...] = ()

    def called(self, department: str) -> str:
        """Return what a department is to be called that a sheet calls so."""
        titles = {folded(written): title for written, title in self.departments.items()}
        return titles.get(folded(department), department)

    def for_sheet(self, file: Path, sheet: str) -> Rule:
        """Return what is settled for one sheet: later rules win over earlier ones, and any over those for all."""
        rules = [rule for rule in self.sheets if rule.fits(file, sheet)]
        columns = {folded(word): field for word, field in self.columns.items()}
        for rule in rules:
            columns |= {folded(word): field for word, field in rule.columns.items()}
        return Rule(
            kind=next((rule.kind for rule in reversed(rules) if rule.kind), None),
            department=next((rule.department for rule in reversed(rules) if rule.department), ""),
            columns=columns,
        )


def schema_text() -> str:
    """Return the JSON Schema of mapping files, as `docs/mapping.schema.json` holds it."""
    schema = Settled.model_json_schema()
    fields = {"enum": [*sorted(fields_of(None)), IGNORE]}
    for holder in (schema, schema["$defs"]["Rule"]):
        holder["properties"]["columns"]["additionalProperties"] = fields
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def fields_of(kind: str | None) -> frozenset[str]:
    """Return the fields that columns of a kind, or of any kind, may fill."""
    listings = [listing for listing in catalogue().kinds if kind in {None, IGNORE, listing.kind}]
    return frozenset(column.field for listing in listings for column in listing.columns)


def _at(top: Cursor, location: tuple[int | str, ...]) -> Cursor:
    """Return the place of a key or member; of the nearest one above it that is there."""
    cursor = top
    for step in location:
        below = cursor.at(step)
        if below is None:
            break
        cursor = below
    return cursor.holder.key(cursor.step) if cursor.holder and isinstance(cursor.step, str) else cursor


def _columns_in(plain: object) -> Iterator[tuple[tuple[int | str, ...], str | None, str]]:
    """Yield where a mapping file names a field, of which kind, and which; also of one that is wrong otherwise."""
    everything = plain if isinstance(plain, dict) else {}
    listed = everything.get("sheets")
    rules = list(enumerate(listed)) if isinstance(listed, list) else []
    places: list[tuple[tuple[int | str, ...], object, dict[str, object]]] = [((), None, everything)]
    places += [(("sheets", index), rule.get("kind"), rule) for index, rule in rules if isinstance(rule, dict)]
    for place, kind, holder in places:
        columns = holder.get("columns")
        for word, field in columns.items() if isinstance(columns, dict) else ():
            if isinstance(field, str):
                yield (*place, "columns", str(word)), kind if isinstance(kind, str) else None, field


def _findings_on_fields(top: Cursor) -> Iterator[Finding]:
    for location, kind, field in _columns_in(top.node.plain):
        known = fields_of(kind) or fields_of(None)
        if field not in known and field != IGNORE:
            reason = _("'{field}' is no field that a column can fill").format(field=field[:60])
            mend = meant(field, (*sorted(known), IGNORE)) or _("a field such as survey.function, or ignore")
            yield _at(top, location).finding(reason, mend)


def _finding(top: Cursor, error: ErrorDetails) -> Finding:
    location, kind = error["loc"], error["type"]
    cursor = _at(top, location)
    if kind == "extra_forbidden":
        known = Rule.model_fields if location[:1] == ("sheets",) else Settled.model_fields
        return cursor.finding(_("there is no such field"), meant(str(location[-1]), known))
    if kind == "literal_error":
        kinds = (*(listing.kind for listing in catalogue().kinds), IGNORE)
        return cursor.finding(_("must be one of a few words"), meant(str(error["input"]), kinds))
    return cursor.finding(reason_of(error), mend_of(error, cursor.node))


def read_settled(file: Path) -> Settled:
    """Read a mapping file; InventoryErrors with every line that is wrong, also if it cannot be opened."""
    try:
        documents, problems = read(file.read_bytes())
    except OSError as exc:
        mend = _("name a file that can be read")
        raise InventoryErrors(
            [Finding(file=file, line=0, column=0, field="", reason=system_said(exc), mend=mend)]
        ) from exc
    tops = [Cursor(file, document) for document in documents]
    if problems or len(tops) > 1:
        found = [
            Finding(file=file, line=p.spot.line, column=p.spot.column, field="", reason=p.reason, mend=p.mend)
            for p in problems
        ]
        raise InventoryErrors(found or [tops[1].finding(_("a mapping file is one document"))])
    if not tops or tops[0].node.plain is None:
        return Settled()
    fields = list(_findings_on_fields(tops[0]))
    try:
        settled = Settled.model_validate(tops[0].node.plain)
    except ValidationError as exc:
        # A union of words is wrong by each of its members: that is told once.
        wrong = [_finding(tops[0], error) for error in exc.errors()]
        raise InventoryErrors(list(dict.fromkeys((*wrong, *fields)))) from exc
    if fields:
        raise InventoryErrors(fields)
    return settled
