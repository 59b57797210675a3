"""Completes the state that a killed run of the engine left: what was being created is looked for in the cloud.

The engine writes an operation into its state before it starts it. After a kill a create is there without an id, and
may or may not have happened.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inventory.base import Model

Identities = Callable[[str, Mapping[str, Any]], tuple[str, ...]]
"""Answers type and inputs with the ids of the resources that carry their unique name."""


class Doubled(Model):
    """A pending create whose unique name is carried by several resources."""

    urn: str
    identities: tuple[str, ...]


def mended(deployment: Mapping[str, Any], identities: Identities) -> tuple[dict[str, Any], tuple[Doubled, ...]]:
    """Return the deployment without pending operations, completed by what their creates have made, and what is doubled.

    A resource that was updated or deleted keeps its entry: the next refresh reads what became of it.
    """
    resources = list(deployment.get("resources") or ())
    doubled: list[Doubled] = []
    for operation in deployment.get("pending_operations") or ():
        resource = operation["resource"]
        if operation["type"] != "creating" or not resource.get("custom"):
            continue
        # A program's own kinds of resource can be found; the provider's entry is made anew without harm.
        if str(resource["type"]).startswith("pulumi:"):
            continue
        found = identities(resource["type"], resource.get("inputs", {}))
        if len(found) > 1:
            doubled.append(Doubled(urn=resource["urn"], identities=found))
        elif found and not _known(resources, resource["urn"], found[0]):
            resources.append({**resource, "id": found[0], "outputs": resource.get("inputs", {})})
    return {**deployment, "resources": resources, "pending_operations": []}, tuple(doubled)


def with_doubts(deployment: Mapping[str, Any], doubts: Path) -> dict[str, Any]:
    """Return the deployment with the failed creates of a file, where there is one, among its pending ones.

    The engine forgets a create that failed. But where its plugin was killed, or an answer was lost, the cloud may have
    done it all the same.
    """
    doubtful = json.loads(doubts.read_text()) if doubts.exists() else []
    pending = [{"resource": resource, "type": "creating"} for resource in doubtful]
    return {**deployment, "pending_operations": [*(deployment.get("pending_operations") or ()), *pending]}


def _known(resources: list[dict[str, Any]], urn: str, identity: str) -> bool:
    return any(resource["urn"] == urn and resource.get("id") == identity for resource in resources)
