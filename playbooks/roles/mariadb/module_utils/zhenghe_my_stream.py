"""Following: one end applies what clients write at the other one, from a position that both have."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any

import pymysql  # type: ignore[import-untyped, import-not-found, unused-ignore]
from ansible.module_utils import zhenghe_my_tls as tls
from ansible.module_utils.zhenghe_my_place import Place, account, quoted, rows, side_of, text, value

from playbooks.agents.kit import Refused

NAME = "zhenghe"
"""Of the connection by which a server follows, so that one of others is never touched."""
POSITION = re.compile(r"(\d{1,10}-\d{1,10}-\d{1,20}(,\d{1,10}-\d{1,10}-\d{1,20}){0,60})?")
_SEEN = ("Slave_IO_Running", "Slave_SQL_Running", "Last_IO_Error", "Last_SQL_Error", "Seconds_Behind_Master")


def position_of(said: Any) -> str:
    """Return a position that the other end named; Refused where it is none."""
    found = text(said).strip()
    if POSITION.fullmatch(found) is None:
        raise Refused(f"{found[:80]!r} is no position of MariaDB's", "see who answers at the other end")
    return found


def here(connection: Any) -> str:
    """Return how far this end has come by what was written here, and by what it has applied."""
    return position_of(value(connection, "SELECT @@GLOBAL.gtid_current_pos"))


def written(connection: Any) -> str:
    """Return how far the binary log of this end has come: whatever a follower has to reach."""
    return position_of(value(connection, "SELECT @@GLOBAL.gtid_binlog_pos"))


def begin_at(connection: Any, position: str) -> None:
    """Say from which position of the other end this one goes on."""
    rows(connection, "SET GLOBAL gtid_slave_pos = %s", (position_of(position),))


def follow(place: Place, connection: Any) -> None:
    """Begin to follow the other end, or go on."""
    stop(connection)
    believing, words = tls.followed(place)
    rows(
        connection,
        f"CHANGE MASTER '{NAME}' TO MASTER_HOST = %s, MASTER_PORT = %s, MASTER_USER = %s, MASTER_PASSWORD = %s, "
        f"MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 2, {believing}",
        (place.peer_address, place.peer_port, place.base, place.password(), *words),
    )
    rows(connection, f"START SLAVE '{NAME}'")


def status(connection: Any) -> dict[str, str] | None:
    """Return how following goes; None where this end does not follow."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SHOW SLAVE '{NAME}' STATUS")
        except pymysql.err.MySQLError:
            return None
        found = cursor.fetchone()
        names = [one[0] for one in cursor.description]
    return {name: text(one) for name, one in zip(names, found) if name in _SEEN} if found else None


def trouble(connection: Any) -> str:
    """Say why this end does not follow, empty where it does."""
    found = status(connection)
    if found is None:
        return "no copy follows"
    said = found["Last_SQL_Error"] or found["Last_IO_Error"]
    stopped = found["Slave_SQL_Running"] != "Yes" or found["Slave_IO_Running"] == "No"
    return said or ("following was stopped" if stopped else "")


def stop(connection: Any) -> None:
    """Stop following; whatever was received and not applied comes again."""
    if status(connection) is not None:
        rows(connection, f"STOP SLAVE '{NAME}'")


def forget(connection: Any) -> None:
    """End following for good: of the other end's address and password nothing is kept."""
    if status(connection) is not None:
        rows(connection, f"STOP SLAVE '{NAME}'")
        rows(connection, f"RESET SLAVE '{NAME}' ALL")


def reaches(connection: Any, position: str, seconds: float) -> bool:
    """Say whether this end comes to a position in so many seconds; an error of following ends the wait."""
    end = time.monotonic() + seconds
    while True:
        left = max(0.0, end - time.monotonic())
        if value(connection, "SELECT MASTER_GTID_WAIT(%s, %s)", (position_of(position), min(left, 1.0))) == 0:
            return True
        found = status(connection)
        if time.monotonic() >= end or found is None or found["Slave_SQL_Running"] == "No":
            return False


def peer_side(place: Place) -> str:
    """Ask the other end which side it is."""
    with contextlib.closing(place.connect_peer()) as peer:
        return side_of(peer, place.base)


def way_back(place: Place, connection: Any) -> str:
    """Say whether this end, which waits, follows the one that serves: open, broken and why, or not known and why."""
    try:
        with contextlib.closing(place.connect_peer()) as peer:
            wanted = written(peer)
    except pymysql.err.MySQLError as exc:
        return f"not known: {exc}"
    if reaches(connection, wanted, 8):
        return "open"
    return f"broken: {trouble(connection) or 'it does not keep up'}"


_EVENTS = (
    "SELECT CAST(db AS CHAR), CAST(name AS CHAR), CAST(definer AS CHAR), CAST(status AS CHAR) FROM mysql.event "
    "WHERE CAST(db AS CHAR) <> 'zhenghe'"
)


def same_events(connection: Any, peer: Any) -> None:
    """Have events be on and off here as they are where clients are; they were replicated as off for this end."""
    wanted = {(text(one), text(two)): text(status) for one, two, _, status in rows(peer, _EVENTS)}
    for schema, name, definer, now in rows(connection, _EVENTS):
        there = wanted.get((text(schema), text(name)))
        if there is None or there == text(now) or there not in ("ENABLED", "DISABLED"):
            continue
        user, _, host = text(definer).rpartition("@")
        # Without its definer named an event would be ours from now on.
        who = account(user, host)
        verb = "ENABLE" if there == "ENABLED" else "DISABLE"
        rows(connection, f"ALTER DEFINER = {who} EVENT {quoted(text(schema), text(name))} {verb}")
