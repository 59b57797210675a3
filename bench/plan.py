"""How long `zhenghe plan` takes for 10,000 systems on 50,000 hosts, beside bare loading of the same files.

The peer only reads: every file of the same inventory is parsed by libyaml into plain values, one after the other, and
nothing is checked, computed or written. Ours reads, checks, plans, computes the digest of every unit and writes the
whole plan as JSON. Each runs in a process of its own, start and end included.
"""

import json
import sys
import tempfile
from pathlib import Path

from bench.check import LARGE, SMALL, best, measured
from bench.ground import Result, conditions, report, tell
from bench.programmes import write

PLAN = (str(Path(sys.executable).with_name("zhenghe")), "plan", "--json")
BARE = """
import sys
from pathlib import Path
import yaml
print(sum(len(yaml.load(file.read_bytes(), yaml.CSafeLoader)) for file in Path(sys.argv[1]).rglob("*.yaml")))
"""
PEER = (sys.executable, "-c", BARE)


def measure(rounds: int) -> Result:
    """Plan programmes of two sizes, and load the files of the larger one, in turns."""
    before = conditions()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for systems in (SMALL, LARGE):
            tell(f"writing {systems} systems")
            write(folder / str(systems), systems)
        small, large, peer = [], [], []
        for number in range(rounds):
            tell(f"round {number + 1} of {rounds}")
            small.append(measured([*PLAN, str(folder / str(SMALL))], folder / "small.json"))
            large.append(measured([*PLAN, str(folder / str(LARGE))], folder / "large.json"))
            peer.append(measured([*PEER, str(folder / str(LARGE))], folder / "peer.txt"))
        plan = json.loads((folder / "large.json").read_text())
    little, much, bare = best(small), best(large), best(peer)
    planned = [unit for unit in plan["units"] if unit["kind"] == "system"]
    return Result(
        bench="plan",
        question="how long does it take to plan 10,000 systems, and does it grow with their number only",
        figures={
            "plan_10000_processor_s": much.processor,
            "plan_10000_wall_s": much.wall,
            "plan_10000_memory_mib": much.memory,
            "plan_1000_processor_s": little.processor,
            "bare_load_processor_s": bare.processor,
            "bare_load_wall_s": bare.wall,
        },
        ratios={
            "plan/bare load (processor)": much.processor / bare.processor,
            "ten thousand/ten times a thousand": much.processor / (10 * little.processor),
        },
        promises={
            "every system was planned": len(planned) == LARGE and len({unit["digest"] for unit in planned}) == LARGE,
            "under 1 GiB": much.memory < 1024,
            "grows with the number of systems only": much.processor < 12 * little.processor,
        },
        notes=("the thousand carries the start of the command too, which the ten thousand shares",),
        conditions=before,
    )


if __name__ == "__main__":
    report(measure, rounds=3)
