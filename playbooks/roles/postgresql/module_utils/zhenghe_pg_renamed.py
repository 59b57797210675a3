"""Tables that got another name or schema at the source since they were copied: a table's number there stays the same.

Rows under way may still bear the old name, so the rows of such tables are compared at the gate.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_pg_place import Place, in_one, rows
from ansible.module_utils.zhenghe_pg_rewritten import FILES, noted
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

Table = tuple[str, str]
_SCHEMAS = "SELECT nspname FROM pg_namespace"


def bring_names(place: Place, here: Any, there: Any) -> None:
    """Give tables here the names that they have at the source; where one is taken, all of them keep theirs."""
    moved = _moved(place, there)
    if not moved:
        return
    ours, theirs = ({name for (name,) in rows(end, _SCHEMAS)} for end in (here, there))
    schemas = {(old[0], new[0]) for old, new in moved.items() if old[0] not in theirs and new[0] not in ours}
    if len({old for old, _ in schemas}) == len(schemas) == len({new for _, new in schemas}):
        renamed = dict(schemas)
    else:
        renamed = {}
    steps = [sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(*map(sql.Identifier, pair)) for pair in renamed.items()]
    begun = {(renamed.get(old[0], old[0]), old[1]): new for old, new in moved.items()}
    kept = place.remembered().get("files") or {}
    left = {key: one for key, one in kept.items() if key not in {_key(old) for old in moved}}
    # Noted without a file they are compared; whoever is killed in between has noted it.
    place.remember(files={**left, **{_key(new): [] for new in moved.values()}})
    try:
        in_one(here, [*steps, *_renaming({old: new for old, new in begun.items() if old != new})])
    except Error:
        place.remember(files=kept)


def _moved(place: Place, there: Any) -> dict[Table, Table]:
    now = {row[2]: (row[0], row[1]) for row in rows(there, FILES)}
    known = {table: number for table, number in noted(place).items() if number in now}
    return {table: now[number] for table, number in known.items() if now[number] != table}


def _renaming(moved: dict[Table, Table]) -> list[Any]:
    """Return the statements that rename tables, by names of their own in between: one may take another's name."""
    between = {old: f"zhenghe_{number}" for number, old in enumerate(sorted(moved))}
    aside, back = [], []
    for old, new in sorted(moved.items()):
        own = sql.Identifier(between[old])
        aside.append(sql.SQL("ALTER TABLE {} RENAME TO {}").format(sql.Identifier(*old), own))
        if old[0] != new[0]:
            table = sql.Identifier(old[0], between[old])
            back.append(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(table, sql.Identifier(new[0])))
        table = sql.Identifier(new[0], between[old])
        back.append(sql.SQL("ALTER TABLE {} RENAME TO {}").format(table, sql.Identifier(new[1])))
    return [*aside, *back]


def _key(table: Table) -> str:
    return "\n".join(table)
