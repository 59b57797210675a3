"""The verbs of an HTTP entry."""

from __future__ import annotations

import contextlib
import http.client
from typing import Any

from ansible.module_utils.zhenghe_haproxy import Entries

from playbooks.agents.kit import Refused, alone, answer, wait

REACHED_SECONDS = 20.0
"""A busy host needs a while until what it was told is in force."""
MISDIRECTED = 421
"""What an entry answers for a name that it has not read yet."""


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Set the entry up in front of its component's source, or take it away."""
    with alone(given):
        return _front(given, given["component"], given["entry"])


def _front(given: dict[str, Any], component: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    entries = Entries(f"{given['system']}-{component['name']}")
    if given["mode"] == "undo":
        entries.give_up()
        return answer(done=False, changed=True)
    changed = given["mode"] == "apply" and entries.set_up(entry, component)
    path = component["settings"].get("path", "/")
    asked = Asked(entry, path)
    reached = entries.known() and wait(asked.reached, REACHED_SECONDS, 0.2)
    if given["mode"] == "apply" and not reached:
        raise Refused(f"nothing comes through the entry {entry['name']}: {asked.heard}",
                      "see that the application answers where it is, then run the step again")  # fmt: skip
    return answer(reached, changed=changed, status=asked.status)


class Asked:
    """Requests through an entry, and what came of the last one."""

    def __init__(self, entry: dict[str, Any], path: str) -> None:
        self.status = 0
        self.heard = "HAProxy does not run"
        self._entry = entry
        self._path = path

    def reached(self) -> bool:
        """Ask once and say whether the application answered."""
        try:
            line = http.client.HTTPConnection(self._entry["address"], self._entry["port"], timeout=10)
            with contextlib.closing(line):
                line.request("GET", self._path, headers={"Host": self._entry["name"]})
                self.status = line.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            self.status, self.heard = 0, f"{type(error).__name__}: {error}"
            return False
        self.heard = f"HTTP {self.status}"
        return self.status < 500 and self.status != MISDIRECTED
