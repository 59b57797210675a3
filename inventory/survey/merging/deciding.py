"""Decides for each value of a sheet whether it is taken: by what was said the last time, and by what a person wrote."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from inventory.files.wording import reason_of
from inventory.survey.columns import catalogue, label_of, references
from inventory.survey.entries import Entry, Place, Weight
from inventory.survey.merging.fields import default_of, drop_field, get_field, put_field
from inventory.survey.merging.folder import MODELS, Part
from inventory.survey.merging.memory import Memory
from inventory.words import _

Said = dict[str, tuple[Any, Place]]
"""What one department's sheets say of one part: values with their cells, by field."""

Telling = Callable[[Place, str, object, str, Weight], None]
"""Takes place, kind of remark, what was read, what is told, and its weight."""

Meaning = Callable[[Part, str, str, Place], "str | None"]
"""Returns the name of what a part's field means by a title that stands in a cell."""

NOWHERE = Place(file=Path())


def equal(one: object, other: object) -> bool:
    """Return whether two plain values mean the same; true is no 1 here."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def shown(value: object) -> str:
    """Return a value as it is shown to people, shortened."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


class Decider:
    """Hears departments on parts, one after the other."""

    def __init__(self, memory: Memory, tell: Telling, meaning: Meaning) -> None:
        self._memory = memory
        self._tell = tell
        self._meaning = meaning
        self._places: dict[Part, Place] = {}
        self._unknown: dict[tuple[Part, str], str] = {}

    def hear(self, part: Part, department: str, rows: Sequence[Entry]) -> int:
        """Take over what a department says of a part as far as that is right; return how many values changed."""
        combined = self._combined(part, rows)
        said = self._resolved(part, combined)
        before = self._memory.of(part.key, department)
        taken: dict[str, tuple[Any, Place]] = {}
        for field, (value, place) in said.items():
            if self._takes(part, department, field, value, place):
                taken[field] = (get_field(part.values, field), place)
                put_field(part.values, field, value, MODELS[part.kind])
        refused = self._refused(part, taken)
        self._emptied(part, department, combined)
        for field in refused:
            said.pop(field)
        fresh = {field: value for field, (value, _place) in said.items()}
        self._memory.keep(part.key, department, {k: v for k, v in fresh.items() if not equal(before.get(k), v)})
        return len(taken) - len(refused)

    def _combined(self, part: Part, rows: Sequence[Entry]) -> Said:
        """Return what several rows of one department say together; the first one is right where they differ."""
        self._places.setdefault(part, rows[0].places.get("", NOWHERE))
        said: Said = {}
        for row in rows:
            first = row.places.get("", NOWHERE)
            values = {**({"title": row.title} if row.title else {}), **row.values}
            for field, value in values.items():
                place = row.places.get(field, first)
                if field not in said:
                    said[field] = (value, place)
                elif not equal(said[field][0], value):
                    told = _("{other} says {value} of the same; that is kept").format(
                        other=said[field][1], value=shown(said[field][0])
                    )
                    self._tell(place, _("said twice"), value, told, Weight.WARNING)
        if part.kind == "system" and (_is(said, "grading.classified") or get_field(part.values, "grading.classified")):
            # Of a classified system nothing but its existence is kept anywhere.
            kept = {field: each for field, each in said.items() if field in {"title", "grading.classified"}}
            # A sheet that says otherwise is told elsewhere and not remembered: it decides nothing.
            return {field: each for field, each in kept.items() if each[0] is not False}
        return said

    def _resolved(self, part: Part, said: Said) -> Said:
        """Return the same with names in place of the titles of other parts."""
        known: Said = {}
        for field, (value, place) in said.items():
            if field not in references(part.kind):
                known[field] = (value, place)
                continue
            titles = value if isinstance(value, list | tuple) else (value,)
            names = [(str(title), self._meaning(part, field, str(title), place)) for title in titles]
            for title in (title for title, name in names if name is None):
                self._unknown[part, field] = title
                told = _("nothing of this name is known; correct it, or add what it means")
                self._tell(place, _("unknown reference"), title, told, Weight.WARNING)
            found = [name for _title, name in names if name is not None]
            if found:
                known[field] = (found if isinstance(value, list | tuple) else found[0], place)
        return known

    def _takes(self, part: Part, department: str, field: str, value: object, place: Place) -> bool:
        """Return whether a value of a sheet becomes the inventory's; where it does not and differs, tell why."""
        ours = get_field(part.values, field)
        assumed = ours if ours is not None else default_of(MODELS[part.kind], field)
        if field == "grading.classified" and assumed is True:
            return False  # no sheet declassifies
        if equal(assumed, value) or (field == "title" and ours is None and value == part.name):
            return False
        base = self._memory.of(part.key, department)
        owns = part.kind in {"building", "department"} or department == part.department
        if not owns:
            return self._adds(part, department, field, value, place)
        if (field not in base and ours is None) or (field in base and equal(base[field], assumed)):
            return True
        if field in base and equal(base[field], value):
            told = _("changed by hand to {value}, which stays").format(value=shown(assumed))
            self._tell(place, _("kept by hand"), value, told, Weight.NOTE)
            return False
        told = _("the inventory says {value} in {file}, which stays; make one of them agree").format(
            value=shown(assumed), file=part.file
        )
        self._tell(place, _("conflict"), value, told, Weight.ERROR)
        return False

    def _adds(self, part: Part, department: str, field: str, value: object, place: Place) -> bool:
        """Return whether a department that does not own a part may say something of it."""
        ours = get_field(part.values, field)
        base = self._memory.of(part.key, department)
        if ours is None:
            return field not in base
        if field in base and equal(base[field], ours) and field not in self._memory.of(part.key, part.department):
            return True
        if field not in {"title", "survey.number"} and not (field in base and equal(base[field], value)):
            told = _("{department}, whose system it is, says {value}; that is kept").format(
                department=part.department, value=shown(ours)
            )
            self._tell(place, _("reported twice"), value, told, Weight.NOTE)
        return False

    def _refused(self, part: Part, taken: Mapping[str, tuple[Any, Place]]) -> set[str]:
        """Take back what the model refuses, and return the fields; each is told with its cell."""
        refused: set[str] = set()
        while errors := _errors(part):
            reasons = {
                field: reason
                for location, reason in errors.items()
                for field in self._meant(location, taken)
                if field not in refused
            }
            if not reasons:
                break
            for field in sorted(reasons):
                self._take_back(part, field, *taken[field], reasons[field])
            refused |= reasons.keys()
        return refused

    @staticmethod
    def _meant(path: tuple[str, ...], taken: Mapping[str, object]) -> set[str]:
        """Return the fields that were taken at the place of an error; around it, where something is missing there."""
        exact = {field for field in taken if tuple(field.split(".")) == path[: field.count(".") + 1]}
        return exact or {field for field in taken if len(path) > 1 and field.startswith(f"{path[0]}.")}

    def _take_back(self, part: Part, field: str, ours: object, place: Place, reason: str) -> None:
        value = get_field(part.values, field)
        if ours is None:
            drop_field(part.values, field)
        else:
            put_field(part.values, field, ours, MODELS[part.kind])
        told = _("{field} is not taken: {reason}").format(field=_called(part, field), reason=reason)
        self._tell(place, _("left out"), value, told, Weight.ERROR)

    def _emptied(self, part: Part, department: str, said: Said) -> None:
        for field, value in self._memory.of(part.key, department).items():
            if field != "grading.classified" and field not in said and get_field(part.values, field) is not None:
                told = _("the sheet no longer says {field}; it stays").format(field=_called(part, field))
                self._tell(self._places[part], _("no longer said"), value, told, Weight.NOTE)

    def valid(self, part: Part) -> bool:
        """Return whether a part is whole; where a new one is not, tell what its row lacks."""
        errors = _errors(part)
        if errors:
            for path in errors:
                if (title := self._unknown.get((part, ".".join(path)))) is not None:
                    errors[path] = _("nothing of the name '{title}' is known").format(title=title)
            told = _("the whole row is left out: {reasons}").format(reasons="; ".join(errors.values()))
            self._tell(self._places.get(part, NOWHERE), _("left out"), part.title, told, Weight.ERROR)
        return not errors


def _is(said: Said, field: str) -> bool:
    return field in said and said[field][0] is True


def _called(part: Part, field: str) -> str:
    """Return what a field of a part is called to people: as in departments' sheets, where these are spoken to."""
    return label_of(part.kind, field) or field


def _lacks(part: Part, field: str) -> str:
    """Say that a field is missing, and in which column of a sheet it stands with which words."""
    column = catalogue().listing(part.kind).column(field)
    if column is None:
        return _("{field} is missing").format(field=_called(part, field))
    words = "、".join(each[0] for each in column.choices.values())
    said = (
        _("{field} is missing: a column {header} with {words}") if words else _("{field} is missing: a column {header}")
    )
    return said.format(field=_called(part, field), header=column.words[0], words=words)


def _errors(part: Part) -> dict[tuple[str, ...], str]:
    """Return what is wrong with a part's values, by the place in them."""
    try:
        MODELS[part.kind].model_validate(part.values)
    except ValidationError as exc:
        return {
            path: _lacks(part, ".".join(path))
            if error["type"] == "missing"
            else f"{_called(part, '.'.join(path))}: {reason_of(error)}"
            for error in exc.errors()
            if (path := tuple(step for step in error["loc"] if isinstance(step, str)))
        }
    return {}
