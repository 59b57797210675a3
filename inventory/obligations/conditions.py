"""Conditions: the building blocks that a profile's measures are made of, and how they are put together.

Each kind of thing has a module of its own (systems.py, lines.py, …) with a condition: a model whose fields are what a
profile may ask of it, each with the question that answers it. An answer has three values: none means that the inventory
does not say.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Field

from inventory.base import Model
from inventory.blanks import says_nothing
from inventory.model import Programme
from inventory.obligations.facts import Facts
from inventory.words import _

Truth = bool | None
Test = Callable[[Facts, Any, Any], Truth]
"""Facts, the thing, and what the profile gives: a truth value that is wanted, a number, words."""
Asked = Callable[[Facts, Any], Truth]


@dataclass(frozen=True)
class Question:
    """How a field of a condition is answered."""

    test: Test
    achieved: bool = False
    """Whether it asks what was achieved: such a question never excludes a thing."""
    selects: Test | None = None
    """How it is answered where it is asked which things count; None: as anywhere else."""


def known(answer: Asked) -> Question:
    """Return a question of yes or no about what the survey knows."""
    return Question(_flag(answer))


def achieved(answer: Asked) -> Question:
    """Return a question of yes or no about what was achieved."""
    return Question(_flag(answer), achieved=True)


def _flag(answer: Asked) -> Test:
    def test(facts: Facts, thing: Any, wanted: Any) -> Truth:
        truth = answer(facts, thing)
        return None if truth is None else truth == wanted

    return test


class Condition(Model):
    """What is asked of a thing; everything that is given must hold."""

    any: Annotated[tuple[Self, ...], Field(description="One of these must hold.")] = ()


@cache
def questions(condition: type[Condition]) -> Mapping[str, Question]:
    """Map the fields of a condition to their questions."""
    fields = condition.model_fields.items()
    return {name: each for name, field in fields for each in field.metadata if isinstance(each, Question)}


@dataclass(frozen=True)
class Things:
    """A kind of thing that measures count."""

    asks: type[Condition]
    of: Callable[[Programme], Iterable[Any]]
    name: Callable[[Any], str] = lambda thing: str(thing.name)
    title: Callable[[Any], str] = lambda thing: str(thing.title)
    by_hand: Callable[[Facts, Any, Any], bool] = lambda _facts, _thing, _where: False
    """Whether a thing counts though what a person wrote in it would leave it out of account."""
    carried_out: Callable[[Facts, Any], Truth] = lambda _facts, _thing: False
    """Whether that which a person wrote instead was carried out."""
    left_out: Callable[[Facts, Any, Any], bool] = lambda _facts, _thing, _where: False
    """Whether a thing does not count by what a person wrote, though it is of the kind that does."""
    begun: Callable[[Facts, Any], bool] = lambda _facts, _thing: True
    """Whether a thing is there by the day of the facts."""
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


def asked(condition: Condition | None, *, selecting: bool = False) -> Asked:
    """Return the function that answers a whole condition: everything that is given must hold; always, if nothing is.

    Where `selecting`, it answers whether a thing counts: what a person took out by hand does.
    """
    if condition is None:
        return lambda _facts, _thing: True
    tests = questions(type(condition))
    parts = [
        _any(condition) if name == "any" else _one(_test(tests[name], selecting=selecting), getattr(condition, name))
        for name in type(condition).model_fields
        if name in condition.model_fields_set
    ]
    return lambda facts, thing: every(part(facts, thing) for part in parts)


def _test(question: Question, *, selecting: bool) -> Test:
    return question.selects if selecting and question.selects is not None else question.test


def _one(test: Test, argument: Any) -> Asked:
    return lambda facts, thing: test(facts, thing, argument)


def _any(condition: Condition) -> Asked:
    each = [asked(one) for one in condition.any]
    return lambda facts, thing: some(one(facts, thing) for one in each)


def lacking(condition: Condition, facts: Facts, thing: Any) -> tuple[str, ...]:
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
            if _any(condition)(facts, thing) is not True:
                found += [each for one in condition.any for each in lacking(one, facts, thing)]
        elif questions(type(condition))[name].test(facts, thing, argument) is not True:
            found.append(name)
    return tuple(dict.fromkeys(found))


def given(thing: BaseModel, path: str) -> bool:
    """Return whether a field was given and is not empty; a number that nobody wrote is not given."""
    value: Any = thing
    for step in path.split("."):
        if not isinstance(value, BaseModel) or step not in value.model_fields_set:
            return False
        value = getattr(value, step)
    if isinstance(value, BaseModel):
        return any(given(value, step) for step in value.model_fields_set)
    return value is not None and value != () and not (isinstance(value, str) and says_nothing(value))


FIELDS_GIVEN = Question(lambda _facts, thing, paths: all(given(thing, path) for path in paths), achieved=True)
"""Whether all fields of these paths are given."""


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


def uses(condition: Condition, names: frozenset[str]) -> frozenset[str]:
    """Return which of some questions a condition asks, inside its alternatives too."""
    return frozenset(condition.model_fields_set & names).union(*(uses(each, names) for each in condition.any))


def about_achievements(condition: type[Condition]) -> frozenset[str]:
    """Return the questions of a kind of condition that ask what was achieved."""
    return frozenset(name for name, each in questions(condition).items() if each.achieved)
