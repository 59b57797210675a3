"""Carries a plan out in a world for real: what `apply` and `rollback` do, with what proves it."""

from collections.abc import Mapping

from infra.worlds import load_world
from inventory.base import Model
from inventory.kinds import Kind
from migrations.actuators.ansible.scratch import clear_away
from migrations.evidence.kinds import PassageBegun, PassageEnded
from migrations.evidence.standing import FOLDED
from migrations.home import RunHome, states_of
from migrations.proof.proof import Proof
from migrations.run.rehearsal import shortfall
from migrations.run.runner import Listener, Passage, passages_of, running
from migrations.states import BETWEEN, THROUGH, Direction, PassageResult, UnitResult


class Applied(Model):
    """How units came out of what was asked, and what is not as it must be; nothing where all is well."""

    result: PassageResult
    failure: str


class Application:
    """One run in the world that it is bound to."""

    def __init__(self, home: RunHome, kinds: Mapping[str, Kind], listener: Listener) -> None:
        self._home = home
        self._kinds = kinds
        self._listener = listener
        self._world = load_world(home.settings().world)
        home.evidence.ready()

    def forward(self, units: tuple[str, ...] = ()) -> Applied:
        """Take units, all where none is named, to their probation, watched; where all have come through, look again."""
        return self._applied(Direction.FORWARD, tuple(sorted(units)), "verify", self._proof())

    def commit(self, units: tuple[str, ...] = ()) -> Applied:
        """Give up the way back of what has come through; the probes end when nobody stands between two sides."""
        return self._ended(Direction.COMMIT, units, "verify all", self._proof())

    def back(self, units: tuple[str, ...]) -> Applied:
        """Take units back, watched like the way there; the probes end when nobody stands between two sides any more.

        A user's machine that does not answer is not in the way: what its probes have not seen is judged.
        """
        return self._ended(Direction.BACK, units, "verify back", self._proof(needed=False))

    def withdraw(self, units: tuple[str, ...]) -> Applied:
        """Give up what was prepared for units, watched, because entries give names back; the probes end as above."""
        return self._ended(Direction.WITHDRAW, units, "verify withdrawn", self._proof(needed=False))

    def _ended(self, direction: Direction, units: tuple[str, ...], stage: str, proof: Proof) -> Applied:
        applied = self._applied(direction, tuple(sorted(units)), stage, proof)
        if not BETWEEN & set(states_of(self._home.plan(), self._home.evidence.records_of(*FOLDED)).values()):
            proof.end()
        return applied

    def _proof(self, *, needed: bool = True) -> Proof:
        return Proof(self._home, self._kinds, self._world, needed=needed)

    def _applied(self, direction: Direction, units: tuple[str, ...], stage: str, proof: Proof) -> Applied:
        result = self._come_through(direction, units)
        if result is None:
            proof.begin()
            with running(self._home, self._listener) as runner:
                result = runner.take(direction, units)
        else:
            # Whoever carried it out may have been killed before this was done.
            clear_away(self._home.playbooks)
        number = self._passages()[-1].number
        # A kill may have fallen between the end of a passage and the look at what users felt in it.
        failure = proof.look_again(stage, number) if proof.is_measured(number) else proof.verify(stage, (number,))
        proof.calm()
        short = shortfall(result, direction)
        return Applied(result=result, failure="; ".join(filter(None, (short, failure))))

    def _come_through(self, direction: Direction, units: tuple[str, ...]) -> PassageResult | None:
        """Return how units stand where nothing is left to be done for them in a direction."""
        passages = self._passages()
        if not passages or passages[-1].is_open:
            return None
        if direction is Direction.FORWARD:
            states = states_of(self._home.plan(), self._home.evidence.records_of(*FOLDED))
            taken = {key: state for key, state in sorted(states.items()) if key in (units or states)}
            through = all(state in THROUGH for state in taken.values())
            units_there = tuple(UnitResult(unit=key, state=state) for key, state in taken.items())
            return PassageResult(units=units_there) if through else None
        last = passages[-1]
        if (last.direction, last.units) != (direction, units) or last.result is None:
            return None
        return None if shortfall(last.result, direction) else last.result

    def _passages(self) -> tuple[Passage, ...]:
        return passages_of(self._home.evidence.records_of(PassageBegun, PassageEnded))
