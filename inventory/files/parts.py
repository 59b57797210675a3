"""The parts of an inventory by kind, as they are written in all its files.

The rules look at the documents as written, not at the models, so that a part that is wrong in one respect is still
looked at in all others, and what refers to it is not called dangling.
"""

from collections.abc import Iterable, Iterator, Mapping

from inventory.files.gathering import Cursor
from inventory.files.shapes import is_system

PARTS: Mapping[str, tuple[str, ...]] = {
    "buildings": ("buildings",),
    "departments": ("departments",),
    "offices": ("departments", "offices"),
    "units": ("departments", "units"),
    "rooms": ("departments", "rooms"),
    "hosts": ("departments", "rooms", "hosts"),
    "assets": ("departments", "rooms", "assets"),
    "sites": ("sites",),
    "site networks": ("sites", "networks"),
    "sizes": ("sizes",),
    "platforms": ("platforms",),
    "domains": ("network", "domains"),
    "devices": ("network", "devices"),
    "attachments": ("network", "attachments"),
    "lines": ("network", "lines"),
    "backbone": ("network", "backbone"),
    "exits": ("network", "exits"),
    "vantages": ("network", "vantages"),
    "centre networks": ("network", "centre", "networks"),
    "centre hosts": ("network", "centre", "hosts"),
    "resources": ("resources",),
    "requests": ("requests",),
    "records": ("records",),
}
"""Where the members of each kind are listed, in documents that are no systems."""
SINGLE: Mapping[str, tuple[str, ...]] = {"centre": ("network", "centre"), "names": ("network", "names")}
"""What there is once."""


class Index:
    """The documents of an inventory, and its parts by kind; every list is made once."""

    def __init__(self, documents: Iterable[Cursor]) -> None:
        self.documents = tuple(documents)
        own: list[Cursor] = []
        rest: list[Cursor] = []
        for document in self.documents:
            (own if is_system(document) else rest).append(document)
        self.rest = tuple(rest)
        listed = (system for document in self.rest for system in document.each("systems"))
        self.systems = (*own, *listed)
        self.components = tuple(component for system in self.systems for component in system.each("components"))
        self._parts: dict[str, tuple[Cursor, ...]] = {
            "systems": self.systems,
            "components": self.components,
            "no shadows": tuple(each for system in self.systems for each in system.each("no_shadow_of")),
        }
        self._named: dict[str, Mapping[str, Cursor]] = {}

    def parts(self, kind: str) -> tuple[Cursor, ...]:
        """Return all members of a kind."""
        if kind not in self._parts:
            self._parts[kind] = tuple(self._found(kind))
        return self._parts[kind]

    def named(self, kind: str) -> Mapping[str, Cursor]:
        """Map the names of a kind to the members that bear them; to the first, where two do."""
        if kind not in self._named:
            self._named[kind] = names(self.parts(kind), "system" if kind == "systems" else "name")
        return self._named[kind]

    def _found(self, kind: str) -> Iterator[Cursor]:
        for document in self.rest:
            if kind in PARTS:
                yield from document.each(*PARTS[kind])
            elif (single := document.down(*SINGLE[kind])) is not None:
                yield single


def names(parts: Iterable[Cursor], key: str = "name") -> dict[str, Cursor]:
    """Map names to the parts that bear them; to the first, where two do."""
    found: dict[str, Cursor] = {}
    for part in parts:
        if (name := part.text(key)) is not None:
            found.setdefault(name, part)
    return found
