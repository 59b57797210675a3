"""The JSON Schema of an inventory's files, by which editors complete, explain and check while somebody writes."""

from pathlib import Path

SCHEMA_FILE = ".zhenghe.schema.json"
"""The file, in an inventory's folder, that holds the schema of all its files."""


def schema_header(file: Path, folder: Path) -> str:
    """Return the first line, without its end, of a file in an inventory's folder; it tells editors of the schema."""
    ups = len(file.resolve().relative_to(folder.resolve()).parts) - 1
    return f"# yaml-language-server: $schema={'../' * ups or './'}{SCHEMA_FILE}"
