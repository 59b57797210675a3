"""Faults that befall a district in the middle of its move: who is held, who goes on, and that nobody loses anything.

All tests share one twin that plays the real world, and one run in it: each begins where the one before ended.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.worlds import World, load_world
from migrations.evidence.chain import read

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
RunOn = Callable[..., "subprocess.CompletedProcess[str]"]
STRANGER = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
KEY = "/etc/ssh/ssh_host_ed25519_key"


class District:
    """The world that plays the real one, the inventory of its move, and the command as a user calls it."""

    def __init__(self, state: Path, name: str) -> None:
        self.environment = {**os.environ, "ZHENGHE_STATE": str(state), "LANGUAGE": "en"}
        self.name, self.state = name, state
        self.inventory = Path(shutil.copytree(ROOT / "examples" / "yunhe", state / "yunhe"))
        (self.inventory / "systems" / "allowance.yaml").unlink()
        self.world_file = state / "twins" / name / "world.json"
        identity = self.inventory / "systems" / "identity.yaml"
        identity.write_text(identity.read_text().replace("catch_up: 2m", "catch_up: 20s"))

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "migrations.cli.main", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def apply(self) -> tuple[int, dict[str, Any]]:
        """Carry the plan out, or on; return the status and what was told."""
        plan = json.loads(self.call("plan", str(self.inventory), "--json").stdout)["digest"]
        done = self.call("apply", str(self.inventory), "--plan", plan, "--world", str(self.world_file), "--json")
        assert done.returncode in {0, 1}, done.stderr
        return done.returncode, json.loads(done.stdout)

    def units(self) -> dict[str, dict[str, str]]:
        told = json.loads(self.call("status", "--json").stdout)
        return {unit["unit"]: unit for unit in told["units"]}

    def wait_for(self, step: str) -> None:
        """Wait until a step is done, from now on: what was withdrawn since does not count."""
        since, deadline = datetime.now(UTC), time.monotonic() + 400
        while time.monotonic() < deadline:
            records = [record for file in (self.state / "runs").glob("*/evidence.jsonl") for record in read(file)]
            if any((one.kind, one.step) == ("step-done", step) and one.time > since for one in records):
                return
            time.sleep(0.3)
        raise AssertionError(f"{step} was not done")


@pytest.fixture(scope="module")
def district(twin_name: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    made = District(tmp_path_factory.mktemp("state"), twin_name("f"))
    up = made.call("twin", "up", str(made.inventory), "--name", made.name)
    assert up.returncode == 0, up.stderr
    try:
        yield made
    finally:
        assert made.call("twin", "down", "--name", made.name).returncode == 0


@pytest.fixture(scope="module")
def on(district: District, running_on: Callable[[World], RunOn]) -> RunOn:
    return running_on(load_world(district.world_file))


def sql(on: RunOn, host: str, database: str, statement: str) -> str:
    command = f"cd /; runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} <<'SQL'\n{statement}\nSQL"
    return on(host, command).stdout.strip()


@contextmanager
def another_key(on: RunOn, host: str) -> Iterator[None]:
    """Have a host answer with a key that nobody has seen, as another machine under its address would."""
    change = f"cp -a {KEY} {KEY}.kept; rm {KEY}; ssh-keygen -q -t ed25519 -N '' -f {KEY} <<< y; systemctl restart ssh"
    on(host, change)
    try:
        yield
    finally:
        on(host, f"mv {KEY}.kept {KEY}; systemctl restart ssh", *STRANGER)


@contextmanager
def no_ssh(on: RunOn, host: str, address: str, neighbour: str) -> Iterator[None]:
    """Have a host refuse SSH and nothing else, until its neighbour knocks."""
    knock = "import socket; s = socket.create_server(('', 2222)); s.accept()"
    on(
        host,
        f'systemd-run --quiet --unit=knock sh -c "python3 -c \\"{knock}\\"; systemctl start ssh"; systemctl stop ssh',
    )
    try:
        yield
    finally:
        on(neighbour, f"echo > /dev/tcp/{address}/2222")


@contextmanager
def endless_transaction(on: RunOn, host: str, database: str) -> Iterator[None]:
    """Keep a transaction open that has written something: no copy can begin before it ends."""
    query = "BEGIN; SELECT txid_current(); SELECT pg_sleep(900)"
    psql = f"setsid runuser -u postgres -- psql -Xd {database} -c '{query}'"
    on(host, f"cd /; PGAPPNAME=endless {psql} >/dev/null 2>&1 </dev/null &")
    try:
        yield
    finally:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'endless'"
        sql(on, host, "postgres", end)


def ground(on: RunOn, host: str, *databases: str) -> dict[str, str]:
    """Return what a move could leave on a source: files below /etc and of its cluster, roles, slots, publications."""
    files = "find /etc /root/.ssh /var/lib/postgresql/13/main/postgresql.auto.conf -type f -exec sha256sum {} + | sort"
    seen = {"files": on(host, files).stdout}
    catalogues = {
        "roles": "SELECT string_agg(r::text, ';' ORDER BY rolname) FROM pg_roles r",
        "slots": "SELECT string_agg(slot_name, ';' ORDER BY slot_name) FROM pg_replication_slots",
        "databases": "SELECT string_agg(datname, ';' ORDER BY datname) FROM pg_database",
    }
    seen |= {name: sql(on, host, "postgres", query) for name, query in catalogues.items()}
    for database in databases:
        for name, column in {"pg_publication": "pubname", "pg_namespace": "nspname"}.items():
            query = f"SELECT string_agg({column}, ';' ORDER BY {column}) FROM {name}"
            seen[f"{name} of {database}"] = sql(on, host, database, query)
    return seen


def assert_users_felt_nothing(told: dict[str, Any]) -> None:
    for unit in told["units"]:
        assert (unit["requests_failed"], unit["packets_lost"]) == (0, 0), unit
        if unit["name"] in {"water-billing", "archive", "identity"}:
            assert unit["writes"]["acknowledged"] > 100
            assert (unit["writes"]["lost"], unit["writes"]["doubled"]) == (0, 0)


@pytest.mark.by_commit("nights", 1 / 8)
@pytest.mark.timeout(900)
def test_whoever_cannot_be_reached_believed_or_copied_is_held_and_all_others_go_on(
    district: District, on: RunOn
) -> None:
    before = ground(on, "civil-db", "identity")
    with (
        another_key(on, "archives-store"),
        no_ssh(on, "water-app", "10.11.0.11", "water-db"),
        endless_transaction(on, "civil-db", "identity"),
    ):
        code, told = district.apply()
    assert (code, told["outcome"]) == (1, "failed")
    units = district.units()
    assert {unit["state"] for key, unit in units.items() if not key.startswith("system:")} == {"READY", "ON_PROBATION"}
    held = {key.removeprefix("system:"): unit["reason"] for key, unit in units.items() if unit["state"] == "HELD"}
    assert set(held) == {"archive", "identity", "water-billing"}
    assert "archives-store" in held["archive"]
    assert "key" in held["archive"]
    assert "water-app" in held["water-billing"]
    assert "has not caught up in 20 s" in held["identity"]
    # They stay where they are, and those who use them notice nothing.
    assert_users_felt_nothing(told)
    for host, database in {"civil-db": "identity", "water-db": "billing"}.items():
        assert sql(on, host, database, "SHOW default_transaction_read_only") == "off"
    shown = district.call("status")
    assert shown.returncode == 1
    assert "held" in shown.stdout

    # What was prepared can be given up: the source is as it was surveyed, byte by byte, and nothing fills its disk.
    assert ground(on, "civil-db", "identity") != before
    alone = district.call("withdraw", "identity")
    assert (alone.returncode, "system:water-billing; withdraw them too" in alone.stderr) == (2, True)
    given_up = district.call("withdraw", "identity", "water-billing")
    assert given_up.returncode == 0, given_up.stdout + given_up.stderr
    assert {district.units()[f"system:{name}"]["state"] for name in ("identity", "water-billing")} == {"WITHDRAWN"}
    assert ground(on, "civil-db", "identity") == before


@pytest.mark.by_commit("nights", 1 / 8)
@pytest.mark.timeout(900)
def test_a_target_that_is_not_what_the_source_was_is_left_again_by_itself(district: District, on: RunOn) -> None:
    def damage(litres: int) -> None:
        change = f"UPDATE bills SET litres = litres + {litres} WHERE id = 77"
        unseen = "SET default_transaction_read_only = off; BEGIN; SET LOCAL session_replication_role = replica"
        sql(on, "water-billing-db-1", "billing", f"{unseen}; {change}; COMMIT")

    answers: list[tuple[int, dict[str, Any]]] = []
    applying = threading.Thread(target=lambda: answers.append(district.apply()))
    applying.start()
    try:
        district.wait_for("system:water-billing/replicate/db")
        damage(1)
    finally:
        applying.join()
    ((code, told),) = answers
    units = district.units()
    assert (code, units["system:water-billing"]["state"]) == (1, "ROLLED_BACK")
    assert "bills" in units["system:water-billing"]["reason"]
    assert {units[f"system:{name}"]["state"] for name in ("archive", "identity")} == {"ON_PROBATION"}
    # What was written to the target before it was left is at the source now.
    assert_users_felt_nothing(told)
    assert sql(on, "water-db", "billing", "SHOW default_transaction_read_only") == "off"

    damage(-1)
    code, told = district.apply()
    assert (code, told["outcome"]) == (0, "passed"), told["reason"]
    assert_users_felt_nothing(told)
