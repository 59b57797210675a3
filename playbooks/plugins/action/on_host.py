"""Carries one verb of a kind out on a host: what every task of the roles does.

Ansible's own way of running a module costs a host 0.25 s of a processor before the module begins; this one 0.06 s.
"""

from __future__ import annotations

import json
import shlex
import sys
import types
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

_HERE = Path(__file__).resolve().parents[2]
if "playbooks" not in sys.modules:
    _package = types.ModuleType("playbooks")
    _package.__path__ = [str(_HERE)]
    sys.modules["playbooks"] = _package

from playbooks.agents.arrival import BOOTSTRAP  # noqa: E402
from playbooks.agents.parcel import visit_parcel  # noqa: E402


class ActionModule(ActionBase):
    """Arguments: `kind`, and whatever its `carry_out` takes (roles/KIND/files/verbs.py)."""

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Send the kind's code to the host and return what it answers."""
        result: dict[str, Any] = super().run(None, task_vars)
        given = dict(self._task.args)
        parcel = visit_parcel(_HERE, given.pop("kind"), given)
        done = self._low_level_execute_command(f"exec python3 -c {shlex.quote(BOOTSTRAP)}", in_data=parcel)
        try:
            said: dict[str, Any] = json.loads(done["stdout"].rstrip().rpartition("\n")[2])
        except ValueError:
            complaint = done["stderr"].strip().splitlines() or [f"python3 ended with {done['rc']}"]
            return result | {"failed": True, "msg": complaint[-1]}
        return result | said
