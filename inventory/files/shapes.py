"""Whether the fields of an inventory are those of the models: unknown, missing and wrong ones, each with its place."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from inventory.files.gathering import Cursor, gather, uncollected
from inventory.files.reading import Mapping as MappingNode
from inventory.files.reading import Sequence
from inventory.files.slips import mend_of_key, mend_of_slip
from inventory.files.wording import meant, mend_of, reason_of
from inventory.findings import Finding
from inventory.model import Network, Programme, System
from inventory.secrecy import looks_secret
from inventory.words import _

AnyModel = TypeVar("AnyModel", bound=BaseModel)

SYSTEM_WORDS = frozenset(System.model_fields) - frozenset(Programme.model_fields)


@cache
def _adapter(model: type[BaseModel], field: str) -> TypeAdapter[Any]:
    return TypeAdapter(model.model_fields[field].rebuild_annotation())


def _shown(cursor: Cursor) -> str:
    if isinstance(cursor.node, Sequence):
        return _("a list")
    if isinstance(cursor.node, MappingNode):
        return _("a mapping")
    value = cursor.node.value
    if value is None:
        return _("nothing")
    if looks_secret(cursor.field, value):
        return _("a value that is not shown here")
    text = str(value) if not isinstance(value, bool) else str(value).lower()
    short = text if len(text) <= 60 else text[:57] + "…"
    return f"'{short}'" if isinstance(value, str) else short


def _known_fields(top: Any, location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the fields of the model at a location below an annotation."""
    current: Any = top
    for step in location:
        model = _model_in(current)
        if isinstance(step, str) and model is not None and step in model.model_fields:
            current = model.model_fields[step].rebuild_annotation()
    model = _model_in(current)
    return tuple(model.model_fields) if model is not None else ()


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part)) is not None), None)


def _translated(error: ErrorDetails, top: Any, cursor: Cursor) -> Finding:
    location = error["loc"]
    for step in location[:-1]:
        cursor = cursor.at(step) or cursor
    last = location[-1] if location else ""
    if error["type"] == "missing" and isinstance(last, int):
        alone = _("a line whose far end is not ours, a carrier's or a ministry's, is not moved by this software yet: "
                  "leave out its ends, prefix and domain")  # fmt: skip
        mend = alone if cursor.step == "ends" and last == 1 else ""
        return cursor.finding(_("member {number} is missing").format(number=last + 1), mend)
    if error["type"] == "missing":
        return cursor.key(str(last)).finding(reason_of(error), _("add '{key}: …'").format(key=last))
    if error["type"] == "extra_forbidden":
        known = _known_fields(top, location[:-1])
        return cursor.key(str(last)).finding(reason_of(error), _unknown(str(last), known))
    cursor = cursor.at(last) or cursor
    said = _("{reason}; here is {found}").format(reason=reason_of(error), found=_shown(cursor))
    slip, general = mend_of_slip(error["type"], cursor), mend_of(error, cursor.node)
    if slip and (error["type"] == "string_type" or cursor.node.plain is None):
        return cursor.finding(said, slip)
    general = "" if general in slip else general
    return cursor.finding(said, " ".join(each for each in (slip, general) if each))


def _unknown(key: str, known: tuple[str, ...]) -> str:
    """Return how a field is mended that does not exist: the one that is meant, or all that there are."""
    every = _("remove it; there are: {words}").format(words=", ".join(sorted(known))) if known else _("remove it")
    return mend_of_key(key) or meant(key, known) or every


def _validated(validate: Callable[..., Any], top: Any, cursor: Cursor, findings: list[Finding]) -> Any | None:
    # Strictly and as JSON, so that files may hold what the schema for editors allows: `yes` is a word and true no 1.
    try:
        return validate(json.dumps(cursor.node.plain), strict=True)
    except ValidationError as exc:
        findings += [_translated(error, top, cursor) for error in _own(exc.errors())]
        return None


def _own(errors: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Yield the errors that are people's: a list is called too short only because its members are wrong."""
    holders = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    yield from (error for error in errors if error["type"] != "too_short" or error["loc"] not in holders)


def validated(model: type[AnyModel], cursor: Cursor, findings: list[Finding]) -> AnyModel | None:
    """Return what stands at a place as a model, or none, with what is wrong added to the findings."""
    found = _validated(model.model_validate_json, model, cursor, findings)
    return found if isinstance(found, model) else None


class Shapes:
    """The valid parts of an inventory, collected document by document, and findings about the others."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.values: dict[str, Any] = {}
        self.network: dict[str, Any] = {}
        self.systems: list[tuple[Cursor, System]] = []
        self.places: dict[str, Cursor] = {}

    def take(self, document: Cursor) -> None:
        """Take one document: a system, or some of the programme's fields."""
        if not isinstance(document.node, MappingNode):
            reason = _("the document must be a mapping; here is {found}").format(found=_shown(document))
            self.findings.append(document.finding(reason, _("begin it with a key such as 'system:'")))
        elif is_system(document):
            self.system(document)
        else:
            self.fields(document, Programme, self.values)

    def system(self, cursor: Cursor) -> None:
        """Take one system."""
        value = _validated(System.model_validate_json, System, cursor, self.findings)
        if value is not None:
            self.systems.append((cursor, value))

    def fields(self, document: Cursor, model: type[BaseModel], values: dict[str, Any]) -> None:
        """Take the fields of a mapping, each by itself, so that one wrong field does not hide the others."""
        for key in document.node.items if isinstance(document.node, MappingNode) else ():
            cursor = document.at(key)
            assert isinstance(key, str)
            assert cursor is not None
            if key not in model.model_fields:
                known = (*model.model_fields, *(("system",) if model is Programme else ()))
                self.findings.append(document.key(key).finding(_("there is no such field"), _unknown(key, known)))
            elif model is Programme and key == "systems":
                for each in cursor.each():
                    self.system(each)
            elif model is Programme and key == "network" and isinstance(cursor.node, MappingNode):
                self.fields(cursor, Network, self.network)
            else:
                self.field(cursor, key, model, values)

    def field(self, cursor: Cursor, key: str, model: type[BaseModel], values: dict[str, Any]) -> None:
        """Take one field; lists from several files are joined, anything else may be given once."""
        name = f"{model.__name__}.{key}"
        first = self.places.setdefault(name, cursor)
        if first is not cursor and not isinstance(cursor.node, Sequence):
            reason = _("'{key}' is given a second time").format(key=key)
            mend = _("it stands in {place} already; keep one of them").format(place=f"{first.file}:{first.spot.line}")
            self.findings.append(cursor.finding(reason, mend))
            return
        top = model.model_fields[key].rebuild_annotation()
        value = _validated(_adapter(model, key).validate_json, top, cursor, self.findings)
        if isinstance(value, tuple):
            values[key] = (*values.get(key, ()), *value)
        elif value is not None:
            values[key] = value

    def missing(self, documents: tuple[Cursor, ...], lost: frozenset[str] = frozenset()) -> Iterator[Finding]:
        """Yield a finding for each field that no file gives, nor one that was lost may have given."""
        given = {
            name for document in documents if isinstance(document.node, MappingNode) for name in document.node.items
        }
        main = next((d for d in documents if d.at("programme") is not None and not is_system(d)), documents[0])
        for key, field in Programme.model_fields.items():
            if key not in {*given, *lost, "systems"} and field.is_required():
                mend = _("give it in programme.yaml or a file of its own")
                yield main.key(key).finding(_("is missing in all files"), mend)
        networks = [cursor for document in documents if (cursor := document.at("network")) is not None]
        inside = {name for cursor in networks if isinstance(cursor.node, MappingNode) for name in cursor.node.items}
        for key, field in Network.model_fields.items():
            if networks and key not in {*inside, *lost} and field.is_required():
                yield networks[0].key(key).finding(_("is missing in all files"), _("every network has it"))

    def programme(self) -> Programme:
        """Return the programme; only to be asked for when there are no errors."""
        whole = {**self.values, "network": Network(**self.network)}
        return Programme(**whole, systems=tuple(system for _cursor, system in self.systems))


def is_system(document: Cursor) -> bool:
    """Return whether a document describes a system, even where its first word is misspelled."""
    keys = set(document.node.items) if isinstance(document.node, MappingNode) else set()
    return "system" in keys or len(keys & SYSTEM_WORDS) >= 2


class Draft(NamedTuple):
    """An inventory as it stands in its files, sound or not."""

    folder: Path
    documents: tuple[Cursor, ...]
    shapes: Shapes
    findings: tuple[Finding, ...]
    """What is wrong with the writing of the files and with single fields."""
    lost: frozenset[str] = frozenset()
    """The words of files that could not be read at all: what seems to be missing may stand there."""


def read_draft(folder: Path) -> Draft:
    """Read the files of an inventory."""
    with uncollected():
        documents, findings = gather(folder)
        shapes = Shapes()
        for document in documents:
            shapes.take(document)
        unread = {each.file for each in findings if each.rule == "yaml"} - {each.file for each in documents}
        lost = frozenset(word for file in unread for word in re.findall(r"[\w.-]+", _text(file)))
        return Draft(folder, documents, shapes, (*findings, *shapes.findings), lost)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b"").decode(errors="replace")
    except OSError:
        return ""
