"""An HTTP entry in a cutover: new requests wait, the others end, and then all of them go to the other side."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_haproxy import Entries
from ansible.module_utils.zhenghe_haproxy_agent import EntryAgent


class Agent(EntryAgent):
    """One entry of this host's HAProxy."""

    entries: Entries

    def entry_of(self, name: str) -> Entries:
        """Return the entry of a name."""
        return Entries(name)

    def pause(self, limit: float) -> dict[str, Any]:
        """Let new requests wait, and those under way end."""
        super().pause(limit)
        self.until(lambda: not self.entries.under_way(), limit, "requests are still under way",
                   "wait for a quieter time, or raise limits.downtime")  # fmt: skip
        return {}
