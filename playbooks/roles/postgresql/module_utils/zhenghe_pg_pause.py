"""How long the pause of a switch will be, measured at the gate: refused with the figure where the limit is shorter."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils import zhenghe_pg_large as large
from ansible.module_utils import zhenghe_pg_sequences as sequences
from ansible.module_utils import zhenghe_pg_stream as stream
from ansible.module_utils.zhenghe_pg_place import Place

from playbooks.agents.kit import wait

BESIDES = 0.3
"""Seconds of a pause that are not measured beforehand: the entry holds its clients, fences are raised and lifted."""


def pause_estimate(place: Place) -> dict[str, Any]:
    """Return what the pause of a switch will be made of, measured from the end that follows, in seconds.

    A mark is sent as in the pause, and all sequences are read there and set here: they come to their values of now.
    """
    here, there = place.connect(place.database), place.connect_peer()
    began = time.monotonic()
    mark = stream.leave_mark(there, "ready")
    arrived = wait(lambda: stream.has_mark(here, "ready", mark), stream.SOON, 0.02)
    marked = time.monotonic()
    values = sequences.read(there, sequences.uncalled(there))
    read = time.monotonic()
    sequences.write(here, values)
    set_at = time.monotonic()
    objects = len(large.listed(there))
    there.close()
    return {
        "sequences": len(values),
        "objects": objects,
        "listing": round(time.monotonic() - set_at, 3),
        "following": round(marked - began, 3) if arrived else None,
        "reading": round(read - marked, 3),
        "setting": round(set_at - read, 3),
        "pause": round(time.monotonic() - began + BESIDES, 3),
    }


def too_long(place: Place, downtime: float) -> tuple[str, ...]:
    """Say so where the pause of a switch would be longer than the system's limit, with the figures."""
    found = pause_estimate(place)
    if found["pause"] <= downtime:
        return ()
    following = "not yet" if found["following"] is None else f"{found['following']:.1f} s"
    made_of = (
        f"the last change followed after {following}, {found['sequences']} sequences take {found['reading']:.1f} s to "
        f"read and {found['setting']:.1f} s to set, {found['objects']} large objects {found['listing']:.1f} s to list"
    )
    taking = f"the pause would take about {found['pause']:.1f} s, beyond limits.downtime of {downtime:g} s"
    return (f"{taking}: {made_of}; move at a quieter hour, or raise limits.downtime",)
