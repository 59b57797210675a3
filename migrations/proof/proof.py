"""What is looked at from outside and on hosts while a run goes on, and written into its evidence."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from infra.worlds import World
from inventory.kinds import Kind
from inventory.words import _
from migrations.evidence.kinds import PassageBegun, PassageEnded, ProbeSaw, UnitChecked, WritesJudged
from migrations.evidence.seen import ProbeResult, UnitChecks, Window, WritesVerdict
from migrations.evidence.standing import FOLDED
from migrations.home import RunHome, states_of
from migrations.plan import STANDING, needed_by
from migrations.proof.probes import Probes, Sighting, probe_orders
from migrations.proof.probes.limits import Allowed, allowances, judged, told
from migrations.proof.verify import Side, VerifyResult, verify
from migrations.states import UnitState

_Measured = TypeVar("_Measured", ProbeSaw, WritesJudged)
GRACE = 2.5
"""Seconds after which a packet that has not come back was counted as lost by its probe."""
AFTERMATH = 12.0
"""Seconds after which a request that was begun in a passage has been answered or given up by its probe."""
UNMOVED = frozenset({UnitState.ROLLED_BACK, UnitState.READY, UnitState.PLANNED, UnitState.WITHDRAWN})
MOVED = frozenset({UnitState.ON_PROBATION, UnitState.COMMITTED, UnitState.DECOMMISSIONED})


class _Seen(NamedTuple):
    checked: Sequence[UnitChecks]
    measured: Sequence[ProbeResult]
    verdicts: Sequence[WritesVerdict]


class Proof:
    """Probes and checks of one run in one world; may be made anew at any time, in any process.

    Where probes are not `needed`, one that cannot be asked has seen nothing, which is judged, and is in nobody's way.
    """

    def __init__(self, home: RunHome, kinds: Mapping[str, Kind], world: World, *, needed: bool = True) -> None:
        self._home = home
        self._kinds = kinds
        self._world = world
        self._programme = home.programme()
        self._plan = home.plan()
        self._orders = probe_orders(self._programme, [unit.key for unit in self._plan.units])
        self._allowed = allowances(self._programme)
        self._probes = Probes(world, series_of(home), self._orders, needed=needed)

    def begin(self, *, calm: bool = False) -> str:
        """Start the probes that do not run; they look often near moves (`Attention`), seldom where `calm`."""
        self._probes.start(calm=calm, felt_by=needed_by(self._plan))
        return ""

    def calm(self) -> None:
        """Have the probes look seldom: for weeks of probation nobody's system is asked ten times a second."""
        self._probes.calm()

    def end(self) -> str:
        """Stop the probes and remove what they wrote; all of it that counts is in the evidence."""
        self._probes.stop()
        return ""

    def verify(self, stage: str, passages: Sequence[int]) -> str:
        """Check hosts, measure what users felt in some passages, confirm writes; return what is not as it must be."""
        seen = self._seen(stage, passages)
        felt = (sentence for result in seen.measured for sentence in told(result))
        return "; ".join((*_checks(seen.checked), *felt, *_writes(seen.verdicts)))

    def verify_broken(self, stage: str, passages: Sequence[int], *, whole: bool) -> str:
        """The same of passages in which something was broken on purpose: what users felt then is kept, not judged.

        Hosts are judged where the world is `whole` again. No acknowledged write may be lost, whatever broke.
        """
        seen = self._seen(stage, passages)
        lost = tuple(verdict.model_copy(update={"unanswered": 0}) for verdict in seen.verdicts)
        return "; ".join((*_checks(seen.checked), *_writes(seen.verdicts)) if whole else _writes(lost))

    def _seen(self, stage: str, passages: Sequence[int]) -> _Seen:
        checked = self.check(stage)
        sightings, collected = self._collected(self._span(passages[-1]).end)
        verdicts = self._confirmed(sightings, passages[-1])
        # Last, because a passage counts as measured when all of these are there.
        measured = [result for number in passages for result in self._measured(sightings, number, collected)]
        return _Seen(checked.units, measured, verdicts)

    def look_again(self, stage: str, number: int) -> str:
        """Check hosts, and say again what users felt in a passage that was measured before.

        Services that did not answer for their writes then are asked once more.
        """
        if any(verdict.unanswered for verdict in self._latest(WritesJudged, number).values()):
            self._confirmed(self._probes.collect(), number)
        return "; ".join((*_checks(self.check(stage).units), *self.felt(number)))

    def _confirmed(self, sightings: Sequence[Sighting], number: int) -> tuple[WritesVerdict, ...]:
        verdicts = self._probes.confirm(sightings)
        for verdict in verdicts:
            self._home.evidence.write(WritesJudged(**dict(verdict), passage=number), unit=verdict.unit)
        return verdicts

    def check(self, stage: str) -> VerifyResult:
        """Check the hosts of every unit that stands somewhere, and keep what was found."""
        states = states_of(self._plan, self._home.evidence.records_of(*FOLDED))
        sides = {key: side for key, state in states.items() if (side := self._side(key, state)) is not None}
        folder = self._home.path / "reports" / stage.replace(" ", "-")
        checked = verify(self._world, self._programme, self._kinds, sides, folder)
        for unit in checked.units:
            self._home.evidence.write(UnitChecked(**dict(unit), stage=stage), unit=unit.unit)
        return checked

    def _side(self, key: str, state: UnitState) -> Side | None:
        kind = {unit.key: unit.kind for unit in self._plan.units}[key]
        if state in MOVED or (state is UnitState.READY and kind in STANDING):
            return Side.TARGET
        # A unit whose move was cut off stands nowhere for certain.
        return Side.SOURCE if state in UNMOVED else None

    def is_measured(self, number: int) -> bool:
        """Return whether it is in the evidence what every probe saw in a passage."""
        return {(order.unit, order.name) for order in self._orders} <= set(self._latest(ProbeSaw, number))

    def felt(self, number: int) -> tuple[str, ...]:
        """Say again what users felt and lost in a passage beyond what is allowed, as it was measured last."""
        results = self._latest(ProbeSaw, number).values()
        verdicts = tuple(self._latest(WritesJudged, number).values())
        return (*(sentence for result in results for sentence in told(result)), *_writes(verdicts))

    def _latest(self, kind: type[_Measured], number: int) -> dict[tuple[str, str], _Measured]:
        every = kind.among(self._home.evidence.records_of(kind))
        return {(record.unit, said.name): said for record, said in every if said.passage == number}

    def _collected(self, end: float) -> tuple[tuple[Sighting, ...], float]:
        """Read the probes once everything that was under way at a moment has been answered or given up.

        Returns also until when all of them have told what they saw.
        """
        while True:
            asked = time.time()
            sightings = self._probes.collect()
            now = time.time()
            if now > end + AFTERMATH or (now > end + GRACE and all(each.is_current(now) for each in sightings)):
                return sightings, asked
            time.sleep(0.5)

    def _measured(self, sightings: Sequence[Sighting], number: int, collected: float) -> list[ProbeResult]:
        window = self._window(number, collected)
        results = [
            judged(sighting.within(window), self._allowed.get(sighting.order.unit, Allowed())) for sighting in sightings
        ]
        for result in results:
            self._home.evidence.write(ProbeSaw(**dict(result), passage=number), unit=result.unit)
        return results

    def _window(self, number: int, collected: float) -> Window:
        """Return a passage with its aftermath, up to the next passage or to the moment when probes were read.

        Of what comes after that moment nobody has told: it would count as a time without service.
        """
        span, later = self._span(number), self._begun(number + 1)
        return Window(begin=span.begin, end=min(span.end + AFTERMATH, collected, later or math.inf))

    def _span(self, number: int) -> Window:
        every = PassageEnded.among(self._home.evidence.records_of(PassageEnded))
        ended = [record.time for record, passage in every if passage.number == number]
        begun = self._begun(number)
        assert begun is not None
        return Window(begin=begun, end=ended[-1].timestamp())

    def _begun(self, number: int) -> float | None:
        every = PassageBegun.among(self._home.evidence.records_of(PassageBegun))
        begun = [record.time for record, passage in every if passage.number == number]
        return begun[-1].timestamp() if begun else None


def series_of(home: RunHome) -> str:
    """Return the name that the probes of a run have on users' machines."""
    return home.path.name.replace(".", "-")


def _checks(units: Sequence[UnitChecks]) -> list[str]:
    failed = [
        _("{unit}: {failed} checks failed: {first}").format(
            unit=unit.unit, failed=unit.failed, first=unit.failures[0].reason if unit.failures else ""
        )
        for unit in units
        if unit.failed
    ]
    unproven = [
        _("{unit}: not proven: {count} checks could not be made: {first}").format(
            unit=unit.unit, count=unit.unknown, first=unit.unknowns[0].reason if unit.unknowns else ""
        )
        for unit in units
        if unit.unknown
    ]
    return failed + unproven


def _writes(verdicts: Sequence[WritesVerdict]) -> list[str]:
    wrong = [
        _("{unit}: {lost} acknowledged writes lost, {doubled} doubled").format(
            unit=verdict.unit, lost=len(verdict.lost), doubled=len(verdict.doubled)
        )
        for verdict in verdicts
        if verdict.lost or verdict.doubled
    ]
    unproven = [
        _("{unit}: not proven: {count} of {writes} acknowledged writes could not be asked after").format(
            unit=verdict.unit, count=verdict.unanswered, writes=verdict.acknowledged
        )
        for verdict in verdicts
        if verdict.unanswered
    ]
    return wrong + unproven
