"""Prepare, where the server goes: the source's copy in the place of an empty server, upgraded, fenced."""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_my_accounts as accounts
from ansible.module_utils import zhenghe_my_own as own
from ansible.module_utils import zhenghe_my_seed as seed
from ansible.module_utils import zhenghe_my_settings as settings
from ansible.module_utils import zhenghe_my_stream as stream
from ansible.module_utils import zhenghe_my_tls as tls
from ansible.module_utils.zhenghe_my_fence import keep_fenced, raise_fence, stop_events, take_no_writes
from ansible.module_utils.zhenghe_my_findings import version_of
from ansible.module_utils.zhenghe_my_place import OPTIONS, SYSTEM, UNIT, Place, rows, side_of, text

from playbooks.agents.kit import Refused, run, serving, wait

DATA = Path("/var/lib/mysql")
"""Where Debian's server keeps everything."""
_OPTIONS = """\
bind_address = {address}
server_id = {number}
gtid_domain_id = {number}
gtid_strict_mode = ON
log_bin = binlog
binlog_format = ROW
log_slave_updates = ON
sync_binlog = 1
expire_logs_days = 7
ignore_db_dirs = lost+found
"""
_SCHEMAS = f"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ({SYSTEM}) ORDER BY 1"  # noqa: S608


def see_empty(place: Place) -> None:
    """See that the target's server is one that nobody uses; Refused where it holds databases."""
    if place.remembered().get("replaced"):
        return
    if OPTIONS.exists():
        raise Refused(f"{OPTIONS} is there already", "another move uses this server, or somebody else wrote it")
    started = serving(UNIT)
    place.remember(started=started)
    if not started:
        place.restart("start")
    names = [text(name) for (name,) in rows(place.connect(), _SCHEMAS)]
    if names:
        raise Refused(f"the target's server holds databases: {', '.join(names[:20])}", "the whole server moves: take "
                      "a host whose server is empty")  # fmt: skip


def prepared(place: Place) -> bool:
    """Say whether the target is as prepare leaves it, or further."""
    built = bool(place.remembered().get("built"))
    return built and place.running() and side_of(place.connect(), place.base) != "absent"


def build(place: Place, host_keys: Sequence[str], verifier: str) -> None:
    """Put the source's copy in the place of the empty server, and bring it up behind the fence."""
    see_empty(place)
    there = place.connect_peer()
    wanted = settings.of(there)
    lines, left = settings.options(wanted)
    lines += settings.of_files(there)
    place.remember(replaced=True, left=left)
    run("systemctl", "stop", UNIT, limit=300)
    _set_aside(place)
    seed.fetch(place, host_keys, DATA)
    position = stream.position_of(seed.position(DATA))
    number = int(ipaddress.ip_address(place.address)) % (1 << 32)
    text_of = _OPTIONS.format(address=place.address, number=number) + tls.options(place) + lines
    # Nobody is let in before the accounts are locked.
    place.remember(options=text_of + "skip_networking = ON\n")
    keep_fenced(place)
    place.restart("start")
    seed.upgrade()
    _fence(place, verifier, position)
    place.remember(options=text_of)
    keep_fenced(place)
    place.restart()
    run("systemctl", "enable", "--quiet", UNIT)
    _see_plugins(place, there)
    place.remember(built=True)


def _set_aside(place: Place) -> None:
    before = place.folder / "before"
    if not before.exists():
        aside = place.folder / "setting-aside"
        aside.mkdir(mode=0o700, exist_ok=True)
        _move_all(DATA, aside)
        aside.rename(before)
    _clear()


def _content(folder: Path) -> list[Path]:
    # A file system of its own keeps what it has found where it is.
    return [one for one in folder.iterdir() if one.name != "lost+found"]


def _clear() -> None:
    for one in _content(DATA):
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()


def _fence(place: Place, verifier: str, position: str) -> None:
    connection = place.connect()
    stop_events(connection)
    take_no_writes(connection)
    # The copy has what the source says of itself.
    own.drop(connection)
    accounts.dismiss_peers(place, connection)
    own.make(place, connection, "absent")
    raise_fence(place, connection, "waiting")
    accounts.admit_peer(place, connection, verifier, by_tls=tls.demanded(connection, place))
    stream.forget(connection)
    rows(connection, "RESET MASTER")
    stream.begin_at(connection, position)


def _see_plugins(place: Place, there: Any) -> None:
    missing = sorted(set(seed.plugins(there)) - set(seed.plugins(place.connect())))
    if missing:
        raise Refused(f"the target lacks plugins: {', '.join(missing)}", "install their packages on the target")


def facts(place: Place) -> dict[str, Any]:
    """Return what may be told of the target."""
    connection = place.connect()
    names = [text(name) for (name,) in rows(connection, _SCHEMAS)]
    left = place.remembered().get("left", [])
    return {"version": version_of(connection)[0], "databases": names[:50], "settings": {"left": left}}


def undo(place: Place) -> None:
    """Put the target's own empty server back; nothing of the copy stays."""
    memory = place.remembered()
    if memory.get("replaced"):
        if place.running() and side_of(place.connect(), place.base) == "serving":
            raise Refused("clients are on the target", "return the system before its preparation is undone")
        run("systemctl", "stop", UNIT, limit=300)
        OPTIONS.unlink(missing_ok=True)
        _put_back(place)
    tls.take_away(place)
    if memory.get("started"):
        run("systemctl", "start", UNIT, limit=300)
        wait(place.running, 60)
    elif "started" in memory:
        run("systemctl", "disable", "--quiet", "--now", UNIT, limit=300)
    place.forget()


def _put_back(place: Place) -> None:
    before, aside = place.folder / "before", place.folder / "setting-aside"
    if before.exists():
        _clear()
    for folder in (before, aside):
        if folder.exists():
            _move_all(folder, DATA)


def _move_all(folder: Path, into: Path) -> None:
    # Owners stay what they are, also where the two are on different file systems.
    names = [str(one) for one in _content(folder)]
    if names:
        run("mv", "--no-clobber", f"--target-directory={into}", *names, limit=3600)


def stop_following(place: Place) -> None:
    """End following; the copy stays, fenced."""
    if place.running() and side_of(place.connect(), place.base) == "waiting":
        connection = place.connect()
        # Where it stopped is kept by the server, so that it goes on from there.
        stream.forget(connection)
