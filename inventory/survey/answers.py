"""Departments' answers to the survey: with systems, that they have none, or not at all."""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from inventory.base import Model
from inventory.survey.merging.folder import Folder
from inventory.words import _


class Answer(Model):
    """How one department has answered."""

    department: str
    title: str
    state: Literal["silent", "none", "answered"]
    systems: int = 0
    """Its own systems, and those of others that it reported too."""
    date: str = ""
    """The day of the answer that it has none."""
    source: str = ""
    """Where that stands."""
    reminder: str = ""
    """What may be written to a department that is silent."""


def answers(folder: Folder) -> tuple[Answer, ...]:
    """Return how each department of an inventory has answered, in the inventory's order."""
    systems: Counter[str] = Counter()
    for part in folder.parts:
        if part.kind == "system":
            systems.update({part.department, *part.values.get("also_reported_by", ())})
    told = {
        str(record.get("subject", "")).removeprefix("department:")
        for _file, records in folder.top("records")
        for record in records
        if record.get("kind") == "report"
    }
    return tuple(
        _answer(part.name, part.title, part.values.get("reported_none"), systems[part.name], told=part.name in told)
        for part in folder.parts
        if part.kind == "department"
    )


def _answer(name: str, title: str, none: Mapping[str, object] | None, systems: int, *, told: bool) -> Answer:
    if systems or told:
        return Answer(department=name, title=title, state="answered", systems=systems)
    if none:
        day, source = str(none.get("date", "")), str(none.get("source", ""))
        return Answer(department=name, title=title, state="none", date=day, source=source)
    reminder = _(
        "{title}: your answer to the survey of government information systems has not arrived; please send the sheets, "
        "or the answer that you have no system."
    ).format(title=title)
    return Answer(department=name, title=title, state="silent", reminder=reminder)


def answers_text(found: tuple[Answer, ...]) -> str:
    """Write for people who is silent, with reminders, then who has none, then who has answered."""
    states = ("silent", "none", "answered")
    silent, none, answered = ([each for each in found if each.state == state] for state in states)
    lines = [_("not answered ({number}):").format(number=len(silent))]
    lines += [f"  {each.department}  {each.reminder}" for each in silent]
    lines.append(_("answered that there is none ({number}):").format(number=len(none)))
    lines += [f"  {each.department}  {each.title}  {each.date}  {each.source}" for each in none]
    lines.append(_("answered ({number}):").format(number=len(answered)))
    lines += [
        _("  {department}  {title}  systems: {systems}").format(
            department=each.department, title=each.title, systems=each.systems
        )
        for each in answered
    ]
    return "\n".join(lines)
