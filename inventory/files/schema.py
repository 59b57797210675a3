"""The JSON Schema of an inventory's files, by which editors complete, explain and check while somebody writes.

It is computed from the models: what the models refuse in one field, the schema refuses. What holds between the parts,
such as a reference that leads nowhere, only `zhenghe check` can tell.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import models_json_schema

from inventory.base import DURATION_PATTERN, NAME_PATTERN
from inventory.model import Programme, System

SCHEMA_FILE = ".zhenghe.schema.json"
"""The file, in an inventory's folder, that holds the schema of all its files."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PATTERNS: Mapping[str, str] = {
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "ipv4": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$",
    "ipv4network": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$",
}
"""How values of a format are written; editors do not know all formats."""
EXAMPLES = Path(__file__).with_name("schema_examples.yaml")
KNOWN_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "array": (list,), "object": (dict,),
}  # fmt: skip
WRITTEN = {DURATION_PATTERN: "duration", NAME_PATTERN: "name"}
Parts = Mapping[str, Any]


def schema_header(file: Path, folder: Path) -> str:
    """Return the first line, without its end, of a file in an inventory's folder; it tells editors of the schema."""
    ups = len(file.resolve().relative_to(folder.resolve()).parts) - 1
    return f"# yaml-language-server: $schema={'../' * ups or './'}{SCHEMA_FILE}"


@cache
def schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(schema(), ensure_ascii=False, indent=1) + "\n"


def schema() -> dict[str, Any]:
    """Return the schema of any file of an inventory: a system, or some of the programme's fields."""
    _names, generated = models_json_schema([(Programme, "validation"), (System, "validation")])
    parts: dict[str, Any] = generated["$defs"]
    examples = _Examples(parts)
    for name, part in parts.items():
        for field, value in part.get("properties", {}).items():
            value.pop("title", None)
            _shaped(value)
            value.setdefault("examples", [examples.of(f"{name}.{field}", value)])
    # Several files make one programme, so none of them has to give all of its fields.
    parts["Programme"].pop("required", None)
    return {
        "$schema": DIALECT,
        "title": "Zhenghe inventory",
        "description": "One file of a migration inventory: a system, or some of the programme's fields.",
        "type": "object",
        "properties": {"system": {"description": "Begins the description of one system."}},
        "if": {"required": ["system"]},
        "then": {"$ref": "#/$defs/System"},
        "else": {"$ref": "#/$defs/Programme"},
        "$defs": parts,
    }


def _shaped(value: Any) -> None:
    """Give every part of a field's schema that has a format the pattern of it."""
    if isinstance(value, dict):
        if value.get("format") in PATTERNS:
            value["pattern"] = PATTERNS[value["format"]]
        for inner in value.values():
            _shaped(inner)
    elif isinstance(value, list):
        for inner in value:
            _shaped(inner)


class _Examples:
    """Finds an example for a field: the data file's where it has one, otherwise one of the field's shape."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.given: Mapping[str, Mapping[str, Any]] = yaml.safe_load(EXAMPLES.read_text("utf-8"))

    def of(self, path: str, value: Parts) -> Any:
        """Return an example of a field, given as Model.field, with its schema."""
        shapes = [each for each in value.get("anyOf", [value]) if each.get("type") != "null"]
        return self.shaped(path, shapes[0])

    def shaped(self, path: str, shape: Parts) -> Any:
        """Return an example of one shape that a field may have."""
        known = self.given["names"].get(path.partition(".")[2])
        if "$ref" in shape:
            return self.part(shape["$ref"].rpartition("/")[2])
        if "enum" in shape or "const" in shape:
            return shape.get("const") or shape["enum"][0]
        if path in self.given["fields"]:
            return self.given["fields"][path]
        if known is not None and isinstance(known, KNOWN_TYPES.get(shape.get("type", ""), ())):
            return known
        if shape.get("type") == "array":
            return [self.of(f"{path}.", each) for each in shape.get("prefixItems") or [shape.get("items", {})]]
        form = WRITTEN.get(shape.get("pattern", "")) or shape.get("format", "")
        return self.given["formats"].get(form) or self.given["types"].get(shape.get("type", ""))

    def part(self, name: str) -> Any:
        """Return an example of a whole part: the fields that it must have, or the first of its words."""
        part = self.parts[name]
        if "enum" in part:
            return part["enum"][0]
        fields = part["properties"]
        return {
            field: self.of(f"{name}.{field}", fields[field]) for field in fields if field in part.get("required", ())
        }
