"""The worker of a run in which people's steps wait for people, and all others are written down."""

import asyncio
import sys
from pathlib import Path

from migrations.actuators.people import PeopleActuator
from migrations.home import RunHome
from migrations.plan import Actuator
from migrations.run.engine.serving import serve
from tests.real.recorder import Recorder

WORKER = (sys.executable, "-m", "tests.real.people")

if __name__ == "__main__":
    run = RunHome(Path(sys.argv[1]))
    people = {Actuator.PEOPLE: PeopleActuator(run.evidence, played=run.settings().rehearsal)}
    asyncio.run(serve(run, sys.argv[2], lambda: dict.fromkeys(Actuator, Recorder(run)) | people))
