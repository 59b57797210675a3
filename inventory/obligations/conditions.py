"""Conditions: the building blocks that a profile's measures are made of, and how they are put together.

Each kind of thing has a module of its own (systems.py, lines.py, …) with a model of what may be asked of it, which is
what a profile may say, and a table from each question to the function that answers it. An answer has three values: none
means that the inventory does not say.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from inventory.base import Model
from inventory.model import Programme
from inventory.obligations.facts import Facts
from inventory.words import _

Truth = bool | None
Test = Callable[[Facts, Any, Any], Truth]
"""Facts, the thing, and what the profile gives: a truth value that is wanted, a number, words."""
Asked = Callable[[Facts, Any], Truth]


@dataclass(frozen=True)
class Things:
    """A kind of thing that measures count."""

    of: Callable[[Programme], Iterable[Any]]
    name: Callable[[Any], str]
    title: Callable[[Any], str]
    tests: Mapping[str, Test]
    evidence: frozenset[str] = frozenset()
    """Questions about what was achieved: by these a thing is never left out of account."""
    anchor: Callable[[Facts, Any], date | None] | None = None
    """The day of the event from which time is counted for a thing; none where nothing has such an event."""


def every(answers: Iterable[Truth]) -> Truth:
    """Return whether all hold; none where none fails and one is not known."""
    truth: Truth = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            truth = None
    return truth


def some(answers: Iterable[Truth]) -> Truth:
    """Return whether one holds; none where none does and one is not known."""
    truth: Truth = False
    for answer in answers:
        if answer is True:
            return True
        if answer is None:
            truth = None
    return truth


def flag(answer: Callable[[Facts, Any], Truth]) -> Test:
    """Return the test of a question that is answered by yes or no."""

    def test(facts: Facts, thing: Any, wanted: Any) -> Truth:
        truth = answer(facts, thing)
        return None if truth is None else truth == wanted

    return test


def asked(condition: Model, tests: Mapping[str, Test]) -> Asked:
    """Return the function that answers a whole condition: everything that is given must hold."""
    parts = [
        _any(getattr(condition, name), tests) if name == "any" else _one(tests[name], getattr(condition, name))
        for name in type(condition).model_fields
        if name in condition.model_fields_set
    ]
    return lambda facts, thing: every(part(facts, thing) for part in parts)


def _one(test: Test, argument: Any) -> Asked:
    return lambda facts, thing: test(facts, thing, argument)


def _any(conditions: Iterable[Model], tests: Mapping[str, Test]) -> Asked:
    each = [asked(condition, tests) for condition in conditions]
    return lambda facts, thing: some(one(facts, thing) for one in each)


def lacking(condition: Model, things: Things, facts: Facts, thing: Any) -> tuple[str, ...]:
    """Return the questions of a condition that are not answered as wanted; of fields, those that are empty.

    Of alternatives none of which holds, all that they ask in vain.
    """
    found: list[str] = []
    for name in type(condition).model_fields:
        if name not in condition.model_fields_set:
            continue
        argument = getattr(condition, name)
        if name == "fields":
            found += [path for path in argument if not given(thing, path)]
        elif name == "any":
            if _any(argument, things.tests)(facts, thing) is not True:
                found += [each for one in argument for each in lacking(one, things, facts, thing)]
        elif things.tests[name](facts, thing, argument) is not True:
            found.append(name)
    return tuple(dict.fromkeys(found))


def given(thing: BaseModel, path: str) -> bool:
    """Return whether a field was given and is not empty; a number that nobody wrote is not given."""
    value: Any = thing
    for step in path.split("."):
        if not isinstance(value, BaseModel) or step not in value.model_fields_set:
            return False
        value = getattr(value, step)
    return value is not None and value not in ("", ())


def fields_given(_facts: Facts, thing: Any, paths: tuple[str, ...]) -> Truth:
    """Return whether all fields of these paths are given."""
    return all(given(thing, path) for path in paths)


def has_path(model: type[BaseModel], path: str) -> bool:
    """Return whether a model has a field at a dotted path."""
    head, _dot, rest = path.partition(".")
    if head not in model.model_fields:
        return False
    if not rest:
        return True
    inner = next((part for part in _parts(model.model_fields[head].rebuild_annotation()) if has_path(part, rest)), None)
    return inner is not None


def _parts(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _parts(part)


def paths_of(model: type[BaseModel]) -> Any:
    """Return the type of a list of dotted paths to fields of a model."""

    def check(path: str) -> str:
        if not has_path(model, path):
            raise ValueError(_("{holder} has no field '{path}'").format(holder=model.__name__, path=path[:60]))
        return path

    return tuple[Annotated[str, AfterValidator(check), Field(description="A dotted path to a field.")], ...]


def uses(condition: Model, names: frozenset[str]) -> frozenset[str]:
    """Return which of some questions a condition asks, inside its alternatives too."""
    found = condition.model_fields_set & names
    for each in getattr(condition, "any", ()):
        found |= uses(each, names)
    return frozenset(found)
