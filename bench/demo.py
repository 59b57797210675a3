"""Where the time of a whole rehearsal of the example goes, and how much memory it takes at most.

Time is read from the rehearsal's own evidence. Memory is the sum of proportional set sizes (PSS: shared pages are
divided among those who share them) over all processes of the twin and of the command, looked at every three seconds;
the files that the kernel keeps cached are not in it, as they go when somebody needs the place.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.ground import EXAMPLE, Result, conditions, report, tell
from infra.twin import client
from infra.twin.cgroups import Groups
from migrations.home import RunHome
from migrations.report import RunSummary, summary_of

LIMIT_GIB = 4.0
GOAL_SECONDS = 180.0
ENGINES = {"site": "pulumi", "system": "ansible", "line": "netmiko"}


class Memory(threading.Thread):
    """Looks at the memory of a command's whole tree and of a twin until it is told to stop."""

    def __init__(self, command: int, twin: str, every: float = 3.0) -> None:
        super().__init__(daemon=True)
        self._command, self._twin, self._every = command, Groups(twin), every
        self._ended = threading.Event()
        self.peaks: dict[str, int] = {"all": 0, "twin": 0, "command": 0}
        self.looks = 0

    def run(self) -> None:
        """Look again and again."""
        while not self._ended.wait(self._every):
            twin = self._twin.processes()
            tree = _tree(self._command) - twin
            seen = {"twin": sum(map(_pss, twin)), "command": sum(map(_pss, tree))}
            seen["all"] = seen["twin"] + seen["command"]
            if seen["all"] > self.peaks["all"] * 1.1:
                tell(f"memory: {seen['all'] >> 10} MiB")
            self.peaks = {name: max(self.peaks[name], size) for name, size in seen.items()}
            self.looks += 1

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


def _tree(root: int) -> set[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children[int(status.read_text().rpartition(")")[2].split()[1])].append(int(status.parent.name))
    found, new = set[int](), [root]
    while new:
        process = new.pop()
        found.add(process)
        new += children[process]
    return found


def _pss(process: int) -> int:
    """Return a process's proportional set size in KiB; 0 where it has ended meanwhile."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def measure(rounds: int) -> Result:
    """Stages and memory of a rehearsal of the example, from nothing to the report."""
    found = conditions()
    assert rounds == 1, "one rehearsal says where its time goes"
    name = f"bench{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="zb-") as scratch:
        os.environ["ZHENGHE_STATE"] = scratch
        try:
            told, memory = _rehearse(name)
        finally:
            client.down(name)
        summary = summary_of(RunHome(Path(told["evidence"]).parent))
    return _result(summary, told, memory).model_copy(update={"conditions": found})


def _rehearse(name: str) -> tuple[dict[str, Any], Memory]:
    words = (sys.executable, "-m", "migrations.cli.main", "rehearse", str(EXAMPLE), "--json", "--twin", name)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        memory = Memory(process.pid, name)
        memory.start()
        try:
            said = process.communicate()[0]
        finally:
            process.terminate()
            memory.stop()
    tell(said)
    told: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    return told, memory


def _result(summary: RunSummary, told: dict[str, Any], memory: Memory) -> Result:
    whole = summary.end - summary.begin
    figures = {"whole_seconds": whole}
    figures |= {f"stage {stage.name}_seconds": stage.end - stage.begin for stage in summary.stages}
    shares = {}
    for kind, engine in ENGINES.items():
        strokes = [(one.begin, one.end) for unit in summary.units if unit.kind == kind for one in unit.strokes]
        figures[f"{engine}_steps"] = float(len(strokes))
        figures[f"{engine}_sum_seconds"] = sum(end - begin for begin, end in strokes)
        shares[f"{engine} at work/whole"] = round(_covered(strokes) / whole, 3)
    peaks = {f"{name}_peak_gib": round(size / (1 << 20), 3) for name, size in memory.peaks.items()}
    return Result(
        bench="demo",
        question="where a rehearsal's time goes, and its memory",
        figures={name: round(value, 2) for name, value in figures.items()} | peaks,
        ratios={
            **shares,
            "whole/goal of 3 minutes": round(whole / GOAL_SECONDS, 3),
            "peak memory/limit of 4 GiB": round(peaks["all_peak_gib"] / LIMIT_GIB, 3),
        },
        promises={"the rehearsal passed": told["outcome"] == "passed"},
        notes=(f"memory was looked at {memory.looks} times; engines work side by side, so shares overlap",),
        conditions=conditions(),
    )


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return how long at least one of some spans lasted."""
    total, until = 0.0, 0.0
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


if __name__ == "__main__":
    report(measure, rounds=1)
