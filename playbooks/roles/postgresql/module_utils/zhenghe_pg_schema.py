"""What is, or has to be, equal at both ends: everything that defines the database, and who may do what in it."""

# ruff: noqa: S608 - the statements are put together from the texts of this package alone

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils.zhenghe_pg_accounts import LISTS, MOVES, listed
from ansible.module_utils.zhenghe_pg_asleep import asleep
from ansible.module_utils.zhenghe_pg_description import CLASS, DESCRIPTION, OWN, ROUTINE, SQL_BODY, TYPE
from ansible.module_utils.zhenghe_pg_place import Place, database_settings, rows, value
from ansible.module_utils.zhenghe_pg_settings import carried
from ansible.module_utils.zhenghe_pg_stream import connection_limit
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

_RELATIONS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
TABLES = f"SELECT n.nspname, c.relname FROM {_RELATIONS} WHERE c.relkind = 'r' AND {CLASS} ORDER BY 1, 2"
SEQUENCES = f"SELECT n.nspname, c.relname FROM {_RELATIONS} WHERE c.relkind = 'S' AND {CLASS} ORDER BY 1, 2"

# Rights are compared as they work: an absent list of rights and its written default are the same, and the accounts of
# the move are left out. The owner's rights follow from owning.
_RIGHTS = """
SELECT {name}, string_agg(format('%s %s%s by %s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                                 a.privilege_type, CASE WHEN a.is_grantable THEN '*' ELSE '' END, a.grantor::regrole),
                          ', ' ORDER BY a.grantee::regrole::text COLLATE "C", a.privilege_type, a.grantor)
FROM {source}, aclexplode(coalesce({acl}, acldefault({kind}, {owner}))) a
WHERE a.grantee <> {owner} AND a.grantee::regrole::text !~ '^zhenghe_' AND {own} GROUP BY 1
"""
TYPES_OF_OWNERS = """
(t.typtype IN ('d', 'e', 'r') OR t.typtype = 'b' AND t.typcategory <> 'A'
 OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_class k WHERE k.oid = t.typrelid AND k.relkind = 'c'))
"""
OTHER_OWNED = " UNION ALL ".join(
    f"SELECT '{catalogue}'::regclass::oid, oid, {column} FROM {catalogue}"
    for catalogue, column in {
        "pg_collation": "collowner", "pg_conversion": "conowner", "pg_event_trigger": "evtowner",
        "pg_foreign_data_wrapper": "fdwowner", "pg_foreign_server": "srvowner", "pg_language": "lanowner",
        "pg_opclass": "opcowner", "pg_operator": "oprowner", "pg_opfamily": "opfowner",
        "pg_publication": "pubowner", "pg_statistic_ext": "stxowner", "pg_ts_config": "cfgowner",
        "pg_ts_dict": "dictowner",
    }.items()
)  # fmt: skip
# What comes with the server or an extension, by what was granted beyond what it has from its making: servers of two
# versions make it with different rights.
_GIVEN_BY_OTHERS = """
SELECT p.oid::regprocedure::text, p.proacl, coalesce(i.initprivs, acldefault('f', p.proowner))
FROM pg_proc p LEFT JOIN pg_init_privs i ON i.objoid = p.oid AND i.classoid = 'pg_proc'::regclass
WHERE p.proacl IS DISTINCT FROM i.initprivs AND p.proacl IS NOT NULL
  AND (p.oid < 16384 OR EXISTS (SELECT FROM pg_depend x WHERE x.objid = p.oid AND x.classid = 'pg_proc'::regclass
                                AND x.deptype = 'e'))
UNION ALL
SELECT c.oid::regclass::text, c.relacl,
       coalesce(i.initprivs, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
FROM pg_class c LEFT JOIN pg_init_privs i ON i.objoid = c.oid AND i.classoid = 'pg_class'::regclass AND i.objsubid = 0
WHERE c.relacl IS DISTINCT FROM i.initprivs AND c.relacl IS NOT NULL
  AND c.relnamespace <> 'information_schema'::regnamespace
  AND (c.oid < 16384 OR EXISTS (SELECT FROM pg_depend x WHERE x.objid = c.oid AND x.classid = 'pg_class'::regclass
                                AND x.deptype = 'e'))
"""
_EACH = """
SELECT format('%s %s%s', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type,
              CASE WHEN is_grantable THEN '*' ELSE '' END)
FROM aclexplode({}) WHERE grantee = 0 OR grantee::regrole::text !~ '^zhenghe_'
"""
_RIGHTS_OF = {
    "rights on relations": _RIGHTS.format(
        name="format('%I.%I', n.nspname, c.relname)",
        source="pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace",
        acl="c.relacl", kind="CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"", owner="c.relowner",
        own=f"c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {CLASS}",
    ),
    "rights on columns": """
        SELECT format('%I.%I.%I', n.nspname, c.relname, t.attname),
               string_agg(format('%s %s%s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
                                 a.privilege_type, CASE WHEN a.is_grantable THEN '*' ELSE '' END), ', '
                          ORDER BY a.grantee::regrole::text COLLATE "C", a.privilege_type)
        FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
             aclexplode(t.attacl) a WHERE a.grantee::regrole::text !~ '^zhenghe_' AND a.grantee <> c.relowner
             AND """ + CLASS + " GROUP BY 1",
    "rights on schemas": _RIGHTS.format(
        name="quote_ident(n.nspname)", source="pg_namespace n", acl="n.nspacl", kind="'n'", owner="n.nspowner",
        own=OWN.format(oid="n.oid", catalogue="pg_namespace"),
    ),
    "rights on functions": _RIGHTS.format(
        name="p.oid::regprocedure::text", source="pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace",
        acl="p.proacl", kind="'f'", owner="p.proowner", own=ROUTINE,
    ),
    "rights on types": _RIGHTS.format(
        name="t.oid::regtype::text", source="pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace",
        acl="t.typacl", kind="'T'", owner="t.typowner",
        own=f"{TYPES_OF_OWNERS} AND {TYPE}",
    ),
    "rights on languages": _RIGHTS.format(
        name="quote_ident(l.lanname)", source="pg_language l", acl="l.lanacl", kind="'l'", owner="l.lanowner",
        own="true",
    ),
    "rights on foreign servers": _RIGHTS.format(
        name="quote_ident(s.srvname)", source="pg_foreign_server s", acl="s.srvacl", kind="'S'", owner="s.srvowner",
        own="true",
    ),
    "rights on foreign data wrappers": _RIGHTS.format(
        name="quote_ident(w.fdwname)", source="pg_foreign_data_wrapper w", acl="w.fdwacl", kind="'F'",
        owner="w.fdwowner", own="true",
    ),
    "rights on what is not the database's own": f"""
        SELECT x.name, string_agg(right_of, ', ' ORDER BY right_of COLLATE "C")
        FROM ({_GIVEN_BY_OTHERS}) x (name, acl, given), LATERAL (
            SELECT '+ ' || r FROM ({_EACH.format("x.acl")} EXCEPT {_EACH.format("x.given")}) a (r)
            UNION ALL SELECT '- ' || r FROM ({_EACH.format("x.given")} EXCEPT {_EACH.format("x.acl")}) b (r)
        ) c (right_of) GROUP BY 1""",
    "rights on the database": _RIGHTS.format(
        name="d.datname", source="pg_database d", acl="d.datacl", kind="'d'", owner="d.datdba",
        own="d.datname = current_database()",
    ),
    "default rights": """
        SELECT concat_ws(' ', defaclrole::regrole, nullif(defaclnamespace, 0)::regnamespace, defaclobjtype),
               (SELECT string_agg(i::text, ', ' ORDER BY i::text COLLATE "C") FROM unnest(defaclacl) i)
        FROM pg_default_acl""",
    "owners": f"""
        SELECT format('%I.%I', n.nspname, c.relname), c.relowner::regrole::text
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {CLASS}
        UNION ALL SELECT 'the database', datdba::regrole::text FROM pg_database WHERE datname = current_database()
        UNION ALL SELECT 'schema ' || quote_ident(n.nspname), n.nspowner::regrole::text FROM pg_namespace n
        WHERE {OWN.format(oid="n.oid", catalogue="pg_namespace")}
        UNION ALL SELECT 'type ' || t.oid::regtype::text, t.typowner::regrole::text
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {TYPES_OF_OWNERS} AND {TYPE}
        UNION ALL SELECT concat(i.type, ' ', i.identity), o.owner::regrole::text
        FROM ({OTHER_OWNED}) o (class, oid, owner), LATERAL pg_identify_object(o.class, o.oid, 0) i
        WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = o.oid AND x.classid = o.class AND x.deptype = 'e')
          AND o.oid >= 16384 AND i.identity !~ '^zhenghe_'
        UNION ALL SELECT p.oid::regprocedure::text, p.proowner::regrole::text
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {ROUTINE}""",
}  # fmt: skip

_ROLES = (
    """
SELECT r.rolname, concat_ws(' ', CASE WHEN rolinherit THEN 'inherit' END, CASE WHEN rolcreaterole THEN 'createrole' END,
                            CASE WHEN rolcreatedb THEN 'createdb' END, CASE WHEN rolcanlogin THEN 'login' END,
                            CASE WHEN rolreplication THEN 'replication' END,
                            CASE WHEN rolbypassrls THEN 'bypassrls' END,
                            'limit ' || rolconnlimit, 'until ' || coalesce(rolvaliduntil, 'infinity'))
FROM pg_roles r WHERE """
    + MOVES.format("r")
    + """ AND (%(every)s OR rolname = ANY(%(names)s))
"""
)
_PASSWORDS = """
SELECT name, coalesce(verifier, '') FROM zhenghe.verifiers() WHERE %(every)s OR name = ANY(%(names)s)
"""
_MAPPINGS = "SELECT format('%%s at %%I', coalesce(of, 'PUBLIC'), server), options FROM zhenghe.mappings()"
_ROLE_COMMENTS = (
    """
SELECT r.rolname, d.description FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid
WHERE d.classoid = 'pg_authid'::regclass AND """
    + MOVES.format("r")
    + """ AND (%(every)s OR rolname = ANY(%(names)s))
"""
)
_MEMBERS = (
    """
SELECT r.rolname || ' ' || m.rolname, a.admin_option::text FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid
JOIN pg_roles m ON m.oid = a.member
WHERE """
    + MOVES.format("m")
    + """ AND (%(every)s OR m.rolname = ANY(%(names)s))
"""
)
_SETTINGS = (
    """
SELECT concat_ws(' ', 'role ' || r.rolname, CASE WHEN d.oid IS NOT NULL THEN 'in the database' END,
                 split_part(s, '=', 1)), substr(s, strpos(s, '=') + 1)
FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole LEFT JOIN pg_database d ON d.oid = setdatabase,
     unnest(setconfig) AS s
WHERE (setdatabase = 0 OR d.datname = current_database()) AND NOT (setdatabase = 0 AND setrole = 0)
  AND (r.oid IS NULL OR """
    + MOVES.format("r")
    + """)
  AND s !~ '^zhenghe\\.' AND NOT (setrole = 0 AND s ~ '^default_transaction_read_only=')
  AND (%(every)s OR r.rolname IS NULL OR r.rolname = ANY(%(names)s))
"""
)

Catalogue = Mapping[str, Mapping[str, str]]


def _read(connection: Any, queries: Mapping[str, str], given: Any = None) -> dict[str, dict[str, str]]:
    # Names are written with their schema, as nothing but the catalogue is on the path.
    return {what: {str(one): str(two) for one, two in rows(connection, text, given)} for what, text in queries.items()}


def shapes(connection: Any) -> dict[str, dict[str, str]]:
    """Return everything that defines the database; what sleeps here is told as it is awake."""
    body = SQL_BODY if connection.server_version >= 140000 else ""
    queries = {what: query.replace("{sqlbody}", body) for what, query in DESCRIPTION.items()}
    found = _read(connection, queries)
    kept = asleep(connection, value(connection, "SELECT current_database()"))
    words = {"O": "enabled", "A": "always", "R": "replica"}
    for schema, table, name, state in kept.get("triggers", []):
        key = _quoted(connection, "%%I.%%I %%I", schema, table, name)
        if key in found["states of triggers"]:
            found["states of triggers"][key] = words[state]
    for name, state in kept.get("event_triggers", []):
        told = found["event triggers"]
        key = _quoted(connection, "%%I", name)
        if key in told:
            told[key] = told[key].rpartition(" ")[0] + " " + words[state]
    for signature in _signatures(connection, kept.get("functions", [])):
        if signature in found["functions"]:
            found["functions"][signature] = found["functions"][signature].replace("\nsecurity definer", "", 1)
    return found


def _quoted(connection: Any, form: str, *names: str) -> str:
    return str(value(connection, f"SELECT format('{form}', {', '.join(['%s'] * len(names))})", names))


def _signatures(connection: Any, functions: Iterable[list[str]]) -> list[str]:
    question = (
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = %s AND proname = %s AND pg_get_function_identity_arguments(p.oid) = %s"
    )
    return [value(connection, question, tuple(one)) for one in functions]


def rights(connection: Any, roles: Iterable[str] | None = None) -> dict[str, dict[str, str]]:
    """Return who may do what: of all roles, or of these; with `passwords` and `user mappings`, never to be shown."""
    given = {"every": roles is None, "names": list(roles or ())}
    of_roles = {
        "roles": _ROLES, "passwords": _PASSWORDS, "members": _MEMBERS, "settings": _SETTINGS,
        "comments of roles": _ROLE_COMMENTS, "user mappings": _MAPPINGS,
    }  # fmt: skip
    found = {**_read(connection, _RIGHTS_OF), **_read(connection, of_roles, given)}
    database = value(connection, "SELECT current_database()")
    found["connections"] = {"the database": str(connection_limit(connection, database))}
    if is_template(connection, database):
        found["connections"]["a template"] = "whoever may create databases may copy it"
    for name, text in found["settings"].items():
        setting = name.rpartition(" ")[2]
        if setting in LISTS:
            # Two spellings of one list: quotes are left out where they do not matter.
            found["settings"][name] = ", ".join(_json(one) for one in listed(setting, text))
    return found


def is_template(connection: Any, database: str) -> bool:
    """Say whether a database is marked as a template for others."""
    return bool(value(connection, "SELECT datistemplate FROM pg_database WHERE datname = %s", (database,)))


class Comparison:
    """Finds what differs between the two ends of a move and says it in words, by the names of their hosts.

    `source` and `target` are connections to where the database was in the beginning, and to where it goes.
    """

    def __init__(self, place: Place, source: Any, target: Any) -> None:
        self._hosts = place.hosts
        self._source, self._target = source, target
        self._database = place.database

    def differences(self) -> tuple[str, ...]:
        """Say everything that differs."""
        return self.told(self.found())

    def told(self, different: Iterable[tuple[str, str, str | None, str | None]]) -> tuple[str, ...]:
        """Say for people what differs."""
        return tuple(self._said(*each) for each in different)

    def found(self) -> list[tuple[str, str, str | None, str | None]]:
        """Return kind, name and both texts of every object that differs; secrets only as digests."""
        source = {**shapes(self._source), **rights(self._source)}
        # The target may have roles for the databases of others.
        target = {**shapes(self._target), **rights(self._target, source["roles"])}
        for name in carried(self._target, self._database):
            # There it is set for the database, at the source for its whole cluster.
            for written in [one for one in target["settings"] if one.lower() == f"in the database {name}"]:
                if written not in source["settings"]:
                    del target["settings"][written]
        key = secrets.token_bytes(16)
        for catalogue in (source, target):
            for what in _SECRET:
                catalogue[what] = {name: _sealed(text, key) for name, text in catalogue[what].items()}
        return _differing(source, target, printed(self._target, self._database))

    def keep_as_printed(self, brought: Sequence[tuple[str, str]] | None = None) -> tuple[str, ...]:
        """Right after a copy: keep with the target what two versions write differently; say what really differs.

        `brought` are the only objects that were copied, by kind and name; without it everything was.
        """
        source, target = shapes(self._source), shapes(self._target)
        different = _differing(source, target, {})
        texts = [each for each in different if each[0] in _WRITTEN and None not in each[2:]]
        texts = [each for each in texts if brought is None or each[:2] in brought]
        if texts and self._source.server_version // 10000 != self._target.server_version // 10000:
            note = {} if brought is None else printed(self._target, self._database)
            note |= {f"{what}: {name}": [_digest(old), _digest(new)] for what, name, old, new in texts}
            where, said = sql.Identifier(self._database), sql.Literal(json.dumps(note, ensure_ascii=False))
            rows(self._target, sql.SQL("ALTER DATABASE {} SET zhenghe.printed = {}").format(where, said))
            different = [each for each in different if each not in texts]
        return tuple(self._said(*each) for each in different)

    def _said(self, what: str, name: str, old: str | None, new: str | None) -> str:
        first, second = self._hosts
        if what in _SECRET:
            return f"{what}: {name}: not the same on {first} and {second}"
        if old is None or new is None:
            where, text = (second, new) if old is None else (first, old)
            return f"{what}: {name}: only on {where}" + (f" ({text})" if _short(text) else "")
        # A setting of an application's own may be a secret.
        if not (_short(old) and _short(new)) or (what == "settings" and "." in name.rpartition(" ")[2]):
            return f"{what}: {name}: not the same on {first} and {second}"
        return f"{what}: {name}: {first} has {_json(old)}, {second} has {_json(new)}"


_SECRET = ("passwords", "user mappings")
"""Kinds that are told by their names alone."""
_WRITTEN = ("views", "rules", "policies", "defaults", "constraints", "indexes", "functions", "triggers", "statistics")
"""Kinds with expressions in them, which another version may write in another way."""


def _differing(
    one: Catalogue, other: Catalogue, same: Mapping[str, list[str]]
) -> list[tuple[str, str, str | None, str | None]]:
    found = []
    for what in one:
        for name in sorted({*one[what], *other[what]}):
            old, new = one[what].get(name), other[what].get(name)
            if old != new and same.get(f"{what}: {name}") != [_digest(old), _digest(new)]:
                found.append((what, name, old, new))
    return found


def _sealed(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _digest(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()[:16]


def _short(text: str | None) -> bool:
    return bool(text) and len(text or "") < 100 and "\n" not in (text or "")


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def printed(connection: Any, database: str) -> dict[str, list[str]]:
    """Return what the two versions write differently, as the target keeps it with its database."""
    told: dict[str, list[str]] = json.loads(database_settings(connection, database).get("zhenghe.printed", "{}"))
    return told
