"""The payload for a host before anything runs there: the code of a kind, what it shares with others, its arguments."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from playbooks.agents.bootstrap import AGENT, VERBS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SHARED = "ansible.module_utils"
_IMPORT = re.compile(
    rf"^[ \t]*(?:from {SHARED} import (?P<names>\([^)]*\)|[^#\n]*)|(?:from|import) {SHARED}\.(?P<module>\w+))",
    re.MULTILINE,
)


def agent_payload(playbooks: Path, kind: str, given: Mapping[str, Any]) -> bytes:
    """Return the first line for a kind's agent, which stays for a whole cutover."""
    return _payload(playbooks, "start", "loop", {AGENT: _of_role(playbooks, kind, "agent")}, given)


def verb_header(playbooks: Path, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is needed for one verb of a kind: modules' texts by name, and the arguments."""
    return _header(playbooks, "oneshot", "oneshot", {VERBS: _of_role(playbooks, kind, "verbs")}, given)


def resident_payload(playbooks: Path) -> bytes:
    """Return the first line for what stays on a host and is sent verbs."""
    agents = playbooks / "agents"
    modules = {"playbooks.agents.resident": (agents / "resident.py").read_text()}
    header = {"bootstrap": (agents / "bootstrap.py").read_text(), "how": "reside", "modules": modules}
    return json.dumps(header).encode() + b"\n"


def look_payload(playbooks: Path, kind: str, program: str, given: Mapping[str, Any]) -> bytes:
    """Return the first line for a kind's look at a host, such as `preflight`, which changes nothing there."""
    return _payload(playbooks, "oneshot", "oneshot", {VERBS: _of_role(playbooks, kind, program)}, given)


def _payload(playbooks: Path, how: str, part: str, own: Mapping[str, str], given: Mapping[str, Any]) -> bytes:
    return json.dumps(_header(playbooks, how, part, own, given)).encode() + b"\n"


def _header(playbooks: Path, how: str, part: str, own: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    agents = playbooks / "agents"
    return {
        "bootstrap": (agents / "bootstrap.py").read_text(),
        "how": how,
        "modules": {
            **{f"playbooks.agents.{name}": (agents / f"{name}.py").read_text() for name in (part, "kit")},
            **own,
            **{f"{SHARED}.{name}": text for name, text in needed(own.values(), shared_modules(playbooks)).items()},
        },
        "given": given,
    }


def _of_role(playbooks: Path, kind: str, file: str) -> str:
    return (playbooks / "roles" / kind / "files" / f"{file}.py").read_text()


def shared_modules(playbooks: Path) -> dict[str, Path]:
    """Return the files of all modules that kinds share, by name."""
    folders = (playbooks / "plugins" / "module_utils", *playbooks.glob("roles/*/module_utils"))
    return {file.stem: file for folder in folders for file in folder.glob("*.py")}


def needed(texts: Iterable[str], modules: Mapping[str, Path]) -> dict[str, str]:
    """Return the texts of the shared modules that texts import, and of those that these import, by name."""
    found: dict[str, str] = {}
    waiting = {name for text in texts for name in imported(text)}
    while waiting := {name for name in waiting if name in modules} - found.keys():
        found.update({name: modules[name].read_text() for name in waiting})
        waiting = {name for each in waiting for name in imported(found[each])}
    return found


def imported(text: str) -> set[str]:
    """Return the names of the shared modules that a Python text imports."""
    names = set()
    for found in _IMPORT.finditer(text):
        each = found["names"] or found["module"]
        names |= {name.split()[0] for name in each.strip("()").split(",") if name.strip()}
    return names
