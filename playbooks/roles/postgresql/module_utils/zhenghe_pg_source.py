"""Prepare, where the database is today: what forbids its move is said at once, the rest is made ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils import zhenghe_pg_accounts as accounts
from ansible.module_utils import zhenghe_pg_hba as hba
from ansible.module_utils import zhenghe_pg_large as large
from ansible.module_utils import zhenghe_pg_own as own
from ansible.module_utils import zhenghe_pg_settings as settings
from ansible.module_utils import zhenghe_pg_slots as slots
from ansible.module_utils import zhenghe_pg_tls as tls
from ansible.module_utils.zhenghe_pg_findings import findings
from ansible.module_utils.zhenghe_pg_place import Place, rows, side_of, value
from ansible.module_utils.zhenghe_pg_published import give_identities, given_identities, publish, restore_identities
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused


def prepared(place: Place) -> bool:
    """Say whether the source is as prepare leaves it."""
    if side_of(place.connect(), place.database) == "absent" or not tls.pinned(place):
        return False
    connection = place.connect(place.database)
    return bool(
        value(
            connection,
            "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = %(base)s) "
            "AND EXISTS (SELECT FROM pg_roles WHERE rolname = %(base)s) "
            "AND to_regprocedure('zhenghe.verifiers()') IS NOT NULL "
            "AND to_regprocedure('zhenghe.mappings()') IS NOT NULL "
            "AND to_regprocedure('zhenghe.withdraw(text, text)') IS NOT NULL "
            "AND to_regprocedure('zhenghe.large_objects()') IS NOT NULL "
            "AND EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'zhenghe_altered') "
            "AND EXISTS (SELECT FROM pg_hba_file_rules WHERE %(base)s = ANY(user_name))",
            {"base": place.base},
        )
    )


# Whoever needs them has to make them anew on the target.
_NOT_MOVED = {
    "slots": "SELECT slot_name FROM pg_replication_slots WHERE slot_name !~ '^(zhenghe|pg)_' "
    "AND coalesce(database, current_database()) = current_database()",
    "tablespaces": "SELECT DISTINCT spcname FROM pg_class c JOIN pg_tablespace s ON s.oid = c.reltablespace "
    "WHERE spcname <> 'pg_global'",
}


def facts(place: Place) -> dict[str, Any]:
    """Return what may be told of the source."""
    connection = place.connect(place.database)
    return {
        "version": value(connection, "SHOW server_version"),
        "bytes": value(connection, "SELECT pg_database_size(current_database())"),
        "not_moved": {what: [name for (name,) in rows(connection, question)] for what, question in _NOT_MOVED.items()},
        "keyless": [name for name, *_ in given_identities(place, connection)],
        "workers": _workers(connection),
    }


_MAY_LEAVE = "SELECT count(*) FROM pg_database WHERE datname NOT IN ('template0', 'template1', 'postgres')"


def _workers(connection: Any) -> str:
    """Say beforehand whether all databases of this cluster could have their way back at once."""
    every, workers = value(connection, _MAY_LEAVE), int(value(connection, "SHOW max_logical_replication_workers"))
    if every <= workers:
        return f"enough for all {every} databases"
    return f"{workers} for {every} databases: raise max_logical_replication_workers before more than {workers} move"


def prepare(place: Place, verifier: str, entry: Mapping[str, Any]) -> None:
    """Let the target read and follow; clients notice nothing. With an entry, it has to hold who may come from where."""
    if side_of(place.connect(), place.database) == "absent":
        raise Refused(f"{place.database}: no such database on the source", "mend settings.database")
    connection = place.connect(place.database)
    found = (*findings(place, connection), *(hba.of_source(place, entry).refused if entry else ()))
    if found:
        raise Refused("; ".join(found), "mend what is said of each and run the step again")
    own.see_own(connection)
    accounts.ensure_role(connection, place.base, "REPLICATION BYPASSRLS", verifier)
    for grant in accounts.read_rights(connection, place.database, place.base):
        rows(connection, grant)
    for text in (own.IDENTITIES, own.SUPPORT, large.FUNCTIONS, settings.FUNCTION, own.WATCH):
        own.make_own(connection, text, place.base)
    tls.show(place)
    accounts.admit(place, f"{place.base} peer", peer_lines(place))
    give_identities(place, connection)
    slots.limit(place)
    publish(connection, place.base)


def peer_lines(place: Place) -> list[str]:
    """Return the lines that let the other end's host in, as the replication role only."""
    names = f"{accounts.quoted(place.database)},postgres {place.base}"
    return [f"hostssl {names} {place.peer_address}/32 scram-sha-256"]


def undo(place: Place) -> None:
    """Take back what prepare did to the source."""
    if side_of(place.connect(), place.database) not in ("absent", "serving"):
        raise Refused(f"{place.database}: the source is fenced", "return the system before its preparation is undone")
    connection = place.connect(place.database)
    rows(connection, sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(place.base)))
    restore_identities(place, connection, given_identities(place, connection))
    if not rows(connection, own.STRANGE):
        rows(connection, "DROP SCHEMA IF EXISTS zhenghe CASCADE")
    slots.unlimit(place)
    for setting in ("side", "connection_limit", "since"):
        rows(connection, sql.SQL(f"ALTER DATABASE {{}} RESET zhenghe.{setting}").format(sql.Identifier(place.database)))
    accounts.admit(place, f"{place.base} peer", [])
    accounts.drop_role(place, place.base)
    place.forget_files("passfile", "verifier")
    tls.unpin(place)
    tls.hide(place)
