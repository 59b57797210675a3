"""Kill -9 at every boundary of every step: the same final state, nothing done twice, and histories that replay."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from migrations.evidence.chain import Soundness, verify_chain
from migrations.home import RunHome, states_of
from migrations.run.engine.temporal import EngineSilent
from migrations.run.runner import Listener, Runner, running
from migrations.states import UnitState
from tests.chaos.commands import Command, Halting, replayer_of
from tests.real.plans import ALL_DEEDS, CHAIN, FORWARD, chain_home
from tests.real.recorder import WORKER, Recorder
from tests.sampling import sampled

pytestmark = [pytest.mark.chaos, pytest.mark.real]

SHARE = 0.25
"""Of all kills that one commit walks."""


def _moments() -> Iterator[tuple[str, str]]:
    victims = ("worker", "server", "command")
    for number, deed in enumerate(ALL_DEEDS):
        for side, when in enumerate(("before", "after")):
            # On the way forward each part dies at each moment; later they take turns.
            turn = victims if number < len(FORWARD) else (victims[(number + side) % 3],)
            yield from ((f"{when} {deed}", victim) for victim in turn)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_boundaries_survive_kill(tmp_path: Path) -> None:
    home = chain_home(tmp_path / "run")
    halting = Halting(home)
    kills = sampled(list(_moments()), SHARE)
    halting.at(kills[0][0])
    with Command(home) as command:
        for moment, victim in kills:
            halting.at(moment)
            halting.wait(moment)
            command.kill(victim)
            halting.wait(moment)
        halting.off()
        command.see_through()
    _assert_final(home)
    _assert_replays(home)


def _assert_final(home: RunHome) -> None:
    assert Recorder(home).deeds() == ALL_DEEDS
    assert states_of(CHAIN, home.evidence.records()) == {
        "site:a": UnitState.COMMITTED,
        "line:b": UnitState.DECOMMISSIONED,
        "system:c": UnitState.DECOMMISSIONED,
    }
    assert verify_chain(home.evidence.path).outcome is Soundness.SOUND
    ended = [record.what["number"] for record in home.evidence.records() if record.kind == "passage-ended"]
    assert ended == [1, 2, 3, 4]


def _assert_replays(home: RunHome) -> None:
    replayer = replayer_of(home)
    names = [f"run/{number}" for number in range(1, 5)]
    names += [f"run/{number}/{unit.key}" for number in range(1, 5) for unit in CHAIN.units]
    with running(home, Listener(), WORKER) as runner:
        runner.server.ensure()
        histories = {name: _history(runner, name) for name in names}
    for name, history in histories.items():
        asyncio.run(replayer.replay_workflow(WorkflowHistory.from_json(name, history)))


def _history(runner: Runner, name: str) -> str:
    for _ in range(1000):
        try:
            return runner.engine.history(name)
        except EngineSilent:
            time.sleep(0.1)
    raise AssertionError("the server did not start")
