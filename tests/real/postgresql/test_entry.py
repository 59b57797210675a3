"""An entry before a database: who was let in from where still is, nobody else, and what a client keeps is its own."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.real.ends import Refusal
from tests.real.postgresql.laboratory import ENTRY, Laboratory, Moving

pytestmark = [pytest.mark.real]
DATABASE = "entered"
ROLES = r"""
SET password_encryption = 'scram-sha-256';
CREATE ROLE clerk LOGIN PASSWORD 'x'; CREATE ROLE guarded LOGIN PASSWORD 'x'; CREATE ROLE auditors NOLOGIN;
CREATE ROLE "o'd""d 员" LOGIN PASSWORD 'x' IN ROLE auditors; CREATE ROLE old_hash LOGIN;
SET password_encryption = md5; ALTER ROLE old_hash PASSWORD 'x';
CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one'); GRANT ALL ON t TO PUBLIC;
"""
RULES = """
host entered guarded 10.11.7.9/32 scram-sha-256
host entered guarded all reject
host entered +auditors 10.11.7.0 255.255.255.0 md5
host entered +auditors 0.0.0.0/0 reject
host other clerk 10.66.0.0/16 trust
host all clerk,old_hash 10.11.0.0/16 md5
"""

WHERE = "SELECT current_setting('server_version_num')::int / 10000, count(*) FROM t"


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    laboratory = Laboratory(tmp_path_factory.mktemp("laboratory"))
    yield laboratory
    laboratory.close()


@pytest.fixture(scope="module")
def moving(laboratory: Laboratory) -> Moving:
    """The database, copied and followed; not fronted yet."""
    laboratory.sql("source", f"CREATE DATABASE {DATABASE}", "postgres")
    laboratory.sql("source", ROLES, DATABASE)
    let_in(laboratory, RULES)
    moving = Moving(laboratory, DATABASE)
    for step in ("prepare", "replicate"):
        moving.step(step)
    return moving


def let_in(laboratory: Laboratory, rules: str) -> None:
    marked = "cd /etc/postgresql/13/main; sed -i '/^# as surveyed$/,$d' pg_hba.conf; cat >> pg_hba.conf"
    laboratory.run("source", marked, "# as surveyed\n" + rules)
    laboratory.sql("source", "SELECT pg_reload_conf(), pg_sleep(0.1)", "postgres")


@pytest.mark.parametrize(
    "rule, said",
    [
        ("host all clerk 10.11.0.0/16 trust", "lets clerk in from 10.11.0.0/16 by trust: behind an entry everybody"),
        ("hostssl entered +auditors all cert", "lets o'd\"d 员 in from 0.0.0.0/0, ::/0 by a certificate: an entry"),
        ("hostssl entered clerk samenet md5 clientcert=1", "with a certificate (clientcert=verify-ca)"),
        ("host entered clerk .nobody.example md5", "from .nobody.example by its name: an entry knows no names"),
        ("host sameuser all all ldap ldapserver=x ldapprefix=x", ""),
        ("host entered postgres 10.0.0.0/8 trust", ""),
        ("host entered clerk 127.0.0.1/32 trust", ""),
    ],
)
def test_a_rule_that_no_entry_can_hold_is_told_by_its_line(moving: Moving, rule: str, said: str) -> None:
    let_in(moving.laboratory, rule + "\n")
    moving.entry = dict(ENTRY)
    told = ""
    try:
        made = moving.verb("target", "verifier")
        moving.verb("source", "cluster", verifier=made["verifier"], server=made["server"])
    except Refusal as refusal:
        told = refusal.reason
    let_in(moving.laboratory, RULES)
    assert said in told
    assert told.count("line ") == bool(said)


def test_the_entry_lets_in_whom_the_source_did_and_nobody_else(moving: Moving) -> None:
    facts = moving.front(moved={"10.11.7.9": ["10.11.0.55"]})
    assert (facts["pooling"], facts["why"]) == (
        "session", ["not known: pg_stat_statements has counted no statement here"]
    )  # fmt: skip
    who = {role: {at for at in ("10.11.0.10", "10.11.7.9", "10.11.7.10", "10.11.0.55", "10.12.0.9")
                  if moving.come("SELECT 1", role, at).returncode == 0}
           for role in ("clerk", "guarded", 'o\'d"d 员', "old_hash")}  # fmt: skip
    inside = {"10.11.0.10", "10.11.7.9", "10.11.7.10", "10.11.0.55"}
    assert who == {
        "clerk": inside, "old_hash": inside, "guarded": {"10.11.7.9", "10.11.0.55"},
        'o\'d"d 员': {"10.11.7.9", "10.11.7.10", "10.11.0.55"},
    }  # fmt: skip


def test_rules_that_change_after_the_entry_was_made_stop_the_gate(moving: Moving) -> None:
    moving.step("lag")
    let_in(moving.laboratory, "host entered clerk 10.66.0.0/16 md5\n" + RULES)
    with pytest.raises(Refusal, match="changed since the entry was made"):
        moving.verb("source", "lag", limit="0s")
    let_in(moving.laboratory, RULES)
    moving.step("lag")


def test_who_speaks_no_tls_is_named_and_served_until_a_person_has_the_entry_demand_it(moving: Moving) -> None:
    asked = f"dbname={DATABASE} user=clerk password=x host=10.11.0.10 sslmode="
    clear, by_tls = (
        session(moving, "SELECT 1;", asked + mode) for mode in ("disable", "require")
    )
    try:
        facts = moving.front()
        assert (facts["tls"], facts["clear"]) == ("allowed", ["clerk@10.11.0.10"])
        assert moving.come(WHERE, "clerk", tls="disable").returncode == 0
        moving.settings["tls"] = "required"
        assert moving.front()["tls"] == "required"
        assert [moving.come(WHERE, "clerk", tls=mode).returncode for mode in ("prefer", "disable")] == [0, 2]
    finally:
        moving.settings.pop("tls", None)
        for client in (clear, by_tls):
            client.communicate("")
    moving.front()


def session(moving: Moving, statements: str, asked: str = "") -> "subprocess.Popen[str]":
    """Begin a session that stays, by the entry from where clerks are let in, and wait until it has answered."""
    if not asked:
        assert moving.come("SELECT 1", "clerk").returncode == 0
        asked = f"dbname={DATABASE} user=clerk password=x host={ENTRY['address']} port={ENTRY['port']}"
    words = [*moving.laboratory.enter, "old", f"cd /; exec psql -XAtq '{asked}'"]
    pipe = subprocess.PIPE
    client = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    say(client, statements)
    return client


def say(client: "subprocess.Popen[str]", statements: str) -> str:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(statements + "\n\\echo said\n")
    client.stdin.flush()
    lines: list[str] = []
    while (line := client.stdout.readline()) not in ("said\n", ""):
        lines.append(line.strip())
    return " ".join(lines)


def test_a_service_beside_it_stays_until_it_ends_in_the_switch_and_comes_from_its_new_address(moving: Moving) -> None:
    old, new = "10.11.0.10", "10.66.0.7"
    service = session(moving, "SELECT 1;", f"dbname={DATABASE} user=guarded password=x host=127.0.0.1")
    try:
        moving.front()
        with pytest.raises(Refusal, match=r"connected beside the entry: guarded@127\.0\.0\.1"):
            moving.verb("source", "lag", limit="0s")
        moving.front(moved={old: [new]}, ending=[old])
        reached = [moving.come(WHERE, "guarded", at).returncode for at in (new, "10.66.0.8", old)]
        assert reached == [0, 2, 2]
        moving.step("lag")
        with pytest.raises(Refusal, match=r"though the services there have ended: guarded@127\.0\.0\.1"):
            moving.step("switch")
    finally:
        service.communicate("")
    moving.step("switch")
    assert moving.come(WHERE, "guarded", new).stdout.startswith("15|")
    # From here on the source's host has its own address again.
    assert moving.come(WHERE, "guarded", old).returncode == 2
    moving.step("return")
    moving.front()


def test_a_switch_by_session_closes_who_is_outside_of_a_transaction_and_waits_for_the_others(moving: Moving) -> None:
    idle = session(moving, "SET search_path = office; CREATE TEMP TABLE mine (a int); SELECT pg_advisory_lock(42);")
    other = session(moving, "SELECT 1;")
    assert say(other, "SHOW search_path; SELECT pg_try_advisory_lock(42);") == '"$user", public f'
    busy = session(moving, "BEGIN; INSERT INTO t VALUES (2, 'two');")
    with pytest.raises(Refusal, match="a transaction that goes through the entry has not ended in time"):
        moving.step("switch")
    assert say(busy, "COMMIT; SELECT count(*) FROM t;") == "2"
    assert moving.come(WHERE, "clerk").stdout == "13|2\n"
    moving.step("switch")
    assert moving.come(
        "SELECT current_setting('server_version_num')::int / 10000, count(*) FROM t", "clerk"
    ).stdout == ("15|2\n")
    for client in (idle, other, busy):
        said = client.communicate("SELECT 1;\n")[1]
        assert "terminating connection due to administrator command" in said
    moving.step("return")
    assert moving.come(WHERE, "clerk").stdout == "13|2\n"
