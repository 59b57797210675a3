"""Merges what survey sheets say into an inventory: new parts are added, values taken over, and hands respected.

For each value three things are compared: what the sheet says, what it said the last time (`survey.lock.json`), and what
stands in the inventory. Who changed something since the last time is heard:

    only the sheet           its value is taken
    only a person            the inventory's value stays, and that is said
    both, differently        the inventory's value stays; a conflict is told
    nobody                   nothing

A department is heard on its own systems; another one that reports the same system only adds what is still missing.
Nothing is ever removed: what sheets no longer say is told and stays. That a system has another title or another owner,
that two are one, that an open one is classified: such changes are questions (`asking.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from inventory.base import Model
from inventory.survey.entries import Entry, Kind, Place, Remark, Weight
from inventory.survey.merging.asking import Answers, Question
from inventory.survey.merging.deciding import Decider, shown
from inventory.survey.merging.fields import put_field
from inventory.survey.merging.folder import MODELS, Change, Folder, Part
from inventory.survey.merging.identifying import UNDECIDED, Identifier
from inventory.survey.merging.identity import folded, may_be
from inventory.survey.merging.matching import Matcher
from inventory.survey.merging.memory import FILE, Memory
from inventory.survey.merging.naming import LIMIT, name_for
from inventory.survey.merging.secrecy import Secrecy, forget_classified
from inventory.survey.merging.telling import word_of
from inventory.words import _

OWNED_BY_NONE: frozenset[Kind] = frozenset({"building", "department"})


class Merged(Model):
    """What an import would do."""

    changes: tuple[Change, ...]
    """The inventory's files that change, and new ones."""
    memory: Change | None
    """The file of what sheets said, where it changes."""
    remarks: tuple[Remark, ...]
    added: Mapping[Kind, int]
    """How many parts of each kind are new."""
    changed: int
    """How many values of parts that were known are new."""
    questions: tuple[Question, ...] = ()
    """What is not decided; nothing of the rows that they are about is written."""
    unheard: tuple[str, ...] = ()
    """Words that answer no question."""

    @property
    def files(self) -> tuple[Change, ...]:
        """Return all that has to be written."""
        return (*self.changes, *((self.memory,) if self.memory is not None else ()))


def merge(folder: Folder, memory: Memory, entries: Sequence[Entry], accepted: Iterable[str] = ()) -> Merged:
    """Merge entries into a folder's documents; `accepted` answers questions. InventoryErrors as `Folder.changes`."""
    before = memory.text()
    forget_classified(folder, memory)
    answers = Answers(accepted)
    merger = _Merger(folder, memory, answers)
    merger.recognise(entries)
    merger.settle()
    merger.missing()
    for word in answers.unheard:
        merger.too_late(word)
    after = memory.text()
    return Merged(
        changes=folder.changes(),
        memory=Change(FILE, before, after) if after != before else None,
        remarks=tuple(merger.remarks),
        added=dict(merger.added),
        changed=merger.changed,
        questions=answers.open,
        unheard=answers.unheard,
    )


class _Merger:
    def __init__(self, folder: Folder, memory: Memory, answers: Answers) -> None:
        self.folder = folder
        self.memory = memory
        self.matcher = Matcher(folder, memory)
        self.remarks: list[Remark] = []
        self.added: dict[Kind, int] = defaultdict(int)
        self.changed = 0
        self._identifier = Identifier(self.matcher, memory, answers, self.remark, self.title_of)
        self._secrecy = Secrecy(folder, memory, answers, self.remark)
        self._taken = self._names_taken()
        self._silent: list[tuple[Part, Entry]] = []
        self._rows: dict[Part, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        self._heard: set[tuple[Kind, str]] = set()
        self._rooms: dict[str, list[Part]] = defaultdict(list)
        for part in folder.parts:
            if part.kind == "room":
                self._rooms[part.department].append(part)

    def _names_taken(self) -> dict[str, set[str]]:
        taken: dict[str, set[str]] = defaultdict(set)
        for part in self.folder.parts:
            taken[part.kind].add(part.name)
        for keys in (("devices",), ("vantages",), ("centre", "hosts")):
            for _file, members in self.folder.top("network", *keys):
                taken["host"] |= {str(each.get("name")) for each in members}
        return taken

    def remark(self, place: Place, column: str, read: object, expected: str, weight: Weight) -> None:
        """Tell of something; `column` says of what kind it is."""
        self.remarks.append(Remark(place=place, column=column, read=shown(read), expected=expected, severity=weight))

    # Which part each row speaks of.

    def recognise(self, entries: Iterable[Entry]) -> None:
        """Find the part of each row, or add it."""
        order = {kind: number for number, kind in enumerate(MODELS)}
        owned: list[tuple[Entry, str]] = []
        for row in sorted(entries, key=lambda row: order[row.kind]):
            if row.kind in OWNED_BY_NONE:
                self.assign(row, "")
            elif row.department:
                owned.append((row, self.department(row).name))
            else:
                said = _("no department is named in the row, in the sheet's title or in the name of the file")
                self.remark(_place(row), _("left out"), row.title, said, Weight.ERROR)
        for row, owner in owned:
            self.matcher.expect(row, owner)
        for row, owner in owned:
            self.assign(row, owner)
        self.take_replies()

    def assign(self, row: Entry, owner: str) -> None:
        """Find the part that a row speaks of, or add it."""
        self._heard.add((row.kind, owner))
        found = self._identifier.part_of(row, owner)
        if found is not UNDECIDED:
            part = found if isinstance(found, Part) else self.new(row, owner)
            self.matcher.claim(part, row)
            self._rows[part][owner].append(row)
            if row.reported_none:
                self._silent.append((part, row))

    def take_replies(self) -> None:
        """Record of departments that replied so that they have no system; where the inventory has one, ask."""
        owners = {part.department for part in self.folder.parts if part.kind == "system"}
        for part, row in self._silent:
            if part.name in owners:
                said = _("the inventory has systems of this department; the reply that there is none is not recorded")
                self.remark(_place(row), _("left out"), row.title, said, Weight.WARNING)
            elif not part.values.get("reported_none"):
                reply = {"date": date.today().isoformat(), "source": row.reported_none}  # noqa: DTZ011 - a day here
                put_field(part.values, "reported_none", reply, MODELS["department"])
                self.changed += not part.new

    def department(self, row: Entry) -> Part:
        """Return the department that a row names, which is added if it is new."""
        named = Entry(kind="department", name="", title=row.department, department="", places={"": _place(row)})
        found = self.matcher.find(named, "")
        return found.part if found is not None else self.unlisted("department", row.department, "", _place(row))

    def unlisted(self, kind: Kind, title: str, owner: str, place: Place) -> Part:
        """Add a part that no row lists and something names; tell of it, and of another one that it may be."""
        department = self.title_of(owner) if owner else ""
        part = self.new(Entry(kind=kind, name="", title=title, department=department, places={"": place}), owner)
        if kind in {"room", "building"}:
            # A column of departments or offices lists them; a place is perhaps only described.
            said = _("no sheet lists it; {kind} '{name}' is added").format(kind=word_of(kind), name=part.name)
            self.remark(place, _("added"), title, said, Weight.NOTE)
        return part

    def _alike(self, part: Part, place: Place) -> None:
        """Tell of a department that is known under a title which may be another one's for a new one."""
        others = (each.title for each in self.folder.parts if each.kind == "department" and each is not part)
        if (other := next((each for each in others if may_be(each, part.title)), None)) is not None:
            said = _("if it is '{other}', write one title, or in a mapping file departments: {{{title}: {other}}}")
            told = said.format(other=other, title=part.title)
            self.remark(place, _("perhaps the same department"), part.title, told, Weight.WARNING)

    def title_of(self, department: str) -> str:
        """Return the title of a department, by its name."""
        part = self.matcher.named("department", department)
        return part.title if part is not None else department

    def new(self, row: Entry, owner: str) -> Part:
        """Add the part that a row speaks of."""
        holder = self.holder(row, owner)
        values: dict[str, Any] = {"system" if row.kind == "system" else "name": self.name(row, owner)}
        if row.title and (row.title != row.name or MODELS[row.kind].model_fields["title"].is_required()):
            values["title"] = row.title
        if row.kind in {"system", "line", "resource", "request"}:
            values["department"] = owner
        part = Part(row.kind, values, owner, holder, new=True)
        self.folder.parts.append(part)
        self.matcher.know(part, row)
        self.added[row.kind] += 1
        if row.kind == "room":
            self._rooms[owner].append(part)
        if row.kind == "department":
            self._alike(part, _place(row))
        return part

    def holder(self, row: Entry, owner: str) -> Part | None:
        """Return what a new part is put into: its department, or a room of it."""
        if row.kind in {"office", "unit", "room", "demand"}:
            return self.matcher.named("department", owner)
        if row.kind not in {"host", "asset"}:
            return None
        rooms = self._rooms[owner]
        if row.holder:
            room = self.matcher.titled("room", row.holder, owner)
            if room is not None and room.department == owner:
                return room
        elif rooms:
            if len(rooms) > 1:
                said = _("no machine room is named; it is put into '{room}'").format(room=rooms[0].title)
                self.remark(_place(row), _("assumed"), row.title, said, Weight.WARNING)
            return rooms[0]
        return self.unlisted("room", row.holder or _("machine room"), owner, _place(row))

    def name(self, row: Entry, owner: str) -> str:
        """Return a name that no other part of the kind bears."""
        taken = self._taken[row.kind]
        name = row.name
        if not name or name in taken:
            name = name_for(row.title or _request_title(row), (), row.kind)
            # Many departments have an office, a room or a UPS of the same title.
            held = f"{owner}-{name}" if row.kind in {"office", "room", "asset", "demand"} else name
            # Two titles that only sound alike get names that differ by sense.
            alone = row.kind == "system" and next(self.matcher.elsewhere(row, ""), None) is None
            told = row.title if row.kind == "department" or alone else held
            name = name_for(told if row.title == told or len(told) <= LIMIT else name, taken)
        taken.add(name)
        return name

    # What becomes of the values.

    def settle(self) -> None:
        """Take over what is to be taken, and put the new parts where they belong."""
        decider = Decider(self.memory, self.remark, self.meant)
        for part, reports in list(self._rows.items()):
            if not self._secrecy.hears(part, reports):
                continue
            # The owner is heard first, so that others only add to what it says.
            for department in sorted(reports, key=lambda each: each != part.department):
                new = part.new
                count = decider.hear(part, department, reports[department])
                self.changed += 0 if new else count
            if not decider.valid(part):
                self.folder.parts.remove(part)
                self.added[part.kind] -= 1
        self.folder.settle()

    def meant(self, part: Part, field: str, title: str, place: Place) -> str | None:
        """Return the name of what a reference means; None where there is nothing of that title."""
        kind = _REFERRED.get(field)
        if kind is None:
            return self.named_above(field, title)
        found = self.matcher.named(kind, title) or self.matcher.titled(kind, title, part.department)
        if found is None and kind == "building":
            found = self.unlisted("building", title, "", place)
        elif found is None and kind == "office":
            found = self.unlisted("office", title, part.department, place)
        elif found is None and field == "into":
            return self.named_above(field, title)
        return found.name if found is not None else None

    def named_above(self, field: str, title: str) -> str | None:
        """Return the name of what no survey lists: domains, platforms, devices."""
        for keys in _ABOVE[field]:
            for _file, members in self.folder.top(*keys):
                for each in members:
                    if folded(title) in {folded(str(each.get("name", ""))), folded(str(each.get("title", "")))}:
                        return str(each["name"])
        return None

    def missing(self) -> None:
        """Tell of parts that sheets have listed before and now do not."""
        by_key = {part.key: part for part in self.folder.parts}
        for key, department, _said in self.memory.each():
            part = by_key.get(key)
            if part is None or department in self._rows.get(part, {}) or part in self._identifier.asked:
                continue
            if (part.kind, department) not in self._heard or department not in {part.department, ""}:
                continue
            said = _("the sheets of {department} no longer list '{name}'; it stays until you remove it").format(
                department=self.title_of(department) or part.title, name=part.name
            )
            place = Place(file=self.folder.folder / part.file)
            self.remark(place, _("no longer listed"), part.title, said, Weight.WARNING)

    def too_late(self, word: str) -> None:
        """Tell how a system is joined or renamed that has become one of its own by an import before the answer."""
        kind, _colon, rest = word.partition(":")
        name, _sign, said = rest.partition("=")
        asked = self.matcher.named("system", name)
        if asked is None or kind not in {"join", "rename"} or not said:
            return
        title, owner = (asked.title, said) if kind == "join" else (said, asked.department)
        own = self.matcher.titled("system", title, owner)
        if own is None or own is asked or own.department != owner:
            return
        told = _("'{name}' is kept as a system of its own by now: if both are one, remove it here and import again so")
        place = Place(file=self.folder.folder / own.file)
        self.remark(place, _("answered too late"), own.title, told.format(name=own.name), Weight.WARNING)


_REFERRED: Mapping[str, Kind] = {
    "building": "building",
    "office": "office",
    "system": "system",
    "resource": "resource",
    "into": "system",
    "depends_on": "system",
    "survey.replaceable_by": "system",
    "exchange.works_with": "system",
}
"""Of which kind of part a field names another."""

_ABOVE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "domain": (("network", "domains"),),
    "gateway": (("network", "devices"),),
    "library": (("platforms",),),
    "into": (("platforms",),),
}


def _place(row: Entry) -> Place:
    return row.places.get("", Place(file=Path()))


def _request_title(row: Entry) -> str:
    return " ".join(str(row.values[key]) for key in ("resource", "asked") if key in row.values)
