"""What must be kept about a service on a host beside its folder: what we brought, and what was there before us."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Iterable

from ansible.module_utils import zhenghe_substitution as substitution
from ansible.module_utils.zhenghe_store import CONFIGURATION
from ansible.module_utils.zhenghe_substitution import Inside

from playbooks.agents.kit import write


class Notes:
    """A file of root's on this host; it holds what configuration said before, so only root reads it."""

    def __init__(self, name: str) -> None:
        self.file = CONFIGURATION / f"{name}.service.json"
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.brought: dict[str, str] = kept.get("brought", {})
        """The digest of each file that we put here, by path."""
        self.made: list[str] = kept.get("made", [])
        """Folders that were not here before us."""
        self.before: dict[str, dict[str, str]] = kept.get("before", {})
        """For each configuration file: its content before it was substituted, and the digest of what it became."""
        self.trial: dict[str, Any] = kept.get("trial", {})
        """How the last test start that came through went."""

    def save(self) -> None:
        """Keep it on the disk."""
        kept = {
            "brought": self.brought, "made": self.made, "before": self.before, "trial": self.trial,
        }  # fmt: skip
        write(self.file, json.dumps(kept, indent=1) + "\n", 0o600)

    def forget(self) -> None:
        """Take the file away."""
        self.file.unlink(missing_ok=True)


class Configuration:
    """The configuration files of a component's folder, and what becomes of the addresses in them."""

    def __init__(self, component: dict[str, Any], notes: Notes) -> None:
        self.table: list[dict[str, Any]] = component.get("substitutions", [])
        self.paths: list[str] = component["settings"].get("configuration", [])
        self._notes = notes

    def computed(self, root: str) -> tuple[dict[str, bytes], list[str]]:
        """Return what each file becomes, by path, and the places that change, in words; nothing is written."""
        files, places = {}, []
        inside = Inside(root)
        for path in self.paths:
            files[path], found = substitution.substituted(inside.read(path), self.table)
            places += substitution.told(path, found)
        return files, places

    def note(self, root: str) -> None:
        """Keep what each file says here and what it becomes on the other side."""
        inside = Inside(root)
        for path in self.paths:
            content = inside.read(path)
            new = digest(substitution.substituted(content, self.table)[0])
            self._notes.before[path] = {"content": base64.b64encode(content).decode(), "became": new}
        self._notes.save()

    def write(self, root: str) -> list[str]:
        """Substitute in place, here where clients are about to be let in; returns the files that changed."""
        self.note(root)
        inside = Inside(root)
        return [path for path, content in self.computed(root)[0].items() if inside.write(path, content)]

    def write_back(self, root: str) -> list[str]:
        """Have each file say what it said before; one that was changed meanwhile is turned round word by word."""
        inside, changed = Inside(root), []
        for path in self.paths:
            content = inside.read(path)
            before = self._notes.before.get(path)
            if before is not None and digest(content) == before["became"]:
                old = base64.b64decode(before["content"])
            else:
                old = substitution.substituted(content, substitution.turned_round(self.table))[0]
            if inside.write(path, old):
                changed.append(path)
        return changed


def digest(content: bytes) -> str:
    """Return the SHA-256 of a content."""
    return hashlib.sha256(content).hexdigest()


def digest_of(files: Iterable[str], more: Iterable[bytes]) -> str:
    """Return one digest over files of this host and what else counts."""
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\0".encode())
        whole.update(Path(path).read_bytes() if Path(path).exists() else b"")
    for each in more:
        whole.update(b"\0" + each)
    return whole.hexdigest()
