"""An actuator that acts on a file: it shows that a run does each deed once, whatever is killed, and fails on demand.

    python recorder.py HOME ADDRESS

is the worker of a run that has it act for every kind of unit.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from inventory.base import Model
from migrations.actuators.contract import Observation, ObservedState, Progress, Refused, Unreachable
from migrations.home import RunHome
from migrations.plan import Actuator, Step
from migrations.run.engine.serving import serve

WORKER = (sys.executable, __file__)
"""What `running` starts as the worker."""


class Effect(Model):
    """One change that was made: the step it belongs to, and the state that it left."""

    step: str
    state: ObservedState


class Recorder:
    """Keeps effects as lines of one file; a step's state is that of its last line.

    In its folder others may put `refuse` or `unreachable`, holding names of deeds such as `undo system:archive/switch`,
    and `halt`, holding the name of a moment such as `before apply system:archive/switch`: there it stops, writes
    `halted`, and goes on when `halt` is gone. So a test can kill something at an exact moment.
    """

    def __init__(self, home: RunHome) -> None:
        self._folder = folder = home.path / "fake"
        self._effects = folder / "effects.jsonl"
        folder.mkdir(exist_ok=True)

    def effects(self) -> tuple[Effect, ...]:
        """Return all changes in the order in which they were made."""
        if not self._effects.exists():
            return ()
        return tuple(Effect.model_validate_json(line) for line in self._effects.read_bytes().splitlines())

    def deeds(self) -> list[str]:
        """Return them as deeds on steps, such as `undo system:archive/switch`."""
        return [f"{'apply' if each.state is ObservedState.DONE else 'undo'} {each.step}" for each in self.effects()]

    def probe(self, step: Step, progress: Progress) -> Observation:
        """Look into the file."""
        progress("looking")
        states = [effect.state for effect in self.effects() if effect.step == step.id]
        return Observation(state=states[-1] if states else ObservedState.NOT_DONE, facts={"changes": len(states)})

    def apply(self, step: Step, progress: Progress) -> Observation:
        """Write a line that says done, where the last one does not."""
        return self._change("apply", step, ObservedState.DONE, progress)

    def undo(self, step: Step, progress: Progress) -> Observation:
        """Write a line that says not done, where the last one does not."""
        return self._change("undo", step, ObservedState.NOT_DONE, progress)

    def _change(self, deed: str, step: Step, wanted: ObservedState, progress: Progress) -> Observation:
        name = f"{deed} {step.id}"
        if name in self._named("unreachable"):
            raise Unreachable(step.id, "the host does not answer", where="host-1", mend="start it")
        if name in self._named("refuse"):
            raise Refused(step.id, "it was refused", where="host-1", mend="mend it")
        self._halt(f"before {name}")
        if self.probe(step, progress).state is not wanted:
            line = Effect(step=step.id, state=wanted).model_dump_json() + "\n"
            descriptor = os.open(self._effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        self._halt(f"after {name}")
        return self.probe(step, progress)

    def _named(self, file: str) -> frozenset[str]:
        path = self._folder / file
        return frozenset(path.read_text().splitlines()) if path.exists() else frozenset()

    def _halt(self, moment: str) -> None:
        while moment in self._named("halt"):
            (self._folder / "halted").write_text(json.dumps({"moment": moment}))
            time.sleep(0.05)


if __name__ == "__main__":
    run = RunHome(Path(sys.argv[1]))
    asyncio.run(serve(run, sys.argv[2], lambda: dict.fromkeys(Actuator, Recorder(run))))
