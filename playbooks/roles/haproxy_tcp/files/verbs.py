"""The verbs of a TCP entry."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from ansible.module_utils.zhenghe_haproxy_tcp import Entries

from playbooks.agents.kit import alone, answer

SPEAKS_FIRST = frozenset({"mariadb"})
"""Kinds whose servers greet who connects: so it is seen that the entry reaches its server."""


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
    return answer(entries.known() and _reached(entry, component["kind"]), changed=changed)


def _reached(entry: dict[str, Any], kind: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((entry["address"], entry["port"]), 10) as line:
        return kind not in SPEAKS_FIRST or bool(line.recv(1))
    return False
