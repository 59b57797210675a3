"""Waits until the cloud has built what it accepted."""

import time
from typing import Any

from infra.provider.endpoint import Endpoint, EndpointError, Refused
from inventory.words import _

NOT_FOUND = 404
_POLL_SECONDS = 0.05
_BUILD_SECONDS = 300.0


class BuildFailed(EndpointError):
    """The cloud accepted a resource and could not build it."""


def built(cloud: Endpoint, kind: str, record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the resource once it is no longer being built, or None where it went away meanwhile."""
    limit = time.monotonic() + _BUILD_SECONDS
    while record["status"] == "BUILD":
        if time.monotonic() > limit:
            raise BuildFailed(_("{kind} {name}: still not built").format(kind=kind, name=record["name"]))
        time.sleep(_POLL_SECONDS)
        try:
            record = cloud.call(f"{kind}.get", id=record["id"])
        except Refused as error:
            if error.code == NOT_FOUND:
                return None
            raise
    return record
