"""The files that act for a unit beside its steps' arguments: roles with their imports, platforms, the Pulumi program.

A unit's digest covers these and no others, so that what is changed in one role leaves all systems without it alone.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from inventory.kinds import playbooks_folder
from migrations.plan import Actuator
from playbooks.agents.payload import needed, shared_modules

ContentOf = Callable[[Actuator, frozenset[str]], str]
"""Returns the digest of the files that act for a unit of a kind that uses some roles or platforms, by their names."""
ROOT = Path(__file__).resolve().parents[2]
LEFTOVERS = frozenset({".pyc", ".swp", ".orig"})
SITE_FILES = ("infra/__main__.py", "infra/declaration.py", "infra/program.py")
LINK_FILES = ("migrations/actuators/links.py",)
SITE_FOLDERS = ("infra/backends", "infra/engine", "infra/openstack", "infra/provider")
PLATFORMS = "netcfg/platforms"
COMMON = ("step.yml", "agents", "plugins/action")
"""What every system's step runs, below the playbooks' folder."""
INCLUDES = ("ansible.builtin.include_role", "ansible.builtin.import_role", "include_role", "import_role")


class Contents:
    """The files below one root and one folder of playbooks, read when they are first asked for."""

    def __init__(self, root: Path = ROOT, playbooks: Path | None = None) -> None:
        self._root = root
        self._playbooks = playbooks or playbooks_folder()
        self._hash = cache(lambda path: hashlib.sha256(path.read_bytes()).hexdigest())
        self._modules = cache(lambda: shared_modules(self._playbooks))
        self.digest = cache(self._digest)

    def _digest(self, kind: Actuator, names: frozenset[str]) -> str:
        """Return the SHA-256 over names and contents of the files that act for a unit; FileNotFoundError."""
        whole = hashlib.sha256()
        for name, file in sorted(self.files(kind, names)):
            whole.update(f"{name}\0{self._hash(file)}\n".encode())
        return whole.hexdigest()

    def files(self, kind: Actuator, names: frozenset[str]) -> set[tuple[str, Path]]:
        """Return the name and place of each file that acts for a unit which uses these roles or platforms."""
        match kind:
            case Actuator.SITE:
                return set(self._below(self._root, (*SITE_FILES, *SITE_FOLDERS)))
            case Actuator.LINK:
                return set(self._below(self._root, LINK_FILES))
            case Actuator.LINE:
                return set(self._of_lines(names))
            case Actuator.SYSTEM:
                return set(self._of_systems(names))
            case Actuator.PEOPLE:
                return set()

    def _of_lines(self, platforms: frozenset[str]) -> Iterator[tuple[str, Path]]:
        for name, file in self._below(self._root, ("netcfg",)):
            data = f"{PLATFORMS}/" in f"/{name}" and file.suffix != ".py"
            if not data or any(file.stem == each or file.stem.startswith(f"{each}-") for each in platforms):
                yield name, file

    def _of_systems(self, roles: frozenset[str]) -> Iterator[tuple[str, Path]]:
        files = set(self._below(self._playbooks, (*COMMON, *self._roles(roles))))
        modules = self._modules()
        taken = needed((file.read_text() for _name, file in files if file.suffix == ".py"), modules)
        shared = {(str(modules[name].relative_to(self._playbooks)), modules[name]) for name in taken}
        for name, file in files | shared:
            yield f"playbooks/{name}", file

    def _roles(self, roles: frozenset[str]) -> list[str]:
        """Return the folders of roles and of those that they include by name; what they share is found by imports."""
        every, waiting = set(roles), set(roles)
        while waiting:
            waiting = {name for role in waiting for name in self._included(role)} - every
            every |= waiting
        return [f"roles/{role}" for role in sorted(every)]

    def _included(self, role: str) -> Iterator[str]:
        for file in sorted((self._playbooks / "roles" / role).glob("tasks/*.yml")):
            for name in _names_included(yaml.safe_load(file.read_text())):
                if "{" not in name:
                    yield name

    @staticmethod
    def _below(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
        for name in names:
            place = folder / name
            for file in [place] if place.is_file() else place.rglob("*"):
                if file.is_file() and file.suffix not in LEFTOVERS and "__pycache__" not in file.parts:
                    yield str(file.relative_to(folder)), file


def _names_included(tasks: Any) -> Iterator[str]:
    if isinstance(tasks, dict):
        for key, value in tasks.items():
            if key in INCLUDES and isinstance(value, dict):
                yield str(value.get("name", "{}"))
            yield from _names_included(value)
    elif isinstance(tasks, list):
        for each in tasks:
            yield from _names_included(each)
