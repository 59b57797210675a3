"""Tables that the source got or lost since the copy began, as a monthly job makes and drops them.

At the gate what is new is copied, too, under whatever name; what was dropped goes here as well.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils import zhenghe_pg_stream as stream
from ansible.module_utils.zhenghe_pg_asleep import put_to_sleep
from ansible.module_utils.zhenghe_pg_load import copy_schema
from ansible.module_utils.zhenghe_pg_place import Place, in_one, rows
from ansible.module_utils.zhenghe_pg_published import give_full_identity, keyless, publish, unpublished
from ansible.module_utils.zhenghe_pg_rewritten import files_noted, note_files
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused

_PRESENT = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'
"""
_PARTED = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'p' AND n.nspname !~ '^(pg_|information_schema$|zhenghe$)'
"""
# A partition gets its constraints and indexes from the table that it belongs to; the outer ones come first.
_PARTITIONS = """
WITH RECURSIVE below (oid, depth) AS (
    SELECT i.inhrelid, 1 FROM pg_inherits i WHERE NOT EXISTS (SELECT FROM pg_inherits o WHERE o.inhrelid = i.inhparent)
    UNION ALL SELECT i.inhrelid, depth + 1 FROM pg_inherits i JOIN below b ON b.oid = i.inhparent
)
SELECT n.nspname, c.relname, pn.nspname, p.relname, pg_get_expr(c.relpartbound, c.oid)
       || coalesce(' PARTITION BY ' || pg_get_partkeydef(c.oid), ''), r.rolname
FROM below b JOIN pg_class c ON c.oid = b.oid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_inherits i ON i.inhrelid = c.oid
JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_roles r ON r.oid = c.relowner
WHERE c.relispartition AND c.relkind IN ('r', 'p') ORDER BY b.depth
"""


def _attach(here: Any, partitions: list[tuple[Any, ...]]) -> None:
    for schema, table, parent_schema, parent, bound, owner in partitions:
        names = sql.Identifier(schema, table), sql.Identifier(parent_schema, parent)
        make = sql.SQL("CREATE TABLE {} PARTITION OF {} ").format(*names) + sql.SQL(bound)
        own = sql.SQL("ALTER TABLE {} OWNER TO {}").format(names[0], sql.Identifier(owner))
        try:
            in_one(here, [make, own])
        except Error as exc:
            raise Refused(
                f"partition {schema}.{table} came after the copy, and is not taken: {str(exc).strip()}",
                "make on the target by hand what it needs, or undo the preparation and prepare anew",
            ) from exc


_UNREADABLE = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname !~ '^(pg_|information_schema$|zhenghe$)'
  AND CASE WHEN c.relkind = 'S' THEN NOT (has_schema_privilege(n.oid, 'USAGE')
                                          AND has_sequence_privilege(c.oid, 'SELECT')) END
"""


def read_sequences(there: Any) -> None:
    """Have the source let the replication role read the sequences that came after the copy, too."""
    for sequence in rows(there, _UNREADABLE):
        rows(there, "SELECT zhenghe.show(%s, %s)", sequence)


# Dropping one with partitions would drop them, too, and the source may have kept them by themselves.
_PARENTS = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'p' AND n.nspname !~ '^(pg_|information_schema$|zhenghe$)'
  AND NOT (%s AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid))
"""
_PUBLISHED = "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = %s ORDER BY 1, 2"
_SUBSCRIBED = """
SELECT n.nspname, c.relname FROM pg_subscription_rel JOIN pg_subscription s ON s.oid = srsubid
JOIN pg_class c ON c.oid = srrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.subname = %s
"""


def bring_tables(place: Place, here: Any, there: Any) -> tuple[str, ...]:
    """Make such tables here and have them copied; return their names, none where there is none."""
    later = unpublished(there, place.base)
    # One that was killed may have published them; one that got another name is published under that.
    begun = set(rows(there, _PUBLISHED, (place.base,))) - set(rows(here, _SUBSCRIBED, (place.base,)))
    wanted = sorted({*later, *begun})
    parted = sorted(set(rows(there, _PARTED)) - set(rows(here, _PARTED)))
    if not (wanted or parted):
        return ()
    for table in (*parted, *wanted):
        rows(there, "SELECT zhenghe.show(%s, %s)", table)
    present = set(rows(here, _PRESENT))
    _make(place, here, there, [*parted, *(table for table in wanted if table not in present)])
    _empty(place, here, [table for table in wanted if table in present])
    by_all_columns = {(schema, table) for _, schema, table, kind, _ in keyless(there) if kind != "f"}
    for table in wanted:
        whole = table in by_all_columns
        if table in later:
            rows(there, "SELECT zhenghe.publish(%s, %s, %s)", (*table, whole))
        if whole:
            give_full_identity(here, *table)
    put_to_sleep(here, place.database)
    note_files(place, there, wanted)
    publish(here, place.base)
    _refresh(place, here)
    return tuple(f"{schema}.{table}" for schema, table in (*parted, *wanted))


def copy_again(place: Place, here: Any, there: Any, tables: list[tuple[str, str]]) -> None:
    """Have tables that are here copied anew; whoever is killed in it leaves tables that are not published."""
    for table in tables:
        rows(there, "SELECT zhenghe.withdraw(%s, %s)", table)
    _empty(place, here, tables)
    for table in tables:
        rows(there, "SELECT zhenghe.publish(%s, %s, false)", table)
    note_files(place, there, tables)
    _refresh(place, here)


def _make(place: Place, here: Any, there: Any, missing: list[tuple[str, str]]) -> None:
    partitions = [row for row in rows(there, _PARTITIONS) if row[:2] in missing]
    alone = [table for table in missing if table not in {row[:2] for row in partitions}]
    if alone:
        copy_schema(place, alone)
    _attach(here, partitions)


def _empty(place: Place, here: Any, tables: list[tuple[str, str]]) -> None:
    """Take the rows of tables that the source had under these names before: dropped there, and made anew."""
    if not tables:
        return
    # What is no longer published is no longer followed from here on, so that nothing of it comes any more.
    _refresh(place, here)
    emptied = [sql.SQL("DELETE FROM ONLY {}").format(sql.Identifier(*one)) for one in tables]
    in_one(here, [sql.SQL("SET LOCAL session_replication_role = replica"), *emptied])


def _refresh(place: Place, here: Any) -> None:
    rows(here, sql.SQL("ALTER SUBSCRIPTION {} REFRESH PUBLICATION").format(sql.Identifier(place.base)))


def drop_gone(place: Place, here: Any, there: Any) -> None:
    """Drop the tables here that were copied and that the source has dropped; one that something rests on is left."""
    known = files_noted(place)
    gone: list[tuple[Any, ...]] = sorted((set(rows(here, _PRESENT)) - set(rows(there, _PRESENT))) & known)
    if not gone or not stream.keeps_up(place, here, there, "verify", 1.0):
        # Its last rows may still be under way.
        return
    _drop(here, gone)
    kept = set(rows(there, _PARENTS, (False,)))
    _drop(here, [table for table in rows(here, _PARENTS, (True,)) if table not in kept])


def _drop(here: Any, tables: list[tuple[Any, ...]]) -> None:
    """Drop tables, as long as one goes: one may stand in the way of another."""
    gone = tables
    left: list[tuple[Any, ...]] = []
    while gone != left:
        left, gone = gone, [table for table in gone if not _dropped(here, table)]


def _dropped(here: Any, table: tuple[Any, ...]) -> bool:
    try:
        rows(here, sql.SQL("DROP TABLE {}").format(sql.Identifier(*table)))
    except Error:
        return False
    return True
