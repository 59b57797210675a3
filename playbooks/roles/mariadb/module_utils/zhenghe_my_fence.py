"""The fence of a server: who may come in, whether writes are taken, whether events run; and the way back through it.

Accounts of the department are locked, so that nobody writes to, or reads from, the wrong end by mistake; the server
takes no writes; events run at the end that serves alone. All of it holds after a restart where it is meant to stay.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pymysql  # type: ignore[import-untyped, import-not-found, unused-ignore]
from ansible.module_utils import zhenghe_my_accounts as accounts
from ansible.module_utils import zhenghe_my_own as own
from ansible.module_utils.zhenghe_my_place import OPTIONS, Place, rows, side_of, text, value

from playbooks.agents.kit import Refused, run, write

# A definer gets no rights on a routine that is replicated: at the other end it got none either.
_FENCED = """# The fence: another server has the clients.
read_only = ON
event_scheduler = OFF
automatic_sp_privileges = OFF
"""
LOOK = 0.11
"""Seconds between two looks at transactions: InnoDB renews what it tells of them no sooner than after 0.1 s."""
_OTHERS = (
    "SELECT id, user, host, command FROM information_schema.processlist WHERE id <> CONNECTION_ID() "
    "AND user NOT IN ('system user', 'event_scheduler', %s, 'unauthenticated user') "
    "AND command NOT IN ('Binlog Dump', 'Daemon', 'Slave_IO', 'Slave_SQL', 'Slave_worker')"
)
_UNKNOWN_THREAD = 1094
_WRITING = "SELECT trx_mysql_thread_id, trx_id, trx_started FROM information_schema.innodb_trx WHERE trx_id > 0"


def raise_fence(place: Place, connection: Any, side: str) -> None:
    """Lock the department's accounts and stop events; sessions and writes are ended by `empty`."""
    kept: list[list[str]] = json.loads(own.noted(place, connection, "locked") or "[]")
    news = [list(one) for one in accounts.unlocked(connection, place.base)]
    locked = [*kept, *(one for one in news if one not in kept)]
    if side_of(connection, place.base) in ("serving", "absent"):
        own.note(place, connection, **as_clients_have_it(place, connection))
    # Written down before it is done.
    own.note(place, connection, locked=json.dumps(locked), side=side)
    accounts.set_lock(connection, [(user, host) for user, host in news], locked=True)
    stop_events(connection)


def as_clients_have_it(place: Place, connection: Any) -> dict[str, str]:
    """Return what the fence changes of the settings, as it is at the end that serves.

    Events that are still to be started there, because whoever moved it died, count as running.
    """
    found = rows(connection, "SELECT @@GLOBAL.event_scheduler, @@GLOBAL.automatic_sp_privileges")[0]
    pending = own.noted(place, connection, "events")
    return {"events": pending or text(found[0]), "routines": "ON" if found[1] else "OFF"}


def stop_events(connection: Any) -> None:
    """Let no event run at this end."""
    if text(value(connection, "SELECT @@GLOBAL.event_scheduler")) == "ON":
        rows(connection, "SET GLOBAL event_scheduler = OFF")


def start_events(place: Place, connection: Any) -> None:
    """Let events run here, if they did where clients were before."""
    if own.noted(place, connection, "events") == "ON":
        rows(connection, "SET GLOBAL event_scheduler = ON")
    # From here on it is the department's to say.
    own.note(place, connection, events="")


def wait_no_longer(connection: Any, limit: float) -> None:
    """Wait for locks of others no longer than so many seconds."""
    rows(connection, "SET SESSION lock_wait_timeout = %s", (max(1, int(limit)),))


def take_no_writes(connection: Any) -> None:
    """Let nobody but the superuser and replication write any more."""
    rows(connection, "SET GLOBAL read_only = ON, automatic_sp_privileges = OFF")


def lift_fence(place: Place, connection: Any, *, stay_locked: tuple[accounts.Account, ...] = ()) -> None:
    """Let clients in and take writes; accounts that the department itself has locked stay so."""
    kept = [(user, host) for user, host in json.loads(own.noted(place, connection, "locked") or "[]")]
    keep_open(place)
    accounts.set_lock(connection, [one for one in kept if one not in stay_locked], locked=False)
    routines = own.noted(place, connection, "routines")
    rows(connection, "SET GLOBAL read_only = OFF, automatic_sp_privileges = %s", (routines,))
    own.note(place, connection, side="serving", locked="[]")


def keep_fenced(place: Place) -> None:
    """Have the fence hold after a restart too."""
    _write_options(place, _FENCED)


def keep_open(place: Place) -> None:
    """Have the server take clients after a restart too."""
    _write_options(place, "")


def _write_options(place: Place, fence: str) -> None:
    memory = place.remembered()
    lines = memory.get("options", "") + memory.get("proxied", "") + fence
    if lines:
        write(OPTIONS, f"# Written by zhenghe for the move of this server.\n[mysqld]\n{lines}")
    else:
        OPTIONS.unlink(missing_ok=True)


def see_options_are_read(place: Place) -> None:
    """See that the server reads our option file, for a fence has to hold after a restart; Refused where it does not."""
    if OPTIONS.exists():
        if place.remembered():
            return
        raise Refused(f"{OPTIONS} is there and not ours", "see whose it is, and move it away")
    write(OPTIONS, "[mysqld]\nloose_zhenghe = 1\n")
    try:
        read = "--loose_zhenghe=1" in run("my_print_defaults", "mysqld").split()
    finally:
        OPTIONS.unlink()
    if not read:
        raise Refused(f"the server does not read {OPTIONS.parent}", "have its option files include it, then repeat")


def others(place: Place, connection: Any) -> list[tuple[int, str, str]]:
    """Return the sessions of others: number, who it is, what it does."""
    found = rows(connection, _OTHERS, (place.base,))
    return [(int(one), f"{text(user)}@{text(host).rpartition(':')[0] or text(host)}", text(command))
            for one, user, host, command in found]  # fmt: skip


def _transactions(connection: Any) -> dict[int, tuple[str, str]]:
    return {int(one): (text(number), text(since)) for one, number, since in rows(connection, _WRITING)}


def empty(place: Place, connection: Any, limit: float) -> tuple[int, tuple[str, ...]]:
    """End the sessions of clients, each between its transactions; return how many, and who holds one open all along.

    A transaction that was open before and has not ended in time is left alone: then writes go on as before.
    """
    end = time.monotonic() + limit * 0.6
    before: dict[int, tuple[str, str]] | None = None
    ended: set[int] = set()
    while True:
        # Sessions first: who begins a transaction between the two looks is seen to have one.
        here = others(place, connection)
        writing = _transactions(connection)
        before = writing if before is None else before
        for one, _, command in here:
            if command == "Sleep" and one not in writing:
                ended.add(_kill(connection, one))
        if not here:
            return len(ended), ()
        if time.monotonic() > end:
            break
        time.sleep(LOOK)
    long = {one for one, which in writing.items() if before.get(one) == which}
    holding = tuple(f"{who} since {writing[one][1]}" for one, who, _ in here if one in long)
    if not holding:
        take_no_writes(connection)
        ended |= {_kill(connection, one) for one, _, _ in others(place, connection)}
    return len(ended), holding


def _kill(connection: Any, session: int) -> int:
    try:
        rows(connection, f"KILL CONNECTION {session}")
    except pymysql.err.MySQLError as exc:
        # It ended by itself.
        if exc.args[0] != _UNKNOWN_THREAD:
            raise
    return session


def locked_by_department(connection: Any, base: str) -> tuple[accounts.Account, ...]:
    """Return the accounts that are locked at the end that serves: nobody but the department has done that."""
    found = accounts.of_department(connection, base)
    return tuple(who for who, kept in found.items() if kept.get("account_locked"))
