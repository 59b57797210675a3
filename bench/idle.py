"""Workers that do nothing, for `bench.run`: one of a run of ours, and one of bare Temporal with as many activities.

    python -m bench.idle ours HOME ADDRESS
    python -m bench.idle bare SOCKET
"""

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

with workflow.unsafe.imports_passed_through():
    from migrations.actuators.contract import Observation, ObservedState, Progress
    from migrations.home import RunHome
    from migrations.plan import Actuator, Step
    from migrations.run.engine.serving import NOTES_AT_ONCE, STEPS_AT_ONCE, serve
    from migrations.run.engine.temporal import EngineSilent, reached

AT_ONCE = 64
QUEUE = "bare"


class Idle:
    """An actuator that says what is wished for, at once."""

    def probe(self, step: Step, _progress: Progress) -> Observation:
        """Say that the step was done."""
        return Observation(state=ObservedState.DONE, facts={"step": step.id})

    apply = probe

    def undo(self, step: Step, _progress: Progress) -> Observation:
        """Say that the step was taken back."""
        return Observation(state=ObservedState.NOT_DONE, facts={"step": step.id})


@activity.defn(name="nothing")
def nothing(step: str) -> str:
    """Return what was given."""
    return step


@workflow.defn(name="few")
class FewSteps:
    """As many activities as a unit has steps, one after the other."""

    @workflow.run
    async def run(self, steps: list[str]) -> str:
        """Return the last one."""
        for step in steps:
            await workflow.execute_activity(nothing, step, start_to_close_timeout=timedelta(seconds=60))
        return steps[-1]


@workflow.defn(name="many")
class ManyUnits:
    """As many child workflows as there are units, so many at once as in a run."""

    @workflow.run
    async def run(self, units: list[list[str]]) -> int:
        """Return how many there were."""
        room = asyncio.Semaphore(AT_ONCE)

        async def take(steps: list[str]) -> None:
            async with room:
                await workflow.execute_child_workflow(FewSteps.run, steps, id=steps[0])

        await asyncio.gather(*(take(steps) for steps in units))
        return len(units)


async def answering(address: str) -> Client:
    """Return a connection to a server, as soon as it answers."""
    while True:
        try:
            return await reached(address, pydantic_data_converter)
        except EngineSilent:
            await asyncio.sleep(0.1)


async def _bare(address: str) -> None:
    client = await answering(address)
    with ThreadPoolExecutor(STEPS_AT_ONCE + NOTES_AT_ONCE) as threads:
        await Worker(
            client,
            task_queue=QUEUE,
            workflows=[ManyUnits, FewSteps],
            # As ours: a sandbox would cost the peer a tenth more.
            workflow_runner=UnsandboxedWorkflowRunner(),
            activities=[nothing],
            activity_executor=threads,
            max_concurrent_activities=STEPS_AT_ONCE,
        ).run()


def main() -> None:
    """Work until killed."""
    logging.basicConfig(level=logging.WARNING)
    if sys.argv[1] == "bare":
        asyncio.run(_bare(sys.argv[2]))
    else:
        home = RunHome(Path(sys.argv[2]))
        asyncio.run(serve(home, sys.argv[3], lambda: dict.fromkeys(Actuator, Idle())))


if __name__ == "__main__":
    main()
