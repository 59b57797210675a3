"""What is, or has to be, equal at both ends: tables' shapes, sequences, rights. Reads catalogues only."""

# ruff: noqa: S608 - the statements are put together from the texts of this file alone

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.zhenghe_pg_place import rows

# Objects of an extension come with the extension; the schema zhenghe belongs to the move.
OWN = """
n.nspname !~ '^(pg_|information_schema$|zhenghe$)'
AND NOT EXISTS (SELECT FROM pg_depend x
                WHERE x.objid = {oid} AND x.deptype = 'e' AND x.classid = '{catalogue}'::regclass)
"""
# A range's constructors come with the range.
_ROUTINE = (
    OWN.format(oid="p.oid", catalogue="pg_proc")
    + """
AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = p.oid AND x.deptype = 'i' AND x.classid = 'pg_proc'::regclass)
"""
)
_CLASS = OWN.format(oid="c.oid", catalogue="pg_class")

_RELATIONS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
TABLES = f"SELECT n.nspname, c.relname FROM {_RELATIONS} WHERE c.relkind = 'r' AND {_CLASS} ORDER BY 1, 2"
SEQUENCES = f"SELECT n.nspname, c.relname FROM {_RELATIONS} WHERE c.relkind = 'S' AND {_CLASS} ORDER BY 1, 2"

_SHAPES = {
    "relations": f"""
        SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text || ' ' || c.relpersistence::text
        FROM {_RELATIONS} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND {_CLASS}""",
    "columns": f"""
        SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname),
               concat_ws(' ', a.attnum - (SELECT count(*) FROM pg_attribute g WHERE g.attrelid = c.oid
                                          AND g.attisdropped AND g.attnum BETWEEN 1 AND a.attnum),
                         format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
                         a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid))
        FROM {_RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relkind IN ('r', 'p') AND {_CLASS}""",
    "constraints": f"""
        SELECT format('%I.%I %I', n.nspname, c.relname, k.conname), pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE k.conparentid = 0 AND {_CLASS}""",
    "indexes": f"""
        SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {_CLASS}""",
    "triggers": f"""
        SELECT format('%I.%I %I', n.nspname, c.relname, t.tgname), pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {_CLASS}""",
    "functions": f"""
        SELECT p.oid::regprocedure::text, md5(p.prosrc)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_ROUTINE}""",
    "enums": f"""
        SELECT t.oid::regtype::text, string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
        FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE {OWN.format(oid="t.oid", catalogue="pg_type")} GROUP BY t.oid""",
    "extensions": "SELECT extname, '' FROM pg_extension WHERE extname <> 'plpgsql'",
}

# Rights are compared as they work: an absent list of rights and its written default are the same, and the accounts of
# the move are left out. The owner's rights follow from owning.
_RIGHTS = """
SELECT {name}, string_agg(format('%s %s%s by %s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                                 a.privilege_type, CASE WHEN a.is_grantable THEN '*' ELSE '' END, a.grantor::regrole),
                          ', ' ORDER BY a.grantee::regrole::text COLLATE "C", a.privilege_type, a.grantor)
FROM {source}, aclexplode(coalesce({acl}, acldefault({kind}, {owner}))) a
WHERE a.grantee <> {owner} AND a.grantee::regrole::text !~ '^zhenghe_' AND {own} GROUP BY 1
"""
_RIGHTS_OF = {
    "rights on relations": _RIGHTS.format(
        name="format('%I.%I', n.nspname, c.relname)",
        source="pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace",
        acl="c.relacl", kind="CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"", owner="c.relowner",
        own=f"c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {_CLASS}",
    ),
    "rights on columns": """
        SELECT format('%I.%I.%I', n.nspname, c.relname, t.attname),
               string_agg(format('%s %s%s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                                 a.privilege_type, CASE WHEN a.is_grantable THEN '*' ELSE '' END), ', '
                          ORDER BY a.grantee::regrole::text COLLATE "C", a.privilege_type)
        FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
             aclexplode(t.attacl) a WHERE a.grantee::regrole::text !~ '^zhenghe_' AND """ + _CLASS + " GROUP BY 1",
    "rights on schemas": _RIGHTS.format(
        name="quote_ident(n.nspname)", source="pg_namespace n", acl="n.nspacl", kind="'n'", owner="n.nspowner",
        own=OWN.format(oid="n.oid", catalogue="pg_namespace"),
    ),
    "rights on functions": _RIGHTS.format(
        name="p.oid::regprocedure::text", source="pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace",
        acl="p.proacl", kind="'f'", owner="p.proowner", own=_ROUTINE,
    ),
    "rights on the database": _RIGHTS.format(
        name="d.datname", source="pg_database d", acl="d.datacl", kind="'d'", owner="d.datdba",
        own="d.datname = current_database()",
    ),
    "default rights": """
        SELECT concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype),
               (SELECT string_agg(i::text, ', ' ORDER BY i::text COLLATE "C") FROM unnest(defaclacl) i)
        FROM pg_default_acl""",
    "owners": f"""
        SELECT format('%I.%I', n.nspname, c.relname), c.relowner::regrole::text
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {_CLASS}
        UNION ALL SELECT 'the database', datdba::regrole::text FROM pg_database WHERE datname = current_database()
        UNION ALL SELECT 'schema ' || quote_ident(n.nspname), n.nspowner::regrole::text FROM pg_namespace n
        WHERE {OWN.format(oid="n.oid", catalogue="pg_namespace")}
        UNION ALL SELECT p.oid::regprocedure::text, p.proowner::regrole::text
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_ROUTINE}""",
}  # fmt: skip

_ROLES = """
SELECT r.rolname, concat_ws(' ', rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls,
                            rolconnlimit, coalesce(rolvaliduntil, 'infinity'), md5(v.verifier))
FROM pg_roles r LEFT JOIN zhenghe.verifiers() v ON v.name = r.rolname WHERE NOT rolsuper AND rolname !~ '^(pg|zhenghe)_'
"""
_MEMBERS = """
SELECT r.rolname || ' ' || m.rolname, a.admin_option::text FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid
JOIN pg_roles m ON m.oid = a.member WHERE m.rolname !~ '^(pg|zhenghe)_' AND NOT m.rolsuper
"""

Catalogue = Mapping[str, Mapping[str, str]]


def _read(connection: Any, queries: Mapping[str, str]) -> Catalogue:
    # Names are written with their schema only where nothing is on the path.
    rows(connection, "SET search_path = pg_catalog")
    return {what: {str(row[0]): str(row[1]) for row in rows(connection, query)} for what, query in queries.items()}


def shapes(connection: Any) -> Catalogue:
    """Return what replication and the application need to be equal."""
    return _read(connection, _SHAPES)


def rights(connection: Any) -> Catalogue:
    """Return who may do what."""
    return _read(connection, {**_RIGHTS_OF, "roles": _ROLES, "members": _MEMBERS})


def differences(source: Catalogue, target: Catalogue, most: int = 20) -> tuple[str, ...]:
    """Say what differs between the two ends, the first so many."""
    found = []
    for what in source:
        for name in sorted({*source[what], *target[what]}):
            old, new = source[what].get(name), target[what].get(name)
            if old != new:
                found.append(f"{what}: {name}: source has {json.dumps(old, ensure_ascii=False)}, "
                             f"target has {json.dumps(new, ensure_ascii=False)}")  # fmt: skip
    return tuple(found[:most])
