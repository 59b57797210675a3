"""Rows of both ends, compared at one position: the end that serves is read in a snapshot, the other one stops there.

CHECKSUM TABLE ... EXTENDED reads every row and is the same in all versions that this kind moves. Tables that know no
transactions have no snapshot: what differs in them is read again, and named where it goes on being written.
"""

# ruff: noqa: S608 - names are quoted by the server's rule

from __future__ import annotations

import contextlib
import time
from typing import Any

from ansible.module_utils import zhenghe_my_settings as settings
from ansible.module_utils import zhenghe_my_stream as stream
from ansible.module_utils.zhenghe_my_description import differences
from ansible.module_utils.zhenghe_my_place import SYSTEM, Place, quoted, rows, text, value

from playbooks.agents.kit import Refused

_TABLES = (
    "SELECT table_schema, table_name, engine FROM information_schema.tables "
    f"WHERE table_schema NOT IN ({SYSTEM}) AND table_type NOT LIKE '%VIEW' ORDER BY 1, 2"
)
NO_ROWS = frozenset({"MEMORY", "BLACKHOLE", "MRG_MyISAM"})
"""Engines whose rows are not kept, or are those of other tables."""
TRANSACTIONS = frozenset({"InnoDB"})
ROUNDS = 5
LIMIT = 600.0
Table = tuple[str, str]
State = tuple[int, int]
"""A table's checksum and its number of rows."""


def compare(place: Place, connection: Any) -> tuple[list[str], dict[str, Any]]:
    """Return how the two ends differ, and what was compared; for the end that waits."""
    began = time.monotonic()
    with contextlib.closing(place.connect_peer()) as peer, contextlib.closing(place.connect_peer()) as catalogue:
        source, target = (catalogue, connection) if place.end == "target" else (connection, catalogue)
        found = differences(source, target, place.base)
        tables = {(text(one), text(two)): text(engine) for one, two, engine in rows(peer, _TABLES)}
        here = {(text(one), text(two)) for one, two, _ in rows(connection, _TABLES)}
        wanted = {one: engine for one, engine in tables.items() if one in here and engine not in NO_ROWS}
        try:
            different, states = _rows(connection, peer, wanted)
        finally:
            _go_on(connection)
    if place.end == "target":
        found += [f"setting {one}" for one in _settings(place, connection)]
    facts = {
        "tables": len(wanted),
        "rows": sum(count for _, count in states.values()),
        "not_compared": [".".join(one) for one in tables if one not in wanted][:50],
        "seconds": round(time.monotonic() - began, 2),
    }
    return found + different, facts


def _settings(place: Place, connection: Any) -> list[str]:
    with contextlib.closing(place.connect_peer()) as peer:
        return settings.differences(settings.of(peer), settings.of(connection))


def _rows(connection: Any, peer: Any, tables: dict[Table, str]) -> tuple[list[str], dict[Table, State]]:
    left, states = dict(tables), {}
    for _ in range(ROUNDS):
        # It must not run past the snapshot's position before it is told to stop there.
        stream.stop(connection)
        there = _snapshot(peer, left)
        position = stream.position_of(there.pop("position"))
        here = _at(connection, position, left)
        states.update(there["tables"])
        left = {one: engine for one, engine in left.items() if there["tables"].get(one) != here.get(one)}
        # In tables with transactions a difference is one: both ends were read at the same position.
        if not left or any(engine in TRANSACTIONS for engine in left.values()):
            break
        time.sleep(0.2)
    said = [_said(one, engine, states.get(one), here.get(one)) for one, engine in left.items()]
    return said, states


def _said(table: Table, engine: str, there: State | None, here: State | None) -> str:
    name = ".".join(table)
    if there is None or here is None:
        return f"table {name} cannot be read at {'the end that serves' if there is None else 'the end that waits'}"
    counts = f"{there[1]} rows at the end that serves, {here[1]} at the one that waits"
    written = "" if engine in TRANSACTIONS else f"; {engine} has no snapshot, and it may be written all the time"
    return f"table {name}: {counts}, checksums {there[0]} and {here[0]}{written}"


def _snapshot(peer: Any, tables: dict[Table, str]) -> dict[str, Any]:
    rows(peer, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
    try:
        # The binary log's place in the snapshot: tables with transactions are read as of it.
        place = {text(name): text(one) for name, one in rows(peer, "SHOW STATUS LIKE 'binlog_snapshot_%'")}
        file, offset = place.get("Binlog_snapshot_file", ""), int(place.get("Binlog_snapshot_position") or 0)
        position = text(value(peer, "SELECT BINLOG_GTID_POS(%s, %s)", (file, offset)))
        return {"position": position, "tables": {one: _state(peer, one) for one in tables}}
    finally:
        rows(peer, "ROLLBACK")


def _at(connection: Any, position: str, tables: dict[Table, str]) -> dict[Table, State | None]:
    rows(connection, f"START SLAVE '{stream.NAME}' UNTIL master_gtid_pos = %s", (position,))
    if not stream.reaches(connection, position, LIMIT):
        why = stream.trouble(connection) or "it does not keep up"
        raise Refused(f"the end that waits does not come to the other one's position: {why}", "see why, and repeat")
    return {one: _state(connection, one) for one in tables}


def _go_on(connection: Any) -> None:
    """Have the end that waits follow on, whatever it was told to stop at."""
    rows(connection, f"STOP SLAVE '{stream.NAME}'")
    rows(connection, f"START SLAVE '{stream.NAME}'")


def _state(connection: Any, table: Table) -> State | None:
    name = quoted(*table)
    found = rows(connection, f"CHECKSUM TABLE {name} EXTENDED")
    if not found or found[0][1] is None:
        return None
    return int(found[0][1]), int(value(connection, f"SELECT COUNT(*) FROM {name}"))
