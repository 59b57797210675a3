"""Judges what hosts said: facts and the programme in, findings out; nothing is asked here."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from infra.hearing import Unheard, parsed
from inventory.base import Model
from inventory.model import Component, Programme, System
from inventory.words import _N, _
from migrations.preflight.asking import Answer
from migrations.preflight.estimating import estimates
from migrations.preflight.facts import (
    DatabaseFacts,
    Folder,
    FolderFacts,
    HostFacts,
    Mount,
    ServerFacts,
    ServiceFacts,
    SiteFacts,
    Unread,
)
from migrations.preflight.findings import Finding, Severity

AnyFacts = TypeVar("AnyFacts", bound=Model)
OLDEST_PYTHON = (3, 9)
LARGEST_DRIFT = 2.0
"""Seconds by which a host's clock may differ from this one's, beyond the time that its answer took."""
NETWORKED = frozenset({"nfs", "nfs4", "cifs", "fuse.sshfs", "fuse.glusterfs", "ceph"})
ORDER = tuple(Severity)


class Judge:
    """Collects findings over all answers of one preflight; `declared`: whether what goes along must be declared."""

    def __init__(self, programme: Programme, *, declared: bool = False) -> None:
        self._unread = Severity.BLOCKS if declared else Severity.NOTE
        self._surveyed = {
            host.name: host.os.value
            for department in programme.departments
            for room in department.rooms
            for host in room.hosts
        }
        self._found: list[Finding] = []
        self._on_cluster: Counter[tuple[str, int]] = Counter(
            (host, int(part.settings.get("port", 5432)))
            for system in programme.systems
            for part in system.components
            if part.kind == "postgresql" and part.to is not None
            for host in part.on
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return each finding once, by system, the heaviest first."""
        unique = dict.fromkeys(self._found)
        return tuple(sorted(unique, key=lambda each: (each.system, ORDER.index(each.severity), each.host)))

    def take(self, system: System, part: Component | None, host: str, kind: str, answer: Answer) -> None:
        """Judge one answer of one host."""
        if answer.said is None:
            add = self._adder(system.system, host, _subject(part))
            add(Severity.NOT_KNOWN, answer.reason, answer.mend or _("see that the host lets this user in over SSH"))
            return
        judges: Mapping[str, Callable[[System, Component | None, str, Answer], None]] = {
            "host": self._host,
            "postgresql": self._database,
            "mariadb": self._server,
            "web": self._site,
            "service": self._service,
            "files": self._folder,
        }
        for refusal in answer.said.refusals:
            self._adder(system.system, host, _subject(part))(Severity.BLOCKS, refusal)
        if kind in judges:
            judges[kind](system, part, host, answer)

    def _adder(self, system: str, host: str, subject: str) -> Callable[..., None]:
        def add(severity: Severity, why: str, mend: str = "", about: str = "") -> None:
            finding = Finding(severity=severity, system=system, host=host, subject=about or subject, why=why, mend=mend)
            self._found.append(finding)

        return add

    def _facts(self, model: type[AnyFacts], system: System, host: str, answer: Answer) -> AnyFacts | None:
        assert answer.said is not None
        try:
            return parsed(json.dumps(answer.said.facts), model)
        except Unheard as exc:
            self._adder(system.system, host, _("host"))(Severity.NOT_KNOWN, exc.reason, _("see who answers there"))
            return None

    def _host(self, system: System, _part: Component | None, host: str, answer: Answer) -> None:
        facts = self._facts(HostFacts, system, host, answer)
        if facts is None:
            return
        add = self._adder(system.system, host, _("host"))
        jobs = {job for part in system.components for job in declared_jobs(part)}
        for severity, about, why, mend in _host_findings(facts, self._surveyed.get(host, ""), answer.clock):
            if about not in jobs:
                add(severity, why, mend, about)
        for path, folder in facts.folders.items():
            for severity, why, mend in _folder_findings(folder, facts.mounts):
                add(severity, why, mend, path)

    def _database(self, system: System, part: Component | None, host: str, answer: Answer) -> None:
        facts = self._facts(DatabaseFacts, system, host, answer)
        if facts is None or part is None or not facts.there:
            return
        add = self._adder(system.system, host, str(part.settings.get("database", part.name)))
        together = self._on_cluster[host, int(part.settings.get("port", 5432))]
        for severity, why, mend in (*_database_findings(facts, together), *estimates(facts, system.limits)):
            add(severity, why, mend)

    def _server(self, system: System, part: Component | None, host: str, answer: Answer) -> None:
        facts = self._facts(ServerFacts, system, host, answer)
        if facts is None:
            return
        add = self._adder(system.system, host, _subject(part))
        for severity, why, mend in _server_findings(facts):
            add(severity, why, mend)

    def _site(self, system: System, part: Component | None, host: str, answer: Answer) -> None:
        facts = self._facts(SiteFacts, system, host, answer)
        if facts is not None and facts.needs:
            why = _("these files go along: {files}").format(files=", ".join(facts.needs))
            self._adder(system.system, host, _("files"))(Severity.NOTE, why)
        if facts is not None and facts.accounts + facts.groups:
            why = _("these accounts go along: {users}; these groups: {groups}").format(
                users=", ".join(facts.accounts) or "–", groups=", ".join(facts.groups) or "–"
            )
            self._adder(system.system, host, _("accounts"))(Severity.NOTE, why)
        if facts is not None:
            self._tell_unread(system, part, host, facts.unread)

    def _folder(self, system: System, part: Component | None, host: str, answer: Answer) -> None:
        facts = self._facts(FolderFacts, system, host, answer)
        if facts is not None:
            self._tell_unread(system, part, host, facts.unread)

    def _tell_unread(self, system: System, part: Component | None, host: str, unread: Unread) -> None:
        why = _("the plan does not say what goes along, so whatever is there on the day does")
        mend = _("read it, then write into settings: {line}; anything else is refused by name")
        add = self._adder(system.system, host, _subject(part))
        for line in lines_of(unread):
            add(self._unread, why, mend.format(line=line))
        if not unread.whole:
            add(Severity.ATTENTION, _("the folder is large: only some of its files were looked at for their owners"))

    def _service(self, system: System, part: Component | None, host: str, answer: Answer) -> None:
        facts = self._facts(ServiceFacts, system, host, answer)
        if facts is None:
            return
        add = self._adder(system.system, host, _subject(part))
        for file in facts.files:
            add(Severity.NOTE, _("it goes along; its digest is {digest}").format(digest=file.sha256), about=file.path)
        for said in facts.reported:
            add(Severity.NOTE, said)
        self._tell_unread(system, part, host, facts.unread)
        if facts.needs and not facts.running:
            add(Severity.ATTENTION, _("the service does not run"), _("start it, or say that it is not used any more"))


def declared_jobs(part: Component) -> set[str]:
    """Return the jobs that a component takes along, as hosts name them."""
    said = {key: part.settings.get(key) or () for key in ("jobs", "cron", "crontabs", "stays")}
    timers = {f"{name}.timer" for name in said["jobs"]}
    tables = {f"/etc/cron.d/{name}" for name in said["cron"]}
    return timers | tables | {f"/var/spool/cron/crontabs/{name}" for name in said["crontabs"]} | set(said["stays"])


def lines_of(unread: Unread) -> Iterator[str]:
    """Yield the lines that put into the plan what goes along and is not in it."""
    for line, words in (("sha256: {{{}}}", unread.sha256), ("accounts: [{}]", unread.accounts)):
        if words is not None:
            yield line.format(", ".join(words))


def _subject(part: Component | None) -> str:
    return _("host") if part is None else part.name


def _host_findings(facts: HostFacts, surveyed: str, asked: float) -> Iterator[tuple[Severity, str, str, str]]:
    if facts.user != 0:
        mend = _("let this login become root, in the world's ssh_config or by sudo")
        yield Severity.BLOCKS, _("rights"), _("the login is not root"), mend
    if facts.root_login == "no" and facts.folders:
        why = _("sshd lets root in by no key, and a folder is copied by one that may read this folder alone")
        yield Severity.BLOCKS, "sshd", why, _("set PermitRootLogin forced-commands-only while the folder moves")
    if tuple(int(word) for word in facts.python.split(".")[:2]) < OLDEST_PYTHON:
        why = _("Python {version} is too old").format(version=facts.python)
        yield Severity.BLOCKS, "python", why, _("install Python 3.9 or newer")
    for program in sorted(name for name, there in facts.programs.items() if not there):
        yield Severity.BLOCKS, program, _("it is not installed"), _("install it from the host's own packages")
    if surveyed and facts.release != surveyed:
        why = _("the inventory says {surveyed}, the host says {release}").format(
            surveyed=surveyed, release=facts.release
        )
        yield Severity.ATTENTION, _("operating system"), why, _("correct the host's `os` in the inventory")
    yield from _clock(facts, asked)
    for name in (*facts.crontabs, *facts.timers):
        why = _("this job is not moved by itself")
        yield Severity.ATTENTION, name, why, _("decide who runs it after the move, and where")


def _clock(facts: HostFacts, asked: float) -> Iterator[tuple[Severity, str, str, str]]:
    # An answer takes time to come, so only what a clock is behind, or far ahead, is its own.
    behind = asked - facts.clock
    if behind > LARGEST_DRIFT or behind < -60.0:
        why = _("it differs from this machine's by {seconds} s").format(seconds=f"{abs(behind):.0f}")
        yield Severity.ATTENTION, _("clock"), why, _("have the host follow a time server")
    elif facts.synchronised is False:
        yield Severity.NOTE, _("clock"), _("it follows no time server"), _("have the host follow a time server")


def _folder_findings(folder: Folder, mounts: tuple[Mount, ...]) -> Iterator[tuple[Severity, str, str]]:
    if not folder.there:
        yield Severity.BLOCKS, _("there is no such folder"), _("correct the component's settings.root")
        return
    size = _("{files} files, {size}").format(files=f"{folder.files:,}", size=_bytes(folder.bytes))
    yield Severity.NOTE, (size if folder.whole else _("at least {size}").format(size=size)), ""
    kinds = {mount.where: mount.kind for mount in mounts}
    for below in folder.below:
        why = _("a file system of its own is mounted at {where} ({kind})").format(
            where=below, kind=kinds.get(below, _("not known"))
        )
        if kinds.get(below) in NETWORKED:
            yield Severity.ATTENTION, why, _("say in the inventory who serves it after the move")
        else:
            yield Severity.ATTENTION, why, _("see that the move takes it along, or move it by itself")


NAMED: tuple[tuple[Severity, str, str, str], ...] = (
    (
        Severity.ATTENTION, "prepared", _N("prepared transactions are open: {names}"),
        _N("end them: the copy cannot begin before"),
    ),
    (
        Severity.ATTENTION, "slots", _N("replication slots of others: {names}"),
        _N("their readers must be set up anew on the target"),
    ),
    (
        Severity.ATTENTION, "publications", _N("publications of others: {names}"),
        _N("they are not moved; make them on the target after the commit"),
    ),
    (
        Severity.ATTENTION, "event_triggers", _N("event triggers: {names}"),
        _N("see what they forbid: the preparation changes the schema"),
    ),
    (
        Severity.ATTENTION, "passwordless", _N("roles that log in without a password: {names}"),
        _N("behind the entry they need one"),
    ),
    (
        Severity.NOTE, "older", _N("passwords kept as MD5, which the entry goes on checking so: {names}"),
        _N("have their owners set them anew with password_encryption = scram-sha-256"),
    ),
    (
        Severity.ATTENTION, "clear", _N("clients that speak no TLS: {names}"),
        _N("have them speak it, then set tls: required in the component's settings; until then the entry lets "
           "them in as before"),
    ),
    (Severity.NOTE, "extensions", _N("extensions: {names}"), ""),
    (Severity.NOTE, "large_tables", _N("tables of more than 10 GiB: {names}"), ""),
)  # fmt: skip
"""Lists of a database's facts that are told where they are not empty: severity, field, reason, mend."""


def _database_findings(facts: DatabaseFacts, together: int) -> Iterator[tuple[Severity, str, str]]:
    said = _("PostgreSQL {version}, {encoding}, {size}, {tables} tables, {sequences} sequences, {clients} clients now")
    yield Severity.NOTE, said.format(size=_bytes(facts.bytes), **facts.model_dump(exclude={"bytes"})), ""
    if facts.logical_workers < together:
        why = _("{have} workers for logical replication, and {need} databases leave this cluster").format(
            have=facts.logical_workers, need=together
        )
        yield Severity.ATTENTION, why, _("raise max_logical_replication_workers before the way back is needed")
    if facts.free_senders < together:
        why = _("{have} free WAL senders, and {need} databases leave this cluster").format(
            have=facts.free_senders, need=together
        )
        yield Severity.BLOCKS, why, _("raise max_wal_senders and restart in a window of its own")
    yield from _lists(facts)


def _lists(facts: DatabaseFacts) -> Iterator[tuple[Severity, str, str]]:
    for severity, field, why, mend in NAMED:
        if names := getattr(facts, field):
            yield severity, _(why).format(names=", ".join(names)), _(mend) if mend else ""
    if facts.tls == "required":
        why = _("the entry turns away clients that do not speak TLS: every client that is connected now does")
        mend = _("see whether one that comes seldom does not; set tls: allowed in the component's settings for it")
        yield Severity.ATTENTION, why, mend


def _server_findings(facts: ServerFacts) -> Iterator[tuple[Severity, str, str]]:
    said = _("{version}, {size}, {tables} tables in {databases}, {clients} clients now")
    shown = facts.model_dump(include={"version", "tables", "clients"})
    yield Severity.NOTE, said.format(size=_bytes(facts.bytes), databases=", ".join(facts.databases), **shown), ""
    if not facts.logs:
        why = _("the server keeps no binary log: only a restart turns it on, about 3 s without the database")
        agree = _("agree to it with the department and set may_restart: true in the component's settings")
        yield (Severity.ATTENTION, why, "") if facts.may_restart else (Severity.BLOCKS, why, agree)
    if not facts.copies:
        why = _("mariabackup is not there, which makes the first copy")
        yield Severity.BLOCKS, why, _("install mariadb-backup, of the server's own version")
    if facts.without_transactions:
        why = _("tables that know no transactions: {names}").format(names=", ".join(facts.without_transactions))
        yield Severity.ATTENTION, why, _("writes to them wait while they are copied: begin the copy in a quiet hour")
    why = _(
        "a switch ends the sessions of clients, each between two transactions: every open connection sees one error"
    )
    yield Severity.ATTENTION, why, _("see that the application connects anew by itself, or restart it after the switch")
    for told in facts.told:
        yield Severity.ATTENTION, told, ""


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
