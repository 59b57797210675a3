"""Preflight and discovery on real hosts: they find what somebody did there, and leave nothing behind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from infra.worlds import World
from inventory.loading import load_programme
from tests.conftest import YUNHE

pytestmark = pytest.mark.real
RunOn = Callable[..., "subprocess.CompletedProcess[str]"]

# All files that a look could leave: their names, sizes and times, and what the cluster holds.
TRACES = (
    "find / -xdev -newer /run/looked -type f ! -path '/proc/*' ! -path '/var/log/*' ! -path '/run/*' "
    "! -path '/var/lib/postgresql/*' ! -path '/tmp/systemd-private-*' ! -name 'lastlog' ! -name 'wtmp'"
)


@pytest.fixture
def odd_hosts(twin: World, on: RunOn) -> Iterator[World]:
    """A file system below the archive, a job nobody reported, a table that is not replicated."""
    on("archives-store", "mkdir -p /srv/archive/scans && mount -t tmpfs tmpfs /srv/archive/scans")
    on("archives-store", "mkdir -p /etc/cron.d; echo '0 1 * * * root true' > /etc/cron.d/settlement")
    query = "cd /; runuser -u postgres -- psql -Xqd billing -c"
    on("water-db", f"{query} 'CREATE UNLOGGED TABLE scratchpad (id int)'")
    yield twin
    on("water-db", f"{query} 'DROP TABLE scratchpad'")
    on("archives-store", "umount /srv/archive/scans; rmdir /srv/archive/scans; rm /etc/cron.d/settlement")


def looked(
    world: World, state: Path, *words: str, command: str = "preflight", folder: Path = YUNHE
) -> tuple[int, dict[str, Any]]:
    file = Path(world.ssh_config).parent / "world.json"
    called = [sys.executable, "-m", "migrations.cli.main", command, *words, "--in", str(folder), "--json"]
    done = subprocess.run(
        [*called, "--world", str(file)],
        env={**os.environ, "ZHENGHE_STATE": str(state), "LANGUAGE": "en"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def test_what_was_done_to_hosts_is_found_and_nothing_is_left_behind(
    odd_hosts: World, on: RunOn, tmp_path: Path
) -> None:
    on("water-db", "touch /run/looked; sleep 0.1")
    code, told = looked(odd_hosts, tmp_path)
    found = {(each["severity"], each["host"], each["subject"]) for each in told["findings"]}
    assert code == 1
    assert ("attention", "archives-store", "/srv/archive") in found
    assert ("attention", "archives-store", "/etc/cron.d/settlement") in found
    against = [each["why"] for each in told["findings"] if each["severity"] == "blocks"]
    assert [("scratchpad" in why, "unlogged" in why) for why in against] == [(True, True)]
    assert on("water-db", TRACES).stdout == ""
    assert Path(told["kept"]).is_file()


def test_of_hosts_as_surveyed_nothing_stands_against_the_moves(twin: World, tmp_path: Path) -> None:
    code, told = looked(twin, tmp_path, "identity")
    assert (code, told["systems"], told["hosts"]) == (0, ["identity"], 1)
    assert any("PostgreSQL 13" in each["why"] for each in told["findings"])


def test_a_system_that_does_not_move_is_refused_by_name(twin: World, tmp_path: Path) -> None:
    code, told = looked(twin, tmp_path, "case-files")
    assert code == 2
    assert "identity" in told["error"]


def test_what_nobody_reported_is_discovered_and_proposed(twin: World, on: RunOn, tmp_path: Path) -> None:
    folder = tmp_path / "yunhe"
    copytree(YUNHE, folder)
    held = "import socket,time;s=socket.create_connection(('10.12.0.10',5432));time.sleep(120)"
    on("civil-old", f"systemd-run --quiet --unit settlement python3 -c \"{held}\"")
    on("civil-db", "cd /; runuser -u postgres -- createdb ledger")
    try:
        code, told = looked(
            twin, tmp_path, "civil-old", "civil-db", "--for", "3", "--yes", command="discover", folder=folder
        )
    finally:
        on("civil-old", "systemctl stop settlement")
        on("civil-db", "cd /; runuser -u postgres -- dropdb ledger")
    found = {(each["sort"], each["host"], each["subject"]) for each in told["found"]}
    assert code == 1
    assert found >= {("unreported", "civil-db", "ledger"), ("unreported", "civil-old", "settlement")}
    assert ("dependency", "notice-board") in {(sort, subject) for sort, _host, subject in found}
    assert told["written"] is True
    systems = {system.system: system.depends_on for system in load_programme(folder).systems}
    assert systems["notice-board"] == ("identity",)


def checked(world_file: Path) -> tuple[int, dict[str, dict[str, str]]]:
    command = [sys.executable, "-m", "migrations.cli.main", "world", "check", "--in", str(YUNHE), "--json"]
    done = subprocess.run(
        [*command, "--world", str(world_file)],
        env={**os.environ, "LANGUAGE": "en"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, {each["name"]: each for each in json.loads(done.stdout)["names"]}


def test_everybody_in_a_world_is_reached_with_the_known_key(twin: World) -> None:
    code, names = checked(Path(twin.ssh_config).parent / "world.json")
    assert code == 0
    assert (names["water-db"]["user"], names["water-db"]["rights"]) == ("root", "root")
    assert names["pe1"]["rights"] == "a device's own command line"
    assert all(each["key"].startswith("SHA256:") for each in names.values())


def test_whoever_shows_another_key_is_not_reached_and_nobody_else_suffers(twin: World, tmp_path: Path) -> None:
    keys = (Path(twin.ssh_config).parent / "known_hosts").read_text().splitlines()
    wrong = next(line for line in keys if line.startswith("water-app ")).partition(" ")[2]
    mixed = [f"water-db {wrong}" if line.startswith("water-db ") else line for line in keys]
    (tmp_path / "known_hosts").write_text("\n".join(mixed) + "\n")
    told = Path(twin.ssh_config).read_text()
    known = str(Path(twin.ssh_config).parent / "known_hosts")
    (tmp_path / "ssh_config").write_text(told.replace(known, str(tmp_path / "known_hosts")))
    world = twin.model_copy(update={"ssh_config": tmp_path / "ssh_config"})
    (tmp_path / "world.json").write_text(world.model_dump_json())
    code, names = checked(tmp_path / "world.json")
    assert code == 1
    assert [name for name, each in names.items() if each["rights"] == "not known"] == ["water-db"]
    assert "ost key verification failed" in names["water-db"]["reason"]
