"""Who owns what in a file store, weeks before its move: looked at, never changed."""

from __future__ import annotations

from typing import Any

from ansible.module_utils import zhenghe_agreed

from playbooks.agents.kit import Refused


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Return the accounts that go along with the folder, and what preparation would refuse of them."""
    component = given["component"]
    try:
        accounts, whole = zhenghe_agreed.going_along(component["settings"]["root"])
    except Refused as exc:
        return {"refusals": [f"{exc.reason}; {exc.mend}"]}
    facts = {"unread": zhenghe_agreed.unread(component, None, accounts, whole=whole)}
    return {"facts": facts, "refusals": zhenghe_agreed.other_accounts(component, accounts)}
