"""What tests of single steps share: a controller that can be killed, who still works for it, waiting for a state."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from infra.worlds import World, save_world
from inventory.model import Programme

ROOT = Path(__file__).parents[2]
RunOn = Callable[..., "subprocess.CompletedProcess[str]"]

_STEP = """
import json, sys
from pathlib import Path
from infra.worlds import load_world
from migrations.actuators.ansible.runner import Playbooks
world, home, arguments = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
Playbooks(load_world(world), home).call(arguments, 'apply', 100, lambda _: None)
"""


def with_hosts(tiny: Programme, addresses: Mapping[str, str], old: Collection[str]) -> Programme:
    """Return the smallest programme with other hosts: those that are `old` run Debian 11, the others Debian 12."""
    document = tiny.model_dump(mode="json")
    document["departments"][0]["rooms"][0]["hosts"] = [
        {"name": name, "address": address, "os": "debian-11" if name in old else "debian-12"}
        for name, address in addresses.items()
    ]
    return Programme.model_validate(document)


def controller(world: World, home: Path, arguments: Mapping[str, Any]) -> "subprocess.Popen[bytes]":
    """Start a process that carries out one step and may be killed; its files are in the home."""
    save_world(world, home / "world.json")
    words = (sys.executable, "-c", _STEP, str(home / "world.json"), str(home), json.dumps(arguments))
    return subprocess.Popen(words, cwd=ROOT)


def processes_of(folder: Path) -> list[int]:
    """Return the processes whose command or folder names one of the folder's steps; a dead one names nothing."""
    mark, found = f"{folder}/step-".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            said = (entry / "cmdline").read_bytes() + os.fsencode((entry / "cwd").readlink())
        except OSError:
            continue
        if mark in said and entry.name != str(os.getpid()):
            found.append(int(entry.name))
    return sorted(found)


def until(holds: Callable[[], object], seconds: float = 180) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come about in time"
        time.sleep(0.05)
