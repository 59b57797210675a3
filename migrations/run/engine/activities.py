"""What the workflows have done for them: each deed goes to its actuator and into the evidence."""

import contextvars
import errno
import fcntl
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from temporalio import activity
from temporalio.exceptions import ApplicationError

from migrations.actuators.contract import (
    Busy,
    HalfDone,
    Observation,
    ObservedState,
    Progress,
    Refused,
    StepActuator,
    StepError,
    Unreachable,
    Waiting,
)
from migrations.actuators.sharing import shared_by
from migrations.evidence.chain import DamagedEvidence, Fact
from migrations.evidence.kinds import StateRefused, StepBegun, StepDone, StepFailed, StepSeen, UnitMoved, UnknownRecord
from migrations.evidence.remembering import Memory, unseen
from migrations.evidence.standing import standing_of
from migrations.home import RunHome
from migrations.plan import Actuator, Step, StepKind
from migrations.proof.attention import Attention
from migrations.run.engine.messages import (
    WAITS,
    Note,
    PassageRequest,
    Receipt,
    StepOutline,
    StepRequest,
    UnitNeeds,
    UnitOutline,
    UnitRequest,
)
from migrations.run.engine.temporal import Access
from migrations.run.engine.troubles import Troubles
from migrations.states import Deed

ASKED_AGAIN: Mapping[type[StepError], int] = {Refused: 1, Unreachable: 4, HalfDone: 4, Busy: 14}
"""How often in one passage a step may fail before it is given up; a device's timer takes minutes to run out."""
PATIENCE = 1.0
"""Seconds for which a lock is waited for in a slot of the worker."""
ASKS_AGAIN = timedelta(seconds=2)
"""After which a lock that was not free is asked for again, by whatever slot is free then."""
NO_FOOTING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})
"""Why a call of the system fails where it is this machine that must be mended, and no step is to blame."""
_log = logging.getLogger(__name__)


class _Attempt(TypedDict):
    deed: Deed
    passage: int
    attempt: int


class RunActivities:
    """The activities of one run; they are synchronous and run on the worker's threads."""

    def __init__(
        self,
        home: RunHome,
        assemble: Callable[[], Mapping[Actuator, StepActuator]],
        troubles: Troubles,
        attention: Attention | None = None,
    ) -> None:
        """Actuators are put together at the first deed, so that a worker can wait for its world to come up.

        `attention` is told when users may feel a step, where probes look at all.
        """
        self._home = home
        self._plan = home.plan()
        self._assemble = cache(assemble)
        self._units = {unit.key: unit for unit in self._plan.units}
        self._steps = {step.id: step for unit in self._plan.units for step in unit.steps}
        self._troubles = troubles
        self._attention = attention
        self._memory = Memory(home.evidence)
        self._run = home.settings().run
        self._access = Access(home)
        self._writing = threading.Lock()

    def all(self) -> tuple[Callable[..., Any], ...]:
        """Return the activities for a worker."""
        return (self.outline_run, self.outline_unit, self.note, self.carry)

    @activity.defn(name="outline_run")
    def outline_run(self, request: PassageRequest) -> tuple[UnitNeeds, ...]:
        """Return who takes part in a passage and waits for whom."""
        taken = set(request.units) or set(self._units)
        return tuple(
            UnitNeeds(key=unit.key, needs=tuple(need for need in unit.needs if need in taken))
            for unit in self._plan.units
            if unit.key in taken
        )

    @activity.defn(name="outline_unit")
    def outline_unit(self, request: UnitRequest) -> UnitOutline:
        """Return a unit's steps without their arguments, and its state as the evidence has it."""
        unit = self._units[request.unit]
        with self._standing(unit.key):
            come = standing_of(unit, self._memory.of(unit.key))
        return UnitOutline(
            key=unit.key,
            kind=unit.kind,
            state=come.state,
            entered=come.entered,
            prepared=come.prepared,
            steps=tuple(
                StepOutline(id=step.id, verb=step.verb, stage=step.stage, kind=step.kind, timeout=step.timeout)
                for step in unit.steps
            ),
        )

    @activity.defn(name="note")
    def note(self, note: Note) -> None:
        """Keep a unit's new state, which must follow from what was seen of its steps."""
        moved = UnitMoved(state=note.state, reason=note.reason, passage=note.passage.number)
        with self._standing(note.unit):
            self._refuse_others(note.passage, note.unit, note.unit)
            step = unseen(self._units[note.unit], note.state, self._memory.of(note.unit))
            if step:
                self._home.evidence.write(StateRefused(**dict(moved)), unit=note.unit, step=step)
                why = f"{note.unit} cannot be {note.state}: nobody has seen what that takes of {step}"
                raise ApplicationError(why, type="Refused", non_retryable=True)
            self._home.evidence.write(moved, unit=note.unit)
        if self._attention is not None:
            self._attention.far(note.unit)

    @activity.defn(name="carry")
    def carry(self, request: StepRequest) -> Receipt:
        """Have one deed done by its actuator; what was seen goes into the evidence, and back goes that it was done."""
        step = self._steps[request.step]
        of: _Attempt = {
            "deed": request.deed,
            "passage": request.passage.number,
            "attempt": activity.info().attempt,
        }
        ticket = _ticket()
        with self._standing(step.id), _beating(request.passage.heartbeat), self._alone(step):
            self._refuse_copies(request, ticket)
            self._record(StepBegun(**of, state=request.state, ticket=ticket), request)
            if self._attention is not None and request.deed is not Deed.PROBE:
                self._attention.near(request.unit, step)
            begun = time.monotonic()
            try:
                seen = self._seen(request, step)
            except StepError as exc:
                self._record(_failed(of, exc), request)
                raise self._verdict(request, exc) from exc
            except Exception as exc:
                # Whatever an actuator raises beside its own errors is a defect of this software: repeating would not
                # mend it, and the unit has to learn of it to be returned.
                if isinstance(exc, ApplicationError) or type(exc).__module__.startswith("temporalio"):
                    raise
                if isinstance(exc, OSError) and exc.errno in NO_FOOTING:
                    raise
                _log.exception("defect in %s", step.id)
                reason = f"{type(exc).__name__}: {exc}"
                self._record(StepFailed(**of, error="Defect", reason=reason), request)
                raise ApplicationError(f"{step.id}: {reason}", type="Defect", non_retryable=True) from exc
            seconds = round(time.monotonic() - begun, 3)
            done = StepDone(**of, seconds=seconds, state=seen.state, detail=seen.detail, facts=seen.facts)
            self._record(done, request)
        return Receipt(passage=request.passage.number, step=request.step, deed=request.deed)

    def _refuse_copies(self, request: StepRequest, ticket: str) -> None:
        """Refuse an attempt that was begun once, and whoever has no part in the passage that is under way.

        The engine gives each attempt out once; after a worker's death it gives out another one.
        """
        self._refuse_others(request.passage, request.unit, request.step)
        begun = (StepBegun.of(record) for record in self._memory.of(request.unit))
        if any(one is not None and one.ticket == ticket for one in begun):
            raise _refusal(request.step)

    def _refuse_others(self, asked: PassageRequest, unit: str, about: str) -> None:
        """Refuse a request of a passage that is not under way, such as one that was given up, or of another unit."""
        part = f"{self._access.name_of(asked.number)}/{unit}"
        workflow = activity.info().workflow_id or ""
        its_own = workflow == part or workflow.startswith(f"{part}/")
        if not its_own or asked.number != self._memory.open_passage() or asked.run != self._run:
            raise _refusal(about)

    def _seen(self, request: StepRequest, step: Step) -> Observation:
        seen = self._act(request, step)
        wanted = ObservedState.NOT_DONE if request.deed is Deed.UNDO else ObservedState.DONE
        if seen.state is wanted:
            return seen
        # What made it so is the first thing that a person asks for.
        self._record(StepSeen(state=seen.state, detail=seen.detail, facts=seen.facts), request)
        reason = f"afterwards it was seen as {seen.state}" + (f": {seen.detail}" if seen.detail else "")
        if seen.state is ObservedState.UNKNOWN:
            raise Unreachable(step.id, reason)
        raise Refused(step.id, reason)

    def _act(self, request: StepRequest, step: Step) -> Observation:
        actuator = self._assemble()[self._actuator_of(step)]
        progress = self._progress(request)
        match request.deed:
            case Deed.PROBE:
                return actuator.probe(step, progress)
            case Deed.APPLY:
                return actuator.apply(step, progress)
            case Deed.UNDO:
                assert step.kind is not StepKind.GATE
                return actuator.undo(step, progress)

    def _actuator_of(self, step: Step) -> Actuator:
        return step.by or self._units[step.id.partition("/")[0]].kind

    def _progress(self, request: StepRequest) -> Progress:
        def tell(text: str) -> None:
            line = json.dumps({"unit": request.unit, "step": request.step, "text": text}, ensure_ascii=False)
            with self._writing, self._home.progress_file.open("a") as file:
                file.write(line + "\n")

        return tell

    def _record(self, fact: Fact, request: StepRequest) -> None:
        self._home.evidence.write(fact, unit=request.unit, step=request.step)

    def _verdict(self, request: StepRequest, error: StepError) -> ApplicationError:
        """Say to the engine whether to try again; the evidence counts, because deaths of workers are no answers."""
        if isinstance(error, Waiting):
            return ApplicationError(str(error), type=WAITS, non_retryable=True)
        failed = [
            (record.time, failure)
            for record, failure in StepFailed.among(self._memory.of(request.unit))
            if record.step == request.step and (failure.passage, failure.deed) == (request.passage.number, request.deed)
        ]
        again = len(failed) < ASKED_AGAIN[type(error)] or self._is_waited_for(request, error, failed)
        return ApplicationError(str(error), type=type(error).__name__, non_retryable=not again)

    def _is_waited_for(
        self, request: StepRequest, error: StepError, failed: Sequence[tuple[datetime, StepFailed]]
    ) -> bool:
        """Say whether a unit between its two sides is tried on with: a way back now would need the same hosts.

        That is so for as long as its copy may take to catch up, whether its users were turned already or a gate after
        that cannot look. What was wrong first counts: a database that is down refuses everything that comes after.
        """
        limit = float(self._steps[request.step].arguments.get("limits", {}).get("catch_up", 0.0))
        if request.deed is not Deed.APPLY or not failed or time.time() - failed[0][0].timestamp() > limit:
            return False
        half = isinstance(error, HalfDone) or any(failure.error == HalfDone.__name__ for _time, failure in failed)
        come = standing_of(self._units[request.unit], self._memory.of(request.unit))
        turned = isinstance(error, Unreachable) and come.entered
        return half or turned

    @contextmanager
    def _standing(self, about: str) -> Iterator[None]:
        """Tell the command what keeps us from locking and recording: a full disk takes the evidence of it along."""
        try:
            yield
        except (OSError, DamagedEvidence, UnknownRecord) as exc:
            self._troubles.tell(f"{about}: {exc}")
            raise

    @contextmanager
    def _alone(self, step: Step) -> Iterator[None]:
        """Wait until an earlier attempt at this step, taken for dead, has ended, and whoever uses the same devices.

        The locks die with the worker; those of what is shared are the world's, because another run may want it too. All
        take them in one order, so that nobody waits for ever.
        """
        with ExitStack() as held:
            held.enter_context(_locked(self._home.locks / _file_of(step.id), step, step.id))
            for name in shared_by(self._actuator_of(step), step):
                held.enter_context(_locked(self._home.world_locks / _file_of(name), step, name))
            yield


@contextmanager
def _locked(path: Path, step: Step, name: str) -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE
    path.parent.mkdir(exist_ok=True, parents=True, mode=0o700)
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _in_use(step, name) from None
                time.sleep(0.1)
        yield


def _in_use(step: Step, name: str) -> ApplicationError:
    """Return what gives a slot of the worker to somebody else while a lock is waited for, as long as that makes sense.

    Steps that change something together would otherwise keep all others from being begun.
    """
    waited = datetime.now(UTC) - activity.info().scheduled_time
    if waited.total_seconds() > step.timeout:
        why = f"{step.id}: {name} is in use and does not come free"
        return ApplicationError(why, type="Refused", non_retryable=True)
    return ApplicationError(f"{step.id}: {name} is in use", type="Waits", next_retry_delay=ASKS_AGAIN)


def _refusal(about: str) -> ApplicationError:
    why = f"{about}: {activity.info().workflow_id} is not under way in this run"
    return ApplicationError(why, type="Refused", non_retryable=True)


def _ticket() -> str:
    """Name the attempt that is carried out: no other one of any workflow has the same name."""
    info = activity.info()
    return f"{info.workflow_run_id}/{info.activity_id}/{info.attempt}"


def _file_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def _failed(attempt: _Attempt, error: StepError) -> StepFailed:
    name = type(error).__name__
    return StepFailed(**attempt, error=name, reason=error.reason, where=error.where, mend=error.mend)


@contextmanager
def _beating(timeout: float) -> Iterator[None]:
    """Tell the engine from a second thread that this attempt lives, while the first is in an actuator."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(timeout / 4):
            activity.heartbeat()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(beat,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
