"""Matching a row of a sheet with a part of the inventory: by its identifier, title, number or address."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from inventory.survey.entries import Entry, Kind
from inventory.survey.merging.fields import get_field
from inventory.survey.merging.folder import Folder, Part
from inventory.survey.merging.identity import folded, running
from inventory.survey.merging.memory import Memory


class Found(NamedTuple):
    """The part of its own department that a row speaks of."""

    part: Part
    renamed: bool = False
    """Whether it is a system that was known under other titles only."""


class Matcher:
    """Finds parts for rows, those that were added by earlier rows included."""

    def __init__(self, folder: Folder, memory: Memory) -> None:
        self._names: dict[tuple[Kind, str], Part] = {}
        self._titles: dict[tuple[Kind, str, str], list[Part]] = defaultdict(list)
        self._everywhere: dict[tuple[Kind, str], list[Part]] = defaultdict(list)
        self._addresses: dict[tuple[str, str], Part] = {}
        self._numbers: dict[tuple[str, str], list[Part]] = defaultdict(list)
        self._calls: dict[tuple[Part, str], set[str]] = defaultdict(set)
        self._rows: dict[Part, list[Entry]] = defaultdict(list)
        self._listed: dict[str, set[str]] = defaultdict(set)
        self._own: dict[str, list[Part]] = defaultdict(list)
        for part in folder.parts:
            self.know(part)
        keys = {part.key: part for part in folder.parts}
        for key, department, said in memory.each():
            if (found := keys.get(key)) is not None and (title := said.get("title")):
                self._title(found, department, str(title))

    def expect(self, row: Entry, department: str) -> None:
        """Take into account that a row of a department is going to be looked for."""
        if row.kind == "system":
            self._listed[department] |= {folded(row.title), row.name} - {""}

    def lists(self, department: str, part: Part | None = None) -> bool:
        """Return whether a department lists a part in this round; any system at all where no part is given."""
        listed = self._listed.get(department, set())
        return bool(listed) if part is None else bool(listed & self._called(part, department))

    def dropped(self, department: str) -> Iterator[Part]:
        """Yield the systems of a department that its rows of this round list no more, where they list any."""
        if self.lists(department):
            yield from (part for part in self._own[department] if not self.lists(department, part))

    def _called(self, part: Part, department: str) -> set[str]:
        """Return all that a department has ever called a part."""
        return self._calls[part, department] | {part.name}

    def know(self, part: Part, row: Entry | None = None) -> None:
        """Take a part into account, one that a row has added with that row."""
        self._names.setdefault((part.kind, part.name), part)
        if part.kind == "system" and not part.new and part not in self._own[part.department]:
            self._own[part.department].append(part)
        for owner in (part.department, *part.values.get("also_reported_by", ())):
            self._title(part, owner, part.name)
            self._title(part, owner, part.title)
        for title in part.values.get("also_called", ()):
            self._title(part, part.department, str(title))
        if row is not None:
            self._title(part, part.department, row.title)
            self._address(part, row.values.get("address"))
        self._address(part, part.values.get("address"))
        if number := get_field(part.values, "survey.number"):
            self._numbers[part.department, str(number)].append(part)

    def claim(self, part: Part, row: Entry) -> None:
        """Remember that a row speaks of a part."""
        self._rows[part].append(row)

    def _title(self, part: Part, department: str, title: str) -> None:
        self._calls[part, department].add(folded(title))
        for found in (
            self._titles[part.kind, department, folded(title)],
            self._everywhere[part.kind, folded(title)],
        ):
            if title and part not in found:
                found.append(part)

    def _address(self, part: Part, address: object) -> None:
        if part.kind == "host" and address:
            self._addresses.setdefault((part.department, str(address)), part)

    def named(self, kind: Kind, name: str) -> Part | None:
        """Return the part of a kind with a name."""
        return self._names.get((kind, name))

    def titled(self, kind: Kind, title: str, department: str) -> Part | None:
        """Return the part that a reference means: in the department itself, or the only one of its title."""
        own = self._titles.get((kind, department, folded(title))) or []
        every = self._everywhere.get((kind, folded(title))) or []
        if own:
            return own[0]
        return every[0] if len(every) == 1 else None

    def find(self, row: Entry, department: str) -> Found | None:
        """Return the part of a department that a row speaks of; None where there is none yet."""
        by_name = self.named(row.kind, row.name) if row.name else None
        if by_name is not None and department in {by_name.department, *by_name.values.get("also_reported_by", ())}:
            return Found(by_name, self._renamed(by_name, row, department))
        number = row.values.get("survey.number")
        same = [part for part in self._titles.get((row.kind, department, folded(row.title)), ()) if row.title]
        same = [part for part in same if self._held(part, row)]
        exact = [part for part in same if number and self._number(part) == number]
        if exact or same:
            part = next((part for part in (*exact, *same) if not self._otherwise(part, number)), None)
            return None if part is None else Found(part)
        # A number that only counts rows is given to another system as soon as a row is put in above it.
        if number and not running(number) and (numbered := self.numbered(department, number)) is not None:
            return Found(numbered, self._renamed(numbered, row, department))
        address = str(row.values.get("address", ""))
        host = self._addresses.get((department, address)) if row.kind == "host" else None
        return None if host is None else Found(host)

    def _renamed(self, part: Part, row: Entry, department: str) -> bool:
        return row.kind == "system" and bool(row.title) and folded(row.title) not in self._called(part, department)

    def _held(self, part: Part, row: Entry) -> bool:
        # Two rooms of a department may each have a "UPS"; where the sheet names no room, any will do.
        return row.kind != "asset" or not row.holder or part.holder is None or self._named_so(part.holder, row.holder)

    @staticmethod
    def _named_so(part: Part, title: str) -> bool:
        return folded(title) in {folded(part.title), folded(part.name)}

    def _number(self, part: Part) -> Any:
        return self.said(part).get("survey.number")

    def _otherwise(self, part: Part, number: object) -> bool:
        """Return whether another row of this round has spoken of a part under another number."""
        claimed = {row.values.get("survey.number") for row in self._rows[part]} - {None}
        return bool(number and claimed and number not in claimed)

    def numbered(self, department: str, number: object) -> Part | None:
        """Return the part that a department keeps under a number, and that no other row lists under its title."""
        # Who gives numbers anew lists the numbered part under its title; only who renames a system does not.
        known = (part for part in self._numbers[department, str(number)] if not self._rows[part])
        return next((part for part in known if not self.lists(department, part)), None)

    def elsewhere(self, row: Entry, department: str) -> Iterator[Part]:
        """Yield the systems of other departments that bear the title of a row."""
        for part in self._everywhere.get(("system", folded(row.title)), ()):
            if row.title and part.department != department:
                yield part

    def said(self, part: Part) -> Mapping[str, object]:
        """Return what is known of a system so far: by the rows of this round, by the inventory where these say nothing.

        Fields go by their dotted paths.
        """
        known = {path: get_field(part.values, path) for path in _TELLING}
        for row in reversed(self._rows[part]):
            known.update({path: value for path in _TELLING if (value := row.values.get(path))})
        return known


_TELLING = ("survey.number", "survey.function", "survey.builder", "survey.approved", "grading.record")
"""The fields by which systems are told apart."""
