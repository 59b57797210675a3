"""Compares what source and target hold, over the agents that a cutover uses: `verify` of kinds that are folders."""

from __future__ import annotations

import shlex
import sys
import time
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.plugins.action import ActionBase

_HERE = Path(__file__).resolve().parents[2]
if "playbooks" not in sys.modules:
    _package = types.ModuleType("playbooks")
    _package.__path__ = [str(_HERE)]
    sys.modules["playbooks"] = _package

from playbooks.agents.casting import participants  # noqa: E402
from playbooks.agents.conductor import MoveFailed, Sessions  # noqa: E402

if TYPE_CHECKING:
    from playbooks.agents.conductor import Session

ROUNDS = 8
PAUSE = 2.0
"""Seconds between two looks: a difference that is the same in three looks is one, others are on their way."""
LOOKING = 600.0


class ActionModule(ActionBase):
    """Arguments: `step`, `component` (one of its components), `ssh` (the client's command)."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Look on both sides until nothing differs, or the same things differ in three looks."""
        given = self._task.args
        result: dict[str, Any] = super().run(None, task_vars)
        name = given["component"]["name"]
        cast = [one for one in participants(given["step"], "forward") if one.component == name and one.side != "entry"]
        try:
            with Sessions(shlex.split(given["ssh"]), _HERE) as sessions:
                sessions.open(cast)
                lasting = _lasting(sessions)
                files = [session.call("count", LOOKING)["files"] for session in sessions.every]
        except MoveFailed as failure:
            return result | {"failed": True, "msg": str(failure), "kind": failure.kind, "host": failure.host}
        facts = {name: {"compared": files, "different": lasting[:20], "differences": len(lasting)}}
        return result | {"answer": {"state": "not-done" if lasting else "done", "facts": facts}}


def _lasting(sessions: Sessions) -> list[str]:
    seen: list[set[tuple[str, ...]]] = []
    for number in range(ROUNDS):
        if number:
            time.sleep(PAUSE)
        different = _different(sessions)
        if not different:
            return []
        seen.append(different)
        if lasting := set.intersection(*seen[-3:]) if len(seen) >= 3 else set():
            return sorted(path for path, *_ in lasting)
    return []


def _different(sessions: Sessions) -> set[tuple[str, ...]]:
    """Return (path, what one side has, what the others have) of whatever is not the same everywhere."""
    every = sessions.every
    digests = sessions.each(every, lambda one: one.call("digests", LOOKING))
    keys = sorted({key for one in digests for key in one if any(other.get(key) != one[key] for other in digests)})
    if not keys:
        return set()

    def listing(session: Session) -> dict[str, str]:
        found: dict[str, str] = session.call("listing", LOOKING, keys=keys)
        return found

    listings = sessions.each(every, listing)
    paths = {path for one in listings for path in one}
    rows = {(path, *(one.get(path, "") for one in listings)) for path in paths}
    return {row for row in rows if len(set(row[1:])) > 1}
