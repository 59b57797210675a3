"""Replicate, lag and retire: the copy begins, is judged, and is given up."""

from __future__ import annotations

import contextlib
import functools
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_pg_accounts as accounts
from ansible.module_utils import zhenghe_pg_hba as hba
from ansible.module_utils import zhenghe_pg_large as large
from ansible.module_utils import zhenghe_pg_log as logs
from ansible.module_utils import zhenghe_pg_own as own
from ansible.module_utils import zhenghe_pg_schema as schema
from ansible.module_utils import zhenghe_pg_settings as settings
from ansible.module_utils import zhenghe_pg_slots as slots
from ansible.module_utils import zhenghe_pg_stream as stream
from ansible.module_utils import zhenghe_pg_tls as tls
from ansible.module_utils.zhenghe_pg_beside import beside
from ansible.module_utils.zhenghe_pg_carry import carry_over
from ansible.module_utils.zhenghe_pg_definitions import Definitions
from ansible.module_utils.zhenghe_pg_findings import findings
from ansible.module_utils.zhenghe_pg_guard import release
from ansible.module_utils.zhenghe_pg_later import bring_tables, copy_again, drop_gone, read_sequences
from ansible.module_utils.zhenghe_pg_pause import too_long
from ansible.module_utils.zhenghe_pg_place import POSTGRES, Place, database_settings, rows, side_of, value
from ansible.module_utils.zhenghe_pg_published import (
    BATCH,
    given_identities,
    keep_identities,
    restore_identities,
    unpublished,
)
from ansible.module_utils.zhenghe_pg_renamed import bring_names
from ansible.module_utils.zhenghe_pg_rewritten import note_files, rewritten, suspect, told
from ansible.module_utils.zhenghe_pg_statements import TABLES_OF
from ansible.module_utils.zhenghe_pg_states import bring_states
from psycopg2 import Error, errors, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused


def progress(place: Place) -> dict[str, Any]:
    """Return how far the copy is: is it complete and close, which tables are left, how many bytes."""
    connection = place.connect(place.database)
    known = stream.subscription(connection, place.base)
    if known is None:
        return {"complete": False, "reason": "no copy has been started"}
    try:
        behind = stream.lag(place, connection)
    except Error as exc:
        return {"complete": False, "reason": f"the source does not answer: {str(exc).strip()}"}
    found: dict[str, Any] = {"tables_left": known["left"], "bytes_behind": behind}
    if connection.server_version >= 150000:
        question = "SELECT apply_error_count + sync_error_count FROM pg_stat_subscription_stats WHERE subname = %s"
        found["errors"] = value(connection, question, (place.base,))
    found |= slots.held(place)
    if found.get("cut_off"):
        return {**found, "complete": False, "reason": _CUT_OFF}
    complete = known["enabled"] and not known["left"] and behind is not None and behind < stream.CLOSE
    return {**found, "complete": complete}


WAITING = ("columns", "constraints", "indexes")
"""Kinds that come over only once the rows are what they are at the source."""
_CUT_OFF = "the source's cluster has cut its slot off at its limit (max_slot_wal_keep_size): the copy begins anew"


_FILLED = """
SELECT schemaname, tablename FROM pg_publication_tables
WHERE pubname = %s AND pg_relation_size(format('%%I.%%I', schemaname, tablename)::regclass) > 0
"""


def start(place: Place, limit: float) -> None:
    """Begin to copy, unless it has been begun; a slot waits for every transaction that is open on the source."""
    connection = place.connect(place.database)
    rows(connection, "SET statement_timeout = %s", (int(limit * 1000),))
    try:
        _start(place, connection)
    except errors.QueryCanceled as exc:
        with contextlib.closing(place.connect_peer()) as there:
            holders = "; ".join(name for (name,) in rows(there, "SELECT what FROM zhenghe.holders()"))
        found = {"reason": f"a long transaction on the source keeps the copy from beginning: {holders or 'ended now'}"}
        raise Refused(_behind(place, found, limit), "end that transaction, or raise limits.catch_up") from exc


def _start(place: Place, connection: Any) -> None:
    known = stream.subscription(connection, place.base)
    if known is not None and slots.held(place).get("cut_off"):
        # What it was to read is gone: there is nothing to go on from.
        stream.drop_subscription(connection, place.base)
        known = None
    if known is not None:
        if not known["enabled"]:
            rows(connection, sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(sql.Identifier(place.base)))
        return
    _clear_slot(place)
    # What an earlier copy left half done; extensions bring rows of their own, too.
    filled = rows(connection, _FILLED, (place.base,))
    for begin in range(0, len(filled), BATCH):
        tables = sql.SQL(", ").join([sql.Identifier(*names) for names in filled[begin : begin + BATCH]])
        rows(connection, sql.SQL("TRUNCATE {} CASCADE").format(tables))
    with contextlib.closing(place.connect_peer()) as there:
        note_files(place, there)
    stream.subscribe(place, connection, copy=True)


def _clear_slot(place: Place) -> None:
    # The replication role may drop the slots of its own database's readers: nobody else uses this name.
    peer = place.connect_peer()
    question = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
    for _ in range(50):
        found = rows(peer, question, (place.base,))
        if not found:
            return
        if not found[0][0]:
            rows(peer, "SELECT pg_drop_replication_slot(%s)", (place.base,))
            return
        time.sleep(0.1)
    raise Refused(f"slot {place.base} on the source is in use, but not from here", "find out who reads it")


def replicate(place: Place, limit: float) -> dict[str, Any]:
    """Start the copy and wait until it is complete and close, for so many seconds."""
    with place.alone():
        if side_of(place.connect(), place.database) == "serving":
            return {"complete": True, "switched": True}
        began = time.monotonic()
        since = logs.position(place.connect())
        start(place, limit)
    # Only looking from here on: a call that was orphaned must not be in the way of the next one.
    while True:
        found = progress(place)
        spent = round(time.monotonic() - began, 1)
        if found["complete"]:
            objects = bring_large(place, limit)
            rows(place.connect(place.database), "ANALYZE")
            return {**found, "seconds": spent, "large_objects": objects}
        failed = logs.worker_errors(place.connect(), place.base, since) if found.get("errors") else ()
        if failed:
            raise Refused(
                f"{place.database}: the target does not take what is copied: {'; '.join(failed)}",
                "mend it on the source and run the step again: the copy goes on by itself",
            )
        if spent > limit:
            raise Refused(
                _behind(place, found, limit), "find out what holds it up, or raise limits.catch_up; nothing is lost"
            )
        time.sleep(0.1)


def bring_large(place: Place, limit: float) -> dict[str, Any]:
    """Bring the large objects that were written since they were brought last."""
    with contextlib.closing(place.connect_peer()) as there:
        return large.bring(place.connect(place.database), there, limit)


def _behind(place: Place, found: dict[str, Any], limit: float) -> str:
    tables = found.get("tables_left", [])
    more = f" and {len(tables) - 20} more" if len(tables) > 20 else ""
    left = (", ".join(tables[:20]) or "none") + more
    why = found.get("reason") or f"tables left: {left}; bytes behind: {found.get('bytes_behind')}"
    return f"{place.database}: the copy has not caught up in {limit:g} s: {why}"


def in_the_way(place: Place, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what, on the end that serves, a switch would hurt: clients beside the entry, prepared transactions."""
    connection = place.connect()
    found = []
    if entry:
        names = beside(place, connection, entry)
        if names:
            found.append(f"connected beside the entry: {', '.join(names)}; have them connect anew, by the entry's name")
    if place.end == "source":
        inside = place.connect(place.database)
        found += findings(place, inside, again=True)
        found += _admitted_otherwise(place, entry) if entry else []
        new = [f"{one}.{two}" for one, two in unpublished(inside, place.base)]
        if new:
            found.append(f"tables that came after the copy: {', '.join(new)}: they were not brought over")
    return tuple(found)


def _admitted_otherwise(place: Place, entry: Mapping[str, Any]) -> list[str]:
    held, now = place.remembered().get("admission"), hba.of_source(place, entry)
    if held is None or (held == now.every and not now.refused):
        return []
    return [
        *now.refused,
        "pg_hba.conf or the members of its groups changed since the entry was made: front it anew",
    ]


def not_equal(place: Place, *, change: bool) -> tuple[str, ...]:
    """Say what, on the end that follows, stands against a switch: an incomplete copy, whatever differs by now.

    With change, what can be brought over is brought first.
    """
    here = place.connect(place.database)
    found = progress(place)
    if "reason" in found:
        return (_behind(place, found, 0),)
    # What follows may stand still because of what was changed: it is looked at all the same.
    behind = [] if found["complete"] else [_behind(place, found, 0) + _said_by_workers(place, here, found)]
    with contextlib.closing(place.connect_peer()) as there:
        source_end, target_end = (there, here) if place.end == "target" else (here, there)
        comparison = schema.Comparison(place, source_end, target_end)
        if change and place.end == "target":
            brought = _bring(place, here, there, comparison)
            if brought:
                return (*behind, f"tables that came after the copy are being copied: {', '.join(brought)}")
        different = comparison.found()
        changed = comparison.told(different)
        # What waits for rows, as a column that must not be empty or a key over it, is no hindrance to them.
        hindered = behind or any(
            what not in WAITING or (what == "columns" and None in texts) for what, _, *texts in different
        )
        written = rewritten(place, there, change=change) if place.end == "target" and not hindered else {}
        if written and change:
            copy_again(place, here, there, list(written))
    said = [*behind, *(f"the schema was changed since it was copied: {one}" for one in changed), *told(written)]
    return (*said, *settings.still_different(place)) if place.end == "target" else tuple(said)


def _said_by_workers(place: Place, here: Any, found: dict[str, Any]) -> str:
    return logs.why_not(here, place.base) if found.get("errors") else ""


def _bring(place: Place, here: Any, there: Any, comparison: schema.Comparison) -> tuple[str, ...]:
    """Bring over what can be; return the tables that came after the copy, which are copied by now."""
    # One that was killed while it loaded tables.
    release(here)
    read_sequences(there)
    keep_identities(place, there)
    bring_names(place, here, there)
    drop_gone(place, here, there)
    carry_over(place, here, there)
    different = comparison.found()
    columns = [name for kind, name, *_ in different if kind == "columns"]
    touched = set(rows(here, TABLES_OF, (columns,)))
    settled = functools.cache(lambda: stream.keeps_up(place, here, there, "verify", 1.0))
    refused = functools.cache(lambda: logs.why_not(here, place.base, 20))
    definitions = Definitions(here, there, place.database, settled, refused)
    brought = definitions.bring([one[:2] for one in different])
    # A table may need types, functions and schemas that are as new as it is.
    tables = bring_tables(place, here, there)
    if not tables:
        large.bring(here, there, stream.FIRST_OBJECTS)
        settings.bring(place)
        brought += bring_states(here, place.database, comparison.found() if brought else different)
    if brought:
        comparison.keep_as_printed(brought)
        # Rows of a table without a key are not found here while it has a column that the source has dropped.
        suspect(place, touched | set(rows(here, TABLES_OF, (columns,))))
        # Rights and comments of what is new here.
        carry_over(place, here, there)
    return tables


def fill_views(place: Place) -> tuple[str, ...]:
    """Fill the materialized views that are filled at the other end, which replication does not do; say which cannot be.

    PostgreSQL refreshes each with the rights of its owner, here on the path that the database gives its clients.
    """
    with contextlib.closing(place.connect_peer()) as there:
        left = rows(there, "SELECT schemaname, matviewname FROM pg_matviews WHERE ispopulated ORDER BY 1, 2")
    connection = place.connect(place.database, views=True)
    path = database_settings(connection, place.database).get("search_path", '"$user", public')
    rows(connection, "SELECT set_config('search_path', %s, false)", (path,))
    said: dict[tuple[str, str], str] = {}
    # One may read another: whoever fails is tried again as long as another one was filled.
    while True:
        said = {names: why for names, why in ((names, _refreshed(connection, names)) for names in left) if why}
        if not said or len(said) == len(left):
            return tuple(f"materialized view {one}.{two} cannot be filled: {why}" for (one, two), why in said.items())
        left = list(said)


def _refreshed(connection: Any, names: tuple[str, str]) -> str:
    try:
        rows(connection, sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(*names)))
    except Error as exc:
        return str(exc).strip().splitlines()[0]
    return ""


def gate(place: Place, entry: Mapping[str, Any], limit: float, *, change: bool, downtime: float = 0) -> tuple[str, ...]:
    """Return what still stands against a switch after at most so many seconds; nothing: the way is free."""
    deadline = time.monotonic() + limit
    while True:
        side = side_of(place.connect(), place.database)
        against = in_the_way(place, entry) if side == "serving" else not_equal(place, change=change)
        if not against and side == "waiting" and change:
            against = fill_views(place) or (too_long(place, downtime) if downtime else ())
        if not against or time.monotonic() > deadline:
            return against
        time.sleep(0.2)


def forget(place: Place) -> None:
    """Take the replication away at this end: subscription, slots; the data stays."""
    if not place.running():
        return
    if side_of(place.connect(), place.database) != "absent":
        stream.drop_subscription(place.connect(place.database), place.base)
    stream.drop_slots(place, copies=True)


def retired(place: Place) -> bool:
    """Say whether the way back has been given up at this end, and nothing is left to reach the other one by."""
    if POSTGRES.exists(place.passfile) or tls.pinned(place):
        return False
    if place.end == "source":
        return not place.running() or not rows(
            place.connect(), "SELECT 1 FROM pg_roles WHERE rolname = %s", (place.base,)
        )
    return place.running() and not rows(place.connect(), "SELECT 1 FROM pg_roles WHERE rolname = %s", (place.base,))


def retire(place: Place, keyless: list[list[str]]) -> dict[str, Any]:
    """Give the way back up: replication and its accounts go; a source that keeps nothing else stops, its data stays."""
    if not place.running():
        _forget_the_peer(place)
        return {"cluster": "stopped"}
    here = place.connect()
    wanted = "waiting" if place.end == "source" else "serving"
    if side_of(here, place.database) != wanted:
        raise Refused(
            f"{place.database}: clients are not on the target", "switch the system before its source is retired"
        )
    forget(place)
    slots.unlimit(place)
    inside = place.connect(place.database)
    rows(inside, sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(place.base)))
    # A key may have gone while this end served, too.
    known = {(schema, table) for _, schema, table, _ in keyless}
    own_given = [one for one in given_identities(place, inside) if (one[1], one[2]) not in known]
    restore_identities(place, inside, [*keyless, *own_given])
    # What the entry asks for stays.
    rows(inside, own.LEAVE)
    rows(inside, large.LEAVE)
    accounts.admit(place, f"{place.base} peer", [])
    accounts.drop_role(place, place.base)
    _forget_the_peer(place)
    if place.end == "source":
        tls.hide(place)
    return {"cluster": _stop_source(place, here) if place.end == "source" else "serves"}


def _forget_the_peer(place: Place) -> None:
    place.forget_files("passfile", "verifier")
    tls.unpin(place)


_KEPT = """
SELECT datname FROM pg_database d WHERE datname NOT IN ('template0', 'template1', 'postgres') AND NOT EXISTS
(SELECT FROM pg_db_role_setting WHERE setdatabase = d.oid AND 'zhenghe.retired=on' = ANY(setconfig))
"""


def _stop_source(place: Place, here: Any) -> str:
    rows(here, sql.SQL("ALTER DATABASE {} SET zhenghe.retired = on").format(sql.Identifier(place.database)))
    # A cluster may keep databases of other systems: in use, or waiting as their way back.
    others = rows(here, _KEPT)
    if others:
        return "kept for " + ", ".join(row[0] for row in others)
    # Where its files lie is the cluster's own word: of that only what Debian calls a cluster is taken.
    told = value(here, "SHOW config_file")
    match = re.fullmatch(r"/etc/postgresql/([0-9.]+)/([A-Za-z0-9_][A-Za-z0-9_.-]*)/postgresql\.conf", told)
    if match is None:
        raise Refused(f"{told} is no cluster of Debian's", "stop the cluster by hand, for it would start again")
    version, name = match.groups()
    POSTGRES.write(Path(f"/etc/postgresql/{version}/{name}/start.conf"), "disabled\n", 0o644)
    subprocess.run(
        ["systemctl", "disable", "--quiet", f"postgresql@{version}-{name}"], check=False, capture_output=True
    )
    subprocess.run(["systemctl", "stop", f"postgresql@{version}-{name}"], check=True, capture_output=True)
    return "stopped"
