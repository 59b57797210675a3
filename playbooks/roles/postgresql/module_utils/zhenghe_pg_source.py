"""Prepare, where the database is today: what forbids its move is said at once, the rest is made ready."""

# ruff: noqa: S608, ISC004 - the statements are put together from the texts of this file alone

from __future__ import annotations

from typing import Any

from ansible.module_utils import zhenghe_pg_accounts as accounts
from ansible.module_utils.zhenghe_pg_place import Place, Refused, rows, side_of, value
from ansible.module_utils.zhenghe_pg_schema import OWN
from psycopg2 import errors, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

_OWN_TABLES = OWN.format(oid="c.oid", catalogue="pg_class")
# A row of such a table is found again by all its columns: each must be comparable.
_INCOMPARABLE = ("json", "xml", "point", "line", "path", "polygon")
_KEYLESS = f"""
SELECT c.oid::regclass::text, n.nspname, c.relname, c.relreplident::text,
       (SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND format_type(a.atttypid, NULL) = ANY(%s))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND {_OWN_TABLES}
  AND (c.relreplident = 'n' OR c.relreplident = 'd'
       AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))
ORDER BY 1
"""
# (question, what its answer means and what to do); a question answers with the names of what is in the way.
_FINDINGS = (
    (
        "SELECT current_setting('wal_level') WHERE current_setting('wal_level') <> 'logical'",
        "wal_level is {names}: set wal_level = logical, restart the cluster in a window of its own, and repeat",
    ),
    (
        "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin AND oid <> 10",
        "superusers that may log in: {names}: no fence holds them; ALTER ROLE ... NOSUPERUSER, or NOLOGIN, first",
    ),
    (
        "SELECT count(*)::text FROM pg_largeobject_metadata HAVING count(*) > 0",
        "{names} large objects: logical replication leaves them behind; move their content into a bytea column first",
    ),
    (
        f"SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND {_OWN_TABLES}",
        "unlogged tables: {names}: their rows are not replicated; ALTER TABLE ... SET LOGGED, or drop them",
    ),
    (
        f"SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind = 'f' AND {_OWN_TABLES}",
        "foreign tables: {names}: what they stand for does not move; drop them, or move it by itself",
    ),
    (
        "SELECT subname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid "
        "WHERE d.datname = current_database() AND subname !~ '^zhenghe_'",
        "subscriptions: {names}: the database follows another one; end that first",
    ),
    (
        "SELECT split_part(s, '=', 2) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase, "
        "unnest(setconfig) s WHERE setrole = 0 AND d.datname = current_database() "
        "AND s ~ '^default_transaction_read_only='",
        "default_transaction_read_only is set for the database ({names}): the fence uses it; RESET it first",
    ),
    (
        "SELECT current_setting('max_replication_slots') || ' slots' "
        "WHERE current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots) < 4",
        "{names} allowed and fewer than 4 free: raise max_replication_slots and max_wal_senders, and restart",
    ),
)


def findings(place: Place, connection: Any) -> tuple[str, ...]:
    """Say everything that forbids the move of this database as it is."""
    found = []
    for question, meaning in _FINDINGS:
        names = [row[0] for row in rows(connection, question)]
        if names:
            found.append(meaning.format(names=", ".join(names)))
    for name, _, _, _, columns in rows(connection, _KEYLESS, (list(_INCOMPARABLE),)):
        if columns:
            found.append(f"table {name} has no key, and {columns} cannot be compared: give it a primary key first")
    listening = value(connection, "SHOW listen_addresses")
    if not {"*", "0.0.0.0", place.address} & {word.strip() for word in listening.split(",")}:  # noqa: S104
        found.append(f"listen_addresses is {listening!r}: add {place.address} and restart in a window of its own")
    return tuple(f"{place.database}: {one}" for one in found)


def prepared(place: Place) -> bool:
    """Say whether the source is as prepare leaves it."""
    if side_of(place.connect(), place.database) == "absent":
        return False
    connection = place.connect(place.database)
    return bool(
        value(
            connection,
            "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = %(base)s) "
            "AND EXISTS (SELECT FROM pg_roles WHERE rolname = %(base)s) "
            "AND to_regprocedure('zhenghe.verifiers()') IS NOT NULL "
            "AND EXISTS (SELECT FROM pg_hba_file_rules WHERE %(base)s = ANY(user_name))",
            {"base": place.base},
        )
    )


def facts(place: Place) -> dict[str, Any]:
    """Return what may be told of the source."""
    connection = place.connect(place.database)
    return {
        "version": value(connection, "SHOW server_version"),
        "bytes": value(connection, "SELECT pg_database_size(current_database())"),
        "keyless": [name for name, *_ in place.remembered().get("keyless", [])],
    }


def prepare(place: Place, verifier: str) -> None:
    """Let the target read and follow; clients notice nothing."""
    if side_of(place.connect(), place.database) == "absent":
        raise Refused(f"{place.database}: no such database on the source", "mend settings.database")
    connection = place.connect(place.database)
    found = findings(place, connection)
    if found:
        raise Refused("; ".join(found), "mend what is said of each and run the step again")
    accounts.see_own(connection)
    accounts.ensure_role(connection, place.base, "REPLICATION BYPASSRLS", verifier)
    for grant in accounts.read_rights(connection, place.database, place.base):
        rows(connection, grant)
    accounts.make_own(connection, accounts.SUPPORT, place.base)
    accounts.admit(place, f"{place.base} peer", peer_lines(place))
    _give_identities(place, connection)
    if not rows(connection, "SELECT 1 FROM pg_publication WHERE pubname = %s", (place.base,)):
        rows(connection, sql.SQL("CREATE PUBLICATION {} FOR ALL TABLES").format(sql.Identifier(place.base)))


def peer_lines(place: Place) -> list[str]:
    """Return the lines that let the other end's host in, as the replication role only."""
    names = f"{accounts.quoted(place.database)},postgres {place.base}"
    return [f"host {names} {place.peer_address}/32 scram-sha-256"]


def _give_identities(place: Place, connection: Any) -> None:
    keyless = rows(connection, _KEYLESS, (list(_INCOMPARABLE),))
    old = place.remembered().get("keyless", [])
    place.remember(keyless=old + [[name, schema, table, kind] for name, schema, table, kind, _ in keyless])
    for _, schema, table, _, _ in keyless:
        _set_identity(connection, schema, table, "FULL")


def _set_identity(connection: Any, schema: str, table: str, identity: str) -> None:
    # The lock is short but exclusive: whoever waits behind it must not wait for a long reader before it.
    statement = sql.SQL(f"ALTER TABLE {{}}.{{}} REPLICA IDENTITY {identity}")
    rows(connection, "SET lock_timeout = '300ms'")
    for attempt in range(20):
        try:
            rows(connection, statement.format(sql.Identifier(schema), sql.Identifier(table)))
            return
        except errors.LockNotAvailable as exc:
            if attempt == 19:
                raise Refused(f"{schema}.{table}: never free of other work", "run it at a quieter hour") from exc


def restore_identities(place: Place, connection: Any, keyless: list[list[str]]) -> None:
    """Give tables without a key the replica identity that they had."""
    for _, schema, table, kind in keyless:
        exists = value(connection, "SELECT to_regclass(format('%%I.%%I', %s, %s)) IS NOT NULL", (schema, table))
        if exists:
            _set_identity(connection, schema, table, "NOTHING" if kind == "n" else "DEFAULT")
    place.remember(keyless=[])


def undo(place: Place) -> None:
    """Take back what prepare did to the source."""
    if side_of(place.connect(), place.database) not in ("absent", "serving"):
        raise Refused(f"{place.database}: the source is fenced", "return the system before its preparation is undone")
    connection = place.connect(place.database)
    rows(connection, sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(place.base)))
    restore_identities(place, connection, place.remembered().get("keyless", []))
    if not rows(connection, accounts.STRANGE):
        rows(connection, "DROP SCHEMA IF EXISTS zhenghe CASCADE")
    for setting in ("side", "connection_limit", "since"):
        rows(connection, sql.SQL(f"ALTER DATABASE {{}} RESET zhenghe.{setting}").format(sql.Identifier(place.database)))
    accounts.admit(place, f"{place.base} peer", [])
    accounts.drop_role(place, place.base)
    place.forget_files("passfile", "verifier")
