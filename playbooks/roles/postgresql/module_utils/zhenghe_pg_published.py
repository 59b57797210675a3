"""Which tables are replicated, and by what their rows are found again at the other end.

Tables are published by name: one that comes later is not, so that the application that made it can go on updating it.
"""

# ruff: noqa: S608 - the statements are put together from the texts of this file alone

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_pg_place import Place, rows, value
from psycopg2 import errors, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused

_TABLES = """
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^(pg_|information_schema$|zhenghe$)'
"""
_UNPUBLISHED = f"""
SELECT n.nspname, c.relname {_TABLES} AND NOT EXISTS (
    SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
    WHERE r.prrelid = c.oid AND p.pubname = %s)
ORDER BY 1, 2
"""
# A row of a table without a usable key is found again by all its columns: each must have an equality that the server
# finds by the type alone, through domains, arrays and composite types.
_KEYLESS = f"""
WITH RECURSIVE parts (attrelid, attname, type) AS (
    SELECT attrelid, attname, atttypid FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
      AND attrelid IN (SELECT c.oid {_TABLES})
    UNION
    SELECT p.attrelid, p.attname, inner_type FROM parts p JOIN pg_type t ON t.oid = p.type,
    LATERAL (SELECT t.typbasetype WHERE t.typtype = 'd'
             UNION ALL SELECT t.typelem WHERE t.typcategory = 'A' AND t.typelem <> 0
             UNION ALL SELECT a.atttypid FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid
                       AND a.attnum > 0 AND NOT a.attisdropped) AS inside (inner_type)
), incomparable AS (
    SELECT DISTINCT attrelid, attname FROM parts JOIN pg_type t ON t.oid = type
    WHERE t.typtype = 'b' AND NOT (t.typcategory = 'A' AND t.typelem <> 0) AND NOT EXISTS (
        SELECT FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
        WHERE m.amname IN ('btree', 'hash') AND o.opcdefault AND (o.opcintype = t.oid OR EXISTS (
            SELECT FROM pg_cast k WHERE k.castsource = t.oid AND k.casttarget = o.opcintype
            AND k.castmethod = 'b' AND k.castcontext = 'i')))
)
SELECT c.oid::regclass::text, n.nspname, c.relname, c.relreplident::text,
       (SELECT string_agg(quote_ident(i.attname), ', ' ORDER BY i.attname) FROM incomparable i WHERE i.attrelid = c.oid)
{_TABLES} AND (c.relreplident = 'n'
    OR c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary
                                            AND i.indimmediate AND i.indisvalid)
    OR c.relreplident = 'i' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident)
    OR c.relreplident = 'f' AND EXISTS (SELECT FROM incomparable i WHERE i.attrelid = c.oid))
ORDER BY 1
"""
_MARKS_PUBLISHED = """
SELECT 1 FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE p.pubname = %s AND r.prrelid = 'zhenghe.marks'::regclass
"""
BATCH = 200
"""Tables that one statement locks."""


def keyless(connection: Any) -> list[tuple[Any, ...]]:
    """Return name, schema, table, identity and incomparable columns of tables whose rows have no usable key."""
    return rows(connection, _KEYLESS)


def give_identities(place: Place, connection: Any) -> None:
    """Have rows without a key found by all their columns; what they had is remembered first."""
    found = [one for one in keyless(connection) if one[3] != "f"]
    old = place.remembered().get("keyless", [])
    place.remember(keyless=old + [[name, schema, table, kind] for name, schema, table, kind, _ in found])
    for _, schema, table, _, _ in found:
        _set_identity(connection, schema, table, "FULL")


def restore_identities(place: Place, connection: Any, tables: list[list[str]]) -> None:
    """Give tables without a key the replica identity that they had."""
    for _, schema, table, kind in tables:
        exists = value(connection, "SELECT to_regclass(format('%%I.%%I', %s, %s)) IS NOT NULL", (schema, table))
        if exists:
            # An index that was dropped leaves the same behind as none.
            _set_identity(connection, schema, table, "DEFAULT" if kind == "d" else "NOTHING")
    place.remember(keyless=[])


def given_identities(place: Place, connection: Any) -> list[list[str]]:
    """Return the tables that were given another identity, in preparation and at gates, with what they had."""
    later = rows(connection, "SELECT 1 FROM pg_class WHERE oid = to_regclass('zhenghe.given') AND relowner = 10")
    found = rows(connection, "SELECT name, schema_name, table_name, identity FROM zhenghe.given") if later else []
    return [*place.remembered().get("keyless", []), *(list(one) for one in found)]


def keep_identities(place: Place, there: Any) -> None:
    """Have the other end find the rows of published tables whose key went unseen by all their columns."""
    fresh = set(unpublished(there, place.base))
    for _, schema, table, kind, _ in keyless(there):
        if kind != "f" and (schema, table) not in fresh:
            rows(there, "SELECT zhenghe.publish(%s, %s, true)", (schema, table))


def give_full_identity(connection: Any, schema: str, table: str) -> None:
    """Have a table's rows found by all their columns."""
    _set_identity(connection, schema, table, "FULL")


def _set_identity(connection: Any, schema: str, table: str, identity: str) -> None:
    # The lock is short but exclusive: whoever waits behind it must not wait for a long reader before it.
    statement = sql.SQL(f"ALTER TABLE {{}}.{{}} REPLICA IDENTITY {identity}")
    rows(connection, "SET lock_timeout = '300ms'")
    try:
        for _ in range(20):
            try:
                rows(connection, statement.format(sql.Identifier(schema), sql.Identifier(table)))
                return
            except errors.LockNotAvailable:
                continue
        raise Refused(f"{schema}.{table}: never free of other work", "run it at a quieter hour")
    finally:
        rows(connection, "SET lock_timeout = '15s'")


def publish(connection: Any, base: str) -> None:
    """Publish every table that there is, by name, with the table of marks."""
    name = sql.Identifier(base)
    if not rows(connection, "SELECT 1 FROM pg_publication WHERE pubname = %s", (base,)):
        rows(connection, sql.SQL("CREATE PUBLICATION {}").format(name))
    marks = rows(connection, _MARKS_PUBLISHED, (base,))
    tables = unpublished(connection, base) + ([] if marks else [("zhenghe", "marks")])
    for start in range(0, len(tables), BATCH):
        some = sql.SQL(", ").join([sql.SQL("ONLY ") + sql.Identifier(*one) for one in tables[start : start + BATCH]])
        rows(connection, sql.SQL("ALTER PUBLICATION {} ADD TABLE {}").format(name, some))


def unpublished(connection: Any, base: str) -> list[tuple[str, str]]:
    """Return schema and name of the tables that are not replicated."""
    return [(schema, table) for schema, table in rows(connection, _UNPUBLISHED, (base,))]
