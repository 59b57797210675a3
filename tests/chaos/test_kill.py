"""Kill -9 at every boundary of every step: the same final state, nothing done twice, and histories that replay."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from migrations.evidence.chain import Soundness, verify_chain
from migrations.home import RunHome, RunSettings, states_of
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest
from migrations.run.engine.passages import PassageWorkflow
from migrations.run.engine.temporal import EngineSilent, converter
from migrations.run.engine.workflows import UnitWorkflow
from migrations.run.runner import Listener, Runner, running
from migrations.states import UnitState
from tests.real.recorder import WORKER, Effect, Recorder
from tests.sampling import sampled

pytestmark = [pytest.mark.chaos, pytest.mark.real]

SHARE = 0.25
"""Of all kills that one commit walks."""
SEQUENCE = ("forward", "back", "forward", "commit")

# What a user's command does: the next passage of the sequence that has not ended yet, until none is left.
COMMAND = f"""
import sys
from pathlib import Path
from migrations.home import RunHome
from migrations.states import Direction
from migrations.run.runner import Listener, passages_of, running

home = RunHome(Path(sys.argv[1]))
with running(home, Listener(), {WORKER!r}) as runner:
    for number, direction in enumerate({SEQUENCE!r}, start=1):
        ended = [each.number for each in passages_of(home.evidence.records()) if not each.is_open]
        if number not in ended:
            runner.take(Direction(direction))
"""


def _step(unit: str, verb: str, stage: Stage, kind: StepKind) -> Step:
    return Step(id=f"{unit}/{verb}", verb=verb, stage=stage, kind=kind, arguments={}, timeout=60)


# A chain, so that moments come one after the other and none is passed while another one is waited for.
PLAN = Plan(
    programme="kill",
    untouched=(),
    units=(
        Unit(
            name="a",
            kind=Actuator.SITE,
            needs=(),
            wave=1,
            steps=(_step("site:a", "provision", Stage.PREPARE, StepKind.COMPENSATABLE),),
        ),
        Unit(
            name="b",
            kind=Actuator.LINE,
            needs=("site:a",),
            wave=2,
            steps=(
                _step("line:b", "shift", Stage.CUTOVER, StepKind.REVERSIBLE),
                _step("line:b", "release", Stage.COMMIT, StepKind.PIVOT),
            ),
        ),
        Unit(
            name="c",
            kind=Actuator.SYSTEM,
            needs=("line:b",),
            wave=3,
            steps=(
                _step("system:c", "prepare", Stage.PREPARE, StepKind.COMPENSATABLE),
                _step("system:c", "switch", Stage.CUTOVER, StepKind.REVERSIBLE),
                _step("system:c", "retire", Stage.COMMIT, StepKind.PIVOT),
            ),
        ),
    ),
)

FORWARD = ("apply site:a/provision", "apply line:b/shift", "apply system:c/prepare", "apply system:c/switch")
BACK = ("undo system:c/switch", "undo line:b/shift")
# A way back that was asked for keeps the preparation, so the second way forward begins with the cutover.
AGAIN = (FORWARD[1], FORWARD[3])
COMMIT = ("apply line:b/release", "apply system:c/retire")
EFFECTS = [*FORWARD, *BACK, *AGAIN, *COMMIT]


class Over(AssertionError):
    """The command has ended, and its parts with it."""


class Command:
    """The command as a user calls it, and calls it again whenever it was killed."""

    def __init__(self, home: RunHome, program: str = COMMAND) -> None:
        self.home = home
        self._program = program
        self.process = self._called()

    def _called(self) -> subprocess.Popen[bytes]:
        with (self.home.logs / "command.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-c", self._program, str(self.home.path)], stdout=log, stderr=log)

    def pid_of(self, part: str) -> int:
        """Return the process of a part, once there is one."""
        if part == "command":
            return self.process.pid
        words = {"worker": str(self.home.path), "server": str(self.home.database)}
        programs = {"worker": Path(sys.executable).name, "server": "temporal"}
        for _ in range(3000):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    line = (folder / "cmdline").read_bytes().decode().split("\0")
                except OSError:
                    continue
                # Whoever goes before a part and becomes or starts it has the same words, and another program.
                if Path(line[0]).name == programs[part] and words[part] in line and "-c" not in line:
                    return int(folder.name)
            if self.process.poll() is not None:
                raise Over(part)
            time.sleep(0.05)
        raise AssertionError(f"no {part}")

    def kill(self, part: str) -> None:
        """Kill a part with -9 and wait until it is replaced: by the command, or by calling the command again."""
        pid = self.pid_of(part)
        os.kill(pid, signal.SIGKILL)
        if part == "command":
            self.process.wait()
            self.process = self._called()
        for _ in range(3000):
            if self.pid_of(part) != pid:
                return
            time.sleep(0.05)
        raise AssertionError(f"the {part} was not replaced")


class Halting:
    """Stops the fake actuator at exact moments."""

    def __init__(self, home: RunHome) -> None:
        self._halt = home.path / "fake" / "halt"
        self._halted = home.path / "fake" / "halted"
        self._halt.parent.mkdir()

    def at(self, moment: str) -> None:
        """Let the run go on to this moment."""
        scratch = self._halt.with_suffix(".new")
        scratch.write_text(moment)
        self._halted.unlink(missing_ok=True)
        scratch.replace(self._halt)

    def wait(self, moment: str) -> None:
        """Wait until the run stands there; a kill costs some seconds, more on a busy machine."""
        self._halted.unlink(missing_ok=True)
        for _ in range(6000):
            if self._halted.exists() and moment in self._halted.read_text():
                return
            time.sleep(0.05)
        raise AssertionError(f"never came to: {moment}")

    def off(self) -> None:
        """Let the run go on to its end."""
        self._halt.unlink()


def _home(folder: Path) -> RunHome:
    home = RunHome(folder)
    settings = RunSettings(run=folder.name, plan=digest(PLAN), world=Path("/nowhere"), heartbeat=1.5)
    home.create(PLAN, settings)
    return home


def _moments() -> Iterator[tuple[str, str]]:
    victims = ("worker", "server", "command")
    for number, deed in enumerate((*FORWARD, *BACK, *AGAIN, *COMMIT)):
        for side, when in enumerate(("before", "after")):
            # On the way forward each part dies at each moment; later they take turns.
            turn = victims if number < len(FORWARD) else (victims[(number + side) % 3],)
            yield from ((f"{when} {deed}", victim) for victim in turn)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_boundaries_survive_kill(tmp_path: Path) -> None:
    home = _home(tmp_path / "run")
    halting = Halting(home)
    kills = sampled(list(_moments()), SHARE)
    halting.at(kills[0][0])
    command = Command(home)
    try:
        for moment, victim in kills:
            halting.at(moment)
            halting.wait(moment)
            command.kill(victim)
            halting.wait(moment)
        halting.off()
        assert command.process.wait(300) == 0, (home.logs / "command.log").read_text()
    finally:
        command.process.kill()
        command.process.wait()
    _assert_final(home)
    _assert_replays(home)


def _assert_final(home: RunHome) -> None:
    changes = [f"{'apply' if effect.state == 'done' else 'undo'} {effect.step}" for effect in _effects(home)]
    assert changes == EFFECTS
    assert states_of(PLAN, home.evidence.records()) == {
        "site:a": UnitState.COMMITTED,
        "line:b": UnitState.DECOMMISSIONED,
        "system:c": UnitState.DECOMMISSIONED,
    }
    assert verify_chain(home.evidence.path).outcome is Soundness.SOUND
    ended = [record.what["number"] for record in home.evidence.records() if record.kind == "passage-ended"]
    assert ended == [1, 2, 3, 4]


def _effects(home: RunHome) -> list[Effect]:
    return list(Recorder(home).effects())


def replayer_of(home: RunHome) -> Replayer:
    """Return what replays a run's histories as its worker does."""
    return Replayer(
        workflows=[PassageWorkflow, UnitWorkflow],
        data_converter=converter(home.key_file.read_bytes()),
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


def _assert_replays(home: RunHome) -> None:
    replayer = replayer_of(home)
    names = [f"run/{number}" for number in range(1, 5)]
    names += [f"run/{number}/{unit.key}" for number in range(1, 5) for unit in PLAN.units]
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
