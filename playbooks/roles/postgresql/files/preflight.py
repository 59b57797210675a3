"""What a database is like, weeks before its move: asked in read-only transactions, never changed."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils import zhenghe_pg_hba as hba
from ansible.module_utils import zhenghe_pg_sequences as sequences
from ansible.module_utils import zhenghe_pg_tls as tls
from ansible.module_utils.zhenghe_pg_clear import look
from ansible.module_utils.zhenghe_pg_findings import OLDEST, findings
from ansible.module_utils.zhenghe_pg_large import LISTING
from ansible.module_utils.zhenghe_pg_place import Place, rows, side_of, value
from ansible.module_utils.zhenghe_pg_sessions import sharing
from psycopg2 import Error  # type: ignore[import-untyped, import-not-found, unused-ignore]

_MOST = 50
_QUIET = {"default_transaction_read_only": "on", "statement_timeout": "20s", "lock_timeout": "1s"}
_RELATIONS = (
    "SELECT {what} FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = {kind} "
    "AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'zhenghe')"
)
_COUNTS = {
    "tables": _RELATIONS.format(what="count(*)", kind="'r'"),
    "sequences": _RELATIONS.format(what="count(*)", kind="'S'"),
    "indexes": _RELATIONS.format(what="count(*)", kind="'i'"),
    "large_objects": "SELECT count(*) FROM pg_largeobject_metadata",
    "bytes": "SELECT pg_database_size(current_database())",
    "clients": "SELECT count(DISTINCT (usename, client_addr)) FROM pg_stat_activity WHERE datname = current_database() "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
    "free_slots": "SELECT current_setting('max_replication_slots')::int - count(*) FROM pg_replication_slots",
    "free_senders": "SELECT current_setting('max_wal_senders')::int - count(*) FROM pg_stat_replication",
    "logical_workers": "SELECT current_setting('max_logical_replication_workers')::int",
}
"""Facts that are one number."""
_WORDS = {
    "version": "SHOW server_version",
    "encoding": "SHOW server_encoding",
    "collation": "SELECT datcollate FROM pg_database WHERE datname = current_database()",
    "wal_level": "SHOW wal_level",
    "timezone": "SHOW TimeZone",
}
"""Facts that are one word."""
_LISTS = {
    "extensions": "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1",
    "prepared": "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()",
    "slots": "SELECT slot_name FROM pg_replication_slots WHERE slot_name !~ '^zhenghe_'",
    "publications": "SELECT pubname FROM pg_publication WHERE pubname !~ '^zhenghe_'",
    "event_triggers": "SELECT evtname FROM pg_event_trigger WHERE evtenabled <> 'D' AND evtname !~ '^zhenghe_'",
    "large_tables": _RELATIONS.format(what="format('%I.%I', n.nspname, relname)", kind="'r'")
    + " AND pg_table_size(c.oid) > 10737418240",
    "passwordless": "SELECT rolname FROM pg_authid WHERE rolcanlogin AND rolpassword IS NULL AND NOT rolsuper",
    "older": "SELECT rolname FROM pg_authid WHERE rolcanlogin AND rolpassword ~ '^md5' AND NOT rolsuper ORDER BY 1",
}
"""Facts that are names; of each at most so many are told."""


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a database, and what preparation would refuse."""
    place = Place("source", given["system"], given["component"])
    try:
        cluster = _quiet(place.connect())
        if side_of(cluster, place.database) == "absent":
            return {"facts": {"there": False}, "refusals": [f"there is no database {place.database}"]}
        connection = _quiet(place.connect(place.database))
        if connection.server_version < OLDEST:
            # Its catalogues lack what else would be asked.
            return {"facts": {"there": False}, "refusals": list(findings(place, connection))}
        facts: dict[str, Any] = {"there": True}
        facts.update({name: int(value(connection, question)) for name, question in _COUNTS.items()})
        facts.update({name: str(value(connection, question)) for name, question in _WORDS.items()})
        facts.update({name: _names(connection, question) for name, question in _LISTS.items()})
        facts["reading"] = _reading(connection)
        refusals = [*findings(place, connection), *tls.against(place)]
        if given["entry"]:
            refusals += hba.of_source(place, given["entry"]).refused
            shared = sharing(connection, place.pooling)
            seen = look(connection, given["entry"].get("address", ""))
            facts.update(pooling=shared.pooling, sessions=shared.why, clear=seen.clear[:_MOST])
            facts["tls"] = seen.demanded(place.tls)
        return {"facts": facts, "refusals": refusals}
    except Error as exc:
        return {"failed": True, "msg": f"PostgreSQL: {str(exc).strip()}", "mend": "see the cluster's log on this host"}


def _quiet(connection: Any) -> Any:
    """Return a connection that can change nothing and holds nobody up."""
    for name, setting in _QUIET.items():
        rows(connection, "SELECT set_config(%s, %s, false)", (name, setting))
    return connection


def _reading(connection: Any) -> float:
    """Return the seconds in which a pause would read sequences and list large objects."""
    began = time.monotonic()
    sequences.read(connection, sequences.uncalled(connection))
    rows(connection, LISTING)
    return round(time.monotonic() - began, 3)


def _names(connection: Any, question: str) -> list[str]:
    return [str(row[0]) for row in rows(connection, question)][:_MOST]
