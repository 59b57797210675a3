"""Stands a PgBouncer before a database, on the entry's host; the action is in the module's utilities.

Answers with `answer: {state, facts}`; what cannot be done fails with `msg` (why) and `mend` (what to do next).
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.zhenghe_bouncer import Entry, Refused
from psycopg2 import Error  # type: ignore[import-untyped, import-not-found, unused-ignore]

DOCUMENTATION = """
module: zhenghe_pgbouncer
short_description: Stands a PgBouncer before a database
options:
  verb: {description: account (make it and return what the ends store of it) or front., required: true, type: str}
  mode: {description: probe, apply or undo., required: true, type: str}
  system: {description: The system's name., required: true, type: str}
  component: {description: The component as the step carries it., required: true, type: dict}
  entry: {description: The entry as the step carries it., required: true, type: dict}
author: [zhenghe]
"""
EXAMPLES = (
    "- zhenghe_pgbouncer: {verb: front, mode: probe, system: tax, component: '{{ component }}', entry: '{{ entry }}'}"
)
RETURN = "answer: {description: state and facts, type: dict}"


def account(entry: Entry) -> dict[str, Any]:
    """Return the entry's own account at the ends, made where it is not."""
    with entry.alone():
        return {"account": {"name": entry.account, "verifier": entry.verifier()}}


def front(entry: Entry, component: dict[str, Any], mode: str) -> dict[str, Any]:
    """Stand before the source, see whether it is so, or go away."""
    with entry.alone():
        if mode == "undo":
            entry.remove()
        elif mode == "apply":
            entry.front(component["source_addresses"][0], int(component["settings"].get("port", 5432)))
            entry.check()
    stands = entry.sends_to() is not None and entry.running()
    sends_to = entry.sends_to()
    facts = {"sends_to": f"{sends_to[0]}:{sends_to[1]}"} if sends_to else {}
    return {"answer": {"state": "done" if stands else "not-done", "facts": facts}}


def main() -> None:
    """Carry out the verb and answer."""
    module = AnsibleModule(
        argument_spec={
            "verb": {"required": True, "choices": ["account", "front"]},
            "mode": {"required": True, "choices": ["probe", "apply", "undo"]},
            "system": {"required": True},
            "component": {"required": True, "type": "dict"},
            "entry": {"required": True, "type": "dict"},
        }
    )
    given = module.params
    entry = Entry(given["system"], given["component"], given["entry"])
    try:
        verb = given["verb"]
        result = account(entry) if verb == "account" else front(entry, given["component"], given["mode"])
    except Refused as refused:
        module.fail_json(msg=refused.reason, mend=refused.mend)
    except Error as exc:
        module.fail_json(msg=f"PgBouncer: {str(exc).strip()}", mend=f"see journalctl -u {entry.unit}")
    else:
        module.exit_json(changed=given["mode"] != "probe", **result)


if __name__ == "__main__":
    main()
