"""Whoever may come beside an entry until his service ends in the switch: that he is gone is seen before the freeze."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from playbooks.agents.kit import Refused, wait

LEAVING = 1.0
"""Seconds in which a server sees that a client has ended."""


def see_ended(end: str, entry: Mapping[str, Any], beside: Callable[[], Sequence[str]]) -> None:
    """See that with the services that end in the switch all who came beside the entry are gone; Refused otherwise.

    `beside` returns who is connected so, now that none of them is expected any more.
    """
    if end != "source" or not entry.get("ending"):
        return
    left: list[str] = []

    def none() -> bool:
        left[:] = beside()
        return not left

    if not wait(none, LEAVING, 0.01):
        raise Refused(
            f"connected beside the entry, though the services there have ended: {', '.join(left)}",
            "have them connect anew, by the entry's name, or end them before the switch",
        )
