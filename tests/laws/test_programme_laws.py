"""The law of dumping: any programme that is written into a folder is read from it as the same."""

import datetime
import tempfile
import types
from collections.abc import Callable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import MinLen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from inventory.files.dumping import dump
from inventory.files.shapes import read_draft
from inventory.model import Programme

names = st.builds("{}-{}".format, st.sampled_from(["water", "no", "e1", "on"]), st.integers(0, 9999)) | st.just("null")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
durations = st.builds("{}{}".format, st.integers(0, 9999), st.sampled_from(["ms", "s", "m", "h", "d"])) | st.builds(
    "{}.{}{}".format, st.integers(0, 999), st.integers(0, 9999), st.sampled_from(["ms", "s", "m", "h"])
)
plain = st.recursive(
    texts | st.booleans() | st.integers(-1000, 1000),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    bool: st.booleans(),
    datetime.date: st.dates().map(str),
    IPv4Address: st.ip_addresses(v=4).map(str),
    IPv4Network: st.integers(0, 255).map("10.{}.0.0/16".format),
    Any: plain,
    dict[str, Any]: st.dictionaries(texts, plain, max_size=2),
    type(None): st.none(),
}


def of_field(field: FieldInfo) -> st.SearchStrategy[Any]:
    patterns = [pattern for each in field.metadata if (pattern := getattr(each, "pattern", None))]
    if patterns:
        return names if "-" in patterns[0] and "." not in patterns[0] else st.from_regex(patterns[0], fullmatch=True)
    if field.annotation is float and any(callable(getattr(each, "func", None)) for each in field.metadata):
        return durations
    if field.annotation in {int, float}:
        return of_number(field)
    if get_origin(field.annotation) in {Union, types.UnionType}:
        return st.one_of(*(of_member(each, field.metadata) for each in get_args(field.annotation)))
    some = any(isinstance(each, MinLen) for each in field.metadata)
    return of_type(field.annotation, some=some)


def of_number(field: FieldInfo) -> st.SearchStrategy[Any]:
    bounds: dict[str, Any] = {
        name: getattr(each, name) for each in field.metadata for name in ("ge", "gt", "le") if hasattr(each, name)
    }
    low, high = bounds.get("gt", bounds.get("ge", -1000)), bounds.get("le", 10000)
    return st.integers(low, high) if field.annotation is int else st.floats(low, high, exclude_min="gt" in bounds)


def of_type(kind: Any, *, some: bool = False) -> st.SearchStrategy[Any]:
    origin, inner = get_origin(kind), get_args(kind)
    if kind in SIMPLE:
        return SIMPLE[kind].filter(bool) if some and kind is str else SIMPLE[kind]
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return st.sampled_from(inner or [str(each) for each in kind])
    return of_tuple(inner, some=some) if origin is tuple else of_model(kind)


def of_tuple(inner: tuple[Any, ...], *, some: bool) -> st.SearchStrategy[Any]:
    if inner[1:] == (...,):
        return st.lists(of_member(inner[0]), min_size=int(some), max_size=2)
    return st.tuples(*map(of_member, inner)).map(list)


def of_member(kind: Any, bounds: Sequence[Any] = ()) -> st.SearchStrategy[Any]:
    field = FieldInfo.from_annotation(kind)
    field.metadata = [*field.metadata, *bounds]
    return of_field(field)


def of_model(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    needed = {name: of_field(field) for name, field in model.model_fields.items() if field.is_required()}
    rest = {name: of_field(field) for name, field in model.model_fields.items() if not field.is_required()}
    return st.fixed_dictionaries(needed, optional=rest)


def _once(programme: dict[str, Any]) -> bool:
    systems = [system["system"] for system in programme.get("systems", ())]
    return len(systems) == len(set(systems))


def read_back(folder: Path) -> Programme:
    draft = read_draft(folder)
    assert draft.findings == ()
    return draft.shapes.programme()


def by_name(programme: Programme) -> Programme:
    order: Callable[[Any], str] = lambda system: system.system  # noqa: E731
    return programme.model_copy(update={"systems": tuple(sorted(programme.systems, key=order))})


@given(of_model(Programme).filter(_once))
@settings(
    max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck)
)
def test_what_is_dumped_is_read_as_the_same(values: dict[str, Any]) -> None:
    programme = Programme.model_validate(values)
    with tempfile.TemporaryDirectory() as folder:
        dump(programme, Path(folder))
        assert by_name(read_back(Path(folder))) == by_name(programme)
