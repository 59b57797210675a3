"""One entry in a PgBouncer: its line, its account, its pause. One PgBouncer serves all entries of a port.

The source says how connections are shared (`zhenghe_pg_sessions`), or a person does. By transaction, a pause can fall
between any two transactions, so a switch waits for the longest one, and clients wait but keep their connections. By
session each client has a connection of its own, and a switch ends those that are outside of a transaction.

    PORT/pgbouncer.ini      what PgBouncer reads; includes the line of every entry
    PORT/ENTRY.ini          where an entry sends to; ENTRY.ini.next lies beside it before a pause
    PORT/hba                who may come from where: the rules of all entries, from ENTRY.hba
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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg2  # type: ignore[import-untyped, import-not-found, unused-ignore]
from ansible.module_utils import zhenghe_tls as tls
from ansible.module_utils.zhenghe_bouncer_access import believed, by_tls, rules, trust_in
from ansible.module_utils.zhenghe_bouncer_console import await_calm, command, name, shown
from ansible.module_utils.zhenghe_owned import Owned

from playbooks.agents.kit import Refused, locked
from playbooks.agents.kit import write as write_as_root

POSTGRES = Owned("postgres")
"""PgBouncer runs as this account, and what it reads belongs to it."""
FOLDER = Path("/etc/pgbouncer/zhenghe")
UNIT = Path("/etc/systemd/system/zhenghe-pgbouncer@.service")
ITERATIONS = 4096
LONGEST_NAME = 60
CLIENTS = 2000
"""Clients that may be connected to the entries of a port at once."""
SUFFIXES = (".ini", ".ini.next", ".hba", ".trust", ".verifier", ".password")
LOGINS = 1.0
"""Seconds to wait at most for logins that are under way before a reload, which falls into a pause of clients."""

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
auth_type = hba
auth_hba_file = {folder}/hba
auth_file = {folder}/userlist.txt
auth_query = SELECT name, verifier FROM zhenghe.account($1)
ignore_startup_parameters = extra_float_digits
max_client_conn = {clients}
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


class Entry:
    """The entry of one component, on its host."""

    def __init__(self, system: str, component: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
        self.database: str = component["settings"]["database"]
        self.address, self.port = str(entry["address"]), int(entry["port"])
        base = re.sub(r"[^a-z0-9]+", "_", f"zhenghe_{system}_{component['name']}")
        digest = hashlib.sha256(base.encode()).hexdigest()[:8]
        self.account = f"{base}_entry" if len(base) < LONGEST_NAME - 6 else f"{base[:44]}_{digest}_entry"
        self.folder = FOLDER / str(self.port)
        self.socket = f"/run/zhenghe-pgbouncer-{self.port}"
        self.unit = f"zhenghe-pgbouncer@{self.port}.service"
        self.line_file = self.folder / f"{self.account}.ini"
        self.rules_file = self.folder / f"{self.account}.hba"
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

    def line(self, address: str, port: int, pooling: str) -> str:
        """Return the line that sends this entry's database to an address."""
        # By session, as many may be connected at once as were before.
        size = f" pool_size={CLIENTS}" if pooling == "session" else ""
        return (
            f"{self.database} = host={address} port={port} dbname={word(self.database)} "
            f"auth_user={self.account} pool_mode={pooling}{size}\n"
        )

    def pooling(self) -> str:
        """Return how this entry shares connections: by transaction or by session."""
        found = re.search(r"pool_mode=(\w+)", POSTGRES.read(self.line_file))
        assert found is not None
        return found[1]

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

    def make_ready(self, address: str, port: int) -> None:
        """Write down beforehand what sends clients to an address: a pause has no time for disks."""
        with self.neighbours_wait():
            self.configure()
            POSTGRES.write(self._next, self.line(address, port, self.pooling()))

    def point(self, console: Any, address: str, port: int) -> None:
        """Send clients there from the next transaction on; a paused entry stays paused."""
        wanted = self.line(address, port, self.pooling())
        with self.neighbours_wait():
            if POSTGRES.exists(self._next) and POSTGRES.read(self._next) == wanted:
                POSTGRES.rename(self._next, self.line_file)
            else:
                write(self.line_file, wanted)
            if self.in_force(console) != (address, port):
                self.reload(console)

    @property
    def _next(self) -> Path:
        return self.line_file.with_name(self.line_file.name + ".next")

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
            port=self.port, clients=CLIENTS, address=self.address, socket=self.socket, folder=self.folder,
            believed=believed(trust), databases="".join(f"%include {file}\n" for file in lines),
        )  # fmt: skip
        pinned = sorted({one for each in trust for one in each["certificates"]})
        rules = "".join(self._rules(file) for file in lines)
        news = [
            write(self.folder / "servers.pem", "".join(pinned)),
            write(self.folder / "userlist.txt", "".join(f'"{user}" "{password}"\n' for user, password in users)),
            write(self.folder / "hba", rules),
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

    def _rules(self, line_file: Path) -> str:
        rules = line_file.with_suffix(".hba")
        if POSTGRES.exists(rules):
            return POSTGRES.read(rules)
        # It was made before entries held rules: until it is fronted anew it asks for passwords, from everywhere.
        database = POSTGRES.read(line_file).partition(" ")[0]
        return "".join(f"host {name(database)} all {network} md5\n" for network in ("0.0.0.0/0", "::/0"))

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

    def front(
        self, address: str, port: int, ends: Mapping[str, Mapping[str, Any]], admission: Mapping[str, Any]
    ) -> None:
        """Stand before an address, holding who may come; one that stands there already goes on sending where it does.

        `ends` says of each end's address by which certificate its server is known, and whose passwords are older ones;
        `admission` is what the source said of who may come (agents/answers.py, `Admission`).
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
            trust = trust_in(ends)
            write(self.trust_file, json.dumps(trust))
            lines = by_tls(admission["lines"]) if admission.get("tls") == "required" else admission["lines"]
            held = rules(self.database, self.account, self.address, lines, older=bool(trust["older"]))
            write(self.rules_file, held)
            line = self.line(*(self.sends_to() or (address, port)), admission["pooling"])
            new = write(self.line_file, line) | self.configure()
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
        itself = (address, port) == (self.address, self.port)
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
            POSTGRES.remove(*(self.folder / (self.account + suffix) for suffix in SUFFIXES))
            self.configure()
            if POSTGRES.find(self.folder, "*_entry.ini"):
                if self.running():
                    self.reload(self.console())
            elif UNIT.exists():
                systemctl("disable", "--now", self.unit)


def systemctl(*words: str) -> None:
    """Have systemd do something; Refused with what it says where it does not."""
    done = subprocess.run(["systemctl", "--quiet", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        subprocess.run(["systemctl", "reset-failed", words[-1]], check=False, capture_output=True)
        raise Refused(f"systemctl {' '.join(words)}: {done.stderr.strip()}", f"see journalctl -u {words[-1]}")
