"""A rehearsal: the plan is carried out in a twin, taken back, carried out again and committed, and all of it is proved.

Every stage may be repeated after a kill; those that have ended are in the evidence and are not taken again.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.twin import client
from infra.twin.configured import boots
from infra.twin.paths import TwinPaths
from infra.twin.spec import seeds_of
from infra.worlds import CloudKind, World, load_world
from inventory.base import Model
from inventory.words import _
from migrations.evidence.chain import Record
from migrations.evidence.kinds import PassageBegun, PassageEnded, RehearsalEnded, StageBegun, StageEnded, TwinBuilt
from migrations.home import RunHome, RunSettings, run_id
from migrations.plan import Plan
from migrations.planning.preparing import Prepared
from migrations.proof.proof import Proof
from migrations.run.booting import bootable
from migrations.run.faults import Fault, Striking, mend, ordered, to_be_filled, wanted
from migrations.run.runner import Listener, Runner, passages_of, running
from migrations.run.stages import STAGES
from migrations.states import GOALS, Direction, PassageResult
from migrations.trust.witness import sign_head, witnessed

Tell = Callable[[str], None]
MARK = "rehearsal"
"""In a twin's folder: which rehearsal the twin belongs to; gone when the twin is built anew."""
STILL_TAKEN = frozenset({"verify", "mend", "probes off"})
"""Stages that are taken although one before them has failed."""


class RehearsalOutcome(Model):
    """How a rehearsal ended; all particulars are in the evidence."""

    passed: bool
    home: Path
    reason: str = ""


def homes(runs: Path, plan: Plan, twin: str) -> tuple[RunHome, ...]:
    """Return the rehearsals of a plan in twins of one name, the oldest first."""
    found = sorted(runs.glob(f"{run_id(plan, twin)}.*"), key=lambda path: int(path.suffix[1:]))
    return tuple(RunHome(path) for path in found)


def home_to_go_on(runs: Path, plan: Plan, twin: str, faults: tuple[Fault, ...] = ()) -> RunHome:
    """Return the rehearsal that was cut off; a new one where the last ended, lost its twin or had other faults."""
    earlier = homes(runs, plan, twin)
    if earlier and _can_go_on(earlier[-1], twin, tuple(map(str, faults))):
        return earlier[-1]
    number = 1 + (int(earlier[-1].path.suffix[1:]) if earlier else 0)
    return RunHome(runs / f"{run_id(plan, twin)}.{number}")


def _can_go_on(home: RunHome, twin: str, faults: tuple[str, ...]) -> bool:
    records = home.evidence.records()
    if not home.settings_file.exists() or any(RehearsalEnded.among(records)) or ordered(records) != faults:
        return False
    if not any(stage.name == "twin" for _record, stage in StageEnded.among(records)):
        return True
    mark = TwinPaths.of(twin).state / MARK
    ready = any((state.name, state.state) == (twin, "ready") for state in client.list_twins())
    return ready and mark.exists() and mark.read_text() == home.path.name


class Rehearsal:
    """One rehearsal of a prepared plan in the twin of a name."""

    def __init__(
        self,
        prepared: Prepared,
        twin: str,
        home: RunHome,
        folder: Path,
        listener: Listener,
        faults: tuple[Fault, ...] = (),
        cloud: CloudKind = "twin",
    ) -> None:
        """Take the inventory's folder for hosts' data and devices' configurations.

        The cloud is the twin's own small one, or a real OpenStack.
        With faults it is the bad night: they strike on the way there, are mended, and all must come through then.
        """
        self._faults = faults
        self._cloud: CloudKind = cloud
        self._prepared = prepared
        self._twin = TwinPaths.of(twin)
        self._home = home
        self._folder = folder
        self._listener = Striking(twin, home.evidence, faults, listener) if faults else listener

    def carry_out(self, tell: Tell) -> RehearsalOutcome:
        """Take every stage that has not ended and say how the rehearsal came out."""
        settings = RunSettings(
            run=self._home.path.name,
            plan=self._prepared.digest,
            world=self._twin.world,
            kind="twin",
            rehearsal=True,
        )
        self._home.create(self._prepared.plan, settings, self._prepared.programme)
        with witnessed(self._home, "rehearse"):
            return self._taken(tell)

    def _taken(self, tell: Tell) -> RehearsalOutcome:
        wanted(self._home.evidence, self._faults)
        with running(self._home, self._listener) as runner:
            runner.warm()
            reason = self._stage("twin", lambda: self._build(tell), tell)
            world = load_world(self._twin.world)
            for name, deed in self._stages(runner, world):
                if not reason or name in STILL_TAKEN:
                    reason = self._stage(name, deed, tell) or reason
        self._home.evidence.write(RehearsalEnded(outcome="failed" if reason else "passed", reason=reason))
        return RehearsalOutcome(passed=not reason, home=self._home.path, reason=reason)

    def _stages(self, runner: Runner, world: World) -> Iterator[tuple[str, Callable[[], str]]]:
        proof = Proof(self._home, self._prepared.kinds, world)
        yield "probes", proof.begin
        yield from self._bad_night(runner, proof) if self._faults else self._good_night(runner, proof)
        yield "probes off", proof.end

    def _bad_night(self, runner: Runner, proof: Proof) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "forward", lambda: self._cut_short(runner, 1)
        yield "verify broken", lambda: proof.verify_broken("verify broken", (1,), whole=False)
        yield "mend", lambda: mend(self._twin.name, self._home.evidence, self._faults)
        # A unit whose way back failed as well is looked at first, and may be taken back: the next call moves it.
        yield "look", lambda: self._cut_short(runner, 2)
        yield "again", lambda: self._pass(runner, 3, Direction.FORWARD)
        yield "verify", lambda: proof.verify_broken("verify", (2, 3), whole=True)
        yield "commit", lambda: self._pass(runner, 4, Direction.COMMIT)
        yield "verify all", lambda: proof.verify("verify all", (4,))

    def _cut_short(self, runner: Runner, number: int) -> str:
        """Take a passage of which it is told how far it comes, whatever that is."""
        short = self._pass(runner, number, Direction.FORWARD)
        self._listener.warned(short or _("all units came through"))
        return ""

    def _good_night(self, runner: Runner, proof: Proof) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "forward", lambda: self._pass(runner, 1, Direction.FORWARD)
        yield "verify", lambda: proof.verify("verify", (1,))
        yield "back", lambda: self._pass(runner, 2, Direction.BACK)
        yield "verify back", lambda: proof.verify("verify back", (2,))
        yield "again", lambda: self._pass(runner, 3, Direction.FORWARD)
        yield "commit", lambda: self._pass(runner, 4, Direction.COMMIT)
        yield "verify all", lambda: proof.verify("verify all", (3, 4))

    def _build(self, tell: Tell) -> str:
        # A twin that stands there already may have been used for something else.
        client.down(self._twin.name)
        fetched = bootable(self._folder, tell)
        seeds, small = seeds_of(self._folder), to_be_filled(self._faults)
        client.up(self._prepared.programme, self._twin.name, seeds, tell, fetched, small, self._cloud)
        real = (device for device, boot in boots(self._prepared.programme, fetched).items() if boot.real)
        configured = {device: fetched[device].facts.digest for device in sorted(real)}
        self._home.evidence.write(TwinBuilt(configured=configured))
        (self._twin.state / MARK).write_text(self._home.path.name)
        return ""

    def _pass(self, runner: Runner, number: int, direction: Direction) -> str:
        passages = passages_of(self._home.evidence.records_of(PassageBegun, PassageEnded))
        ended = [each for each in passages if each.result is not None]
        result = ended[number - 1].result if len(ended) >= number else runner.take(direction)
        assert result is not None
        return shortfall(result, direction)

    def _stage(self, name: str, deed: Callable[[], str], tell: Tell) -> str:
        """Take a stage and return why it failed, nothing where it did not; one that has ended only says so again."""
        records = self._home.evidence.records()
        for _record, ended in StageEnded.among(records):
            if ended.name == name:
                return ended.failure
        begin = _begun(records, name)
        if begin is None:
            begin = time.time()
            self._home.evidence.write(StageBegun(name=name, begin=begin))
        tell(_("stage: {name}").format(name=_(STAGES[name])))
        failure = deed()
        self._home.evidence.write(StageEnded(name=name, begin=begin, end=time.time(), failure=failure))
        sign_head(self._home)
        return failure


def _begun(records: tuple[Record, ...], name: str) -> float | None:
    return next((begun.begin for _record, begun in StageBegun.among(records) if begun.name == name), None)


def shortfall(result: PassageResult, direction: Direction) -> str:
    """Say which units did not come to where a passage was to bring them; nothing where all did."""
    short = [unit for unit in result.units if unit.state not in GOALS[direction] or unit.reason]
    return "; ".join(f"{unit.unit} {unit.state}" + (f" ({unit.reason})" if unit.reason else "") for unit in short)
