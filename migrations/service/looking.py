"""Looks at everything that was done in all worlds and tells what has drifted, changing nothing there.

What is seen for the first time, and what is well again, goes into the evidence of the run that has it.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from inventory.words import _
from migrations.actuators.contract import StepActuator, StepError, Unreachable
from migrations.actuators.people import asked_of, due_of
from migrations.evidence.chain import DamagedEvidence, Record, read_kinds
from migrations.evidence.kinds import (
    PassageBegun,
    PassageEnded,
    RehearsalEnded,
    StepConfirmed,
    StepDone,
    StepFailed,
    TroubleGone,
    TroubleSeen,
    UnitMoved,
    UnknownRecord,
)
from migrations.evidence.standing import FOLDED
from migrations.home import RunBusy, RunHome, StalePlan, UnreadableRun, states_of
from migrations.ledger import NOTHING_DONE, Account, Ledger, ledger_of
from migrations.plan import Actuator
from migrations.run.runner import passages_of
from migrations.service.troubles import Looked, Trouble, with_since
from migrations.service.watching import troubles_of, watched
from migrations.states import GOALS, Deed, Direction, UnitState
from migrations.trust.witness import sign_head

AT_ONCE = 6
"""Units that are looked at side by side."""
LOOKED_AT = (StepDone, StepFailed, StepConfirmed, TroubleSeen, TroubleGone)
"""Kinds of records by which a look knows what was done, who was asked, and what was seen before."""
Actuators = Callable[[RunHome], Mapping[Actuator, StepActuator]]
Users = Callable[[RunHome, Iterable[Account]], Iterable[Trouble]]
Key = tuple[str, str, str, str]


class Looker:
    """Looks at what the runs of one folder have done."""

    def __init__(self, runs: Path, actuators: Actuators, users: Users, proof_holds: timedelta) -> None:
        """`proof_holds` is for how long a rehearsal proves a way back."""
        self._runs = runs
        self._actuators = actuators
        self._users = users
        self._proof_holds = proof_holds
        self._rehearsed = cache(lambda: ways_back_rehearsed(runs))

    def everything(self) -> Looked:
        """Look at all programmes in all worlds."""
        worlds: dict[tuple[str, Path], None] = {}
        left: list[str] = []
        for file in sorted(self._runs.glob("*/run.json")):
            home = RunHome(file.parent)
            try:
                worlds[home.outline().programme, Path(os.path.realpath(home.settings().world))] = None
            except (OSError, ValueError, UnreadableRun, StalePlan) as exc:
                left.append(_("run {run} does not count: {reason}").format(run=home.path.name, reason=exc))
        found = [self.world(ledger_of(self._runs, programme, world)) for programme, world in worlds]
        return Looked(
            time=datetime.now(UTC),
            units=sum(each.units for each in found),
            troubles=tuple(trouble for each in found for trouble in each.troubles),
            left_out=tuple(dict.fromkeys((*left, *(text for each in found for text in each.left_out)))),
        )

    def world(self, ledger: Ledger) -> Looked:
        """Look at what a ledger says was done, and keep in the evidence what has changed since the last look."""
        self._rehearsed.cache_clear()
        left = list(ledger.left_out)
        done = [each for each in ledger.accounts.values() if each.state not in NOTHING_DONE]
        troubles: list[Trouble] = []
        units = 0
        for run in sorted({each.run for each in done}):
            home = RunHome(self._runs / run)
            if home.is_busy():
                left.append(_("run {run} is being carried out and is not looked at").format(run=run))
                continue
            try:
                accounts = tuple(ledger.with_steps(each for each in done if each.run == run))
                found = self._run(home, accounts)
            except (OSError, ValueError, DamagedEvidence, UnknownRecord, UnreadableRun, StalePlan) as exc:
                left.append(_("run {run} is not looked at: {reason}").format(run=run, reason=exc))
                continue
            units += len(accounts)
            troubles += found
        return Looked(time=datetime.now(UTC), units=units, troubles=tuple(troubles), left_out=tuple(left))

    def _run(self, home: RunHome, accounts: Iterable[Account]) -> tuple[Trouble, ...]:
        with (home.path / "look").open("a") as lock:
            # The service and a person may look at once: what is new is written down by one of them.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self._looked(home, accounts)

    def _looked(self, home: RunHome, accounts: Iterable[Account]) -> tuple[Trouble, ...]:
        records = tuple(read_kinds(home.evidence.path, LOOKED_AT))
        done = _done(records)
        actuators = self._actuators(home)
        every = tuple(accounts)

        def look(account: Account) -> list[Trouble]:
            seen = _of_unit(home.path.name, account, actuators, done)
            return [*seen, *_overdue(home.path.name, account, records), *self._proof(home, account)]

        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = [trouble for troubles in pool.map(look, every) for trouble in troubles]
        found += self._users(home, every)
        known = open_troubles(home.path.name, records)
        troubles = with_since(found, known)
        _keep(home, known, troubles)
        return troubles

    def _proof(self, home: RunHome, account: Account) -> Iterator[Trouble]:
        if home.settings().kind == "twin" or account.state is not UnitState.ON_PROBATION:
            return
        newest = self._rehearsed().get(account.unit.digest)
        text = ""
        if newest is None:
            text = _("its way back was never rehearsed as it is")
        elif datetime.now(UTC) - newest > self._proof_holds:
            text = _("its way back was rehearsed {days} days ago, which proves nothing after {limit}")
            text = text.format(days=(datetime.now(UTC) - newest).days, limit=self._proof_holds.days)
        if text:
            yield Trouble(run=home.path.name, unit=account.unit.key, what="proof", text=text)


def open_troubles(run: str, records: Iterable[Record]) -> Mapping[Key, datetime]:
    """Return what was seen and is not known to be well again, with the time when it was seen first."""
    known: dict[Key, datetime] = {}
    for record in records:
        if (seen := TroubleSeen.of(record)) is not None:
            known.setdefault((run, record.unit, seen.what, record.step), record.time)
        elif (gone := TroubleGone.of(record)) is not None:
            known.pop((run, record.unit, gone.what, record.step), None)
    return known


def _of_unit(
    run: str, account: Account, actuators: Mapping[Actuator, StepActuator], done: frozenset[str]
) -> Iterator[Trouble]:
    unit = account.unit
    for step in watched(unit, account.state, done):
        try:
            seen = actuators[unit.kind].probe(step, _nobody)
        except StepError as exc:
            sources = {host for part in step.arguments.get("components", ()) for host in part.get("sources", ())}
            refused_by_source = not isinstance(exc, Unreachable) and step.verb == "switch" and exc.where in sources
            text = ": ".join(part for part in (exc.where, exc.reason) if part)
            what = "way back" if refused_by_source else "not known"
            yield Trouble.model_validate({"run": run, "unit": unit.key, "what": what, "about": step.id, "text": text})
            continue
        yield from troubles_of(run, unit, step, seen)


def _overdue(run: str, account: Account, records: tuple[Record, ...]) -> Iterator[Trouble]:
    for step in account.unit.steps:
        asked = asked_of(step, records) if step.by is Actuator.PEOPLE else None
        due = None if asked is None else due_of(step, asked, records)
        if due is not None and due < datetime.now(UTC):
            text = _("{who} had time until {until:%Y-%m-%d} for {verb}")
            said = text.format(who=step.arguments["who"], until=due.astimezone(), verb=step.verb)
            yield Trouble(run=run, unit=account.unit.key, what="overdue", about=step.id, text=said)


def _done(records: Iterable[Record]) -> frozenset[str]:
    """Return the steps that were seen done last."""
    last = {record.step: done.deed for record, done in StepDone.among(records)}
    return frozenset(step for step, deed in last.items() if deed != Deed.UNDO)


def _keep(home: RunHome, known: Mapping[Key, datetime], troubles: Iterable[Trouble]) -> None:
    now = {each.key: each for each in troubles}
    new = [each for key, each in now.items() if key not in known]
    gone = [key for key in known if key not in now]
    for each in new:
        home.evidence.write(TroubleSeen(what=each.what, text=each.text), unit=each.unit, step=each.about)
    for _run, unit, what, about in gone:
        home.evidence.write(TroubleGone(what=what), unit=unit, step=about)
    held = [each for each in new if each.what == "cut off" and _holds(home, each)]
    if new or gone or held:
        sign_head(home)


def _holds(home: RunHome, trouble: Trouble) -> bool:
    """Hold a unit whose copy was cut off: what was in step is so no more, and the next apply copies it anew."""
    try:
        with home.held(patience=0):
            state = states_of(home.plan(), home.evidence.records_of(*FOLDED))[trouble.unit]
            if state is not UnitState.SYNCED:
                return False
            home.evidence.write(UnitMoved(state=UnitState.HELD, reason=trouble.text), unit=trouble.unit)
            return True
    except RunBusy:
        # Whoever works on it finds the same.
        return False


def ways_back_rehearsed(runs: Path) -> Mapping[str, datetime]:
    """Return by units' digests when the newest rehearsal has ended in which this very unit went back.

    A bad night is no proof of it: there nobody is asked to go back.
    """
    found: dict[str, datetime] = {}
    for file in sorted(runs.glob("*/run.json")):
        home = RunHome(file.parent)
        try:
            for digest, ended in _went_back(home) if home.settings().kind == "twin" else ():
                found[digest] = max(ended, found.get(digest, ended))
        except (OSError, ValueError, DamagedEvidence, UnknownRecord, UnreadableRun, StalePlan):
            # What cannot be read proves nothing.
            continue
    return found


def _went_back(home: RunHome) -> Iterator[tuple[str, datetime]]:
    records = tuple(read_kinds(home.evidence.path, (RehearsalEnded, PassageBegun, PassageEnded)))
    passed = [record.time for record, said in RehearsalEnded.among(records) if said.outcome == "passed"]
    digests = {unit.key: unit.digest for unit in home.outline().units} if passed else {}
    for passage in passages_of(records) if passed else ():
        if passage.direction is Direction.BACK and passage.result is not None:
            for unit in passage.result.units:
                if unit.state in GOALS[Direction.BACK] and not unit.reason:
                    yield digests.get(unit.unit, ""), max(passed)


def _nobody(_text: str) -> None:
    """Nobody waits for a look to come on."""
