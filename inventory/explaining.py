"""Why a system or a line is dealt with as it is: the rule, its facts with their places, its clause, and the rest.

UnknownUnit        no system and no line has the name or title that was asked for, or several have that title
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from rapidfuzz import fuzz

from inventory.base import Model
from inventory.checks.checking import examine
from inventory.dispositions.decisions import (
    MOVES,
    Opinion,
    disposition_of,
    line_opinions,
    opinions,
)
from inventory.dispositions.shadows import Candidate, shadow_candidates
from inventory.dispositions.zombies import Verdict
from inventory.errors import ZhengheError
from inventory.files.gathering import Cursor
from inventory.files.reading import Mapping as MappingNode
from inventory.files.reading import Scalar
from inventory.files.shapes import Draft, is_system, read_draft
from inventory.findings import Finding, InventoryErrors, Severity
from inventory.kinds import Kind
from inventory.model import Line, System
from inventory.obligations.clauses import Clause, clause_of
from inventory.survey.text import folded
from inventory.words import _

Kinds = Mapping[str, Kind]

MANY = 12
"""So many names are told where none is near."""

NEAR = 50
"""From which likeness on, of 100, a name or title is near another one."""


class UnknownUnit(ZhengheError, LookupError):
    """No system and no line is called like this, or several are; carries the names that are near."""

    def __init__(self, reason: str, mend: str, near: tuple[str, ...]) -> None:
        self.reason, self.mend, self.near = reason, mend, near
        super().__init__(_("{reason}; {mend}").format(reason=reason, mend=mend))


class Fact(Model):
    """A field that a rule rests on, as it was written; nothing, where it was not."""

    field: str
    value: str | None
    place: str
    """file:line of the value; of what should hold it, where it is missing."""


class Shadow(Model):
    """Another system that may do the same."""

    system: str
    title: str
    score: float
    shared: tuple[str, ...]
    place: str


class Apart(Model):
    """Another system that looks alike, and that a person found to do something else."""

    system: str
    reason: str
    date: str
    place: str


class Explanation(Model):
    """What becomes of a system or a line, and why."""

    kind: str
    """system or line"""
    name: str
    title: str
    place: str
    disposition: str
    rule: str
    by_hand: bool
    reason: str
    clause: Clause | None
    profile: str
    """The plan that the programme follows; a clause may be another plan's where this one has none."""
    facts: tuple[Fact, ...]
    others: tuple[Opinion, ...]
    """What the rules say that did not decide, in the order in which they are asked."""
    shadows: tuple[Shadow, ...] = ()
    apart: tuple[Apart, ...] = ()
    """What was found to be none of its shadows."""
    missing: tuple[Finding, ...] = ()
    """What is wrong with it or missing to move it."""


class Surveyed:
    """The systems and lines of an inventory that can be read at all, with their places."""

    def __init__(self, draft: Draft) -> None:
        self.systems = {system.system: (cursor, system) for cursor, system in draft.shapes.systems}
        rest = [document for document in draft.documents if not is_system(document)]
        # A list that holds a fault was not read as a whole; its lines have to be mended first.
        lines = {line.name: line for line in draft.shapes.network.get("lines", ())}
        places = {cursor.text("name"): cursor for document in rest for cursor in document.each("network", "lines")}
        self.lines = {name: (places[name], line) for name, line in lines.items()}
        self.profile = next((text for document in rest if (text := document.text("profile")) is not None), "")
        self.titles = {
            **{name: line.title for name, line in lines.items()},
            **{name: system.title for name, (_cursor, system) in self.systems.items()},
        }
        """Titles by name; systems win where a line has the same name."""
        self.departments = {
            name: cursor.text("title") or ""
            for document in rest
            for cursor in document.each("departments")
            if (name := cursor.text("name")) is not None
        }

    def titled(self, title: str) -> tuple[str, ...]:
        """Return the names of the systems that bear a title; of the lines, where no system does."""
        found = [name for name, each in self.titles.items() if folded(title) and folded(each) == folded(title)]
        return tuple(name for name in found if name in self.systems) or tuple(found)

    def near(self, word: str) -> tuple[str, ...]:
        """Return the names of those whose name or title is nearest to a word, the nearest first; at most three."""
        asked = folded(word)
        scores = {
            name: max(fuzz.ratio(asked, folded(each)) for each in (name, title)) for name, title in self.titles.items()
        }
        inside = {name for name, title in self.titles.items() if title and folded(word) in folded(title)}
        best = sorted(scores, key=lambda name: (name not in inside, -scores[name], name))
        return tuple(name for name in best if name in inside or scores[name] >= NEAR)[:3]

    def called(self, name: str) -> str:
        """Return a name with the title that it stands for, and whose it is where others bear the title too."""
        title = self.titles.get(name, "")
        if not title or title == name:
            return name
        owner = self.owner(name) if len(self.titled(title)) > 1 else ""
        return (
            _("{name} ({title}, {owner})").format(name=name, title=title, owner=owner) if owner else f"{name} ({title})"
        )

    def owner(self, name: str) -> str:
        """Return the title of the department that a system or a line belongs to."""
        found = self.systems[name][1].department if name in self.systems else self.lines[name][1].department
        return self.departments.get(found) or found


def explain(folder: Path, name: str, kinds: Kinds, day: date | None = None) -> Explanation:
    """Explain a system or a line of a folder by its name or title; a system is meant where both have the name.

    An exemption that is over is told where a day is given.

    UnknownUnit where there is none, InventoryErrors where it is written so that it cannot be read.
    """
    draft = read_draft(folder)
    surveyed = Surveyed(draft)
    titled = surveyed.titled(name)
    if len(titled) == 1 and name not in {*surveyed.systems, *surveyed.lines}:
        name = titled[0]
    if name in surveyed.systems:
        return _of_system(surveyed, name, kinds, examine(draft, kinds, day=day).findings)
    if name in surveyed.lines:
        return _of_line(surveyed, name, examine(draft, kinds, day=day).findings)
    if draft.findings and not titled:
        raise InventoryErrors(draft.findings)
    raise _unknown(surveyed, name, titled)


def _unknown(surveyed: Surveyed, name: str, titled: tuple[str, ...]) -> UnknownUnit:
    """Return the error that tells which names are meant perhaps; `titled` are those that bear the very title."""
    near = titled or surveyed.near(name)
    told = [surveyed.called(each) for each in near or sorted(surveyed.titles)]
    words = _(", ").join((*told[:MANY], *(["…"] if len(told) > MANY else [])))
    if titled:
        reason, mend = _("several are called '{name}'"), _("give the name of one: {names}")
    elif near:
        reason, mend = _("no system and no line is called '{name}'"), _("did you mean {names}?")
    else:
        reason, mend = _("no system and no line is called '{name}'"), _("there are: {names}")
    return UnknownUnit(reason.format(name=name), mend.format(names=words), near)


def _of_system(surveyed: Surveyed, name: str, kinds: Kinds, findings: tuple[Finding, ...]) -> Explanation:
    cursor, system = surveyed.systems[name]
    decision = disposition_of(system, kinds, surveyed.profile)
    said = opinions(system, kinds, surveyed.profile)
    deciding = next(each for each in said if each.rule == decision.rule)
    by_hand = ("disposition", "override") if decision.by_hand else ()
    about = _about(cursor, findings)
    return Explanation(
        kind="system",
        name=name,
        title=system.title,
        place=_place(cursor),
        disposition=decision.disposition,
        rule=decision.rule,
        by_hand=decision.by_hand,
        reason=decision.reason,
        clause=clause_of(decision.clause),
        profile=surveyed.profile,
        facts=tuple(_fact(cursor, field) for field in (*by_hand, *deciding.fields)),
        others=said if decision.by_hand else tuple(each for each in said if each is not deciding),
        shadows=_shadows(surveyed, system),
        apart=tuple(_apart(surveyed, name)),
        missing=about if decision.disposition in MOVES else tuple(each for each in about if _stands_anyway(each)),
    )


def _stands_anyway(finding: Finding) -> bool:
    """Return whether a finding matters to a system that does not move."""
    return finding.severity is Severity.ERROR or finding.rule == "disposition"


def _of_line(surveyed: Surveyed, name: str, findings: tuple[Finding, ...]) -> Explanation:
    cursor, line = surveyed.lines[name]
    said = line_opinions(line, surveyed.profile)
    deciding = next(each for each in said if each.verdict is Verdict.APPLIES)
    return Explanation(
        kind="line",
        name=name,
        title=_line_title(line),
        place=_place(cursor),
        disposition=deciding.disposition,
        rule=deciding.rule,
        by_hand=False,
        reason=deciding.reason,
        clause=clause_of(deciding.clause),
        profile=surveyed.profile,
        facts=tuple(_fact(cursor, field) for field in deciding.fields),
        others=tuple(each for each in said if each is not deciding),
        missing=_about(cursor, findings),
    )


def _line_title(line: Line) -> str:
    known = f"{line.kind}, {line.department}"
    return f"{line.title} ({known})" if line.title else known


def _place(cursor: Cursor) -> str:
    return f"{cursor.file}:{cursor.spot.line}"


def _fact(cursor: Cursor, field: str) -> Fact:
    """Return a field's value as written and its place; the nearest place above it where it is not written."""
    found, nearest = cursor, cursor
    for key in field.split("."):
        child = nearest.at(key) if found is nearest else None
        if child is None:
            return Fact(field=field, value=None, place=_place(nearest))
        found = nearest = child
    return Fact(field=field, value=_shown(found), place=_place(found))


def _shown(cursor: Cursor) -> str:
    value = cursor.node.plain
    if isinstance(value, list):
        return ", ".join(_named(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def _named(value: object) -> str:
    """Return a member of a list in short: a component by its name and kind."""
    if isinstance(value, dict) and "name" in value:
        return f"{value['name']} ({value['kind']})" if "kind" in value else str(value["name"])
    return str(value)


def _about(cursor: Cursor, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings inside one system or line."""
    first, last = cursor.spot.line, max(_lines(cursor))
    inside = (each for each in findings if each.file == cursor.file and first <= each.line <= last)
    return tuple(each for each in inside if each.field.startswith(cursor.field))


def _lines(cursor: Cursor) -> Iterator[int]:
    """Yield the lines on which a value and all that is in it begin."""
    yield cursor.spot.line
    node = cursor.node
    if isinstance(node, Scalar):
        return
    for step in list(node.items) if isinstance(node, MappingNode) else range(len(node.items)):
        if (child := cursor.at(step)) is not None:
            yield from _lines(child)


def _shadows(surveyed: Surveyed, system: System) -> tuple[Shadow, ...]:
    everyone = [each for _cursor, each in surveyed.systems.values()]
    places = {name: _place(cursor) for name, (cursor, _system) in surveyed.systems.items()}
    candidates = shadow_candidates(everyone, surveyed.departments, places)
    return tuple(_shadow(surveyed, system, each) for each in candidates if system.system in each.systems)


def _shadow(surveyed: Surveyed, system: System, candidate: Candidate) -> Shadow:
    mine = candidate.systems.index(system.system)
    other = candidate.systems[1 - mine]
    return Shadow(
        system=other,
        title=surveyed.systems[other][1].title,
        score=candidate.score,
        shared=candidate.shared,
        place=candidate.places[1 - mine],
    )


def _apart(surveyed: Surveyed, name: str) -> Iterator[Apart]:
    """Yield what one of two systems says of the other, whichever of the two it is."""
    for holder, (cursor, system) in surveyed.systems.items():
        for place, said in zip(cursor.each("no_shadow_of"), system.no_shadow_of, strict=True):
            if name in {holder, said.system}:
                other = said.system if holder == name else holder
                yield Apart(system=other, reason=said.reason, date=said.date.isoformat(), place=_place(place))
