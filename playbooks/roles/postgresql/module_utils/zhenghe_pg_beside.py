"""Who is connected to a database beside its entry: after a switch he would be left at the old end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.zhenghe_pg_place import Place, rows

_NEAR = ["local", "127.0.0.1", "::1"]
_SESSIONS = """
SELECT DISTINCT usename || '@' || coalesce(host(client_addr), 'local') || ' ' || application_name
FROM pg_stat_activity JOIN pg_roles ON usename = rolname
WHERE datname = %s AND backend_type = 'client backend' AND NOT rolsuper AND rolname !~ '^zhenghe_'
  AND coalesce(host(client_addr), 'local') <> ALL(%s) ORDER BY 1
"""


def beside(place: Place, connection: Any, entry: Mapping[str, Any], *, all_ended: bool = False) -> list[str]:
    """Return who is connected beside an entry, as ROLE@ADDRESS PROGRAM.

    Services that end by themselves in the switch (`ending`, from the plan) know the old address alone: they are no such
    clients, until they are said to have ended.
    """
    ending = set() if all_ended or place.end == "target" else set(entry.get("ending", ()))
    expected = [entry["address"], *ending, *(_NEAR if place.address in ending else ())]
    return [name for (name,) in rows(connection, _SESSIONS, (place.database, expected))]
