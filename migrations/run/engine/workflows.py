"""The workflow of one unit in one passage: its steps, one after the other, and its way back where its cutover fails.

Nothing here reads a file, a clock or the network: Temporal replays it after every kill and must get the same commands.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

from migrations.plan import Stage, StepKind
from migrations.run.engine.messages import (
    WAITS,
    Note,
    PartEnded,
    Receipt,
    StepOutline,
    StepRequest,
    UnitOutline,
    UnitRequest,
)
from migrations.states import BETWEEN, THROUGH, Deed, Direction, UnitResult, UnitState

ATTEMPTS = 4000
"""Of one step, deaths of workers and waits for locks included; how often it may fail is the activity's affair."""
SLACK = timedelta(seconds=60)
"""What an actuator is given above a step's own timeout to tell that it was reached."""
PREPARED = frozenset(
    {UnitState.SYNCED, UnitState.CUTTING_OVER, UnitState.VERIFYING, UnitState.ROLLING_BACK, UnitState.WAITING}
)
"""States in which a unit's cutover may begin, or go on where it was cut off."""
UNTOUCHED = frozenset({UnitState.PLANNED, UnitState.WITHDRAWN})
"""States in which nothing of ours is anywhere."""
WITHOUT_WAY_BACK = frozenset({UnitState.COMMITTED, UnitState.DECOMMISSIONED})


class Failure(NamedTuple):
    """Why a deed was not done; where it waits for a person nothing is wrong."""

    reason: str
    waits: bool = False

    @property
    def held(self) -> UnitState:
        """Return the state of a unit that stops here before its cutover."""
        return UnitState.WAITING if self.waits else UnitState.HELD


@workflow.defn(name="unit")
class UnitWorkflow:
    """Takes one unit through its steps, and back by itself where its cutover fails."""

    @workflow.init
    def __init__(self, request: UnitRequest) -> None:
        self._request = request
        self._state = UnitState.PLANNED
        self._reason = ""
        self._is_told_by_signal = False

    @workflow.signal
    def tell(self) -> None:
        """Tell the passage by a signal how the unit came out: by then it is a later one than who began the unit."""
        self._is_told_by_signal = True

    @workflow.query
    def state(self) -> UnitState:
        """Return how far the unit has come."""
        return self._state

    @workflow.run
    async def run(self, request: UnitRequest) -> UnitResult:
        """Return the unit's state at the end, with the reason where it did not come through."""
        try:
            await self._take(request)
        except FailureError as exc:
            await self._tell(PartEnded(part=workflow.info().workflow_id, failure=str(exc)))
            raise
        result = UnitResult(unit=request.unit, state=self._state, reason=self._reason)
        await self._tell(PartEnded(part=workflow.info().workflow_id, result=result))
        return result

    async def _tell(self, ended: PartEnded) -> None:
        parent = workflow.info().parent
        if self._is_told_by_signal and parent is not None:
            await workflow.get_external_workflow_handle(parent.workflow_id).signal("part_ended", ended)

    async def _take(self, request: UnitRequest) -> None:
        outline = await workflow.execute_local_activity(
            "outline_unit", request, result_type=UnitOutline, start_to_close_timeout=timedelta(seconds=60)
        )
        self._state = outline.state
        match request.passage.direction:
            case Direction.FORWARD:
                await self._forward(outline)
            case Direction.BACK:
                await self._back(outline)
            case Direction.COMMIT:
                await self._commit(outline)
            case Direction.WITHDRAW:
                await self._withdraw(outline)

    async def _forward(self, outline: UnitOutline) -> None:
        if outline.state in THROUGH:
            return
        if outline.state is UnitState.UNKNOWN:
            await self._find_out(_staged(outline, Stage.CUTOVER))
        elif self._request.stuck:
            await self._become(UnitState.HELD, f"it needs {', '.join(self._request.stuck)}")
        else:
            if self._request.stage is not Stage.CUTOVER:
                await self._prepare(outline)
            if self._request.stage is not Stage.PREPARE and self._state in PREPARED and not self._reason:
                await self._cut_over(_staged(outline, Stage.CUTOVER))

    async def _prepare(self, outline: UnitOutline) -> None:
        # Inside a cutover preparation must not be touched: the source may be frozen already.
        if outline.entered:
            return
        for step in () if outline.prepared else _staged(outline, Stage.PREPARE):
            self._state = UnitState.SEEDING
            failure = await self._carry(step, Deed.APPLY)
            if failure is not None:
                await self._become(failure.held, failure.reason)
                return
        await self._become(UnitState.SYNCED if _staged(outline, Stage.CUTOVER) else UnitState.READY)

    async def _cut_over(self, steps: Sequence[StepOutline]) -> None:
        for number, step in enumerate(steps, start=1):
            self._state = UnitState.VERIFYING if step.verb == "verify" else UnitState.CUTTING_OVER
            failure = await self._carry(step, Deed.APPLY)
            if failure is not None and failure.waits:
                await self._become(UnitState.WAITING, failure.reason)
                return
            if failure is not None:
                await self._return(steps[:number], failure.reason)
                return
        await self._become(UnitState.ON_PROBATION)

    async def _find_out(self, steps: Sequence[StepOutline]) -> None:
        """Look where a unit stands whose way back failed: finish the way there where it was done, else go back."""
        self._state = UnitState.UNKNOWN
        moves = [number for number, step in enumerate(steps) if step.kind is not StepKind.GATE]
        for number in moves:
            failure = await self._carry(steps[number], Deed.PROBE)
            if failure is not None:
                why = f"its way back had failed before, and it was not found done: {failure.reason}"
                await self._return(steps, why)
                return
        # Gates before the move looked at a copy that nobody follows any more.
        await self._cut_over(steps[moves[0] :] if moves else steps)

    async def _return(self, steps: Sequence[StepOutline], reason: str) -> None:
        """Undo cutover steps, the last first; their preparation is kept so that nothing is copied anew."""
        self._state = UnitState.ROLLING_BACK
        for step in reversed(steps):
            if step.kind is StepKind.GATE:
                continue
            failure = await self._carry(step, Deed.UNDO)
            if failure is not None:
                both = f"{reason}; then on the way back: {failure.reason}" if reason else failure.reason
                await self._become(UnitState.WAITING if failure.waits else UnitState.UNKNOWN, both)
                return
        await self._become(UnitState.ROLLED_BACK, reason)

    async def _back(self, outline: UnitOutline) -> None:
        if outline.state in WITHOUT_WAY_BACK:
            self._reason = "it was committed: its way back is given up"
        elif outline.entered:
            await self._return(_staged(outline, Stage.CUTOVER), "")

    async def _commit(self, outline: UnitOutline) -> None:
        if outline.state is UnitState.DECOMMISSIONED:
            return
        if outline.state not in {UnitState.READY, UnitState.ON_PROBATION, UnitState.COMMITTED}:
            self._reason = f"only what has come through is committed, and it is {outline.state}"
            return
        if self._request.stuck:
            self._reason = f"{', '.join(self._request.stuck)} must be committed before it"
            return
        await self._become(UnitState.COMMITTED)
        steps = _staged(outline, Stage.COMMIT)
        for step in steps:
            failure = await self._carry(step, Deed.APPLY)
            if failure is not None:
                await self._become(UnitState.COMMITTED, failure.reason)
                return
        if steps:
            await self._become(UnitState.DECOMMISSIONED)

    async def _withdraw(self, outline: UnitOutline) -> None:
        """Undo what was prepared, the last step first."""
        if outline.state in UNTOUCHED:
            return
        if outline.state in WITHOUT_WAY_BACK:
            self._reason = "it was committed: its way back is given up"
        elif outline.entered or outline.state in BETWEEN - {UnitState.WAITING}:
            self._reason = "it has moved: take it back first"
        elif self._request.stuck:
            self._reason = f"{', '.join(self._request.stuck)} must be withdrawn before it"
        else:
            self._state = UnitState.WITHDRAWING
            for step in reversed(_staged(outline, Stage.PREPARE)):
                failure = await self._carry(step, Deed.UNDO)
                if failure is not None:
                    await self._become(failure.held, failure.reason)
                    return
            await self._become(UnitState.WITHDRAWN)

    async def _become(self, state: UnitState, reason: str = "") -> None:
        self._state, self._reason = state, reason
        note = Note(passage=self._request.passage, unit=self._request.unit, state=state, reason=reason)
        await workflow.execute_local_activity("note", note, start_to_close_timeout=timedelta(seconds=60))

    async def _carry(self, step: StepOutline, deed: Deed) -> Failure | None:
        """Have one deed done; return why it failed, None where it did not."""
        passage = self._request.passage
        request = StepRequest(passage=passage, unit=self._request.unit, step=step.id, deed=deed, state=self._state)
        try:
            receipt = await workflow.execute_activity(
                "carry",
                request,
                result_type=Receipt,
                start_to_close_timeout=timedelta(seconds=step.timeout) + SLACK,
                heartbeat_timeout=timedelta(seconds=passage.heartbeat),
                retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=20), maximum_attempts=ATTEMPTS),
            )
        except ActivityError as exc:
            if is_cancelled_exception(exc):
                raise
            return _why(step, exc)
        if receipt != Receipt(passage=passage.number, step=step.id, deed=deed):
            return Failure(f"{step.id}: whoever answered for it has not done it")
        return None


def _why(step: StepOutline, error: ActivityError) -> Failure:
    if isinstance(error.cause, ApplicationError):
        return Failure(error.cause.message, waits=error.cause.type == WAITS)
    late = error.cause is not None
    return Failure(f"{step.id}: it did not end in {step.timeout:g} s" if late else f"{step.id}: {error}")


def _staged(outline: UnitOutline, stage: Stage) -> tuple[StepOutline, ...]:
    return tuple(step for step in outline.steps if step.stage is stage)
