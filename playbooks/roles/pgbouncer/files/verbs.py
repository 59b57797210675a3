"""The verbs of a PgBouncer entry; the action is in the role's module_utils."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_bouncer import Entry
from psycopg2 import Error  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused


def account(entry: Entry) -> dict[str, Any]:
    """Return the entry's own account at the ends, made where it is not."""
    with entry.alone():
        return {"account": {"name": entry.account, "verifier": entry.verifier()}}


def front(entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
    """Stand before the source, see whether it is so, or go away."""
    mode, ends, component = given["mode"], given.get("ends") or [], given["component"]
    admission = ends[0]["admission"] if ends else {}
    with entry.alone():
        if mode == "undo":
            entry.remove()
        elif mode == "apply":
            addresses = [component[f"{end}_addresses"][0] for end in ("source", "target")]
            known = dict(zip(addresses, ends))
            port = int(component["settings"].get("port", 5432))
            entry.front(addresses[0], port, known, admission)
            entry.check()
    stands = entry.sends_to() is not None and entry.running()
    sends_to = entry.sends_to()
    facts: dict[str, Any] = {}
    if sends_to:
        facts = {"sends_to": f"{sends_to[0]}:{sends_to[1]}", "pooling": entry.pooling(), **entry.kept_trust()}
        facts |= {what: admission[what] for what in ("why", "clients", "tls", "clear") if what in admission}
    return {"answer": {"state": "done" if stands else "not-done", "facts": facts}}


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Do one verb on the entry's host: `account`, or `front`."""
    entry = Entry(given["system"], given["component"], given["entry"])
    try:
        result = account(entry) if given["verb"] == "account" else front(entry, given)
    except Error as exc:
        raise Refused(f"PgBouncer: {str(exc).strip()}", f"see journalctl -u {entry.unit}") from exc
    return {"changed": given["mode"] != "probe", **result}
