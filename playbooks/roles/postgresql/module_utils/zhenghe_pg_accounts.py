"""Who may log in where: the replication role of a move, the roles of the database, the lines of pg_hba.conf.

A password is made at the end that uses it and stays there in a passfile; what travels is its SCRAM verifier.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.zhenghe_pg_own import ACCOUNT, make_own
from ansible.module_utils.zhenghe_pg_place import POSTGRES, Place, rows, value
from ansible.module_utils.zhenghe_pg_tls import Older
from psycopg2 import Error, errors, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused

ITERATIONS = 4096


def scram_verifier(password: str) -> str:
    """Return what PostgreSQL stores for a password (RFC 5802, RFC 7677)."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, client, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"


def own_password(place: Place) -> str:
    """Make the password by which this end logs in at the other one, once; return its verifier."""
    place.make_folder()
    kept = place.folder / "verifier"
    if not (POSTGRES.exists(kept) and POSTGRES.exists(place.passfile)):
        password = secrets.token_urlsafe(32)
        place.write(place.passfile, f"*:{place.peer_port}:*:{place.base}:{password}\n")
        place.write(kept, scram_verifier(password))
    return POSTGRES.read(kept)


def ensure_role(connection: Any, name: str, attributes: str, verifier: str) -> None:
    """Make a role with this verifier, or bring it to it; no timeout of the database's ends its work."""
    known = rows(connection, "SELECT rolpassword FROM pg_authid WHERE rolname = %s", (name,))
    who = sql.Identifier(name)
    if not known or known[0][0] != verifier:
        verb = "ALTER" if known else "CREATE"
        statement = sql.SQL(f"{verb} ROLE {{}} LOGIN {attributes} PASSWORD {{}}")
        rows(connection, statement.format(who, sql.Literal(verifier)))
    for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        rows(connection, sql.SQL(f"ALTER ROLE {{}} SET {setting} = 0").format(who))


# In other databases its name need not even be valid.
_OWNING = """
SELECT datname FROM pg_database d WHERE datallowconn AND (datname = 'postgres' OR EXISTS (
    SELECT FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
    WHERE s.refclassid = 'pg_authid'::regclass AND s.dbid = d.oid AND r.rolname = %s))
"""


def drop_role(place: Place, name: str) -> None:
    """Remove a role of the move with all that was granted to it."""
    connection = place.connect()
    if not rows(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)):
        return
    databases = rows(connection, _OWNING, (name,))
    rows(connection, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,))
    for (database,) in databases:
        rows(place.connect(database), sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
    rows(connection, sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def read_rights(connection: Any, database: str, role: str) -> list[sql.Composable]:
    """Return the grants by which a role may read every table of a database."""
    who, where = sql.Identifier(role), sql.Identifier(database)
    grants: list[sql.Composable] = [sql.SQL("GRANT CONNECT ON DATABASE {}, postgres TO {}").format(where, who)]
    if connection.server_version >= 140000:
        return [*grants, sql.SQL("GRANT pg_read_all_data TO {}").format(who)]
    schemas = rows(
        connection, "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    )
    for (name,) in schemas:
        schema = sql.Identifier(name)
        grants.append(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, who))
        grants.append(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, who))
        grants.append(sql.SQL("GRANT SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}").format(schema, who))
    return grants


def quoted(name: str) -> str:
    """Return a name as pg_hba.conf wants it; Refused where it would end its line: what follows would be a rule."""
    if not _fits_a_line(name):
        raise Refused(f"pg_hba.conf cannot name {name!r}", "rename it, for its name has a line's end or the like in it")
    return '"' + name.replace('"', '""') + '"'


def _fits_a_line(name: str) -> bool:
    return not any(ord(letter) < ord(" ") for letter in name)


def admit(place: Place, tag: str, lines: Sequence[str]) -> bool:
    """Put lines on top of pg_hba.conf, in place of earlier ones under the same tag; no lines: take them out."""
    connection = place.connect()
    file = Path(value(connection, "SHOW hba_file"))
    before = POSTGRES.read(file)
    begin, end = f"# {tag} begin\n", f"# {tag} end\n"
    head, _, rest = before.partition(begin)
    bare = head + rest.partition(end)[2] if rest else before
    after = begin + "".join(f"{line}\n" for line in lines) + end + bare if lines else bare
    if after == before:
        return False
    _replace(file, after)
    wrong = rows(connection, "SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL")
    if wrong:
        _replace(file, before)
        raise Refused(f"{file}: line {wrong[0][0]}: {wrong[0][1]}", "mend the file; it was left as it was")
    rows(connection, "SELECT pg_reload_conf()")
    return True


def admit_entry(place: Place, account: str, verifier: str, address: str, older: Older) -> None:
    """Let clients in from the entry's host by TLS, and the entry's own account look up who they are."""
    inside = place.connect(place.database)
    ensure_role(inside, account, "NOINHERIT", verifier)
    role = sql.Identifier(account)
    rows(inside, sql.SQL("GRANT CONNECT ON DATABASE {}, postgres TO {}").format(sql.Identifier(place.database), role))
    make_own(inside, ACCOUNT, account)
    place.remember(entry=account)
    # Whoever has a name that no line can hold comes in with all others.
    named = tuple(role for role in older.roles if _fits_a_line(role))
    lines = [
        f"hostssl postgres {account} {address}/32 scram-sha-256",
        *(f"hostssl {quoted(place.database)} {quoted(role)} {address}/32 md5" for role in named),
        f"hostssl {quoted(place.database)} all {address}/32 {older.method if named == older.roles else 'md5'}",
    ]
    admit(place, f"{place.base} entry", lines)


def dismiss_entry(place: Place) -> None:
    """Let nobody in from the entry's host any more."""
    admit(place, f"{place.base} entry", [])
    account = place.remembered().get("entry")
    if account:
        inside = place.connect(place.database)
        rows(inside, "DROP FUNCTION IF EXISTS zhenghe.account(text), zhenghe.close_idle()")
        drop_role(place, account)


def _replace(file: Path, text: str) -> None:
    # Where it lies is the cluster's own word: as root we would write wherever that leads.
    try:
        POSTGRES.write(file, text, POSTGRES.mode(file))
    except PermissionError:
        raise Refused(f"{file}: postgres cannot write it", "give the file and its folder to postgres") from None


# A superuser that cannot log in owns things; it comes over as a role like others.
MOVES = "({0}.rolname !~ '^(pg|zhenghe)_' AND NOT ({0}.rolsuper AND {0}.rolcanlogin))"
ROLES = (
    """
SELECT rolname, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
       rolvaliduntil::text
FROM pg_roles r WHERE """
    + MOVES.format("r")
    + """ ORDER BY 1
"""
)
MEMBERSHIPS = (
    """
SELECT r.rolname, m.rolname, a.admin_option FROM pg_auth_members a
JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE """
    + MOVES.format("m")
    + """ ORDER BY 1, 2
"""
)
ROLE_SETTINGS = (
    """
SELECT coalesce(r.rolname, ''), coalesce(d.datname, ''), split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)
FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole LEFT JOIN pg_database d ON d.oid = setdatabase,
     unnest(setconfig) AS s
WHERE (setdatabase = 0 OR d.datname = %s) AND NOT (setdatabase = 0 AND setrole = 0)
  AND (r.oid IS NULL OR """
    + MOVES.format("r")
    + """)
  AND s !~ '^zhenghe\\.' AND NOT (setrole = 0 AND s ~ '^default_transaction_read_only=')
ORDER BY 1, 2, 3
"""
)
# Their stored values are lists of names, some of them quoted.
LISTS = ("search_path", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries")
_FOLDED = ("search_path", "temp_tablespaces")
_FLAGS = ("INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS")
_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^",][^,]*?))\s*(?:,|$)')


def listed(name: str, stored: str) -> tuple[str, ...]:
    """Return the names in a setting's stored list as the server understands them: `"$user", Public` is $user, public.

    Refused where it is no such list.
    """
    found, at = [], 0
    while at < len(stored):
        element = _ELEMENT.match(stored, at)
        if element is None or (element.end() == len(stored) and stored.endswith(",")):
            raise Refused(f"setting {name} holds no list of names: {stored}", "set it anew on the source")
        quoted_name, bare = element.groups()
        plain = bare.lower() if bare and name in _FOLDED else bare
        found.append(quoted_name.replace('""', '"') if quoted_name is not None else plain)
        at = element.end()
    return tuple(found)


def copy_roles(place: Place, here: Any, there: Any) -> None:
    """Bring the other end's roles here, with verifiers and memberships; refused where one of a name is another's."""
    known = {name for (name,) in rows(here, "SELECT rolname FROM pg_roles")}
    verifiers = dict(rows(there, "SELECT * FROM zhenghe.verifiers()"))
    wanted = [(*role, verifiers.get(role[0])) for role in rows(there, ROLES)]
    origin = f"{place.peer_address}:{place.peer_port}"
    brought = set(place.remembered().get("roles", []))
    shared = {name for one in _other_moves(place) if one.get("origin") == origin for name in one.get("roles", [])}
    _see_roles_are_free(here, [role for role in wanted if role[0] in known - brought - shared])
    mine = brought | {role[0] for role in wanted if role[0] not in known or role[0] in shared}
    place.remember(roles=sorted(mine), origin=origin)
    for role in wanted:
        if role[0] not in known or role[0] in mine:
            rows(here, _as_at_the_source(role, known=role[0] in known))
    _copy_comments(here, there, mine)
    for role, member, admin in rows(there, MEMBERSHIPS):
        option = sql.SQL(" WITH ADMIN OPTION" if admin else "")
        rows(here, sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(member)) + option)


_COMMENTS = (
    """
SELECT r.rolname, shobj_description(r.oid, 'pg_authid') FROM pg_roles r WHERE """
    + MOVES.format("r")
)


def _copy_comments(here: Any, there: Any, roles: set[str]) -> None:
    present = dict(rows(here, _COMMENTS))
    for role, comment in rows(there, _COMMENTS):
        if role in roles and present.get(role) != comment:
            statement = sql.SQL("COMMENT ON ROLE {} IS {}").format(sql.Identifier(role), sql.Literal(comment))
            rows(here, statement)


def _other_moves(place: Place) -> list[dict[str, Any]]:
    """Return what the moves of other databases to this host remember."""
    found = []
    for file in place.folder.parent.glob("*/state.json"):
        if file.parent != place.folder:
            try:
                found.append(json.loads(POSTGRES.read(file)))
            except (OSError, ValueError):
                continue
    return found


def _see_roles_are_free(here: Any, wanted: list[tuple[Any, ...]]) -> None:
    # A role that is the same in everything may be taken as the one that was meant.
    present = {role[0]: role for role in rows(here, ROLES)}
    passwords = dict(rows(here, "SELECT rolname, rolpassword FROM pg_authid"))
    taken = [role[0] for role in wanted if role != (*present.get(role[0], ()), passwords.get(role[0]))]
    if taken:
        raise Refused(
            f"roles of these names, with another password or other attributes, belong to the target already: "
            f"{', '.join(taken)}",
            "rename them on one of the two ends; what is on the target is not changed",
        )


def _as_at_the_source(role: tuple[Any, ...], *, known: bool) -> Any:
    name, *flags, limit, until, verifier = role
    words = " ".join(("" if flag else "NO") + _FLAGS[index] for index, flag in enumerate(flags))
    verb = "ALTER" if known else "CREATE"
    # Once there was a day, it can only be put off for ever.
    ending = sql.SQL(" VALID UNTIL {}").format(sql.Literal(until or "infinity")) if until or known else sql.SQL("")
    return (
        sql.SQL(f"{verb} ROLE {{}} {words} CONNECTION LIMIT {int(limit)} PASSWORD {{}}").format(
            sql.Identifier(name), sql.Literal(verifier)
        )
        + ending
    )


def drop_brought(place: Place, name: str) -> None:
    """Remove a role that was brought here, unless something else than the move of this database uses it."""
    connection = place.connect()
    if any(name in one.get("roles", []) for one in _other_moves(place)):
        return
    with contextlib.suppress(errors.DependentObjectsStillExist):
        rows(connection, sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def take_away_gone(place: Place, here: Any, there: Any) -> None:
    """Remove the roles that were brought here and that the other end has no more; one that owns something is locked."""
    kept = {name for (name,) in rows(there, "SELECT rolname FROM pg_roles")}
    present = {name for (name,) in rows(here, "SELECT rolname FROM pg_roles")}
    for name in sorted(present & set(place.remembered().get("roles", [])) - kept):
        rows(here, sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(sql.Identifier(name)))
        drop_brought(place, name)


def take_back_memberships(here: Any, there: Any) -> None:
    """End memberships of the other end's roles that it has ended."""
    members = {name for name, *_ in rows(there, ROLES)}
    wanted = set(rows(there, MEMBERSHIPS))
    for role, member, admin in rows(here, MEMBERSHIPS):
        if member in members and (role, member, admin) not in wanted:
            words = (
                "REVOKE {} FROM {}" if (role, member, not admin) not in wanted else "REVOKE ADMIN OPTION FOR {} FROM {}"
            )
            rows(here, sql.SQL(words).format(sql.Identifier(role), sql.Identifier(member)))


def copy_settings(place: Place, here: Any, there: Any) -> None:
    """Bring the settings of roles and of the database here: names and values are quoted, whatever stands in them."""
    wanted, present = (rows(end, ROLE_SETTINGS, (place.database,)) for end in (there, here))
    roles = {name for name, *_ in rows(there, ROLES)} | {""}
    kept = {row[:3] for row in wanted}
    _see_settings_are_known(here, wanted)
    for role, database, name, setting in wanted:
        if (role, database, name, setting) not in present:
            _see_is_text(here, role, name, setting)
            values = listed(name, setting) if name in LISTS else (setting,)
            written = sql.SQL(", ").join([sql.Literal(one) for one in values]) if values else sql.Literal("")
            words = sql.SQL("ALTER {} SET {} = ").format(_scope(role, database), sql.Identifier(name)) + written
            try:
                rows(here, words)
            except Error as exc:
                why = str(exc).strip().splitlines()[0]
                raise Refused(
                    f"setting {name} of {_of(role)}: {why}", "ALTER ROLE or ALTER DATABASE ... RESET it on the source"
                ) from exc
    for role, database, name, _ in present:
        if role in roles and (role, database, name) not in kept:
            rows(here, sql.SQL("ALTER {} RESET {}").format(_scope(role, database), sql.Identifier(name)))


def _of(role: str) -> str:
    return f"role {role}" if role else "the database"


def _see_is_text(here: Any, role: str, name: str, setting: str) -> None:
    """Refuse a value that was written in the encoding of another database than the one that reads it here."""
    try:
        setting.encode().decode()
    except UnicodeError:
        encoding = value(here, "SHOW server_encoding")
        if encoding != "SQL_ASCII":
            raise Refused(
                f"setting {name} of {_of(role)} is not written in {encoding}: {setting}",
                "write it in letters of ASCII on the source: settings are shared by databases of all encodings",
            ) from None


def _see_settings_are_known(here: Any, wanted: list[tuple[Any, ...]]) -> None:
    # Some that may be set, as role, are in no list of settings.
    names = sorted({name for _, _, name, _ in wanted})
    question = "SELECT lower(s) FROM unnest(%s::text[]) s WHERE current_setting(s, true) IS NOT NULL"
    known = {name for (name,) in rows(here, question, (names,))}
    unknown = [
        f"{name} of {_of(role)}"
        for role, _, name, _ in wanted
        if "." not in name and name.lower() not in known
    ]
    if unknown:
        raise Refused(
            f"settings that the target's version does not know: {', '.join(unknown)}",
            "ALTER ROLE or ALTER DATABASE ... RESET each on the source; what it did has to be done in another way",
        )


def _scope(role: str, database: str) -> Any:
    scope = sql.SQL("DATABASE {}").format(sql.Identifier(database))
    if not role:
        return scope
    return sql.SQL("ROLE {}").format(sql.Identifier(role)) + (sql.SQL(" IN ") + scope if database else sql.SQL(""))
