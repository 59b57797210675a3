"""Two clusters, PostgreSQL 13 and 15, in which a move of a database takes seconds: no hosts, no SSH, no Ansible."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from playbooks.agents.answers import TaskResult
from tests.real.ends import ENDS, Ground, Steps

ENTRY = {
    "component": "db", "kind": "pgbouncer", "name": "db.example", "port": 6432, "host": "new", "address": "10.11.0.21"
}  # fmt: skip
GROUND = Path(__file__).with_name("ground.sh")
_CALM = "-c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0 -c client_min_messages=warning"
_UNSUBSCRIBE = r"""
for database in $(psql -XAtqc "SELECT datname FROM pg_database WHERE datname !~ '^(template[01]|postgres)$'"); do
    psql -XAtqd "$database" -c "SELECT format('ALTER SUBSCRIPTION %1\$I DISABLE; ALTER SUBSCRIPTION %1\$I \
        SET (slot_name = NONE); DROP SUBSCRIPTION %1\$I', subname) FROM pg_subscription JOIN pg_database d \
        ON d.oid = subdbid WHERE datname = current_database()" | psql -XAtqd "$database"
done
"""
_RESET = r"""
psql -XAtq <<'SQL'
ALTER SYSTEM RESET ALL;
SELECT pg_reload_conf() \g /dev/null
SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE active;
SELECT pg_sleep(0.2);
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots;
SELECT format('ROLLBACK PREPARED %L', gid) FROM pg_prepared_xacts \gexec
SELECT format('ALTER DATABASE %I IS_TEMPLATE false', datname) FROM pg_database
WHERE datistemplate AND datname !~ '^template[01]$' \gexec
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
WHERE datname !~ '^(template[01]|postgres)$' \gexec
SELECT format('DROP OWNED BY %1$I; DROP ROLE %1$I', rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND oid <> 10 \gexec
SELECT format('DROP TABLESPACE %I', spcname) FROM pg_tablespace WHERE spcname !~ '^pg_' \gexec
SQL
"""


class Laboratory(Ground):
    """A source and a target of moves, `old` and `new`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, GROUND)
        self._hba = {end: self.run(end, "cat /etc/postgresql/*/main/pg_hba.conf").stdout for end in ENDS}

    def sql(self, end: str, statements: str, database: str, role: str = "postgres") -> str:
        """Run statements as psql does, and return what they say."""
        who = "" if role in ("", "postgres") else f"SET SESSION AUTHORIZATION {role};\n"
        command = f"cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database}"
        done = self.run(end, command, who + statements)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def reset(self) -> None:
        """Leave both clusters as they were in the beginning."""
        for end in ENDS:
            self._as_postgres(end, _UNSUBSCRIBE)
        for end, lines in self._hba.items():
            # Older servers do not wait for a session that they end.
            self._as_postgres(end, _RESET.replace(", 5000", "" if end == "source" else ", 5000"))
            self.run(end, "rm -rf /var/lib/zhenghe; cat > $(ls /etc/postgresql/*/main/pg_hba.conf)", lines)

    def _as_postgres(self, end: str, script: str) -> None:
        done = self.run(end, f"cd / && PGOPTIONS='{_CALM}' exec runuser -u postgres -- sh", script)
        assert not done.stderr.strip(), done.stderr


class Moving(Steps):
    """The move of one database between the laboratory's ends."""

    def __init__(self, laboratory: Laboratory, database: str) -> None:
        super().__init__(laboratory, database, "postgresql", {"database": database})
        self.laboratory, self.database = laboratory, database

    def sql(self, end: str, statements: str, within: str, role: str) -> str:
        """Run statements in a database, in the one that moves where none is named."""
        return self.laboratory.sql(end, statements, within or self.database, role)

    def step(self, name: str, mode: str = "apply") -> dict[str, Any]:
        """Do a step of a plan as the role's tasks do; return what its ends answer."""
        if name in ("switch", "return"):
            return self.move("forward" if name == "switch" else "back")
        if name == "prepare" and mode == "apply":
            made = {end: self.verb(end, "verifier") for end in ENDS}
            for end, other in (("source", "target"), ("target", "source")):
                self.verb(end, "cluster", verifier=made[other]["verifier"], server=made[other]["server"])
        ends = ("target",) if name == "replicate" and mode != "undo" else tuple(ENDS)
        more: dict[str, Any] = {}
        if name == "retire":
            more = {"keyless": self.verb("source", "keyless", mode)["keyless"]}
        if mode == "undo" or name == "lag":
            # At a gate both ends wait for each other; here one comes after the other.
            ends = ends[::-1]
        # An end that has nothing to say in a step gives no answer.
        return {end: self.verb(end, name, mode, **more).get("answer", {}) for end in ends}

    def front(self, **entry: Any) -> dict[str, Any]:
        """Put an entry before the database, on the target's host; return what its verb answers."""
        self.entry = {**ENTRY, **entry}
        own = self.verb("new", "account", kind="pgbouncer")["account"]
        admitted = [self.verb(end, "admit", account=own["name"], verifier=own["verifier"]) for end in ENDS]
        ends = [TaskResult.model_validate_json(json.dumps(one)).for_ansible() for one in admitted]
        result = self.verb("new", "front", kind="pgbouncer", ends=ends)
        return dict(result["answer"]["facts"])

    def come(
        self, statements: str, role: str, address: str = "10.11.0.10", tls: str = "prefer"
    ) -> "subprocess.CompletedProcess[str]":
        """Come to the entry as a client with an address of the old network, and run statements."""
        self.laboratory.run("source", f"ip address replace {address}/32 dev lo; "
                                   f"ip route replace {ENTRY['address']} dev old src {address}")  # fmt: skip
        self.laboratory.run("target", "ip route replace default via 10.11.0.10")
        where = f"host={ENTRY['address']} port={ENTRY['port']} connect_timeout=9 sslmode={tls}"
        asked = f"PGUSER={shlex.quote(role)} psql -XAtq 'dbname={self.database} password=x {where}'"
        return self.laboratory.run("source", f"cd /; {asked}", statements)
