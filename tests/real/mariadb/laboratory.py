"""Two servers, MariaDB 10.5 and 10.11, in which a move takes seconds: no hosts, no Ansible; the copy goes over SSH."""

from pathlib import Path
from typing import Any

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


class Moving(Steps):
    """The move of the server between the laboratory's ends."""

    def __init__(self, laboratory: Laboratory, **settings: Any) -> None:
        super().__init__(laboratory, "fees", "mariadb", settings)
        self.laboratory = laboratory

    def sql(self, end: str, statements: str, within: str, role: str) -> str:
        """Run statements as somebody, as the superuser where nobody is named."""
        return self.laboratory.sql(end, statements, within, role or "root")

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
