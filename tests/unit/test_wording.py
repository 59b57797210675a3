"""The words of refusals: every error of pydantic that a file of ours can raise has a sentence in each language."""

import json
from collections.abc import Iterator
from functools import cache, partial
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError, create_model
from pydantic_core import ErrorDetails

from infra.worlds import World
from inventory.base import DURATION_PATTERN
from inventory.files.reading import read
from inventory.files.wording import WORDINGS, WRITTEN, mend_of, reason_of
from inventory.model import Programme, System
from inventory.obligations.profile import Profile
from inventory.survey.tables.settling import Settled

ROOTS: tuple[type[BaseModel], ...] = (Programme, System, Profile, Settled, World)
"""What people write files of."""

REFUSED: tuple[object, ...] = (
    None, "", "x", "5", 5, 0, -1, 10**30, 1.5, 1e300, float("inf"), [], ["x"], ["a", "b", "c"], [None], {},
    {"a": 1}, "x" * 300, "9" * 5000, "2011-02-30", "2011-05-20T10:00", "10.0.0.1/8", 20110520, "2001:db8::1",
)  # fmt: skip
OUR_OWN = {"value_error"}
(WORD,), _problems = read(b"x")


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


@cache
def every_model() -> frozenset[type[BaseModel]]:
    found: set[type[BaseModel]] = set()
    waiting = list(ROOTS)
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            for field in model.model_fields.values():
                waiting += models(field.rebuild_annotation())
    return frozenset(found)


def strictly(adapter: TypeAdapter[Any], value: object) -> None:
    adapter.validate_json(json.dumps(value), strict=True)


@cache
def raised() -> tuple[ErrorDetails, ...]:
    """Return one error of each type that bad values raise in any field of any model."""
    found: dict[str, ErrorDetails] = {}
    for model in every_model():
        for field in model.model_fields.values():
            # In a model, because a field may be of its own model's type.
            adapter = TypeAdapter(create_model("Held", held=(field.rebuild_annotation(), ...)))
            for value in ({"held": each} for each in REFUSED):
                # An inventory is read strictly from JSON; sheets, mapping files and worlds are not.
                for validate in (adapter.validate_python, partial(strictly, adapter)):
                    try:
                        validate(value)
                    except ValidationError as exc:
                        found |= {error["type"]: error for error in exc.errors()}
    with pytest.raises(ValidationError) as no_json:
        World.model_validate_json("{")
    return (*found.values(), *no_json.value.errors())


def test_every_error_that_can_be_raised_has_words_and_no_words_are_idle() -> None:
    assert {error["type"] for error in raised()} - OUR_OWN == set(WORDINGS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_word_of_pydantic_reaches_people(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", language)
    for error in raised():
        if error["type"] in OUR_OWN:
            continue
        said = (reason_of(error), mend_of(error, WORD))
        assert "Input should" not in said[0]
        assert "{" not in said[0]
        if language == "zh":
            assert any("\u4e00" <= character <= "\u9fff" for character in said[0]), said
            assert not said[1] or any("\u4e00" <= character <= "\u9fff" for character in said[1]), said


def test_limits_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for language in ("en", "zh"):
        monkeypatch.setenv("LANGUAGE", language)
        with pytest.raises(ValidationError) as error:
            System.model_validate({"system": "x" * 41, "title": "x", "department": "d", "wave": 0})
        said[language] = [reason_of(each) for each in error.value.errors()]
    assert said["en"] == ["is too long: it may have 40 characters", "is out of range: it must be 1 or more"]
    assert said["zh"] == ["太长：最多 40 个字符", "超出范围：必须不小于 1"]


def test_every_pattern_of_the_inventory_says_how_it_is_written() -> None:
    # A duration is read by a validator of its own, which has its own type of error.
    asked = patterns(Programme.model_json_schema())
    assert asked - {DURATION_PATTERN} == set(WRITTEN)


def patterns(schema: object) -> set[str]:
    if isinstance(schema, dict):
        own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
        return own.union(*map(patterns, schema.values()))
    return set().union(*map(patterns, schema)) if isinstance(schema, list) else set()


def test_an_error_that_nobody_knows_is_told_all_the_same() -> None:
    error = ErrorDetails(type="set_type", loc=("a",), msg="Input should be a valid set", input=1)
    assert reason_of(error) == "is not as it must be: Input should be a valid set"
    assert mend_of(error, WORD) == ""
