"""A PostgreSQL 13 database moves to PostgreSQL 15 and back on real hosts, while clients write through its entry."""

import re

import pytest

from infra.world_check import Rights, look
from migrations.actuators.ansible.runner import PlaybookError, PlaybookFailed
from migrations.preflight.asking import Hosts
from migrations.proof.verify import check_hosts
from migrations.proof.verify.expectations import Expectation
from tests.real.postgresql.district import ADDRESSES, CLIENT, ENTRY, NEW, OLD, ON_NEW, ON_OLD, OPERATOR, District
from tests.real.steps import until

pytestmark = [pytest.mark.real, pytest.mark.slow]

FINDINGS = {
    "CREATE ROLE boss SUPERUSER LOGIN": ("superusers that may log in: boss", "DROP ROLE boss"),
    "CREATE UNLOGGED TABLE scratch (id int PRIMARY KEY)": ("unlogged tables: public.scratch", "DROP TABLE scratch"),
    "CREATE TABLE notes (note json)": ("table public.notes has no key, and note cannot", "DROP TABLE notes"),
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
    lock = "BEGIN; LOCK TABLE bills IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(900)"
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
        assert {which: written.count(row) for which, row in clients["edges"].items()} == {
            "last before": 1, "first after": 1,
        }  # fmt: skip
        receipt, last = int(on_old.sql(there, "SELECT nextval('receipt_number')")), receipt
        assert receipt > last
    assert on_old.step("switch", "probe").state == "done"
    assert on_old.step("verify").state == "done"
    assert on_old.slots(OLD) == ""


MEANING = ("timezone", "datestyle", "intervalstyle", "default_transaction_isolation", "statement_timeout", "city.code")
SIZES = ("max_connections", "max_prepared_transactions", "max_locks_per_transaction")


def _seen_by_clients(district: District) -> dict[str, str]:
    words = " ".join(f"-c 'SHOW {name}'" for name in (*MEANING, *SIZES))
    command = f"PGPASSWORD=$(cat /etc/zhenghe-demo/billing.pass) psql -XAt -h {ADDRESSES[ENTRY]} -U billing_app billing"
    return dict(zip((*MEANING, *SIZES), district.run(CLIENT, f"{command} {words}").stdout.split("\n"), strict=False))


def test_what_the_clusters_settings_mean_stays_the_same_and_what_does_not_move_is_told(on_old: District) -> None:
    before = _seen_by_clients(on_old)
    assert before["datestyle"] == "SQL, DMY"
    facts = on_old.step("prepare", "probe").facts
    assert "work_mem: source 9216 kB, target 4096 kB" in facts[NEW]["settings"]["others"]
    assert facts[NEW]["settings"]["refused"] == []
    on_old.sql(OLD, "ALTER SYSTEM SET intervalstyle = 'iso_8601'", "postgres")
    on_old.sql(OLD, "SELECT pg_reload_conf()", "postgres")
    try:
        until(lambda: any("iso_8601" in one for one in on_old.step("lag", "probe").facts[NEW]["against"]))
        assert on_old.step("lag").state == "done"
        on_old.step("switch")
        assert _seen_by_clients(on_old) == {**before, "intervalstyle": "iso_8601"}
    finally:
        on_old.step("switch", "undo")
        on_old.sql(OLD, "ALTER SYSTEM RESET intervalstyle", "postgres")
        on_old.sql(OLD, "SELECT pg_reload_conf()", "postgres")
    assert on_old.step("lag").state == "done"
    assert _seen_by_clients(on_old) == before


def test_all_sequences_go_on_where_they_were_and_a_pause_beyond_the_limit_is_told_before(on_old: District) -> None:
    with pytest.raises(PlaybookFailed, match=r"the pause would take about .* 254 sequences take") as refused:
        on_old.step("lag", limits={"downtime": "1ms", "catch_up": "1s"})
    assert refused.value.host == NEW
    on_old.step("switch")
    question = "SELECT last_value || ' ' || is_called FROM many.s{}"
    assert [on_old.sql(NEW, question.format(number)) for number in (7, 8, 9, 250)] == [
        "700 false", "2 true", "1 false", "1 true",
    ]  # fmt: skip


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
    with on_old.held_open(), on_old.writing() as clients:
        with pytest.raises(PlaybookError, match="has not ended in time"):
            on_old.step("switch", limits={"downtime": "1s"})
        assert on_old.sides() == ON_OLD
    assert clients["failed"] == []
    assert on_old.slots(NEW) == ""
    assert on_old.step("switch").state == "done"


DAMAGES = {
    "a row is lost": ("DELETE FROM bills WHERE id = 77", "table public.bills: 1 rows differ"),
    "a right is missing": ("REVOKE SELECT ON bills FROM billing_staff", "rights on relations: public.bills"),
    "an owner is another": ("ALTER TABLE tariffs OWNER TO postgres", "owners: public.tariffs"),
    "a password is another": ("ALTER ROLE billing_report PASSWORD 'x'", "passwords: billing_report"),
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
    with on_old.held_open(OLD):
        found = on_old.step("lag", "probe")
    on_old.sql(OLD, "DROP TABLE late")
    assert found.state == "not-done"
    assert f"billing_app@{ADDRESSES[CLIENT]}" in found.facts[OLD]["against"][0]
    assert re.search(r"schema was changed .*public\.late", found.facts[NEW]["against"][0])
    assert on_old.step("lag").state == "done"


def test_between_entry_and_ends_everything_is_said_by_tls_and_what_scram_cannot_check_is_told(on_old: District) -> None:
    facts = on_old.step("front", "probe").facts[ENTRY]
    assert (facts["servers"], facts["older_passwords"]) == ("verify-full", ["*", "billing_app"])
    question = (
        "SELECT count(*) || ' ' || bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
        f"WHERE client_addr = '{ADDRESSES[ENTRY]}'"
    )
    with on_old.writing():
        until(lambda: on_old.sql(OLD, question, "postgres").split()[0] != "0")
        assert on_old.sql(OLD, question, "postgres").split()[1] == "true"
    for host in (OLD, NEW):
        rules = on_old.run(host, "cat /etc/postgresql/*/main/pg_hba.conf").stdout.splitlines()
        ours = [rule.split() for rule in rules if ADDRESSES[ENTRY] in rule]
        assert {words[0] for words in ours} == {"hostssl"}


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


def test_steps_are_done_by_an_account_that_may_do_nothing_else(on_old: District) -> None:
    hosts = Hosts(on_old.operators)
    for host in (OLD, NEW, ENTRY):
        by_sudo = on_old.run(host, f"journalctl -o cat -t sudo | grep -c '{OPERATOR} :.*USER=root'").stdout
        assert int(by_sudo) > 2
        for command in ("id", "python3 -c 1", "python3 -BIuc 'print(1)'", "sh -c id"):
            refused = on_old.run(host, f"runuser -u {OPERATOR} -- sudo -n {command}", check=False)
            assert "password is required" in refused.stderr
        asked = hosts.ask(host, "host", {"programs": [], "folders": []})
        assert asked.said is not None
        assert asked.said.facts["user"] == 0
    wanted = Expectation(unit="system:x", host=OLD, what="command", name="id -un", wanted="^root$")
    checked = check_hosts(on_old.operators, [wanted], on_old.home / "checks")
    assert (checked.failed, checked.unknown) == (0, 0)
    (reached,) = look(on_old.operators, [OLD], [])
    assert (reached.user, reached.rights) == (OPERATOR, Rights.SUDO)


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
