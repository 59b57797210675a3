"""A MariaDB 10.5 server moves to 10.11 and back on real hosts, while a pool of clients writes through its entry."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.ground import at_work
from infra.twin import client
from infra.worlds import World
from inventory.model import Programme
from migrations.actuators.ansible.runner import Answer, Playbooks
from tests.real.steps import RunOn, with_hosts

pytestmark = [pytest.mark.real, pytest.mark.slow]

OLD, NEW, ENTRY, CLIENT = "fees-old", "new-db", "front", "counter"
ADDRESSES = {OLD: "10.11.0.10", NEW: "10.11.0.21", ENTRY: "10.11.0.30", CLIENT: "10.11.0.40"}
# Where the client's host goes one day.
MOVED = "10.11.0.77"
COMPONENT = {
    "name": "db", "kind": "mariadb", "sources": [OLD], "source_addresses": [ADDRESSES[OLD]], "targets": [NEW],
    "target_addresses": [ADDRESSES[NEW]], "settings": {"may_restart": True},
}  # fmt: skip
FRONT = {
    "component": "db", "kind": "haproxy_tcp", "name": "fees-db.tiny.example", "port": 3306, "host": ENTRY,
    "address": ADDRESSES[ENTRY], "moved": {ADDRESSES[CLIENT]: [MOVED]},
}  # fmt: skip
# The account may come from the client's address alone: that holds behind the entry, too.
FEES = f"""
CREATE DATABASE fees; CREATE USER app@'{ADDRESSES[CLIENT]}' IDENTIFIED BY 'given-in-2011';
GRANT SELECT, INSERT ON fees.* TO app@'{ADDRESSES[CLIENT]}';
CREATE TABLE fees.paid (reference CHAR(32) PRIMARY KEY, amount INT, name VARCHAR(20) CHARACTER SET gbk);
"""
# A pool of four: two write one row after the other, two several in a transaction.
POOL = """
import json, sys, threading, time, uuid, pymysql
stop, done, failed = threading.Event(), [], []
def connect():
    return pymysql.connect(host=sys.argv[1], user='app', password='given-in-2011', database='fees', charset='utf8mb4')
def write(number):
    connection = None
    while not stop.is_set():
        references = [uuid.uuid4().hex for _ in range(1 + 2 * (number % 2))]
        try:
            connection = connection or connect()
            with connection.cursor() as cursor:
                for reference in references:
                    cursor.execute("INSERT INTO paid VALUES (%s, 1, '\\u9547')", (reference,))
            connection.commit()
            done.extend((time.monotonic(), reference) for reference in references)
        except pymysql.err.MySQLError as exc:
            failed.append(str(exc))
            connection = None
        time.sleep(0.01)
threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
sys.stdin.read()
stop.set()
[thread.join() for thread in threads]
done.sort()
gap = max(later[0] - sooner[0] for sooner, later in zip(done, done[1:]))
print(json.dumps({'done': [one for _, one in done], 'failed': failed, 'gap': gap}))
"""


class District:
    """The hosts of one server's move."""

    def __init__(self, world: World, home: Path, run: RunOn) -> None:
        self.world, self.run = world, run
        self._playbooks = Playbooks(world, home)

    def step(self, verb: str, mode: Any = "apply", limits: dict[str, str] | None = None) -> Answer:
        arguments = {
            "system": "fees", "verb": verb, "components": [COMPONENT], "entries": [FRONT], "names": {},
            "limits": {"downtime": "3s", "data_loss": "0s", "catch_up": "30s"} | (limits or {}),
        }  # fmt: skip
        began = time.monotonic()
        try:
            return self._playbooks.call(arguments, mode, 200, lambda _: None)
        finally:
            print(f"{verb} {mode}: {time.monotonic() - began:.1f} s")

    def sql(self, host: str, statements: str) -> str:
        return self.run(host, f"mysql -BN <<'SQL'\n{statements}\nSQL").stdout.strip()

    def written(self, host: str) -> list[str]:
        return self.sql(host, "SELECT reference FROM fees.paid").splitlines()


@pytest.fixture(scope="module")
def district(
    tiny: Programme,
    twin_name: Callable[[str], str],
    running_on: Callable[[World], RunOn],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[District]:
    """The server copied, followed, and fronted by its entry."""
    seeds = tmp_path_factory.mktemp("seeds")
    world = client.up(with_hosts(tiny, ADDRESSES, {OLD}), twin_name("m"), seeds, print)
    run = running_on(world)
    options = f"[mysqld]\nbind-address = {ADDRESSES[OLD]}\n"
    run(
        OLD, f"cat > /etc/mysql/mariadb.conf.d/60-own.cnf <<'CNF'\n{options}CNF\nsystemctl enable --quiet --now mariadb"
    )
    found = District(world, tmp_path_factory.mktemp("steps"), run)
    found.sql(OLD, FEES)
    run(CLIENT, f"cat > /root/pool.py <<'PY'\n{POOL}\nPY")
    for verb in ("prepare", "replicate", "front"):
        assert found.step(verb).state == "done"
    yield found
    client.down(world.name)


def test_the_gate_names_who_bypasses_the_entry_and_nobody_who_comes_through_it(district: District) -> None:
    said = {}
    for way in (OLD, ENTRY):
        with at_work(district.world, CLIENT, f"python3 /root/pool.py {ADDRESSES[way]}") as pool:
            said[way] = district.step("lag", "probe").facts[OLD]["against"]
        assert pool["failed"] == []
    assert said[ENTRY] == []
    assert f"connected beside the entry: {ADDRESSES[CLIENT]}" in said[OLD][0]


def test_there_and_back_and_there_again_without_losing_or_doubling_a_write(district: District) -> None:
    assert district.step("front", "probe").state == "done"
    kept: set[str] = set()
    for mode, there in (("apply", NEW), ("undo", OLD), ("apply", NEW)):
        with at_work(district.world, CLIENT, f"python3 /root/pool.py {ADDRESSES[ENTRY]}") as pool:
            pause = district.step("switch", mode).facts["ms"]["pause"]
            # While clients go on writing at the end that now serves.
            assert district.step("verify").state == "done"
        print(f"{mode}: pause {pause} ms, {pool['gap'] * 1000:.0f} ms without a write, errors: {pool['failed']}")
        written = district.written(there)
        kept |= set(pool["done"])
        assert len(written) == len(set(written))
        assert set(written) >= kept
        # A session is ended once, between two of its transactions; its client comes again.
        assert len(pool["failed"]) <= 4
    assert district.step("switch", "probe").state == "done"
    for end in (OLD, NEW):
        new, old = (district.sql(end, f"SHOW GRANTS FOR app@'{host}'") for host in (MOVED, ADDRESSES[CLIENT]))
        assert new == old.replace(ADDRESSES[CLIENT], MOVED)


def test_retiring_stops_the_source_and_leaves_the_target_clean(district: District) -> None:
    assert district.step("retire").state == "done"
    assert district.step("retire", "probe").state == "done"
    assert district.run(OLD, "systemctl is-active mariadb", check=False).stdout.strip() == "inactive"
    left = "SELECT User FROM mysql.global_priv WHERE User LIKE 'zhenghe%'; SHOW DATABASES LIKE 'zhenghe'"
    assert district.sql(NEW, left) == ""
    with at_work(district.world, CLIENT, f"python3 /root/pool.py {ADDRESSES[ENTRY]}") as pool:
        district.run(NEW, "systemctl restart mariadb")
    assert set(district.written(NEW)) >= set(pool["done"])
    assert pool["done"]
