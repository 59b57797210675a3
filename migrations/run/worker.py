"""The worker's process: `python -m migrations.run.worker HOME ADDRESS` carries out what the workflows ask for."""

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from temporalio.worker import Worker

from migrations.run.activities import RunActivities
from migrations.run.assembly import assembler_of
from migrations.run.home import RunHome
from migrations.run.temporal import QUEUE, EngineSilent, connected
from migrations.run.workflows import PassageWorkflow, UnitWorkflow

STEPS_AT_ONCE = 6
NOTES_AT_ONCE = 4


async def serve(home: RunHome, address: str) -> None:
    """Work until the process is killed."""
    assemble = assembler_of(home)
    while True:
        try:
            client = await connected(address, home.key_file.read_bytes())
            break
        except EngineSilent:
            await asyncio.sleep(0.1)
    activities = RunActivities(home, assemble)
    with ThreadPoolExecutor(STEPS_AT_ONCE + NOTES_AT_ONCE) as threads:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[PassageWorkflow, UnitWorkflow],
            activities=activities.all(),
            activity_executor=threads,
            max_concurrent_activities=STEPS_AT_ONCE,
            max_concurrent_local_activities=NOTES_AT_ONCE,
            # After a kill the server keeps a workflow for its old worker no longer than this.
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        )
        await worker.run()


def main() -> None:
    """Serve the run whose home and engine are named on the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    home = RunHome(Path(sys.argv[1]))
    asyncio.run(serve(home, sys.argv[2]))


if __name__ == "__main__":
    main()
