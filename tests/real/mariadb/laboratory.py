"""Two servers, MariaDB 10.5 and 10.11, in which a move takes seconds: no hosts, no Ansible; the copy goes over SSH."""

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from inventory.kinds import playbooks_folder
from playbooks.agents.coordinator import Move, Session, Sessions
from playbooks.agents.participants import participants
from tests.real.ends import ENDS, Ground, Steps

GROUND = Path(__file__).with_name("ground.sh")


class Laboratory(Ground):
    """A source and a target of moves, `old` and `new`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, GROUND)

    def sql(self, end: str, statements: str, database: str = "", user: str = "root") -> str:
        """Run statements as the command line's client does, and return what they say."""
        command = f"MYSQL_PWD=x mysql -BN -u {user} --default-character-set=utf8mb4 {database}"
        done = self.run(end, command, statements)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def left(self, end: str) -> str:
        """Return what is of ours at an end: files, accounts, schemas, settings."""
        files = "ls -A /var/lib/zhenghe/mariadb* /etc/mysql/mariadb.conf.d/zz-* /var/lib/mysql/zhenghe* 2>/dev/null"
        keys = "cat /root/.ssh/authorized_keys 2>/dev/null"
        said = self.run(end, f"{files}; {keys}").stdout.strip()
        question = (
            "SELECT User FROM mysql.global_priv WHERE User LIKE 'zhenghe%' UNION SELECT schema_name FROM "
            "information_schema.schemata WHERE schema_name = 'zhenghe'; SHOW ALL SLAVES STATUS"
        )
        return said + self.sql(end, question)


class Death(NamedTuple):
    """At which boundary of a move somebody dies: its controller, or the agents of both ends."""

    call: str
    when: Literal["before", "after"]
    whose: Literal["controller", "agents"]


class Died(Exception):
    """The death that a test has asked for."""


class Mortal(Move):
    """A move that ends in the middle."""

    def __init__(self, sessions: Sessions, death: Death) -> None:
        super().__init__(sessions, 3.0)
        self._death = death

    def _ask_each(self, name: str, sessions: Sequence[Session], ask: Callable[[Session], Any]) -> list[Any]:
        if (name, "before") == self._death[:2]:
            self._die()
        answers = super()._ask_each(name, sessions, ask)
        if (name, "after") == self._death[:2]:
            self._die()
        return answers

    def _die(self) -> None:
        # An agent that loses its controller goes back by itself, where that is still possible; one that dies does not.
        for session in self._sessions.every if self._death.whose == "agents" else ():
            os.killpg(session.process.pid, signal.SIGKILL)
            session.process.wait()
        raise Died


class Moving(Steps):
    """The move of the server between the laboratory's ends."""

    def __init__(self, laboratory: Laboratory, **settings: Any) -> None:
        super().__init__(laboratory, "fees", "mariadb", settings)
        self.laboratory = laboratory

    def sql(self, end: str, statements: str, within: str, role: str) -> str:
        """Run statements as somebody, as the superuser where nobody is named."""
        return self.laboratory.sql(end, statements, within, role or "root")

    def die(self, direction: str, death: Death) -> None:
        """Begin to switch or to return, and die."""
        limits = {"downtime": "3s", "data_loss": "0s", "catch_up": "20s"}
        step = {"system": self.system, "components": [self.component], "entries": [], "limits": limits}
        with Sessions((str(self.ground.ssh),), playbooks_folder()) as sessions:
            sessions.open(participants(step, direction))
            with contextlib.suppress(Died):
                Mortal(sessions, death).carry_out()

    def step(self, name: str, mode: str = "apply") -> dict[str, Any]:
        """Do a step of a plan as the role's tasks do; return what its ends answer."""
        if name in ("switch", "return"):
            return self.move("forward" if name == "switch" else "back")
        given: dict[str, Any] = {end: {} for end in ENDS}
        if name == "prepare" and mode == "apply":
            told = {end: self.verb(end, "meet") for end in ENDS}
            given = {
                end: {name: told[other].get(name, {}) for name in ("verifier", "offer", "server")}
                for end, other in (("source", "target"), ("target", "source"))
            }
            for end in ENDS:
                self.verb(end, "ready", **given[end])
        ends = ("target",) if name == "replicate" else ("target", "source") if name == "prepare" else tuple(ENDS)
        # An end that has nothing to say in a step gives no answer.
        return {end: self.verb(end, name, mode, **given[end]).get("answer", {}) for end in ends}
