"""A department's own internet exit, and its line to a ministry: its device alone is changed; packets keep flowing."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra.twin import client
from infra.worlds import World
from inventory.model import Programme
from migrations.proof.probes import Probes, Window, probe_orders
from netcfg.errors import CheckFailed
from netcfg.intent import LineStage, LineStep, line_steps
from netcfg.transaction import Extranet
from tests.outward import CE, CITIZEN, OUT, UP, UPWARDS, outward

pytestmark = pytest.mark.real

LINES = (OUT, UPWARDS)
SILENT = 2.0
CARRIER_END, SHARED_END = "From 198.51.100.2", "From 198.51.100.6"
"""The carrier's device, as it answers at the department's line and at the extranet's uplink."""
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def programme() -> Programme:
    return outward()


@pytest.fixture(scope="module")
def world(programme: Programme, twin_name: Callable[[str], str]) -> Iterator[World]:
    name = twin_name("outward")
    yield client.up(programme, name, None, print)
    client.down(name)


@pytest.fixture
def steps(programme: Programme) -> Mapping[str, Mapping[str, dict[str, Any]]]:
    """What a plan carries of each stage of each line; silence is shorter here than in earnest."""

    def carried(step: LineStep) -> dict[str, Any]:
        arguments: dict[str, Any] = json.loads(step.arguments.model_dump_json())
        for check in arguments["checks"]:
            check["seconds"] = min(check["seconds"], SILENT)
        return arguments

    return {
        line.name: {step.verb: carried(step) for step in line_steps(programme, line)}
        for line in programme.network.lines
    }


@pytest.mark.by_commit("lines", 0.4)
def test_an_exit_is_consolidated_and_comes_back_without_losing_a_packet(
    programme: Programme,
    world: World,
    steps: Mapping[str, Mapping[str, dict[str, Any]]],
    running_on: Callable[[World], Run],
    tmp_path: Path,
) -> None:
    """The desk reaches the internet by its own exit, by the extranet's, and by its own again."""
    run, extranet, told = running_on(world), Extranet(world, tmp_path / "kept"), list[str]()

    def both(stage: LineStage, *, forward: bool) -> set[str]:
        def change(line: str) -> str:
            return extranet.change(steps[line][stage], told.append, forward=forward).state

        with ThreadPoolExecutor(2) as pool:
            return set(pool.map(change, LINES))

    surveyed = run(CE, "show running-config").stdout
    probes = Probes(world, "outward", probe_orders(programme, [f"line:{name}" for name in LINES]))
    probes.start()
    started = time.time()
    try:
        assert CARRIER_END in hops(run)
        for stage in LineStage:
            assert both(stage, forward=True) == {"done"}, stage
        assert SHARED_END in hops(run)
        assert CARRIER_END not in hops(run)
        released = run(CE, "show running-config").stdout
        for stage in reversed(LineStage):
            assert both(stage, forward=False) == {"not-done"}, stage
        ended = time.time()
        limit = ended + 60
        while not all(sighting.lines[-1].time > ended + 3.5 for sighting in probes.collect()):
            assert time.time() < limit
            time.sleep(0.3)
        seen = [sighting.within(Window(begin=started, end=ended)) for sighting in probes.collect()]
    finally:
        probes.stop()
    assert "ip route 0.0.0.0/0" not in released
    assert "neighbor 10.252.99.2" not in released
    assert run(CE, "show running-config").stdout == surveyed
    assert [result.lost for result in seen] == [0, 0, 0], told
    assert all(result.succeeded > 50 * (ended - started) for result in seen)


@pytest.mark.by_commit("lines", 0.4)
def test_an_exit_stays_while_the_extranets_does_not_answer_or_its_own_is_in_use(
    world: World, steps: Mapping[str, Mapping[str, dict[str, Any]]], running_on: Callable[[World], Run], tmp_path: Path
) -> None:
    run, extranet = running_on(world), Extranet(world, tmp_path / "kept", within=2)

    def go(stage: LineStage, *, forward: bool = True) -> str:
        return extranet.change(steps[OUT][stage], lambda _text: None, forward=forward).state

    surveyed = run(CE, "show running-config").stdout
    assert go(LineStage.ATTACH) == "done"
    attached = run(CE, "show running-config").stdout
    client.cut(world.name, f"line:{UP}")
    with pytest.raises(CheckFailed, match=r"203\.0\.113\.10 does not answer 10\.11\.0\.1.*earlier configuration again"):
        go(LineStage.SHIFT)
    assert run(CE, "show running-config").stdout == attached
    client.restore(world.name, f"line:{UP}")
    assert go(LineStage.SHIFT) == "done"
    # A look at the way back sends over the line, and is nobody's traffic.
    assert extranet.way_back(steps[OUT][LineStage.SHIFT]) == ()
    assert go(LineStage.DRAIN) == "done"
    assert go(LineStage.DRAIN, forward=False) == "not-done"
    run(f"{CE}-shell", "ping -c 3 -i 0.1 198.51.100.2")
    with pytest.raises(CheckFailed, match="line-water-inte still carries traffic"):
        go(LineStage.DRAIN)
    assert go(LineStage.SHIFT, forward=False) == "not-done"
    assert go(LineStage.ATTACH, forward=False) == "not-done"
    assert run(CE, "show running-config").stdout == surveyed


def hops(run: Run) -> str:
    """Return who answers on the desk's way into the internet."""
    look = f"for hop in 1 2 3 4 5; do ping -n -c 1 -W 1 -t $hop {CITIZEN} | grep -o 'From [0-9.]*'; done; true"
    return str(run("desk-1", look).stdout)
