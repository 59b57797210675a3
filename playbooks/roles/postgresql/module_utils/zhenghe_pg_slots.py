"""A slot that nobody reads must not fill its host's disk: a limit to what slots hold back, and how far they are.

The limit (max_slot_wal_keep_size, since PostgreSQL 13) is the cluster's: it is set only where the cluster has none of
its own and nobody else has a slot, which it would cut off too. Each database that needs it says so in a setting of its
own (zhenghe.slot_limit), and the last one takes it away. An older cluster has none: what a slot holds back is told.
"""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.zhenghe_pg_place import Place, rows, value
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

SHARE = 0.5
"""Of the bytes that are free when the limit is set."""
LEAST = 256
"""MiB: with less a copy would be cut off by what is written in a minute."""
_NOW = "SELECT setting FROM pg_settings WHERE name = 'max_slot_wal_keep_size'"
_FOREIGN = "SELECT 1 FROM pg_replication_slots WHERE slot_name !~ '^(zhenghe|pg)_'"
_MARKS = """
SELECT d.datname, substr(setting, strpos(setting, '=') + 1)
FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) AS setting
WHERE setrole = 0 AND setting LIKE 'zhenghe.slot_limit=%'
"""
_WAL = "pg_current_wal_lsn() - restart_lsn"
_STATE = f"SELECT wal_status, {_WAL} FROM pg_replication_slots WHERE slot_name = %s"  # noqa: S608
_STATE_12 = f"SELECT '', {_WAL} FROM pg_replication_slots WHERE slot_name = %s"  # noqa: S608


def limit(place: Place) -> None:
    """See that slots of this end's cluster hold back no more than half of what is free on its disk."""
    here = place.connect()
    now = value(here, _NOW) if here.server_version >= 130000 else ""
    marks = dict(rows(here, _MARKS))
    if now == "" or place.database in marks or (now != "-1" and now not in marks.values()):
        return
    if now == "-1" and rows(here, _FOREIGN):
        return
    wanted = now
    if now == "-1":
        disk = os.statvfs(os.path.join(str(value(here, "SHOW data_directory")), "pg_wal"))
        wanted = str(max(LEAST, int(disk.f_bavail * disk.f_frsize * SHARE) >> 20))
    mark = sql.SQL("ALTER DATABASE {} SET zhenghe.slot_limit = {}")
    # The mark first: whoever is killed in between has marked a limit that the next one sets, or nobody has to undo.
    rows(here, mark.format(sql.Identifier(place.database), sql.Literal(wanted)))
    if now == "-1":
        rows(here, sql.SQL("ALTER SYSTEM SET max_slot_wal_keep_size = {}").format(sql.Literal(f"{wanted}MB")))
        rows(here, "SELECT pg_reload_conf()")


def unlimit(place: Place) -> None:
    """Need the limit no more at this end; it goes with the last one who needs it, unless somebody has changed it."""
    here = place.connect()
    marks = dict(rows(here, _MARKS))
    mine = marks.pop(place.database, None)
    if mine is None:
        return
    if not marks and value(here, _NOW) == mine:
        rows(here, "ALTER SYSTEM RESET max_slot_wal_keep_size")
        rows(here, "SELECT pg_reload_conf()")
    rows(here, sql.SQL("ALTER DATABASE {} RESET zhenghe.slot_limit").format(sql.Identifier(place.database)))


def held(place: Place) -> dict[str, Any]:
    """Return what the other end's slot holds back for this one, in bytes, and whether it was cut off at its limit."""
    try:
        there = place.connect_peer()
    except Error:
        # Who asks tells that the other end does not answer.
        return {}
    try:
        found = rows(there, _STATE if there.server_version >= 130000 else _STATE_12, (place.base,))
    finally:
        there.close()
    if not found:
        return {}
    status, held_back = found[0]
    cut_off = status == "lost" or (status == "unreserved" and held_back is None)
    return {"held_back": None if held_back is None else int(held_back), "cut_off": cut_off}
