"""Decides of which part a row speaks, and asks where that would rename a system, join two, or change its owner."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Literal

from inventory.survey.entries import Entry, Place, Weight
from inventory.survey.merging.asking import Answers, Question, option
from inventory.survey.merging.deciding import Telling
from inventory.survey.merging.fields import get_field, put_field
from inventory.survey.merging.folder import MODELS, Part
from inventory.survey.merging.identity import agrees, contradicts, folded, generic, running
from inventory.survey.merging.matching import Matcher
from inventory.survey.merging.memory import Memory
from inventory.words import _


class Undecided(Enum):
    """That a question about a row is open."""

    UNDECIDED = "undecided"


UNDECIDED = Undecided.UNDECIDED

Outcome = Part | None | Literal[Undecided.UNDECIDED]


class Identifier:
    """Finds the part of each row; what a person has to agree to is asked."""

    def __init__(
        self, matcher: Matcher, memory: Memory, answers: Answers, tell: Telling, title_of: Callable[[str], str]
    ) -> None:
        self._matcher = matcher
        self._memory = memory
        self._answers = answers
        self._tell = tell
        self._title_of = title_of
        self.asked: set[Part] = set()
        """The parts of the inventory that open questions are about."""

    def part_of(self, row: Entry, owner: str) -> Outcome:
        """Return the part that a row of a department speaks of; none where it is a new one."""
        found = self._matcher.find(row, owner)
        if found is not None:
            return self._renamed(found.part, row, owner) if found.renamed else found.part
        if row.kind != "system":
            return None
        perhaps: Part | None = None
        for part in self._matcher.elsewhere(row, owner):
            outcome = self._other(part, row, owner)
            if outcome is not None:
                return outcome
            perhaps = perhaps or part
        if perhaps is not None:
            self._twice(perhaps, row, owner)
        if (dropped := self._dropped(row, owner)) is not None:
            return self._renamed(dropped, row, owner)
        return self._perhaps_renamed(row, owner)

    # A system of the department itself.

    def _renamed(self, part: Part, row: Entry, owner: str) -> Outcome:
        place = row.places.get("title", _place(row))
        answer = self._answers.of(
            Question(
                place=place,
                title=row.title,
                told=_("the system that is kept as '{name}' has another title now").format(name=part.name),
                before=part.title,
                after=row.title,
                accept=f"rename:{part.name}={row.title}",
                otherwise=f"new:{part.name}={row.title}",
                refusing=_("it is another system"),
            )
        )
        if answer is None:
            self.asked.add(part)
            return UNDECIDED
        return self._rename(part, row, owner) if answer else None

    def _dropped(self, row: Entry, owner: str) -> Part | None:
        """Return the system that a row perhaps renames: the department lists it no more, and it did the same."""
        here = folded(str(row.values.get("survey.function", "")))
        for part in self._matcher.dropped(owner) if here and not generic(here) else ():
            there = self._matcher.said(part)
            if folded(str(there.get("survey.function", ""))) == here and not contradicts(there, row.values):
                return part
        return None

    def _rename(self, part: Part, row: Entry, owner: str) -> Part:
        # A person agreed to the new title: the one that stands there is no change by hand.
        self._memory.keep(part.key, owner, {"title": part.title})
        told = _("'{before}' is called '{after}' now").format(before=part.title, after=row.title)
        self._tell(_place(row), _("renamed"), row.title, told, Weight.NOTE)
        return part

    def _perhaps_renamed(self, row: Entry, owner: str) -> Part | None:
        """Return the system that a row renames where its number only counts and a person says so."""
        number = row.values.get("survey.number")
        part = self._matcher.numbered(owner, number) if number and running(number) else None
        if part is None or get_field(part.values, "title") == row.title:
            return None
        word = f"rename:{part.name}={row.title}"
        if self._answers.given(word):
            return self._rename(part, row, owner)
        said = _("number {number} was '{before}' before; this is added as another system; if it was renamed: {option}")
        told = said.format(number=number, before=part.title, option=option(word))
        self._tell(_place(row), _("number taken"), row.title, told, Weight.WARNING)
        return None

    # A system of another department.

    def _other(self, part: Part, row: Entry, owner: str) -> Outcome:
        """Return a system of another department where a row speaks of it; none where it does not."""
        said = self._matcher.said(part)
        if self._answers.given(f"join:{part.name}={owner}"):
            return self._join(part, row, owner)
        if self._answers.given(f"apart:{part.name}={owner}"):
            return None
        moved = not part.new and self._matcher.lists(part.department) and not self._matcher.lists(part.department, part)
        alike = agrees(said, row.values, row.title)
        if moved and (alike or not (generic(row.title) or contradicts(said, row.values))):
            return self._owner(part, row, owner)
        return self._same(part, row, owner) if alike else None

    def _owner(self, part: Part, row: Entry, owner: str) -> Outcome:
        before = part.department
        said = _("the sheets of {before} no longer list '{name}', those of {after} do").format(
            before=self._title_of(before), name=part.name, after=self._title_of(owner)
        )
        answer = self._answers.of(self._about(part, row, owner, "owner", said))
        if answer is None:
            self.asked.add(part)
            return UNDECIDED
        if not answer:
            return None
        part.values["department"] = part.department = owner
        others = [each for each in part.values.get("also_reported_by", ()) if each != owner]
        if "also_reported_by" in part.values:
            put_field(part.values, "also_reported_by", others, MODELS["system"])
        self._memory.move(part.key, before, owner)
        self._matcher.know(part)
        told = _("'{name}' is {after}'s now; it was {before}'s").format(
            name=part.name, before=self._title_of(before), after=self._title_of(owner)
        )
        self._tell(_place(row), _("owner changed"), row.title, told, Weight.NOTE)
        return part

    def _same(self, part: Part, row: Entry, owner: str) -> Outcome:
        said = _("{before} reports a system of this title too, and what both say of it agrees").format(
            before=self._title_of(part.department)
        )
        answer = self._answers.of(self._about(part, row, owner, "join", said))
        if answer is None:
            self.asked.add(part)
            return UNDECIDED
        return self._join(part, row, owner) if answer else None

    def _about(self, part: Part, row: Entry, owner: str, kind: Literal["owner", "join"], told: str) -> Question:
        before, after = self._title_of(part.department), self._title_of(owner)
        return Question(
            place=row.places.get("title", _place(row)),
            title=row.title,
            told=_("{title}: {told}").format(title=row.title, told=told),
            before=before
            if kind == "owner"
            else _("a system of each: {before}, {after}").format(before=before, after=after),
            after=after if kind == "owner" else _("one system, of {before}").format(before=before),
            accept=f"{kind}:{part.name}={owner}",
            otherwise=f"apart:{part.name}={owner}",
            refusing=_("there are two systems"),
        )

    def _join(self, part: Part, row: Entry, owner: str) -> Part:
        reported = [*part.values.get("also_reported_by", ()), owner]
        put_field(part.values, "also_reported_by", reported, MODELS["system"])
        self._matcher.know(part)
        said = _("{department} reports the same system; it is kept once, as '{name}'").format(
            department=self._title_of(part.department), name=part.name
        )
        self._tell(_place(row), _("reported twice"), row.title, said, Weight.NOTE)
        return part

    def _twice(self, part: Part, row: Entry, owner: str) -> None:
        """Tell that another department has a system of the same title, which is another one."""
        word = f"join:{part.name}={owner}"
        if generic(row.title):
            said = _("{department} has one of this title too ('{name}'); both are kept, perhaps as shadows")
        else:
            said = _("{department} reports one of this title too ('{name}'); both are kept; if they are one: {option}")
        told = said.format(department=self._title_of(part.department), name=part.name, option=option(word))
        self._tell(_place(row), _("perhaps reported twice"), row.title, told, Weight.WARNING)


def _place(row: Entry) -> Place:
    return row.places.get("", Place(file=Path()))
