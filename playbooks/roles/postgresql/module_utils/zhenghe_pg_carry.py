"""What was changed since the schema was copied and can be brought over without touching a row: done at the gate.

Roles with their passwords, memberships and settings, owners, rights, comments, the parameters of sequences. Names that
are written into statements are quoted by this end's server or by the driver.
"""

# ruff: noqa: S608 - the statements are put together from the texts of this file alone

from __future__ import annotations

from typing import Any

from ansible.module_utils import zhenghe_pg_accounts as accounts
from ansible.module_utils import zhenghe_pg_belongings as belongings
from ansible.module_utils.zhenghe_pg_description import CLASS, OWN, ROUTINE, TYPE
from ansible.module_utils.zhenghe_pg_place import Place, rows, value
from ansible.module_utils.zhenghe_pg_schema import TYPES_OF_OWNERS, is_template
from ansible.module_utils.zhenghe_pg_stream import connection_limit
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

_GRANTS = """
SELECT '{word}', {name}, {column}, coalesce(r.rolname, ''), a.privilege_type, a.is_grantable
FROM {source} LEFT JOIN pg_roles r ON r.oid = a.grantee
WHERE a.grantee <> {owner} AND (a.grantee = 0 OR r.rolname !~ '^zhenghe_') AND {own}
"""
_ROWS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
_ACL = "CROSS JOIN LATERAL aclexplode(coalesce({acl}, acldefault({kind}, {owner}))) a"


def _grants(word: str, name: str, source: str, own: str, **more: str) -> str:
    exploded = f"{source} {_ACL.format(**more)}"
    return _GRANTS.format(word=word, name=name, column="NULL::text", source=exploded, owner=more["owner"], own=own)


_ALL_GRANTS = " UNION ALL ".join((
    _grants("TABLE", "format('%I.%I', n.nspname, c.relname)", _ROWS,
            f"c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {CLASS}",
            acl="c.relacl", kind="'r'", owner="c.relowner"),
    _grants("SEQUENCE", "format('%I.%I', n.nspname, c.relname)", _ROWS, f"c.relkind = 'S' AND {CLASS}",
            acl="c.relacl", kind="'s'", owner="c.relowner"),
    _grants("SCHEMA", "quote_ident(n.nspname)", "pg_namespace n", OWN.format(oid="n.oid", catalogue="pg_namespace"),
            acl="n.nspacl", kind="'n'", owner="n.nspowner"),
    _grants("ROUTINE", "p.oid::regprocedure::text", "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace", ROUTINE,
            acl="p.proacl", kind="'f'", owner="p.proowner"),
    _grants("TYPE", "t.oid::regtype::text", "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace",
            f"{TYPES_OF_OWNERS} AND {TYPE}", acl="t.typacl", kind="'T'", owner="t.typowner"),
    _grants("LANGUAGE", "quote_ident(l.lanname)", "pg_language l", "true", acl="l.lanacl", kind="'l'",
            owner="l.lanowner"),
    _grants("FOREIGN SERVER", "quote_ident(s.srvname)", "pg_foreign_server s", "true", acl="s.srvacl", kind="'S'",
            owner="s.srvowner"),
    _grants("FOREIGN DATA WRAPPER", "quote_ident(w.fdwname)", "pg_foreign_data_wrapper w", "true", acl="w.fdwacl",
            kind="'F'", owner="w.fdwowner"),
    _grants("DATABASE", "quote_ident(d.datname)", "pg_database d", "d.datname = current_database()",
            acl="d.datacl", kind="'d'", owner="d.datdba"),
    _GRANTS.format(
        word="TABLE", name="format('%I.%I', n.nspname, c.relname)", column="t.attname", owner="c.relowner",
        source=f"pg_attribute t JOIN {_ROWS.replace('pg_class c', 'pg_class c ON c.oid = t.attrelid', 1)} "
        "CROSS JOIN LATERAL aclexplode(t.attacl) a", own=CLASS,
    ),
))  # fmt: skip
_OBJECTS = f"""
SELECT 'TABLE', format('%I.%I', n.nspname, c.relname) FROM {_ROWS} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL SELECT 'SEQUENCE', format('%I.%I', n.nspname, c.relname) FROM {_ROWS} WHERE c.relkind = 'S'
UNION ALL SELECT 'SCHEMA', quote_ident(nspname) FROM pg_namespace
UNION ALL SELECT 'ROUTINE', oid::regprocedure::text FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT 'TYPE', oid::regtype::text FROM pg_type WHERE oid >= 16384
UNION ALL SELECT 'LANGUAGE', quote_ident(lanname) FROM pg_language
UNION ALL SELECT 'FOREIGN SERVER', quote_ident(srvname) FROM pg_foreign_server
UNION ALL SELECT 'FOREIGN DATA WRAPPER', quote_ident(fdwname) FROM pg_foreign_data_wrapper
UNION ALL SELECT 'DATABASE', quote_ident(current_database())
"""
_PRIVILEGES = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "USAGE", "EXECUTE", "CREATE",
    "CONNECT", "TEMPORARY",
)  # fmt: skip
_COMMENTS = """
SELECT a.type, a.object_names, a.object_args, d.description
FROM pg_description d CROSS JOIN LATERAL pg_identify_object_as_address(d.classoid, d.objoid, d.objsubid) a
WHERE d.objoid >= 16384 AND d.classoid <> 'pg_largeobject'::regclass
  AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = d.objoid AND x.deptype = 'e')
"""
_IDENTITY = """
SELECT i.type, i.identity FROM pg_get_object_address(%s, %s, %s) a,
       LATERAL pg_identify_object(a.classid, a.objid, a.objsubid) i
"""
# What COMMENT ON calls an object, by what the catalogue calls it.
_CALLED = {
    "table column": "COLUMN", "view column": "COLUMN", "materialized view column": "COLUMN",
    "composite type column": "COLUMN", "table constraint": "CONSTRAINT",
    **{word: word.upper() for word in (
        "table", "view", "materialized view", "sequence", "index", "schema", "function", "procedure", "aggregate",
        "type", "domain", "trigger", "policy", "rule", "event trigger", "collation", "operator", "operator class",
        "operator family", "cast", "conversion", "language", "server", "publication", "access method",
        "text search configuration", "text search dictionary", "text search parser", "text search template",
    )},
    "statistics object": "STATISTICS", "foreign-data wrapper": "FOREIGN DATA WRAPPER",
    "domain constraint": "CONSTRAINT",
}  # fmt: skip
_SEQUENCES = f"""
SELECT n.nspname, c.relname, seqtypid::regtype::text, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle
FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {CLASS}
"""
_DATABASE_COMMENT = """
SELECT description FROM pg_shdescription JOIN pg_database b ON b.oid = objoid
WHERE classoid = 'pg_database'::regclass AND b.datname = current_database()
"""


def carry_over(place: Place, inside: Any, there: Any) -> None:
    """Bring over what was changed at the other end; what cannot be brought is left as it is, and found afterwards."""
    accounts.copy_roles(place, inside, there)
    accounts.take_back_memberships(inside, there)
    accounts.copy_settings(place, inside, there)
    limit, here = (connection_limit(end, place.database) for end in (there, inside))
    if limit != here:
        kept = sql.SQL("ALTER DATABASE {} SET zhenghe.connection_limit = {}")
        rows(inside, kept.format(sql.Identifier(place.database), sql.Literal(str(limit))))
    template = is_template(there, place.database)
    if template != is_template(inside, place.database):
        mark = sql.SQL(f"ALTER DATABASE {{}} IS_TEMPLATE {str(template).lower()}")
        rows(inside, mark.format(sql.Identifier(place.database)))
    # Rights are given by owners, so that owners come first; a mapping without its server is not taken.
    for changes in (belongings.owners, belongings.default_rights, belongings.mappings, _sequences, _rights):
        _do(inside, changes(inside, there))
    _do(inside, _comments(place, inside, there))
    # Nothing was granted to them any more.
    accounts.take_away_gone(place, inside, there)


def _do(inside: Any, statements: list[Any]) -> None:
    for statement in statements:
        try:
            rows(inside, statement)
        except Error:
            continue


def _rights(inside: Any, there: Any) -> list[Any]:
    wanted, present = set(rows(there, _ALL_GRANTS)), set(rows(inside, _ALL_GRANTS))
    known = set(rows(inside, _OBJECTS))
    changes = []
    for right in sorted(present - wanted, key=repr) + sorted(wanted - present, key=repr):
        word, name, column, grantee, privilege, grantable = right
        if (word, name) not in known or privilege not in _PRIVILEGES:
            continue
        what = sql.SQL(privilege + (" ({})" if column else "")).format(*([sql.Identifier(column)] if column else []))
        whom = sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC")
        give = right in wanted
        verb, side = ("GRANT ", " TO ") if give else ("REVOKE ", " FROM ")
        # What was handed on with a right that is taken back goes with it; what is to stay is given at the next look.
        ending = (" WITH GRANT OPTION" if grantable else "") if give else " CASCADE"
        changes.append(sql.SQL(verb) + what + sql.SQL(f" ON {word} {name}{side}") + whom + sql.SQL(ending))
    return changes


def _comments(place: Place, inside: Any, there: Any) -> list[Any]:
    wanted = {_address(row): row[3] for row in rows(there, _COMMENTS)}
    present = {_address(row): row[3] for row in rows(inside, _COMMENTS)}
    changes = []
    for address in sorted({*wanted, *present}):
        if wanted.get(address) != present.get(address):
            called = _as_called_here(inside, address)
            if called:
                changes.append(sql.SQL(f"COMMENT ON {called} IS ") + sql.Literal(wanted.get(address)))
    told, known = rows(there, _DATABASE_COMMENT), rows(inside, _DATABASE_COMMENT)
    if told != known:
        name = sql.Identifier(place.database)
        comment = sql.Literal(told[0][0] if told else None)
        changes.append(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, comment))
    return changes


def _address(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return str(row[0]), tuple(row[1]), tuple(row[2])


def _as_called_here(inside: Any, address: tuple[Any, ...]) -> str | None:
    kind, names, arguments = address
    try:
        found = rows(inside, _IDENTITY, (kind, list(names), list(arguments)))
    except Error:
        return None
    if kind not in _CALLED or not found:
        return None
    if kind == "domain constraint":
        # The name is an identifier; what follows it is the domain, which needs its word.
        domain = value(inside, "SELECT format('%%I ON DOMAIN %%s', %s, %s::regtype)", (arguments[0], names[0]))
        return f"CONSTRAINT {domain}"
    return f"{_CALLED[kind]} {found[0][1]}"


def _sequences(inside: Any, there: Any) -> list[Any]:
    present = {row[:2]: row for row in rows(inside, _SEQUENCES)}
    changes = []
    for row in rows(there, _SEQUENCES):
        schema, name, kind, start, increment, least, most, cache, cycle = row
        if present.get(row[:2], row) != row and kind in ("smallint", "integer", "bigint"):
            numbers = f"INCREMENT {int(increment)} MINVALUE {int(least)} MAXVALUE {int(most)} START {int(start)}"
            words = f"ALTER SEQUENCE {{}} AS {kind} {numbers} CACHE {int(cache)} {'' if cycle else 'NO '}CYCLE"
            changes.append(sql.SQL(words).format(sql.Identifier(schema, name)))
    return changes
