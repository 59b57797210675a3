"""One entry in a PgBouncer: its line, its account, its pause. One PgBouncer serves all entries of a port.

Connections are shared by transaction unless the component's settings say otherwise. A pause can then fall between any
two transactions, so a switch waits for the longest transaction, and clients wait but keep their connections. By session
it would wait for clients to leave, and those that keep a connection for days never do.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pwd
import re
import secrets
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped, import-not-found, unused-ignore]
from ansible.module_utils import zhenghe_tls as tls
from ansible.module_utils.zhenghe_owned import Owned

from playbooks.agents.kit import Refused, locked
from playbooks.agents.kit import write as write_as_root

POSTGRES = Owned("postgres")
"""PgBouncer runs as this account, and what it reads belongs to it."""
FOLDER = Path("/etc/pgbouncer/zhenghe")
UNIT = Path("/etc/systemd/system/zhenghe-pgbouncer@.service")
ITERATIONS = 4096
LONGEST_NAME = 60
LOGINS = 1.0
"""Seconds to wait at most for logins that are under way before a reload, which falls into a pause of clients."""
CALM = 0.01
"""Seconds without a login after which none is expected: one for a client often follows one for its account."""

UNIT_TEXT = """\
# Written by zhenghe: the PgBouncer of the entries of one port.
[Unit]
Description=Entries on port %i
After=network.target

[Service]
Type=notify
User=postgres
RuntimeDirectory=zhenghe-pgbouncer-%i
RuntimeDirectoryMode=0700
ExecStart=/usr/sbin/pgbouncer /etc/pgbouncer/zhenghe/%i/pgbouncer.ini
ExecReload=/bin/kill -HUP $MAINPID
KillSignal=SIGINT
Restart=on-failure
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""
# With the same verifier at both ends, what a client proved to the entry serves to log in at either of them: no
# application's password is kept here. Whoever has an older one proves it by MD5, which admits SCRAM verifiers as well.
CONFIGURATION = """\
; Written by zhenghe: the entries of port {port}.
[pgbouncer]
listen_addr = {address}
listen_port = {port}
unix_socket_dir = {socket}
unix_socket_mode = 0700
auth_type = {passwords}
auth_file = {folder}/userlist.txt
auth_query = SELECT name, verifier FROM zhenghe.account($1)
ignore_startup_parameters = extra_float_digits
max_client_conn = 2000
default_pool_size = 40
server_login_retry = 1
log_connections = 0
log_disconnections = 0
server_connect_timeout = 5
server_tls_sslmode = {believed}
server_tls_ca_file = {folder}/servers.pem
client_tls_sslmode = allow
client_tls_key_file = {folder}/server.key
client_tls_cert_file = {folder}/server.crt

[databases]
{databases}"""
SIDE = """
SELECT substr(s, strpos(s, '=') + 1) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase,
unnest(setconfig) AS s WHERE setrole = 0 AND d.datname = %s AND s LIKE 'zhenghe.side=%%'
"""


def scram_verifier(password: str) -> str:
    """Return what PostgreSQL stores for a password (RFC 5802, RFC 7677)."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, client, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"


def write(path: Path, text: str, mode: int = 0o600) -> bool:
    """Write a file of PgBouncer's, whole or not at all; say whether it was not so before."""
    return POSTGRES.write(path, text, mode)


def word(text: str) -> str:
    """Return a value as a connection line wants it."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """Return a name as PgBouncer wants it."""
    return '"' + text.replace('"', '""') + '"'


class Entry:
    """The entry of one component, on its host."""

    def __init__(self, system: str, component: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
        self.database: str = component["settings"]["database"]
        self.pooling: str = component["settings"].get("pooling", "transaction")
        self.address, self.port = str(entry["address"]), int(entry["port"])
        base = re.sub(r"[^a-z0-9]+", "_", f"zhenghe_{system}_{component['name']}")
        digest = hashlib.sha256(base.encode()).hexdigest()[:8]
        self.account = f"{base}_entry" if len(base) < LONGEST_NAME - 6 else f"{base[:44]}_{digest}_entry"
        self.folder = FOLDER / str(self.port)
        self.socket = f"/run/zhenghe-pgbouncer-{self.port}"
        self.unit = f"zhenghe-pgbouncer@{self.port}.service"
        self.line_file = self.folder / f"{self.account}.ini"
        self.password_file = self.folder / f"{self.account}.password"
        self.trust_file = self.folder / f"{self.account}.trust"

    def alone(self, seconds: float = 20) -> contextlib.AbstractContextManager[None]:
        """Keep earlier and later calls for the same entry from overlapping."""
        self.make_folder()
        return self._locked(f"{self.account}.lock", seconds, "another step still works on this entry")

    def _locked(self, file_name: str, seconds: float, otherwise: str) -> contextlib.AbstractContextManager[None]:
        lock = POSTGRES.lock_file(self.folder / file_name)
        return locked(lock, seconds, otherwise, "wait for its end, then repeat")

    def make_folder(self) -> None:
        """Make the folder of this port's entries, for PgBouncer's eyes only."""
        POSTGRES.make_top(FOLDER, 0o700)
        POSTGRES.make_inside(self.folder, 0o700)

    def password(self) -> str:
        """Return the password of the entry's own account; made once, it never leaves this host."""
        self.make_folder()
        if not POSTGRES.exists(self.password_file):
            write(self.password_file, secrets.token_urlsafe(32))
        return POSTGRES.read(self.password_file)

    def verifier(self) -> str:
        """Return what both ends have to store of the password."""
        kept = self.folder / f"{self.account}.verifier"
        if not POSTGRES.exists(kept) or not POSTGRES.exists(self.password_file):
            write(kept, scram_verifier(self.password()))
        return POSTGRES.read(kept)

    def console(self) -> Any:
        """Connect to PgBouncer's own database: its socket lets the user in that it runs as."""
        os.seteuid(pwd.getpwnam("postgres").pw_uid)
        try:
            connection = psycopg2.connect(host=self.socket, port=self.port, user="pgbouncer", dbname="pgbouncer")
        finally:
            os.seteuid(0)
        connection.autocommit = True
        return connection

    def line(self, address: str, port: int) -> str:
        """Return the line that sends this entry's database to an address."""
        return (
            f"{self.database} = host={address} port={port} dbname={word(self.database)} "
            f"auth_user={self.account} pool_mode={self.pooling}\n"
        )

    def sends_to(self) -> tuple[str, int] | None:
        """Return address and port where the entry sends its clients, now and after a restart; None: nowhere yet."""
        if not POSTGRES.exists(self.line_file):
            return None
        match = re.search(r"host=(\S+) port=(\d+)", POSTGRES.read(self.line_file))
        assert match is not None
        return match[1], int(match[2])

    def in_force(self, console: Any) -> tuple[str, int] | None:
        """Return address and port where PgBouncer sends clients now, which is not the file's word until a reload."""
        found = [one for one in shown(console, "DATABASES") if one["name"] == self.database]
        return (str(found[0]["host"]), int(found[0]["port"])) if found else None

    def point(self, console: Any, address: str, port: int) -> None:
        """Send clients there from the next transaction on; a paused entry stays paused."""
        with self.neighbours_wait():
            write(self.line_file, self.line(address, port))
            self.configure()
            if self.in_force(console) != (address, port):
                self.reload(console)

    def neighbours_wait(self) -> contextlib.AbstractContextManager[None]:
        """Keep the entries of this port from writing the configuration at once: each writes all of it."""
        self.make_folder()
        return self._locked("configuration.lock", 1.5 * LOGINS, "another entry of this port is being changed")

    @staticmethod
    def reload(console: Any) -> None:
        """Have PgBouncer read its configuration; all entries of the port lose their server connections by that."""
        await_calm(console, LOGINS)
        command(console, "RELOAD")

    def configure(self) -> bool:
        """Write what PgBouncer reads; say whether anything is new."""
        lines = POSTGRES.find(self.folder, "*_entry.ini")
        users = [(file.stem, POSTGRES.read(file.with_suffix(".password"))) for file in lines]
        trust = self._trust()
        tls.make(POSTGRES, self.folder, self.address)
        text = CONFIGURATION.format(
            port=self.port, address=self.address, socket=self.socket, folder=self.folder, believed=believed(trust),
            passwords="md5" if any(one["older"] for one in trust) else "scram-sha-256",
            databases="".join(POSTGRES.read(file) for file in lines),
        )  # fmt: skip
        pinned = sorted({one for each in trust for one in each["certificates"]})
        news = [
            write(self.folder / "servers.pem", "".join(pinned)),
            write(self.folder / "userlist.txt", "".join(f'"{user}" "{password}"\n' for user, password in users)),
            write(self.folder / "pgbouncer.ini", text),
            write_as_root(UNIT, UNIT_TEXT),
        ]
        return any(news)

    def kept_trust(self) -> dict[str, Any]:
        """Return how this entry knows its ends, for people: how servers are verified, whose passwords are MD5's."""
        if not POSTGRES.exists(self.trust_file):
            return {"servers": "not verified"}
        kept = json.loads(POSTGRES.read(self.trust_file))
        return {"servers": believed([kept]), "older_passwords": kept["older"]}

    def _trust(self) -> list[dict[str, Any]]:
        return [json.loads(POSTGRES.read(file)) for file in POSTGRES.find(self.folder, "*_entry.trust")]

    def others_with_the_database(self) -> list[str]:
        """Return other entries of this port that have a database of the same name: clients could not be told apart."""
        start = f"{self.database} ="
        others = (file for file in POSTGRES.find(self.folder, "*_entry.ini") if file != self.line_file)
        return [file.stem for file in others if POSTGRES.read(file).startswith(start)]

    def running(self) -> bool:
        """Say whether PgBouncer answers."""
        with contextlib.suppress(psycopg2.OperationalError):
            self.console().close()
            return True
        return False

    def front(self, address: str, port: int, ends: Mapping[str, Mapping[str, Any]]) -> None:
        """Stand before an address; an entry that stands there already stays as it is, wherever it sends to.

        `ends` says of each end's address by which certificate its server is known, and whose passwords are older ones.
        """
        if re.fullmatch(r"[A-Za-z0-9_.-]+", self.database) is None:
            raise Refused(
                f"PgBouncer cannot name the database {self.database}", "rename it, or move it without an entry"
            )
        others = self.others_with_the_database()
        if others:
            raise Refused(
                f"port {self.port} has a database {self.database} already: {others[0]}", "give it another port"
            )
        self.password()
        with self.neighbours_wait():
            write(self.trust_file, json.dumps(trust_in(ends)))
            if self.sends_to() is None:
                write(self.line_file, self.line(address, port))
            new = self.configure()
            if not self.running():
                systemctl("daemon-reload")
                systemctl("enable", "--now", self.unit)
            elif new:
                self.reload(self.console())

    def check(self) -> None:
        """See that a client comes through, as the entry's own account."""
        try:
            self.look(self.address, self.port, self.database).close()
        except psycopg2.Error as exc:
            raise Refused(
                f"nobody comes through the entry: {str(exc).strip()}", f"see journalctl -u {self.unit}"
            ) from exc

    def look(self, address: str, port: int, database: str) -> Any:
        """Connect to an end, or to this entry itself, as the entry's own account."""
        itself = address == self.address
        mode, pinned = ("verify-full", tls.CERTIFICATE) if itself else (believed(self._trust()), "servers.pem")
        connection = psycopg2.connect(
            host=address, port=port, dbname=database, user=self.account, password=self.password(), connect_timeout=3,
            sslmode=mode, sslrootcert=str(self.folder / pinned), gssencmode="disable",
        )  # fmt: skip
        connection.autocommit = True
        return connection

    def side(self, address: str, port: int) -> str:
        """Ask an end whether it serves, is frozen, or waits; unreachable where it does not say."""
        try:
            connection = self.look(address, port, "postgres")
            try:
                found = command(connection, SIDE, (self.database,))
            finally:
                connection.close()
        except psycopg2.Error:
            return "unreachable"
        return str(found[0][0]) if found else "serving"

    def remove(self) -> None:
        """Take the entry away; the PgBouncer of a port without entries stops."""
        with self.neighbours_wait():
            kept = (".ini", ".verifier", ".password", ".trust")
            POSTGRES.remove(*(self.folder / (self.account + suffix) for suffix in kept))
            self.configure()
            if POSTGRES.find(self.folder, "*_entry.ini"):
                if self.running():
                    self.reload(self.console())
            elif UNIT.exists():
                systemctl("disable", "--now", self.unit)


def trust_in(ends: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return by what an entry knows its ends: certificates, whether each names its address, older passwords."""
    pinned = {address: tls.certificates(str(end["server"]["certificate"])) for address, end in ends.items()}
    named = all(tls.for_itself_alone(found[0]) and tls.vouches_for(found[0], to) for to, found in pinned.items())
    older = sorted({role for end in ends.values() for role in end["older"]})
    return {"certificates": sorted({one for found in pinned.values() for one in found}), "named": named, "older": older}


def believed(trust: Sequence[Mapping[str, Any]]) -> str:
    """Return how servers are verified: by their addresses too, unless an end's own certificate does not name it.

    All servers of a port have one file of certificates: with names, none of them can stand in for another.
    """
    return "verify-full" if all(one["named"] for one in trust) else "verify-ca"


def command(connection: Any, text: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Run a command and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def shown(console: Any, what: str) -> list[dict[str, Any]]:
    """Return a table of PgBouncer's own, as in `SHOW POOLS`: rows by column name."""
    with console.cursor() as cursor:
        cursor.execute(f"SHOW {what}")
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row)) for row in cursor.fetchall()]


def _logs_in(pool: Mapping[str, Any]) -> bool:
    """Say whether a login is under way that is likely to succeed: the server answers others, or was not asked long."""
    connected = sum(int(pool[state]) for state in ("sv_active", "sv_idle", "sv_used", "sv_tested"))
    waited = int(pool["cl_waiting"]) and int(pool["maxwait"]) < LOGINS
    return bool(int(pool["sv_login"]) and (connected or waited))


def await_calm(console: Any, seconds: float, database: str | None = None) -> None:
    """Wait until PgBouncer logs in to no server, for one database or for any; at most so many seconds.

    Other moments are bad for a pause or a reload. Both close such a connection, PgBouncer takes that for a server that
    refuses it, and until a later login has come through it turns away clients that find no other connection.
    """
    began = busy = time.monotonic()
    while (now := time.monotonic()) - began < seconds:
        if any(_logs_in(one) for one in shown(console, "POOLS") if database in (None, one["database"])):
            busy = now
        elif now - busy > CALM:
            return
        time.sleep(0.002)


def systemctl(*words: str) -> None:
    """Have systemd do something; Refused with what it says where it does not."""
    done = subprocess.run(["systemctl", "--quiet", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        subprocess.run(["systemctl", "reset-failed", words[-1]], check=False, capture_output=True)
        raise Refused(f"systemctl {' '.join(words)}: {done.stderr.strip()}", f"see journalctl -u {words[-1]}")
