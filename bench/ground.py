"""What the benchmarks share: worlds of a few hosts, how figures are told, the conditions they were measured under."""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.twin import client
from infra.worlds import World
from inventory.base import Model
from inventory.model import Programme

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "yunhe"
SEEDS = EXAMPLE / "twin"


class Conditions(Model):
    """What else says something about the figures."""

    cpus: int
    memory_mib: int
    kernel: str
    load_before: float
    """Processes that wanted to run in the minute before, per processor: above 0.5 the machine had other work."""


class Result(Model):
    """What one benchmark measured; every figure comes from one run on one machine."""

    bench: str
    question: str
    figures: dict[str, float]
    """In the units that their names end with."""
    ratios: dict[str, float]
    """What is compared with what, such as switch/by_hand."""
    promises: dict[str, bool]
    """What must hold on any machine; none is a time."""
    notes: tuple[str, ...] = ()
    conditions: Conditions


def conditions() -> Conditions:
    """Look at the machine before anything is measured."""
    cpus = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Conditions(
        cpus=cpus,
        memory_mib=memory >> 20,
        kernel=platform.release(),
        load_before=round(os.getloadavg()[0] / cpus, 2),
    )


def report(measure: Callable[[int], Result], rounds: int) -> None:
    """Be a benchmark's command: measure, print, and end with 1 where a promise does not hold."""
    parser = argparse.ArgumentParser(description=(measure.__doc__ or "").strip())
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"how often each is measured ({rounds})")
    arguments = parser.parse_args()
    # What is under way must be taken down: end as by an exception.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    result = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(result.model_dump(mode="json"), ensure_ascii=False))
    else:
        _print(result)
    sys.exit(0 if all(result.promises.values()) else 1)


def _print(result: Result) -> None:
    print(f"{result.bench}: {result.question}")
    for name, value in result.figures.items():
        print(f"  {name:<44}{value:>12.3f}")
    for name, value in result.ratios.items():
        print(f"  {name:<44}{value:>12.3f}  x")
    for name, holds in result.promises.items():
        print(f"  {name:<44}{'holds' if holds else 'BROKEN':>12}")
    for note in result.notes:
        print(f"  {note}")
    print(f"  {result.conditions.model_dump()}")


def tell(line: str) -> None:
    """Say what goes on, apart from the figures."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def twin(programme: Programme, seeds: Path | None) -> Iterator[World]:
    """Give a running twin of a programme, and take it down at the end."""
    name = f"bench{os.getpid()}"
    try:
        yield client.up(programme, name, seeds, tell)
    finally:
        client.down(name)


def room(hosts: Mapping[str, tuple[str, str]], name: str = "bench") -> Programme:
    """Return the smallest whole district: one machine room behind one circuit, and the name server of NAME.example.

    Hosts by name, each with its address in 10.11.0.0/24 and its system.
    """
    listed = [{"name": host, "address": address, "os": system} for host, (address, system) in hosts.items()]
    device = {"platform": "frr"}
    document: dict[str, Any] = {
        "programme": name, "title": name, "profile": "jimo",
        "departments": [{"name": "water", "title": "water", "rooms": [
            {"name": "room", "area": 9, "prefix": "10.11.0.0/24", "gateway": "ce", "hosts": listed}]}],
        "sites": [{"name": "cloud-a", "title": "cloud", "role": "primary", "networks": [
            {"name": "net", "domain": "administrative", "prefix": "10.60.1.0/24", "attached_to": "pe1"}]}],
        "sizes": [], "systems": [],
        "network": {
            "domains": [{"name": "administrative", "title": "administrative"}],
            "devices": [
                {**device, "name": "pe1", "role": "pe", "asn": 65101, "router_id": "10.255.0.1"},
                {**device, "name": "ce", "role": "ce", "asn": 65211, "router_id": "10.255.0.11"},
            ],
            "attachments": [{"device": "ce", "edge": "pe1", "domain": "administrative", "prefix": "10.254.11.0/30"}],
            "centre": {
                "gateway": "pe1",
                "networks": [{"domain": "administrative", "prefix": "10.50.1.0/24"}],
                "hosts": [{"name": "ns1", "number": 53}],
            },
            "names": {"zone": f"{name}.example", "server": "ns1", "ttl": "1s"},
        },
    }  # fmt: skip
    return Programme.model_validate(document)


@contextmanager
def at_work(world: World, host: str, command: str, given: str = "") -> Iterator[dict[str, Any]]:
    """Keep clients working on a host until the block ends; what they then tell, one JSON object, is in the result.

    `given` is what they read before they begin; they end when they can read more.
    """
    words = ("ssh", "-F", str(world.ssh_config), host, command)
    result: dict[str, Any] = {}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.flush()
        try:
            time.sleep(0.5)
            yield result
            time.sleep(0.5)
        finally:
            said = process.communicate("\n")[0]
    result.update(json.loads(said))


class Remote:
    """Commands on the hosts of a world, over connections that are kept open: nobody pays for a greeting twice."""

    def __init__(self, world: World, sockets: Path) -> None:
        self.world = world
        kept = ("-o", "ControlMaster=auto", "-o", "ControlPersist=60s", "-o", f"ControlPath={sockets}/%C")
        self.ssh = ("ssh", "-F", str(world.ssh_config), "-o", "BatchMode=yes", *kept)

    def run(self, host: str, command: str, given: str = "") -> str:
        """Run a shell command and return what it printed; CalledProcessError where it fails."""
        words: Sequence[str] = (*self.ssh, host, command)
        done = subprocess.run(words, input=given, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
        return done.stdout
