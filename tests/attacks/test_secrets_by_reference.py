"""Secrets are looked up where they are kept, at the moment of their use; while a step runs they are nowhere else."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from pydantic import ValidationError

from infra.ssh import trusted
from infra.worlds import World, WorldSecrets
from migrations.actuators.ansible.runner import PlaybookFailed, Playbooks
from migrations.actuators.devices import device_passwords
from netcfg.errors import DeviceUnreachable
from netcfg.sessions import Sessions
from tests.attacks.conftest import Broken
from tests.real.processes import shown_by_all

pytestmark = pytest.mark.real
SECRET = "bm8gb25lIHJlYWRzIHRoaXM="
# In the place of nsupdate: keeps what it was told, and who on this machine could have read it.
UPDATER = """#!{python}
import pathlib, sys
told = sys.stdin.read()
seen = [str(file) for file in pathlib.Path("/proc").glob("[0-9]*/cmdline") if {secret!r}.encode() in file.read_bytes()]
place = pathlib.Path({folder!r})
(place / "told").write_text(told)
(place / "seen").write_text("\\n".join([*seen, *(word for word in sys.argv if {secret!r} in word)]))
files = [file for file in pathlib.Path({home!r}).rglob("*") if file.is_file()]
(place / "kept").write_text("\\n".join(str(file) for file in files if {secret!r}.encode() in file.read_bytes()))
"""
ASKER = """#!/bin/sh
echo "site.example. 1 IN A $(cat {folder}/address)"
echo 10.0.0.3 > {folder}/address
"""
STEP = {
    "system": "site", "verb": "front", "names": {"zone": "example", "server": "ns", "address": "10.0.0.9", "ttl": "1s"},
    "components": [{"name": "web", "kind": "web", "sources": ["host"], "source_addresses": ["10.0.0.1"],
                    "targets": ["host"], "target_addresses": ["10.0.0.2"], "settings": {"root": "/srv"}}],
    "entries": [{"component": "web", "kind": "haproxy", "name": "site.example", "port": 80, "host": "entry",
                 "address": "10.0.0.3"}],
    "limits": {"downtime": 1, "data_loss": 0, "catch_up": 5},
}  # fmt: skip


@pytest.fixture
def names(make_broken: Callable[[], Broken], tmp_path: Path) -> Broken:
    """A world in which steps are really done on the name server's host, which is this machine."""
    world = make_broken()
    for host in ("host", "entry", "ns"):
        world.host(host)
        world.says(host, {"changed": True, "answer": {"state": "done", "facts": {}}})
    folder = tmp_path / "programs"
    folder.mkdir()
    written = {"python": sys.executable, "folder": str(folder), "home": str(tmp_path / "home"), "secret": SECRET}
    for name, text in (("nsupdate", UPDATER.format(**written)), ("dig", ASKER.format(**written))):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "address").write_text("10.0.0.1\n")
    world.does("ns", f'PATH={folder}:$PATH; export PATH; exec sh -c "$SSH_ORIGINAL_COMMAND"\n')
    return world


def test_the_name_servers_key_goes_to_its_host_and_nowhere_else(
    names: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_THE_ZONE", f"hmac-sha256:zone:{SECRET}")
    world = names.world.model_copy(update={"secrets": WorldSecrets(names="env:KEY_OF_THE_ZONE")})
    said: list[str] = []
    answer = Playbooks(world, tmp_path / "home").call(STEP, "apply", 60, said.append)
    assert answer.state == "done"
    assert (tmp_path / "programs/told").read_text().startswith(f"key hmac-sha256:zone {SECRET}\n")
    assert (tmp_path / "programs/seen").read_text() == ""
    assert (tmp_path / "programs/kept").read_text() == ""
    assert SECRET not in answer.model_dump_json() + "".join(said)


def test_a_reference_that_leads_nowhere_is_told_before_anything_is_changed(names: Broken, tmp_path: Path) -> None:
    world = names.world.model_copy(update={"secrets": WorldSecrets(names="env:NO_SUCH_KEY")})
    with pytest.raises(PlaybookFailed, match="env:NO_SUCH_KEY: the environment has no such variable"):
        Playbooks(world, tmp_path / "home").call(STEP, "apply", 60, lambda _text: None)
    assert not (tmp_path / "programs/told").exists()


def test_a_secret_in_the_place_of_a_reference_is_refused_and_not_repeated(names: Broken) -> None:
    document = json.loads(names.world.model_dump_json()) | {"secrets": {"devices": {"ce": SECRET}}}
    with pytest.raises(ValidationError) as refused:
        World.model_validate_json(json.dumps(document))
    assert SECRET not in str(refused.value)
    assert "no reference" in str(refused.value)


class Device(paramiko.ServerInterface):
    """A device that knows no key: its shell account wants a password."""

    def check_auth_password(self, username: str, password: str) -> int:  # noqa: ARG002
        return AUTH_SUCCESSFUL if password == SECRET else AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:  # noqa: ARG002
        # After the request itself was answered: a channel that closes before is no answer to a client.
        threading.Timer(0.3, self._answer, (channel,)).start()
        return True

    @staticmethod
    def _answer(channel: paramiko.Channel) -> None:
        channel.sendall(b"reached\n")
        channel.send_exit_status(0)
        channel.close()


def test_a_devices_password_is_looked_up_when_its_session_is_opened(names: Broken, tmp_path: Path) -> None:
    key = paramiko.RSAKey.generate(2048)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        (names.folder / "known_hosts").write_text(f"ce-shell {key.get_name()} {key.get_base64()}\n")
        names.more = f"\nHost ce-shell\n  HostName 127.0.0.1\n  Port {port}\n  HostKeyAlias ce-shell\n"
        names.write()

        def serve() -> None:
            # Until the listener is closed; a client that goes in the middle of its greeting is no reason to end.
            with suppress(OSError):
                while True:
                    transport = paramiko.Transport(listener.accept()[0])
                    transport.add_server_key(key)
                    with suppress(EOFError, paramiko.SSHException):
                        transport.start_server(server=Device())

        threading.Thread(target=serve, daemon=True).start()
        kept = tmp_path / "password"
        sessions = Sessions(
            trusted(names.world.ssh_config), passwords=device_passwords(WorldSecrets(devices={"*": f"file:{kept}"}))
        )
        with pytest.raises(DeviceUnreachable, match=f"file:{kept}"):
            sessions.shell("ce")
        kept.touch(0o600)
        kept.write_text("another")
        with pytest.raises(DeviceUnreachable) as refused:
            sessions.shell("ce")
        assert "another" not in str(refused.value)
        kept.write_text(SECRET)
        with shown_by_all() as shown, sessions.shell("ce") as shell:
            assert shell.ask("show") == "reached\n"
            # A process of its own would be seen by now.
            time.sleep(0.2)
        assert shown
        assert not any(SECRET.encode() in word for word in shown)
