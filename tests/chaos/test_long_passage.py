"""A passage whose workflow goes on as a new one: units under way outlive that, and the run a kill beside it."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.service import RPCError

from migrations.evidence.chain import Soundness, verify_chain
from migrations.home import RunHome, RunSettings, states_of
from migrations.plan import Actuator, Plan, Unit, digest
from migrations.run.engine.temporal import Access, EngineSilent
from migrations.run.runner import Listener, running
from migrations.states import UnitState
from tests.chaos.commands import Command, Halting, replayer_of
from tests.real.plans import unit_of
from tests.real.recorder import WORKER, Recorder
from tests.real.steps import until
from tests.sampling import sampled

pytestmark = [pytest.mark.chaos, pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

SYSTEMS = 24
EVENTS = 100
"""After which a passage goes on as new: far fewer than it writes for all these systems."""
FIRST = "system:s00"


def _system(number: int) -> Unit:
    # Each fifth needs the one before: what it waits for may have come out in an earlier workflow.
    needs = ("site:a", f"system:s{number - 1:02}") if number % 5 == 4 else ("site:a",)
    return unit_of(Actuator.SYSTEM, f"s{number:02}", "prepare", "switch", needs=needs, timeout=200)


SITE = unit_of(Actuator.SITE, "a", "provision", timeout=200)
PLAN = Plan(programme="long", untouched=(), units=(SITE, *(_system(number) for number in range(SYSTEMS))))
# What a user's command does, called again or not: it takes all of them forward.
COMMAND = f"""
import sys
from pathlib import Path
from migrations.home import RunHome
from migrations.run.runner import Listener, running
from migrations.states import Direction

with running(RunHome(Path(sys.argv[1])), Listener(), {WORKER!r}) as runner:
    runner.take(Direction.FORWARD)
"""


@pytest.mark.parametrize("victim", sampled(("worker", "server", "command"), 0.3))
def test_units_under_way_outlive_the_workflow_that_began_them_and_the_run_a_kill(tmp_path: Path, victim: str) -> None:
    home = RunHome(tmp_path / "run")
    settings = RunSettings(run="run", plan=digest(PLAN), world=Path("/nowhere"), heartbeat=1.5, history=EVENTS)
    home.create(PLAN, settings)
    halting = Halting(home)
    moment = f"before apply {FIRST}/prepare"
    halting.at(moment)
    with Command(home, COMMAND) as command:
        halting.wait(moment)
        # All others go on meanwhile, and so does the passage, as a workflow that did not begin this unit.
        until(lambda: len(_histories(home)) > 1)
        command.kill(victim)
        halting.wait(moment)
        halting.off()
        command.see_through()
    _assert_through(home)
    _assert_short_and_replayed(home)


def _assert_through(home: RunHome) -> None:
    assert sorted(Recorder(home).deeds()) == sorted(f"apply {step.id}" for unit in PLAN.units for step in unit.steps)
    states = states_of(PLAN, home.evidence.records())
    assert states == {unit.key: UnitState.ON_PROBATION if unit is not SITE else UnitState.READY for unit in PLAN.units}
    assert verify_chain(home.evidence.path).outcome is Soundness.SOUND


def _assert_short_and_replayed(home: RunHome) -> None:
    replayer = replayer_of(home)
    with running(home, Listener(), WORKER) as runner:
        runner.server.ensure()
        while not (histories := _histories(home)):
            time.sleep(0.2)
    for history in histories:
        # Only what those under way at its end tell goes beyond the limit.
        assert len(history.events) < 3 * EVENTS
        asyncio.run(replayer.replay_workflow(history))


def _histories(home: RunHome) -> list[WorkflowHistory]:
    """Return the histories of all workflows of the passage, the newest first; none while the server does not answer."""
    with contextlib.suppress(EngineSilent, RPCError):
        return asyncio.run(_read(home))
    return []


async def _read(home: RunHome) -> list[WorkflowHistory]:
    client = await Access(home).client()
    histories: list[WorkflowHistory] = []
    one: str | None = None
    while one != "":
        history = await client.get_workflow_handle("run/1", run_id=one).fetch_history()
        histories.append(history)
        one = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return histories
