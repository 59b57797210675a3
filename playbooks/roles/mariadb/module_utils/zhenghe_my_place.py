"""One end of a MariaDB server's move: the server on this host, its names, its files, the side that it is on.

The whole server moves, with all of its databases and accounts. A schema `zhenghe` at each end keeps what the other end
may ask: on which side this one is, and from which position it can be followed. Nothing that we write is replicated.

serving   clients are admitted; a server without the schema serves
frozen    fenced for the moment of a switch; whoever froze it lifts the fence again
waiting   fenced for good: a target before the switch, a source after it
"""

from __future__ import annotations

import atexit
import contextlib
import json
import re
import shutil
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pymysql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused, locked, run, wait, write

STATE = Path("/var/lib/zhenghe/mariadb")
TRUST = Path("/var/lib/zhenghe/mariadb-tls")
"""The server's own certificate and those that it believes: a folder of its account."""
SOCKET = "/run/mysqld/mysqld.sock"
UNIT = "mariadb.service"
OPTIONS = Path("/etc/mysql/mariadb.conf.d/zz-zhenghe.cnf")
"""The last of the server's option files, so that what it says holds."""
PORT = 3306
LONGEST_NAME = 50
# A file system of its own has a folder in which it keeps what it finds.
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys", "zhenghe", "#mysql50#lost+found")
SYSTEM = ", ".join(f"'{name}'" for name in _SYSTEM)
"""Schemas that are no department's, as a list of SQL."""
# Who connects may have been given anything by the server's settings. On connections of ours nothing of that holds.
_PINNED = (
    "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', lock_wait_timeout = 15, autocommit = 1, "
    "innodb_lock_wait_timeout = 15, max_statement_time = 0, tx_isolation = 'REPEATABLE-READ', query_cache_type = 0, "
    "wait_timeout = 28800, character_set_client = utf8mb4, character_set_connection = utf8mb4, "
    "character_set_results = utf8mb4"
)
# The superuser's, moreover: nothing of it is replicated, logged in the general log, or checked against other rows.
_SUPERUSER = ", sql_log_bin = 0, sql_log_off = 1"


def base_name(system: str, component: str) -> str:
    """Return the name of everything that the move makes: its accounts, its folder."""
    name = re.sub(r"[^a-z0-9]+", "_", f"zhenghe_{system}_{component}")
    if len(name) <= LONGEST_NAME:
        return name
    checksum = sum(ord(letter) * (index + 1) for index, letter in enumerate(name))
    return f"{name[: LONGEST_NAME - 8]}_{checksum % 16**7:07x}"


def quoted(*names: str) -> str:
    """Return names as one of SQL's, by the server's own rule."""
    return ".".join("`" + name.replace("`", "``") + "`" for name in names)


def account(user: str, host: str) -> str:
    """Return an account as SQL names it, also one without a name; for sessions that are pinned."""
    return "@".join("'" + name.replace("\\", "\\\\").replace("'", "''") + "'" for name in (user, host))


def rows(connection: Any, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows, none where it has no result."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def value(connection: Any, statement: str, parameters: Any = None) -> Any:
    """Return the first column of the first row, None where there is no row."""
    found = rows(connection, statement, parameters)
    return found[0][0] if found else None


def text(found: Any) -> str:
    """Return what a column holds as text, also where the server keeps it as bytes."""
    if isinstance(found, (bytes, bytearray)):
        return bytes(found).decode(errors="backslashreplace")
    return "" if found is None else str(found)


class Place:
    """One end of a component's move, on the host where this runs."""

    def __init__(self, end: str, system: str, component: Mapping[str, Any]) -> None:
        settings = component["settings"]
        self.end = end
        self.base = base_name(system, component["name"])
        addresses = {"source": component["source_addresses"][0], "target": component["target_addresses"][0]}
        ports = {"source": int(settings.get("port", PORT)), "target": PORT}
        other = "target" if end == "source" else "source"
        self.address, self.port = addresses[end], ports[end]
        self.peer_address, self.peer_port = addresses[other], ports[other]
        self.may_restart: bool = bool(settings.get("may_restart", False))
        """Whether a person agreed that the source is restarted once for its binary log."""
        self.in_the_clear: bool = bool(settings.get("in_the_clear", False))
        """Whether a person agreed that the two ends speak without TLS where the source's server knows none."""
        self.folder = STATE / self.base
        self.passfile = self.folder / "password"
        self.authority = self.folder / "peer.crt"
        """By what the other end's server is known; it is not there where nothing was promised of it."""

    def connect(self) -> Any:
        """Connect to this host's server as its superuser, by the socket; every statement is its own transaction."""
        return _closed_in_the_end(
            unix_socket=SOCKET, user="root", charset="utf8mb4", autocommit=True, connect_timeout=5,
            init_command=_PINNED + _SUPERUSER, program_name="zhenghe", local_infile=False,
        )  # fmt: skip

    def connect_peer(self) -> Any:
        """Connect to the other end as the move's account, which reads; its password never leaves its file."""
        return _closed_in_the_end(
            host=self.peer_address, port=self.peer_port, user=self.base, password=self.password(), charset="utf8mb4",
            autocommit=True, connect_timeout=5, init_command=_PINNED, program_name="zhenghe", local_infile=False,
            **({"ssl": _believing(self.authority)} if self.authority.exists() else {}),
        )  # fmt: skip

    def password(self) -> str:
        """Return the password by which this end logs in at the other one."""
        return self.passfile.read_text()

    def running(self) -> bool:
        """Say whether the server answers."""
        with contextlib.suppress(pymysql.err.OperationalError):
            self.connect().close()
            return True
        return False

    def restart(self, verb: str = "restart") -> None:
        """Have the server restarted or started, and wait until it answers."""
        run("systemctl", verb, UNIT, limit=300)
        if not wait(self.running, 60):
            raise Refused("the server does not answer after its start", f"see journalctl -u {UNIT} on this host")

    @contextlib.contextmanager
    def alone(self, seconds: float = 60) -> Iterator[None]:
        """Keep earlier and later calls for the same component, and the agent of a switch, from overlapping."""
        self.make_folder()
        reason = f"{self.base}: another step still works on it"
        with locked((self.folder / "lock").open("w"), seconds, reason, "wait for its end, then run it again"):
            yield

    def make_folder(self) -> None:
        """Make the folder of the move's files, which root alone reads."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def forget(self) -> None:
        """Remove the folder of the move's files; the lock goes with it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            STATE.rmdir()

    def remembered(self) -> dict[str, Any]:
        """Return what earlier calls wrote down in order to take it back."""
        try:
            memory: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        except (OSError, ValueError):
            return {}
        return memory

    def remember(self, **news: Any) -> None:
        """Write down what has to be taken back one day, before it is done."""
        write(self.folder / "state.json", json.dumps({**self.remembered(), **news}), 0o600)


class _ByTls(pymysql.connections.Connection):  # type: ignore[misc, unused-ignore]
    """A connection that says nothing to a server without TLS: the client itself would go on in the clear."""

    def _request_authentication(self) -> None:
        if not self.server_capabilities & pymysql.constants.CLIENT.SSL:
            raise pymysql.err.OperationalError(2026, "the server speaks no TLS")
        super()._request_authentication()


def _believing(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = True
    return context


def _closed_in_the_end(**how: Any) -> Any:
    connection = (_ByTls if "ssl" in how else pymysql.connect)(**how)
    # Whoever is gone without a word is a line in the log of the department's server.
    atexit.register(_close, connection)
    return connection


def _close(connection: Any) -> None:
    with contextlib.suppress(pymysql.err.MySQLError):
        connection.close()


def known(connection: Any) -> bool:
    """Say whether the server has our schema."""
    question = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'zhenghe' AND table_name = 'ends'"
    return bool(rows(connection, question))


def side_of(connection: Any, base: str) -> str:
    """Return serving, frozen or waiting; absent where prepare has not been here."""
    if not known(connection):
        return "absent"
    return value(connection, "SELECT side FROM zhenghe.ends WHERE base = %s", (base,)) or "absent"
