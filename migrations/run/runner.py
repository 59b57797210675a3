"""Carries passages of a run out from the command: keeps server and worker alive, follows, and can be called again."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.words import _
from migrations.actuators.ansible.scratch import clear_away
from migrations.actuators.progress import Told, follow_progress
from migrations.evidence.chain import Record
from migrations.evidence.kinds import PassageBegun, PassageEnded, WorkflowFailed
from migrations.home import RunHome
from migrations.run.engine.keeping import Keeper
from migrations.run.engine.messages import PassageRequest
from migrations.run.engine.passing import FailingWorkflow
from migrations.run.engine.temporal import EngineSilent
from migrations.run.footing import AT_LEAST, PER_BYTE, mended, needs_room
from migrations.states import Direction, PassageResult

T = TypeVar("T")
WORKER = (sys.executable, "-m", "migrations.run.engine.worker")
"""The command that carries out what the workflows ask for."""
LOOK_EVERY = 0.3
"""Seconds between two looks at the children and at what they have written."""
ASK_AFTER_FAILING = 60.0
"""Seconds between two looks whether a workflow of the passage does not get past an error in it."""


class Defective(ZhengheError):
    """A workflow fails in the same way after its passage was begun anew; carries it."""

    def __init__(self, failing: FailingWorkflow) -> None:
        self.failing = failing
        text = _(
            "{name} cannot go on for a defect of this software ({why}), and the run stays where its evidence says:"
            " install a version in which it is mended, and call the same command again"
        )
        super().__init__(text.format(name=failing.name, why=failing.why))


class Listener:
    """Is told what happens in a run; the default hears nothing."""

    def recorded(self, record: Record) -> None:
        """Hear of a record of evidence."""

    def told(self, told: Told) -> None:
        """Hear what an actuator says of its work."""

    def warned(self, text: str) -> None:
        """Hear what keeps the run from going on, or what of it was lost and is made anew."""


class Passage(Model):
    """A passage as the evidence knows it; without a result it has not ended."""

    number: int
    direction: Direction
    units: tuple[str, ...]
    result: PassageResult | None = None
    abandoned: bool = False

    @property
    def is_open(self) -> bool:
        """Say whether it still has to be carried to its end."""
        return self.result is None and not self.abandoned


def passages_of(records: tuple[Record, ...]) -> tuple[Passage, ...]:
    """Compute from the evidence which passages a run has seen."""
    passages: dict[int, Passage] = {}
    for record in records:
        if (begun := PassageBegun.of(record)) is not None:
            passages.setdefault(begun.number, Passage(**dict(begun)))
        elif (ended := PassageEnded.of(record)) is not None:
            update = {"result": ended.result, "abandoned": ended.abandoned}
            passages[ended.number] = passages[ended.number].model_copy(update=update)
    return tuple(passages[number] for number in sorted(passages))


class Runner:
    """Carries one run out; make it by `running`."""

    def __init__(self, home: RunHome, listener: Listener, lock: int, worker: Sequence[str] = WORKER) -> None:
        self._home = home
        self._listener = listener
        self._settings = home.settings()
        self._keeper = Keeper(home, lock, worker, listener.warned)
        self.server, self.engine = self._keeper.server, self._keeper.engine
        self.address = self._keeper.address
        self._seen = home.evidence.ready()
        self._heard = home.progress_file.stat().st_size if home.progress_file.exists() else 0

    def warm(self) -> None:
        """Start the children, so that they are ready when the first passage begins."""
        self._keeper.ensure()

    def close(self) -> None:
        """End the children; a passage that has not ended is continued by the next command."""
        self._keeper.close()

    def take(self, direction: Direction, units: tuple[str, ...] = ()) -> PassageResult:
        """Take units in a direction and return how they came out; all units where none is named.

        An open passage of the same kind is continued, one of another kind is ended where it stands. PassageFailed,
        EngineRefused, Defective, ChildFailed, NoRoom, Hindered.
        """
        needs_room(self._home.path, AT_LEAST + PER_BYTE * self._home.plan_file.stat().st_size)
        units = tuple(sorted(units))
        passages = passages_of(self._home.evidence.records_of(PassageBegun, PassageEnded))
        last = passages[-1] if passages else None
        if last is not None and last.is_open:
            if (last.direction, last.units) == (direction, units):
                return self._carry(last)
            self._abandon(last, direction)
        passage = Passage(number=len(passages) + 1, direction=direction, units=units)
        self._home.evidence.write(PassageBegun(number=passage.number, direction=direction, units=units))
        return self._carry(passage)

    def _name(self, passage: Passage) -> str:
        return self._keeper.access.name_of(passage.number)

    def _carry(self, passage: Passage) -> PassageResult:
        request = PassageRequest(
            run=self._settings.run,
            number=passage.number,
            direction=passage.direction,
            units=passage.units,
            heartbeat=self._settings.heartbeat,
            history=self._settings.history,
        )
        result = None
        asked, failed = time.monotonic(), False
        while result is None:
            result = self._until_answered(lambda: self.engine.outcome(self._name(passage), request, LOOK_EVERY))
            self._keeper.ensure()
            self._keeper.ask_server()
            self._tell()
            if result is None and time.monotonic() - asked > ASK_AFTER_FAILING:
                failing = self._failing(passage)
                if failing and failed:
                    raise Defective(failing[0])
                if failing:
                    self._begin_anew(passage, failing[0])
                failed, asked = failed or bool(failing), time.monotonic()
        self._home.evidence.write(PassageEnded(number=passage.number, result=result))
        self._tell()
        return result

    def _failing(self, passage: Passage) -> tuple[FailingWorkflow, ...]:
        failing = self.engine.failing(self._name(passage))
        for each in failing:
            self._home.evidence.write(WorkflowFailed(workflow=each.name, attempts=each.attempts, why=each.why))
        return failing

    def _begin_anew(self, passage: Passage, failing: FailingWorkflow) -> None:
        text = _("{name} fails again and again ({why}): the passage begins anew from its evidence")
        self._listener.warned(text.format(name=failing.name, why=failing.why))
        self._until_answered(lambda: self._keeper.begin_anew(self._name(passage), failing.why))

    def _abandon(self, passage: Passage, direction: Direction) -> None:
        # Before the worker lives nothing of it is under way, so that nothing is cut in the middle of a deed.
        reason = _("the way {direction} was asked for").format(direction=direction)
        self._until_answered(lambda: self.engine.end(self._name(passage), reason))
        self._home.evidence.write(PassageEnded(number=passage.number, abandoned=True, reason=reason))

    def _until_answered(self, ask: Callable[[], T]) -> T:
        while True:
            self._keeper.ensure_server()
            try:
                return ask()
            except EngineSilent:
                needs_room(self._home.path)
                self._keeper.ask_server()
                self._tell()
                time.sleep(LOOK_EVERY / 3)

    def _tell(self) -> None:
        records, self._seen = self._home.evidence.follow(self._seen)
        if records:
            self._keeper.progressed()
        for record in records:
            self._listener.recorded(record)
        tellings, self._heard = follow_progress(self._home.progress_file, self._heard)
        for told in tellings:
            self._listener.told(told)


@contextmanager
def running(home: RunHome, listener: Listener, worker: Sequence[str] = WORKER) -> Iterator[Runner]:
    """Hold the run's folder and yield its runner; RunBusy where another command carries the run out, DamagedEvidence.

    The worker is a command that is given the run's folder and the server's address.
    What playbooks under way leave when they are killed is gone at the end, or when the next command begins.
    """
    with home.held() as lock:
        # Nothing is begun on a plan or a record that somebody or something has changed.
        home.plan()
        home.evidence.ready()
        for sentence in mended(home):
            listener.warned(sentence)
        clear_away(home.playbooks)
        runner = Runner(home, listener, lock, worker)
        try:
            yield runner
        finally:
            runner.close()
            clear_away(home.playbooks)
