"""Which part of the inventory a row of a sheet speaks of: by its identifier, number, title or address."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from inventory.survey.entries import Entry, Kind
from inventory.survey.merging.fields import get_field
from inventory.survey.merging.folder import Folder, Part
from inventory.survey.merging.memory import Memory

_EVIDENCE = ("survey.function", "survey.builder", "survey.approved", "grading.record")
"""Fields that two reports of one system agree in; by the title alone, many different systems would be one."""

_CERTAIN = ("survey.builder", "survey.approved", "grading.record")
"""Fields in which two reports of one system do not differ."""


_PLACE = re.compile(r"^[\u4e00-\u9fff]{0,6}?[省市区县州盟旗](?=[\u4e00-\u9fff]{3})")
"""The province, city or district before a department's title."""


def folded(title: str) -> str:
    """Return a title as it is compared: without spaces, differences of width and of case."""
    return "".join(unicodedata.normalize("NFKC", title).split()).casefold()


def may_be(one: str, other: str) -> bool:
    """Tell whether two titles may be one department's: without the place before it, or shortened, as 人社局 is."""
    (here, one), (there, other) = _taken_apart(one), _taken_apart(other)
    if here and there and not here.endswith(there) and not there.endswith(here):
        return False
    short, long = sorted((one, other), key=len)
    rest = iter(long)
    # Each character of the short one stands in the long one, in the same order.
    return len(short) > 2 and short[0] == long[0] and short[-1] == long[-1] and all(letter in rest for letter in short)


def _taken_apart(title: str) -> tuple[str, str]:
    """Return the place that a department's title begins with, empty where there is none, and the rest."""
    match = _PLACE.match(folded(title))
    place = match[0] if match else ""
    return place, folded(title)[len(place) :]


class Matcher:
    """Finds parts for rows, those that were added by earlier rows included."""

    def __init__(self, folder: Folder, memory: Memory) -> None:
        self._names: dict[tuple[Kind, str], Part] = {}
        self._titles: dict[tuple[Kind, str, str], list[Part]] = defaultdict(list)
        self._everywhere: dict[tuple[Kind, str], list[Part]] = defaultdict(list)
        self._addresses: dict[tuple[str, str], Part] = {}
        self._numbers: dict[tuple[str, str], list[Part]] = defaultdict(list)
        self._rows: dict[Part, list[Entry]] = defaultdict(list)
        self._listed: dict[str, set[str]] = defaultdict(set)
        for part in folder.parts:
            self.know(part)
        keys = {part.key: part for part in folder.parts}
        for key, department, said in memory.each():
            if (found := keys.get(key)) is not None and (title := said.get("title")):
                self._title(found, department, str(title))

    def expect(self, row: Entry, department: str) -> None:
        """Take into account that a row of a department is going to be looked for."""
        if row.kind == "system":
            self._listed[department].add(folded(row.title))

    def know(self, part: Part, row: Entry | None = None) -> None:
        """Take a part into account, one that a row has added with that row."""
        self._names.setdefault((part.kind, part.name), part)
        for owner in (part.department, *part.values.get("also_reported_by", ())):
            self._title(part, owner, part.name)
            self._title(part, owner, part.title)
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

    def find(self, row: Entry, department: str) -> Part | None:
        """Return the part of a department that a row speaks of; none where there is none yet."""
        by_name = self.named(row.kind, row.name) if row.name else None
        if by_name is not None and department in {by_name.department, *by_name.values.get("also_reported_by", ())}:
            return by_name
        number = row.values.get("survey.number")
        same = [part for part in self._titles.get((row.kind, department, folded(row.title)), ()) if row.title]
        same = [part for part in same if self._held(part, row)]
        exact = [part for part in same if number and self._number(part) == number]
        if exact or same:
            return next((part for part in (*exact, *same) if not self._otherwise(part, number)), None)
        if number and (numbered := self._numbered(department, number)) is not None:
            return numbered
        return self._addresses.get((department, str(row.values.get("address", "")))) if row.kind == "host" else None

    def _held(self, part: Part, row: Entry) -> bool:
        # Two rooms of a department may each have a "UPS"; where the sheet names no room, any will do.
        return row.kind != "asset" or not row.holder or part.holder is None or self._named_so(part.holder, row.holder)

    @staticmethod
    def _named_so(part: Part, title: str) -> bool:
        return folded(title) in {folded(part.title), folded(part.name)}

    def _number(self, part: Part) -> Any:
        rows = (row.values.get("survey.number") for row in self._rows[part])
        return next((number for number in rows if number), get_field(part.values, "survey.number"))

    def _otherwise(self, part: Part, number: object) -> bool:
        """Return whether another row of this round has spoken of a part under another number."""
        claimed = {row.values.get("survey.number") for row in self._rows[part]} - {None}
        return bool(number and claimed and number not in claimed)

    def _numbered(self, department: str, number: object) -> Part | None:
        # Who gives numbers anew lists the numbered part under its title; only who renames a system does not.
        named = self._listed[department]
        known = (part for part in self._numbers[department, str(number)] if not self._rows[part])
        return next((part for part in known if folded(part.title) not in named), None)

    def elsewhere(self, row: Entry, department: str) -> tuple[Part | None, Part | None]:
        """Return the system of another department that a row speaks of too, and one of which that is not certain."""
        others = [part for part in self._everywhere.get(("system", folded(row.title)), ()) if row.title]
        others = [part for part in others if part.department != department]
        same = next((part for part in others if self._agrees(part, row.values)), None)
        return same, (others[0] if others and same is None else None)

    def _agrees(self, part: Part, values: Mapping[str, object]) -> bool:
        def known(path: str) -> object:
            rows = (row.values.get(path) for row in self._rows[part])
            return next((value for value in rows if value), get_field(part.values, path))

        both = {path: (known(path), values.get(path)) for path in _EVIDENCE}
        both = {path: pair for path, pair in both.items() if all(pair)}
        if any(folded(str(one)) != folded(str(other)) for path, (one, other) in both.items() if path in _CERTAIN):
            return False
        return any(folded(str(one)) == folded(str(other)) for one, other in both.values())
