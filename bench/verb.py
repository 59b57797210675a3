"""What it costs to have one verb of a kind carried out on a host, beside the verb itself.

One machine plays controller and host: a real SSH client, and a real SSH server behind it. The verb is one that the kind
does not have, so all that is paid for is the way there: the connection, Python's start, the kind's own code.

    session   over the session that a run keeps with each host, the first one included
    sent      sent by itself, as the looks of preflight are: a connection and a Python of its own for each
"""

import ctypes
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench.ground import Result, conditions, report
from infra.hearing import hear
from infra.ssh import client
from infra.sudo import as_root
from inventory.kinds import playbooks_folder
from playbooks.agents.payload import look_payload, verb_header
from playbooks.agents.residents import Residents, asked

KINDS = ("service", "files", "web")
GIVEN = {"verb": "none"}
HOST = "localhost"
SET_CHILD_SUBREAPER = 36


def world(folder: Path) -> Path:
    """Return the ssh_config of a world whose one host is this machine."""
    for name in ("host", "operator"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "known").write_text(f"{HOST} {(folder / 'host.pub').read_text()}")
    (folder / "sshd").write_text(
        f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/operator.pub\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\n"
    )
    (folder / "ssh_config").write_text(
        f"Host {HOST}\n  ProxyCommand /usr/sbin/sshd -i -f {folder}/sshd\n  IdentityFile {folder}/operator\n"
        f"  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known\n"
    )
    return folder / "ssh_config"


def spent(deed: Callable[[], object]) -> float:
    """Return the processor time in milliseconds of a deed and of all processes that were begun and ended by it."""
    before = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    deed()
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return 1000 * sum(
        one.ru_utime + one.ru_stime - other.ru_utime - other.ru_stime for one, other in zip(after, before, strict=True)
    )


def measure(rounds: int) -> Result:
    """Processor time of a verb's way to a host and back, over a session and by itself."""
    found = conditions()
    # What a server leaves behind counts as well: it is ours to wait for.
    ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    Path("/run/sshd").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="zb-") as scratch:
        folder, playbooks = Path(scratch), playbooks_folder()
        config = world(folder)

        def over_a_session() -> None:
            sessions = Residents(lambda: client(config), playbooks)
            with sessions.listening(folder / "socket"):
                for _again in range(rounds):
                    for kind in KINDS:
                        assert "said" in asked(str(folder / "socket"), HOST, verb_header(playbooks, kind, GIVEN))
            sessions.close()
            (folder / "socket").unlink()

        def sent() -> None:
            for _again in range(rounds):
                for kind in KINDS:
                    command = [*client(config), HOST, as_root()]
                    assert hear(command, look_payload(playbooks, kind, "verbs", GIVEN)).said.startswith(b"{")

        verbs = rounds * len(KINDS)
        each = {"session": spent(over_a_session) / verbs, "sent": spent(sent) / verbs}
    return Result(
        bench="verb",
        question=f"processor time of a verb's way to a host and back, {verbs} verbs of {len(KINDS)} kinds",
        figures={f"{name}_ms": round(value, 1) for name, value in each.items()},
        ratios={"session/sent": round(each["session"] / each["sent"], 3)},
        promises={},
        notes=("both ends run on this machine",),
        conditions=found,
    )


if __name__ == "__main__":
    report(measure, rounds=20)
