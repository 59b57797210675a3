"""A TCP entry in a cutover: new connections wait; the source ends those that are there, each between transactions."""

from __future__ import annotations

from ansible.module_utils.zhenghe_haproxy_agent import EntryAgent
from ansible.module_utils.zhenghe_haproxy_tcp import Entries


class Agent(EntryAgent):
    """One TCP entry of this host's HAProxy."""

    def entry_of(self, name: str) -> Entries:
        """Return the entry of a name."""
        return Entries(name)
