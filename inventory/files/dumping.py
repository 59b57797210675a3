"""Writes a programme, or plain values of it, as YAML in the house's form; what is written reads back as the same.

Small things stand on one line in braces, everything else in blocks; names and words have no quotes unless they would
be read as something else. Nothing is written that a model assumes anyway.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from inventory.files.reading import resolved
from inventory.files.schema import schema_header
from inventory.model import Network, Programme

WIDTH = 118
"""Columns that a line in braces may take."""

OPEN = frozenset({"departments", "rooms", "lines", "resources", "survey"})
"""The keys below which everything stands in blocks, because people add to it."""

SPACED = frozenset({"departments"})
"""The lists whose members have an empty line between them."""

FILES: Mapping[str, tuple[str, ...]] = {
    "programme.yaml": ("programme", "title", "profile", "sizes"),
    "departments.yaml": ("buildings", "departments"),
    "sites.yaml": ("sites",),
    "platforms.yaml": ("platforms",),
    "network.yaml": ("network",),
    "resources.yaml": ("resources", "requests"),
    "records.yaml": ("records", "tasks"),
}
"""Which fields of a programme stand in which file; each system has a file of its own in `systems/`."""

_SECTIONS = frozenset(Programme.model_fields) | frozenset(Network.model_fields)
_LETTERS = r"[^\s\x00-\x20\x7f-\xa0\ufeff\ufffe\uffff#&*!|>%@`{}\[\],:]"
_PLAIN = re.compile(rf"(?![^\w/]|_){_LETTERS}+( {_LETTERS}+)*")
_ESCAPED = re.compile('[\x00-\x1f"\\\\\x7f-\xa0\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\uffff]')


def plain(value: BaseModel) -> dict[str, Any]:
    """Return a model as plain values of YAML, without what is the default anyway."""
    return value.model_dump(mode="json", exclude_defaults=True)


def house_files(programme: Programme) -> dict[Path, dict[str, Any]]:
    """Return the house's files of a programme, by their paths in its folder, as plain values."""
    whole = plain(programme)
    files = {
        Path(file): {key: whole[key] for key in keys if key in whole}
        for file, keys in FILES.items()
        if any(key in whole for key in keys)
    }
    return {**files, **{system_file(system.system): plain(system) for system in programme.systems}}


def system_file(name: str) -> Path:
    """Return the path of a system's own file in the folder of an inventory."""
    return Path("systems", f"{name}.yaml")


def file_text(file: Path, document: Mapping[str, Any]) -> str:
    """Return the text of a whole file, by its path in the inventory's folder, with the line that names its schema."""
    return f"{schema_header(file, Path())}\n{yaml_text(document)}"


def dump(programme: Programme, folder: Path) -> None:
    """Write a programme into a folder in the house's form; OSError where that is not possible."""
    for file, document in house_files(programme).items():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file_text(file, document), encoding="utf-8")


def yaml_text(document: Mapping[str, Any]) -> str:
    """Return one document, ending in a line break."""
    lines = list(_mapping_lines(document, 0)) if document else ["{}"]
    return "\n".join(lines) + "\n"


def scalar_text(value: object) -> str:
    """Return a word, number, truth value or nothing, in quotes only where it would be read as something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and isinstance(resolved(text), str):
        return text
    return '"' + _ESCAPED.sub(lambda found: _escape(found[0]), text) + '"'


def _escape(character: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    code = ord(character)
    return short.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def flow_text(value: object) -> str:
    """Return a value in braces and brackets, on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar_text(key)}: {flow_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow_text(each) for each in value) + "]"
    return scalar_text(value)


def fits(value: object, column: int, key: str) -> bool:
    """Return whether a value stands on one line that begins at a column, under a key or as a member of its list."""
    if not isinstance(value, Mapping | list | tuple) or not value:
        return True
    if (
        (key in OPEN and _holds_mappings(value))
        or _depth(value) > 2
        or (isinstance(value, list | tuple) and _depth(value) > 1)
    ):
        return False
    return column + len(flow_text(value)) <= WIDTH


def _holds_mappings(value: object) -> bool:
    return isinstance(value, Mapping) or any(isinstance(each, Mapping) for each in value if value)  # type: ignore[attr-defined]


def _depth(value: object) -> int:
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else None
    return 0 if inside is None else 1 + max(map(_depth, inside), default=0)


def value_lines(key: str, value: object, indent: int) -> Iterator[str]:
    """Yield the lines of a key and its value, the key at the given indentation."""
    head = f"{' ' * indent}{scalar_text(key)}:"
    if fits(value, len(head) + 1, key):
        yield f"{head} {flow_text(value)}"
    elif isinstance(value, Mapping):
        yield head
        yield from _mapping_lines(value, indent + 2)
    else:
        assert isinstance(value, list | tuple)
        yield head
        for number, member in enumerate(value):
            if number and key in SPACED:
                yield ""
            yield from member_lines(member, indent + 2, key)


def member_lines(value: object, indent: int, key: str) -> Iterator[str]:
    """Yield the lines of a member of the list under a key, its hyphen at the given indentation."""
    head = f"{' ' * indent}- "
    if fits(value, len(head), key):
        yield f"{head}{flow_text(value)}"
        return
    inside = (
        _mapping_lines(value, indent + 2)
        if isinstance(value, Mapping)
        else (line for each in value for line in member_lines(each, indent + 2, ""))  # type: ignore[attr-defined]
    )
    for number, line in enumerate(inside):
        yield line if number else head + line[indent + 2 :]


def _mapping_lines(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    for number, (key, each) in enumerate(value.items()):
        # Long sections of a file stand apart, as the paragraphs of a text do.
        if number and key in _SECTIONS and _depth(each) > 1 and not fits(each, len(key), key):
            yield ""
        yield from value_lines(key, each, indent)
