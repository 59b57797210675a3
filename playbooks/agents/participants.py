"""The participants of a step, computed from the step's arguments alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playbooks.agents.coordinator import Participant

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: float | str) -> float:
    """Return a duration in seconds, written as a number or as a number with a unit."""
    if isinstance(value, (int, float)):
        return float(value)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value)
    if match is None:
        raise ValueError(f"{value!r} is no duration")
    return float(match[1]) * _UNITS[match[2]]


def turned_round(component: Mapping[str, Any]) -> dict[str, Any]:
    """Return the component as a return sees it: its sources are the targets and the other way round."""
    return {
        **component,
        "sources": component["targets"],
        "source_addresses": component["target_addresses"],
        "targets": component["sources"],
        "target_addresses": component["source_addresses"],
    }


def participants(step: Mapping[str, Any], direction: str) -> tuple[Participant, ...]:
    """Return everybody who takes part in a switch (forward) or return (back), entries in their components' order."""
    components = {one["name"]: one if direction == "forward" else turned_round(one) for one in step["components"]}
    entries = {one["component"]: one for one in step["entries"]}
    common = {
        "system": step["system"],
        "direction": direction,
        "names": step.get("names") or {},
        "limits": {name: seconds(value) for name, value in step["limits"].items()},
    }
    cast: list[Participant] = []
    for name, component in components.items():
        entry = entries.get(name)
        both = {**common, "component": component, "entry": entry}
        if entry is not None:
            cast.append(Participant("entry", entry["kind"], {**both, "side": "entry", "host": entry["host"]}))
        for side in ("source", "target"):
            cast.extend(
                Participant(side, component["kind"], {**both, "side": side, "host": host})
                for host in component[f"{side}s"]
            )
    return tuple(cast)
