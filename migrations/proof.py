"""What is looked at from outside and on hosts while a run goes on, and written into its evidence."""

from collections.abc import Mapping, Sequence

from infra.worlds import World
from inventory.kinds import Kind
from inventory.words import _
from migrations.plan import Actuator
from migrations.probes import ProbeResult, Probes, Sighting, Window, WritesVerdict, probe_orders
from migrations.run.home import RunHome, states_of
from migrations.run.messages import UnitState
from migrations.verify import Side, UnitChecks, VerifyResult, verify

MOVED = frozenset({UnitState.ON_PROBATION, UnitState.COMMITTED, UnitState.DECOMMISSIONED})


class Proof:
    """Probes and checks of one run in one world; may be made anew at any time, in any process."""

    def __init__(self, home: RunHome, kinds: Mapping[str, Kind], world: World) -> None:
        self._home = home
        self._kinds = kinds
        self._world = world
        self._programme = home.programme()
        self._plan = home.plan()
        orders = probe_orders(self._programme, [unit.key for unit in self._plan.units])
        self._probes = Probes(world, home.path.name.replace(".", "-"), orders)

    def begin(self) -> str:
        """Start the probes that do not run."""
        self._probes.start()
        return ""

    def end(self) -> str:
        """Stop the probes and remove what they wrote; all of it that counts is in the evidence."""
        self._probes.stop()
        return ""

    def verify(self, stage: str, passages: Sequence[int]) -> str:
        """Check hosts, measure what users felt in some passages, confirm writes; return what is not as it must be."""
        checked = self.check(stage)
        sightings = self._probes.collect()
        measured = [result for number in passages for result in self._measured(sightings, number)]
        verdicts = self._probes.confirm(sightings)
        for verdict in verdicts:
            what = {**verdict.model_dump(mode="json"), "passage": passages[-1]}
            self._home.evidence.append("writes-verdict", unit=verdict.unit, what=what)
        return "; ".join((*_checks(checked.units), *self._felt(measured), *_writes(verdicts)))

    def check(self, stage: str) -> VerifyResult:
        """Check the hosts of every unit that stands somewhere, and keep what was found."""
        states = states_of(self._plan, self._home.evidence.records())
        sides = {key: side for key, state in states.items() if (side := self._side(key, state)) is not None}
        folder = self._home.path / "reports" / stage.replace(" ", "-")
        checked = verify(self._world, self._programme, self._kinds, sides, folder)
        for unit in checked.units:
            what = {**unit.model_dump(mode="json"), "stage": stage}
            self._home.evidence.append("verify-result", unit=unit.unit, what=what)
        return checked

    def _side(self, key: str, state: UnitState) -> Side | None:
        kind = {unit.key: unit.kind for unit in self._plan.units}[key]
        if state in MOVED or (state is UnitState.READY and kind is Actuator.SITE):
            return Side.TARGET
        # A unit whose move was cut off stands nowhere for certain.
        return Side.SOURCE if state in {UnitState.ROLLED_BACK, UnitState.READY, UnitState.PLANNED} else None

    def _measured(self, sightings: Sequence[Sighting], number: int) -> list[ProbeResult]:
        records = self._home.evidence.records()
        times = {record.kind: record.time.timestamp() for record in records if record.what.get("number") == number}
        window = Window(begin=times["passage-begun"], end=times["passage-ended"])
        results = [sighting.within(window) for sighting in sightings]
        for result in results:
            what = {**result.model_dump(mode="json"), "passage": number}
            self._home.evidence.append("probe-result", unit=result.unit, what=what)
        return results

    def _felt(self, results: Sequence[ProbeResult]) -> list[str]:
        limits = {f"system:{system.system}": system.limits.downtime for system in self._programme.systems}
        wrong = [_("probe {name} saw nothing").format(name=result.name) for result in results if result.blind]
        for result in results:
            limit = limits.get(result.unit)
            if limit is not None and result.downtime > limit:
                wrong.append(
                    _("{unit}: {seconds:.2f} s without service, {limit:g} s are allowed").format(
                        unit=result.unit, seconds=result.downtime, limit=limit
                    )
                )
        return wrong


def _checks(units: Sequence[UnitChecks]) -> list[str]:
    return [
        _("{unit}: {failed} checks failed: {first}").format(
            unit=unit.unit, failed=unit.failed, first=unit.failures[0].reason if unit.failures else ""
        )
        for unit in units
        if unit.failed
    ]


def _writes(verdicts: Sequence[WritesVerdict]) -> list[str]:
    return [
        _("{unit}: {lost} acknowledged writes lost, {doubled} doubled").format(
            unit=verdict.unit, lost=len(verdict.lost), doubled=len(verdict.doubled)
        )
        for verdict in verdicts
        if verdict.lost or verdict.doubled
    ]
