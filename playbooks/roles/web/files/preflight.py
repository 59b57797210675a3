"""What a web application is like, weeks before its move: looked at, never changed."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_site import Site

from playbooks.agents.kit import Refused


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Return the files that go along with the folder, and what preparation would refuse."""
    site = Site(given["component"], given["entry"])
    try:
        site.users()
        return {"facts": {"needs": site.needs(), "running": site.running()}, "refusals": []}
    except Refused as exc:
        return {"facts": {"needs": [], "running": False}, "refusals": ["; ".join(filter(None, (exc.reason, exc.mend)))]}
