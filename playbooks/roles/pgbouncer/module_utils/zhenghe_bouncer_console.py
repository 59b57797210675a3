"""PgBouncer's own console: its commands and tables, and the moments at which a pause or a reload disturbs nobody."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

HOPELESS = 5.0
"""Seconds after which a client waits for a server that does not answer: a login at a busy one may take seconds."""
CALM = 0.01
"""Seconds without a login after which none is expected: one for a client often follows one for its account."""


def name(text: str) -> str:
    """Return a name as PgBouncer wants it."""
    return '"' + text.replace('"', '""') + '"'


def command(connection: Any, text: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Run a command and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def shown(console: Any, what: str) -> list[dict[str, Any]]:
    """Return a table of PgBouncer's own, as in `SHOW POOLS`: rows by column name."""
    with console.cursor() as cursor:
        cursor.execute(f"SHOW {what}")
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row)) for row in cursor.fetchall()]


def _logs_in(pool: Mapping[str, Any]) -> bool:
    """Say whether a login is under way that is likely to succeed: the server answers others, or was not asked long."""
    connected = sum(int(pool[state]) for state in ("sv_active", "sv_idle", "sv_used", "sv_tested"))
    waited = int(pool["cl_waiting"]) and int(pool["maxwait"]) < HOPELESS
    return bool(int(pool["sv_login"]) and (connected or waited))


def await_calm(console: Any, seconds: float, database: str | None = None) -> None:
    """Wait until PgBouncer logs in to no server, for one database or for any; at most so many seconds.

    Other moments are bad for a pause or a reload. Both close such a connection, PgBouncer takes that for a server that
    refuses it, and until a later login has come through it turns away clients that find no other connection.
    """
    began = busy = time.monotonic()
    while (now := time.monotonic()) - began < seconds:
        if any(_logs_in(one) for one in shown(console, "POOLS") if database in (None, one["database"])):
            busy = now
        elif now - busy > CALM:
            return
        time.sleep(0.002)
