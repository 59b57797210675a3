"""Who is connected to a server beside its entry: after a switch he would be left at the old end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.zhenghe_my_place import Place, rows, text

from playbooks.agents.kit import run

_LOCAL = frozenset({"127.0.0.1", "::1"})
# Whoever comes by the socket of the host has no port behind its name. Who is no client does not count.
_BY_SOCKET = (
    "SELECT DISTINCT CONCAT(user, '@localhost') FROM information_schema.processlist WHERE host = 'localhost' "
    "AND id <> CONNECTION_ID() AND user NOT IN ('root', 'mysql', 'mariadb.sys', 'event_scheduler', 'system user', %s)"
)


def beside(place: Place, connection: Any, entry: Mapping[str, Any], *, all_ended: bool = False) -> list[str]:
    """Return who is connected beside an entry: addresses, and accounts by the host's own socket.

    Services that end by themselves in the switch are no such clients, until they are said to have ended. Addresses are
    asked of the kernel: the server is told by the entry where its clients come from, and believes it.
    """
    ending = set() if all_ended or place.end == "target" else set(entry.get("ending", ()))
    here = place.address in ending
    expected = {entry["address"], place.peer_address, *ending, *(_LOCAL if here else ())}
    said = run("ss", "-Htn", "state", "established", f"sport = :{place.port}")
    peers = {line.split()[-1].rpartition(":")[0].strip("[]") for line in said.splitlines() if line.split()}
    addresses = sorted({one.removeprefix("::ffff:") for one in peers} - expected)
    accounts = [] if here else [text(who) for (who,) in rows(connection, _BY_SOCKET, (place.base,))]
    return [*addresses, *sorted(accounts)]
