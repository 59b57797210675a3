"""Ansible kept in memory: a process that forks for each playbook, because Ansible's start costs more than most steps.

    who wants playbooks (`Forkserver`)
    ├── ansible-runner's command (`shim.py`)      sends arguments and streams, waits, ends with the playbook's status
    └── server (`server.py`)                        has imported Ansible and runs nothing itself
        └── keeper, one for each playbook           ends all that stems from it when time is up or nobody waits
            └── ansible-playbook

The server ends when whoever wants playbooks is gone, and every keeper with it. Should it be killed, the playbooks under
way end as if they had been killed themselves, and it is started again for the next one.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING

from migrations.actuators.ansible.forkserver import shim

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Forkserver:
    """Where playbooks are forked; starts its server when it is first needed. May be used by several threads."""

    def __init__(
        self, home: Path, environment: Mapping[str, str], secret: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Give the server a folder, which it removes at its end, and the environment that Ansible reads at first.

        `secret` is what playbooks need beside it to look secrets up; nobody else is told of it.
        """
        self._home = home
        self.environment = dict(environment)
        self._secret = {**secret, shim.KEPT: " ".join(secret)}
        self._one_at_a_time = threading.Lock()
        self._server: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def listen(self, place: Path) -> None:
        """Have a keeper wait at a socket of this name for the shim of one playbook."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(place))
            listener.listen(1)
            with self._one_at_a_time:
                try:
                    self._lend(self._server or self._start(), listener)
                except OSError:
                    self._lend(self._start(), listener)

    def close(self) -> None:
        """Let the server end, and with it every playbook under way; without this it ends with this process."""
        with self._one_at_a_time:
            self._let_go()

    @staticmethod
    def _lend(server: socket.socket, listener: socket.socket) -> None:
        socket.send_fds(server, [b"playbook"], [listener.fileno()])

    def _start(self) -> socket.socket:
        self._let_go()
        self._home.mkdir(parents=True, exist_ok=True)
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Not our own stream, which may be one that never waits: Ansible refuses those.
        with theirs, (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-m",
                    "migrations.actuators.ansible.forkserver.server",
                    str(theirs.fileno()),
                    str(self._home),
                ],
                env={**self.environment, **self._secret},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._server = mine
        return mine

    def _let_go(self) -> None:
        if self._server is not None and self._process is not None:
            self._server.close()
            self._server = None
            self._process.wait()
