"""Carries one verb of a kind out on a host: what every task of the roles does.

Ansible's own way of running a module costs a host 0.25 s of a processor before the module begins; a session that stays
there (agents/residents.py) costs it hundredths.
"""

from __future__ import annotations

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
from infra.hearing import Unheard, parsed  # noqa: E402
from playbooks.agents.answers import TaskResult  # noqa: E402
from playbooks.agents.payload import verb_header  # noqa: E402
from playbooks.agents.residents import asked  # noqa: E402

NOT_REACHED = 255
"""The status of an SSH client that did not come through; whatever ran on the host ends with its own."""


class ActionModule(ActionBase):
    """Arguments: `kind`, and whatever its `carry_out` takes (roles/KIND/files/verbs.py).

    `secrets` are arguments that are given as references: each is looked up now, and goes to the host and nowhere else.
    `residents` is where to ask who keeps the sessions with the world's hosts.
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
        header = verb_header(_HERE, given.pop("kind"), given)
        try:
            answer = asked(str(variables["residents"]), str(variables["inventory_hostname"]), header)
            return result | _result(answer).for_ansible()
        except Unheard as wrong:
            return result | {"failed": True, "msg": wrong.reason, "mend": "see who answers on this host, and why so"}


def _result(answer: dict[str, Any]) -> TaskResult:
    if "unheard" in answer:
        raise Unheard(answer["unheard"])
    if "said" in answer:
        return parsed(answer["said"], TaskResult)
    if answer["status"] == NOT_REACHED:
        raise AnsibleConnectionFailure(answer["complained"])
    complaint = answer["complained"].splitlines() or [f"python3 ended with {answer['status']}"]
    return TaskResult(failed=True, msg=complaint[-1])
