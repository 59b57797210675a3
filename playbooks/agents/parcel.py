"""What is sent to a host before anything runs there: the code of a kind, what it shares with others, its arguments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from playbooks.agents.arrival import AGENT, VERBS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def agent_parcel(playbooks: Path, kind: str, given: Mapping[str, Any]) -> bytes:
    """Return the first line for a kind's agent, which stays for a whole cutover."""
    return _parcel(playbooks, "start", "loop", {AGENT: _of_role(playbooks, kind, "agent")}, given)


def visit_parcel(playbooks: Path, kind: str, given: Mapping[str, Any]) -> bytes:
    """Return the first line for one verb of a kind."""
    return _parcel(playbooks, "visit", "visit", {VERBS: _of_role(playbooks, kind, "verbs")}, given)


def look_parcel(playbooks: Path, kind: str, program: str, given: Mapping[str, Any]) -> bytes:
    """Return the first line for a kind's look at a host, such as `preflight`, which changes nothing there."""
    return _parcel(playbooks, "visit", "visit", {VERBS: _of_role(playbooks, kind, program)}, given)


def _parcel(playbooks: Path, how: str, part: str, own: Mapping[str, str], given: Mapping[str, Any]) -> bytes:
    agents = playbooks / "agents"
    header = {
        "arrival": (agents / "arrival.py").read_text(),
        "how": how,
        "modules": {
            **{f"playbooks.agents.{name}": (agents / f"{name}.py").read_text() for name in (part, "kit")},
            **own,
            **_shared(playbooks),
        },
        "given": given,
    }
    return json.dumps(header).encode() + b"\n"


def _of_role(playbooks: Path, kind: str, file: str) -> str:
    return (playbooks / "roles" / kind / "files" / f"{file}.py").read_text()


def _shared(playbooks: Path) -> dict[str, str]:
    modules = {}
    for shared in (playbooks / "plugins" / "module_utils", *sorted((playbooks / "roles").glob("*/module_utils"))):
        for file in sorted(shared.rglob("*.py")):
            path = file.relative_to(shared).with_suffix("")
            words = path.parts[:-1] if path.name == "__init__" else path.parts
            modules[".".join(("ansible", "module_utils", *words))] = file.read_text()
    return modules
