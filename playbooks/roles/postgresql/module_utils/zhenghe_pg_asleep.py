"""What sleeps in a database while it follows: code of its owners that would run with all rights, or twice.

The worker that applies changes is a superuser's. Triggers that fire for it (ENABLE ALWAYS, ENABLE REPLICA) fired at the
other end before, and event triggers fire for what the move does: they are disabled. Functions in constraints, indexes
and ranges are evaluated for every row, and those in statistics and in the defaults of functions' arguments whenever a
statement is planned: they run with the rights of their owner, as SECURITY DEFINER, instead of those of the worker.
What was changed is kept as the database's setting zhenghe.asleep, so that the other end can read it, and is changed
back in the transaction that lets clients in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.zhenghe_pg_place import database_settings, in_one, rows, value
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

_TRIGGERS = """
SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgenabled IN ('A', 'R') AND t.tgconstraint = 0 AND n.nspname <> 'zhenghe' ORDER BY 1, 2, 3
"""
_EVENT_TRIGGERS = """
SELECT evtname, evtenabled::text FROM pg_event_trigger WHERE evtenabled <> 'D' AND evtname !~ '^zhenghe_' ORDER BY 1
"""
_FUNCTIONS = """
WITH RECURSIVE used AS (
    SELECT refclassid, refobjid FROM pg_depend
    WHERE classid IN ('pg_constraint'::regclass, 'pg_class'::regclass, 'pg_attrdef'::regclass, 'pg_type'::regclass,
                      'pg_statistic_ext'::regclass)
      AND refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
    UNION SELECT next.refclassid, next.refobjid FROM used u, LATERAL (
        SELECT 'pg_proc'::regclass::oid AS refclassid, o.oprcode::oid AS refobjid FROM pg_operator o
        WHERE u.refclassid = 'pg_operator'::regclass AND u.refobjid = o.oid
        UNION ALL SELECT d.refclassid, d.refobjid FROM pg_depend d
        WHERE u.refclassid = 'pg_proc'::regclass AND d.classid = u.refclassid AND d.objid = u.refobjid
          AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
    ) next
)
SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)
FROM used u JOIN pg_proc p ON p.oid = u.refobjid JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang JOIN pg_roles r ON r.oid = p.proowner
WHERE u.refclassid = 'pg_proc'::regclass AND l.lanname NOT IN ('internal', 'c') AND p.prokind = 'f'
  AND NOT p.prosecdef AND NOT r.rolsuper AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, 3
"""
_STATES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}

Asleep = Mapping[str, list[list[str]]]


def asleep(connection: Any, database: str) -> Asleep:
    """Return what sleeps: triggers and event_triggers with their states, functions; nothing where none of it does."""
    found: dict[str, list[list[str]]] = json.loads(database_settings(connection, database).get("zhenghe.asleep", "{}"))
    return found


def put_to_sleep(connection: Any, database: str) -> None:
    """Have nothing of the owners' run for what is applied here; what sleeps already goes on sleeping."""
    in_one(connection, sleeping(connection, database))


def sleeping(connection: Any, database: str) -> list[Any]:
    """Return the statements that put what is awake to sleep, and note it; None where nothing is."""
    kept = asleep(connection, database)
    found = {
        "triggers": [list(one) for one in rows(connection, _TRIGGERS)],
        "event_triggers": [list(one) for one in rows(connection, _EVENT_TRIGGERS)],
        "functions": [list(one) for one in rows(connection, _FUNCTIONS)],
    }
    if not any(found.values()):
        return []
    before = {what: [one for one in kept.get(what, []) if one not in new] for what, new in found.items()}
    setting = noted(database, {what: before[what] + new for what, new in found.items()})
    return [setting, *_changes(connection, found, awake=False)]


def forgetting(connection: Any, database: str, signature: str) -> list[Any]:
    """Return the statements that note no more of a function, because it was made anew as it is awake."""
    kept = asleep(connection, database)
    functions = kept.get("functions", [])
    left = [one for one in functions if _signature(connection, one) != signature]
    return [noted(database, {**kept, "functions": left})] if left != functions else []


def noted(database: str, what: Asleep) -> Any:
    """Return the statement that notes what sleeps."""
    note = sql.Literal(json.dumps(what, ensure_ascii=False))
    return sql.SQL("ALTER DATABASE {} SET zhenghe.asleep = {}").format(sql.Identifier(database), note)


def waking(connection: Any, database: str) -> list[Any]:
    """Return the statements that give everything its state back."""
    kept = asleep(connection, database)
    if not kept:
        return []
    reset = sql.SQL("ALTER DATABASE {} RESET zhenghe.asleep").format(sql.Identifier(database))
    return [*_changes(connection, kept, awake=True), reset]


def _changes(connection: Any, what: Asleep, *, awake: bool) -> list[Any]:
    changes = []
    # What was dropped since has nothing to wake.
    for schema, table, name, state in _there(connection, _TRIGGER, what.get("triggers", [])):
        verb = _STATES[state] if awake else "DISABLE"
        table_name = sql.Identifier(schema, table)
        changes.append(sql.SQL(f"ALTER TABLE ONLY {{}} {verb} TRIGGER {{}}").format(table_name, sql.Identifier(name)))
    for name, state in _there(connection, _EVENT_TRIGGER, what.get("event_triggers", [])):
        verb = _STATES[state] if awake else "DISABLE"
        changes.append(sql.SQL(f"ALTER EVENT TRIGGER {{}} {verb}").format(sql.Identifier(name)))
    for one in what.get("functions", []):
        signature = _signature(connection, one)
        rights = "INVOKER" if awake else "DEFINER"
        if signature:
            changes.append(sql.SQL(f"ALTER FUNCTION {signature} SECURITY {rights}"))
    return changes


_TRIGGER = """
SELECT 1 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND t.tgname = %s
"""
_EVENT_TRIGGER = "SELECT 1 FROM pg_event_trigger WHERE evtname = %s"


def _there(connection: Any, question: str, noted: list[list[str]]) -> list[list[str]]:
    return [one for one in noted if rows(connection, question, tuple(one[:-1]))]


def _signature(connection: Any, function: list[str]) -> str | None:
    # The server's own writing of a function's arguments cannot be quoted once more; it has to name one, too.
    found = value(
        connection,
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE pronamespace = to_regnamespace(quote_ident(%s)) "
        "AND proname = %s AND pg_get_function_identity_arguments(oid) = %s",
        tuple(function),
    )
    return None if found is None else str(found)
