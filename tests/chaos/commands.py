"""A run's command as a user calls it, the moments at which its actuator can be halted, and histories that replay."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from migrations.home import RunHome
from migrations.run.engine.passages import PassageWorkflow
from migrations.run.engine.temporal import converter
from migrations.run.engine.workflows import UnitWorkflow
from tests.real.recorder import WORKER

PASSAGES = ("forward", "back", "forward", "commit")

# What a user's command does: the next passage of the sequence that has not ended yet, until none is left.
ALL_PASSAGES = f"""
import sys
from pathlib import Path
from migrations.home import RunHome
from migrations.states import Direction
from migrations.run.runner import Listener, passages_of, running

home = RunHome(Path(sys.argv[1]))
with running(home, Listener(), {WORKER!r}) as runner:
    for number, direction in enumerate({PASSAGES!r}, start=1):
        ended = [each.number for each in passages_of(home.evidence.records()) if not each.is_open]
        if number not in ended:
            runner.take(Direction(direction))
"""


class Over(AssertionError):
    """The command has ended, and its parts with it."""


class Command:
    """The command as a user calls it, and calls it again whenever it was killed."""

    def __init__(self, home: RunHome, program: str = ALL_PASSAGES) -> None:
        self.home = home
        self._program = program
        # Beside the run's folder, whose disk may be full.
        self._log = home.path.with_suffix(".log")
        self.process = self._called()

    def _called(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
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

    def call_again(self) -> None:
        """Call the command once more, after its last call has ended."""
        self.process.wait()
        self.process = self._called()

    def see_through(self) -> None:
        """Wait until the command has done all that it was called for."""
        assert self.process.wait(300) == 0, self.said

    @property
    def said(self) -> str:
        """Return what the commands printed."""
        return self._log.read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.process.kill()
        self.process.wait()


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


def replayer_of(home: RunHome) -> Replayer:
    """Return what replays a run's histories as its worker does."""
    return Replayer(
        workflows=[PassageWorkflow, UnitWorkflow],
        data_converter=converter(home.key_file.read_bytes()),
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
