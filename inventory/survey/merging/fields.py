"""Fields of plain values by their dotted paths, such as survey.function; new ones stand in the order of the model."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel


def put_field(values: dict[str, Any], path: str, value: object, model: type[BaseModel]) -> None:
    """Set the value under a dotted path; new keys stand in the order of the model."""
    first, _dot, rest = path.partition(".")
    if rest and not isinstance(values.get(first), dict):
        _insert(values, first, {}, model)
    if rest:
        put_field(values[first], rest, value, model_of(model, first) or model)
    else:
        _insert(values, first, value, model)


def _insert(values: dict[str, Any], key: str, value: object, model: type[BaseModel]) -> None:
    if key in values:
        values[key] = value
        return
    order = {name: number for number, name in enumerate(model.model_fields)}
    before = [old for old in values if order.get(old, 0) < order.get(key, len(order))]
    items = list(values.items())
    place = list(values).index(before[-1]) + 1 if before else 0
    values.clear()
    values.update([*items[:place], (key, value), *items[place:]])


def get_field(values: Mapping[str, Any], path: str) -> Any:
    """Return the value under a dotted path; None where there is none."""
    found: Any = values
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def drop_field(values: dict[str, Any], path: str) -> None:
    """Remove the value under a dotted path, and the mappings that it leaves empty."""
    first, _dot, rest = path.partition(".")
    if rest and isinstance(values.get(first), dict):
        drop_field(values[first], rest)
    if not rest or not values.get(first):
        values.pop(first, None)


@cache
def model_of(model: type[BaseModel], field_name: str) -> type[BaseModel] | None:
    """Return the model that a field of a model holds; None where it holds something else."""
    info = model.model_fields.get(field_name)
    kinds = () if info is None else (info.annotation, *get_args(info.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


@cache
def default_of(model: type[BaseModel], path: str) -> Any:
    """Return what a field under a dotted path is where nothing is written, as plain YAML."""
    first, _dot, rest = path.partition(".")
    inner = model_of(model, first)
    if rest and inner is not None:
        return default_of(inner, rest)
    info = model.model_fields.get(first)
    if info is None or info.is_required():
        return None
    value = info.get_default(call_default_factory=True, validated_data={})
    return list(value) if isinstance(value, tuple) else str(value) if isinstance(value, StrEnum) else value
