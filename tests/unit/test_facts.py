from ipaddress import IPv4Address, IPv4Network

import pytest

from netcfg.facts import neighbour_state, next_hops, packets, router_id
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
