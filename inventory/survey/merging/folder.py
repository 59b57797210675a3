"""The inventory's folder as plain values that may grow, and its parts by kind: what survey sheets are merged into.

Nothing is written here: `Folder.changes` returns what would have to be, file by file.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from inventory.base import Model
from inventory.files.dumping import file_text, system_file, yaml_text
from inventory.files.gathering import SUFFIXES
from inventory.files.revising import Unrevisable, revised
from inventory.files.shapes import read_draft
from inventory.findings import Finding, InventoryErrors, Severity
from inventory.model import (
    Asset,
    Building,
    DataDemand,
    DataRequest,
    DataResource,
    Department,
    Host,
    Line,
    Network,
    Office,
    Programme,
    Room,
    System,
    Unit,
)
from inventory.survey.entries import Kind
from inventory.survey.merging.fields import put_field

MODELS: Mapping[Kind, type[Model]] = {
    "building": Building,
    "department": Department,
    "office": Office,
    "unit": Unit,
    "room": Room,
    "host": Host,
    "asset": Asset,
    "system": System,
    "line": Line,
    "resource": DataResource,
    "request": DataRequest,
    "demand": DataDemand,
}
"""The kinds of parts in an order in which those that hold others come first."""

_LISTS: Mapping[Kind, tuple[str, ...]] = {
    "building": ("departments.yaml", "buildings"),
    "department": ("departments.yaml", "departments"),
    "line": ("network.yaml", "network", "lines"),
    "resource": ("resources.yaml", "resources"),
    "request": ("resources.yaml", "requests"),
}
"""Where the lists of parts stand: the file where there is none yet, and the keys."""
_INSIDE: Mapping[Kind, str] = {
    "office": "offices",
    "unit": "units",
    "room": "rooms",
    "host": "hosts",
    "asset": "assets",
    "demand": "demands",
}


@dataclass(eq=False)
class Part:
    """A part of the inventory: its values as plain YAML, and the names of what it belongs to."""

    kind: Kind
    values: dict[str, Any]
    department: str = ""
    """The name of its department; empty for buildings and for departments themselves."""
    holder: "Part | None" = None
    """The department of an office, unit or room; the room of a host or asset."""
    file: Path = field(default_factory=Path)
    new: bool = False

    @property
    def name(self) -> str:
        """Return its name in the inventory."""
        return str(self.values["system" if self.kind == "system" else "name"])

    @property
    def title(self) -> str:
        """Return its title for people; its name where it has none."""
        return str(self.values.get("title") or self.name)

    @property
    def key(self) -> str:
        """Return what it goes by among all parts, such as system/water-billing."""
        return f"{self.kind}/{self.name}"


class Change(NamedTuple):
    """What would become of a file; `before` is empty for one that is not there yet."""

    file: Path
    before: str
    after: str
    secret: bool = False
    """Whether what stood there is not shown to anybody."""


class Folder:
    """The documents of an inventory, and the parts that they hold; parts may be changed and added."""

    def __init__(self, folder: Path) -> None:
        """Read a folder, which may be empty; InventoryErrors where a file cannot be understood."""
        self.folder = folder
        self._texts: dict[Path, str] = {}
        self._documents: dict[Path, list[dict[str, Any]]] = {}
        self._sealed: set[Path] = set()
        if folder.is_dir() and any(found for suffix in SUFFIXES for found in folder.rglob(f"*{suffix}")):
            self._read()
        self._before = deepcopy(self._documents)
        self.parts = list(self._parts())

    def _read(self) -> None:
        draft = read_draft(self.folder)
        errors = [each for each in draft.findings if each.severity is Severity.ERROR]
        if errors:
            raise InventoryErrors(errors)
        for document in draft.documents:
            file = document.file.relative_to(self.folder)
            self._documents.setdefault(file, []).append(document.node.plain)
            if file not in self._texts:
                self._texts[file] = document.file.read_bytes().decode()

    @property
    def begun(self) -> bool:
        """Return whether some file names the programme."""
        return any(True for _found in self.top("programme"))

    def top(self, *keys: str) -> Iterator[tuple[Path, Any]]:
        """Yield the values under a path of keys, of all documents that are no systems, with their files."""
        for file, documents in self._documents.items():
            for document in documents:
                found: Any = None if "system" in document else document
                for key in keys:
                    found = found.get(key) if isinstance(found, dict) else None
                if found is not None:
                    yield file, found

    def everything(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield all documents with their files."""
        for file, documents in self._documents.items():
            yield from ((file, document) for document in documents)

    def remove(self, part: Part) -> None:
        """Take a part out of its list; its file keeps all else that stands in it."""
        for _file, members in self.top(*_LISTS[part.kind][1:]):
            members[:] = [each for each in members if each is not part.values]
        self.parts.remove(part)

    def _parts(self) -> Iterator[Part]:
        for kind, (_file, *keys) in _LISTS.items():
            for file, members in self.top(*keys):
                for values in members:
                    part = Part(kind, values, str(values.get("department", "")), file=file)
                    yield part
                    yield from _inside(part)
        for file, documents in self._documents.items():
            for values in documents:
                if "system" in values:
                    yield Part("system", values, values["department"], file=file)
        for file, members in self.top("systems"):
            yield from (Part("system", values, values["department"], file=file) for values in members)

    def settle(self) -> None:
        """Put the new parts where their kind stands: into their holder, a list of a file, or a file of their own."""
        for part in self.parts:
            if part.new and part.kind == "system":
                part.file = system_file(part.name)
                self._documents.setdefault(part.file, []).append(part.values)
            elif part.new and part.holder is not None:
                _grown(part.holder.values, _INSIDE[part.kind], MODELS[part.holder.kind]).append(part.values)
            elif part.new:
                self._list(part.kind).append(part.values)
            part.new = False

    def _list(self, kind: Kind) -> list[dict[str, Any]]:
        home, *keys = _LISTS[kind]
        for _found, members in self.top(*keys):
            return list_of(members)
        if len(keys) > 1:
            for _found, network in self.top(keys[0]):
                return _grown(network, keys[-1], Network)
        documents = self._documents.setdefault(Path(home), [{}])
        if len(keys) > 1:
            put_field(documents[0], keys[0], {}, Programme)
            return _grown(documents[0][keys[0]], keys[-1], Network)
        return _grown(documents[0], keys[0], Programme)

    def seal(self, part: Part) -> None:
        """Leave of a system that has become classified only that it exists; its file is written anew as a whole."""
        for key in part.values.keys() - {"system", "title", "department"}:
            del part.values[key]
        part.values["grading"] = {"classified": True}
        self._sealed.add(part.file)

    def begin(self, values: Mapping[str, Any]) -> None:
        """Give the programme its name, title and profile, in a file of its own."""
        self._documents.setdefault(Path("programme.yaml"), []).append(dict(values))

    def changes(self) -> tuple[Change, ...]:
        """Return what has to be written, by file; InventoryErrors where a file cannot be changed in place."""
        found = []
        for file, documents in sorted(self._documents.items()):
            if file in self._before and documents == self._before[file]:
                continue
            before = self._texts.get(file)
            if before is None:
                found.append(Change(file, "", file_text(file, documents[0])))
            elif file in self._sealed:
                # Comments may tell what the values told: nothing of the old text stays.
                texts = [file_text(file, documents[0]), *map(yaml_text, documents[1:])]
                found.append(Change(file, before, "---\n".join(texts), secret=True))
            else:
                found.append(Change(file, before, self._revised(file, before, documents)))
        return tuple(found)

    def _revised(self, file: Path, before: str, documents: list[dict[str, Any]]) -> str:
        try:
            return revised(before, documents)
        except Unrevisable as exc:
            finding = Finding(file=self.folder / file, line=0, column=0, field="", reason=str(exc))
            raise InventoryErrors([finding]) from exc


def _inside(holder: Part) -> Iterator[Part]:
    owner = holder.name if holder.kind == "department" else holder.department
    for kind, key in _INSIDE.items():
        for values in holder.values.get(key) or ():
            part = Part(kind, values, owner, holder, holder.file)
            yield part
            if kind == "room":
                yield from _inside(part)


def _grown(values: dict[str, Any], key: str, model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the list under a key, which is put there if there is none."""
    if not isinstance(values.get(key), list):
        put_field(values, key, [], model)
    return list_of(values[key])


def list_of(members: object) -> list[dict[str, Any]]:
    """Return what the check has found to be a list of mappings."""
    assert isinstance(members, list)
    return members
