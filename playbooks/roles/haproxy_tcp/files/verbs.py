"""The verbs of a TCP entry."""

from __future__ import annotations

import socket
from typing import Any

from ansible.module_utils.zhenghe_haproxy_service import fronted
from ansible.module_utils.zhenghe_haproxy_tcp import Entries

SPEAKS_FIRST = frozenset({"mariadb"})
"""Kinds whose servers greet who connects: so it is seen that the entry reaches its server."""


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Set the entry up in front of its component's source, or take it away."""
    entries = Entries(f"{given['system']}-{given['component']['name']}")
    return fronted(given, entries, Asked(given["entry"], given["component"]["kind"]))


class Asked:
    """Connections through an entry, and what came of the last one."""

    def __init__(self, entry: dict[str, Any], kind: str) -> None:
        self.facts: dict[str, Any] = {}
        self.heard = "HAProxy does not run"
        self._entry = entry
        self._kind = kind

    def reached(self) -> bool:
        """Connect once and say whether the server was there."""
        try:
            with socket.create_connection((self._entry["address"], self._entry["port"]), 10) as line:
                greeted = self._kind not in SPEAKS_FIRST or bool(line.recv(1))
        except OSError as error:
            self.heard = f"{type(error).__name__}: {error}"
            return False
        self.heard = "" if greeted else "the connection is closed without a word"
        return greeted
