"""How devices are reached is what OpenSSH makes of ssh_config."""

from pathlib import Path

import pytest

from netcfg.openssh import way_to


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("")
    (tmp_path / "known_hosts").write_text("")
    return tmp_path


def config(folder: Path, text: str) -> Path:
    path = folder / "ssh_config"
    common = f"Host *\n  IdentityFile {folder}/key\n  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known_hosts\n"
    path.write_text(text + common + f"  GlobalKnownHostsFile {folder}/key\n")
    return path


def test_what_is_included_counts(folder: Path) -> None:
    (folder / "more").write_text("Host ce1\n  HostName 192.0.2.7\n  Port 2222\n  User ops\n  HostKeyAlias one\n")
    way = way_to(config(folder, f"Include {folder}/more\n"), "ce1")
    assert (way.host, way.port, way.user, way.alias) == ("192.0.2.7", 2222, "ops", "one")
    assert (way.keys, way.agent, way.command) == ((f"{folder}/key",), False, None)
    assert way.known_hosts == (folder / "known_hosts",)


def test_a_command_in_place_of_a_connection_has_its_tokens_filled_in(folder: Path) -> None:
    text = "Host ce1\n  HostName 192.0.2.7\n  User ops\n  ProxyCommand relay %h:%p %r %n 100%%\n"
    assert way_to(config(folder, text), "ce1").command == "relay 192.0.2.7:22 ops ce1 100%"


def test_a_jump_is_made_by_openssh_with_host_keys_checked(folder: Path) -> None:
    path = config(folder, "Host ce1\n  HostName 192.0.2.7\n  ProxyJump first,second\n")
    command = way_to(path, "ce1").command
    assert command is not None
    words = command.split()
    assert words[:3] == ["ssh", "-F", str(path)]
    assert words[-5:] == ["-J", "first", "-W", "'[192.0.2.7]:22'", "second"]
    assert "StrictHostKeyChecking=yes" in words


def test_a_file_that_openssh_does_not_understand_is_told(folder: Path) -> None:
    with pytest.raises(OSError, match=r"(?i)bad configuration option"):
        way_to(config(folder, "Host ce1\n  Hostnam x\n"), "ce1")
