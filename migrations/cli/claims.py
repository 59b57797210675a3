"""Claims on units: in one world nobody begins with units that another command has, however close the two come.

Between the look at other runs and the first word in the evidence another command must not look: a lock for each world
puts the looks in a row, and a claim, which dies with its command, says which units it has.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from inventory.words import _
from migrations.cli.help import WrongUse
from migrations.home import RunBusy, RunHome, UnreadableRun

PATIENCE = 15.0
"""Seconds for which another command is waited for."""


@contextmanager
def claimed(
    home: RunHome, units: Iterable[str], see: Callable[[], object], patience: float = PATIENCE
) -> Iterator[None]:
    """Hold units of a run, all where none is named, while something is done with them; RunBusy, WrongUse.

    `see` refuses what may not be; while it looks, nobody else of the same world looks or claims.
    """
    wanted = frozenset(units) or frozenset(unit.key for unit in home.outline().units)
    with (home.path / "claim").open("a+") as claim:
        deadline = time.monotonic() + patience
        while not _claimed_at_once(home, claim, wanted, see):
            if time.monotonic() > deadline:
                raise RunBusy(_("another command is carrying this run out; wait for it or stop it"))
            time.sleep(0.1)
        yield


def _claimed_at_once(home: RunHome, claim: IO[str], wanted: frozenset[str], see: Callable[[], object]) -> bool:
    world = home.settings().world.resolve()
    with _alone(home.path.parent.parent, world):
        if not _locked(claim):
            return False
        for other in sorted(home.path.parent.glob("*/claim")):
            if other.parent != home.path and (shared := wanted & _held_by(other, world)):
                text = _("run {run} is being carried out and has these units: {units}")
                reason = text.format(run=other.parent.name, units=", ".join(sorted(shared)[:12]))
                raise WrongUse(reason, _("wait for it or stop it"))
        see()
        claim.truncate(0)
        claim.write(json.dumps(sorted(wanted)))
        claim.flush()
    return True


@contextmanager
def _alone(state: Path, world: Path) -> Iterator[None]:
    folder = state / "locks"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = hashlib.sha256(os.fsencode(world)).hexdigest()[:24]
    with (folder / f"world-{name}").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _held_by(other: Path, world: Path) -> frozenset[str]:
    """Return the units that another run of this world has now; empty where its command has ended."""
    try:
        with other.open("r+") as claim:
            if _locked(claim) or RunHome(other.parent).settings().world.resolve() != world:
                return frozenset()
            return frozenset(json.loads(claim.read() or "[]"))
    except (OSError, ValueError, UnreadableRun):
        return frozenset()


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
