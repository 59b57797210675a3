"""The flow between the two ends: subscriptions, slots, fences; used by the steps and by the agents of a switch.

At any time one end serves and the other follows it by a subscription. A switch turns both round, so forward and return
are one function. PostgreSQL 15 cannot tell what came from the other end from what clients wrote (origin = none is
PostgreSQL 16's), so at no time may both directions flow: the old direction ends before the new one begins, and the new
one begins at the position at which the new end was promoted, kept with the database as zhenghe.since.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import Any

from ansible.module_utils import zhenghe_pg_slots as slots
from ansible.module_utils.zhenghe_pg_asleep import put_to_sleep, waking
from ansible.module_utils.zhenghe_pg_log import position, why_not, worker_errors
from ansible.module_utils.zhenghe_pg_place import (
    Place,
    database_settings,
    fence,
    in_one,
    lift,
    rows,
    side_of,
    value,
)
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused, wait

CLOSE = 1 << 20
"""Bytes that a copy may be behind and still be called close."""

FIRST_OBJECTS = 600.0
"""Seconds in which large objects are brought at a gate."""
SOON = 20.0
"""Seconds in which a change has to show at the other end, while both are looked at."""

_WORKERS = """
SELECT count(*) FROM pg_stat_subscription WHERE subname = %s AND pid IS NOT NULL
"""


def connection_limit(connection: Any, database: str) -> int:
    """Return how many clients the database admits when it is not fenced; -1: no limit of its own."""
    kept = database_settings(connection, database).get("zhenghe.connection_limit")
    now = int(value(connection, "SELECT datconnlimit FROM pg_database WHERE datname = %s", (database,)))
    return now if kept is None or side_of(connection, database) == "serving" else int(kept)


def raise_fence(connection: Any, database: str, side: str) -> None:
    """Keep clients out from now on."""
    in_one(connection, fence(database, side, connection_limit(connection, database)))


def lift_fence(connection: Any, database: str) -> None:
    """Let clients in again."""
    in_one(connection, lift(database, connection_limit(connection, database)))


def leave_mark(connection: Any, reader: str) -> str:
    """Write a mark where clients write; who reads it at the other end has everything that was committed before.

    Positions in the log do not say that as well: a follower's report of them may be half a minute old when nothing is
    written, and newer servers do not send transactions that are empty for it.
    """
    mark = secrets.token_hex(8)
    statement = "INSERT INTO zhenghe.marks VALUES (%s, %s) ON CONFLICT (reader) DO UPDATE SET mark = EXCLUDED.mark"
    rows(connection, statement, (reader, mark))
    return mark


def has_mark(connection: Any, reader: str, mark: str) -> bool:
    """Say whether the mark has come to this end."""
    return bool(rows(connection, "SELECT 1 FROM zhenghe.marks WHERE reader = %s AND mark = %s", (reader, mark)))


def keeps_up(place: Place, connection: Any, peer: Any, reader: str, seconds: float) -> bool:
    """Say whether this end follows the other one: a mark that is left there comes here in time.

    What a worker ends with ends the wait, too: it would only fail in the same way again.
    """
    since, began = position(connection), time.monotonic()
    mark = leave_mark(peer, reader)
    looked = began
    while not has_mark(connection, reader, mark):
        now = time.monotonic()
        if now - began > seconds:
            return False
        if now - looked > 0.5:
            looked = now
            if worker_errors(connection, place.base, since):
                return False
        time.sleep(0.02)
    return True


def way_back(place: Place, connection: Any) -> str:
    """Say whether this end, which waits, follows the one that serves: open, broken and why, or not known and why."""
    try:
        with contextlib.closing(place.connect_peer()) as peer:
            if keeps_up(place, connection, peer, "watch", 8):
                return "open"
    except Error as exc:
        return f"not known: {str(exc).strip().splitlines()[0]}"
    return f"broken{why_not(connection, place.base)}"


def peer_side(place: Place) -> str:
    """Ask the other end which side it is; serving, frozen, waiting or absent."""
    peer = place.connect_peer("postgres")
    try:
        return side_of(peer, place.database)
    finally:
        peer.close()


def subscription(connection: Any, base: str) -> dict[str, Any] | None:
    """Return what is known of the subscription at this end: is it enabled, how far is it, which tables are left."""
    found = rows(
        connection,
        "SELECT s.oid, s.subenabled, greatest(o.received_lsn, o.latest_end_lsn)::text "
        "FROM pg_subscription s LEFT JOIN pg_stat_subscription o ON o.subid = s.oid AND o.relid IS NULL "
        "WHERE s.subname = %s",
        (base,),
    )
    if not found:
        return None
    oid, enabled, position = found[0]
    states = (
        "SELECT srrelid::regclass::text FROM pg_subscription_rel WHERE srsubid = %s AND srsubstate <> 'r' ORDER BY 1"
    )
    left = [row[0] for row in rows(connection, states, (oid,))]
    return {"oid": oid, "enabled": enabled, "position": position, "left": left}


def stop_following(connection: Any, base: str, seconds: float = 5) -> None:
    """Disable the subscription and end its workers; what they have not applied stays with the other end's slot."""
    if subscription(connection, base) is None:
        return
    rows(connection, sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(sql.Identifier(base)))
    # An idle worker would notice only at the end of its second of sleep.
    rows(connection, "SELECT pg_terminate_backend(pid) FROM pg_stat_subscription WHERE subname = %s", (base,))
    if not wait(lambda: not value(connection, _WORKERS, (base,)), seconds, 0.002):
        raise Refused("the worker that applies changes does not end", "look into the target's log")


def drop_subscription(connection: Any, base: str) -> None:
    """Remove the subscription without a word to the other end, which may be fenced, or gone; its slot stays there."""
    if subscription(connection, base) is None:
        return
    stop_following(connection, base)
    name = sql.Identifier(base)
    rows(connection, sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(name))
    rows(connection, sql.SQL("DROP SUBSCRIPTION {}").format(name))


def drop_slots(place: Place, *, copies: bool = False) -> None:
    """Remove the slot that the other end reads here, and those of its copying tables, so that no disk fills up."""
    connection = place.connect()
    pattern = "slot_name = %s" + (" OR slot_name ~ '^pg_[0-9]+_sync_'" if copies else "")
    question = f"SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = %s AND ({pattern})"  # noqa: S608
    deadline = time.monotonic() + 10
    while True:
        found = rows(connection, question, (place.database, place.base))
        for name, reader in found:
            if reader is not None:
                rows(connection, "SELECT pg_terminate_backend(%s)", (reader,))
                continue
            try:
                rows(connection, "SELECT pg_drop_replication_slot(%s)", (name,))
            except Error:
                continue
        if not found:
            return
        if time.monotonic() > deadline:
            raise Refused(f"slot {found[0][0]} is being read all the time", "stop its reader on the target and repeat")
        time.sleep(0.05)


def make_slot(place: Place, connection: Any) -> None:
    """Make the slot by which the other end will follow this one, anew: an old one would hold back the disk's space."""
    drop_slots(place)
    slots.limit(place)
    rows(connection, "SET statement_timeout = '20s'")
    try:
        rows(connection, "SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (place.base,))
    except Error as exc:
        raise Refused(f"no slot for the way back: {exc}", "end the long transactions of this cluster first") from exc
    finally:
        rows(connection, "SET statement_timeout = 0")


def subscribe(place: Place, connection: Any, *, copy: bool) -> None:
    """Make the subscription; with copy it makes its slot and starts, without it waits for its position."""
    options = "" if copy else " WITH (copy_data = false, create_slot = false, enabled = false, slot_name = {name})"
    statement = sql.SQL("CREATE SUBSCRIPTION {name} CONNECTION {there} PUBLICATION {name}" + options)
    rows(connection, statement.format(name=sql.Identifier(place.base), there=sql.Literal(place.conninfo)))


def _promoted_at(place: Place) -> str | None:
    """Ask the other end at which position it was promoted, None where it never was."""
    peer = place.connect_peer("postgres")
    try:
        return database_settings(peer, place.database).get("zhenghe.since")
    finally:
        peer.close()


def ought_to_follow(place: Place, connection: Any) -> bool:
    """Say whether this end, which waits, should follow a promoted one and does not."""
    known = subscription(connection, place.base)
    if known is not None and known["enabled"]:
        return False
    try:
        return _promoted_at(place) is not None
    except Error:
        # The other end is gone: nothing can be done about the way back here.
        return False


def follow(place: Place) -> None:
    """Make this end, which waits, follow the other one from the position at which that one was promoted."""
    connection = place.connect(place.database)
    since = _promoted_at(place)
    known = subscription(connection, place.base)
    if known is None and since is None:
        return
    if known is not None and known["enabled"]:
        return
    put_to_sleep(connection, place.database)
    if known is None:
        drop_slots(place)
        subscribe(place, connection, copy=False)
        known = subscription(connection, place.base)
    assert known is not None
    origin = f"pg_{known['oid']}"
    if since is not None:
        rows(
            connection,
            "SELECT pg_replication_origin_advance(%(origin)s, %(since)s::pg_lsn) "
            "WHERE coalesce(pg_replication_origin_progress(%(origin)s, true) < %(since)s::pg_lsn, true)",
            {"origin": origin, "since": since},
        )
    rows(connection, sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(sql.Identifier(place.base)))


def kept_for_this_end(place: Place, connection: Any, peer: Any) -> bool:
    """Say whether the other end keeps every change since it was promoted, so that following it needs no copy.

    Only where both ends have the last mark of a switch were they equal when clients left one for the other.
    """
    last_mark = "SELECT mark FROM zhenghe.marks WHERE reader = 'switch'"
    slot = "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND database = %s"
    if "zhenghe.since" not in database_settings(peer, place.database):
        return False
    mark = rows(connection, last_mark)
    return bool(mark) and mark == rows(peer, last_mark) and bool(rows(peer, slot, (place.base, place.database)))


def promote(place: Place, connection: Any) -> str:
    """Let clients in here and note from which position on the other end has to follow; return that position."""
    stop_following(connection, place.base, 2)
    since = str(value(connection, "SELECT pg_current_wal_insert_lsn()"))
    name = sql.Identifier(place.database)
    note = sql.SQL("ALTER DATABASE {} SET zhenghe.since = {}").format(name, sql.Literal(since))
    awake = waking(connection, place.database)
    in_one(connection, [note, *awake, *lift(place.database, connection_limit(connection, place.database))])
    return since


def demote(place: Place, connection: Any) -> None:
    """Take a promotion back that no client has seen: wait again and go on following."""
    raise_fence(connection, place.database, "waiting")
    rows(connection, sql.SQL("ALTER DATABASE {} RESET zhenghe.since").format(sql.Identifier(place.database)))
    put_to_sleep(connection, place.database)
    go_on_following(place, connection)


def go_on_following(place: Place, connection: Any) -> None:
    """Start a subscription again that was stopped, and not ended."""
    known = subscription(connection, place.base)
    if known is not None and not known["enabled"]:
        rows(connection, sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(sql.Identifier(place.base)))


def lag(place: Place, connection: Any) -> int | None:
    """Return how many bytes this end is behind the other one, None where that is not known yet."""
    known = subscription(connection, place.base)
    if known is None or known["position"] is None:
        return None
    peer = place.connect_peer()
    behind = value(peer, "SELECT pg_current_wal_lsn() - %s::pg_lsn", (known["position"],))
    peer.close()
    return max(0, int(behind))
