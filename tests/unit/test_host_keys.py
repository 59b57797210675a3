"""Keys of new hosts: taken from consoles as cloud-init prints them, put into known_hosts, and nobody else's touched."""

import base64
from pathlib import Path

import pytest

from infra.host_keys import HostKeys, admit, keys_on_console, unknown, way_to_prove


def key(kind: str, filler: str) -> str:
    blob = len(kind).to_bytes(4, "big") + kind.encode() + filler.encode() * 40
    return f"{kind} {base64.b64encode(blob).decode()}"


ED, EC = key("ssh-ed25519", "a"), key("ecdsa-sha2-nistp256", "b")
OTHER = key("ssh-ed25519", "z")


def console(*keys: str, between: str = "") -> str:
    lines = [
        "[    3.10] cloud-init[312]: Cloud-init v. 23.1 running 'modules:final'",
        "-----BEGIN SSH HOST KEY FINGERPRINTS-----",
        "256 SHA256:KyTsZrHNBmqIbdcG4lHk1gkW2iqjgm7p2DLNJm4ZzX0 root@cloud-a-db-1 (ED25519)",
        "-----END SSH HOST KEY FINGERPRINTS-----",
        "-----BEGIN SSH HOST KEY KEYS-----",
        *(f"{each} root@cloud-a-db-1{between}" for each in keys),
        "-----END SSH HOST KEY KEYS-----",
        "cloud-a-db-1 login: ",
    ]
    return "\r\n".join(lines)


@pytest.mark.parametrize(
    "text, expected",
    [
        (console(ED, EC), {ED, EC}),
        (console(ED) + console(ED), {ED}),
        (console(ED, between="\r\n[    4.2] eth0: link becomes ready"), {ED}),
        (f"<14>ci-info: {ED} somebody's own key\n" + console(EC), {EC}),
        # Two boots that disagree prove nothing, nor does a block that was cut off.
        (console(ED) + console(OTHER), set()),
        (console(ED).split("-----END SSH HOST KEY KEYS")[0], set()),
        (console("ssh-ed25519 " + ED.split()[1][4:]), set()),
        (console(EC.replace("ecdsa-sha2-nistp256", "ssh-ed25519")), set()),
        ("", set()),
    ],
)
def test_keys_are_those_of_a_whole_block_of_cloud_init(text: str, expected: set[str]) -> None:
    assert set(keys_on_console(text)) == expected


def world(folder: Path, known: str) -> Path:
    (folder / "known_hosts").write_text(known)
    config = folder / "ssh_config"
    config.write_text(
        "Host db-1\n  HostName 10.60.1.21\nHost db-2\n  HostName 10.60.1.22\n  Port 2222\n"
        f"Host *\n  UserKnownHostsFile {folder / 'known_hosts'}\n"
    )
    return config


def test_known_hosts_gets_what_is_proven_and_keeps_what_people_wrote(tmp_path: Path) -> None:
    persons = f"# ours\n10.60.1.30 {OTHER}\n"
    config = world(tmp_path, persons)
    servers = {"db-1": "id-1", "db-2": "id-2"}
    assert unknown(config, servers) == servers
    first = HostKeys(name="db-1", server="id-1", keys=(ED, EC))
    second = HostKeys(name="db-2", server="id-2", keys=(EC,))
    admit(config, [first, second])
    assert unknown(config, servers) == {}
    lines = (tmp_path / "known_hosts").read_text()
    assert lines == (
        f"{persons}10.60.1.21 {ED} zhenghe:id-1\n10.60.1.21 {EC} zhenghe:id-1\n[10.60.1.22]:2222 {EC} zhenghe:id-2\n"
    )
    # A server that was made anew has another id, and its old key goes.
    assert unknown(config, {"db-1": "id-9"}) == {"db-1": "id-9"}
    admit(config, [HostKeys(name="db-1", server="id-9", keys=(OTHER,))])
    lines = (tmp_path / "known_hosts").read_text()
    assert lines == f"{persons}[10.60.1.22]:2222 {EC} zhenghe:id-2\n10.60.1.21 {OTHER} zhenghe:id-9\n"


def test_a_key_that_a_person_proved_is_never_replaced(tmp_path: Path) -> None:
    config = world(tmp_path, f"10.60.1.21 {OTHER}\n")
    assert unknown(config, {"db-1": "id-1"}) == {}
    admit(config, [HostKeys(name="db-2", server="id-2", why="its console is empty")])
    assert (tmp_path / "known_hosts").read_text() == f"10.60.1.21 {OTHER}\n"
    way = way_to_prove(config, "db-2")
    assert "[10.60.1.22]:2222" in way
    assert str(tmp_path / "known_hosts") in way
