"""One end of a database's move: its cluster on this host, its names, its files, the state of its database.

The state is kept in the database's own settings (`ALTER DATABASE ... SET zhenghe.side`), so that it changes in the same
transaction as the fence, survives every process, and can be read from the other end:

serving   clients are admitted; a database without the setting serves
frozen    fenced for the moment of a switch; whoever froze it lifts the fence again
waiting   fenced for good: a target before the switch, a source after it
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import pwd
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped, import-not-found, unused-ignore]
import psycopg2.extensions  # type: ignore[import-untyped, import-not-found, unused-ignore]
from ansible.module_utils.zhenghe_owned import Owned
from psycopg2 import sql
from psycopg2.extensions import make_dsn  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused, locked

POSTGRES = Owned("postgres")
"""The folders of a move on a host of databases, and the cluster's own, belong to this account."""
STATE = Path("/var/lib/zhenghe/postgresql")
LONGEST_NAME = 50
AFTER_IT = "wait for its end, then run it again"
# The owner of a database may set anything for it. On connections of ours nothing of that holds: names are found in the
# catalogue only, the rights are those of who logged in, and no statement waits for a lock for ever.
_PINNED = (
    "-c search_path=pg_catalog -c role=none -c row_security=off -c standard_conforming_strings=on"
    " -c client_encoding=SQL_ASCII -c lock_timeout=15s -c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
    " -c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c bytea_output=hex"
    " -c default_transaction_isolation=read\\ committed"
)
# Servers before 15 send rows in the style of dates that the database gives its clients, and CST is read as Chicago's.
_AS_SENT = "-c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=3"
# What clients get is left, but nothing by which others' functions could come in the place of the catalogue's.
_PLAIN = "-c search_path=pg_catalog -c role=none -c client_encoding=SQL_ASCII"
# The superuser's, moreover: triggers and event triggers of others do not fire, nothing secret is logged.
_SUPERUSER = (
    " -c session_replication_role=replica -c default_transaction_read_only=off -c log_statement=none"
    " -c log_min_error_statement=panic -c log_min_duration_statement=-1"
)
_NO_VIEWS = """
SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'
"""


_CODEC = "zhenghe-as-stored"


def _as_stored(name: str) -> codecs.CodecInfo | None:
    """Texts come and go as they are stored: a name need not be valid in the encoding of the database that names it."""
    if name.replace("_", "-") != _CODEC:
        return None

    def encoded(text: str, errors: str = "") -> tuple[bytes, int]:  # noqa: ARG001
        return text.encode(errors="surrogateescape"), len(text)

    def decoded(data: Any, errors: str = "") -> tuple[str, int]:  # noqa: ARG001
        return bytes(data).decode(errors="surrogateescape"), len(data)

    return codecs.CodecInfo(encoded, decoded, name=_CODEC)


codecs.register(_as_stored)
for _known in ("SQL_ASCII", "SQLASCII"):
    psycopg2.extensions.encodings[_known] = _CODEC


def _quoted(name: str, context: object = None) -> str:  # noqa: ARG001
    return '"' + name.replace('"', '""') + '"'


# The driver's own quoting takes no name that is not valid UTF-8.
psycopg2.extensions.quote_ident = _quoted


def readable(text: str) -> str:
    """Return a stored text for people: as UTF-8 or as GBK where it is one of them, by its bytes otherwise."""
    data = text.encode(errors="surrogateescape")
    for encoding in ("utf-8", "gbk"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode(errors="backslashreplace")


def base_name(system: str, component: str) -> str:
    """Return the name of everything that the move makes: slots, publications, subscriptions, the replication role."""
    name = re.sub(r"[^a-z0-9]+", "_", f"zhenghe_{system}_{component}")
    if len(name) <= LONGEST_NAME:
        return name
    checksum = sum(ord(letter) * (index + 1) for index, letter in enumerate(name))
    return f"{name[: LONGEST_NAME - 8]}_{checksum % 16**7:07x}"


def rows(connection: Any, statement: Any, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows, none where it has no result."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def value(connection: Any, statement: Any, parameters: Any = None) -> Any:
    """Return the first column of the first row, None where there is no row."""
    found = rows(connection, statement, parameters)
    return found[0][0] if found else None


class Place:
    """One end of a component's move, on the host where this runs."""

    def __init__(self, end: str, system: str, component: Mapping[str, Any]) -> None:
        settings = component["settings"]
        self.end = end
        self.base = base_name(system, component["name"])
        self.database: str = settings["database"]
        self.pooling: str = settings.get("pooling", "")
        self.tls: str = settings.get("tls", "")
        """Whether the entry demands TLS of clients, where a person said it."""
        """How a person said that an entry shares its connections; nothing: by what is seen."""
        addresses = {"source": component["source_addresses"][0], "target": component["target_addresses"][0]}
        ports = {"source": int(settings.get("port", 5432)), "target": 5432}
        other = "target" if end == "source" else "source"
        self.address, self.port = addresses[end], ports[end]
        self.peer_address, self.peer_port = addresses[other], ports[other]
        # What people call the two hosts.
        source, target = (str((component.get(f"{one}s") or [addresses[one]])[0]) for one in ("source", "target"))
        self.hosts = source, target
        self.folder = STATE / self.base
        self.passfile = self.folder / "passfile"
        self.authority, self.peer_file = self.folder / "peer.crt", self.folder / "peer.json"

    def connect(self, database: str = "postgres", *, views: bool = False, plain: bool = False) -> Any:
        """Connect to this host's cluster as its superuser; every statement is its own transaction.

        A plain connection has the settings that clients get, others those by which both ends answer alike.
        Views of others are not read where the server can be told so: their functions would run with all rights.
        """
        os.seteuid(pwd.getpwnam("postgres").pw_uid)
        try:
            connection = psycopg2.connect(
                host="/var/run/postgresql", port=self.port, user="postgres", dbname=database,
                application_name="zhenghe", options=(_PLAIN if plain else _PINNED) + _SUPERUSER,
            )  # fmt: skip
        finally:
            os.seteuid(0)
        return _ready(connection, views=views)

    def connect_peer(self, database: str | None = None, *, plain: bool = False) -> Any:
        """Connect to the other end as the replication role; its password never leaves the passfile."""
        connection = psycopg2.connect(
            **self.peer(), dbname=database or self.database, connect_timeout=5, application_name="zhenghe",
            options=_PLAIN if plain else _PINNED,
        )  # fmt: skip
        return _ready(connection, views=False)

    def peer(self) -> dict[str, Any]:
        """Return how libpq reaches the other end, and how it knows it: by the certificate that was pinned alone."""
        try:
            name = json.loads(POSTGRES.read(self.peer_file))["name"]
        except FileNotFoundError:
            reason = f"{self.database}: the certificate of the other end's server is not known here"
            raise Refused(reason, "run the step prepare again") from None
        return {
            "host": name, "hostaddr": self.peer_address, "port": self.peer_port, "user": self.base,
            "passfile": str(self.passfile), "sslmode": "verify-full", "sslrootcert": str(self.authority),
            "gssencmode": "disable",
        }  # fmt: skip

    @property
    def conninfo(self) -> str:
        """What a subscription here needs to reach the other end."""
        return str(make_dsn(
            **self.peer(), dbname=self.database, connect_timeout=5, keepalives_idle=5, keepalives_interval=2,
            keepalives_count=3, options=_AS_SENT,
        ))  # fmt: skip

    def running(self) -> bool:
        """Say whether the cluster answers."""
        with contextlib.suppress(psycopg2.OperationalError):
            self.connect().close()
            return True
        return False

    def alone(self, seconds: float = 60) -> contextlib.AbstractContextManager[None]:
        """Keep earlier and later calls for the same component, and the agent of a switch, from overlapping."""
        self.make_folder()
        lock = POSTGRES.lock_file(self.folder / "lock")
        return locked(lock, seconds, f"{self.database}: another step still works on it", AFTER_IT)

    def make_folder(self) -> None:
        """Make the folder of the move's files; PostgreSQL reads the passfile in it, nobody else does."""
        POSTGRES.make_top(self.folder, 0o700)

    def write(self, path: Path, text: str) -> None:
        """Write a file of the move: whole or not at all, readable by PostgreSQL only."""
        POSTGRES.write(path, text)

    def forget_files(self, *names: str) -> None:
        """Remove files of the move."""
        POSTGRES.remove(*(self.folder / name for name in names))

    def remembered(self) -> dict[str, Any]:
        """Return what earlier calls wrote down in order to take it back."""
        try:
            memory: dict[str, Any] = json.loads(POSTGRES.read(self.folder / "state.json"))
        except (OSError, ValueError):
            return {}
        return memory

    def remember(self, **news: Any) -> None:
        """Write down what has to be taken back one day, before it is done."""
        self.write(self.folder / "state.json", json.dumps({**self.remembered(), **news}))


def _ready(connection: Any, *, views: bool) -> Any:
    connection.autocommit = True
    if not views:
        rows(connection, _NO_VIEWS)
    return connection


SETTINGS = """
SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) AS setting
WHERE setrole = 0 AND d.datname = %s
"""


def database_settings(connection: Any, database: str) -> dict[str, str]:
    """Return the settings that are stored with a database."""
    return {str(name): str(setting) for name, setting in rows(connection, SETTINGS, (database,))}


def side_of(connection: Any, database: str) -> str:
    """Return serving, frozen or waiting; absent where there is no such database."""
    if not rows(connection, "SELECT 1 FROM pg_database WHERE datname = %s", (database,)):
        return "absent"
    return database_settings(connection, database).get("zhenghe.side", "serving")


def fence(database: str, side: str, limit: int) -> Sequence[sql.Composable]:
    """Return the statements that keep clients out; a superuser gets in, but has to ask for a writing transaction."""
    name = sql.Identifier(database)
    return (
        sql.SQL("ALTER DATABASE {} CONNECTION LIMIT 0").format(name),
        sql.SQL("ALTER DATABASE {} SET zhenghe.connection_limit = {}").format(name, sql.Literal(str(limit))),
        sql.SQL("ALTER DATABASE {} SET zhenghe.side = {}").format(name, sql.Literal(side)),
        # The workers that apply changes write all the same; people with a superuser's prompt are stopped.
        sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name),
    )


def lift(database: str, limit: int) -> Sequence[sql.Composable]:
    """Return the statements that let clients in again, as many at once as before."""
    name = sql.Identifier(database)
    return (
        sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name),
        sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(name, sql.Literal(limit)),
        sql.SQL("ALTER DATABASE {} SET zhenghe.side = 'serving'").format(name),
    )


def in_one(connection: Any, statements: Sequence[Any]) -> None:
    """Run statements in one transaction of their own."""
    whole = sql.SQL("; ").join([sql.SQL("BEGIN"), *statements, sql.SQL("COMMIT")])
    try:
        rows(connection, whole)
    except psycopg2.Error:
        rows(connection, "ROLLBACK")
        raise
