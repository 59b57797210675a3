"""How many packets a line loses while its traffic moves to the extranet, and while the line is drained and released.

One run, the same twin, an echo every 10 ms from a user's machine to a host in the department's room:

    ours      attach, shift, drain, release (make before break), and all four taken back
    backup    both ends accept the circuit as second best beforehand, then the line's session is shut down at both: as
              lines with a backup are usually moved
    by hand   break before make: the line's session is shut down at both ends, then both accept the other's networks
              over the circuit; the same commands, by a script that never stops to think
"""

import json
import os
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.ground import EXAMPLE, Remote, Result, conditions, report, tell, twin
from infra.worlds import World
from inventory.loading import load_programme
from inventory.model import Programme
from migrations.proof.probes import ProbeResult, Probes, Window, probe_orders
from netcfg.intent import LineStage, line_steps
from netcfg.transaction import Extranet

LINE, DEVICES = "water-leased", {"pe1", "pe2", "water-ce", "water-hub"}
SETTLING = 8.0
"""Seconds after a deed that still belong to it: routes settle, and echoes are given up after two."""


def district() -> Programme:
    """Return the part of the example that one line needs: a department, its line, its circuits, a user's machine."""
    document: dict[str, Any] = json.loads(load_programme(EXAMPLE).model_dump_json())
    network = document["network"]
    network["devices"] = [each for each in network["devices"] if each["name"] in DEVICES]
    network["attachments"] = [each for each in network["attachments"] if each["device"] in DEVICES]
    network["lines"] = [each for each in network["lines"] if each["name"] == LINE]
    network["vantages"] = [each for each in network["vantages"] if each["gateway"] in DEVICES]
    rooms = [each for each in document["departments"] if each["rooms"][0]["gateway"] in DEVICES]
    document |= {"departments": rooms, "systems": []}
    return Programme.model_validate(document)


class Bench:
    """One line of a running twin, with its probe."""

    def __init__(self, world: World, programme: Programme, scratch: Path) -> None:
        line = next(line for line in programme.network.lines if line.name == LINE)
        self._steps = [
            dict(json.loads(step.arguments.model_dump_json())) for step in line_steps(programme, line)
        ]  # in the order of LineStage
        self._extranet = Extranet(world, scratch / "kept")
        self.stages: list[tuple[float, float]] = []
        """Of each stage on its two devices: seconds, and seconds of processor time of ours."""
        self._remote = Remote(world, scratch)
        self._probes = Probes(world, "bench", probe_orders(programme, [f"line:{LINE}"]))

    def felt(self, name: str, deed: Any) -> ProbeResult:
        """Do something to the line and return what the probe saw meanwhile."""
        tell(name)
        self._probes.start()
        try:
            time.sleep(2)
            began = time.time()
            deed()
            time.sleep(SETTLING)
            window = Window(begin=began, end=time.time() - 2.5)
            return self._probes.collect()[0].within(window)
        finally:
            self._probes.stop()

    def forward(self) -> None:
        """Take the line through all its stages."""
        for arguments in self._steps:
            self._change(arguments, forward=True)

    def back(self) -> None:
        """Take all stages back."""
        for arguments in reversed(self._steps):
            self._change(arguments, forward=False)

    def _change(self, arguments: dict[str, Any], *, forward: bool) -> None:
        began, spent = time.monotonic(), _spent()
        self._extranet.change(arguments, tell, forward=forward)
        self.stages.append((time.monotonic() - began, _spent() - spent))

    def get_backup_ready(self) -> None:
        """Have both ends accept the circuit as second best."""
        self._extranet.change(self._steps[0], tell)

    def give_backup_up(self) -> None:
        """Open the line again, and take the backup back once it has come up."""
        for device in self._steps[2]["devices"]:
            self._type(device["device"], [text.replace(" neighbor", " no neighbor") for text in device["after"]])
        time.sleep(SETTLING)
        self._extranet.change(self._steps[0], tell, forward=False)

    def shut(self) -> None:
        """Shut the line's session down at both ends, the users' end last as in the guarded change."""
        for device in self._steps[2]["devices"]:
            self._type(device["device"], device["after"])

    def by_hand(self) -> None:
        """Break, then make."""
        attach, shift, _drain, _release = self._steps
        self.shut()
        for policy, preference in zip(attach["devices"], shift["devices"], strict=True):
            shared = (each["present"] for stage in (policy, preference) for each in stage["policies"])
            blocks = [*policy["after"], *preference["after"], *shared]
            self._type(policy["device"], blocks)

    def _type(self, device: str, blocks: list[str]) -> None:
        text = "\n".join(blocks) + "\n"
        self._remote.run(f"{device}-shell", "cat > /tmp/bench.conf && vtysh -f /tmp/bench.conf", text)


def _spent() -> float:
    return sum(os.times()[:4])


def measure(rounds: int) -> Result:
    """Packets lost while a line moves, beside the same move made break-before-make."""
    found = conditions()
    assert [stage.value for stage in LineStage] == ["attach", "shift", "drain", "release"]
    programme = district()
    with tempfile.TemporaryDirectory(prefix="zb-") as scratch, twin(programme, None) as world:
        bench = Bench(world, programme, Path(scratch))
        ours: list[ProbeResult] = []
        for _ in range(rounds):
            ours += [bench.felt("forward", bench.forward), bench.felt("back", bench.back)]
        bench.get_backup_ready()
        backup = bench.felt("backup", bench.shut)
        bench.give_backup_up()
        hand = bench.felt("by hand", bench.by_hand)
    lost = sum(one.lost for one in ours)
    seen = sum(one.succeeded for one in ours)
    return Result(
        bench="cutover_line",
        question="10 ms echoes lost while a line's traffic moves",
        figures={
            "ours_lost_packets": float(lost),
            "ours_seen_packets": float(seen),
            "ours_moves": float(len(ours)),
            "stage_seconds": round(fmean(seconds for seconds, _spent in bench.stages), 2),
            "stage_processor_seconds": round(fmean(spent for _seconds, spent in bench.stages), 2),
            "backup_lost_packets": float(backup.lost),
            "backup_interruption_seconds": round(backup.downtime, 3),
            "by_hand_lost_packets": float(hand.lost),
            "by_hand_seen_packets": float(hand.succeeded),
            "by_hand_interruption_seconds": round(hand.downtime, 3),
        },
        ratios={
            "ours/by_hand": round(lost / len(ours) / hand.lost, 4) if hand.lost else 1.0,
            "backup/by_hand": round(backup.lost / hand.lost, 4) if hand.lost else 1.0,
        },
        promises={
            "no packet lost by ours": lost == 0 and not any(one.blind for one in ours),
            "the probe sees a loss where there is one": hand.lost > 0,
        },
        conditions=found,
    )


if __name__ == "__main__":
    report(measure, rounds=2)
