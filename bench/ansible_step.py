"""What a step costs as own verbs in the step playbook, beside the same work as plain Ansible tasks.

One run, the same two hosts, everything in place already, so that both only look and find nothing to do:

    ours      the step `prepare` of a file store: two verbs on each host, through ansible-runner
    plain     ten tasks of ansible.builtin with the same end: ansible-playbook alone, the same SSH settings
    floor     a playbook of one `ping`: what Ansible costs with its start, which ours is spared
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.ground import ROOT, SEEDS, Result, conditions, report, room, tell, twin
from infra.worlds import World
from migrations.actuators.ansible.runner import Playbooks

OLD, NEW = "archives-store", "new-store"
ADDRESSES = {OLD: "10.11.0.10", NEW: "10.11.0.21"}
STEP = {
    "system": "archive", "verb": "prepare", "entries": [], "names": {},
    "components": [{
        "name": "store", "kind": "files", "sources": [OLD], "source_addresses": [ADDRESSES[OLD]],
        "targets": [NEW], "target_addresses": [ADDRESSES[NEW]], "settings": {"root": "/srv/archive"},
    }],
    "limits": {"downtime": "5s", "data_loss": "0s", "catch_up": "60s"},
}  # fmt: skip
PROGRAM = ROOT / "playbooks/plugins/module_utils/zhenghe_puller.py"
PLAIN = Path(__file__).with_name("ansible_step.yml")


def environment(world: World, scratch: Path) -> dict[str, str]:
    """Return what makes plain Ansible as quick as it gets: pipelining, and connections that stay open."""
    ssh = f"-F {world.ssh_config} -o ControlMaster=auto -o ControlPersist=30s -o BatchMode=yes"
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_FORKS": "16",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_SSH_ARGS": ssh,
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(scratch / "s"),
    }


class Plain:
    """Playbooks run by ansible-playbook itself."""

    def __init__(self, world: World, scratch: Path) -> None:
        self._environment = environment(world, scratch)
        self._inventory = scratch / "hosts.json"
        self._inventory.write_text(json.dumps({"all": {"hosts": {OLD: {}, NEW: {}}}}))
        self._variables = scratch / "variables.json"
        self._variables.write_text(json.dumps({"program": str(PROGRAM), "addresses": ADDRESSES}))

    def play(self, tag: str) -> None:
        """Run the tasks of one tag; CalledProcessError where one fails."""
        words = ("ansible-playbook", "-i", self._inventory, "-e", f"@{self._variables}", "--tags", tag, PLAIN)
        done = subprocess.run(words, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            tell(done.stdout[-3000:])
            done.check_returncode()


def measure(rounds: int) -> Result:
    """Seconds of one step by own verbs, beside ten plain Ansible tasks on the same hosts."""
    found = conditions()
    hosts = {OLD: (ADDRESSES[OLD], "debian-11"), NEW: (ADDRESSES[NEW], "debian-12")}
    with tempfile.TemporaryDirectory(prefix="zb-") as scratch, twin(room(hosts), SEEDS) as world:
        plain, ours = Plain(world, Path(scratch)), Playbooks(world, Path(scratch) / "steps")
        deeds: Mapping[str, Callable[[], Any]] = {
            "floor": lambda: plain.play("floor"),
            "ours": lambda: ours.call(STEP, "apply", 200, lambda _: None),
            "plain": lambda: plain.play("plain"),
        }
        spent: dict[str, list[float]] = {name: [] for name in deeds}
        # The first round makes what is missing and is not counted.
        for number in range(rounds + 1):
            for name, deed in deeds.items():
                tell(f"{number}: {name}")
                began = time.monotonic()
                deed()
                spent[name] += [time.monotonic() - began] if number else []
    figures = {f"{name}_seconds": round(median(each), 3) for name, each in spent.items()}
    return Result(
        bench="ansible_step",
        question=f"one step on two hosts that finds nothing to do, median of {rounds}",
        figures=figures,
        ratios={
            "plain/ours": round(figures["plain_seconds"] / figures["ours_seconds"], 3),
            "ours/floor": round(figures["ours_seconds"] / figures["floor_seconds"], 3),
        },
        promises={},
        conditions=found,
    )


if __name__ == "__main__":
    report(measure, rounds=5)
