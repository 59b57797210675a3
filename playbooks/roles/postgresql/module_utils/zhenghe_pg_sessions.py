"""How an entry may share its connections to a database: by what clients were seen to keep in a session.

By transaction, what one client keeps in its session is lost, or another's. So that is chosen only where statements
were counted and none of them keeps anything; where nobody counted, nothing is known, and each client has a session.
"""

# ruff: noqa: S608, ISC004 - the statements are put together from the texts of this file alone

from __future__ import annotations

from typing import Any, NamedTuple

from ansible.module_utils.zhenghe_pg_place import rows
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

_LOCK = r"\mpg_(try_)?advisory_lock(_shared)?\s*\("
_TEMPORARY = r"\mcreate\s+(local\s+|global\s+)?temp(orary)?\M"
_FOR_GOOD = r"\mset_config\s*\([^;]*,\s*(false|\$\d+)\s*\)"
_STATEMENT = (
    r"^\s*(set\s+(?!local\M|transaction\M|constraints\M)|prepare\s+(?!transaction\M)|listen\M|discard\M|load\M|"
    r"declare\s+.*\swith\s+hold\M)"
)
_SEEN = (
    ("temporary tables", "SELECT 'there were some' FROM pg_namespace WHERE nspname ~ '^pg_temp_' LIMIT 1"),
    (
        "advisory locks",
        "SELECT DISTINCT a.usename::text FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND a.datname = current_database() AND a.xact_start IS NULL",
    ),
    (
        "LISTEN",
        "SELECT DISTINCT usename::text FROM pg_stat_activity WHERE datname = current_database() "
        r"AND query ~* '^\s*listen\M'",
    ),
    (
        "statements that a driver prepares",
        "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name ~* '(jdbc|npgsql)'",
    ),
    (
        "functions that keep something",
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace "
        "JOIN pg_language l ON l.oid = prolang WHERE l.lanname <> 'c' AND l.lanname <> 'internal' "
        "AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'zhenghe') "
        f"AND prosrc ~* '({_LOCK}|{_TEMPORARY}|{_FOR_GOOD})'",
    ),
)
# The extension's own function, not a view of somebody's that has its name.
_COUNTER = """
SELECT n.nspname FROM pg_extension e JOIN pg_depend d ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE e.extname = 'pg_stat_statements' AND p.proname = 'pg_stat_statements' AND l.lanname = 'c'
"""
_COUNTED = """
SELECT count(*), array_agg(left(query, 60)) FILTER (WHERE query ~* %(kept)s)
FROM {}.pg_stat_statements(true) s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.userid
WHERE d.datname = current_database() AND NOT r.rolsuper AND r.rolname !~ '^zhenghe_'
"""
_KEPT = f"({_STATEMENT}|{_LOCK}|{_TEMPORARY}|{_FOR_GOOD})"
_NOW = """
SELECT count(*) FROM pg_stat_activity JOIN pg_roles ON usename = rolname
WHERE datname = current_database() AND backend_type = 'client backend' AND NOT rolsuper AND rolname !~ '^zhenghe_'
"""
_SHOWN = 3


class Sharing(NamedTuple):
    """How connections are shared, why, and how many clients there are at this moment."""

    pooling: str
    why: list[str]
    clients: int


def sharing(connection: Any, declared: str = "") -> Sharing:
    """Say how an entry before this database may share connections; what a person declared holds, whatever was seen."""
    seen = []
    for what, question in _SEEN:
        names = [str(name) for (name,) in rows(connection, question)]
        if names:
            seen.append(_listed(what, names))
    count, kept = _counted(connection)
    if kept:
        seen.append(_listed("statements", kept))
    clients = int(rows(connection, _NOW)[0][0])
    if declared:
        return Sharing(declared, ["it is declared", *seen], clients)
    if seen:
        return Sharing("session", seen, clients)
    if not count:
        return Sharing("session", ["not known: pg_stat_statements has counted no statement here"], clients)
    return Sharing("transaction", [f"none of {count} kinds of statements keeps anything in a session"], clients)


def _listed(what: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what}: {', '.join(names[:_SHOWN])}{more}"


def _counted(connection: Any) -> tuple[int, list[str]]:
    try:
        for (schema,) in rows(connection, _COUNTER):
            count, kept = rows(connection, sql.SQL(_COUNTED).format(sql.Identifier(schema)), {"kept": _KEPT})[0]
            return int(count), [" ".join(str(one).split()) for one in kept or ()]
    except Error:
        # It is installed, but the server was not started with it.
        pass
    return 0, []
