"""Carries one verb of a kind out on a host: what every task of the roles does.

Ansible's own way of running a module costs a host 0.25 s of a processor before the module begins; this one 0.06 s.
"""

from __future__ import annotations

import hashlib
import shlex
import sys
import types
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

_HERE = Path(__file__).resolve().parents[2]
if "playbooks" not in sys.modules:
    _package = types.ModuleType("playbooks")
    _package.__path__ = [str(_HERE)]
    sys.modules["playbooks"] = _package

from infra.credentials.errors import SecretError  # noqa: E402
from infra.credentials.resolving import resolved_here  # noqa: E402
from infra.hearing import Heard, Unheard, hear, parsed  # noqa: E402
from infra.ssh import sharing  # noqa: E402
from infra.sudo import as_root  # noqa: E402
from playbooks.agents.answers import TaskResult  # noqa: E402
from playbooks.agents.payload import oneshot_payload  # noqa: E402

NOT_REACHED = 255
"""The status of an SSH client that did not come through; whatever ran on the host ends with its own."""


class ActionModule(ActionBase):
    """Arguments: `kind`, and whatever its `carry_out` takes (roles/KIND/files/verbs.py).

    `secrets` are arguments that are given as references: each is looked up now, and goes to the host and nowhere else.
    `ssh` is the client's command for the world and `sockets` where connections are kept, for all tasks of a playbook.
    """

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Send the kind's code to the host and return what it answers, read by a closed model."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(None, task_vars)
        given = dict(self._task.args)
        try:
            given |= {name: resolved_here(text) if text else "" for name, text in given.pop("secrets", {}).items()}
        except SecretError as missing:
            return result | {"failed": True, "msg": str(missing), "mend": "put the secret where its reference leads"}
        payload = oneshot_payload(_HERE, given.pop("kind"), given)
        host = str(variables["inventory_hostname"])
        # A socket's path may have a hundred letters, and names of hosts are long.
        socket = f"{variables['sockets']}/{hashlib.sha256(host.encode()).hexdigest()[:10]}"
        client = sharing(shlex.split(variables["ssh"]), socket)
        try:
            heard = hear([*client, host, as_root()], payload)
            return result | _result(heard).for_ansible()
        except Unheard as wrong:
            return result | {"failed": True, "msg": wrong.reason, "mend": "see who answers on this host, and why so"}


def _result(heard: Heard) -> TaskResult:
    last = heard.said.rstrip().rpartition(b"\n")[2]
    if heard.status == NOT_REACHED:
        raise AnsibleConnectionFailure(heard.complained)
    if not last.startswith(b"{"):
        complaint = heard.complained.splitlines() or [f"python3 ended with {heard.status}"]
        return TaskResult(failed=True, msg=complaint[-1])
    return parsed(last, TaskResult)
