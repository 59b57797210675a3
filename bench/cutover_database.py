"""How long clients of a PostgreSQL database cannot write while it moves to another host.

One run, the same hosts, the same clients, who write through the entry all the time:

    floor     an empty PAUSE and RESUME of PgBouncer, commanded over a session that is open already
    switch    the step `switch`: PostgreSQL 13 -> 15, with the fence, the last rows, sequences, and the turn
    return    the same step taken back
    by hand   the usual procedure, by a script that never stops to think: stop the entry, wait until the copy has the
              last row, set the sequences, open the target, point the entry to it, start the entry
"""

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Literal

from bench.ground import SEEDS, Remote, Result, at_work, conditions, report, room, tell, twin
from migrations.actuators.ansible.runner import Playbooks

OLD, NEW, ENTRY, CLIENT = "water-db", "new-db", "front", "counter"
ADDRESSES = {OLD: "10.11.0.10", NEW: "10.11.0.21", ENTRY: "10.11.0.30", CLIENT: "10.11.0.40"}
STEP = {
    "system": "water-billing",
    "components": [{
        "name": "db", "kind": "postgresql", "sources": [OLD], "source_addresses": [ADDRESSES[OLD]],
        "targets": [NEW], "target_addresses": [ADDRESSES[NEW]],
        "settings": {"database": "billing", "pooling": "transaction"},
    }],
    "entries": [{
        "component": "db", "kind": "pgbouncer", "name": "billing-db.yunhe.example", "port": 5432, "host": ENTRY,
        "address": ADDRESSES[ENTRY],
    }],
    "names": {},
    "limits": {"downtime": "10s", "data_loss": "0s", "catch_up": "60s"},
}  # fmt: skip

# meter_log has no key, so that a write which is applied twice stands there twice.
WRITER = """
import json, sys, threading, time, uuid, psycopg2
host, password = sys.argv[1], sys.stdin.readline().strip()
stop, done, failed = threading.Event(), [], []
statement = ("WITH paid AS (INSERT INTO payments (reference, bill_id, amount) VALUES (%s, 1, 1)) "
             "INSERT INTO meter_log (meter, said) VALUES ('bench', %s)")
def write():
    connection = None
    while not stop.is_set():
        reference = uuid.uuid4().hex
        try:
            if connection is None:
                connection = psycopg2.connect(host=host, dbname='billing', user='billing_app', password=password)
                connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, (reference, reference))
            done.append((time.time(), reference))
        except psycopg2.Error:
            failed.append(time.time())
            connection = None
        time.sleep(0.005)
threads = [threading.Thread(target=write) for _ in range(3)]
[thread.start() for thread in threads]
sys.stdin.read()
stop.set()
[thread.join() for thread in threads]
print(json.dumps({'done': sorted(done), 'failed': failed}))
"""
CONSOLE = """
import os, pwd, sys, psycopg2
os.seteuid(pwd.getpwnam('postgres').pw_uid)
console = psycopg2.connect(host='/run/zhenghe-pgbouncer-5432', port=5432, user='pgbouncer', dbname='pgbouncer')
console.autocommit = True
print('open', flush=True)
for line in sys.stdin:
    console.cursor().execute(line)
    print('done', flush=True)
"""
PSQL = "cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1"
CAUGHT_UP = f"""
last=$({PSQL} -d billing -c 'SELECT pg_current_wal_lsn()')
until [ "$({PSQL} -d billing -c "SELECT bool_and(confirmed_flush_lsn >= '$last') FROM pg_replication_slots
    WHERE slot_type = 'logical'")" = t ]; do sleep 0.02; done
"""
SEQUENCES = """SELECT format('SELECT setval(%L, %s);', quote_ident(schemaname) || '.' || quote_ident(sequencename),
    last_value) FROM pg_sequences WHERE last_value IS NOT NULL"""

Window = tuple[float, float]
Deed = Callable[[], object]


class District:
    """The hosts of the database's move."""

    def __init__(self, remote: Remote, playbooks: Playbooks) -> None:
        self.remote = remote
        self._playbooks = playbooks
        self.windows: dict[str, list[Window]] = {}

    def step(self, verb: str, mode: Literal["apply", "undo"] = "apply") -> None:
        """Carry one step out as a run does."""
        answer = self._playbooks.call({**STEP, "verb": verb}, mode, 200, lambda _: None)
        wanted = "done" if mode == "apply" else "not-done"
        assert answer.state == wanted, f"{verb} {mode}: {answer}"

    def timed(self, name: str, deed: Deed) -> None:
        """Note when something is done to the clients."""
        tell(name)
        began = time.time()
        deed()
        time.sleep(0.3)
        self.windows.setdefault(name, []).append((began, time.time()))

    @contextmanager
    def writing(self) -> Iterator[dict[str, Any]]:
        """Keep clients writing; what came of it is in the result when the block has ended."""
        password = (SEEDS / OLD / "root/etc/zhenghe-demo/billing.pass").read_text().strip()
        command = f"python3 /root/writer.py {ADDRESSES[ENTRY]}"
        with at_work(self.remote.world, CLIENT, command, f"{password}\n") as result:
            yield result

    @contextmanager
    def console(self) -> Iterator[Callable[[str], None]]:
        """Give an open session with PgBouncer's own database."""
        words = (*self.remote.ssh, ENTRY, "python3 -u /root/console.py")
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            stdin, stdout = process.stdin, process.stdout
            assert stdout.readline() == "open\n"

            def say(command: str) -> None:
                stdin.write(command + "\n")
                stdin.flush()
                assert stdout.readline() == "done\n"

            yield say
            stdin.close()

    def by_hand(self) -> None:
        """Move the database as it is usually done."""
        run = self.remote.run
        run(ENTRY, "systemctl stop zhenghe-pgbouncer@5432")
        run(OLD, CAUGHT_UP)
        values = run(OLD, f'{PSQL} -d billing -c "{SEQUENCES}"')
        opened = (
            "ALTER DATABASE billing CONNECTION LIMIT -1; ALTER DATABASE billing RESET default_transaction_read_only"
        )
        run(NEW, f'{PSQL} -d postgres -c "{opened}" && {PSQL} -d billing >/dev/null', values)
        there = f"s/host={ADDRESSES[OLD]} /host={ADDRESSES[NEW]} /"
        folder = "/etc/pgbouncer/zhenghe/5432"
        run(ENTRY, f"sed -i '{there}' {folder}/pgbouncer.ini && systemctl start zhenghe-pgbouncer@5432")


def measure(rounds: int) -> Result:
    """Seconds without a successful write of a PostgreSQL switch, beside an empty pause and the procedure by hand."""
    found = conditions()
    hosts = {name: (address, "debian-11" if name == OLD else "debian-12") for name, address in ADDRESSES.items()}
    with tempfile.TemporaryDirectory(prefix="zb-") as scratch, twin(room(hosts), SEEDS) as world:
        district = District(Remote(world, Path(scratch)), Playbooks(world, Path(scratch) / "steps"))
        district.remote.run(CLIENT, "cat > /root/writer.py", WRITER)
        district.remote.run(ENTRY, "cat > /root/console.py", CONSOLE)
        for verb in ("prepare", "replicate", "front"):
            tell(verb)
            district.step(verb)
        with district.writing() as clients:
            _move(district, rounds)
        there = [
            district.remote.run(NEW, f'{PSQL} -d billing -c "{question}"').split()
            for question in (
                "SELECT reference FROM payments WHERE length(reference) = 32",
                "SELECT said FROM meter_log WHERE meter = 'bench'",
            )
        ]
    return _result(district.windows, clients, there, rounds).model_copy(update={"conditions": found})


def _move(district: District, rounds: int) -> None:
    with district.console() as say:
        for _ in range(rounds):
            district.timed("quiet", lambda: time.sleep(2))
            district.timed("floor", lambda: (say("PAUSE billing"), say("RESUME billing")))
            district.timed("switch", lambda: district.step("switch"))
            district.timed("return", lambda: district.step("switch", "undo"))
    district.timed("by_hand", district.by_hand)


def _result(windows: dict[str, list[Window]], clients: dict[str, Any], there: list[list[str]], rounds: int) -> Result:
    times = [float(at) for at, _ in clients["done"]]
    acknowledged = {str(reference) for _, reference in clients["done"]}
    gaps = {name: [_longest(times, window) for window in each] for name, each in windows.items()}
    figures = {f"{name}_seconds": round(median(each), 4) for name, each in gaps.items()}
    figures |= {f"{name}_worst_seconds": round(max(each), 4) for name, each in gaps.items() if rounds > 1}
    figures |= {
        f"{name}_requests_failed": float(sum(a <= at <= b for at in clients["failed"] for a, b in windows[name]))
        for name in ("switch", "return", "by_hand")
    }
    lost = sum(len(acknowledged - set(kept)) for kept in there)
    doubled = sum(count - 1 for kept in there for count in Counter(kept).values())
    figures |= {"acknowledged_writes": float(len(acknowledged)), "lost": float(lost), "doubled": float(doubled)}
    ours = figures["switch_seconds"]
    return Result(
        bench="cutover_database",
        question=f"time without a successful write, median of {rounds} (by hand: once)",
        figures=figures,
        ratios={
            "switch/floor": round(ours / figures["floor_seconds"], 3),
            "by_hand/switch": round(figures["by_hand_seconds"] / ours, 3),
        },
        promises={"no write lost": lost == 0, "no write doubled": doubled == 0},
        conditions=conditions(),
    )


def _longest(times: Sequence[float], window: Window) -> float:
    """Return the longest time between two successes that touches a window, in seconds."""
    return max(later - sooner for sooner, later in pairwise(times) if later >= window[0] and sooner <= window[1])


if __name__ == "__main__":
    report(measure, rounds=5)
