"""Replicate, lag and retire: following begins, is judged, and is given up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import pymysql  # type: ignore[import-untyped, import-not-found, unused-ignore]
from ansible.module_utils import zhenghe_my_accounts as accounts
from ansible.module_utils import zhenghe_my_fence as fence
from ansible.module_utils import zhenghe_my_own as own
from ansible.module_utils import zhenghe_my_settings as settings
from ansible.module_utils import zhenghe_my_source as source
from ansible.module_utils import zhenghe_my_stream as stream
from ansible.module_utils import zhenghe_my_tls as tls
from ansible.module_utils.zhenghe_my_beside import beside
from ansible.module_utils.zhenghe_my_description import differences
from ansible.module_utils.zhenghe_my_findings import refused
from ansible.module_utils.zhenghe_my_place import UNIT, Place, side_of

from playbooks.agents.kit import Refused, run

CLOSE = 2.0
"""Seconds in which an end that follows closely comes to where the other one was a moment ago."""


def progress(place: Place, connection: Any) -> dict[str, Any]:
    """Return how far the copy is: does it follow, and closely."""
    if side_of(connection, place.base) == "serving":
        return {"complete": True, "switched": True}
    trouble = stream.trouble(connection)
    if trouble:
        return {"complete": False, "reason": trouble}
    try:
        with contextlib.closing(place.connect_peer()) as peer:
            wanted = stream.written(peer)
    except pymysql.err.MySQLError as exc:
        return {"complete": False, "reason": f"the source does not answer: {exc}"}
    close = stream.reaches(connection, wanted, CLOSE)
    behind = (stream.status(connection) or {}).get("Seconds_Behind_Master", "")
    return {"complete": close, "position": wanted, **({} if close else {"reason": f"{behind} seconds behind"})}


def replicate(place: Place, limit: float) -> dict[str, Any]:
    """Start following and wait until it is close, for so many seconds."""
    began = time.monotonic()
    with place.alone():
        connection = place.connect()
        if side_of(connection, place.base) != "serving" and stream.trouble(connection):
            stream.follow(place, connection)
    while True:
        found = progress(place, connection)
        spent = round(time.monotonic() - began, 1)
        if found["complete"]:
            return {**found, "seconds": spent}
        state = stream.status(connection) or {}
        broken = state.get("Slave_SQL_Running") == "No" and state.get("Last_SQL_Error")
        if broken or spent > limit:
            raise Refused(
                f"the copy has not caught up in {spent:g} s: {found.get('reason')}",
                "find out what holds it up, or raise limits.catch_up; nothing is lost",
            )
        time.sleep(0.1)


def gate(place: Place, entry: Mapping[str, Any], limit: float) -> list[str]:
    """Return what still stands against a switch after at most so many seconds; nothing: the way is free."""
    end = time.monotonic() + limit
    while True:
        connection = place.connect()
        serves = side_of(connection, place.base) == "serving"
        against = _in_the_way(place, connection, entry) if serves else _not_equal(place, connection)
        connection.close()
        if not against or time.monotonic() > end:
            return against
        time.sleep(0.2)


def _in_the_way(place: Place, connection: Any, entry: Mapping[str, Any]) -> list[str]:
    found = refused(place, connection) if place.end == "source" else []
    if not source.logs_rows(connection):
        found.append("statements are logged again in the place of rows; SET GLOBAL binlog_format = ROW")
    old = source.old_sessions(place, connection)
    if old:
        found.append(f"connected since before rows were logged: {', '.join(old)}; have them connect anew")
    beyond = beside(place, connection, entry) if entry else []
    if beyond:
        found.append(f"connected beside the entry: {', '.join(beyond)}; have them connect anew, by its name")
    return found


def _not_equal(place: Place, connection: Any) -> list[str]:
    found = progress(place, connection)
    if not found["complete"]:
        return [f"the copy does not follow closely: {found.get('reason')}"]
    with contextlib.closing(place.connect_peer()) as peer:
        stream.same_events(connection, peer)
        ends = (peer, connection) if place.end == "target" else (connection, peer)
        against = differences(ends[0], ends[1], place.base)
        if place.end == "target":
            against += [f"setting {one}" for one in settings.differences(settings.of(peer), settings.of(connection))]
    return against


def retired(place: Place) -> bool:
    """Say whether the way back has been given up at this end."""
    if not place.running():
        return place.end == "source"
    return not place.passfile.exists() and side_of(place.connect(), place.base) == "absent"


def retire(place: Place) -> dict[str, Any]:
    """Give the way back up: following and its accounts go; the source stops for good, its data stays."""
    if not place.running():
        return {"server": "stopped"}
    connection = place.connect()
    side = side_of(connection, place.base)
    if side not in ({"source": "waiting", "target": "serving"}[place.end], "absent"):
        raise Refused("clients are not on the target", "switch the system before its source is retired")
    stream.forget(connection)
    accounts.dismiss_peers(place, connection)
    tls.unpin(place)
    if place.end == "target":
        own.drop(connection)
        place.passfile.unlink(missing_ok=True)
        return {"server": "serves"}
    fence.keep_fenced(place)
    place.passfile.unlink(missing_ok=True)
    run("systemctl", "disable", "--quiet", "--now", UNIT, limit=300)
    return {"server": "stopped"}
