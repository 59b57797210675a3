"""Keeps the probes of units on probation: those that were ended with a user's machine look again."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from infra.worlds import load_world
from inventory.errors import ZhengheError
from inventory.kinds import Kind
from migrations.evidence.snapshot import standings_in
from migrations.home import RunHome
from migrations.proof.proof import Proof
from migrations.states import UnitState


def keep_probing(runs: Path, kinds: Mapping[str, Kind]) -> None:
    """Start the probes that do not run, of each run that has units on probation and that nobody works on.

    Machines that do not answer are passed over: what their probes do not see counts as not seen.
    """
    for file in sorted(runs.glob("*/run.json")):
        home = RunHome(file.parent)
        with suppress(ZhengheError, OSError, ValueError, KeyError):
            standings = standings_in(home.evidence.path, home.outline()).values()
            if any(each.state is UnitState.ON_PROBATION for each in standings) and not home.is_busy():
                Proof(home, kinds, load_world(home.settings().world), needed=False).begin(calm=True)
