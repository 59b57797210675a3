"""All sequences of a database at once: a pause must not grow with their number more than it has to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.module_utils.zhenghe_pg_description import CLASS
from ansible.module_utils.zhenghe_pg_place import rows
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

Value = Sequence[Any]
"""Schema, name, last value, whether that value was given out."""
_OF = f"""
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND {CLASS}
"""
_CALLED = f"SELECT n.nspname, c.relname, pg_sequence_last_value(c.oid::regclass), true {_OF} ORDER BY 1, 2"
AT_ONCE = 100
"""A statement over many sequences takes the planner a time that grows with the square of their number."""


def read(connection: Any, uncalled: Sequence[tuple[str, str]]) -> list[tuple[Any, ...]]:
    """Return the values of all sequences; `uncalled` gave no number yet when they were last looked for."""
    found = rows(connection, _CALLED)
    names = {(schema, name) for schema, name, last, _ in found if last is None}
    # One that was called before may have been set back to its beginning since.
    wanted = [one for one in uncalled if one in names] + sorted(names - set(uncalled))
    return [row for row in found if row[2] is not None] + _one_by_one(connection, wanted)


def sent(values: Sequence[Value]) -> list[list[Any]]:
    """Return values as JSON takes them: names may be no text, so their bytes are written as letters."""

    def letters(name: str) -> str:
        return name.encode(errors="surrogateescape").decode("latin-1")

    return [[letters(schema), letters(name), *rest] for schema, name, *rest in values]


def received(values: Sequence[Value]) -> list[list[Any]]:
    """Return values that were sent."""

    def name_of(letters: str) -> str:
        return letters.encode("latin-1").decode(errors="surrogateescape")

    return [[name_of(schema), name_of(name), *rest] for schema, name, *rest in values]


def uncalled(connection: Any) -> tuple[tuple[str, str], ...]:
    """Return the sequences that have given no number yet: their values stand in no catalogue."""
    return tuple((schema, name) for schema, name, last, _ in rows(connection, _CALLED) if last is None)


def write(connection: Any, values: Sequence[Value]) -> None:
    """Bring sequences to their values, in one statement."""
    columns = [list(column) for column in zip(*values)] or [[], [], [], []]
    rows(
        connection,
        "SELECT count(setval(format('%%I.%%I', s, n)::regclass, v, c)) "
        "FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::boolean[]) AS given (s, n, v, c)",
        columns,
    )


def _one_by_one(connection: Any, names: Sequence[tuple[str, str]]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(names), AT_ONCE):
        each = [
            sql.SQL("SELECT {}, {}, last_value, is_called FROM {}.{}").format(
                sql.Literal(schema), sql.Literal(name), sql.Identifier(schema), sql.Identifier(name)
            )
            for schema, name in names[start : start + AT_ONCE]
        ]
        found += rows(connection, sql.SQL(" UNION ALL ").join(each))
    return found
