"""Probes look often near the moves that their users may feel, and seldom far from them: looking has its price, too.

A move is a step by which something changes for users. The worker says when it begins and when the unit stands again; a
probe that is told of no end looks often until a time that it was told at the beginning.
"""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from infra.worlds import load_world
from migrations.home import RunHome
from migrations.plan import Actuator, Stage, Step, needed_by
from migrations.proof.probes import Probes, probe_orders
from migrations.proof.proof import series_of

PATIENCE = 15.0
"""Seconds that a vantage is asked for; one that is silent keeps no step waiting any longer."""
LASTS = 300.0
"""Seconds for which probes look often after a word, and a step's own limit if that is more."""
LEAVES = 3.0
"""Seconds for which they do so when the unit stands again."""


class Attention:
    """Tells the probes of one run what is about to move. May be used by several threads; a unit by one at a time."""

    def __init__(self, home: RunHome) -> None:
        self._home = home
        self._near: dict[str, float] = {}
        """Until when probes look often, by units that move."""
        self._leaving: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(max_workers=4)
        self._one_at_a_time = threading.Lock()

    def near(self, unit: str, step: Step) -> None:
        """Return when the probes of all who may feel a unit's step look often; a vantage that is silent is left out."""
        wanted = max(LASTS, step.timeout)
        if not is_felt(unit, step) or self._near.get(unit, 0.0) > time.monotonic() + wanted / 2:
            return
        if unit in self._leaving:
            self._leaving.pop(unit).result()
        self._tell(unit, wanted)
        self._near[unit] = time.monotonic() + wanted

    def far(self, unit: str) -> None:
        """Have them look seldom again, soon and without waiting for it."""
        if self._near.pop(unit, None) is not None:
            self._leaving[unit] = self._pool.submit(self._tell, unit, LEAVES)

    def _tell(self, unit: str, seconds: float) -> None:
        with self._one_at_a_time:
            probes, feel = self._probes
        probes.near(unit, seconds, feel)

    @cached_property
    def _probes(self) -> tuple[Probes, Mapping[str, tuple[str, ...]]]:
        plan = self._home.plan()
        known = self._home.programme_file.exists()
        orders = probe_orders(self._home.programme(), [unit.key for unit in plan.units]) if known else ()
        world = load_world(self._home.settings().world)
        return Probes(world, series_of(self._home), orders, PATIENCE, needed=False), needed_by(plan)


def is_felt(unit: str, step: Step) -> bool:
    """Say whether users may feel a step while it is under way: those of people take days, and have no moment."""
    if step.by is Actuator.PEOPLE or unit.startswith(f"{Actuator.SITE}:"):
        return False
    return step.stage is not Stage.PREPARE or step.verb == "front" or unit.startswith(f"{Actuator.LINE}:")
