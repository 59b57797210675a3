"""The verbs of an HTTP entry."""

from __future__ import annotations

import http.client
from typing import Any

from ansible.module_utils.zhenghe_haproxy import Entries

from playbooks.agents.kit import alone, answer


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
    status = _status(entry, path) if entries.known() else 0
    return answer(0 < status < 500, changed=changed, status=status)


def _status(entry: dict[str, Any], path: str) -> int:
    """Return the status of a request through the entry, 0 where none comes."""
    try:
        line = http.client.HTTPConnection(entry["address"], entry["port"], timeout=10)
        line.request("GET", path, headers={"Host": entry["name"]})
        status = line.getresponse().status
        line.close()
    except (OSError, http.client.HTTPException):
        return 0
    return status
