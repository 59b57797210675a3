"""Who owns what, what new objects of a role are open to, and how roles log in at foreign servers: brought over.

Nothing of it touches a row. Names are quoted by the server's rules; options of user mappings may be secrets, and are
never told.
"""

# ruff: noqa: S608 - the statements are put together from the texts of this file alone

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.zhenghe_pg_description import CLASS, OWN, ROUTINE, TYPE
from ansible.module_utils.zhenghe_pg_place import rows
from ansible.module_utils.zhenghe_pg_schema import OTHER_OWNED, TYPES_OF_OWNERS
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

# A sequence of a column follows its table.
_OWNERS = f"""
SELECT 'TABLE', format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {CLASS} AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    AND c.relkind = 'S' AND d.refobjsubid > 0)
UNION ALL SELECT 'SCHEMA', quote_ident(n.nspname), pg_get_userbyid(n.nspowner) FROM pg_namespace n
WHERE {OWN.format(oid="n.oid", catalogue="pg_namespace")}
UNION ALL SELECT 'TYPE', t.oid::regtype::text, pg_get_userbyid(t.typowner)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {TYPES_OF_OWNERS} AND {TYPE}
UNION ALL SELECT 'ROUTINE', p.oid::regprocedure::text, pg_get_userbyid(p.proowner)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {ROUTINE}
UNION ALL SELECT 'DATABASE', quote_ident(datname), pg_get_userbyid(datdba) FROM pg_database
WHERE datname = current_database()
UNION ALL
SELECT CASE i.type WHEN 'statistics object' THEN 'STATISTICS' WHEN 'foreign-data wrapper' THEN 'FOREIGN DATA WRAPPER'
                   ELSE upper(i.type) END, i.identity, pg_get_userbyid(o.owner)
FROM ({OTHER_OWNED}) o (class, oid, owner), LATERAL pg_identify_object(o.class, o.oid, 0) i
WHERE o.oid >= 16384 AND i.identity !~ '^zhenghe_'
"""
_DEFAULT_RIGHTS = """
SELECT r.rolname, coalesce(n.nspname, ''), d.defaclobjtype::text, coalesce(g.rolname, ''), a.privilege_type,
       a.is_grantable
FROM ({acls}) d (defaclrole, defaclnamespace, defaclobjtype, acl) JOIN pg_roles r ON r.oid = d.defaclrole
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.acl) a LEFT JOIN pg_roles g ON g.oid = a.grantee
"""
_KEPT = "SELECT defaclrole, defaclnamespace, defaclobjtype, defaclacl FROM pg_default_acl"
# Where nothing is kept for a role, it has what the server gives by itself; in a schema that is nothing.
_BY_ITSELF = """
SELECT r.oid, 0::oid, k.kind::"char", acldefault(CASE k.kind WHEN 'S' THEN 's' ELSE k.kind END::"char", r.oid)
FROM unnest(%s::text[], %s::text[]) k (role, kind) JOIN pg_roles r ON r.rolname = k.role
"""
_OBJECTS = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS"}
_PRIVILEGES = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN", "USAGE", "EXECUTE",
    "CREATE",
)  # fmt: skip
_MAPPINGS = "SELECT server, coalesce(of, ''), options FROM zhenghe.mappings()"


def owners(inside: Any, there: Any) -> list[Any]:
    """Return the statements that give what is at both ends the owners that it has at the other one."""
    present = {row[:2]: row[2] for row in rows(inside, _OWNERS)}
    return [
        sql.SQL(f"ALTER {word} {name} OWNER TO ") + sql.Identifier(owner)
        for word, name, owner in rows(there, _OWNERS)
        if present.get((word, name), owner) != owner
    ]


def default_rights(inside: Any, there: Any) -> list[Any]:
    """Return the statements that make the rights on what roles will create the same as at the other end."""
    wanted, present = (rows(end, _DEFAULT_RIGHTS.format(acls=_KEPT)) for end in (there, inside))
    keys = {"wanted": {row[:3] for row in wanted}, "present": {row[:3] for row in present}}
    every = keys["wanted"] | keys["present"]
    should = {*wanted, *_by_itself(there, every - keys["wanted"])}
    are = {*present, *_by_itself(inside, every - keys["present"])}
    return [
        *(_default_right(row, give=False) for row in sorted(are - should)),
        *(_default_right(row, give=True) for row in sorted(should - are)),
    ]


def _by_itself(connection: Any, keys: set[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    plain = sorted((role, kind) for role, schema, kind in keys if not schema)
    lists = [list(column) for column in zip(*plain)] or [[], []]
    return rows(connection, _DEFAULT_RIGHTS.format(acls=_BY_ITSELF), lists)


def _default_right(right: tuple[Any, ...], *, give: bool) -> Any:
    role, schema, kind, grantee, privilege, grantable = right
    where = sql.SQL(" IN SCHEMA {}").format(sql.Identifier(schema)) if schema else sql.SQL("")
    whom = sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC")
    known = privilege if privilege in _PRIVILEGES else "ALL"
    verb, side = ("GRANT", "TO") if give else ("REVOKE", "FROM")
    ending = " WITH GRANT OPTION" if give and grantable else ""
    begin = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}").format(sql.Identifier(role)) + where
    return begin + sql.SQL(f" {verb} {known} ON {_OBJECTS[kind]} {side} ") + whom + sql.SQL(ending)


def mappings(inside: Any, there: Any) -> list[Any]:
    """Return the statements that make the user mappings of foreign servers the same as at the other end."""
    wanted, present = ({row[:2]: row[2] for row in rows(end, _MAPPINGS)} for end in (there, inside))
    changes = []
    for one in sorted({*wanted, *present}):
        if wanted.get(one) != present.get(one):
            server, role = one
            whom = sql.SQL("FOR {} SERVER {}").format(
                sql.Identifier(role) if role else sql.SQL("PUBLIC"), sql.Identifier(server)
            )
            changes.append(_mapping(whom, wanted.get(one), known=one in present))
    return changes


def _mapping(whom: Any, options: list[str] | None, *, known: bool) -> Any:
    steps = [sql.SQL("DROP USER MAPPING ") + whom] if known else []
    if options is not None:
        listed = dict(option.partition("=")[::2] for option in options)
        steps.append(sql.SQL("CREATE USER MAPPING ") + whom + _options(listed))
    return sql.SQL("; ").join(steps)


def _options(options: Mapping[str, str]) -> Any:
    if not options:
        return sql.SQL("")
    each = [sql.Identifier(name) + sql.SQL(" ") + sql.Literal(text) for name, text in options.items()]
    return sql.SQL(" OPTIONS (") + sql.SQL(", ").join(each) + sql.SQL(")")
