"""The hosts on which a database moves, as the tests of its moves see them."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.ground import at_work
from infra.worlds import World
from migrations.actuators.ansible.runner import Answer, Playbooks
from tests.real.steps import ROOT, RunOn

SEEDS = ROOT / "examples" / "yunhe" / "twin"
OLD, NEW, ENTRY, CLIENT = "water-db", "new-db", "front", "counter"
OPERATOR = "zhenghe-op"
"""By whom steps are done on the first three."""
ADDRESSES = {OLD: "10.11.0.10", NEW: "10.11.0.21", ENTRY: "10.11.0.30", CLIENT: "10.11.0.40"}
COMPONENT = {
    "name": "db", "kind": "postgresql", "sources": [OLD], "source_addresses": [ADDRESSES[OLD]],
    "targets": [NEW], "target_addresses": [ADDRESSES[NEW]],
    "settings": {"database": "billing", "pooling": "transaction"},
}  # fmt: skip
FRONT = {
    "component": "db", "kind": "pgbouncer", "name": "billing-db.yunhe.example", "port": 5432, "host": ENTRY,
    "address": ADDRESSES[ENTRY],
}  # fmt: skip

# What somebody once wrote into the configuration of the source's cluster.
SETTINGS = """
timezone = 'Asia/Urumqi'
datestyle = 'SQL, DMY'
default_transaction_isolation = 'repeatable read'
statement_timeout = '90s'
max_connections = 150
max_prepared_transactions = 7
max_locks_per_transaction = 96
work_mem = '9MB'
city.code = '370282'
"""
SEQUENCES = """
CREATE SCHEMA many;
SELECT format('CREATE SEQUENCE many.s%s', g) FROM generate_series(1, 250) g \\gexec
SELECT setval('many.s7', 700, false), nextval('many.s8'), nextval('many.s8');
SELECT count(nextval(format('many.s%s', g)::regclass)) FROM generate_series(200, 250) g;
"""

# Writes all the time, as an application does: one statement alone, several in a transaction, connected anew, and one
# row after the other without a moment's rest, so that some are written within a millisecond of any switch.
WRITER = """
import json, sys, threading, time, uuid, psycopg2
host, password = sys.argv[1], open('/etc/zhenghe-demo/billing.pass').read().strip()
stop, tried, done, failed = threading.Event(), [], [], []
def connect():
    return psycopg2.connect(host=host, dbname='billing', user='billing_app', password=password)
def write(number):
    connection, turn = None, 0
    while not stop.is_set():
        turn += 1
        reference = uuid.uuid4().hex
        try:
            connection = connection or connect()
            connection.autocommit = number in (0, 3)
            with connection.cursor() as cursor:
                payment = 'INSERT INTO payments (reference, bill_id, amount) VALUES (%s, %s, 1)'
                cursor.execute(payment, (reference, 1 + turn % 20000))
                if number == 1:
                    cursor.execute("UPDATE meter_log SET volume = volume + 1 WHERE meter = 'M7'")
                    cursor.execute('UPDATE customers SET address = %s WHERE id = %s', (reference, turn))
            if number in (1, 2):
                connection.commit()
            done.append((time.monotonic(), reference))
            if number == 2:
                connection.close()
                connection = None
        except psycopg2.Error as exc:
            failed.append(str(exc))
            connection = None
        time.sleep(0 if number == 3 else 0.01)
threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
sys.stdin.read()
stop.set()
[thread.join() for thread in threads]
done.sort()
gap, last = max((later[0] - sooner[0], place) for place, (sooner, later) in enumerate(zip(done, done[1:])))
edges = {'last before': done[last][1], 'first after': done[last + 1][1]}
print(json.dumps({'done': [one for _, one in done], 'failed': failed, 'gap': gap, 'edges': edges}))
"""

# Thirty clients that stay connected and ask now and then: at any moment one of them wants a connection to the server.
ASKERS = """
import json, random, sys, threading, time, psycopg2
host, password = sys.argv[1], open('/etc/zhenghe-demo/billing.pass').read().strip()
stop, done, failed = threading.Event(), [], []
def ask():
    connection = psycopg2.connect(host=host, dbname='billing', user='billing_app', password=password)
    connection.autocommit = True
    while not stop.wait(random.uniform(0, 0.6)):
        try:
            connection.cursor().execute('SELECT 1')
            done.append(time.monotonic())
        except psycopg2.Error as exc:
            failed.append(str(exc))
            return
threads = [threading.Thread(target=ask) for _ in range(30)]
[thread.start() for thread in threads]
sys.stdin.read()
stop.set()
[thread.join() for thread in threads]
print(json.dumps({'done': done, 'failed': failed}))
"""


class District:
    """The hosts of one database's move, and what the tests do there."""

    def __init__(self, world: World, operators: World, home: Path, run: RunOn) -> None:
        """Tests look as root; the steps are done in the world of an operator, who is root nowhere."""
        self.world, self.operators, self.run = world, operators, run
        self.home = home
        self._playbooks = Playbooks(operators, home)

    def arguments(self, verb: str, **changes: Any) -> dict[str, Any]:
        limits = {"downtime": "3s", "data_loss": "0s", "catch_up": "60s"} | changes.pop("limits", {})
        return {
            "system": "water-billing", "verb": verb, "components": [COMPONENT], "entries": [FRONT], "names": {},
            "limits": limits, **changes,
        }  # fmt: skip

    def step(self, verb: str, mode: Any = "apply", **changes: Any) -> Answer:
        began = time.monotonic()
        try:
            return self._playbooks.call(self.arguments(verb, **changes), mode, 200, lambda _: None)
        finally:
            print(f"{verb} {mode}: {time.monotonic() - began:.1f} s")

    def sql(self, host: str, statement: str, database: str = "billing") -> str:
        command = (
            f"cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} <<'SQL'\n{statement}\nSQL"
        )
        return self.run(host, command).stdout.strip()

    @contextmanager
    def writing(self, clients: str = WRITER) -> Iterator[dict[str, Any]]:
        """Keep clients working through the entry; what came of it is in the result once the block has ended."""
        self.run(CLIENT, f"cat > /root/clients.py <<'PY'\n{clients}\nPY")
        with at_work(self.world, CLIENT, f"python3 /root/clients.py {ADDRESSES[ENTRY]}") as result:
            yield result

    @contextmanager
    def held_open(self, where: str = ENTRY) -> Iterator[None]:
        """Keep a transaction open, through the entry or beside it; it commits when the block ends."""
        command = (
            f"PGPASSWORD=$(cat /etc/zhenghe-demo/billing.pass) psql -qX -v ON_ERROR_STOP=1 -h {ADDRESSES[where]} "
            "-U billing_app -d billing"
        )
        words = ("ssh", "-F", str(self.world.ssh_config), CLIENT, command)
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("BEGIN; UPDATE bills SET detail = detail WHERE id = 20000; \\echo open\n")
            process.stdin.flush()
            assert process.stdout.readline() == "open\n"
            try:
                yield
            finally:
                process.communicate("COMMIT;\n")
        assert process.returncode == 0

    def paused(self) -> bool:
        """Say whether the entry holds its clients back, or is about to."""
        console = "runuser -u postgres -- psql -XAt -h /run/zhenghe-pgbouncer-5432 -p 5432 -U pgbouncer -d pgbouncer"
        said = self.run(ENTRY, f"cd / && {console} -c 'SHOW DATABASES'").stdout
        line = next(line for line in said.splitlines() if line.startswith("billing|"))
        return line.split("|")[-2] == "1"

    def sides(self) -> dict[str, str]:
        question = (
            "SELECT datconnlimit || ' ' || coalesce((SELECT substr(s, 14) FROM pg_db_role_setting, unnest(setconfig) s "
            "WHERE setdatabase = d.oid AND setrole = 0 AND s LIKE 'zhenghe.side=%'), 'serving') "
            "FROM pg_database d WHERE datname = 'billing'"
        )
        return {host: self.sql(host, question, "postgres") for host in (OLD, NEW)}

    def slots(self, host: str) -> str:
        return self.sql(host, "SELECT slot_name FROM pg_replication_slots", "postgres")

    def written(self, host: str) -> list[str]:
        return self.sql(host, "SELECT reference FROM payments WHERE length(reference) = 32").splitlines()


ON_OLD = {OLD: "-1 serving", NEW: "0 waiting"}
ON_NEW = {OLD: "0 waiting", NEW: "-1 serving"}
