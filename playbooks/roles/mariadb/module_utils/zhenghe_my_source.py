"""Prepare, where the server comes from: a binary log, the other end's account, our schema; and all of it undone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_my_accounts as accounts
from ansible.module_utils import zhenghe_my_moved as moved
from ansible.module_utils import zhenghe_my_own as own
from ansible.module_utils import zhenghe_my_seed as seed
from ansible.module_utils import zhenghe_my_settings as settings
from ansible.module_utils import zhenghe_my_stream as stream
from ansible.module_utils import zhenghe_my_tls as tls
from ansible.module_utils.zhenghe_my_fence import keep_open, see_options_are_read
from ansible.module_utils.zhenghe_my_findings import refused, told, version_of
from ansible.module_utils.zhenghe_my_place import SYSTEM, Place, rows, side_of, text, value

from playbooks.agents.kit import Refused

LOG = "zhenghe-bin"
_ROWS = "binlog_format = ROW\n"
RESTARTED = 5
"""Seconds by which two looks at a server's start may differ though it is the same one."""
_LOGGING = f"""\
log_bin = {LOG}
{_ROWS}\
sync_binlog = 1
expire_logs_days = 7
"""
_OLD_SESSIONS = (
    "SELECT DISTINCT CONCAT(user, '@', SUBSTRING_INDEX(host, ':', 1)) FROM information_schema.processlist "
    "WHERE id < %s AND user NOT IN ('system user', 'event_scheduler', 'root') AND command <> 'Daemon'"
)


def prepare(place: Place, verifier: str) -> None:
    """Ready the source to be followed; Refused, with all reasons at once, where it cannot be."""
    connection = place.connect()
    if side_of(connection, place.base) != "absent" and place.remembered().get("source"):
        accounts.admit_peer(place, connection, verifier, by_tls=tls.demanded(connection, place))
        return
    against = [*refused(place, connection), *tls.against(place, connection)]
    if not logs(connection) and not place.may_restart:
        against.append(
            "the server keeps no binary log, and only a restart (about 3 s without the database) turns it on: agree to "
            "that with the department and set may_restart: true in the component's settings"
        )
    if against:
        raise Refused("; ".join(against), "mend what is said of each; nothing has changed")
    see_options_are_read(place)
    place.remember(source=True)
    lacking = ("" if logs(connection) else _LOGGING) + _tls_lacking(place, connection)
    if lacking:
        _restart_with(place, lacking)
        connection = place.connect()
    if not logs_rows(connection):
        # Statements that are repeated would run with all rights at the other end: rows do not.
        place.remember(
            format=text(value(connection, "SELECT @@GLOBAL.binlog_format")),
            before=int(value(connection, "SELECT CONNECTION_ID()")),
            up_since=_up_since(connection),
            options=place.remembered().get("options", "") + _ROWS,
        )
        # After a restart of the department's own, too.
        keep_open(place)
        rows(connection, "SET GLOBAL binlog_format = 'ROW'")
    place.remember(followed=text(value(connection, "SELECT @@GLOBAL.gtid_slave_pos")))
    own.make(place, connection, "serving")
    accounts.admit_peer(place, connection, verifier, by_tls=tls.demanded(connection, place))


def logs(connection: Any) -> bool:
    """Say whether the server keeps a binary log."""
    return bool(value(connection, "SELECT @@GLOBAL.log_bin"))


def _tls_lacking(place: Place, connection: Any) -> str:
    return tls.options(place) if place.may_restart and not tls.speaks(connection) else ""


def _restart_with(place: Place, options: str) -> None:
    place.remember(options=options)
    keep_open(place)
    _restart_as_it_was(place)
    connection = place.connect()
    if not logs(connection):
        raise Refused("the server keeps no binary log after its restart", "see which option file turns it off")
    if place.may_restart and not tls.speaks(connection):
        raise Refused("the server speaks no TLS after its restart", "see the server's log on this host")


def _restart_as_it_was(place: Place) -> None:
    """Restart the server and set again whatever somebody had set while it ran, and in no file."""
    before = settings.of_now(place.connect())
    place.restart()
    settings.set_now(place.connect(), before)


def undo_log(place: Place) -> None:
    """Turn off the log and the TLS that we turned on; whoever agreed to the restart agreed to its being taken back."""
    turned_on = place.remembered().get("options", "").removesuffix(_ROWS)
    place.remember(options="", proxied="")
    keep_open(place)
    if turned_on and place.running() and (logs if LOG in turned_on else tls.speaks)(place.connect()):
        folder = Path(text(value(place.connect(), "SELECT @@GLOBAL.datadir")))
        _restart_as_it_was(place)
        if LOG in turned_on:
            for file in folder.glob(f"{LOG}.*"):
                file.unlink()
    tls.take_away(place)


def old_sessions(place: Place, connection: Any) -> list[str]:
    """Name who has been connected since before rows were logged: statements of theirs would be repeated."""
    memory = place.remembered()
    if "before" not in memory or abs(_up_since(connection) - memory.get("up_since", 0)) > RESTARTED:
        return []
    return [text(who) for (who,) in rows(connection, _OLD_SESSIONS, (memory["before"],))]


def _up_since(connection: Any) -> int:
    ((_, uptime),) = rows(connection, "SHOW GLOBAL STATUS LIKE 'Uptime'")
    return int(time.time()) - int(text(uptime))


def logs_rows(connection: Any) -> bool:
    """Say whether new sessions have rows logged, and not statements."""
    return text(value(connection, "SELECT @@GLOBAL.binlog_format")) == "ROW"


def prepared(place: Place) -> bool:
    """Say whether the source is as prepare leaves it, or further."""
    return place.running() and side_of(place.connect(), place.base) != "absent"


_SIZES = (
    f"SELECT COUNT(*), COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables "  # noqa: S608
    f"WHERE table_schema NOT IN ({SYSTEM}) AND table_type NOT LIKE '%VIEW'"
)


def facts(place: Place) -> dict[str, Any]:
    """Return what may be told of the source."""
    connection = place.connect()
    tables, size = rows(connection, _SIZES)[0]
    return {
        "version": version_of(connection)[0],
        "tables": int(tables),
        "bytes": int(size),
        "told": told(connection, place.base),
        "copied": place.remembered().get("seed", ""),
    }


def undo(place: Place) -> None:
    """Leave nothing of ours on the source."""
    seed.forget(place)
    if not place.running():
        raise Refused("the server does not answer", "start it: what prepare changed in it has to be taken back")
    connection = place.connect()
    if side_of(connection, place.base) == "waiting":
        raise Refused("clients are on the target", "return the system before its preparation is undone")
    memory = place.remembered()
    stream.forget(connection)
    moved.dismiss_moved(place, connection)
    accounts.dismiss_peers(place, connection)
    own.drop(connection)
    if "followed" in memory:
        rows(connection, "SET GLOBAL gtid_slave_pos = %s", (memory["followed"],))
    if memory.get("format"):
        rows(connection, "SET GLOBAL binlog_format = %s", (memory["format"],))
    undo_log(place)
    place.forget()
