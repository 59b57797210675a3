"""A line with a VRP8 end: what its double was told is what a real router then does with real packets."""

import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inventory.model import Programme
from netcfg.difference import commands_between
from netcfg.doubles.forms import Lines
from netcfg.doubles.forwarding import answered, compiled
from netcfg.doubles.vrp8 import Vrp8
from netcfg.errors import CheckFailed
from netcfg.intent import LineStage, line_steps
from netcfg.platforms import Platform, load_platform
from netcfg.sessions import CommandLine, Sessions, Shell
from netcfg.terminals import Terminal
from netcfg.transaction import Extranet
from tests.real.routers import CE, FAR_USER, HUB, Routers
from tests.unit.vendors import Wire, surveyed

pytestmark = pytest.mark.real

LINE = "water-leased"


class Front(Vrp8):
    """A VRP8 whose packets a router of the laboratory forwards."""

    def __init__(self, routers: Routers, text: str) -> None:
        super().__init__(CE, text)
        self.routers = routers
        self.answers = lambda line: answered(line, self.vtysh, self.shell)
        self.forwards = self.typed_there
        self.running = self.saved.copy()

    def typed_there(self, lines: Lines) -> None:
        self.routers.typed(CE, *commands_between(load_platform("frr"), self.routers.running(CE), self.frr(lines)))

    def frr(self, lines: Lines) -> str:
        """What the router has, of which VRP knows nothing, and what VRP says."""
        kept = re.findall(r"(?m)^(?:frr |service |bgp route-map).*\n", self.routers.running(CE))
        return "".join(kept) + compiled(lines)

    def vtysh(self, command: str) -> str:
        return self.routers.enter(CE, "vtysh", "-c", command)

    def shell(self, command: str) -> str:
        return self.routers.enter(CE, *shlex.split(command))


class Mixed(Sessions):
    """The double behind its command line, all other devices as ssh_config has them."""

    front: Front

    def terminal(self, device: str, platform: Platform) -> Terminal:
        return Terminal(device, platform, Wire(device, self.front))

    def shell(self, device: str) -> Shell:
        assert device != CE, "a VRP8 has no shell account"
        return super().shell(device)

    def command_line(self, device: str, platform: Platform) -> CommandLine:
        assert device != CE
        return super().command_line(device, platform)


def programme_of(routers: Routers) -> Programme:
    devices = tuple(
        each.model_copy(update={"platform": "vrp8"}) if each.name == CE else each
        for each in routers.programme.network.devices
    )
    network = routers.programme.network.model_copy(update={"devices": devices})
    return routers.programme.model_copy(update={"network": network})


@pytest.fixture
def front(laboratory: Routers) -> Iterator[Front]:
    found = {device: laboratory.running(device) for device in (CE, HUB)}
    front = Front(laboratory, surveyed(laboratory.programme, "vrp8", CE))
    laboratory.settle()
    yield front
    for device, before in found.items():
        if laboratory.running(device) != before:
            laboratory.put_back(device, before)
    laboratory.settle()


@pytest.fixture
def extranet(front: Front, laboratory: Routers, tmp_path: Path) -> Extranet:
    extranet = Extranet(laboratory.world, tmp_path / "kept", within=8)
    sessions = Mixed(laboratory.world.ssh_config)
    sessions.front = front
    extranet._sessions = sessions
    return extranet


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


def steps(routers: Routers) -> dict[LineStage, dict[str, Any]]:
    programme = programme_of(routers)
    line = next(each for each in programme.network.lines if each.name == LINE)
    return {step.verb: step.arguments.model_dump(mode="json") for step in line_steps(programme, line)}


def test_a_line_with_a_vrp8_end_shifts_and_drains_without_losing_a_packet(
    laboratory: Routers, front: Front, extranet: Extranet
) -> None:
    stages = steps(laboratory)
    before = set(front.running.paths)
    pings = laboratory.ping(CE, FAR_USER, "-i", "0.01")
    for stage in (LineStage.ATTACH, LineStage.SHIFT, LineStage.DRAIN):
        assert extranet.change(stages[stage], quiet).state == "done"
    failing = stages[LineStage.DRAIN] | {"checks": [
        {"when": "undone", "device": CE, "kind": "neighbour-up", "addresses": ["10.9.9.9"]}]}  # fmt: skip
    with pytest.raises(CheckFailed):
        Extranet.change(extranet, failing, quiet, forward=False)
    for stage in (LineStage.DRAIN, LineStage.SHIFT, LineStage.ATTACH):
        assert extranet.change(stages[stage], quiet, forward=False).state == "not-done"
    pings.send_signal(signal.SIGINT)
    told, _ = pings.communicate(timeout=20)
    assert set(front.running.paths) == before
    sent, come = re.search(r"(\d+) packets transmitted, (\d+) received", told).groups()  # type: ignore[union-attr]
    assert int(sent) > 100
    assert sent == come
