"""A world for attackers: names behind real SSH servers that answer whatever a test has them answer."""

import getpass
import importlib
import json
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.worlds import CloudSettings, World


class Broken:
    """Hosts that were broken into: each has an SSH server whose every command answers from a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.world = World(
            name="broken", kind="real", ssh_config=folder / "ssh_config",
            cloud=CloudSettings(backend="twin", endpoint="nowhere"),
        )  # fmt: skip
        self._key("operator")
        (folder / "authorized").write_text((folder / "operator.pub").read_text())
        (folder / "known_hosts").write_text("")
        self._hosts: list[str] = []
        self.more = ""
        """What the operator's own ssh_config says beside it."""

    def host(self, name: str, known: bool = True) -> None:
        """Make a name behind which somebody answers."""
        self._hosts.append(name)
        key = " ".join(self._key(f"key-{name}").split()[:2])
        if known:
            with (self.folder / "known_hosts").open("a") as file:
                file.write(f"{name} {key}\n")
        program = self.folder / f"{name}.sh"
        program.write_text(f"#!/bin/sh\nenv >> {self.folder}/{name}.reached\n. {self.folder}/{name}.says\n")
        program.chmod(0o755)
        (self.folder / f"{name}.sshd").write_text(
            f"HostKey {self.folder}/key-{name}\nAuthorizedKeysFile {self.folder}/authorized\nStrictModes no\n"
            f"UsePAM no\nPermitRootLogin yes\nMaxSessions 64\nAllowAgentForwarding yes\nForceCommand {program}\n"
        )
        self.write()

    def write(self) -> None:
        """Write the operator's ssh_config."""
        blocks = "".join(
            f"Host {name}\n  HostName {name}\n  ProxyCommand /usr/sbin/sshd -i -f {self.folder}/{name}.sshd\n"
            for name in self._hosts
        )
        common = (
            f"Host *\n  User {getpass.getuser()}\n  IdentityFile {self.folder}/operator\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.folder}/known_hosts\n  GlobalKnownHostsFile /dev/null\n  LogLevel ERROR\n"
        )
        (self.folder / "ssh_config").write_text(blocks + common + self.more)

    def says(self, name: str, answer: Mapping[str, Any] | str | bytes, before: str = "") -> None:
        """Have a host print an answer to every command; `before` is run by a shell there first."""
        text = json.dumps(answer) if isinstance(answer, Mapping) else answer
        file = self.folder / f"{name}.answer"
        file.write_bytes(text if isinstance(text, bytes) else text.encode() + b"\n")
        self.does(name, f"head -n 1 > /dev/null\n{before}\ncat {file}\n")

    def does(self, name: str, script: str) -> None:
        """Have a host run a script for every command."""
        (self.folder / f"{name}.says").write_text(script)

    def reached(self, name: str) -> str:
        """Return the environments of whatever ran behind a name."""
        file = self.folder / f"{name}.reached"
        return file.read_text() if file.exists() else ""

    def _key(self, name: str) -> str:
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        return path.with_suffix(".pub").read_text()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """A department's host that was broken into, and the cloud host that its system goes to."""
    Path("/run/sshd").mkdir(exist_ok=True)
    world = Broken(tmp_path_factory.mktemp("broken") / "world")
    world.host("department-host")
    world.host("cloud-host")
    return world


@pytest.fixture
def make_broken(tmp_path: Path) -> Callable[[], Broken]:
    """Make a world of its own for one test."""
    Path("/run/sshd").mkdir(exist_ok=True)
    return lambda: Broken(tmp_path / "world")


@pytest.fixture
def on_host(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import what runs on hosts by the names that it has there; of drivers, which only they have, their names alone."""
    utils = importlib.import_module("ansible.module_utils")
    playbooks = Path(__file__).parents[2] / "playbooks"
    ours = [playbooks / "plugins/module_utils", *playbooks.glob("roles/*/module_utils")]
    monkeypatch.setattr(utils, "__path__", [*utils.__path__, *map(str, ours)])
    for name in ("psycopg2", "psycopg2.sql", "psycopg2.errors", "psycopg2.extensions", "pymysql"):
        stub = types.ModuleType(name)
        stub.__path__ = []
        # Whatever is asked of it is an exception: it serves as one, and as a base class.
        within = {"encodings": {}, "Connection": Exception}
        vars(stub)["__getattr__"] = lambda wanted, within=within: type(wanted, (Exception,), within)
        monkeypatch.setitem(sys.modules, name, stub)
    for name in [name for name in sys.modules if name.startswith("ansible.module_utils.zhenghe")]:
        monkeypatch.delitem(sys.modules, name)
    return lambda name: importlib.import_module(f"ansible.module_utils.{name}")
