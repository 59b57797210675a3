"""Forbidden conduct: with classified systems, with golden projects, with lines and with components of a kind."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as JsonSchemaError

from inventory.checks.exits import leads_out, operated
from inventory.dispositions.decisions import GOLDEN_PROJECTS, LOCAL_PARTS_MERGE
from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.files.reading import Mapping as MappingNode
from inventory.files.wording import WORDINGS, meant
from inventory.findings import Finding, Severity
from inventory.kinds import Kind
from inventory.model import Disposition
from inventory.words import _

CLASSIFIED_FIELDS = frozenset({"system", "title", "department", "grading"})
"""What may be recorded here of a classified system."""

TYPES: Mapping[str, str] = {
    "string": "string_type", "integer": "int_type", "number": "float_type", "boolean": "bool_type",
    "array": "tuple_type", "object": "dict_type",
}  # fmt: skip
"""The errors of pydantic that say the same as a type of JSON Schema does."""


def classified(index: Index) -> Iterator[Finding]:
    """Classified systems of which more than their existence is recorded, and systems that depend on one."""
    secret = {name for name, system in index.named("systems").items() if system.truth("grading", "classified")}
    for system in index.systems:
        for word in system.each("depends_on"):
            if word.text() in secret:
                reason = _("'{name}' is classified: nothing here can depend on it").format(name=word.node.plain)
                yield word.finding(reason, _("remove it from depends_on"))
        if system.truth("grading", "classified"):
            yield from _too_much(system)


def _too_much(system: Cursor) -> Iterator[Finding]:
    for field in system.node.items if isinstance(system.node, MappingNode) else {}:
        if field in CLASSIFIED_FIELDS or (field == "disposition" and system.text(field) == Disposition.LEAVE):
            continue
        reason = _("the system is classified: only that it exists may be recorded here")
        mend = _("remove '{field}'; the intranet's own plan moves the system").format(field=field)
        yield system.key(field).finding(reason, mend)
    if (opened := system.down("grading", "declassified")) is not None and opened.node.plain is not None:
        reason = _("a system is classified, or it was declassified: not both")
        yield opened.finding(reason, _("remove 'declassified', or 'classified: true'"))
    if (level := system.down("grading", "mlps")) is not None and level.node.plain is not None:
        reason = _("a classified system has no MLPS level here")
        yield level.finding(reason, _("remove 'mlps'; classified protection is recorded on the intranet"))


def golden(index: Index) -> Iterator[Finding]:
    """Lines of national golden projects that are to be consolidated all the same, and projects that nobody knows."""
    merging = any(document.text("profile") in LOCAL_PARTS_MERGE for document in index.rest)
    for line in index.parts("lines"):
        project = line.text("golden_project")
        if project is None:
            continue
        if line.text("kind") == "internet-exit":
            reason = _("golden projects have business networks; an internet exit is none of them")
            yield line.key("golden_project").finding(reason, _("remove 'golden_project'"), Severity.WARNING)
        elif line.text("domain") is not None:
            reason = _("the line belongs to the golden project {project}: it stays untouched").format(project=project)
            mend = _("remove 'domain', or 'golden_project' if it is an error")
            if merging:
                mend = _("remove 'domain', or 'golden_project' if this is the local part, which this plan merges")
            yield line.key("domain").finding(reason, mend)
        if project not in GOLDEN_PROJECTS:
            near = get_close_matches(project, GOLDEN_PROJECTS, n=1, cutoff=0.4)
            mend = meant(project, near) or _("one of: {words}").format(words=", ".join(GOLDEN_PROJECTS))
            place = line.at("golden_project") or line
            reason = _("no golden project is called '{word}'").format(word=project)
            yield place.finding(reason, mend, Severity.WARNING)


def circuits(index: Index) -> Iterator[Finding]:
    """Lines whose traffic would have nowhere to go: an end without a circuit into the domain."""
    attached = {(a.text("device"), a.text("domain")) for a in index.parts("attachments")}
    foreign = operated(index)
    for line in index.parts("lines"):
        domain = line.text("domain")
        if domain is None or domain not in index.named("domains"):
            continue
        # What comes from the internet finds its way back to the extranet's exit, not to the carrier's device.
        beyond = foreign if leads_out(line, foreign) else frozenset()
        for end in line.each("ends"):
            if end.text() in beyond:
                continue
            if end.text() in index.named("devices") and (end.text(), domain) not in attached:
                reason = _("device '{device}' has no circuit into the domain '{domain}'").format(
                    device=end.node.plain, domain=domain
                )
                yield end.finding(reason, _("add it to network.attachments, or leave the line's domain out"))


def settings(index: Index, kinds: Mapping[str, Kind]) -> Iterator[Finding]:
    """Components whose settings do not fit their kind's schema, or that have an entry that their kind cannot have."""
    validators = {name: Draft202012Validator(kind.settings) for name, kind in kinds.items()}
    for component in index.components:
        kind = kinds.get(component.text("kind") or "")
        if kind is None:
            continue
        place = component.at("settings") or component.key("settings")
        values = place.node.plain if component.at("settings") is not None else {}
        if isinstance(values, dict):
            yield from _unfitting(kind, validators[kind.name], values, place)
        if kind.entry is None and component.at("entry") is not None:
            reason = _("components of kind '{kind}' have no entry").format(kind=kind.name)
            yield component.key("entry").finding(reason, _("remove 'entry'"))


def _unfitting(kind: Kind, validator: Draft202012Validator, values: object, place: Cursor) -> Iterator[Finding]:
    for error in validator.iter_errors(values):
        cursor = place
        for step in error.absolute_path:
            cursor = cursor.at(step) or cursor
        yield from _translated(kind, error, cursor)


def _translated(kind: Kind, error: JsonSchemaError, cursor: Cursor) -> Iterator[Finding]:
    rule, value = error.validator, cast("Any", error.validator_value)
    instance = error.instance if isinstance(error.instance, dict) else {}
    properties = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    if rule == "additionalProperties":
        for key in sorted(set(instance) - set(properties)):
            reason = _("components of kind '{kind}' have no such setting").format(kind=kind.name)
            yield cursor.key(key).finding(reason, meant(key, properties))
    elif rule == "required":
        key = next((str(key) for key in value if f"'{key}'" in error.message), "")
        reason = _("components of kind '{kind}' need the setting '{key}'").format(kind=kind.name, key=key)
        yield cursor.key(key).finding(reason, _("add it"))
    else:
        reason = _("does not fit kind '{kind}' ({rule})").format(kind=kind.name, rule=rule)
        yield cursor.finding(reason, _wanted(rule, value) or _known(sorted(kind.settings.get("properties", {}))))


def _wanted(rule: object, value: object) -> str:
    if rule == "type" and str(value) in TYPES:
        return _(WORDINGS[TYPES[str(value)]].reason)
    if rule == "enum":
        return _("one of: {words}").format(words=", ".join(map(str, cast("list[object]", value))))
    return (
        _("it must have {rule} {value}").format(rule=rule, value=value) if isinstance(value, str | int | list) else ""
    )


def _known(words: list[str]) -> str:
    return _("its settings are: {words}").format(words=", ".join(words))
