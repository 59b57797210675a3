"""What a run of ours costs above bare Temporal with as many activities, and whether it grows with its units only.

Both have a server on a file of their own behind the same gate, a worker process with the same slots, as many workflows
under way at once, and activities that do nothing. Bare Temporal keeps nothing but its history; ours keeps evidence,
each record of which is on the disk before the next thing is done, seals its messages, and takes each unit's state from
what was seen. The same runs with ten times as many units say what grows.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.ground import Result, conditions, report, tell
from bench.idle import QUEUE, answering
from inventory.base import Model
from migrations.home import RunHome, RunSettings
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest
from migrations.run.engine.children import Child
from migrations.run.engine.temporal import free_port, server_command, socket_of
from migrations.run.runner import Listener, running
from migrations.states import Direction, UnitState

SMALL = int(os.environ.get("ZHENGHE_BENCH_UNITS", "300"))
TIMES = 10
WORKER = (sys.executable, "-m", "bench.idle", "ours")
STEPS = (
    ("prepare", Stage.PREPARE, StepKind.COMPENSATABLE),
    ("replicate", Stage.PREPARE, StepKind.COMPENSATABLE),
    ("front", Stage.PREPARE, StepKind.COMPENSATABLE),
    ("lag", Stage.CUTOVER, StepKind.GATE),
    ("switch", Stage.CUTOVER, StepKind.REVERSIBLE),
    ("verify", Stage.CUTOVER, StepKind.GATE),
)


class Cost(Model):
    """What one run took, servers and workers included."""

    wall: float
    processor: float
    """Seconds, of all processes."""
    memory: float
    """MiB of the worker at the most."""
    longest: int = 0
    """Events of the passage's newest history."""

    def since(self, begun: "Cost") -> "Cost":
        """Return what was taken since then."""
        return self.model_copy(update={"wall": self.wall - begun.wall, "processor": self.processor - begun.processor})


def plan_of(units: int) -> Plan:
    """Return a plan of systems with the steps that a database has until its probation."""

    def unit(number: int) -> Unit:
        name = f"s{number:05}"
        steps = tuple(
            Step(id=f"system:{name}/{verb}", verb=verb, stage=stage, kind=kind, arguments={}, timeout=600)
            for verb, stage, kind in STEPS
        )
        return Unit(name=name, kind=Actuator.SYSTEM, needs=(), wave=1, steps=steps)

    return Plan(programme="bench", untouched=(), units=tuple(unit(number) for number in range(units)))


def ours(units: int, folder: Path) -> Cost:
    """Take so many units forward in a run of ours."""
    plan = plan_of(units)
    home = RunHome(folder / "ours")
    home.create(plan, RunSettings(run="bench", plan=digest(plan), world=Path("/nowhere")))
    with running(home, Listener(), WORKER) as runner:
        runner.take(Direction.FORWARD, (plan.units[0].key,))
        begun = _spent()
        result = runner.take(Direction.FORWARD)
        cost = _spent().since(begun)
        longest = runner.engine.history("bench/2").count('"eventId"')
    assert {unit.state for unit in result.units} == {UnitState.ON_PROBATION}
    assert len(result.units) == units
    return cost.model_copy(update={"longest": longest})


def bare(units: int, folder: Path) -> Cost:
    """Have bare Temporal do as many activities in as many workflows."""
    database = folder / "bare" / "temporal.db"
    database.parent.mkdir()
    log = database.with_suffix(".log")
    server = Child("server", server_command(database, free_port()), log, tell)
    worker = Child("worker", (sys.executable, "-m", "bench.idle", "bare", str(socket_of(database))), log, tell)
    try:
        server.ensure()
        worker.ensure()
        steps = [[step.id for step in unit.steps] for unit in plan_of(units).units]
        return asyncio.run(_bare(str(socket_of(database)), steps))
    finally:
        worker.end()
        server.end()


async def _bare(address: str, units: list[list[str]]) -> Cost:
    client = await answering(address)
    await client.execute_workflow("many", [["warm"]], id="first", task_queue=QUEUE)
    begun = _spent()
    assert await client.execute_workflow("many", units, id="many", task_queue=QUEUE, result_type=int) == len(units)
    return _spent().since(begun)


def _spent() -> Cost:
    """Return what this process and all that stem from it have taken until now."""
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    resident: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            process = int(folder.name)
            parents[process] = int(fields[1])
            spent[process] = (int(fields[11]) + int(fields[12])) / tick
            resident[process] = int(fields[21]) * page / 2**20
    own = {process for process in parents if _stems(process, parents)}
    worker = max((resident[each] for each in own if each != os.getpid() and _is_python(each)), default=0)
    return Cost(wall=time.monotonic(), processor=sum(spent[each] for each in own), memory=worker)


def _is_python(process: int) -> bool:
    with contextlib.suppress(OSError):
        return b"bench.idle" in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def _stems(process: int, parents: dict[int, int]) -> bool:
    while process and process != os.getpid():
        process = parents.get(process, 0)
    return bool(process)


def measure(rounds: int) -> Result:
    """Runs of two sizes, and bare Temporal with as many activities as the smaller one, in turns."""
    before = conditions()
    us: list[Cost] = []
    peer: list[Cost] = []
    for number in range(rounds):
        for name, deed, costs in (("ours", ours, us), ("bare", bare, peer)):
            tell(f"{number + 1} of {rounds}: {name}")
            with tempfile.TemporaryDirectory(prefix="zb-", dir="/var/tmp") as place:
                costs.append(deed(SMALL, Path(place)))
                tell(repr(costs[-1]))
    with tempfile.TemporaryDirectory(prefix="zb-", dir="/var/tmp") as place:
        tell(f"ours, {TIMES * SMALL} units")
        large = ours(TIMES * SMALL, Path(place))
    walls = [mine.wall / theirs.wall for mine, theirs in zip(us, peer, strict=True)]
    processor = [mine.processor / theirs.processor for mine, theirs in zip(us, peer, strict=True)]
    small = min(us, key=lambda cost: cost.processor)
    steps = SMALL * len(STEPS)
    return Result(
        bench="run",
        question=f"what a step costs above bare Temporal: {SMALL} units with {len(STEPS)} steps that do nothing",
        figures={
            "ours_wall_ms_a_step": 1000 * median(cost.wall for cost in us) / steps,
            "bare_wall_ms_a_step": 1000 * median(cost.wall for cost in peer) / steps,
            "ours_processor_ms_a_step": 1000 * median(cost.processor for cost in us) / steps,
            "bare_processor_ms_a_step": 1000 * median(cost.processor for cost in peer) / steps,
            "large_units": TIMES * SMALL,
            "large_wall_s": large.wall,
            "large_processor_s": large.processor,
            "large_memory_mib": large.memory,
            "small_memory_mib": small.memory,
            "large_longest_history_events": large.longest,
        },
        ratios={
            "ours/bare (wall)": median(walls),
            "ours/bare (processor)": median(processor),
            "large/ten times small (processor)": large.processor / (TIMES * small.processor),
        },
        promises={"no history has more than 10,240 events": large.longest < 10_240},
        conditions=before,
    )


if __name__ == "__main__":
    report(measure, rounds=1)
