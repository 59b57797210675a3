"""What a plan runs beside its arguments: the files of the playbooks, of the Pulumi program and of the platforms."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from inventory.kinds import playbooks_folder

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("infra", "netcfg")
IGNORED = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", "twin"})
LEFTOVERS = frozenset({".pyc", ".swp", ".orig"})


def content_files() -> Iterator[tuple[str, Path]]:
    """Yield the name and place of every file that a run obeys; the twin is the world's affair, not the plan's."""
    folders = {"playbooks": playbooks_folder(), **{name: ROOT / name for name in PROGRAMS}}
    for name, folder in folders.items():
        for file in folder.rglob("*"):
            inside = file.relative_to(folder)
            if file.is_file() and file.suffix not in LEFTOVERS and not IGNORED.intersection(inside.parts):
                yield f"{name}/{inside}", file


def content_digest() -> str:
    """Return the SHA-256 over the names and contents of these files."""
    whole = hashlib.sha256()
    for name, file in sorted(content_files()):
        whole.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()
