"""What an application service is like, weeks before its move: looked at, never changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_agreed
from ansible.module_utils.zhenghe_look import looked_at
from ansible.module_utils.zhenghe_service import Service
from ansible.module_utils.zhenghe_shown import shown

from playbooks.agents.kit import Refused


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Return the files that go along with their digests, what is told of them, and what preparation would refuse."""
    component = given["component"]
    service = Service(f"{given['system']}-{component['name']}", component)
    try:
        needs = service.needs()
        refused, reported = looked_at(service, component)
        files = [shown(path, Path(path).read_bytes()) for path in needs]
        facts = {"needs": needs, "running": service.active(), "files": files, "reported": reported}
        digests = {file["path"]: file["sha256"] for file in files}
        accounts, whole = zhenghe_agreed.going_along(service.root, service.users())
        facts["unread"] = zhenghe_agreed.unread(component, digests, accounts, whole=whole)
        refused += zhenghe_agreed.other_files(component, digests) + zhenghe_agreed.other_accounts(component, accounts)
        return {"facts": facts, "refusals": refused}
    except Refused as exc:
        empty = {"needs": [], "running": False, "files": [], "reported": []}
        return {"facts": empty, "refusals": ["; ".join(filter(None, (exc.reason, exc.mend)))]}
