"""The workflows of a run: a passage takes units through in the order of their needs, one workflow for each unit.

Nothing here reads a file, a clock or the network: Temporal replays it after every kill and must get the same commands.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from migrations.plan import Stage, StepKind
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
    from migrations.states import BETWEEN, THROUGH, Deed, Direction, PassageResult, UnitResult, UnitState

AT_ONCE = 64
"""Units under way at one time; the worker's slots decide how many steps really run."""
ATTEMPTS = 4000
"""Of one step, deaths of workers and waits for locks included; how often it may fail is the activity's affair."""
SLACK = timedelta(seconds=60)
"""What an actuator is given above a step's own timeout to tell that it was reached."""
SYSTEM = "system:"
"""What keys of systems begin with."""
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


@workflow.defn(name="passage")
class PassageWorkflow:
    """Takes units forward, back or through their commit."""

    def __init__(self) -> None:
        self._results: dict[str, UnitResult] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    @workflow.query
    def results(self) -> PassageResult:
        """Return the units that have ended so far."""
        return PassageResult(units=tuple(self._results[key] for key in sorted(self._results)))

    @workflow.run
    async def run(self, request: PassageRequest) -> PassageResult:
        """Return how each unit came out."""
        units = await workflow.execute_local_activity(
            "outline_run", request, result_type=tuple[UnitNeeds, ...], start_to_close_timeout=timedelta(seconds=60)
        )
        turns = _turns(units, request.direction)
        await asyncio.gather(*(self._take(request, key, turns[key]) for key in sorted(turns)))
        return self.results()

    async def _take(self, request: PassageRequest, key: str, after: Sequence[str]) -> None:
        if request.direction is not Direction.FORWARD:
            self._results[key] = await self._part(request, key, after, None)
            return
        # Systems are prepared side by side: what one needs of another matters when its users come.
        ground = tuple(each for each in after if not each.startswith(SYSTEM))
        result = await self._part(request, key, ground, Stage.PREPARE)
        if result.state in PREPARED and not result.reason:
            result = await self._part(request, key, after, Stage.CUTOVER)
        self._results[key] = result

    async def _part(self, request: PassageRequest, key: str, after: Sequence[str], stage: Stage | None) -> UnitResult:
        await workflow.wait_condition(lambda: all(each in self._results for each in after))
        stuck = [each for each in after if not _lets_on(self._results[each], request.direction)]
        name = f"{workflow.info().workflow_id}/{key}"
        async with self._room:
            return await workflow.execute_child_workflow(
                UnitWorkflow.run,
                UnitRequest(passage=request, unit=key, stage=stage, stuck=tuple(stuck)),
                id=name if stage is None else f"{name}/{stage}",
                task_timeout=timedelta(seconds=5),
            )


@workflow.defn(name="unit")
class UnitWorkflow:
    """Takes one unit through its steps, and back by itself where its cutover fails."""

    @workflow.init
    def __init__(self, request: UnitRequest) -> None:
        self._request = request
        self._state = UnitState.PLANNED
        self._reason = ""

    @workflow.query
    def state(self) -> UnitState:
        """Return how far the unit has come."""
        return self._state

    @workflow.run
    async def run(self, request: UnitRequest) -> UnitResult:
        """Return the unit's state at the end, with the reason where it did not come through."""
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
        return UnitResult(unit=request.unit, state=self._state, reason=self._reason)

    async def _forward(self, outline: UnitOutline) -> None:
        if outline.state in THROUGH:
            return
        if outline.state is UnitState.UNKNOWN:
            await self._find_out(_staged(outline, Stage.CUTOVER))
        elif self._request.stuck:
            await self._become(UnitState.HELD, f"it needs {', '.join(self._request.stuck)}")
        elif self._request.stage is Stage.PREPARE:
            await self._prepare(outline)
        else:
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


def _lets_on(result: UnitResult, direction: Direction) -> bool:
    """Say whether those who wait for a unit may go on after how it came out."""
    match direction:
        case Direction.FORWARD:
            return result.state in THROUGH
        case Direction.COMMIT:
            return result.state in WITHOUT_WAY_BACK and not result.reason
        case Direction.BACK:
            # Who goes back first is an order and no condition: each unit that returns is one less in doubt.
            return True
        case Direction.WITHDRAW:
            return result.state in UNTOUCHED


def _turns(units: Sequence[UnitNeeds], direction: Direction) -> Mapping[str, tuple[str, ...]]:
    """Map each unit to those that go before it: what it needs, or what needs it where something is taken away."""
    taken = {unit.key for unit in units}
    if direction in {Direction.BACK, Direction.WITHDRAW}:
        return {key: tuple(unit.key for unit in units if key in unit.needs) for key in taken}
    return {unit.key: tuple(need for need in unit.needs if need in taken) for unit in units}
