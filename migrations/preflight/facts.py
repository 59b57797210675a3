"""Hosts' answers in a preflight: closed models with bounds, because a host's word is data."""

from typing import Annotated

from pydantic import Field

from infra.hearing import Facts, Sentence
from inventory.base import Model

Word = Annotated[str, Field(max_length=4096)]
Words = Annotated[tuple[Word, ...], Field(max_length=500)]
Digested = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./@-]+: [0-9a-f]{64}\z", max_length=4200)]
_OWNER = r"^(user|group) [A-Za-z_][A-Za-z0-9_.-]*\$? [0-9]+( [A-Za-z_][A-Za-z0-9_.-]*)*\z"
Owner = Annotated[str, Field(pattern=_OWNER, max_length=4096)]
Amount = Annotated[int, Field(ge=0, le=2**63)]


class Memory(Model):
    """Memory of a host, in MiB."""

    total: Amount
    available: Amount


class Mount(Model):
    """A file system where it is mounted; sizes in bytes."""

    where: Word
    kind: Word
    source: Word
    size: Amount
    free: Amount


class Folder(Model):
    """A folder as counted: sizes in bytes; not `whole` where the count took too long and is a lower bound."""

    there: bool
    files: Amount
    bytes: Amount
    whole: bool
    below: Words
    """File systems that are mounted below it."""


class HostFacts(Model):
    """What a host is like."""

    user: Amount
    """The number of the user that a login is."""
    python: Word
    release: Word
    """As the inventory writes it, such as debian-11."""
    cpus: Amount
    memory: Memory
    clock: float
    """Seconds since 1970, by the host's clock."""
    synchronised: bool | None
    """Whether the clock follows a time server; none where that could not be seen."""
    mounts: Annotated[tuple[Mount, ...], Field(max_length=500)]
    programs: dict[Word, bool]
    folders: dict[Word, Folder]
    timers: Words
    crontabs: Words
    firewall: Amount
    """Lines of the packet filter's rules."""
    root_login: Word = ""
    """What sshd says to logins of root; empty where that could not be seen."""


class DatabaseFacts(Model):
    """What a PostgreSQL database is like; lists are cut at fifty names."""

    there: bool
    tables: Amount = 0
    sequences: Amount = 0
    bytes: Amount = 0
    clients: Amount = 0
    """Pairs of a role and an address that are connected at this moment."""
    free_slots: Annotated[int, Field(ge=-(2**31), le=2**31)] = 0
    free_senders: Annotated[int, Field(ge=-(2**31), le=2**31)] = 0
    logical_workers: Amount = 0
    version: Word = ""
    encoding: Word = ""
    collation: Word = ""
    wal_level: Word = ""
    timezone: Word = ""
    extensions: Words = ()
    prepared: Words = ()
    slots: Words = ()
    publications: Words = ()
    event_triggers: Words = ()
    large_tables: Words = ()
    passwordless: Words = ()
    indexes: Amount = 0
    large_objects: Amount = 0
    reading: Annotated[float, Field(ge=0)] = 0.0
    """Seconds in which a pause would read sequences and list large objects."""
    pooling: Word = ""
    """How an entry would share its connections; nothing where there is none."""
    sessions: Words = ()
    """Why."""
    older: Words = ()
    """Roles whose passwords are kept as MD5."""
    tls: Word = ""
    """Whether an entry would demand TLS of clients; nothing where there is none."""
    clear: Words = ()
    """Who is connected without TLS, as ROLE@ADDRESS."""


class ServerFacts(Model):
    """What a MariaDB server is like; lists are cut at fifty names."""

    version: Word
    logs: bool
    """Whether it keeps a binary log, without which it cannot be followed."""
    copies: bool
    """Whether the program of the first copy is there."""
    may_restart: bool
    tables: Amount
    bytes: Amount
    clients: Amount
    """Pairs of an account and an address that are connected at this moment."""
    binlog_format: Word
    sql_mode: Word
    timezone: Word
    databases: Words
    character_sets: Words
    without_transactions: Words
    events: Words
    told: Words
    """What people have to know, in words."""


class Unread(Model):
    """What goes along and nobody has agreed to yet, in the words of a component's settings; None where it is agreed.

    People copy these words into the inventory, so they are nothing but a path with its digest, or an account.
    """

    sha256: Annotated[tuple[Digested, ...], Field(max_length=100)] | None = None
    accounts: Annotated[tuple[Owner, ...], Field(max_length=500)] | None = None
    whole: bool = True
    """Whether the folder was walked through to its end."""


class FolderFacts(Model):
    """Whose files a folder holds."""

    unread: Unread = Unread()


class SiteFacts(Model):
    """What goes along with a web application's folder."""

    needs: Words
    """Files outside of the folder, with the digests of units and sites."""
    accounts: Words = ()
    groups: Words = ()
    running: bool
    unread: Unread = Unread()


class ShownFile(Model):
    """A unit, a job or a file as shown to people: without secrets, bounded, with the digest of the whole."""

    path: Word
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]
    lines: Words
    left_out: Amount


class ServiceFacts(Model):
    """What goes along with an application service's folder, and what a person should know of it."""

    needs: Words
    running: bool
    files: Annotated[tuple[ShownFile, ...], Field(max_length=100)]
    reported: Words
    unread: Unread = Unread()


class Said(Model):
    """One answer: facts, and in words what preparation would refuse; or that the host could not look, and why."""

    facts: Facts = Field(default_factory=dict)
    refusals: Annotated[tuple[Sentence, ...], Field(max_length=500)] = ()
    failed: bool = False
    msg: Sentence = ""
    mend: Sentence = ""
    exception: Sentence = ""
