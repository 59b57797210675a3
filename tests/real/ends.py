"""Two ends of moves without hosts, SSH or Ansible: what the laboratories of kinds have in common.

The verbs and agents of a role run as on hosts: sent as a payload, under the Python of the end's own generation.
"""

import json
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from infra.parts.images import image_path
from infra.sudo import BOOTSTRAP
from inventory.kinds import playbooks_folder
from playbooks.agents.coordinator import Move, MoveFailed, Sessions
from playbooks.agents.participants import participants
from playbooks.agents.payload import look_payload

ENDS = {"source": "old", "target": "new"}


class Refusal(Exception):
    """A verb or an agent refused; carries the end, why, and what to do."""

    def __init__(self, end: str, reason: str, mend: str) -> None:
        super().__init__(f"{end}: {reason}; {mend}")
        self.end, self.reason, self.mend = end, reason, mend


class Ground:
    """A source and a target of moves, `old` and `new`, built by a script that is the init of their namespaces."""

    def __init__(self, folder: Path, script: Path) -> None:
        self.folder = folder
        images = [str(image_path(name)) for name in ("bullseye", "bookworm")]
        words = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", str(script)]
        pipe = subprocess.PIPE
        self._ground = subprocess.Popen([*words, str(folder), *images], stdin=pipe, stdout=pipe, text=True)
        assert self._ground.stdout is not None
        assert self._ground.stdout.readline() == "ready\n"
        children = Path(f"/proc/{self._ground.pid}/task/{self._ground.pid}/children").read_text().split()
        self.enter = ("nsenter", f"--target={children[0]}", "--mount", "--net", "--pid", f"{folder}/enter")
        # The agents of a switch are reached by this in the place of ssh, whose options mean nothing here.
        self.ssh = folder.with_name(folder.name + "-ssh")
        self.ssh.write_text(f'#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\nexec {" ".join(self.enter)} "$1" "$2"\n')
        self.ssh.chmod(0o755)

    def close(self) -> None:
        """End everything."""
        self._ground.kill()
        self._ground.communicate()

    def run(self, end: str, command: str, said: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a shell command at one end, named by its side or by its host."""
        words = (*self.enter, ENDS.get(end, end), command)
        return subprocess.run(words, input=said, capture_output=True, text=True, check=False)

    def start(self, end: str, command: str) -> "subprocess.Popen[str]":
        """Start a shell command at one end, which hears what it is told."""
        pipe = subprocess.PIPE
        return subprocess.Popen((*self.enter, ENDS.get(end, end), command), stdin=pipe, stdout=pipe, text=True)


class Steps(ABC):
    """The move of one component between the ends, step by step."""

    def __init__(self, ground: Ground, system: str, kind: str, settings: dict[str, Any]) -> None:
        self.ground, self.system, self.settings = ground, system, settings
        self.component = {
            "name": "db", "kind": kind, "sources": ["old"], "source_addresses": ["10.11.0.10"],
            "targets": ["new"], "target_addresses": ["10.11.0.21"], "settings": settings,
        }  # fmt: skip
        self.entry: dict[str, Any] = {}
        """The entry before it, once it has one."""

    def verb(self, end: str, verb: str, mode: str = "apply", kind: str = "", **more: Any) -> dict[str, Any]:
        """Carry one verb out at one end, of the component's kind or another one; Refusal where it was refused."""
        given = {
            "verb": verb, "mode": mode, "end": end, "system": self.system, "component": self.component,
            "entry": self.entry, "limit": "20s", **more,
        }  # fmt: skip
        payload = look_payload(playbooks_folder(), kind or str(self.component["kind"]), "verbs", given).decode()
        done = self.ground.run(end, f'exec python3 -c "{BOOTSTRAP}"', payload)
        assert done.stdout, done.stderr
        result: dict[str, Any] = json.loads(done.stdout.rstrip().rpartition("\n")[2])
        if result.get("failed"):
            assert "exception" not in result, result
            raise Refusal(end, result["msg"], result["mend"])
        return result

    @abstractmethod
    def step(self, name: str, mode: str = "apply") -> dict[str, Any]:
        """Do a step of a plan as the role's tasks do; return what its ends answer."""

    def move(self, direction: str, downtime: float = 3.0) -> dict[str, Any]:
        """Switch, or return; the times of what was done in milliseconds."""
        try:
            with Sessions((str(self.ground.ssh),), playbooks_folder()) as sessions:
                sessions.open(participants(self.switch(downtime), direction))
                return Move(sessions, downtime).carry_out()
        except MoveFailed as exc:
            raise Refusal(exc.host, exc.reason, exc.mend) from exc

    def switch(self, downtime: float) -> dict[str, Any]:
        """Return the arguments of a switch; the downtime is in seconds."""
        limits = {"downtime": f"{downtime:g}s", "data_loss": "0s", "catch_up": "20s"}
        entries = [self.entry] if self.entry else []
        return {"system": self.system, "components": [self.component], "entries": entries, "limits": limits}
