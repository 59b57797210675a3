"""The verbs of a TCP entry."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from ansible.module_utils.zhenghe_haproxy_tcp import Entries

from playbooks.agents.kit import Refused, alone, answer, wait

SPEAKS_FIRST = frozenset({"mariadb"})
"""Kinds whose servers greet who connects: so it is seen that the entry reaches its server."""
REACHED_SECONDS = 20.0
"""A busy host needs a while until what it was told is in force."""


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
    reached = entries.known() and wait(lambda: _reached(entry, component["kind"]), REACHED_SECONDS, 0.2)
    if given["mode"] == "apply" and not reached:
        raise Refused(f"nothing comes through the entry {entry['name']}",
                      "see that the server answers where it is, then run the step again")  # fmt: skip
    return answer(reached, changed=changed)


def _reached(entry: dict[str, Any], kind: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((entry["address"], entry["port"]), 10) as line:
        return kind not in SPEAKS_FIRST or bool(line.recv(1))
    return False
