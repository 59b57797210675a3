"""Systems that sheets call classified: only that they exist stays, and no sheet takes that back.

An open system that a sheet calls classified is a question, because all that was known of it is removed. That a
classified one is open is a person's act in the inventory (`grading.declassified`); a sheet can only ask for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from inventory.survey.entries import Entry, Place, Weight
from inventory.survey.merging.asking import Answers, Question
from inventory.survey.merging.deciding import Telling
from inventory.survey.merging.fields import get_field, put_field
from inventory.survey.merging.folder import MODELS, Folder, Part
from inventory.survey.merging.memory import Memory
from inventory.words import _

FIELD = "grading.classified"

KEPT = frozenset({"title", FIELD})
"""What is remembered of the rows of a classified system."""


def forget_classified(folder: Folder, memory: Memory) -> None:
    """Forget what sheets said of systems that are classified by now, but that they exist."""
    for part in folder.parts:
        if part.kind == "system" and get_field(part.values, FIELD) is True:
            memory.only(part.key, KEPT)


class Secrecy:
    """Looks at the rows of each system before their values are heard."""

    def __init__(self, folder: Folder, memory: Memory, answers: Answers, tell: Telling) -> None:
        self._folder = folder
        self._memory = memory
        self._answers = answers
        self._tell = tell

    def hears(self, part: Part, reports: Mapping[str, Sequence[Entry]]) -> bool:
        """Return whether rows about a part are heard; what becomes classified is reduced to its existence before."""
        if part.kind != "system":
            return True
        rows = [row for each in reports.values() for row in each]
        if get_field(part.values, FIELD) is True:
            self._asked_to_open(part, rows)
            return True
        claim = next((row for row in rows if row.values.get(FIELD) is True), None)
        if claim is None:
            return True
        # Where nothing is known but that it exists, nothing is lost.
        known = part.values.keys() - {"system", "title", "department", "grading"} or part.values.get("grading")
        if part.new or not known:
            put_field(part.values, FIELD, True, MODELS["system"])  # noqa: FBT003 - the value of a field
        elif not self._agreed(part, claim):
            return False
        else:
            self._seal(part, _place(claim))
        return True

    def _asked_to_open(self, part: Part, rows: Iterable[Entry]) -> None:
        for row in rows:
            if row.values.get(FIELD) is False:
                told = _(
                    "'{name}' stays classified: no sheet declassifies; a person records grading.declassified "
                    "with by, date and reason"
                ).format(name=part.name)
                self._tell(row.places.get(FIELD, _place(row)), _("asks to declassify"), row.title, told, Weight.WARNING)

    def _agreed(self, part: Part, row: Entry) -> bool:
        """Return whether a person agrees that an open system is classified."""
        answer = self._answers.of(
            Question(
                place=row.places.get(FIELD, _place(row)),
                title=part.title,
                told=_("'{name}' is called classified; all but its existence would be removed").format(name=part.name),
                before=_("not classified"),
                after=_("classified"),
                accept=f"classify:{part.name}",
                otherwise=f"open:{part.name}",
                refusing=_("the sheet is wrong"),
            )
        )
        if answer is False:
            told = _("'{name}' stays open; the row is not read, have the sheet corrected").format(name=part.name)
            self._tell(_place(row), _("kept by hand"), part.title, told, Weight.WARNING)
        return answer is True

    def _seal(self, part: Part, place: Place) -> None:
        self._folder.seal(part)
        self._memory.only(part.key, KEPT)
        told = _(
            "'{name}' is classified now: what was known of it is removed here; look after version control, copies and "
            "sheets that were written earlier"
        ).format(name=part.name)
        self._tell(place, _("classified"), part.title, told, Weight.WARNING)
        for other, field in self._mentions(part.name):
            said = _("{name} still names it in {field}").format(name=other.key, field=field)
            self._tell(Place(file=self._folder.folder / other.file), _("classified"), part.title, said, Weight.WARNING)

    def _mentions(self, name: str) -> Iterable[tuple[Part, str]]:
        for other in self._folder.parts:
            for field in ("depends_on", "into", "system", "survey.replaceable_by", "exchange.works_with"):
                value = get_field(other.values, field)
                itself = other.kind == "system" and other.name == name
                if not itself and (value == name or (isinstance(value, list) and name in value)):
                    yield other, field


def _place(row: Entry) -> Place:
    return row.places.get("", Place(file=Path()))
