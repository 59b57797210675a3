"""A device that was broken into answers as it likes: what is not of a known shape is not told, and ends no run."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

import pytest

from netcfg import vtysh
from netcfg.errors import DeviceUnreachable
from netcfg.guards import Ticket
from netcfg.guards.keeping import KeptGuard
from netcfg.platforms import load_platform
from tests.attacks.test_secrets_of_devices import Shell

PEER, PREFIX = "10.0.0.1", "10.0.0.0/24"
DEEP = ("[" * 100_000, '{"a":' * 50_000)
ODD_INSIDE = (
    "5", "null", '"x"', "[1]", '["x"]', "[null]", '{"b": 1}', '{"bgpState": [5], "peerBfdInfo": 5}',
    '[{"selected": true, "nexthops": 5}]', '[{"selected": true, "valid": true, "nexthops": [5]}]',
    '{"peerBfdInfo": {"status": "up", "detectMultiplier": "3", "rxMinInterval": []}}',
    '{"bgpTimerLastRead": 1e999, "bgpTimerHoldTimeMsecs": -1, "bgpTimerKeepAliveIntervalMsecs": 1' + "0" * 400 + "}",
)  # fmt: skip
INSIDE = (f'{{"{key}": {one}}}' for key in (PEER, PREFIX, "paths") for one in ODD_INSIDE)
ANSWERS = ("", "%", "[]", "5", "{", *DEEP, *INSIDE)
NOTHING: dict[str, tuple[Callable[[str], object], set[object]]] = {
    "state": (lambda said: vtysh.neighbour_state(said, IPv4Address(PEER)), {"absent", "[5]"}),
    "silence": (lambda said: vtysh.silence(said, IPv4Address(PEER)), {(0.0, 0.0)}),
    "noticed": (lambda said: vtysh.noticed(said, IPv4Address(PEER)), {(0.0, "BGP"), (0.0, "BFD")}),
    "ways": (vtysh.known_ways, {()}),
    "hops": (lambda said: vtysh.next_hops(said, IPv4Network(PREFIX)), {()}),
    "routes": (lambda said: len(vtysh.routes_over(said, "eth0")), {0}),
    "taken": (lambda said: vtysh.taken(said) if "selected" not in said else None, {None}),
}


@pytest.mark.parametrize("fact", NOTHING)
def test_an_answer_of_another_shape_tells_nothing(fact: str) -> None:
    read, nothing = NOTHING[fact]
    assert {read(said) for said in ANSWERS} <= nothing


@pytest.mark.parametrize("said", [*DEEP, "[]", "5", "[[1, 2, 3]]", '{"is": {"x": 1}}'])
def test_a_keeper_that_answers_something_else_is_a_device_that_does_not_answer(said: str) -> None:
    guard = KeptGuard("ce", load_platform("frr"), None, Shell(said), Ticket("x", "y", 60))  # type: ignore[arg-type]
    with pytest.raises(DeviceUnreachable):
        guard.look()
