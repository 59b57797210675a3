"""Why a worker of a subscription ended: PostgreSQL tells it in the log of its cluster alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible.module_utils.zhenghe_pg_place import POSTGRES, value

_LINE = re.compile(r"\[(?P<pid>\d+)\]\s.*?(?P<what>ERROR|FATAL|LOG|错误|致命错误|日志):\s+(?P<text>.*)")
_PASSING = re.compile(r"terminating|could not connect|connection to server|could not receive data")
"""What a worker says of a connection: it tries again."""
_MOST = 1 << 20
"""Bytes of the log that are looked at, the newest."""


def _file(connection: Any) -> Path:
    collected = value(connection, "SELECT pg_current_logfile()")
    if collected:
        return Path(value(connection, "SHOW data_directory")) / collected
    version, name = value(connection, "SHOW config_file").split("/")[-3:-1]
    # Debian's pg_ctlcluster names it so.
    return Path(f"/var/log/postgresql/postgresql-{version}-{name}.log")


def position(connection: Any) -> int:
    """Return how long the cluster's log is by now."""
    try:
        with POSTGRES.acting():
            return _file(connection).stat().st_size
    except OSError:
        return 0


def worker_errors(connection: Any, subscription: str, since: int) -> tuple[str, ...]:
    """Return what the workers of a subscription ended with since a position of the log, each once; no rows' values.

    Details and contexts are left out: they hold what stands in the row.
    """
    try:
        # Where the log lies is the cluster's own word: it is read with the cluster's own rights.
        with POSTGRES.acting(), _file(connection).open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(since if since <= end else 0, end - _MOST))
            lines = file.read(_MOST).decode(errors="replace").splitlines()
    except OSError:
        return ()
    return _of_workers(lines, subscription)


def _of_workers(lines: list[str], subscription: str) -> tuple[str, ...]:
    tables: dict[str, str] = {}
    found: dict[str, None] = {}
    for line in lines:
        match = _LINE.search(line)
        if match is None:
            continue
        pid, what, text = match.group("pid", "what", "text")
        if what in ("LOG", "日志") and f'"{subscription}"' in text:
            named = re.search(r'"' + re.escape(subscription) + r'".*?"(.+)"', text)
            tables[pid] = f"table {named[1]}: " if named else ""
        elif what not in ("LOG", "日志") and pid in tables and not _PASSING.search(text):
            found[f"{tables[pid]}{text}"] = None
    return tuple(found)


def why_not(connection: Any, subscription: str, most: int = 3) -> str:
    """Return, as the end of a sentence, what the workers of a subscription said last; empty where they said nothing."""
    said = worker_errors(connection, subscription, 0)
    return f": {'; '.join(said[-most:])}" if said else ""
