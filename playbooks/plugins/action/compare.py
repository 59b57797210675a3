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

from playbooks.agents.answers import Count, Digests, Listing  # noqa: E402
from playbooks.agents.coordinator import MoveFailed, Sessions  # noqa: E402
from playbooks.agents.participants import participants  # noqa: E402

if TYPE_CHECKING:
    from playbooks.agents.coordinator import Session

PAUSE = 1.0
"""A second between two looks."""
STEADY = 20.0
"""A difference that stays the same for so many seconds is one; others are on their way, a busy host takes a while."""
LOOKING = 600.0


class ActionModule(ActionBase):
    """Arguments: `step`, `component` (one of its components), `ssh` (the client's command)."""

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Look on both sides until nothing differs, or something goes on differing in the same way."""
        given = self._task.args
        result: dict[str, Any] = super().run(None, task_vars)
        name = given["component"]["name"]
        cast = [one for one in participants(given["step"], "forward") if one.component == name and one.side != "entry"]
        try:
            with Sessions(shlex.split(given["ssh"]), _HERE) as sessions:
                sessions.open(cast)
                lasting = _lasting(sessions)
                counts = [_counted(session) for session in sessions.every]
        except MoveFailed as failure:
            return result | {"failed": True, "msg": str(failure), "kind": failure.kind, "host": failure.host}
        files, kept = [one.files for one in counts], [one.kept for one in counts if one.kept]
        facts = {name: {"compared": files, "different": lasting[:20], "differences": len(lasting), "kept": kept}}
        return result | {"answer": {"state": "not-done" if lasting or kept else "done", "facts": facts}}


def _lasting(sessions: Sessions) -> list[str]:
    began = time.monotonic()
    # What differs at first has to be resolved; what comes to differ later was written meanwhile and is on its way.
    left = _different(sessions)
    while left and time.monotonic() - began < STEADY:
        time.sleep(PAUSE)
        left &= _different(sessions)
    return sorted({path for path, *_ in left})


def _counted(session: Session) -> Count:
    return session.read(session.call("count", LOOKING), Count, "count")


def _digests(session: Session) -> dict[str, str]:
    return session.read({"parts": session.call("digests", LOOKING)}, Digests, "digests").parts


def _different(sessions: Sessions) -> set[tuple[str, ...]]:
    """Return (path, what one side has, what the others have) of whatever is not the same everywhere."""
    every = sessions.every
    digests = sessions.each(every, _digests)
    keys = sorted({key for one in digests for key in one if any(other.get(key) != one[key] for other in digests)})
    if not keys:
        return set()

    def listing(session: Session) -> dict[str, str]:
        return session.read({"paths": session.call("listing", LOOKING, keys=keys)}, Listing, "listing").paths

    listings = sessions.each(every, listing)
    paths = {path for one in listings for path in one}
    rows = {(path, *(one.get(path, "") for one in listings)) for path in paths}
    return {row for row in rows if len(set(row[1:])) > 1}
