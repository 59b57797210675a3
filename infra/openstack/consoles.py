"""Reads the host keys of new servers from their consoles, which the cloud hands out to who may see them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from infra.host_keys import HostKeys, keys_on_console
from inventory.words import _

_BOOT_SECONDS = 300.0
_POLL_SECONDS = 2.0


def read_consoles(cloud: Any, servers: Mapping[str, str], patience: float = _BOOT_SECONDS) -> tuple[HostKeys, ...]:
    """Return the keys of each server (name to id); those without any say why after so many seconds."""
    limit, found = time.monotonic() + patience, dict[str, HostKeys]()
    while left := {name: server for name, server in servers.items() if name not in found}:
        for name, server in left.items():
            if keys := keys_on_console(_console(cloud, server)):
                found[name] = HostKeys(name=name, server=server, keys=keys)
        if time.monotonic() > limit:
            break
        if len(found) < len(servers):
            time.sleep(_POLL_SECONDS)
    why = _("its console does not show the keys that cloud-init prints at the first boot")
    return tuple(found.get(name) or HostKeys(name=name, server=server, why=why) for name, server in servers.items())


def _console(cloud: Any, server: str) -> str:
    answer = cloud.compute.get_server_console_output(server)
    return str((answer or {}).get("output") or "")
