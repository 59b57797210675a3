"""Prepare, where the database goes: a cluster, the source's roles, an empty database of the same shape, fenced."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ansible.module_utils import zhenghe_pg_accounts as accounts
from ansible.module_utils import zhenghe_pg_large as large
from ansible.module_utils import zhenghe_pg_own as own
from ansible.module_utils import zhenghe_pg_schema as schema
from ansible.module_utils import zhenghe_pg_settings as settings
from ansible.module_utils import zhenghe_pg_slots as slots
from ansible.module_utils import zhenghe_pg_stream as stream
from ansible.module_utils import zhenghe_pg_tls as tls
from ansible.module_utils.zhenghe_pg_asleep import put_to_sleep
from ansible.module_utils.zhenghe_pg_carry import carry_over
from ansible.module_utils.zhenghe_pg_load import copy_schema
from ansible.module_utils.zhenghe_pg_place import POSTGRES, Place, database_settings, fence, in_one, rows, value
from ansible.module_utils.zhenghe_pg_published import publish
from ansible.module_utils.zhenghe_pg_source import peer_lines
from ansible.module_utils.zhenghe_pg_states import bring_states
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused, wait

CLUSTERS = Path("/etc/postgresql")
CONFIGURATION = """\
# Written by zhenghe for the move of a database to this host.
listen_addresses = 'localhost, {address}'
wal_level = logical
password_encryption = scram-sha-256
max_sync_workers_per_subscription = {sync}
"""
# Of the sizes of a cluster only a restart changes, and there will be clients: room for many databases from the start.
SMALLEST = {
    "max_connections": 100,
    "max_prepared_transactions": 0,
    "max_locks_per_transaction": 64,
    "max_pred_locks_per_transaction": 64,
    "max_replication_slots": 64,
    "max_wal_senders": 64,
    "max_logical_replication_workers": 64,
    "max_worker_processes": 80,
}
COPYING = 6
"""Tables of a database that are copied at once."""
SPARE = COPYING + 2
"""Workers that a database takes while it is copied."""


def cluster_of() -> str:
    """Return the newest cluster of this host, as Debian names it: 15/main."""
    found = sorted(CLUSTERS.glob("*/main/postgresql.conf"), key=lambda file: float(file.parts[-3]))
    if not found:
        raise Refused("no cluster of PostgreSQL on this host", "install postgresql and its first cluster in the image")
    return f"{found[-1].parts[-3]}/main"


def start_cluster(place: Place, wanted: Mapping[str, int] = MappingProxyType({})) -> None:
    """Have the cluster listen on its address, able to be followed, large enough for what comes, also after a restart.

    `wanted` are sizes that the source's cluster has. A cluster that clients use is not restarted: Refused.
    """
    cluster = cluster_of()
    unit = f"postgresql@{cluster.replace('/', '-')}.service"
    file = CLUSTERS / cluster / "conf.d" / "zhenghe.conf"
    # Debian starts a cluster by this unit, which it has made if the cluster's start.conf says auto.
    subprocess.run(["systemctl", "enable", "--quiet", "postgresql.service", unit], check=True, capture_output=True)
    _systemctl(place, "start", unit)
    before = POSTGRES.read(file) if file.exists() else ""
    sizes = _sizes(place, before, wanted)
    text = CONFIGURATION.format(address=place.address, sync=COPYING)
    text += "".join(f"{name} = {size}\n" for name, size in sorted(sizes.items()))
    # One that was killed may have written the file and not restarted the cluster.
    changed = before != text or _too_small(place, sizes)
    if changed:
        _see_nobody_is_there(place, sizes)
        POSTGRES.write(file, text, 0o644)
        _systemctl(place, "restart", unit)


def _systemctl(place: Place, verb: str, unit: str) -> None:
    subprocess.run(["systemctl", verb, unit], check=True, capture_output=True)
    if not wait(place.running, 20):
        raise Refused(f"{unit} does not answer", f"look into journalctl -u {unit}")


def _sizes(place: Place, before: str, wanted: Mapping[str, int]) -> dict[str, int]:
    kept = {name: int(size) for name, size in re.findall(r"^(\w+) = (\d+)$", before, re.MULTILINE) if name in SMALLEST}
    # Whatever somebody else gave the cluster is not made less.
    now = _in_force(place)
    sizes = {name: max(least, *(each.get(name, 0) for each in (kept, wanted, now))) for name, least in SMALLEST.items()}
    # Each database that follows keeps a worker here, and a slot for its way back.
    following = value(place.connect(), "SELECT count(*) FROM pg_subscription")
    while sizes["max_logical_replication_workers"] < following + SPARE:
        for name in ("max_replication_slots", "max_wal_senders", "max_logical_replication_workers"):
            sizes[name] *= 2
    sizes["max_worker_processes"] = max(sizes["max_worker_processes"], sizes["max_logical_replication_workers"] + 16)
    return sizes


def _in_force(place: Place) -> dict[str, int]:
    question = "SELECT name, setting::int FROM pg_settings WHERE name = ANY(%s)"
    return {str(name): int(size) for name, size in rows(place.connect(), question, (list(SMALLEST),))}


def _too_small(place: Place, sizes: Mapping[str, int]) -> bool:
    return any(size < sizes[name] for name, size in _in_force(place).items())


_CLIENTS = """
SELECT DISTINCT datname::text FROM pg_stat_activity JOIN pg_roles ON usename = rolname
WHERE backend_type = 'client backend' AND NOT rolsuper AND rolname !~ '^zhenghe_' ORDER BY 1
"""


def _see_nobody_is_there(place: Place, sizes: Mapping[str, int]) -> None:
    if not _too_small(place, sizes):
        return
    used = [name for (name,) in rows(place.connect(), _CLIENTS)]
    if used:
        written = ", ".join(f"{name} = {size}" for name, size in sorted(sizes.items()))
        raise Refused(
            f"the target's cluster must be restarted for larger sizes, and clients use it: {', '.join(used)}",
            f"set at least {written} there and restart it in a window of its own, then run the step again",
        )


def open_to_peer(place: Place, verifier: str) -> None:
    """Let the source's host follow this one, for the way back."""
    connection = place.connect()
    tls.show(place)
    accounts.ensure_role(connection, place.base, "REPLICATION BYPASSRLS", verifier)
    accounts.admit(place, f"{place.base} peer", peer_lines(place))


def prepared(place: Place) -> bool:
    """Say whether the target is as prepare leaves it, or further."""
    if not place.running() or not tls.pinned(place):
        return False
    return "zhenghe.built" in database_settings(place.connect(), place.database)


def build(place: Place) -> None:
    """Make the database with everything but its rows."""
    there = _reach(place)
    start_cluster(place, settings.sizes_there(there))
    here = place.connect()
    if rows(here, "SELECT 1 FROM pg_database WHERE datname = %s", (place.database,)):
        if not place.remembered().get("database"):
            raise Refused(f"{place.database}: the target has such a database already", "move that one away first")
        _drop_database(place, here)
    _check_extensions(here, there)
    accounts.copy_roles(place, here, there)
    place.remember(database=True)
    _create_database(place, here, there)
    inside = place.connect(place.database)
    _shape(place, inside, there)
    rows(inside, sql.SQL("DROP OWNED BY {}").format(sql.Identifier(place.base)))
    for grant in accounts.read_rights(inside, place.database, place.base):
        rows(inside, grant)
    for text in (own.SUPPORT, large.FUNCTIONS, own.WATCH):
        own.make_own(inside, text, place.base)
    publish(inside, place.base)
    accounts.copy_settings(place, here, there)
    # A dump has neither the options of user mappings nor rights on the server's own languages.
    carry_over(place, inside, there)
    put_to_sleep(inside, place.database)
    _bring_settings(place)
    _see_equal(place, inside, there)
    rows(here, sql.SQL("ALTER DATABASE {} SET zhenghe.built = on").format(sql.Identifier(place.database)))


def _shape(place: Place, inside: Any, there: Any) -> None:
    if not rows(there, "SELECT 1 FROM pg_namespace WHERE nspname = 'public'"):
        rows(inside, "DROP SCHEMA public")
    # The source's watch over identities is in the dump as well, but not its function.
    own.make_own(inside, own.IDENTITIES, place.base)
    before = schema.shapes(there)
    copy_schema(place)
    if schema.shapes(there) != before:
        raise Refused("the schema was changed while it was copied", "run the step again when nobody changes it")


def _bring_settings(place: Place) -> None:
    came = settings.bring(place)
    place.remember(settings=came)
    if settings.serious(came["refused"]):
        raise Refused(
            f"settings of the source's cluster cannot be had on the target: {'; '.join(came['refused'])}",
            "install what they name (a locale, time zones), or change them on the source, then run the step again",
        )


def _reach(place: Place) -> Any:
    found: list[Any] = []
    said: list[str] = []

    def reached() -> bool:
        # The source's pg_hba.conf was reloaded a moment ago.
        try:
            found.append(place.connect_peer())
        except Error as exc:
            said.append(str(exc).strip())
        return bool(found)

    if not wait(reached, 10, 0.2):
        raise Refused(f"the source does not let this host in: {said[-1]}", "open the way to its port and run it again")
    return found[0]


def _check_extensions(here: Any, there: Any) -> None:
    known = {row[0] for row in rows(here, "SELECT name FROM pg_available_extensions")}
    missing = [name for (name,) in rows(there, "SELECT extname FROM pg_extension") if name not in known]
    if missing:
        raise Refused(f"the target lacks the extensions {', '.join(missing)}", "install their packages on the target")


_DATABASE = """
SELECT pg_encoding_to_char(encoding), datcollate, datctype, rolname
FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE datname = %s
"""
_DATABASE_COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
_DATABASE_RIGHTS = """
SELECT a.privilege_type, r.rolname, a.is_grantable
FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a LEFT JOIN pg_roles r ON r.oid = grantee
WHERE d.datname = %s AND a.grantee <> d.datdba AND coalesce(r.rolname, '') !~ '^zhenghe_'
"""
_PRIVILEGES = ("CONNECT", "CREATE", "TEMPORARY")


def _create_database(place: Place, here: Any, there: Any) -> None:
    encoding, collate, ctype, owner = rows(there, _DATABASE, (place.database,))[0]
    name = sql.Identifier(place.database)
    statement = sql.SQL(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {} CONNECTION LIMIT 0 OWNER {}"
    )
    values = [sql.Literal(one) for one in (encoding, collate, ctype)]
    try:
        rows(here, statement.format(name, *values, sql.Identifier(owner)))
    except Error as exc:
        raise Refused(f"{place.database}: {str(exc).strip()}", f"add the locale {collate} to the target") from exc
    # Whatever stops the rest of it, nobody may take a half-built database for one that serves.
    limit = value(there, "SELECT datconnlimit FROM pg_database WHERE datname = %s", (place.database,))
    in_one(here, fence(place.database, "waiting", limit))
    comment = sql.Literal(value(there, _DATABASE_COMMENT, (place.database,)))
    rows(here, sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, comment))
    rows(here, sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for privilege, grantee, grantable in rows(there, _DATABASE_RIGHTS, (place.database,)):
        if privilege in _PRIVILEGES:
            whom = sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC")
            words = f"GRANT {privilege} ON DATABASE {{}} TO {{}}" + (" WITH GRANT OPTION" if grantable else "")
            rows(here, sql.SQL(words).format(name, whom))


def _see_equal(place: Place, inside: Any, there: Any) -> None:
    comparison = schema.Comparison(place, there, inside)
    bring_states(inside, place.database, comparison.found())
    found = comparison.keep_as_printed()
    if found:
        raise Refused("the copied schema differs: " + "; ".join(found), "compare both with pg_dump --schema-only")


def _drop_database(place: Place, here: Any) -> None:
    stream.drop_slots(place, copies=True)
    slots.unlimit(place)
    if rows(here, "SELECT 1 FROM pg_database WHERE datname = %s", (place.database,)):
        stream.drop_subscription(place.connect(place.database), place.base)
        rows(here, sql.SQL("ALTER DATABASE {} IS_TEMPLATE false").format(sql.Identifier(place.database)))
        rows(here, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(place.database)))


def facts(place: Place) -> dict[str, Any]:
    """Return what may be told of the target."""
    inside = place.connect(place.database)
    return {
        "version": value(inside, "SHOW server_version"),
        "tables": len(rows(inside, schema.TABLES)),
        "sequences": len(rows(inside, schema.SEQUENCES)),
        "extensions": [name for (name,) in rows(inside, "SELECT extname FROM pg_extension ORDER BY 1")],
        "roles": place.remembered().get("roles", []),
        "settings": place.remembered().get("settings", {}),
    }


def undo(place: Place) -> None:
    """Remove everything that prepare made on the target."""
    if not place.running():
        return
    here = place.connect()
    # One that never was let in has no side yet, if what made it was killed at once.
    if database_settings(here, place.database).get("zhenghe.side") == "serving":
        raise Refused(
            f"{place.database}: clients are on the target", "return the system before its preparation is undone"
        )
    memory = place.remembered()
    if memory.get("database"):
        _drop_database(place, here)
    accounts.admit(place, f"{place.base} peer", [])
    accounts.drop_role(place, place.base)
    for role in memory.get("roles", []):
        accounts.drop_brought(place, role)
    tls.unpin(place)
    place.forget_files("passfile", "verifier", "state.json")
