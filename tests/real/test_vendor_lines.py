"""A line between a VRP8 and an IOS device: what their doubles were told is what real packets then do."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from netcfg.errors import CheckFailed, CommandRejected
from netcfg.intent import LineStage
from netcfg.platforms import load_platform
from netcfg.sessions import Sessions
from netcfg.transaction import Extranet
from tests.real.routers import CE, FAR_USER, HUB, Routers

pytestmark = pytest.mark.real

LINE = "water-leased"
WAY = (LineStage.ATTACH, LineStage.SHIFT, LineStage.DRAIN)


@pytest.fixture
def vendors(tmp_path: Path) -> Iterator[Routers]:
    (tmp_path / "routers").mkdir()
    routers = Routers(tmp_path / "routers", {CE: "vrp8", HUB: "ios"})
    try:
        routers.up()
        yield routers
    finally:
        routers.down()


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


def test_a_line_between_vendors_shifts_drains_and_returns_without_losing_a_packet(
    vendors: Routers, tmp_path: Path
) -> None:
    extranet = Extranet(vendors.world, tmp_path / "kept", within=8)
    found = {device: vendors.running(device) for device in (CE, HUB)}
    # Neighbours are up before they have told each other everything.
    vendors.until(lambda: vendors.ping(CE, FAR_USER, "-c", "1").wait(20) == 0)
    pings = vendors.ping(CE, FAR_USER, "-i", "0.01")
    for stage in WAY:
        assert extranet.change(vendors.step(LINE, stage), quiet).state == "done"
    failing = vendors.step(LINE, LineStage.DRAIN) | {"checks": [
        {"when": "undone", "device": CE, "kind": "neighbour-up", "addresses": ["10.9.9.9"]}]}  # fmt: skip
    with pytest.raises(CheckFailed):
        extranet.change(failing, quiet, forward=False)
    for stage in reversed(WAY):
        assert extranet.change(vendors.step(LINE, stage), quiet, forward=False).state == "not-done"
    pings.send_signal(signal.SIGINT)
    told, _ = pings.communicate(timeout=20)
    assert {device: vendors.running(device) for device in (CE, HUB)} == found
    sent, come = re.search(r"(\d+) packets transmitted, (\d+) received", told).groups()  # type: ignore[union-attr]
    assert int(sent) > 100
    assert sent == come
    # What the router refuses the device refuses, and nothing of it stays.
    with Sessions(vendors.world.ssh_config).terminal(CE, load_platform("vrp8")) as line:
        theirs = ("system-view", "interface lan", "description theirs", "quit", "bgp 65211")
        for words in (*theirs, "peer 10.9.9.9 as-number 4294967296"):
            line.take(words)
        with pytest.raises(CommandRejected, match="commit"):
            line.take("commit")
    assert {device: vendors.running(device) for device in (CE, HUB)} == found
    # A power cut: what was saved is what it has again.
    vendors.restart(HUB)
    assert extranet.observe(vendors.step(LINE, LineStage.ATTACH)).state == "not-done"
