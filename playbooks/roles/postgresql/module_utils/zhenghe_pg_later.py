"""Tables that the source got since the copy began, as a monthly job makes them: at the gate they are copied, too."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_pg_asleep import put_to_sleep
from ansible.module_utils.zhenghe_pg_load import copy_schema
from ansible.module_utils.zhenghe_pg_place import Place, in_one, rows
from ansible.module_utils.zhenghe_pg_published import give_full_identity, keyless, publish, unpublished
from ansible.module_utils.zhenghe_pg_rewritten import note_files
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused

_PRESENT = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'
"""


# A partition gets its constraints and indexes from the table that it belongs to.
_PARTITIONS = """
SELECT n.nspname, c.relname, pn.nspname, p.relname, pg_get_expr(c.relpartbound, c.oid), r.rolname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits i ON i.inhrelid = c.oid
JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_roles r ON r.oid = c.relowner
WHERE c.relispartition AND c.relkind = 'r'
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


def bring_tables(place: Place, here: Any, there: Any) -> tuple[str, ...]:
    """Make such tables here and have them copied; return their names, none where there is none."""
    later = unpublished(there, place.base)
    if not later:
        return ()
    for table in later:
        rows(there, "SELECT zhenghe.show(%s, %s)", table)
    present = set(rows(here, _PRESENT))
    missing = [table for table in later if table not in present]
    partitions = [row for row in rows(there, _PARTITIONS) if row[:2] in missing]
    _attach(here, partitions)
    alone = [table for table in missing if table not in {row[:2] for row in partitions}]
    if alone:
        copy_schema(place, alone)
    by_all_columns = {(schema, table) for _, schema, table, kind, _ in keyless(there) if kind != "f"}
    for table in later:
        whole = table in by_all_columns
        rows(there, "SELECT zhenghe.publish(%s, %s, %s)", (*table, whole))
        if whole:
            give_full_identity(here, *table)
    put_to_sleep(here, place.database)
    note_files(place, there, later)
    publish(here, place.base)
    rows(here, sql.SQL("ALTER SUBSCRIPTION {} REFRESH PUBLICATION").format(sql.Identifier(place.base)))
    return tuple(f"{schema}.{table}" for schema, table in later)
