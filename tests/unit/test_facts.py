from ipaddress import IPv4Address, IPv4Network

import pytest

from netcfg.facts import (
    known_ways,
    management_way,
    neighbour_state,
    next_hops,
    packets,
    router_id,
    routes_over,
    silence,
    static_routes,
)
from netcfg.platforms import load_platform

PEER, PREFIX = IPv4Address("10.9.0.1"), IPv4Network("10.81.0.0/24")


@pytest.mark.parametrize(
    "answer, state",
    [
        ('{"10.9.0.1": {"bgpState": "Established"}}', "Established"),
        ('{"10.9.0.1": {"bgpState": "Idle"}}', "Idle"),
        ('{"bgpNoSuchNeighbor": true}', "absent"),
        ("% BGP instance not found", "absent"),
        ("", "absent"),
        ("[]", "absent"),
    ],
)
def test_neighbour_state(answer: str, state: str) -> None:
    assert neighbour_state(answer, PEER) == state


@pytest.mark.parametrize(
    "answer, hops",
    [
        ('{"10.81.0.0/24": [{"selected": true, "nexthops": [{"ip": "10.1.1.1", "fib": true}]}]}', ("10.1.1.1",)),
        ('{"10.81.0.0/24": [{"nexthops": [{"ip": "10.1.1.1"}]}, {"selected": true, "nexthops": []}]}', ()),
        ('{"10.81.0.0/24": [{"selected": true, "nexthops": [{"ip": "10.1.1.1"}]}]}', ()),
        ("{}", ()),
        ("% Network not in table", ()),
    ],
)
def test_next_hops_are_those_that_packets_take(answer: str, hops: tuple[str, ...]) -> None:
    assert next_hops(answer, PREFIX) == hops


def test_packets_are_counted_both_ways() -> None:
    answer = (
        "Inter-| Receive\n face |bytes\n  lan: 99 1 0 0 0 0 0 0 99 2 0 0 0 0 0 0\n"
        "line1: 500 7 0 0 0 0 0 0 900 11 0 0 0 0 0 0\n"
    )
    assert packets(answer, "line1") == 18
    with pytest.raises(LookupError):
        packets(answer, "line2")


def test_a_configuration_says_whose_it_is() -> None:
    frr = load_platform("frr")
    assert router_id(frr, "hostname a\nrouter bgp 65001\n bgp router-id 10.255.0.1\n") == "10.255.0.1"
    assert router_id(frr, "hostname a\n") == "none"


def test_for_how_long_a_neighbour_was_not_heard() -> None:
    said = '{"10.9.0.1": {"bgpTimerLastRead": 4000, "bgpTimerKeepAliveIntervalMsecs": 3000}}'
    assert silence(said, PEER) == (4.0, 3.0)
    assert silence("{}", PEER) == (0.0, 0.0)


def test_ways_that_are_known_whether_taken_or_not() -> None:
    paths = '{"valid": true, "nexthops": [{"ip": "10.1.1.1"}]}, {"nexthops": [{"ip": "10.1.1.2"}]}'
    assert known_ways(f'{{"paths": [{paths}]}}') == ("10.1.1.1",)
    assert known_ways("% Network not in table") == ()


def test_routes_over_an_interface_are_told_with_their_protocol() -> None:
    hop = '"nexthops": [{"interfaceName": "line1"}]'
    answer = f"""{{"10.1.0.0/16": [{{"protocol": "bgp", {hop}}}], "10.2.0.0/16": [{{"protocol": "static", {hop}}}],
      "10.9.0.0/30": [{{"protocol": "connected", {hop}}}], "10.3.0.0/16": [{{"protocol": "bgp", "nexthops": []}}]}}"""
    assert routes_over(answer, "line1") == {"10.1.0.0/16": "bgp", "10.2.0.0/16": "static"}


def test_static_routes_are_found_by_next_hop_and_by_interface() -> None:
    configuration = (
        "ip route 10.1.0.0/16 10.9.0.1 200\nip route 10.2.0.0/16 line1\nip route 10.3.0.0/16 10.9.0.9\n"
        "ip route 10.4.0.0/16 10.9.0.1 line1\nip router-id 10.9.0.1\n"
    )
    found = static_routes(load_platform("frr"), configuration, {"10.9.0.1", "line1"})
    assert found == ("10.1.0.0/16", "10.2.0.0/16", "10.4.0.0/16")


def test_over_which_way_a_device_is_managed() -> None:
    back = "10.7.0.2 via 10.9.0.1 dev line1 src 10.11.0.1 uid 2002 \\    cache"
    assert management_way(f"10.7.0.2 50112 10.11.0.1 22\n{back}\n") == ("10.7.0.2", "10.11.0.1", "line1")
    with pytest.raises(LookupError):
        management_way("\n")
