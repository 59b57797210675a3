"""A PostgreSQL 13 database moves to PostgreSQL 15 and back on real hosts, while clients write through its entry."""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from infra.twin import client
from infra.worlds import World, save_world
from inventory.model import Programme
from migrations.ansible import Answer, PlaybookError, PlaybookFailed, Playbooks

pytestmark = [pytest.mark.real, pytest.mark.slow]

SEEDS = Path(__file__).parents[2] / "examples" / "yunhe" / "twin"
OLD, NEW, ENTRY, CLIENT = "water-db", "new-db", "front", "counter"
ADDRESSES = {OLD: "10.11.0.10", NEW: "10.11.0.21", ENTRY: "10.11.0.30", CLIENT: "10.11.0.40"}
COMPONENT = {
    "name": "db", "kind": "postgresql", "sources": [OLD], "source_addresses": [ADDRESSES[OLD]],
    "targets": [NEW], "target_addresses": [ADDRESSES[NEW]], "settings": {"database": "billing"},
}  # fmt: skip
FRONT = {
    "component": "db", "kind": "pgbouncer", "name": "billing-db.yunhe.example", "port": 5432, "host": ENTRY,
    "address": ADDRESSES[ENTRY],
}  # fmt: skip

# Writes all the time, as an application does: one statement alone, several in a transaction, and connected anew.
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
            connection.autocommit = number == 0
            with connection.cursor() as cursor:
                payment = 'INSERT INTO payments (reference, bill_id, amount) VALUES (%s, %s, 1)'
                cursor.execute(payment, (reference, turn))
                if number == 1:
                    cursor.execute("UPDATE meter_log SET volume = volume + 1 WHERE meter = 'M7'")
                    cursor.execute('UPDATE customers SET address = %s WHERE id = %s', (reference, turn))
            if number:
                connection.commit()
            done.append((time.monotonic(), reference))
            if number == 2:
                connection.close()
                connection = None
        except psycopg2.Error as exc:
            failed.append(str(exc))
            connection = None
        time.sleep(0.01)
threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
[thread.start() for thread in threads]
sys.stdin.read()
stop.set()
[thread.join() for thread in threads]
times = sorted(at for at, _ in done)
gaps = [later - sooner for sooner, later in zip(times, times[1:])]
print(json.dumps({'done': [one for _, one in done], 'failed': failed, 'gap': max(gaps)}))
"""

RunOn = Callable[..., "subprocess.CompletedProcess[str]"]


class District:
    """The hosts of one database's move, and what the tests do there."""

    def __init__(self, world: World, home: Path, run: RunOn) -> None:
        self.world, self.run = world, run
        self._home = home
        self._playbooks = Playbooks(world, home)

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
    def writing(self) -> Iterator[dict[str, Any]]:
        """Keep clients writing through the entry; what they wrote is in the result once the block has ended."""
        words = ("ssh", "-F", str(self.world.ssh_config), CLIENT, f"python3 /root/writer.py {ADDRESSES[ENTRY]}")
        result: dict[str, Any] = {}
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                time.sleep(0.5)
                yield result
                time.sleep(0.5)
            finally:
                said = process.communicate("")[0]
        result.update(json.loads(said))

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


@pytest.fixture(scope="module")
def empty(
    tiny: Programme,
    twin_name: Callable[[str], str],
    running_on: Callable[[World], RunOn],
    tmp_path_factory: pytest.TempPathFactory,
) -> District:
    """The hosts as surveyed: the database in use, the new ones bare."""
    document = tiny.model_dump(mode="json")
    document["departments"][0]["rooms"][0]["hosts"] = [
        {"name": name, "address": address, "os": "debian-11" if name == OLD else "debian-12"}
        for name, address in ADDRESSES.items()
    ]
    world = client.up(Programme.model_validate(document), twin_name("p"), SEEDS, print)
    run = running_on(world)
    run(CLIENT, f"mkdir -p /etc/zhenghe-demo; cat > /root/writer.py <<'PY'\n{WRITER}\nPY")
    password = (SEEDS / OLD / "root/etc/zhenghe-demo/billing.pass").read_text()
    run(CLIENT, f"echo '{password.strip()}' > /etc/zhenghe-demo/billing.pass")
    return District(world, tmp_path_factory.mktemp("steps"), run)


@pytest.fixture(scope="module")
def district(empty: District) -> District:
    """The database copied, followed, and fronted by its entry; clients on the old side."""
    for verb in ("prepare", "replicate", "front"):
        assert empty.step(verb).state == "done"
        assert empty.step(verb, "probe").state == "done"
    return empty


@pytest.fixture
def on_old(district: District) -> Iterator[District]:
    """Clients on the old side, before and after."""
    assert district.sides() == ON_OLD
    yield district
    if district.sides() != ON_OLD:
        district.step("switch", "undo")


FINDINGS = {
    "CREATE ROLE boss SUPERUSER LOGIN": ("superusers that may log in: boss", "DROP ROLE boss"),
    "CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY)": ("unlogged tables: public.scratch", "DROP TABLE scratch"),
    "CREATE TABLE notes (note json)": ("table public.notes has no key, and note cannot", "DROP TABLE notes"),
    "SELECT lo_create(4711)": ("1 large objects", "SELECT lo_unlink(4711)"),
}


def test_what_forbids_a_move_is_said_at_once_and_nothing_is_changed(empty: District) -> None:
    before = _as_surveyed(empty)
    for change in FINDINGS:
        empty.sql(OLD, change)
    try:
        with pytest.raises(PlaybookFailed) as refused:
            empty.step("prepare")
        for finding, _ in FINDINGS.values():
            assert finding in refused.value.reason
        assert refused.value.host == OLD
    finally:
        for _, mend in FINDINGS.values():
            empty.sql(OLD, mend)
    assert _as_surveyed(empty) == before


def test_a_preparation_that_is_undone_leaves_the_source_as_surveyed_and_nothing_on_the_target(empty: District) -> None:
    before = _as_surveyed(empty)
    assert empty.step("prepare").state == "done"
    assert empty.step("prepare").state == "done"
    empty.step("replicate")
    assert empty.slots(OLD)
    assert empty.step("replicate", "undo").state == "not-done"
    assert empty.slots(OLD) == ""
    assert empty.step("prepare", "undo").state == "not-done"
    assert _as_surveyed(empty) == before
    roles, databases = (
        "rolname FROM pg_roles WHERE rolname !~ '^pg_'",
        "datname FROM pg_database WHERE NOT datistemplate",
    )
    assert set(empty.sql(NEW, f"SELECT {roles} UNION SELECT {databases}", "postgres").split()) == {"postgres"}


def _as_surveyed(district: District) -> str:
    owner = "runuser -u postgres --"
    dump = f"cd / && {owner} pg_dump --schema-only billing && {owner} pg_dumpall --globals-only"
    files = "cat /etc/postgresql/13/main/pg_hba.conf /etc/postgresql/13/main/conf.d/*"
    said = district.run(OLD, f"{dump} && {files}").stdout
    # Rights that were never granted and then withdrawn are the default ones, and are written down as such.
    return "".join(sorted(line for line in said.splitlines(keepends=True) if not line.startswith(("--", "\\"))))


def test_a_copy_that_does_not_catch_up_is_given_up_and_leaves_no_slot(empty: District) -> None:
    empty.step("prepare")
    lock = "BEGIN; LOCK TABLE bills IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)"
    empty.run(OLD, f"cd /; setsid runuser -u postgres -- psql -Xd billing -c '{lock}' >/dev/null 2>&1 </dev/null &")
    with pytest.raises(PlaybookFailed, match=r"has not caught up in 3 s: a long transaction on the source"):
        empty.step("replicate", limits={"catch_up": "3s"})
    assert empty.step("replicate", "undo").state == "not-done"
    empty.sql(
        OLD,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
    )
    assert empty.slots(OLD) == ""
    assert empty.sides() == ON_OLD
    assert empty.step("replicate").state == "done"


def test_there_and_back_and_there_again_without_losing_or_doubling_a_write(on_old: District) -> None:
    assert on_old.step("lag").state == "done"
    receipt = int(on_old.sql(OLD, "SELECT nextval('receipt_number')"))
    before = {host: set(on_old.written(host)) for host in (OLD, NEW)}
    moves = (("apply", NEW, ON_NEW), ("undo", OLD, ON_OLD), ("apply", NEW, ON_NEW))
    for mode, there, sides in moves:
        with on_old.writing() as clients:
            answer = on_old.step("switch", mode)
            # While clients go on writing at the end that now serves.
            verified = on_old.step("verify")
        pause, waited = answer.facts["ms"]["pause"], clients["gap"] * 1000
        print(f"{mode}: pause {pause} ms, clients waited {waited:.0f} ms at most")
        assert on_old.sides() == sides
        assert verified.state == "done"
        assert clients["failed"] == []
        written = on_old.written(there)
        assert len(written) == len(set(written))
        assert set(written) >= set(clients["done"]) | before[OLD]
        receipt, last = int(on_old.sql(there, "SELECT nextval('receipt_number')")), receipt
        assert receipt > last
    assert on_old.step("switch", "probe").state == "done"
    assert on_old.step("verify").state == "done"
    assert on_old.slots(OLD) == ""


def test_after_the_switch_nobody_writes_to_the_old_side_by_mistake(on_old: District) -> None:
    on_old.step("switch")
    on_old.run(OLD, "systemctl restart postgresql@13-main")
    insert = "INSERT INTO payments (reference, bill_id, amount) VALUES ('lost', 1, 1)"
    password = "$(cat /etc/zhenghe-demo/billing.pass)"
    direct = f'PGPASSWORD={password} psql -h {ADDRESSES[OLD]} -U billing_app -d billing -c "{insert}"'
    refused = on_old.run(CLIENT, direct, check=False)
    assert refused.returncode != 0
    assert "too many connections" in refused.stderr
    superuser = on_old.run(OLD, f'cd / && runuser -u postgres -- psql -d billing -c "{insert}"', check=False)
    assert "read-only transaction" in superuser.stderr


def test_a_long_transaction_prevents_the_switch_and_is_left_alone(on_old: District) -> None:
    with _held_open(on_old), on_old.writing() as clients:
        with pytest.raises(PlaybookError, match="has not ended in time"):
            on_old.step("switch", limits={"downtime": "1s"})
        assert on_old.sides() == ON_OLD
    assert clients["failed"] == []
    assert on_old.slots(NEW) == ""
    assert on_old.step("switch").state == "done"


@contextmanager
def _held_open(district: District, where: str = ENTRY) -> Iterator[None]:
    """Keep a transaction open, through the entry; it commits when the block ends."""
    command = (
        f"PGPASSWORD=$(cat /etc/zhenghe-demo/billing.pass) psql -qX -v ON_ERROR_STOP=1 -h {ADDRESSES[where]} "
        "-U billing_app -d billing"
    )
    words = ("ssh", "-F", str(district.world.ssh_config), CLIENT, command)
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


KILLED_STEP = """
import json, sys
from pathlib import Path
from infra.worlds import load_world
from migrations.ansible import Playbooks
world, home, arguments = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
Playbooks(load_world(world), home).call(arguments, 'apply', 100, lambda _: None)
"""


@pytest.mark.chaos
def test_a_controller_killed_in_the_pause_costs_nothing_but_time(on_old: District, tmp_path: Path) -> None:
    save_world(on_old.world, tmp_path / "world.json")
    arguments = json.dumps(on_old.arguments("switch", limits={"downtime": "20s"}))
    command = (sys.executable, "-c", KILLED_STEP, str(tmp_path / "world.json"), str(tmp_path), arguments)
    with on_old.writing() as clients:
        with _held_open(on_old), subprocess.Popen(command, cwd=Path(__file__).parents[2]) as controller:
            # The entry is pausing, and waits for that transaction.
            _until(lambda: "|1|" in _paused(on_old))
            controller.send_signal(signal.SIGKILL)
            # Its playbook ends a moment later; until then it would go on with the move once the transaction ends.
            _until(lambda: not _at_work(tmp_path))
        _until(lambda: "|1|" not in _paused(on_old))
    assert on_old.sides() == ON_OLD
    assert clients["failed"] == []
    assert set(clients["done"]) <= set(on_old.written(OLD))


def _paused(district: District) -> str:
    console = "runuser -u postgres -- psql -XAt -h /run/zhenghe-pgbouncer-5432 -p 5432 -U pgbouncer -d pgbouncer"
    said = district.run(ENTRY, f"cd / && {console} -c 'SHOW DATABASES'").stdout
    line = next(line for line in said.splitlines() if line.startswith("billing|"))
    return f"|{line.split('|')[-2]}|"


def _at_work(folder: Path) -> bool:
    """Say whether a playbook still runs that was given its files in the folder; the dead controller is a zombie."""
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(folder).encode() in each.read_bytes():
                return True
    return False


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come about in time"
        time.sleep(0.05)


@pytest.mark.chaos
def test_a_move_killed_anywhere_comes_to_the_same_end(on_old: District, tmp_path: Path) -> None:
    save_world(on_old.world, tmp_path / "world.json")
    arguments = json.dumps(on_old.arguments("switch"))
    command = (sys.executable, "-c", KILLED_STEP, str(tmp_path / "world.json"), str(tmp_path), arguments)
    chance = random.Random(20171122)
    began = time.monotonic()
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True)
    whole = time.monotonic() - began
    on_old.step("switch", "undo")
    for _ in range(3):
        with on_old.writing() as clients:
            controller = subprocess.Popen(command, cwd=Path(__file__).parents[2])
            # The pause is in the last third of the whole.
            time.sleep(whole * chance.uniform(0.66, 1))
            controller.kill()
            controller.wait()
            assert on_old.step("switch").state == "done"
        assert on_old.sides() == ON_NEW
        assert clients["failed"] == []
        written = on_old.written(NEW)
        assert len(written) == len(set(written))
        assert set(written) >= set(clients["done"])
        assert on_old.step("verify").state == "done"
        on_old.step("switch", "undo")


DAMAGES = {
    "a row is lost": ("DELETE FROM bills WHERE id = 77", "table public.bills: 1 rows differ"),
    "a right is missing": ("REVOKE SELECT ON bills FROM billing_staff", "rights on relations: public.bills"),
    "an owner is another": ("ALTER TABLE tariffs OWNER TO postgres", "owners: public.tariffs"),
    "a password is another": ("ALTER ROLE billing_report PASSWORD 'x'", "roles: billing_report"),
    "a sequence is behind": ("SELECT setval('payments_id_seq', 1)", "sequence public.payments_id_seq"),
    "a column was added": ("ALTER TABLE districts ADD mayor text", "columns: public.districts.mayor"),
}


def test_every_damage_is_found_when_the_ends_are_compared(on_old: District) -> None:
    on_old.step("switch")
    assert on_old.step("verify", "probe").state == "done"
    where = {"a sequence is behind": NEW}
    for what, (damage, _) in DAMAGES.items():
        before = "SET default_transaction_read_only = off; BEGIN; SET LOCAL session_replication_role = replica;"
        on_old.sql(where.get(what, OLD), f"{before} {damage}; COMMIT")
    found = on_old.step("verify", "probe")
    assert found.state == "not-done"
    for what, (_, finding) in DAMAGES.items():
        assert any(finding in one for one in found.facts[OLD]["differences"]), (what, found.facts[OLD]["differences"])
    with pytest.raises(PlaybookFailed, match=r"the two ends differ: .*mayor"):
        on_old.step("verify")
    bill = on_old.sql(
        NEW,
        "SELECT format('%L, %s, %L, %s, %s, %L', id, customer_id, period, litres, tariff, detail) FROM bills "
        "WHERE id = 77",
    )
    mends = (
        f"INSERT INTO bills (id, customer_id, period, litres, tariff, detail) OVERRIDING SYSTEM VALUE VALUES ({bill})",
        "GRANT SELECT ON bills TO billing_staff", "ALTER TABLE tariffs OWNER TO billing_owner",
        "ALTER TABLE districts DROP mayor",
    )  # fmt: skip
    writable = "SET default_transaction_read_only = off;"
    on_old.sql(OLD, f"{writable} {'; '.join(mends)}")
    verifier = on_old.sql(NEW, "SELECT rolpassword FROM pg_authid WHERE rolname = 'billing_report'", "postgres")
    on_old.sql(OLD, f"{writable} ALTER ROLE billing_report PASSWORD '{verifier}'", "postgres")
    on_old.sql(NEW, "SELECT setval('payments_id_seq', (SELECT max(id) FROM payments))")
    assert on_old.step("verify").state == "done"


def test_the_gate_names_who_bypasses_the_entry_and_what_was_changed_since(on_old: District) -> None:
    on_old.sql(OLD, "CREATE TABLE late (id int PRIMARY KEY)")
    with _held_open(on_old, OLD):
        found = on_old.step("lag", "probe")
    on_old.sql(OLD, "DROP TABLE late")
    assert found.state == "not-done"
    assert f"billing_app@{ADDRESSES[CLIENT]}" in found.facts[OLD]["against"][0]
    assert re.search(r"schema was changed .*public\.late", found.facts[NEW]["against"][0])
    assert on_old.step("lag").state == "done"


def test_no_secret_is_left_in_logs_or_command_lines(on_old: District) -> None:
    files = "/var/lib/zhenghe /etc/pgbouncer/zhenghe"
    for host in (OLD, NEW, ENTRY):
        readable = on_old.run(
            host, f"find {files} -type f -perm /077 ! -name lock ! -name '*.lock' 2>/dev/null || true"
        ).stdout
        assert readable == ""
    for host in (OLD, NEW):
        password = on_old.run(host, "cut -d: -f5 /var/lib/zhenghe/postgresql/*/passfile").stdout.strip()
        assert len(password) > 30
        for other in (OLD, NEW, ENTRY):
            kept = "cat /var/log/postgresql/*.log 2>/dev/null; journalctl -o cat; cat /proc/*/cmdline | tr '\\0' ' '"
            logs = on_old.run(other, kept).stdout
            assert password not in logs
            assert "SCRAM-SHA-256$" not in logs


def test_retiring_stops_the_source_and_leaves_the_target_clean(district: District) -> None:
    with pytest.raises(PlaybookFailed, match="clients are not on the target"):
        district.step("retire")
    district.step("switch")
    assert district.step("retire").state == "done"
    assert district.step("retire").state == "done"
    assert district.step("retire", "probe").state == "done"
    assert district.run(OLD, "systemctl is-active postgresql@13-main", check=False).stdout.strip() == "inactive"
    assert "Data directory" not in district.run(OLD, "ls /var/lib/postgresql/13/main").stdout
    assert district.slots(NEW) == ""
    roles = district.sql(NEW, "SELECT rolname FROM pg_roles WHERE rolname ~ '^zhenghe'", "postgres")
    assert roles == "zhenghe_water_billing_db_entry"
    assert district.sql(NEW, "SELECT relreplident FROM pg_class WHERE relname = 'meter_log'") == "d"
    with district.writing() as clients:
        pass
    assert clients["failed"] == []
    with pytest.raises(PlaybookFailed, match="the way back was given up"):
        district.step("retire", "undo")
