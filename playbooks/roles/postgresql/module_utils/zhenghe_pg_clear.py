"""Who speaks to a database in the clear, and whether the entry before it turns such clients away.

A client that came without TLS must come through an entry as well, or the move is an outage. So an entry demands TLS
where a person says so, or where clients were seen and all of them spoke it; otherwise who did not is told by name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible.module_utils.zhenghe_pg_place import rows

# Sessions over a network, of whoever may come by an entry; those of the entry itself are not the clients'.
_SESSIONS = """
SELECT DISTINCT usename::text, host(client_addr), s.ssl FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid)
JOIN pg_roles r ON r.oid = a.usesysid WHERE datname = current_database() AND backend_type = 'client backend'
AND client_addr IS NOT NULL AND NOT client_addr <<= inet '127.0.0.0/8' AND client_addr <> inet '::1'
AND host(client_addr) <> %s AND NOT rolsuper AND rolname !~ '^zhenghe_' ORDER BY 1, 2
"""
_MOST = 100


class Seen(NamedTuple):
    """Clients of all looks so far, as ROLE@ADDRESS; who ever came in the clear counts as one that does."""

    by_tls: list[str]
    clear: list[str]

    def demanded(self, declared: str) -> str:
        """Return required or allowed: what a person declared, or what was seen of all clients."""
        return declared or ("required" if self.by_tls and not self.clear else "allowed")


def look(connection: Any, entry: str, before: Any = None) -> Seen:
    """Return who has been seen, with those of earlier looks; `entry` is its address, empty where it has none."""
    earlier = before or [[], []]
    found = [(f"{role}@{address}", ssl) for role, address, ssl in rows(connection, _SESSIONS, (entry,))]
    clear = sorted({*earlier[1], *(who for who, ssl in found if not ssl)})[:_MOST]
    return Seen(sorted({*earlier[0], *(who for who, ssl in found if ssl)} - set(clear))[:_MOST], clear)
