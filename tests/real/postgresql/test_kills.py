"""A database's move is killed, at any instant, and its entry is asked at bad moments: clients never notice."""

import os
import random
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from inventory.kinds import playbooks_folder
from migrations.actuators.ansible.process_tree import descendants
from migrations.actuators.ansible.runner import PlaybookKilled, Playbooks
from migrations.actuators.ansible.scratch import Scratch
from playbooks.agents.coordinator import Session, Sessions
from playbooks.agents.participants import participants
from tests.real.postgresql.district import (
    ADDRESSES,
    ASKERS,
    CLIENT,
    COMPONENT,
    ENTRY,
    NEW,
    OLD,
    ON_NEW,
    ON_OLD,
    District,
)
from tests.real.steps import controller, processes_of, until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.chaos]


def test_a_controller_killed_in_the_pause_costs_nothing_but_time(on_old: District, tmp_path: Path) -> None:
    arguments = on_old.arguments("switch", limits={"downtime": "20s"})
    with on_old.writing() as clients:
        with on_old.held_open(), controller(on_old.world, tmp_path, arguments) as killed:
            # The entry is pausing, and waits for that transaction.
            until(on_old.paused)
            killed.kill()
            # Its playbook ends a moment later; until then it would go on with the move once the transaction ends.
            until(lambda: not processes_of(tmp_path))
        until(lambda: not on_old.paused())
    assert on_old.sides() == ON_OLD
    assert clients["failed"] == []
    assert set(clients["done"]) <= set(on_old.written(OLD))
    left = [Scratch(folder) for folder in tmp_path.glob("step-*")]
    assert left
    Playbooks(on_old.world, tmp_path).call(on_old.arguments("lag"), "probe", 100, lambda _: None)
    assert not [folder for each in left for folder in (each.private, each.sockets) if folder.exists()]


@pytest.mark.parametrize(
    "depth, told",
    # Nobody hears by which signal a keeper or a worker of Ansible's was ended.
    list(enumerate(["by signal 9", "from outside", "by signal 9", "from outside"])),
    ids=["shim", "keeper", "playbook", "worker"],
)
def test_a_playbook_killed_in_the_pause_leaves_nobody_and_is_to_be_called_again(
    on_old: District, tmp_path: Path, depth: int, told: str
) -> None:
    arguments = on_old.arguments("switch", limits={"downtime": "20s"})
    with on_old.writing() as clients:
        with on_old.held_open(), ThreadPoolExecutor() as pool:
            call = pool.submit(Playbooks(on_old.world, tmp_path).call, arguments, "apply", 100, lambda _: None)
            until(on_old.paused)
            os.kill(_chain(tmp_path)[depth], signal.SIGKILL)
            with pytest.raises(PlaybookKilled, match=f"ended {told}"):
                call.result(60)
            assert processes_of(tmp_path) == []
        until(lambda: not on_old.paused())
    assert on_old.sides() == ON_OLD
    assert clients["failed"] == []
    assert list(tmp_path.glob("step-*")) == []


def _chain(home: Path) -> list[int]:
    """Return who carries the one step out: its shim, its keeper, its playbook, and what that has started."""
    (shim,) = (int(file.read_text()) for file in home.glob("step-*/shim.pid"))
    others = [each for each in processes_of(home) if each != shim]
    keeper = next(each for each in others if set(others) <= {each, *descendants(each)})
    return [shim, keeper, *descendants(keeper)]


@pytest.mark.by_commit("kills of databases", 1 / 6)
@pytest.mark.parametrize("then, sides", [("apply", ON_NEW), ("undo", ON_OLD)], ids=["forward", "back"])
def test_a_move_killed_anywhere_is_finished_or_taken_back(
    on_old: District, tmp_path: Path, then: str, sides: dict[str, str]
) -> None:
    arguments = on_old.arguments("switch")
    chance = random.Random(f"20171122 {then}")
    began = time.monotonic()
    assert controller(on_old.world, tmp_path, arguments).wait() == 0
    whole = time.monotonic() - began
    on_old.step("switch", "undo")
    for _ in range(3):
        with on_old.writing() as clients:
            killed = controller(on_old.world, tmp_path, arguments)
            # The pause is in the last third of the whole.
            time.sleep(whole * chance.uniform(0.66, 1))
            killed.kill()
            killed.wait()
            on_old.step("switch", then)
        assert on_old.sides() == sides
        assert clients["failed"] == []
        written = on_old.written(NEW if sides == ON_NEW else OLD)
        assert len(written) == len(set(written))
        assert set(written) >= set(clients["done"])
        assert on_old.step("verify").state == "done"
        on_old.step("switch", "undo")


@pytest.mark.by_commit("kills of databases", 1 / 6)
def test_a_move_killed_before_its_old_side_follows_can_be_taken_back(on_old: District, tmp_path: Path) -> None:
    waiting = "FROM pg_locks WHERE NOT granted AND relation = 'pg_subscription'::regclass"
    with on_old.writing() as clients:
        with _catalogue_locked(on_old), controller(on_old.world, tmp_path, on_old.arguments("switch")) as killed:
            until(lambda: on_old.sql(OLD, f"SELECT 1 {waiting}", "postgres"))
            killed.kill()
            on_old.sql(OLD, f"SELECT pg_terminate_backend(pid) {waiting}", "postgres")
            until(lambda: not processes_of(tmp_path))
        assert on_old.sides() == ON_NEW
        assert on_old.sql(OLD, "SELECT subname FROM pg_subscription", "postgres") == ""
        time.sleep(1)
        on_old.step("switch", "undo")
        verified = on_old.step("verify")
    assert verified.state == "done"
    assert on_old.sides() == ON_OLD
    assert clients["failed"] == []
    written = on_old.written(OLD)
    assert len(written) == len(set(written))
    assert set(written) >= set(clients["done"])
    followed = on_old.sql(NEW, "SELECT subname || subenabled FROM pg_subscription", "postgres")
    assert followed == "zhenghe_water_billing_dbtrue"


@contextmanager
def _catalogue_locked(district: District) -> Iterator[None]:
    """Let no subscription be made on the old side."""
    lock = "BEGIN; LOCK TABLE pg_subscription IN SHARE MODE; SELECT pg_sleep(900)"
    district.run(OLD, f"cd /; setsid runuser -u postgres -- psql -Xd postgres -c '{lock}' >/dev/null 2>&1 </dev/null &")
    mine = "FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE pg_subscription%'"
    until(lambda: district.sql(OLD, f"SELECT 1 {mine}", "postgres"))
    try:
        yield
    finally:
        district.sql(OLD, f"SELECT pg_terminate_backend(pid) {mine}", "postgres")


RELAYED = "127.0.0.1"
# Stands between PgBouncer and the database: no connection comes about at once.
RELAY = f"""
import socket, threading, time
def pump(here, there):
    while said := here.recv(65536):
        there.sendall(said)
    there.shutdown(socket.SHUT_WR)
def relay(here):
    time.sleep(0.15)
    there = socket.create_connection(('{ADDRESSES[OLD]}', 5432))
    threading.Thread(target=pump, args=(there, here), daemon=True).start()
    pump(here, there)
listener = socket.create_server(('{RELAYED}', 5432), backlog=100)
while True:
    threading.Thread(target=relay, args=(listener.accept()[0],), daemon=True).start()
"""
NEIGHBOUR = {"system": "tax", "components": [COMPONENT | {"settings": {"database": "tax"}}]}


# PgBouncer knows the database by certificate and address, so it is led to the relay below that.
LED = f"""
add table ip relay
add chain ip relay output {{ type nat hook output priority -100; }}
add rule ip relay output meta skuid postgres ip daddr {ADDRESSES[OLD]} tcp dport 5432 dnat to {RELAYED}:5432
"""


@contextmanager
def _logins_are_slow(district: District) -> Iterator[None]:
    district.run(ENTRY, f"cat > /root/relay.py <<'PY'\n{RELAY}\nPY\nsystemd-run -q --unit relay python3 /root/relay.py")
    until(lambda: district.run(ENTRY, f"ss -Hltn src {RELAYED}:5432").stdout)
    district.run(ENTRY, f"nft -f - <<'RULES'\n{LED}\nRULES")
    try:
        yield
    finally:
        district.run(ENTRY, "nft delete table ip relay; systemctl stop relay")


@contextmanager
def _entry(district: District, source: str, target: str, given: Mapping[str, Any] | None = None) -> Iterator[Session]:
    """Open the entry's agent alone; its source and its target are at these addresses."""
    arguments = district.arguments("switch", **given or {})
    (component,) = arguments["components"]
    ends = {"source_addresses": [source], "target_addresses": [target]}
    cast = participants(arguments | {"components": [component | ends]}, "forward")
    with Sessions(("ssh", "-F", str(district.world.ssh_config)), playbooks_folder()) as sessions:
        sessions.open(one for one in cast if one.side == "entry")
        (session,) = sessions.every
        yield session


@pytest.fixture
def neighbour(district: District) -> Iterator[District]:
    """Another system has its entry on the same port."""
    folder = "/etc/pgbouncer/zhenghe/5432"
    line = f"tax = host={ADDRESSES[NEW]} port=5432 pool_mode=transaction"
    district.run(
        ENTRY, f"cd {folder}; echo '{line}' > zhenghe_tax_db_entry.ini; echo x > zhenghe_tax_db_entry.password"
    )
    yield district
    district.run(ENTRY, f"rm {folder}/zhenghe_tax_db_entry.*")


@pytest.mark.by_commit("kills of databases", 1 / 6)
def test_a_pause_waits_for_logins_so_that_nobody_is_turned_away_after_it(on_old: District) -> None:
    with (
        _logins_are_slow(on_old),
        on_old.writing(ASKERS) as clients,
        _entry(on_old, ADDRESSES[OLD], ADDRESSES[NEW]) as entry,
    ):
        for _ in range(4):
            _pause_and_resume(entry)
    assert clients["failed"] == []
    assert len(clients["done"]) > 50


@pytest.mark.by_commit("kills of databases", 1 / 6)
def test_an_entry_that_goes_back_disturbs_nobody(on_old: District) -> None:
    with (
        _logins_are_slow(on_old),
        on_old.writing(ASKERS) as clients,
        _entry(on_old, ADDRESSES[OLD], ADDRESSES[NEW]) as entry,
    ):
        for _ in range(4):
            _pause_and_resume(entry)
            entry.call("abandon", 10)
    assert clients["failed"] == []
    assert len(clients["done"]) > 50


@pytest.mark.by_commit("kills of databases", 1 / 6)
def test_an_entry_that_turns_waits_for_the_logins_of_its_neighbours(on_old: District, neighbour: District) -> None:
    with (
        _logins_are_slow(on_old),
        on_old.writing(ASKERS) as clients,
        _entry(on_old, ADDRESSES[OLD], ADDRESSES[NEW]) as entry,
    ):
        for address in (ADDRESSES[OLD], ADDRESSES[NEW]) * 2:
            with _entry(neighbour, ADDRESSES[CLIENT], address, NEIGHBOUR) as other:
                _pause_and_resume(entry)
                other.call("turn", 5)
    assert clients["failed"] == []
    assert len(clients["done"]) > 50


def _pause_and_resume(entry: Session) -> None:
    """Make PgBouncer log in anew: a pause closes all its connections to the server."""
    entry.call("pause", 10, 30, limit=5)
    entry.call("resume", 5)
    time.sleep(0.05)
