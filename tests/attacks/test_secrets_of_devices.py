"""Passwords of neighbours and of people stand in devices' configurations: nobody reads them in a run or in an error."""

import shutil
from pathlib import Path

import pytest

from netcfg.command_line import CommandLine
from netcfg.errors import CommandRejected, DeviceUnreachable
from netcfg.guards import Ticket
from netcfg.guards.keeping import KeptGuard
from netcfg.kept import KeptConfigurations
from netcfg.platforms import load_platform

SECRET = "Wz9-river"
LINES = (
    f"neighbor 10.0.0.2 password {SECRET}", f"ip ospf message-digest-key 1 md5 {SECRET}", f"key-string {SECRET}",
    f"isis password clear {SECRET}", f"area-password md5 {SECRET}", f"ip nhrp authentication {SECRET}",
    f"password 8 {SECRET}", f"enable password {SECRET}", f"ip rip authentication string {SECRET}",
    f"snmp-server community {SECRET} ro",
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_no_error_quotes_a_secret_of_a_line(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frr = load_platform("frr")
    command_line = object.__new__(CommandLine)
    monkeypatch.setattr(command_line, "_device", "ce", raising=False)
    monkeypatch.setattr(command_line, "_platform", frr, raising=False)
    monkeypatch.setattr(command_line, "_literal", {}, raising=False)
    monkeypatch.setattr(command_line, "ask", lambda _: f"% Unknown command: {line}", raising=False)
    with pytest.raises(CommandRejected) as refused:
        command_line.configure((line,), lambda _: None)
    assert SECRET not in str(refused.value)


class Shell:
    """The shell account of a device that is broken: it says one thing, whatever it is asked."""

    def __init__(self, said: str) -> None:
        self._said = said
        self.keeper: Shell | None = None

    def converse(self, *_: object) -> "Shell":
        return self

    def ask(self, *_: object) -> str:
        return self._said


def test_what_a_device_complains_of_is_told_without_its_secrets() -> None:
    said = f'{{"error": "its configuration ends with {LINES[0]}"}}'
    shell = Shell(said)
    guard = KeptGuard("ce", load_platform("frr"), None, shell, Ticket("x", "y", 60))  # type: ignore[arg-type]
    with pytest.raises(DeviceUnreachable) as complaint:
        guard.look()
    assert SECRET not in str(complaint.value)


def test_a_copy_of_a_runs_folder_tells_no_configuration(tmp_path: Path) -> None:
    home, key = tmp_path / "run" / "configurations", tmp_path / "keys" / "run"
    kept = KeptConfigurations(home, key)
    kept.write("line/ce-before-change.conf", LINES[0])
    assert kept.read("line/ce-before-change.conf") == LINES[0]
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert files
    assert not any(SECRET.encode() in file.read_bytes() for file in files)
    assert {file.stat().st_mode & 0o77 for file in [*files, key]} == {0}
    # Nor is one device's taken for another's, nor what was changed, nor what lies there in the clear.
    shutil.copy(home / "line/ce-before-change.conf", home / "line/pe-before-change.conf")
    (home / "line/open.conf").write_text("router bgp 1")
    assert kept.read("line/pe-before-change.conf") is None
    assert kept.read("line/open.conf") is None
    assert KeptConfigurations(home, tmp_path / "another").read("line/ce-before-change.conf") is None
