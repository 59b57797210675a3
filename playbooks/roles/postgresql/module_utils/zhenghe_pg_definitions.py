"""Views, functions, policies and row security that changed after the copy: brought over at the gate, rows untouched.

Each definition is the text of the source's own server, and is run here as the role that owns the object: what its owner
may not do is not done. What is not taken stays as it is, and is told as a difference afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ansible.module_utils.zhenghe_pg_description import CLASS, ROUTINE
from ansible.module_utils.zhenghe_pg_place import in_one, rows
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

_VIEWS = f"""
SELECT format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner),
       format('CREATE OR REPLACE VIEW %I.%I %s AS %s', n.nspname, c.relname,
              'WITH (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid)),
       format('DROP VIEW %I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND {CLASS}
"""  # noqa: S608
_FUNCTIONS = f"""
SELECT p.oid::regprocedure::text, pg_get_userbyid(p.proowner), pg_get_functiondef(p.oid),
       'DROP ROUTINE ' || p.oid::regprocedure
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind IN ('f', 'p') AND l.lanname IN ('sql', 'plpgsql') AND {ROUTINE}
"""  # noqa: S608
_POLICIES = f"""
SELECT format('%I.%I %I', n.nspname, c.relname, p.polname), pg_get_userbyid(c.relowner),
       format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s%s%s', p.polname, n.nspname, c.relname,
              CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
              CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                            ELSE 'ALL' END,
              r.names, ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
              ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
       format('DROP POLICY %I ON %I.%I', p.polname, n.nspname, c.relname)
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL
     (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END, ', ' ORDER BY o::regrole::text) AS names
      FROM unnest(p.polroles) o) r
WHERE {CLASS}
"""  # noqa: S608
_ROW_SECURITY = f"""
SELECT format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner),
       format('ALTER TABLE %I.%I %s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY', n.nspname, c.relname,
              CASE WHEN c.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END,
              CASE WHEN c.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END), ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND {CLASS}
"""  # noqa: S608
_ASKED = {"functions": _FUNCTIONS, "views": _VIEWS, "policies": _POLICIES, "relations": _ROW_SECURITY}
_LOOSE = (sql.SQL("SET LOCAL check_function_bodies = off"),)
"""A function may name what comes after it, as in a dump."""


class Defined(NamedTuple):
    """An object: its owner, what makes it, and what drops it."""

    owner: str
    make: str
    drop: str


def bring_definitions(here: Any, there: Any, different: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Bring over what differs, by kind and name as a comparison tells it; return what was brought."""
    left = [one for one in different if one[0] in _ASKED]
    brought: list[tuple[str, str]] = []
    # One may need another: whatever is not taken is tried again as long as another one was.
    while left:
        taken = [one for kind in _ASKED for one in _taken(here, there, kind, [name for of, name in left if of == kind])]
        brought += taken
        left = [one for one in left if one not in taken]
        if not taken:
            break
    return brought


def _taken(here: Any, there: Any, kind: str, names: list[str]) -> list[tuple[str, str]]:
    if not names:
        return []
    theirs, ours = (_read(end, _ASKED[kind]) for end in (there, here))
    return [(kind, name) for name in names if _made(here, kind, theirs.get(name), ours.get(name))]


def _made(here: Any, kind: str, wanted: Defined | None, present: Defined | None) -> bool:
    if wanted is None and (present is None or not present.drop):
        return False
    steps = [present.drop] if present and (wanted is None or kind == "policies") else []
    steps += [wanted.make] if wanted else []
    owner = wanted.owner if wanted else present.owner if present else ""
    role = sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner))
    try:
        in_one(here, [role, *_LOOSE, *(sql.SQL(_literally(step)) for step in steps)])
    except Error:
        return False
    return True


def _literally(text: str) -> str:
    return text.rstrip().rstrip(";")


def _read(connection: Any, question: str) -> dict[str, Defined]:
    return {
        str(name): Defined(str(owner), str(make), str(drop)) for name, owner, make, drop in rows(connection, question)
    }
