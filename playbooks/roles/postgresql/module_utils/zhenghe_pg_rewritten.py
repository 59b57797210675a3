"""Tables whose rows were written anew since they were copied, by ALTER TABLE ... TYPE ... USING or the like.

Replication tells nothing of that: only the rows themselves do. A table that was rewritten has another file at the
source; so has one that was truncated or vacuumed in full, which changes nothing. So its rows are compared at the gate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible.module_utils.zhenghe_pg_compare import Behind, Ends, different_rows
from ansible.module_utils.zhenghe_pg_place import Place, rows

FILES = """
SELECT n.nspname, c.relname, c.oid::bigint, pg_relation_filenode(c.oid)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^(pg_|information_schema$|zhenghe$)'
"""


def note_files(place: Place, there: Any, tables: Iterable[tuple[str, str]] | None = None) -> None:
    """Remember in which files the source's tables lie, before they are copied: of these tables, or of all anew."""
    chosen = None if tables is None else set(tables)
    kept = {} if chosen is None else place.remembered().get("files", {})
    now = {_key(row): list(row[2:]) for row in rows(there, FILES) if chosen is None or row[:2] in chosen}
    place.remember(files={**kept, **now})


def files_noted(place: Place) -> set[tuple[str, str]]:
    """Return the tables whose copy was begun here."""
    noted = (key.partition("\n") for key in place.remembered().get("files") or ())
    return {(schema, table) for schema, _, table in noted}


def noted(place: Place) -> dict[tuple[str, str], int]:
    """Return the tables whose copy was begun here, with the number that each had at the source."""
    kept = place.remembered().get("files") or {}
    parts = ((key.partition("\n"), one) for key, one in kept.items() if one)
    return {(schema, table): int(one[0]) for (schema, _, table), one in parts}


def suspect(place: Place, tables: Iterable[tuple[str, str]]) -> None:
    """Have the rows of tables compared when they are asked for next."""
    kept = place.remembered().get("files")
    if kept is not None:
        place.remember(files={**kept, **{_key(table): [] for table in tables}})


def rewritten(place: Place, there: Any, *, change: bool) -> dict[tuple[str, str], int]:
    """Return the tables that were rewritten at the source, and in how many rows they differ from what is here.

    With change, those that do not differ are remembered.
    """
    kept = place.remembered().get("files")
    if kept is None:
        # A copy that was begun without it: what was rewritten before cannot be known.
        return {}
    now = {_key(row): row for row in rows(there, FILES)}
    changed = [row for key, row in now.items() if key in kept and kept[key] != list(row[2:])]
    if not changed:
        return {}
    differ = _different(place, [(row[0], row[1]) for row in changed])
    if change:
        equal = {_key(row): list(row[2:]) for row in changed if (row[0], row[1]) not in differ}
        place.remember(files={**kept, **equal})
    return differ


def told(tables: dict[tuple[str, str], int]) -> tuple[str, ...]:
    """Say for people which tables were rewritten."""
    return tuple(
        f"table {schema}.{table} was rewritten on the source (ALTER TABLE ... TYPE ... USING, ADD COLUMN or the like), "
        f"of which replication tells nothing: {number} rows differ; the gate has it copied anew"
        for (schema, table), number in tables.items()
    )


def _different(place: Place, tables: list[tuple[str, str]]) -> dict[tuple[str, str], int]:
    ends = Ends(place)
    try:
        ends.catch_up()
        return different_rows(ends, tables)[0]
    except Behind:
        # What keeps it behind is told by itself, and this is asked again.
        return {}


def _key(row: tuple[Any, ...]) -> str:
    return f"{row[0]}\n{row[1]}"
