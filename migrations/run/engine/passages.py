"""The workflow of a passage: it takes units through in the order of their needs, a workflow of its own for each one.

A server keeps some ten thousand events of one workflow and no more. A passage that has come to many goes on as a new
workflow of the same name, which is given how the units stand. Units under way are not disturbed: they outlive the
workflow that began them, and tell the one that is there then how they came out.

Nothing here reads a file, a clock or the network: Temporal replays it after every kill and must get the same commands.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.workflow import ChildWorkflowHandle, ParentClosePolicy

from migrations.plan import Stage
from migrations.run.engine.messages import PartEnded, PassageRequest, SoFar, UnitNeeds, UnitRequest
from migrations.run.engine.workflows import PREPARED, UNTOUCHED, WITHOUT_WAY_BACK, UnitWorkflow
from migrations.states import THROUGH, Direction, PassageResult, UnitResult

AT_ONCE = 64
"""Units under way at one time; the worker's slots decide how many steps really run."""
SYSTEM = "system:"
"""What keys of systems begin with."""


@workflow.defn(name="passage")
class PassageWorkflow:
    """Takes units forward, back or through their commit."""

    @workflow.init
    def __init__(self, request: PassageRequest) -> None:
        so_far = request.so_far
        self._request = request
        self._results = {result.unit: result for result in so_far.ended}
        self._prepared = set(so_far.prepared)
        self._answers = {part: asyncio.Future[UnitResult]() for part in so_far.under_way}
        self._tell = frozenset(so_far.under_way)
        self._begun: dict[str, ChildWorkflowHandle[UnitWorkflow, UnitResult]] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._hands_over = False

    @workflow.query
    def results(self) -> PassageResult:
        """Return the units that have ended so far."""
        return PassageResult(units=tuple(self._results[key] for key in sorted(self._results)))

    @workflow.signal
    def part_ended(self, ended: PartEnded) -> None:
        """Hear of a part that an earlier workflow of this passage began."""
        answer = self._answers.get(ended.part)
        if answer is None or answer.done():
            return
        if ended.result is not None:
            answer.set_result(ended.result)
        else:
            answer.set_exception(ApplicationError(f"{ended.part}: {ended.failure}"))

    @workflow.run
    async def run(self, request: PassageRequest) -> PassageResult:
        """Return how each unit came out."""
        units = await workflow.execute_local_activity(
            "outline_run", request, result_type=tuple[UnitNeeds, ...], start_to_close_timeout=timedelta(seconds=60)
        )
        turns = _turns(units, request.direction)
        self._ends = {key: asyncio.Event() for key in turns}
        for key in self._results:
            self._ends[key].set()
        through = asyncio.gather(*(self._take(key, turns[key]) for key in self._in_order(turns)))
        await workflow.wait_condition(lambda: through.done() or self._is_full())
        if not through.done():
            await self._hand_over()
        if not through.done():
            workflow.continue_as_new(request.model_copy(update={"so_far": self._so_far()}))
        await through
        return self.results()

    def _in_order(self, units: Iterable[str]) -> list[str]:
        """Return who has not ended yet: first those under way, which have their room already."""
        names = {key: {self._part_of(key, stage) for stage in (Stage.PREPARE, Stage.CUTOVER, None)} for key in units}
        return sorted(
            names.keys() - self._results.keys(), key=lambda key: (names[key].isdisjoint(self._answers), key)
        )

    def _is_full(self) -> bool:
        return workflow.info().get_current_history_length() >= self._request.history

    def _so_far(self) -> SoFar:
        return SoFar(
            ended=self.results().units, prepared=tuple(sorted(self._prepared)), under_way=tuple(sorted(self._answers))
        )

    async def _hand_over(self) -> None:
        """Begin nobody else, and have those under way tell whoever comes after this workflow."""
        self._hands_over = True
        await workflow.wait_condition(lambda: self._answers.keys() <= self._begun.keys() | self._tell)
        await asyncio.gather(*(self._have_told(part) for part in tuple(self._begun)))

    async def _have_told(self, part: str) -> None:
        try:
            await self._begun[part].signal(UnitWorkflow.tell)
        except FailureError:
            # It has ended, and this workflow is the one that hears of it.
            await workflow.wait_condition(lambda: part not in self._begun)

    async def _take(self, key: str, after: Sequence[str]) -> None:
        self._results[key] = await self._taken(key, after)
        self._prepared.discard(key)
        self._ends[key].set()

    async def _taken(self, key: str, after: Sequence[str]) -> UnitResult:
        # Systems are prepared side by side: what one needs of another matters when its users come.
        ground = tuple(each for each in after if not each.startswith(SYSTEM))
        if self._request.direction is not Direction.FORWARD or len(ground) == len(after):
            return await self._part(key, after, None)
        if key not in self._prepared:
            result = await self._part(key, ground, Stage.PREPARE)
            if result.state not in PREPARED or result.reason:
                return result
            self._prepared.add(key)
        return await self._part(key, after, Stage.CUTOVER)

    async def _part(self, key: str, after: Sequence[str], stage: Stage | None) -> UnitResult:
        part = self._part_of(key, stage)
        if part not in self._answers:
            for each in after:
                await self._ends[each].wait()
        async with self._room:
            try:
                if part in self._answers:
                    return await self._answers[part]
                return await self._begin(key, after, stage)
            finally:
                self._answers.pop(part, None)
                self._begun.pop(part, None)

    async def _begin(self, key: str, after: Sequence[str], stage: Stage | None) -> UnitResult:
        if self._hands_over:
            # The workflow that comes after this one begins it.
            await asyncio.Event().wait()
        part = self._part_of(key, stage)
        answer = self._answers[part] = asyncio.Future[UnitResult]()
        stuck = tuple(each for each in after if not _lets_on(self._results[each], self._request.direction))
        child = self._begun[part] = await workflow.start_child_workflow(
            UnitWorkflow.run,
            UnitRequest(passage=self._request.alone(), unit=key, stage=stage, stuck=stuck),
            id=part,
            task_timeout=timedelta(seconds=5),
            parent_close_policy=ParentClosePolicy.ABANDON,
        )
        await workflow.wait((child, answer), return_when=asyncio.FIRST_COMPLETED)
        return answer.result() if answer.done() else child.result()

    def _part_of(self, key: str, stage: Stage | None) -> str:
        name = f"{workflow.info().workflow_id}/{key}"
        return name if stage is None else f"{name}/{stage}"


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


def _turns(units: Sequence[UnitNeeds], direction: Direction) -> Mapping[str, Sequence[str]]:
    """Map each unit to those that go before it: what it needs, or what needs it where something is taken away."""
    turns: dict[str, list[str]] = {unit.key: [] for unit in units}
    returns = direction in {Direction.BACK, Direction.WITHDRAW}
    for unit in units:
        for need in unit.needs:
            if need in turns:
                first, then = (unit.key, need) if returns else (need, unit.key)
                turns[then].append(first)
    return turns
