"""The verbs of an HTTP entry."""

from __future__ import annotations

import contextlib
import http.client
from typing import Any

from ansible.module_utils.zhenghe_haproxy import Entries
from ansible.module_utils.zhenghe_haproxy_service import fronted

MISDIRECTED = 421
"""What an entry answers for a name that it has not read yet."""


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Set the entry up in front of its component's source, or take it away."""
    entries = Entries(f"{given['system']}-{given['component']['name']}")
    path = given["component"]["settings"].get("path", "/")
    return fronted(given, entries, Asked(given["entry"], path))


class Asked:
    """Requests through an entry, and what came of the last one."""

    def __init__(self, entry: dict[str, Any], path: str) -> None:
        self.facts = {"status": 0}
        self.heard = "HAProxy does not run"
        self._entry = entry
        self._path = path

    def reached(self) -> bool:
        """Ask once and say whether the application answered."""
        try:
            line = http.client.HTTPConnection(self._entry["address"], self._entry["port"], timeout=10)
            with contextlib.closing(line):
                line.request("GET", self._path, headers={"Host": self._entry["name"]})
                status = line.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            self.facts, self.heard = {"status": 0}, f"{type(error).__name__}: {error}"
            return False
        self.facts, self.heard = {"status": status}, f"HTTP {status}"
        return status < 500 and status != MISDIRECTED
