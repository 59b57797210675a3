"""The command's side of a passage: it begins the workflow, asks how it came out, and sees when it cannot go on.

A workflow's turn that ends in an error is tried again by the server for ever, and nobody else hears of it. So the
command asks after such turns, and begins the passage anew: the evidence alone says how far its units have come.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy
from temporalio.converter import WorkflowSerializationContext
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from inventory.words import _
from migrations.run.engine.messages import PassageRequest
from migrations.run.engine.temporal import Access, EngineRefused, EngineSilent, MessageRefused, PassageFailed
from migrations.states import PassageResult

T = TypeVar("T")
IN_VAIN = 3
"""Times that a workflow's turn must have been tried before it counts as failing: a killed worker takes one along."""
_REFUSED = frozenset(
    {
        RPCStatusCode.INVALID_ARGUMENT,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.UNIMPLEMENTED,
    }
)
"""Answers that stay the same however often a server is asked."""
_GOES_ON = frozenset(
    {
        WorkflowExecutionStatus.RUNNING,
        WorkflowExecutionStatus.COMPLETED,
        WorkflowExecutionStatus.CONTINUED_AS_NEW,
    }
)


class FailingWorkflow(NamedTuple):
    """A workflow whose turn fails again and again, how often it was tried, and why it failed."""

    name: str
    attempts: int
    why: str


class Engine:
    """The command's connection to the server; its calls are synchronous and may be repeated."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: Client | None = None
        self._begun: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the connection go."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def outcome(self, name: str, request: PassageRequest, patience: float) -> PassageResult | None:
        """Start a passage where nobody has, and return how it ended, none where it goes on after `patience` s.

        EngineSilent, EngineRefused, PassageFailed.
        """
        return self._call(self._outcome(name, request, patience))

    def is_well(self, patience: float) -> bool:
        """Say whether the server answers within `patience` s that it serves."""
        try:
            return self._call(asyncio.wait_for(self._is_well(), patience))
        except (EngineSilent, TimeoutError):
            return False

    def failing(self, name: str) -> tuple[FailingWorkflow, ...]:
        """Return which workflows of a passage do not get past an error in them; none where nobody can tell."""
        try:
            return self._call(self._failing(name))
        except (EngineSilent, EngineRefused):
            return ()

    def end(self, name: str, reason: str) -> None:
        """End a passage where it stands, with its units' workflows; EngineSilent."""
        self._call(self._end(name, reason))

    def history(self, name: str) -> str:
        """Return the recorded history of a workflow as JSON, fit for a replay; EngineSilent."""
        return self._call(self._history(name))

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except RPCError as exc:
            raise (self._access.refusal(exc.message) if exc.status in _REFUSED else self._access.silence()) from exc

    async def _connected(self) -> Client:
        self._client = self._client or await self._access.client()
        return self._client

    async def _is_well(self) -> bool:
        return await (await self._connected()).service_client.check_health()

    async def _handle(self, name: str) -> WorkflowHandle[Any, PassageResult]:
        return (await self._connected()).get_workflow_handle(name, result_type=PassageResult)

    async def _begin(self, name: str, request: PassageRequest) -> None:
        if await self._was_cut_off(name):
            await self._end_parts(name, "its passage begins anew")
        try:
            await (await self._connected()).start_workflow(
                "passage",
                request,
                id=name,
                task_queue=self._access.queue,
                # One that has a result is never begun again.
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                task_timeout=timedelta(seconds=5),
            )
        except WorkflowAlreadyStartedError:
            pass
        except RPCError as exc:
            if exc.status is RPCStatusCode.NOT_FOUND:
                # Nothing but its namespace can be missing.
                raise self._access.refusal(exc.message) from exc
            raise
        self._begun.add(name)

    async def _was_cut_off(self, name: str) -> bool:
        """Say whether a passage was begun and ended without a result: a defect, or somebody ended it from outside."""
        with _absent_is_fine():
            return (await (await self._handle(name)).describe()).status not in _GOES_ON
        return False

    async def _outcome(self, name: str, request: PassageRequest, patience: float) -> PassageResult | None:
        if name not in self._begun:
            await self._begin(name, request)
        try:
            return await asyncio.wait_for((await self._handle(name)).result(), patience)
        except TimeoutError:
            return None
        except (WorkflowFailureError, MessageRefused) as exc:
            # Whoever ends it from outside may give a reason that nobody sealed.
            cause = exc.cause if isinstance(exc, WorkflowFailureError) else exc
            raise PassageFailed(_("{name} ended without a result: {cause}").format(name=name, cause=cause)) from exc
        except RPCError as exc:
            if exc.status is RPCStatusCode.NOT_FOUND:
                # The server's file was lost; the evidence knows how far the units have come.
                self._begun.discard(name)
            raise

    async def _end(self, name: str, reason: str) -> None:
        with _absent_is_fine():
            await (await self._handle(name)).terminate(reason=reason)
        # After it, because by now nobody begins another one.
        await self._end_parts(name, reason)
        self._begun.discard(name)

    async def _end_parts(self, name: str, reason: str) -> None:
        """End the workflows of a passage's units: they outlive the one that began them."""
        for part in await self._running(name):
            if part != name:
                with _absent_is_fine():
                    await (await self._handle(part)).terminate(reason=reason)

    async def _running(self, name: str) -> list[str]:
        quoted = name.replace("'", "''")
        asked = f"ExecutionStatus = 'Running' AND (WorkflowId = '{quoted}' OR WorkflowId STARTS_WITH '{quoted}/')"
        return [found.id async for found in (await self._connected()).list_workflows(asked)]

    async def _failing(self, name: str) -> tuple[FailingWorkflow, ...]:
        seen = [await self._turn_of(each) for each in await self._running(name)]
        return tuple(failing for failing in seen if failing is not None)

    async def _turn_of(self, name: str) -> FailingWorkflow | None:
        handle = await self._handle(name)
        attempts = (await handle.describe()).raw_description.pending_workflow_task.attempt
        if attempts < IN_VAIN:
            return None
        failure = None
        # Of attempts in a row a history keeps the first one alone.
        async for event in handle.fetch_history_events():
            if event.HasField("workflow_task_completed_event_attributes"):
                failure = None
            elif event.HasField("workflow_task_failed_event_attributes"):
                failure = event
        return None if failure is None else FailingWorkflow(name, attempts, await self._why(name, failure))

    async def _why(self, name: str, event: HistoryEvent) -> str:
        client = await self._connected()
        context = WorkflowSerializationContext(namespace=client.namespace, workflow_id=name)
        failure = event.workflow_task_failed_event_attributes.failure
        told = str(await client.data_converter.with_context(context).decode_failure(failure)).strip()
        return told.splitlines()[0][:300] if told else ""

    async def _history(self, name: str) -> str:
        return (await (await self._handle(name)).fetch_history()).to_json()


@contextlib.contextmanager
def _absent_is_fine() -> Iterator[None]:
    try:
        yield
    except RPCError as exc:
        if exc.status is not RPCStatusCode.NOT_FOUND:
            raise
