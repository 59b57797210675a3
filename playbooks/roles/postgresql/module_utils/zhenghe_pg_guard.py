"""Definitions of a department are made by a superuser, but no function of its owners runs with a superuser's rights.

Some statements run functions at once: a generated column, the key of a partitioned table or a check may call one with
constants alone, and that call is made while the statement is planned. So while a schema is loaded every function that
is made, or there already, is SECURITY DEFINER, and what one owner defines later is made inside a function of that
owner: there nobody becomes the superuser again, which `SET ROLE` by itself would allow.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ansible.module_utils.zhenghe_pg_place import in_one, rows
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

_ORDINARY = "p.prokind = 'f' AND NOT p.prosecdef AND l.lanname NOT IN ('internal', 'c')"
_HOLD = f"""
CREATE SCHEMA IF NOT EXISTS zhenghe;
CREATE TABLE zhenghe.guarded (function oid PRIMARY KEY);
CREATE FUNCTION zhenghe.guard() RETURNS event_trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT p.oid, p.oid::regprocedure::text AS signature FROM pg_event_trigger_ddl_commands() d
        JOIN pg_proc p ON p.oid = d.objid JOIN pg_language l ON l.oid = p.prolang
        WHERE d.classid = 'pg_proc'::regclass AND {_ORDINARY}
    LOOP
        INSERT INTO zhenghe.guarded VALUES (made.oid) ON CONFLICT DO NOTHING;
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER', made.signature);
    END LOOP;
END
$$;
CREATE EVENT TRIGGER zhenghe_guard ON ddl_command_end WHEN TAG IN ('CREATE FUNCTION') EXECUTE PROCEDURE zhenghe.guard();
ALTER EVENT TRIGGER zhenghe_guard ENABLE ALWAYS;
DO $$
DECLARE
    there record;
BEGIN
    FOR there IN SELECT p.oid, p.oid::regprocedure::text AS signature FROM pg_proc p
        JOIN pg_language l ON l.oid = p.prolang JOIN pg_roles r ON r.oid = p.proowner
        WHERE {_ORDINARY} AND NOT r.rolsuper
    LOOP
        INSERT INTO zhenghe.guarded VALUES (there.oid);
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER', there.signature);
    END LOOP;
END
$$
"""  # noqa: S608 - nothing of it is anybody's word
_RELEASE = """
DO $$
DECLARE
    signature text;
BEGIN
    IF to_regclass('zhenghe.guarded') IS NULL THEN
        RETURN;
    END IF;
    FOR signature IN EXECUTE
        'SELECT p.oid::regprocedure::text FROM zhenghe.guarded g JOIN pg_proc p ON p.oid = g.function'
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY INVOKER', signature);
    END LOOP;
    DROP EVENT TRIGGER IF EXISTS zhenghe_guard;
    DROP FUNCTION IF EXISTS zhenghe.guard();
    DROP TABLE zhenghe.guarded;
END
$$
"""
_AS_OWNER = """
CREATE FUNCTION zhenghe.as_owner(step text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    AS $$ BEGIN EXECUTE step; END $$;
ALTER FUNCTION zhenghe.as_owner(text) OWNER TO {owner}
"""


@contextlib.contextmanager
def guarded(connection: Any) -> Iterator[None]:
    """Have every function of others run as its owner as long as the block lasts."""
    in_one(connection, [sql.SQL(_RELEASE), sql.SQL(_HOLD)])
    try:
        yield
    finally:
        release(connection)


def release(connection: Any) -> None:
    """Give functions back what they had, also where whoever guarded them was killed."""
    in_one(connection, [sql.SQL(_RELEASE)])


def done_by(connection: Any, owner: str, steps: Sequence[str]) -> None:
    """Run statements as a role that cannot leave it, within a transaction; without a role, as whoever runs the move."""
    if not owner:
        for step in steps:
            rows(connection, sql.SQL(step))
        return
    rows(connection, sql.SQL(_AS_OWNER).format(owner=sql.Identifier(owner)))
    for step in steps:
        rows(connection, "SELECT zhenghe.as_owner(%s)", (step,))
    rows(connection, "DROP FUNCTION zhenghe.as_owner(text)")
