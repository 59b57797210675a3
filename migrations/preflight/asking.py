"""Asks hosts over SSH: each question is one read-only program of a role, sent and run without a file on the host."""

import subprocess
import time
from collections.abc import Mapping
from typing import Any

from infra.hearing import Heard, Unheard, hear, parsed
from infra.ssh import client
from infra.sudo import as_root_if_allowed
from infra.worlds import World
from inventory.base import Model
from inventory.kinds import playbooks_folder
from inventory.words import _
from migrations.preflight.facts import Said
from playbooks.agents.payload import look_payload

PATIENCE = 120.0
"""Seconds for one question."""


class Answer(Model):
    """What came of one question: an answer, or the reason why there is none."""

    said: Said | None
    reason: str = ""
    mend: str = ""
    clock: float
    """The time here when the question was sent, in seconds since 1970."""


class Hosts:
    """The hosts of a world, asked one question at a time."""

    def __init__(self, world: World) -> None:
        self._ssh = client(world.ssh_config)
        self._playbooks = playbooks_folder()

    def knows(self, kind: str) -> bool:
        """Say whether a kind has a look of its own before a move."""
        return (self._playbooks / "roles" / kind / "files" / "preflight.py").is_file()

    def ask(
        self, host: str, kind: str, given: Mapping[str, Any], program: str = "preflight", patience: float = PATIENCE
    ) -> Answer:
        """Ask one host by a program of a kind; an answer that is not of the model counts as none."""
        payload = look_payload(self._playbooks, kind, program, given)
        clock = time.time()
        try:
            heard = hear([*self._ssh, host, as_root_if_allowed()], payload, patience)
            return read(heard, clock)
        except subprocess.TimeoutExpired:
            reason = _("it gave no answer within {seconds} s").format(seconds=f"{patience:g}")
        except Unheard as exc:
            reason = exc.reason
        return Answer(said=None, reason=reason, clock=clock)


def read(heard: Heard, clock: float) -> Answer:
    """Return what a host said, by the closed model; Unheard where it is something else."""
    if heard.status != 0:
        said = heard.complained.splitlines()
        return Answer(said=None, reason=said[-1][:500] if said else _("no answer"), clock=clock)
    answer = parsed(heard.said.rstrip().rpartition(b"\n")[2], Said)
    if answer.failed:
        return Answer(said=None, reason=answer.msg, mend=answer.mend, clock=clock)
    return Answer(said=answer, clock=clock)
