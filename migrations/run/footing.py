"""Whatever a run stands on is looked over before it goes on: its folders, its key, the engine's file, room on the disk.

The evidence alone says how far the units have come. So everything else that is lost or damaged is moved aside, kept
and made anew, and the evidence says so.
"""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from inventory.errors import ZhengheError
from inventory.words import _
from migrations.evidence.kinds import EngineBegun, EnginePutAside
from migrations.home import RunHome

PER_BYTE, AT_LEAST = 4, 64 * 1024
"""Bytes that must be free before a passage: for each byte of its plan, whose steps write to evidence and engine."""
ALMOST_NONE = 16 * 1024
"""Bytes below which nothing more is begun."""
SEALS = b"2"
"""How messages are sealed: those of another version cannot be read."""
ENGINE = Path(__file__).with_name("engine")
REPLAYED = ("passages.py", "workflows.py", "messages.py")
"""What decides in which order the engine is asked for things: with other texts nobody can go on with what it holds."""
FILES_AT_LEAST = 4
"""So many files can still be made, at the least."""


class NoRoom(ZhengheError):
    """The disk under a run's folder is full; carries the folder and whether bytes or files have run out."""

    def __init__(self, folder: Path, lacking: str) -> None:
        self.folder = folder
        text = _("the disk of {folder} is full ({lacking}): make room, and call the same command again: it goes on")
        super().__init__(text.format(folder=folder, lacking=lacking))


def needs_room(folder: Path, wanted: int = ALMOST_NONE) -> None:
    """Look whether so many bytes, and a few more files, fit onto a folder's disk; NoRoom."""
    disk = os.statvfs(folder)
    free = disk.f_frsize * (disk.f_bfree if os.geteuid() == 0 else disk.f_bavail)
    if free < wanted:
        raise NoRoom(folder, _("{free} KiB are free, {wanted} are needed").format(free=free >> 10, wanted=wanted >> 10))
    files = disk.f_ffree if os.geteuid() == 0 else disk.f_favail
    # A file system that gives out inodes as it goes says that it has none at all.
    if disk.f_files and files < FILES_AT_LEAST:
        raise NoRoom(folder, _("no more files can be made on it"))


def mended(home: RunHome) -> tuple[str, ...]:
    """Make anew what a run has lost, and say what that was; nobody else may work on the run. OSError."""
    for folder in (home.logs, home.locks):
        folder.mkdir(exist_ok=True, mode=0o700)
    return tuple(_mended(home))


def put_engine_aside(home: RunHome, why: str) -> str:
    """Move the engine's file away, so that a new one is begun, and say where it is kept; its server must not live."""
    kept = _aside(home.database)
    for ending in ("-journal", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            home.database.with_name(home.database.name + ending).rename(kept.with_name(kept.name + ending))
    text = _("the engine's file is of no use ({why}): it is kept as {kept}, and the run goes on from its evidence")
    said = text.format(why=why, kept=kept.name)
    home.evidence.write(EnginePutAside(why=why, kept=kept.name))
    return said


def _mended(home: RunHome) -> Iterator[str]:
    if home.renew_key():
        yield _("the run's key was lost and is made anew")
    if home.settings().temporal is not None:
        # Its engine is a cluster, which keeps nothing here.
        return
    replayed = b"".join(hashlib.sha256((ENGINE / name).read_bytes()).digest() for name in REPLAYED)
    mark = hashlib.sha256(SEALS + replayed + home.key_file.read_bytes()).hexdigest()[:16]
    marks = [begun.key for _record, begun in EngineBegun.among(home.evidence.records_of(EngineBegun))]
    if home.database.exists():
        another = marks[-1:] != [mark]
        why = _("another key sealed its messages, or another version wrote them") if another else _damage(home.database)
        if not why:
            return
        yield put_engine_aside(home, why)
    home.evidence.write(EngineBegun(key=mark))


def _damage(database: Path) -> str:
    """Say what is wrong with a file of SQLite's; nothing where all of it can be read."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            if found != "ok":
                return found.splitlines()[-1]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            return "" if tables else _("it is empty")
    except (sqlite3.Error, UnicodeDecodeError) as exc:
        # What it says of noise may be noise.
        return str(exc)


def _aside(file: Path) -> Path:
    number = 1
    while (kept := file.with_name(f"{file.name}.aside-{number}")).exists():
        number += 1
    if file.exists():
        file.rename(kept)
    return kept
