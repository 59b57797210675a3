"""The schema goes from the source's server to the target's: everything but rows, by the newer pg_dump and psql."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import subprocess
from collections.abc import Sequence
from typing import Any

import psycopg2  # type: ignore[import-untyped, import-not-found, unused-ignore]
from ansible.module_utils.zhenghe_pg_guard import done_by, guarded
from ansible.module_utils.zhenghe_pg_place import Place, rows
from psycopg2.extensions import make_dsn  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused

_ERROR = re.compile(r"^(?:psql:.*?: )?(?:ERROR|FATAL):\s+(?P<why>.*)$")
_STATEMENT = re.compile(r"^(?:psql:.*?: )?STATEMENT:\s+(?P<text>.*)$")
_MOST = 40
"""Errors that are quoted; the later ones mostly follow from the earlier."""
# Event triggers that come with the schema do not run while it is loaded; a copy that was cut off is made anew.
_QUIET = (
    "-c session_replication_role=replica -c default_transaction_read_only=off -c synchronous_commit=off"
    " -c lc_messages=C -c log_min_error_statement=panic"
)

_COMPUTED = """
SELECT r.rolname, c.oid::regclass::text, pg_get_indexdef(c.oid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_roles r ON r.oid = c.relowner
WHERE c.relkind = 'i' AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND c.oid >= 16384 ORDER BY 2
"""


def copy_schema(place: Place, tables: Sequence[tuple[str, str]] = ()) -> None:
    """Load the other end's schema into the new database; refused with every statement that this server does not take.

    With tables only theirs is loaded: all of it or nothing.

    A table space of the source's is left behind: what was in it lies where the target's database lies.
    """
    # Rows come by replication, so that nothing is read twice.
    dump = [
        "pg_dump", "--schema-only", "--no-subscriptions", "--exclude-schema=zhenghe", "--no-tablespaces",
        "--lock-wait-timeout=10s", "--no-password", f"--dbname={make_dsn(**place.peer(), dbname=place.database)}",
        *(f"--table={_pattern(*table)}" for table in tables), *(["--strict-names"] if tables else []),
    ]  # fmt: skip
    load = [
        "psql", "--quiet", "--no-psqlrc", "--echo-errors", "--set=SHOW_CONTEXT=never", f"--port={place.port}",
        "--output=/dev/null", f"--dbname={make_dsn(dbname=place.database)}",
        *(["--single-transaction", "--set=ON_ERROR_STOP=1"] if tables else []),
    ]  # fmt: skip
    pipe = subprocess.PIPE
    with (
        contextlib.closing(place.connect(place.database)) as inside,
        guarded(inside),
        subprocess.Popen(dump, stdout=pipe, stderr=pipe, **_as_postgres()) as reading,
        subprocess.Popen(load, stdin=reading.stdout, stderr=pipe, **_as_postgres(PGOPTIONS=_QUIET)) as writing,
    ):
        assert reading.stdout is not None
        reading.stdout.close()
        wrong = writing.communicate()[1].decode(errors="replace")
        assert reading.stderr is not None
        unread = reading.stderr.read().decode(errors="replace").strip()
    found = errors_of(wrong)
    if not tables:
        found += _indexes_that_fail(place)
    if reading.returncode:
        raise Refused(f"the schema was not copied: {unread}", "see the source's log")
    if found or writing.returncode:
        told = "; ".join(found[:_MOST]) or wrong.strip()
        more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
        raise Refused(
            f"the target does not take {len(found)} statements of the schema: {told}{more}",
            "change on the source what is named, and run the step again; later errors may follow from earlier ones",
        )


def _indexes_that_fail(place: Place) -> list[str]:
    """Return each index whose functions cannot work here, with the server's words; nothing is changed.

    A server sees that only where it may write a function's body into an expression, which it may not while functions
    are guarded; rows would come to a stop at such an index.
    """
    found = []
    with contextlib.closing(place.connect(place.database)) as inside:
        for owner, name, text in rows(inside, _COMPUTED):
            rows(inside, "BEGIN")
            try:
                done_by(inside, owner, [f"REINDEX INDEX {name}"])
            except psycopg2.Error as error:
                found.append(f"{error.diag.message_primary} in: {_shortened(text)}")
            rows(inside, "ROLLBACK")
    return found


def _pattern(schema: str, table: str) -> str:
    # Between quotes a pattern of pg_dump means the name itself.
    return ".".join('"' + name.replace('"', '""') + '"' for name in (schema, table))


def _as_postgres(**more: str) -> dict[str, Any]:
    owner = pwd.getpwnam("postgres")
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", **more,
    }  # fmt: skip
    return {"user": owner.pw_uid, "group": owner.pw_gid, "cwd": "/", "env": environment}


def errors_of(said: str) -> list[str]:
    """Return each error that psql told, with the beginning of its statement."""
    found: list[str] = []
    statement = False
    for line in said.splitlines():
        error, text = _ERROR.match(line), _STATEMENT.match(line)
        if error:
            found.append(error["why"])
            statement = False
        elif text and found:
            found[-1] += f" in: {_shortened(text['text'])}"
            statement = True
        elif statement and found and len(found[-1]) < 300:
            found[-1] = _shortened(f"{found[-1]} {line.strip()}", 300)
    return found


def _shortened(text: str, most: int = 160) -> str:
    # A statement may hold a password, of a user mapping for instance.
    if "password" in text.lower():
        return "a statement with a password"
    return text if len(text) <= most else text[: most - 1] + "…"
