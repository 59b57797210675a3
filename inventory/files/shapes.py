"""Whether the fields of an inventory are those of the models: unknown, missing and wrong ones, each with its place."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from ipaddress import IPv4Network
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from inventory.files.gathering import Cursor
from inventory.files.reading import Mapping as MappingNode
from inventory.files.reading import Scalar, Sequence
from inventory.findings import Finding
from inventory.model import Network, Programme, System
from inventory.secrecy import looks_secret
from inventory.words import _

AnyModel = TypeVar("AnyModel", bound=BaseModel)

SYSTEM_WORDS = frozenset(System.model_fields) - frozenset(Programme.model_fields)


@cache
def _adapter(model: type[BaseModel], field: str) -> TypeAdapter[Any]:
    return TypeAdapter(model.model_fields[field].rebuild_annotation())


def meant(word: str, known: Iterable[str]) -> str:
    """Return a mend that names the nearest known words; empty where nothing is near and nothing is known."""
    words = tuple(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return _("did you mean '{word}'?").format(word=near[0])
    if 0 < len(words) <= 12:
        return _("one of: {words}").format(words=", ".join(words))
    return ""


def _shown(cursor: Cursor) -> str:
    if isinstance(cursor.node, Sequence):
        return _("a list")
    if isinstance(cursor.node, MappingNode):
        return _("a mapping")
    if cursor.node.value is None:
        return _("nothing")
    if looks_secret(cursor.field, cursor.node.value):
        return _("a value that is not shown here")
    text = str(cursor.node.value)
    return "'" + (text if len(text) <= 60 else text[:57] + "…") + "'"


def _wanted(error: ErrorDetails) -> tuple[str, str]:
    """Say what a field must be, and how that is reached, for one of pydantic's kinds of error."""
    kind = error["type"]
    simple: Mapping[str, tuple[str, str]] = {
        "string_type": (_("must be a word"), _("put it in quotes if it is meant to be one")),
        "int_type": (_("must be a whole number"), ""),
        "int_parsing": (_("must be a whole number"), ""),
        "int_from_float": (_("must be a whole number"), ""),
        "float_type": (_("must be a number"), ""),
        "float_parsing": (_("must be a number"), ""),
        "bool_type": (_("must be true or false"), ""),
        "bool_parsing": (_("must be true or false"), ""),
        "tuple_type": (_("must be a list"), _("write [a, b] or one line with '- ' for each member")),
        "dict_type": (_("must be a mapping"), _("write {key: value} or one line 'key: value' for each")),
        "model_type": (_("must be a mapping"), _("write {key: value} or one line 'key: value' for each")),
        "ip_v4_address": (_("must be an IPv4 address"), _("such as 10.11.0.10")),
        "ip_v4_network": (_("must be an IPv4 prefix"), _("such as 10.11.0.0/24, without bits of a host")),
        "date_from_datetime_parsing": (_("must be a date"), _("such as 2017-08-16")),
        "date_parsing": (_("must be a date"), _("such as 2017-08-16")),
        "date_type": (_("must be a date"), _("such as 2017-08-16")),
        "string_pattern_mismatch": (
            _("is not written as such a name must be"),
            _("lower-case letters, digits and single hyphens, such as water-db"),
        ),
    }
    if kind in simple:
        return simple[kind]
    if kind in {"too_short", "too_long", "string_too_long"}:
        return _("has the wrong length: {said}").format(said=error["msg"]), ""
    if kind.startswith(("greater_than", "less_than")):
        return _("is out of range: {said}").format(said=error["msg"]), ""
    return error["msg"], ""


def _choices(error: ErrorDetails, cursor: Cursor) -> tuple[str, str]:
    words = [word.strip("' ") for word in str(error["ctx"]["expected"]).replace(" or ", ", ").split(",")]
    value = cursor.node.value if isinstance(cursor.node, Scalar) else ""
    return _("must be one of a few words"), meant(str(value), words) or _("one of: {words}").format(
        words=", ".join(words)
    )


def _without_host_bits(cursor: Cursor) -> str:
    value = cursor.node.value if isinstance(cursor.node, Scalar) else None
    try:
        return _("did you mean '{word}'?").format(word=IPv4Network(str(value), strict=False))
    except ValueError:
        return ""


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
    if error["type"] == "missing":
        place = cursor.key(str(last))
        return place.finding(_("is missing"), _("every {holder} has it").format(holder=_holder(top, location[:-1])))
    if error["type"] == "extra_forbidden":
        known = _known_fields(top, location[:-1])
        return cursor.key(str(last)).finding(_("there is no such field"), meant(str(last), known))
    cursor = cursor.at(last) or cursor
    if error["type"] in {"literal_error", "enum"}:
        reason, mend = _choices(error, cursor)
    elif error["type"] == "value_error":
        reason, mend = str(error["ctx"]["error"]), ""
    else:
        reason, mend = _wanted(error)
    if error["type"].startswith("ip_v4_network"):
        mend = _without_host_bits(cursor) or mend
    return cursor.finding(_("{reason}; here is {found}").format(reason=reason, found=_shown(cursor)), mend)


def _holder(top: Any, location: tuple[int | str, ...]) -> str:
    current, name = top, "entry"
    for step in location:
        model = _model_in(current)
        if isinstance(step, str) and model is not None and step in model.model_fields:
            current = model.model_fields[step].rebuild_annotation()
    model = _model_in(current)
    return model.__name__.lower() if model is not None else name


def _validated(validate: Callable[[Any], Any], top: Any, cursor: Cursor, findings: list[Finding]) -> Any | None:
    try:
        return validate(cursor.node.plain)
    except ValidationError as exc:
        findings += [_translated(error, top, cursor) for error in _own(exc.errors())]
        return None


def _own(errors: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Yield the errors that are people's: a list is called too short only because its members are wrong."""
    holders = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    yield from (error for error in errors if error["type"] != "too_short" or error["loc"] not in holders)


def validated(model: type[AnyModel], cursor: Cursor, findings: list[Finding]) -> AnyModel | None:
    """Return what stands at a place as a model, or none, with what is wrong added to the findings."""
    found = _validated(model.model_validate, model, cursor, findings)
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
        value = _validated(System.model_validate, System, cursor, self.findings)
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
                self.findings.append(document.key(key).finding(_("there is no such field"), meant(key, known)))
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
        value = _validated(_adapter(model, key).validate_python, top, cursor, self.findings)
        if isinstance(value, tuple):
            values[key] = (*values.get(key, ()), *value)
        elif value is not None:
            values[key] = value

    def missing(self, documents: tuple[Cursor, ...]) -> Iterator[Finding]:
        """Yield a finding for each field that no file gives."""
        given = {
            name for document in documents if isinstance(document.node, MappingNode) for name in document.node.items
        }
        main = next((d for d in documents if d.at("programme") is not None and not is_system(d)), documents[0])
        for key, field in Programme.model_fields.items():
            if key not in given and key != "systems" and field.is_required():
                mend = _("give it in programme.yaml or a file of its own")
                yield main.key(key).finding(_("is missing in all files"), mend)
        networks = [cursor for document in documents if (cursor := document.at("network")) is not None]
        inside = {name for cursor in networks if isinstance(cursor.node, MappingNode) for name in cursor.node.items}
        for key, field in Network.model_fields.items():
            if networks and key not in inside and field.is_required():
                yield networks[0].key(key).finding(_("is missing in all files"), _("every network has it"))

    def programme(self) -> Programme:
        """Return the programme; only to be asked for when there are no errors."""
        whole = {**self.values, "network": Network(**self.network)}
        return Programme(**whole, systems=tuple(system for _cursor, system in self.systems))


def is_system(document: Cursor) -> bool:
    """Return whether a document describes a system, even where its first word is misspelled."""
    keys = set(document.node.items) if isinstance(document.node, MappingNode) else set()
    return "system" in keys or len(keys & SYSTEM_WORDS) >= 2
