"""Makes one department of two that are the same: what the one has goes to the other, and its title is remembered.

JoiningError
  Unjoinable         one of the two is no department, or both are the same one
"""

from collections.abc import Iterator, Mapping
from typing import Any

from inventory.errors import ZhengheError
from inventory.model import Department
from inventory.survey.merging.fields import put_field
from inventory.survey.merging.folder import Folder, Part
from inventory.survey.merging.identity import folded
from inventory.survey.merging.memory import Memory
from inventory.words import _

_LISTS = ("offices", "units", "rooms", "demands")
_ONE = frozenset({"department"})
_MANY = frozenset({"also_reported_by", "served"})


class JoiningError(ZhengheError):
    """Two departments were not joined."""


class Unjoinable(JoiningError):
    """One of the two is no department, or both are the same one."""


def join(folder: Folder, memory: Memory, one: str, into: str) -> tuple[Part, Part]:
    """Give all that a department has to another one, and return both; names or titles are given. Unjoinable."""
    source, target = _department(folder, one), _department(folder, into)
    if source is target:
        raise Unjoinable(_("'{one}' and '{into}' are one department already").format(one=one, into=into))
    for field in _LISTS:
        if moved := source.values.get(field):
            put_field(target.values, field, [*target.values.get(field, ()), *moved], Department)
    titles = [source.title, *source.values.get("also_called", ())]
    known = [*target.values.get("also_called", ()), *titles]
    put_field(target.values, "also_called", list(dict.fromkeys(known)), Department)
    for field, value in source.values.items():
        if field not in target.values:
            put_field(target.values, field, value, Department)
    for part in folder.parts:
        memory.move(part.key, source.name, target.name)
    for _file, document in folder.everything():
        _renamed(document, source.name, target.name)
    folder.remove(source)
    memory.forget(source.key)
    return source, target


def _department(folder: Folder, word: str) -> Part:
    departments = [part for part in folder.parts if part.kind == "department"]
    found = [part for part in departments if part.name == word] or [
        part for part in departments if folded(part.title) == folded(word)
    ]
    if len(found) != 1:
        names = _(", ").join(f"{part.name} ({part.title})" for part in (found or departments)[:12])
        reason = _("no department is called '{word}'") if not found else _("several departments are called '{word}'")
        raise Unjoinable(_("{reason}; there are: {names}").format(reason=reason.format(word=word), names=names))
    return found[0]


def _renamed(node: Any, before: str, after: str) -> None:
    """Let all that names a department name another one."""
    for holder in _mappings(node):
        for key, value in holder.items():
            if key in _ONE and value == before:
                holder[key] = after
            elif key in _MANY and isinstance(value, list) and before in value:
                owner = holder.get("department") if key == "also_reported_by" else None
                names = dict.fromkeys(after if each == before else each for each in value)
                holder[key] = [each for each in names if each != owner]
            elif key == "subject" and value in {before, f"department:{before}"}:
                holder[key] = str(value).removesuffix(before) + after


def _mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Yield the mappings in plain values, the outer ones first."""
    if isinstance(node, Mapping):
        assert isinstance(node, dict)
        yield node
    members = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for member in list(members):
        yield from _mappings(member)
