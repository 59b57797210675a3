"""Carries a plan out in a world for real: what `apply` and `rollback` do, with what proves it."""

from collections.abc import Mapping

from infra.worlds import load_world
from inventory.base import Model
from inventory.kinds import Kind
from migrations.proof import Proof
from migrations.rehearsal import shortfall
from migrations.run.home import RunHome, states_of
from migrations.run.messages import THROUGH, Direction, PassageResult, UnitResult
from migrations.run.runner import Listener, passages_of, running


class Carried(Model):
    """How units came out of what was asked, and what is not as it must be; nothing where all is well."""

    result: PassageResult
    failure: str


class Carrying:
    """One run in the world that it is bound to."""

    def __init__(self, home: RunHome, kinds: Mapping[str, Kind], listener: Listener) -> None:
        self._home = home
        self._listener = listener
        self._proof = Proof(home, kinds, load_world(home.settings().world))

    def forward(self) -> Carried:
        """Take all units to their probation, watched from outside; where all have come through, look again."""
        states = states_of(self._home.plan(), self._home.evidence.records())
        if not self._is_open() and all(state in THROUGH for state in states.values()):
            units = tuple(UnitResult(unit=key, state=state) for key, state in sorted(states.items()))
            result = PassageResult(units=units)
            if self._is_measured():
                found = (self._checked("verify"), *self._proof.felt(self._number()))
                return self._judged(result, Direction.FORWARD, "; ".join(filter(None, found)))
        else:
            self._proof.begin()
            result = self._take(Direction.FORWARD, ())
        return self._judged(result, Direction.FORWARD, self._proof.verify("verify", (self._number(),)))

    def commit(self) -> Carried:
        """Give up the way back of everything that has come through; the probes end with it."""
        self._proof.begin()
        result = self._take(Direction.COMMIT, ())
        failure = self._proof.verify("verify all", (self._number(),))
        self._proof.end()
        return self._judged(result, Direction.COMMIT, failure)

    def back(self, units: tuple[str, ...]) -> Carried:
        """Take units back; hosts are checked afterwards, and nothing of the proof can be in the way."""
        result = self._take(Direction.BACK, units)
        return self._judged(result, Direction.BACK, self._checked("verify back"))

    def _checked(self, stage: str) -> str:
        checked = self._proof.check(stage)
        return "; ".join(f"{unit.unit}: {unit.failed}" for unit in checked.units if unit.failed)

    def _take(self, direction: Direction, units: tuple[str, ...]) -> PassageResult:
        with running(self._home, self._listener) as runner:
            return runner.take(direction, units)

    def _is_open(self) -> bool:
        passages = passages_of(self._home.evidence.records())
        return bool(passages) and passages[-1].is_open

    def _is_measured(self) -> bool:
        # A kill may fall between the end of a passage and the look at what users felt in it.
        number = self._number()
        records = self._home.evidence.records()
        return any(record.kind == "probe-result" and record.what["passage"] == number for record in records)

    def _number(self) -> int:
        return passages_of(self._home.evidence.records())[-1].number

    @staticmethod
    def _judged(result: PassageResult, direction: Direction, failure: str) -> Carried:
        short = shortfall(result, direction)
        return Carried(result=result, failure="; ".join(part for part in (short, failure) if part))
