"""What forbids the move of a database as it is: asked before anything is changed, and again at every gate."""

# ruff: noqa: S608, ISC004 - the statements are put together from the texts of this file alone

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_pg_description import CLASS, OWN, ROUTINE, TYPE
from ansible.module_utils.zhenghe_pg_place import Place, rows, value
from ansible.module_utils.zhenghe_pg_published import keyless

_RELATIONS = "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
# n ! and !! n; the array functions whose arguments became anycompatible types in PostgreSQL 14.
_FACTORIAL = "':opno (388|389) '"
_OF_ARRAYS = (
    "current_setting('server_version_num')::int < 140000 AND {proc}.pronamespace = 'pg_catalog'::regnamespace AND "
    "{proc}.proname = ANY('{{array_append,array_cat,array_position,array_positions,array_prepend,array_remove,"
    "array_replace,width_bucket}}')"
)


def _expressions(pattern: str) -> str:
    """Return a question for the relations in whose views, defaults, checks or indexes a pattern is found."""
    places = (
        ("pg_rewrite", "ev_class", "ev_action"),
        ("pg_attrdef", "adrelid", "adbin"),
        ("pg_constraint", "conrelid", "conbin"),
        ("pg_index", "indrelid", "indexprs"),
        ("pg_index", "indrelid", "indpred"),
        ("pg_policy", "polrelid", "polqual"),
    )
    of = "pg_class c ON c.oid = x.{} JOIN pg_namespace n ON n.oid = c.relnamespace"
    return " UNION ".join(
        f"SELECT c.oid::regclass::text FROM {table} x JOIN {of.format(relation)} "
        f"WHERE current_setting('server_version_num')::int < 140000 AND x.{column}::text ~ {pattern} AND {CLASS}"
        for table, relation, column in places
    )


# (question, what its answer means and what to do); a question answers with the names of what is in the way.
_OF_THE_CLUSTER = (
    (
        "SELECT current_setting('wal_level') WHERE current_setting('wal_level') <> 'logical'",
        "wal_level is {names}: set wal_level = logical, restart the cluster in a window of its own, and repeat",
    ),
    (
        "SELECT current_setting('max_replication_slots') || ' slots' "
        "WHERE current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots) < 4",
        "{names} allowed and fewer than 4 free: raise max_replication_slots and max_wal_senders, and restart",
    ),
    (
        "SELECT format('%s of %s in %s since %s', gid, owner, database, date_trunc('second', prepared)) "
        "FROM pg_prepared_xacts WHERE database <> current_database()",
        "prepared transactions in other databases: {names}: the copy waits for them; COMMIT or ROLLBACK PREPARED each",
    ),
)
_OF_THE_DATABASE = (
    (
        "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin AND oid <> 10",
        "superusers that may log in: {names}: no fence holds them; ALTER ROLE ... NOSUPERUSER, or NOLOGIN, first",
    ),
    (
        f"{_RELATIONS} c.relkind = 'r' AND c.relpersistence = 'u' AND {CLASS}",
        "unlogged tables: {names}: their rows are not replicated; ALTER TABLE ... SET LOGGED, or drop them",
    ),
    (
        f"{_RELATIONS} c.relkind = 'f' AND {CLASS}",
        "foreign tables: {names}: what they stand for does not move; drop them, or move it by itself",
    ),
    (
        "SELECT subname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid "
        "WHERE d.datname = current_database() AND subname !~ '^zhenghe_'",
        "subscriptions: {names}: the database follows another one; end that first",
    ),
    (
        "SELECT split_part(s, '=', 2) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase, "
        "unnest(setconfig) s WHERE setrole = 0 AND d.datname = current_database() "
        "AND s ~ '^default_transaction_read_only='",
        "default_transaction_read_only is set for the database ({names}): the fence uses it; RESET it first",
    ),
    (
        "SELECT s FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) s "
        "WHERE setrole = 0 AND d.datname = current_database() AND s ~ '^(role|session_authorization)='",
        "set for everybody in the database: {names}: what replicates would take that role, too, and may do nothing "
        "then; ALTER DATABASE ... RESET it, and ALTER ROLE ... IN DATABASE ... SET it for each role that logs in",
    ),
    (
        "SELECT format('%s of %s', k.conname, k.conrelid::regclass) FROM pg_constraint k "
        "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE k.contype = 'c' AND NOT k.convalidated AND {CLASS} UNION ALL "
        "SELECT format('%s of %s', k.conname, t.oid::regtype) FROM pg_constraint k "
        "JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace "
        f"WHERE NOT k.convalidated AND {TYPE}",
        "checks that are NOT VALID: {names}: the target takes no row that breaks one; mend the rows and VALIDATE "
        "CONSTRAINT, or drop the check until the move is done",
    ),
    (
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
        f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND NOT i.indisvalid AND {CLASS}",
        "indexes that are invalid, from a CREATE INDEX CONCURRENTLY that failed: {names}: REINDEX or DROP INDEX",
    ),
    (
        "SELECT format('%s of %s since %s', gid, owner, date_trunc('second', prepared)) FROM pg_prepared_xacts "
        "WHERE database = current_database()",
        "prepared transactions: {names}: the copy waits for them; COMMIT PREPARED or ROLLBACK PREPARED each",
    ),
    (
        "SELECT format('operator %s', o.oid::regoperator) FROM pg_operator o "
        "JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprright = 0 AND "
        f"{OWN.format(oid='o.oid', catalogue='pg_operator')} UNION ALL {_expressions(_FACTORIAL)}",
        "postfix operators, which newer servers do not have: {names}: write factorial(n), or a function, instead",
    ),
    (
        "SELECT format('aggregate %s', p.oid::regprocedure) FROM pg_proc p JOIN pg_aggregate a ON a.aggfnoid = p.oid "
        "JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_proc t ON t.oid = a.aggtransfn "
        f"WHERE {_OF_ARRAYS.format(proc='t')} AND a.aggtranstype IN ('anyarray'::regtype, 'anyelement'::regtype) "
        f"AND {ROUTINE} UNION ALL "
        "SELECT format('operator %s', o.oid::regoperator) FROM pg_operator o JOIN pg_proc t ON t.oid = o.oprcode "
        f"JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE {_OF_ARRAYS.format(proc='t')} AND o.oprleft IN "
        f"('anyarray'::regtype, 'anyelement'::regtype) AND {OWN.format(oid='o.oid', catalogue='pg_operator')}",
        "made for anyarray or anyelement from a function that newer servers have for anycompatible types only: "
        "{names}: drop each, and make it anew on the target with anycompatiblearray, or by a function of your own",
    ),
    (
        "SELECT format('%s of %s', split_part(s, '=', 1), p.oid::regprocedure) FROM pg_proc p "
        f"JOIN pg_namespace n ON n.oid = p.pronamespace, unnest(p.proconfig) s WHERE {ROUTINE} "
        "AND split_part(s, '=', 1) = ANY('{operator_precedence_warning,vacuum_cleanup_index_scale_factor,"
        "default_with_oids,array_nulls_old,replacement_sort_tuples,stats_temp_directory}')",
        "functions with settings that newer servers do not know: {names}: ALTER FUNCTION ... RESET each",
    ),
    (
        "SELECT DISTINCT format('%I.%I.%I', n.nspname, c.relname, a.attname) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_type t ON t.oid = a.atttypid WHERE a.attnum > 0 AND NOT a.attisdropped "
        f"AND c.relkind IN ('r', 'p', 'c', 'm') AND t.oid IN (702, 703, 704, 705) AND {CLASS}",
        "columns of types that newer servers do not have (abstime, reltime, tinterval, unknown): {names}: "
        "ALTER TABLE ... TYPE timestamptz, interval or text",
    ),
    (
        "SELECT format('%I.%I', n.nspname, c.conname) FROM pg_conversion c JOIN pg_namespace n "
        f"ON n.oid = c.connamespace WHERE {OWN.format(oid='c.oid', catalogue='pg_conversion')}",
        "encoding conversions of your own: {names}: newer servers call them in another way; drop them first",
    ),
    (
        "SELECT evtname FROM pg_event_trigger WHERE evtenabled IN ('A', 'R')",
        "event triggers that always fire: {names}: they would fire for what the move does, too; "
        "ALTER EVENT TRIGGER ... ENABLE each",
    ),
)


def findings(place: Place, connection: Any, *, again: bool = False) -> tuple[str, ...]:
    """Say everything that forbids the move of this database as it is; again: only what may have come since."""
    if connection.server_version < OLDEST:
        return (_too_old(place, connection),)
    found = []
    for question, meaning in _OF_THE_DATABASE if again else (*_OF_THE_CLUSTER, *_OF_THE_DATABASE):
        names = [row[0] for row in rows(connection, question)]
        if names:
            found.append(meaning.format(names=", ".join(names)))
    for name, _, _, _, columns in keyless(connection):
        if columns:
            found.append(f"table {name} has no key, and {columns} cannot be compared: give it a primary key first")
    found += _names(connection)
    if not again:
        found += _way_back(place, connection)
        found += _unheard(place, connection)
    return tuple(f"{place.database}: {one}" for one in found)


OLDEST = 130000
"""The first version whose catalogues tell what these questions ask."""


def _too_old(place: Place, connection: Any) -> str:
    version = value(connection, "SHOW server_version")
    return (
        f"{place.database}: its server is PostgreSQL {version}, and what replicates here needs 13 or newer: upgrade it "
        "where it stands first (pg_upgrade, pg_upgradecluster), or move it as a dump in a window of its own"
    )


def _unheard(place: Place, connection: Any) -> list[str]:
    listening = value(connection, "SHOW listen_addresses")
    if {"*", "0.0.0.0", place.address} & {word.strip() for word in listening.split(",")}:  # noqa: S104
        return []
    return [f"listen_addresses is {listening!r}: add {place.address} and restart in a window of its own"]


def _way_back(place: Place, connection: Any) -> list[str]:
    """Say what keeps this cluster from following: a worker for each database that leaves it, all of them counted."""
    leaving = _leaving(place, connection)
    workers, processes = (
        int(value(connection, f"SHOW {name}")) for name in ("max_logical_replication_workers", "max_worker_processes")
    )
    if workers >= leaving and processes > leaving:
        return []
    return [
        f"{leaving} databases of this cluster move, and each needs a worker here for its way back: "
        f"max_logical_replication_workers is {workers}, max_worker_processes {processes}: raise them to {leaving} and "
        f"{leaving + 4} at least, and restart in a window of its own"
    ]


_OWNERS = """
SELECT DISTINCT rolname FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
JOIN pg_database d ON d.oid = s.dbid WHERE s.refclassid = 'pg_authid'::regclass AND d.datname = current_database()
"""


def _names(connection: Any) -> list[str]:
    """Say which roles have names that the target's cluster, or this database's encoding, cannot write."""
    strange = [name for (name,) in rows(connection, "SELECT rolname FROM pg_roles") if not _is_text(name)]
    found = []
    if strange:
        found.append(f"names of roles that are not UTF-8: {', '.join(strange)}: ALTER ROLE ... RENAME TO ..., first")
    encoding = value(connection, "SHOW server_encoding")
    odd = [name for (name,) in rows(connection, _OWNERS) if not name.isascii()]
    if encoding not in ("UTF8", "SQL_ASCII") and odd:
        found.append(
            f"roles that own or may use something here and whose names {encoding} cannot write for certain: "
            f"{', '.join(odd)}: rename them in letters first"
        )
    return found


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _leaving(place: Place, connection: Any) -> int:
    known = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^zhenghe_' AND rolreplication AND rolname <> %s"
    return int(value(connection, known, (place.base,))) + 1
