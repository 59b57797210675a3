"""An entry of HAProxy in a cutover: whoever comes waits, and then all of them go to the other side."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible.module_utils.zhenghe_haproxy_service import Entry

from playbooks.agents.loop import Agent


class EntryAgent(Agent):
    """One entry of this host; a kind's own class says who else has to come to an end in a pause."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.entries: Entry = self.entry_of(f"{self.system}-{self.component['name']}")
        forward = self.direction == "forward"
        self.old, self.new = ("source", "target") if forward else ("target", "source")
        self._locked = contextlib.ExitStack()

    def entry_of(self, name: str) -> Entry:
        """Return the entry of a name."""
        raise NotImplementedError

    def open(self) -> dict[str, Any]:
        """Say where whoever comes goes."""
        return {"state": "to" if self.entries.side() == self.new else "from"}

    def pause(self, limit: float) -> dict[str, Any]:  # noqa: ARG002 - nothing of it takes time
        """Let whoever comes wait."""
        self._locked.enter_context(self.entries.undisturbed())
        self.entries.hold(on=True)
        return {}

    def turn(self) -> dict[str, Any]:
        """Send everything to the new side."""
        self.entries.turn(self.new)
        return {}

    def resume(self) -> dict[str, Any]:
        """Let what waits go on."""
        self.entries.hold(on=False)
        self._locked.close()
        return {}

    def abandon(self) -> dict[str, Any]:
        """Send everything to the old side, and let what waits go on."""
        if self.entries.side() != self.old:
            self.entries.turn(self.old)
        return self.resume()
