"""What is found before a move: hosts' words are read by closed models and judged without anybody being asked again."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra.hearing import Heard, Unheard
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from migrations.preflight import Finding, Preflight, Severity
from migrations.preflight.asking import Answer, read

KINDS = load_kinds(playbooks_folder() / "roles")
NOW = 1_700_000_000.0
HOST: dict[str, Any] = {
    "user": 0, "python": "3.9.2", "release": "debian-11", "cpus": 2, "memory": {"total": 2000, "available": 1000},
    "clock": NOW + 0.1, "synchronised": True, "mounts": [], "programs": {"rsync": True}, "folders": {}, "timers": [],
    "crontabs": [], "firewall": 0,
}  # fmt: skip
SERVER: dict[str, Any] = {
    "version": "10.5.23-MariaDB", "logs": True, "copies": True, "may_restart": False, "tables": 14, "bytes": 1 << 20,
    "clients": 3, "binlog_format": "ROW", "sql_mode": "", "timezone": "CST", "databases": ["fees"],
    "character_sets": ["gbk"], "without_transactions": [], "events": [], "told": [],
}  # fmt: skip
DATABASE: dict[str, Any] = {"there": True, "free_senders": 8, "logical_workers": 4, "version": "13.23"}


class Hosts:
    """Says the same for each host, but for what is given by host and kind."""

    def __init__(self, others: Mapping[tuple[str, str], Any]) -> None:
        self._others = others
        self.asked: list[tuple[str, str]] = []

    def knows(self, kind: str) -> bool:
        return kind in {"postgresql", "mariadb", "web"}

    def ask(self, host: str, kind: str, given: Mapping[str, Any]) -> Answer:  # noqa: ARG002
        self.asked.append((host, kind))
        site = {"needs": [], "running": True}
        usual = {"host": HOST, "postgresql": DATABASE, "mariadb": SERVER, "web": site, "service": {}}[kind]
        said = self._others.get((host, kind), {"facts": usual})
        if said is None:
            return Answer(said=None, reason="Connection timed out", clock=NOW)
        try:
            return read(Heard(0, json.dumps(said).encode(), ""), NOW)
        except Unheard as exc:
            return Answer(said=None, reason=exc.reason, clock=NOW)


def found(programme: Programme, others: Mapping[tuple[str, str], Any] | None = None) -> tuple[Finding, ...]:
    hosts = Hosts(others or {})
    preflight = Preflight(programme, KINDS, hosts)
    result = preflight.look(preflight.moving())
    assert len(hosts.asked) == len(set(hosts.asked)), "somebody was asked twice"
    return result.findings


SESSIONS = (Severity.ATTENTION, "civil-web", "db")
"""That a switch ends clients' sessions is told of every MariaDB server; the example has one."""


def heavy(findings: tuple[Finding, ...]) -> list[tuple[Severity, str, str]]:
    """Return what is more than a note, beside what is told of the example's sound server."""
    told = [(each.severity, each.host, each.subject) for each in findings if each.severity is not Severity.NOTE]
    return [each for each in told if each != SESSIONS]


def test_of_a_sound_district_nothing_stands_against_the_moves(programme: Programme) -> None:
    findings = found(programme)
    assert heavy(findings) == []
    assert SESSIONS in {(each.severity, each.host, each.subject) for each in findings}


def test_only_what_moves_is_looked_at_and_never_what_is_classified(programme: Programme) -> None:
    hosts = Hosts({})
    preflight = Preflight(programme, KINDS, hosts)
    names = {system.system for system in preflight.moving()}
    classified = {system.system for system in programme.systems if system.grading.classified}
    assert classified
    assert names == {"allowance", "archive", "identity", "water-billing"}


def test_a_host_that_gives_no_answer_is_not_known_and_not_fine(programme: Programme) -> None:
    findings = found(programme, {("civil-db", "host"): None, ("civil-db", "postgresql"): None})
    assert heavy(findings) == [
        (Severity.NOT_KNOWN, "civil-db", "host"), (Severity.NOT_KNOWN, "civil-db", "db"),
    ]  # fmt: skip
    assert findings[0].why


@pytest.mark.parametrize(
    "change, severity, subject",
    [
        ({"user": 1000}, Severity.BLOCKS, "rights"),
        ({"python": "3.6.8"}, Severity.BLOCKS, "python"),
        ({"programs": {"rsync": False}}, Severity.BLOCKS, "rsync"),
        ({"release": "debian-12"}, Severity.ATTENTION, "operating system"),
        ({"clock": NOW - 600}, Severity.ATTENTION, "clock"),
        ({"crontabs": ["/etc/cron.d/settlement"]}, Severity.ATTENTION, "/etc/cron.d/settlement"),
        ({"timers": ["settlement.timer"]}, Severity.ATTENTION, "settlement.timer"),
        (
            {"folders": {"/srv": {"there": False, "files": 0, "bytes": 0, "whole": True, "below": []}}},
            Severity.BLOCKS,
            "/srv",
        ),
        (
            {"folders": {"/srv": {"there": True, "files": 1, "bytes": 9, "whole": True, "below": ["/srv/nfs"]}}},
            Severity.ATTENTION,
            "/srv",
        ),
    ],
)
def test_what_a_host_lacks_is_found(
    programme: Programme, change: dict[str, Any], severity: Severity, subject: str
) -> None:
    assert heavy(found(programme, {("water-db", "host"): {"facts": {**HOST, **change}}})) == [
        (severity, "water-db", subject)
    ]


@pytest.mark.parametrize(
    "change, severity",
    [
        ({"free_senders": 0}, Severity.BLOCKS),
        ({"logical_workers": 0}, Severity.ATTENTION),
        ({"prepared": ["gid-1"]}, Severity.ATTENTION),
        ({"slots": ["debezium"]}, Severity.ATTENTION),
        ({"event_triggers": ["guard"]}, Severity.ATTENTION),
        ({"pooling": "session", "sessions": ["not known"], "clients": 3}, Severity.ATTENTION),
        ({"reading": 40.0}, Severity.ATTENTION),
        ({"passwordless": ["clerk"]}, Severity.ATTENTION),
        ({"tls": "allowed", "clear": ["clerk@10.1.1.9"]}, Severity.ATTENTION),
        ({"tls": "required"}, Severity.ATTENTION),
        ({"bytes": 1 << 40}, Severity.ATTENTION),
        ({"tables": 20_000, "indexes": 90_000}, Severity.ATTENTION),
    ],
)
def test_what_a_database_asks_for_is_found(programme: Programme, change: dict[str, Any], severity: Severity) -> None:
    findings = found(programme, {("water-db", "postgresql"): {"facts": {**DATABASE, **change}}})
    assert heavy(findings) == [(severity, "water-db", "billing")]


@pytest.mark.parametrize(
    "change, severity, said",
    [
        ({"logs": False}, Severity.BLOCKS, "no binary log"),
        ({"logs": False, "may_restart": True}, Severity.ATTENTION, "no binary log"),
        ({"copies": False}, Severity.BLOCKS, "mariabackup"),
        ({"without_transactions": ["fees.old (MyISAM)"]}, Severity.ATTENTION, "fees.old (MyISAM)"),
        ({"told": ["definers that have no account: x@%"]}, Severity.ATTENTION, "x@%"),
    ],
)
def test_what_a_mariadb_server_asks_for_is_found(
    programme: Programme, change: dict[str, Any], severity: Severity, said: str
) -> None:
    document = programme.model_dump(mode="json")
    parts = [part for system in document["systems"] for part in system["components"] if part["on"] == ["water-db"]]
    for part in parts:
        part |= {"kind": "mariadb", "settings": {}}
    moved = Programme.model_validate(document)
    plain = heavy(found(moved))
    # Sessions that end are told of every server.
    assert [(each[0], each[1]) for each in plain] == [(Severity.ATTENTION, "water-db")] * len(parts)
    findings = found(moved, {("water-db", "mariadb"): {"facts": {**SERVER, **change}}})
    assert any(each.severity is severity and said in each.why for each in findings)


def test_what_preparation_would_refuse_stands_against_the_move(programme: Programme) -> None:
    refused = {"facts": DATABASE, "refusals": ["billing: wal_level is replica"]}
    findings = found(programme, {("water-db", "postgresql"): refused})
    assert [each.why for each in findings if each.severity is Severity.BLOCKS] == ["billing: wal_level is replica"]


@pytest.mark.parametrize(
    "said",
    [
        {"facts": {**HOST, "add_host": {"name": "cloud-host"}}},
        {"facts": {**HOST, "user": "root"}},
        {"facts": {"user": 0}},
        {"facts": HOST, "more": 1},
        {"facts": {**HOST, "timers": ["x"] * 600}},
        {"facts": {**HOST, "python": "3" * 5000}},
        ["no answer"],
    ],
)
def test_what_is_no_answer_of_the_model_is_not_known(programme: Programme, said: object) -> None:
    findings = found(programme, {("water-db", "host"): said})
    assert heavy(findings) == [(Severity.NOT_KNOWN, "water-db", "host")]


def test_what_goes_along_with_a_site_is_listed_before_it_goes(programme: Programme) -> None:
    unit = "/etc/systemd/system/billing.service (sha256 9f86d081884c7d65)"
    facts = {"needs": [unit], "accounts": ["billing (998)"], "groups": ["billing (998)"], "running": True}
    others = {("water-app", "web"): {"facts": facts}}
    notes = [
        each.why for each in found(programme, others) if each.severity is Severity.NOTE and each.host == "water-app"
    ]
    assert f"these files go along: {unit}" in notes
    assert "these accounts go along: billing (998); these groups: billing (998)" in notes


def test_the_lines_that_say_what_goes_along_are_ready_to_be_copied_and_hold_nothing_else(programme: Programme) -> None:
    zeros, ones = "0" * 64, "1" * 64
    facts = {"needs": [], "running": True}
    unread = {"sha256": [f"/etc/x.service: {zeros}", f"/etc/y: {ones}"], "accounts": ["user billing 998"]}

    def told(unread: dict[str, Any], *, declared: bool = False) -> list[tuple[Severity, str]]:
        hosts = Hosts({("water-app", "web"): {"facts": {**facts, "unread": unread}}})
        preflight = Preflight(programme, KINDS, hosts, declared=declared)
        findings = preflight.look(preflight.moving()).findings
        return [(each.severity, f"{each.why}; {each.mend}") for each in findings if each.host == "water-app"]

    for declared, severity in ((False, Severity.NOTE), (True, Severity.BLOCKS)):
        said = [text for heavy, text in told(unread, declared=declared) if heavy is severity]
        assert any(f"sha256: {{/etc/x.service: {zeros}, /etc/y: {ones}}}" in text for text in said)
        assert any("accounts: [user billing 998]" in text for text in said)
    # Nothing comes along, and that is said, too.
    assert any("accounts: [];" in text for _, text in told({"accounts": []}))
    for word in (f"/etc/x: {zeros}}}, files: [/etc/shadow", "user a 1, root: /", "user a 1]\u2028files: [/etc/y"):
        key = "sha256" if word.startswith("/") else "accounts"
        assert [heavy for heavy, _ in told({key: [word]})] == [Severity.NOT_KNOWN]


@pytest.mark.parametrize(
    "said, folders, told", [("no", ["/srv"], True), ("no", [], False), ("prohibit-password", ["/srv"], False)]
)
def test_a_host_that_lets_root_in_by_no_key_is_told_where_a_folder_is_copied(
    programme: Programme, said: str, folders: list[str], told: bool
) -> None:
    folder = {"there": True, "bytes": 1, "files": 1, "whole": True, "below": []}
    facts = {**HOST, "root_login": said, "folders": dict.fromkeys(folders, folder)}
    findings = found(programme, {("archives-store", "host"): {"facts": facts}})
    assert [each.severity for each in findings if each.subject == "sshd"] == [Severity.BLOCKS] * told


def test_the_files_of_a_service_are_told_with_their_digest_and_its_declared_jobs_are_no_finding(
    programme: Programme,
) -> None:
    settings = {"root": "/srv/app", "service": "app", "port": 8080, "jobs": ["report"], "cron": ["app"]}
    systems = tuple(
        system.model_copy(update={"components": tuple(
            part.model_copy(update={"kind": "service", "settings": settings}) if part.kind == "web" else part
            for part in system.components
        )})
        for system in programme.systems
    )  # fmt: skip
    changed = programme.model_copy(update={"systems": systems})
    unit = {"path": "/etc/systemd/system/app.service", "sha256": "0" * 64, "lines": ["[Service]"], "left_out": 0}
    facts = {"needs": [unit["path"]], "running": False, "files": [unit], "reported": ["app.ini:1: a -> b (x/y)"]}
    jobs = {**HOST, "timers": ["report.timer", "other.timer"], "crontabs": ["/etc/cron.d/app"]}
    said = {"service": {"facts": facts, "refusals": ["no"]}, "host": {"facts": jobs}}
    hosts = Hosts({("water-app", kind): answer for kind, answer in said.items()})
    hosts.knows = lambda kind: kind == "service"  # type: ignore[method-assign]
    preflight = Preflight(changed, KINDS, hosts)
    systems = tuple(system for system in preflight.moving() if system.system == "water-billing")
    findings = preflight.look(systems).findings
    assert heavy(findings) == [
        (Severity.BLOCKS, "water-app", "app"),
        (Severity.ATTENTION, "water-app", "other.timer"),
        (Severity.ATTENTION, "water-app", "app"),
    ]
    assert any(each.subject == unit["path"] and "0" * 64 in each.why for each in findings)
