"""Lines move on real routers; every test leaves the devices as surveyed."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from infra.worlds import World
from inventory.model import Programme
from migrations.proof.probes import Probes, Window, probe_orders
from netcfg.errors import (
    CheckFailed,
    CommandRejected,
    DeviceAstray,
    DeviceUnreachable,
    HostKeyMismatch,
    NotConfirmed,
    NothingSaved,
    WrongDevice,
)
from netcfg.intent import LineArguments, LineStage, When, line_steps
from netcfg.kept import KeptConfigurations
from netcfg.transaction import Extranet
from netcfg.visits import Visit

pytestmark = pytest.mark.real

RunOn = Callable[..., "subprocess.CompletedProcess[str]"]
Arguments = dict[str, Any]
WATER = ("water-leased", "water-exit")
CHANGED = ("water-ce", "water-hub", "exit")
GOLDEN = ("tax-ce", "tax-hub")


def quiet(line: str) -> None:
    """Progress that nobody reads."""


class Moves:
    """The lines' steps as a plan carries them."""

    def __init__(self, programme: Programme) -> None:
        self._steps = {line.name: line_steps(programme, line) for line in programme.network.lines}

    def __call__(self, line: str, stage: LineStage) -> Arguments:
        step = next(step for step in self._steps[line] if step.verb == stage)
        return dict(json.loads(step.arguments.model_dump_json()))

    def of(self, line: str) -> tuple[Arguments, ...]:
        return tuple(self(line, stage) for stage in LineStage)


@pytest.fixture(scope="module")
def moves(programme: Programme) -> Moves:
    return Moves(programme)


@pytest.fixture
def extranet(twin: World, tmp_path: Path) -> Extranet:
    return Extranet(twin, tmp_path / "kept")


@pytest.fixture
def hasty(twin: World, tmp_path: Path) -> Extranet:
    """It soon gives up waiting for a check to hold; for changes that fail."""
    return Extranet(twin, tmp_path / "kept", within=2)


@pytest.fixture
def short(twin: World, tmp_path: Path) -> Extranet:
    """Its timer runs out soon; for devices that nobody else can bring back."""
    return Extranet(twin, tmp_path / "kept", timer=30, within=2)


@pytest.fixture(scope="module")
def found(on: RunOn) -> dict[str, str]:
    return configurations(on)


@pytest.fixture
def surveyed(on: RunOn, extranet: Extranet, moves: Moves, found: dict[str, str]) -> Iterator[dict[str, str]]:
    """The devices' configurations as surveyed; a test that does not leave them so has failed."""
    yield found
    left = configurations(on)
    if left != found:
        for line in WATER:
            for arguments in reversed(moves.of(line)):
                with suppress(DeviceAstray):
                    extranet.change(arguments, quiet, forward=False)
    assert left == found


def configurations(on: RunOn, devices: Sequence[str] = CHANGED) -> dict[str, str]:
    with ThreadPoolExecutor(len(devices)) as pool:
        texts = pool.map(lambda device: on(device, "show running-config").stdout, devices)
        return dict(zip(devices, texts, strict=True))


def altered(arguments: Arguments, device: str, block: str) -> Arguments:
    """The same step with one more block of configuration on one device."""
    changed: Arguments = json.loads(json.dumps(arguments))
    for each in changed["devices"]:
        if each["device"] == device:
            each["after"].append(block)
    return changed


def eventually(so: Callable[[], bool], seconds: float = 180.0) -> None:
    limit = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.3)


@pytest.mark.by_commit("lines", 1 / 6)
def test_two_lines_of_one_device_move_at_once_and_return_without_losing_a_packet(
    programme: Programme,
    twin: World,
    extranet: Extranet,
    hasty: Extranet,
    moves: Moves,
    on: RunOn,
    surveyed: dict[str, str],
) -> None:
    probes = Probes(twin, "lines", probe_orders(programme, [f"line:{name}" for name in WATER]))
    probes.start()
    try:
        started = time.time()
        with ThreadPoolExecutor(2) as pool:
            golden = configurations(on, GOLDEN)
            for stage in LineStage:
                if stage is LineStage.RELEASE:
                    fail_and_return(hasty, moves("water-leased", stage), on, forward=True)
                todo = [moves(line, stage) for line in WATER]
                done = pool.map(lambda arguments: extranet.change(arguments, quiet), todo)
                assert [state.state for state in done] == ["done", "done"], stage
            assert "line-water-leas is down" in on("water-ce", "show interface line-water-leas").stdout
            moved = configurations(on)
            fail_and_return(hasty, moves("water-leased", LineStage.RELEASE), on, forward=False)
            for stage in reversed(LineStage):
                todo = [moves(line, stage) for line in WATER]
                undone = pool.map(lambda arguments: extranet.change(arguments, quiet, forward=False), todo)
                assert [state.state for state in undone] == ["not-done", "not-done"], stage
        ended = time.time()
        # Once a second a probe tells what it has waited for in vain, which it does for two.
        eventually(lambda: all(sighting.lines[-1].time > ended + 3.5 for sighting in probes.collect()))
        seen = [sighting.within(Window(begin=started, end=ended)) for sighting in probes.collect()]
    finally:
        probes.stop()
    assert {result.unit for result in seen} == {f"line:{name}" for name in WATER}
    for result in seen:
        assert result.succeeded > 50 * (ended - started)
        assert result.lost == 0
    assert all(moved[device] != surveyed[device] for device in CHANGED)
    assert configurations(on, GOLDEN) == golden


def fail_and_return(hasty: Extranet, arguments: Arguments, on: RunOn, *, forward: bool) -> None:
    """The stage that changes most is pushed, fails its check, and is taken back to the letter."""
    before = configurations(on)
    never = {"when": "after" if forward else "undone", "device": "water-ce", "kind": "neighbour-up"}
    failing = arguments | {"checks": [never | {"addresses": ["10.9.9.9"]}]}
    with pytest.raises(CheckFailed, match=r"water-ce.*10\.9\.9\.9.*absent"):
        hasty.change(failing, quiet, forward=forward)
    assert configurations(on) == before


ODD = (
    "ip prefix-list BY-HAND seq 7 permit 10.81.0.0/24",
    "route-map BY-HAND permit 10",
    "match ip address prefix-list BY-HAND",
    "exit",
    "router bgp 65211",
    "neighbor 10.252.11.2 description rented in 2009, ask for Mr. Six",
    "neighbor 10.252.11.2 timers 5 15",
    "address-family ipv4 unicast",
    "neighbor 10.252.11.2 route-map BY-HAND in",
    "exit",
    "exit",
    "interface line-water-leas",
    "description the cable behind the stairs",
)


def typed(on: RunOn, lines: Sequence[str]) -> None:
    words = " ".join(f"-c '{line}'" for line in ("configure terminal", *lines, "end", "write memory"))
    on("water-ce-shell", f"vtysh {words}")


@pytest.mark.by_commit("lines", 1 / 6)
def test_what_somebody_set_by_hand_on_a_line_is_there_again_after_its_release_was_undone(
    twin: World, extranet: Extranet, moves: Moves, on: RunOn, tmp_path: Path, surveyed: dict[str, str]
) -> None:
    typed(on, ODD)
    before = configurations(on)
    assert before["water-ce"].count("BY-HAND") == 4
    try:
        for arguments in moves.of("water-leased"):
            assert extranet.change(arguments, quiet).state == "done"
        assert "10.252.11.2" not in on("water-ce", "show running-config").stdout
        release = moves("water-leased", LineStage.RELEASE)
        # Where nobody knows what was there, nobody puts something else in its place.
        with pytest.raises(NothingSaved, match=r"water-(ce|hub): its configuration before release"):
            Extranet(twin, tmp_path / "elsewhere").change(release, quiet, forward=False)
        for arguments in reversed(moves.of("water-leased")):
            assert extranet.change(arguments, quiet, forward=False).state == "not-done"
        assert configurations(on) == before
    finally:
        surveyed_session = (
            "neighbor 10.252.11.2 description line:water-leased",
            "no neighbor 10.252.11.2 timers 5 15",
            "address-family ipv4 unicast",
            "no neighbor 10.252.11.2 route-map BY-HAND in",
            "exit",
            "exit",
            "no route-map BY-HAND",
            "no ip prefix-list BY-HAND",
            "interface line-water-leas",
            "description line:water-leased",
        )
        typed(on, ("router bgp 65211", *surveyed_session))


def test_a_second_change_does_nothing(extranet: Extranet, moves: Moves, on: RunOn, surveyed: dict[str, str]) -> None:
    attach = moves("water-leased", LineStage.ATTACH)
    assert extranet.observe(attach).state == "not-done"
    assert extranet.change(attach, quiet).state == "done"
    assert extranet.observe(attach).state == "done"
    told: list[str] = []
    assert extranet.change(attach, told.append).state == "done"
    assert told == []
    assert "ZH-ADMINISTRATIVE-IN" in on("water-ce-shell", "cat /etc/frr/frr.conf").stdout
    extranet.change(attach, quiet, forward=False)
    assert "ZH-" not in on("water-ce-shell", "cat /etc/frr/frr.conf").stdout


def test_the_configuration_before_a_change_is_kept(
    extranet: Extranet, moves: Moves, tmp_path: Path, surveyed: dict[str, str]
) -> None:
    attach = moves("water-exit", LineStage.ATTACH)
    extranet.change(attach, quiet)
    extranet.change(attach, quiet, forward=False)
    texts = KeptConfigurations(tmp_path / "kept", tmp_path / "kept.key")
    kept = {Path(name).name: texts.read(name) or "" for name in texts.names()}
    assert surveyed["exit"].endswith(kept["exit-before-change.conf"])
    assert "ZH-" in kept["exit-before-undo.conf"]
    # They have passwords in them: nobody reads them in the folder of a run.
    assert not any(b"neighbor" in file.read_bytes() for file in (tmp_path / "kept").rglob("*.conf"))


@pytest.mark.by_commit("lines", 1 / 6)
def test_a_device_that_a_change_made_unreachable_comes_back_by_itself(
    short: Extranet, moves: Moves, on: RunOn, surveyed: dict[str, str]
) -> None:
    lockout = altered(moves("water-leased", LineStage.ATTACH), "water-hub", "interface mgmt\n shutdown")
    with pytest.raises(DeviceUnreachable) as raised:
        short.change(lockout, quiet)
    assert raised.value.device == "water-hub"
    eventually(lambda: on("water-hub", "show running-config", "-o", "ConnectTimeout=2", check=False).returncode == 0)
    eventually(lambda: configurations(on) == surveyed)


def test_a_rejected_line_leaves_every_device_as_it_was(hasty: Extranet, moves: Moves, surveyed: dict[str, str]) -> None:
    wrong = altered(
        moves("water-leased", LineStage.ATTACH), "water-ce", "ip prefix-list ZH-WRONG seq 5 permit nonsense"
    )
    with pytest.raises(CommandRejected, match="nonsense") as raised:
        hasty.change(wrong, quiet)
    assert raised.value.device == "water-ce"
    assert raised.value.line == "ip prefix-list ZH-WRONG seq 5 permit nonsense"


def test_traffic_on_the_line_forbids_to_drain_it(
    programme: Programme, twin: World, hasty: Extranet, moves: Moves, surveyed: dict[str, str]
) -> None:
    probes = Probes(twin, "quiet", probe_orders(programme, ["line:water-leased"]))
    probes.start()
    try:
        with pytest.raises(CheckFailed, match=r"line-water-leas still carries traffic"):
            hasty.change(moves("water-leased", LineStage.DRAIN), quiet)
    finally:
        probes.stop()


def test_a_stage_that_is_not_due_is_refused(extranet: Extranet, moves: Moves, surveyed: dict[str, str]) -> None:
    """To give back a line that was not drained would cut it; to undo what was never done would shut it."""
    release = moves("water-leased", LineStage.RELEASE)
    assert extranet.observe(release).state == "unknown"
    with pytest.raises(DeviceAstray, match=r"shutdown.* is missing"):
        extranet.change(release, quiet, forward=False)


def blocks(world: World) -> dict[str, str]:
    """The parts of a world's ssh_config by name."""
    parts = world.ssh_config.read_text().split("Host ")[1:]
    return {part.split("\n", maxsplit=1)[0]: part for part in parts}


def rewired(world: World, tmp_path: Path, replaced: dict[str, str]) -> World:
    """The same world where some names lead elsewhere."""
    config = tmp_path / "ssh_config"
    config.write_text("".join(f"Host {replaced.get(name, part)}" for name, part in blocks(world).items()))
    return world.model_copy(update={"ssh_config": config})


def test_another_device_behind_a_name_is_found_out_and_left_alone(
    twin: World, tmp_path: Path, moves: Moves, surveyed: dict[str, str]
) -> None:
    other = blocks(twin)["water-hub"].replace("water-hub", "water-ce", 1)
    crossed = rewired(twin, tmp_path, {"water-ce": other})
    with pytest.raises(WrongDevice, match=r"water-hub \(10\.255\.0\.81\)") as raised:
        Extranet(crossed, tmp_path).change(moves("water-leased", LineStage.ATTACH), quiet)
    assert (raised.value.device, raised.value.wanted) == ("water-ce", "water-ce (10.255.0.11)")


@pytest.mark.parametrize("known", ["another", "none"])
def test_a_wrong_host_key_stops_everything(
    twin: World, tmp_path: Path, moves: Moves, surveyed: dict[str, str], known: str
) -> None:
    keys = dict(line.split(" ", 1) for line in twin.ssh_config.with_name("known_hosts").read_text().splitlines())
    keys["water-ce"] = keys["water-hub"]
    if known == "none":
        del keys["water-ce"]
    forged = tmp_path / "known_hosts"
    forged.write_text("".join(f"{name} {key}\n" for name, key in keys.items()))
    common = blocks(twin)["*"].replace(str(twin.ssh_config.with_name("known_hosts")), str(forged))
    world = rewired(twin, tmp_path, {"*": common})
    with pytest.raises(HostKeyMismatch) as raised:
        Extranet(world, tmp_path).change(moves("water-leased", LineStage.ATTACH), quiet)
    assert raised.value.device == "water-ce"
    assert (raised.value.expected is None) == (known == "none")


def test_a_device_that_nobody_can_reach_is_named(twin: World, tmp_path: Path, moves: Moves) -> None:
    dead = "water-hub\n  HostName water-hub\n  User netops\n  ProxyCommand false\n"
    world = rewired(twin, tmp_path, {"water-hub": dead})
    with pytest.raises(DeviceUnreachable, match="water-hub"):
        Extranet(world, tmp_path).observe(moves("water-leased", LineStage.ATTACH))


class TooSlow(Extranet):
    """Its checks take longer than its timer."""

    def _check(self, _move: LineArguments, when: When, present: Sequence[Visit]) -> None:
        if when == "after":
            limit = time.monotonic() + 180
            while any(visit.state(self._found(visit)).at != "before" for visit in present):
                assert time.monotonic() < limit
                time.sleep(0.3)


@pytest.mark.by_commit("lines", 1 / 6)
def test_what_is_confirmed_too_late_is_not_kept(
    twin: World, tmp_path: Path, moves: Moves, surveyed: dict[str, str]
) -> None:
    slow = TooSlow(twin, tmp_path, timer=15)
    with pytest.raises(NotConfirmed) as raised:
        slow.change(moves("water-leased", LineStage.ATTACH), quiet)
    assert set(raised.value.devices) == {"water-ce", "water-hub"}


DYING = """
import json, sys, time
from pathlib import Path
from infra.worlds import load_world
from netcfg.transaction import Extranet

class Dying(Extranet):
    def _check(self, move, when, present):
        if when == "after":
            print("pushed", flush=True)
            time.sleep(600)

world, home, timer = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
Dying(load_world(world), home, timer=timer).change(json.load(sys.stdin), lambda line: None)
"""


@pytest.mark.chaos
@pytest.mark.by_commit("lines", 1 / 6)
@pytest.mark.parametrize("timer", [20, 600])
def test_killed_before_it_confirmed_a_change_returns_and_a_rerun_finishes(
    twin: World, tmp_path: Path, extranet: Extranet, moves: Moves, on: RunOn, surveyed: dict[str, str], timer: int
) -> None:
    attach = moves("water-leased", LineStage.ATTACH)
    world = twin.ssh_config.with_name("world.json")
    words = (sys.executable, "-c", DYING, str(world), str(tmp_path), str(timer))
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(attach))
        process.stdin.close()
        assert process.stdout.readline() == "pushed\n"
        process.send_signal(signal.SIGKILL)
    assert "ZH-" in on("water-ce", "show running-config").stdout
    assert extranet.observe(attach).state == "not-done"
    if timer == 20:
        eventually(lambda: configurations(on) == surveyed)
    # With the long timer still armed the second attempt takes the first one's remains back, then does it all.
    assert extranet.change(attach, quiet).state == "done"
    extranet.change(attach, quiet, forward=False)
