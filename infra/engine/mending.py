"""Completes the state that a killed run of the engine left: what was being created is looked for in the cloud.

The engine writes an operation into its state before it starts it. After a kill a create is there without an id, and
may or may not have happened. All functions here are pure but for the question they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def _known(resources: list[dict[str, Any]], urn: str, identity: str) -> bool:
    return any(resource["urn"] == urn and resource.get("id") == identity for resource in resources)
