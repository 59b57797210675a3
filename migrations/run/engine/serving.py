"""What a worker does: it connects to a run's engine and carries out what the workflows ask for, until it is killed."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from migrations.actuators.contract import StepActuator
from migrations.home import RunHome
from migrations.plan import Actuator
from migrations.proof.attention import Attention
from migrations.run.engine.activities import RunActivities
from migrations.run.engine.passages import PassageWorkflow
from migrations.run.engine.temporal import Access, EngineSilent
from migrations.run.engine.troubles import BEAT, Troubles
from migrations.run.engine.workflows import UnitWorkflow

STEPS_AT_ONCE = 6
NOTES_AT_ONCE = 4


async def serve(
    home: RunHome,
    _address: str,
    assemble: Callable[[], Mapping[Actuator, StepActuator]],
    attention: Attention | None = None,
) -> None:
    """Work until the process is killed; actuators are put together when the first deed is asked for."""
    troubles = Troubles.inherited()
    access = Access(home)
    while True:
        try:
            client = await access.client(troubles.tell)
            break
        except EngineSilent:
            await asyncio.sleep(0.1)
    activities = RunActivities(home, assemble, troubles, attention)
    with ThreadPoolExecutor(STEPS_AT_ONCE + NOTES_AT_ONCE) as threads:
        worker = Worker(
            client,
            task_queue=access.queue,
            workflows=[PassageWorkflow, UnitWorkflow],
            # A sandbox imports a workflow's modules anew for each unit, which takes longer than its steps; a test holds
            # that they import nothing that could read a clock, a file or the network.
            workflow_runner=UnsandboxedWorkflowRunner(),
            activities=activities.all(),
            activity_executor=threads,
            max_concurrent_activities=STEPS_AT_ONCE,
            max_concurrent_local_activities=NOTES_AT_ONCE,
            # After a kill the server keeps a workflow for its old worker no longer than this.
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        )
        living = asyncio.create_task(_live(troubles))
        try:
            await worker.run()
        finally:
            living.cancel()


async def _live(troubles: Troubles) -> None:
    while True:
        troubles.beat()
        await asyncio.sleep(BEAT)
