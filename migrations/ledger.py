"""The ledger of a programme in a world: what each unit has come to over all runs and plans, folded from evidence."""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from inventory.base import Model
from inventory.errors import ZhengheError, cause_of
from inventory.words import _
from migrations.evidence.snapshot import standings_in
from migrations.home import RunHome, RunSettings
from migrations.plan import STANDING, Plan, Unit
from migrations.states import BETWEEN, UnitState

NOTHING_DONE = frozenset({UnitState.PLANNED, UnitState.WITHDRAWN})
GIVEN_UP = frozenset({UnitState.COMMITTED, UnitState.DECOMMISSIONED})


class Account(Model):
    """What one unit has come to: the last run that did anything for it says so."""

    unit: Unit
    """As it was in the plan of that run, without its steps: `Ledger.with_steps` reads them."""
    state: UnitState
    reason: str
    since: datetime
    run: str
    plan: str
    """The digest of the run's plan."""

    @property
    def is_held(self) -> bool:
        """Say whether it stands, or may stand, between two sides, so that only its own run may go on with it."""
        return self.state in BETWEEN


class Ledger(Model):
    """Accounts by key of unit; a unit without one has never been touched in this world."""

    accounts: Mapping[str, Account] = {}
    folder: Path = Path()
    """Where the runs are."""
    runs: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Which runs do not count, and why."""
    unknown: Mapping[str, str] = {}
    """Why it is not known what runs have done here that may have done something: never taken for nothing."""

    def state(self, key: str) -> UnitState:
        """Return how far a unit has come."""
        account = self.accounts.get(key)
        return UnitState.PLANNED if account is None else account.state

    def with_steps(self, accounts: Iterable[Account]) -> Iterator[Account]:
        """Yield accounts with the steps of their units, each run's plan read once; the errors of `RunHome.plan`."""
        plans: dict[str, Mapping[str, Unit]] = {}
        for account in accounts:
            if account.run not in plans:
                plans[account.run] = {unit.key: unit for unit in RunHome(self.folder / account.run).plan().units}
            yield account.model_copy(update={"unit": plans[account.run][account.unit.key]})

    def is_done(self, unit: Unit) -> bool:
        """Say whether nothing is left to be done for a unit as it is planned now.

        A site is made again whenever its declaration has changed; what was committed is never moved again.
        """
        account = self.accounts.get(unit.key)
        if account is None:
            return False
        if unit.kind in STANDING:
            there = {UnitState.READY, *GIVEN_UP}
            return account.state in there and account.unit.digest == unit.digest
        return account.state in GIVEN_UP

    def held_elsewhere(self, units: Iterable[Unit], run: str = "") -> Iterator[Account]:
        """Yield the accounts of those units that another run has moved or is moving: it has their way back."""
        for unit in units:
            account = self.accounts.get(unit.key)
            if account is None or account.run == run or unit.kind in STANDING:
                continue
            if account.is_held or account.state in GIVEN_UP:
                yield account


def ledger_of(runs: Path, programme: str, world: Path) -> Ledger:
    """Fold the evidence of all runs of a programme in the world of a file; OSError where a folder cannot be read."""
    accounts: dict[str, Account] = {}
    names, left_out, unknown = [], [], {}
    for home in _homes(runs):
        # A rehearsal is numbered, and what cannot be read of one concerns nobody's world.
        concerns = home.path.name.startswith(f"{programme}-") and not home.path.suffix[1:].isdigit()
        try:
            settings = home.settings()
            if os.path.realpath(settings.world) != os.path.realpath(world) or _of_another_twin(home, settings):
                continue
            plan = home.outline()
            if plan.programme != programme:
                continue
            concerns = True
            home.see_whole()
            for account in _accounts(plan, home, settings.plan):
                before = accounts.get(account.unit.key)
                if before is None or before.since <= account.since:
                    accounts[account.unit.key] = account
        except (OSError, ValueError, KeyError, ZhengheError) as exc:
            left_out.append(_("run {run} does not count: {reason}").format(run=home.path.name, reason=cause_of(exc)))
            if concerns:
                unknown[home.path.name] = left_out[-1]
            continue
        names.append(home.path.name)
    return Ledger(accounts=accounts, folder=runs, runs=tuple(names), left_out=tuple(left_out), unknown=unknown)


def _of_another_twin(home: RunHome, settings: RunSettings) -> bool:
    """Say whether a run's twin was taken down or built anew since: nothing that was done in it is there any more."""
    if settings.kind != "twin":
        return False
    return not settings.world.exists() or settings.world.stat().st_mtime_ns > home.settings_file.stat().st_mtime_ns


def _homes(runs: Path) -> Iterator[RunHome]:
    # A folder without either was left by a command that was killed before it began.
    for folder in sorted({file.parent for name in ("run.json", "evidence.jsonl") for file in runs.glob(f"*/{name}")}):
        yield RunHome(folder)


def _accounts(plan: Plan, home: RunHome, digest: str) -> Iterator[Account]:
    standings = standings_in(home.evidence.path, plan)
    for unit in plan.units:
        standing = standings[unit.key]
        if standing.since is not None:
            yield Account(
                unit=unit,
                state=standing.state,
                reason=standing.reason,
                since=standing.since,
                run=home.path.name,
                plan=digest,
            )
