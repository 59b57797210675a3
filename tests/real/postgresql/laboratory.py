"""Two clusters, PostgreSQL 13 and 15, in which a move of a database takes seconds: no hosts, no SSH, no Ansible.

The verbs and agents of the role run as on hosts: sent as a parcel, under the Python of the end's own generation.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from infra.hands import BOOTSTRAP
from infra.parts.images import image_path
from inventory.kinds import playbooks_folder
from playbooks.agents.casting import participants
from playbooks.agents.conductor import Move, MoveFailed, Sessions
from playbooks.agents.parcel import visit_parcel

GROUND = Path(__file__).with_name("ground.sh")
ENDS = {"source": "old", "target": "new"}
_CALM = "-c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0 -c client_min_messages=warning"
_UNSUBSCRIBE = r"""
for database in $(psql -XAtqc "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"); do
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
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
WHERE NOT datistemplate AND datname <> 'postgres' \gexec
SELECT format('DROP OWNED BY %1$I; DROP ROLE %1$I', rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND oid <> 10 \gexec
SELECT format('DROP TABLESPACE %I', spcname) FROM pg_tablespace WHERE spcname !~ '^pg_' \gexec
SQL
"""


class Laboratory:
    """A source and a target of moves, `old` and `new`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        images = [str(image_path(name)) for name in ("bullseye", "bookworm")]
        words = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", str(GROUND)]
        pipe = subprocess.PIPE
        self._ground = subprocess.Popen([*words, str(folder), *images], stdin=pipe, stdout=pipe, text=True)
        assert self._ground.stdout is not None
        assert self._ground.stdout.readline() == "ready\n"
        children = Path(f"/proc/{self._ground.pid}/task/{self._ground.pid}/children").read_text().split()
        self._enter = ("nsenter", f"--target={children[0]}", "--mount", "--net", "--pid", f"{folder}/enter")
        # The agents of a switch are reached by this in the place of ssh, whose options mean nothing here.
        self.ssh = folder.with_name(folder.name + "-ssh")
        self.ssh.write_text(f'#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\nexec {" ".join(self._enter)} "$1" "$2"\n')
        self.ssh.chmod(0o755)
        self._hba = {end: self.run(end, "cat /etc/postgresql/*/main/pg_hba.conf").stdout for end in ENDS}

    def close(self) -> None:
        """End everything."""
        self._ground.kill()
        self._ground.communicate()

    def run(self, end: str, command: str, said: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a shell command at one end."""
        words = (*self._enter, ENDS[end], command)
        return subprocess.run(words, input=said, capture_output=True, text=True, check=False)

    def sql(self, end: str, statements: str, database: str, role: str = "postgres") -> str:
        """Run statements as psql does, and return what they say."""
        who = "" if role == "postgres" else f"SET SESSION AUTHORIZATION {role};\n"
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


class Moving:
    """The move of one database between the laboratory's ends; a step is refused by PlaybookFailed's brother here."""

    def __init__(self, laboratory: Laboratory, database: str) -> None:
        self.laboratory, self.database = laboratory, database
        self.component = {
            "name": "db", "kind": "postgresql", "sources": ["old"], "source_addresses": ["10.11.0.10"],
            "targets": ["new"], "target_addresses": ["10.11.0.21"], "settings": {"database": database},
        }  # fmt: skip

    def verb(self, end: str, verb: str, mode: str = "apply", **more: Any) -> dict[str, Any]:
        """Carry one verb out at one end; its result, with `refused` where it was."""
        given = {
            "verb": verb, "mode": mode, "end": end, "system": self.database, "component": self.component,
            "entry": {}, "limit": "60s", **more,
        }  # fmt: skip
        parcel = visit_parcel(playbooks_folder(), "postgresql", given).decode()
        done = self.laboratory.run(end, f'exec python3 -c "{BOOTSTRAP}"', parcel)
        assert done.stdout, done.stderr
        result: dict[str, Any] = json.loads(done.stdout.rstrip().rpartition("\n")[2])
        if result.get("failed"):
            assert "exception" not in result, result
            raise Refusal(end, result["msg"], result["mend"])
        return result

    def step(self, name: str, mode: str = "apply") -> dict[str, Any]:
        """Do a step of a plan as the role's tasks do; return what its ends answer."""
        if name in ("switch", "return"):
            return self._switch("forward" if name == "switch" else "back")
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

    def _switch(self, direction: str) -> dict[str, Any]:
        limits = {"downtime": "3s", "data_loss": "0s", "catch_up": "20s"}
        step = {"system": self.database, "components": [self.component], "entries": [], "limits": limits}
        try:
            with Sessions((str(self.laboratory.ssh),), playbooks_folder()) as sessions:
                sessions.open(participants(step, direction))
                return Move(sessions, 3).carry_out()
        except MoveFailed as exc:
            raise Refusal(exc.host, exc.reason, exc.mend) from exc


class Refusal(Exception):
    """A verb or an agent refused; carries the end, why, and what to do."""

    def __init__(self, end: str, reason: str, mend: str) -> None:
        super().__init__(f"{end}: {reason}; {mend}")
        self.end, self.reason, self.mend = end, reason, mend
