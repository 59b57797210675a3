"""What a web application is like, weeks before its move: looked at, never changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_agreed, zhenghe_bounds
from ansible.module_utils.zhenghe_site import Site

from playbooks.agents.kit import Refused


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Return the files and accounts that go along with the folder, and what preparation would refuse."""
    site = Site(given["component"], given["entry"])
    try:
        needs = site.needs()
        digests = {path: _digest(path) for path in needs}
        accounts, whole = zhenghe_agreed.going_along(given["component"]["settings"]["root"], site.users())
        undeclared = [path for path in needs if not zhenghe_bounds.declared(given["component"], path)]
    except OSError as exc:
        return {"facts": {"needs": [], "running": False}, "refusals": [f"{exc.filename}: {exc.strerror}"]}
    except Refused as exc:
        return {"facts": {"needs": [], "running": False}, "refusals": ["; ".join(filter(None, (exc.reason, exc.mend)))]}
    facts = {
        "needs": [f"{path} (sha256 {digests[path]})" for path in needs],
        "unread": zhenghe_agreed.unread(given["component"], digests, accounts, whole=whole),
        "accounts": [f"{one['name']} ({one['number']})" for one in accounts["users"]],
        "groups": [f"{one['name']} ({one['number']})" for one in accounts["groups"]],
        "running": site.running(),
    }
    refusals = [f"{path} is not declared by the component: keep it inside the folder" for path in undeclared]
    refusals += zhenghe_agreed.other_files(given["component"], digests)
    refusals += zhenghe_agreed.other_accounts(given["component"], accounts)
    return {"facts": facts, "refusals": refusals}


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.sha256(file.read(zhenghe_bounds.LARGEST + 1)).hexdigest()
