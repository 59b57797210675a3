"""Whether triggers and foreign keys are enabled: brought to what they are at the other end.

A trigger that fires for replication, too, stays asleep here while this end follows, and is noted to be woken so. The
triggers of foreign keys come with no dump: what somebody disabled at the source would be enabled here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible.module_utils.zhenghe_pg_asleep import asleep, noted
from ansible.module_utils.zhenghe_pg_place import in_one, rows
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

KINDS = ("states of triggers", "states of foreign keys")
_TRIGGERS = """
SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgconstraint = 0 AND format('%%I.%%I %%I', n.nspname, c.relname, t.tgname) = %s
"""
_OF_KEYS = """
WITH RECURSIVE top (oid, root) AS (
    SELECT oid, oid FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
    UNION ALL SELECT k.oid, top.root FROM pg_constraint k JOIN top ON k.conparentid = top.oid)
SELECT n.nspname, c.relname, t.tgname FROM pg_trigger t JOIN top ON top.oid = t.tgconstraint
JOIN pg_constraint k ON k.oid = top.root JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE format('%%I.%%I %%I of %%s', n.nspname, c.relname, k.conname, k.conrelid::regclass) = %s
"""
_LETTERS = {"enabled": "O", "always": "A", "replica": "R"}

Difference = tuple[str, str, "str | None", "str | None"]


def bring_states(here: Any, database: str, different: Iterable[Difference]) -> list[tuple[str, str]]:
    """Bring over the states among the differences of a comparison in which the other end comes first."""
    brought = []
    for kind, name, wanted, present in different:
        if kind in KINDS and wanted and present and _brought(here, database, kind, name, wanted):
            brought.append((kind, name))
    return brought


def _brought(here: Any, database: str, kind: str, name: str, wanted: str) -> bool:
    if kind == "states of foreign keys":
        # A key that is checked for replicated rows, too, was made so by a superuser's own hand: told, not copied.
        if wanted not in ("enabled", "disabled"):
            return False
        changes = [_altered(one, disabled=wanted == "disabled") for one in rows(here, _OF_KEYS, (name,))]
    else:
        changes = [each for one in rows(here, _TRIGGERS, (name,)) for each in _restated(here, database, one, wanted)]
    try:
        in_one(here, changes)
    except Error:
        return False
    return bool(changes)


def _restated(here: Any, database: str, trigger: tuple[Any, ...], wanted: str) -> list[Any]:
    kept = {what: list(those) for what, those in asleep(here, database).items()}
    triggers = [one for one in kept.get("triggers", []) if tuple(one[:3]) != trigger]
    sleeps = wanted in ("always", "replica")
    if sleeps:
        triggers.append([*trigger, _LETTERS[wanted]])
    changes = [_altered(trigger, disabled=wanted != "enabled")]
    if kept or triggers:
        changes.append(noted(database, {**kept, "triggers": triggers}))
    return changes


def _altered(trigger: tuple[Any, ...], *, disabled: bool) -> Any:
    schema, table, name = trigger
    verb = "DISABLE" if disabled else "ENABLE"
    return sql.SQL(f"ALTER TABLE ONLY {{}} {verb} TRIGGER {{}}").format(
        sql.Identifier(schema, table), sql.Identifier(name)
    )
