"""Moves a system in one pause: the step's `switch` and `return`, over agents on all hosts that take part."""

from __future__ import annotations

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

from playbooks.agents.coordinator import Move, MoveFailed, Sessions  # noqa: E402
from playbooks.agents.participants import participants  # noqa: E402


class ActionModule(ActionBase):
    """Arguments: `step` (the step's arguments), `mode` (probe, apply or undo), `ssh` (the client's command)."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Open the agents, look, and move unless only looking was asked for."""
        given = self._task.args
        result: dict[str, Any] = super().run(None, task_vars)
        step, mode = given["step"], given["mode"]
        # The undo of a switch is a return, and the undo of a return a switch.
        cast = participants(step, "forward" if (step["verb"] == "switch") == (mode != "undo") else "back")
        try:
            with Sessions(shlex.split(given["ssh"]), _HERE) as sessions:
                opened = sessions.open(cast)
                limits = cast[0].given["limits"]
                move = Move(sessions, limits["downtime"], limits["catch_up"])
                facts: dict[str, Any] = {"opened": [
                    {**answer, "host": one.host, "component": one.component, "side": one.side}
                    for one, answer in zip(cast, opened, strict=True)
                ]}  # fmt: skip
                state = move.observed()
                if mode != "probe":
                    facts |= move.carry_out()
                    state = "done" if mode == "apply" else "not-done"
        except MoveFailed as failure:
            return result | {
                "failed": True,
                "msg": f"{failure.call}: {failure.reason}",
                "mend": failure.mend,
                "kind": "turned" if failure.turned and failure.kind == "refused" else failure.kind,
                "host": failure.host,
            }
        return result | {"changed": mode != "probe", "answer": {"state": state, "facts": facts}}
