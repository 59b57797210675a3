"""How long it takes to read and check 10,000 systems on 50,000 hosts, beside Ansible reading the same hosts.

The peer is favoured: its inventory is one static file that holds nothing but the names, addresses and groups of the
hosts, while ours reads ten thousand files with everything else in them. Each runs in a process of its own, start and
end included; processor seconds say what a busy machine does not, wall seconds say what a person waits.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.ground import Result, conditions, report, tell
from bench.programmes import documents, write
from inventory.base import Model

SMALL, LARGE = 1_000, 10_000
ALONE = """
import json, sys
from pathlib import Path
from inventory.checks.checking import check
result = check(Path(sys.argv[1]))
print(json.dumps({"systems": result.systems, "errors": result.counts["error"]}))
"""
CHECK = (sys.executable, "-c", ALONE)
PEER = (str(Path(sys.executable).with_name("ansible-inventory")), "--list", "-i")


class Cost(Model):
    """What one process took."""

    wall: float
    processor: float
    """Seconds, of the process and its children."""
    memory: float
    """MiB at the most."""
    status: int


def measured(command: Sequence[str], out: Path) -> Cost:
    """Run a command to its end and return what it took."""
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.execv(command[0], list(command))
    _child, status, usage = os.wait4(child, 0)
    return Cost(
        wall=time.monotonic() - begun,
        processor=usage.ru_utime + usage.ru_stime,
        memory=usage.ru_maxrss / 1024,
        status=os.waitstatus_to_exitcode(status),
    )


def peer_inventory(file: Path, systems: int) -> None:
    """Write the hosts of a programme as Ansible's own static inventory, grouped by department."""
    groups: dict[str, Any] = {}
    for _name, document in documents(systems):
        for department in document.get("departments", ()):
            hosts = (host for room in department["rooms"] for host in room["hosts"])
            listed = {host["name"]: {"ansible_host": host["address"]} for host in hosts}
            groups[department["name"].replace("-", "_")] = {"hosts": listed}
    file.write_text(yaml.dump({"all": {"children": groups}}, Dumper=yaml.CSafeDumper))


def best(costs: Sequence[Cost]) -> Cost:
    """Return the cheapest of several: what else runs on the machine only adds to a cost."""
    return min(costs, key=lambda cost: cost.processor)


def measure(rounds: int) -> Result:
    """Read and check programmes of two sizes, and have Ansible read the hosts of the larger one, in turns."""
    before = conditions()
    with tempfile.TemporaryDirectory() as place:
        folder, peers = Path(place), Path(place) / "hosts.yaml"
        for systems in (SMALL, LARGE):
            tell(f"writing {systems} systems")
            write(folder / str(systems), systems)
        peer_inventory(peers, LARGE)
        costs: dict[str, list[Cost]] = {"small": [], "large": [], "peer": []}
        for number in range(rounds):
            tell(f"round {number + 1} of {rounds}")
            costs["small"].append(measured([*CHECK, str(folder / str(SMALL))], folder / "small.json"))
            costs["large"].append(measured([*CHECK, str(folder / str(LARGE))], folder / "large.json"))
            costs["peer"].append(measured([*PEER, str(peers)], folder / "peer.json"))
        answer = json.loads((folder / "large.json").read_text())
        listed = len(json.loads((folder / "peer.json").read_text())["_meta"]["hostvars"])
    small, large, peer = (best(costs[name]) for name in ("small", "large", "peer"))
    return Result(
        bench="check",
        question="how long does it take to read and check 10,000 systems, and does it grow with their number only",
        figures={
            "check_10000_processor_s": large.processor,
            "check_10000_wall_s": large.wall,
            "check_10000_memory_mib": large.memory,
            "check_1000_processor_s": small.processor,
            "ansible_inventory_processor_s": peer.processor,
            "ansible_inventory_wall_s": peer.wall,
        },
        ratios={
            "check/ansible_inventory (processor)": large.processor / peer.processor,
            "ten thousand/ten times a thousand": large.processor / (10 * small.processor),
        },
        promises={
            "the whole inventory was read": answer["systems"] == LARGE and answer["errors"] == 0,
            "the peer read the same hosts": listed == 5 * LARGE,
            "under 1 GiB": large.memory < 1024,
        },
        notes=(
            "suggestions (bench/shadows.py) are not in it: they are asked for where a person reads them",
            "the thousand carries the start of the command too, which the ten thousand shares",
        ),
        conditions=before,
    )


if __name__ == "__main__":
    report(measure, rounds=3)
