import json
from ipaddress import IPv4Address, IPv4Network

import pytest

from netcfg.checks import Eyes, unmet
from netcfg.facts import sent_between
from netcfg.intent import Check
from netcfg.linux import management_way, traffic
from netcfg.platforms import load_platform
from netcfg.reading import router_id, sending, static_routes
from netcfg.vtysh import known_ways, neighbour_state, next_hops, noticed, room, routes_over, silence

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
    "told, left",
    [
        ({"prefixAllowedMax": 5, "acceptedPrefixCounter": 3}, 2),
        ({"prefixAllowedMax": 5, "prefixAllowedMaxWarning": True, "acceptedPrefixCounter": 3}, None),
        ({"acceptedPrefixCounter": 3}, None),
    ],
)
def test_how_much_room_a_limit_leaves(told: dict[str, int], left: int | None) -> None:
    answer = json.dumps({str(PEER): {"addressFamilyInfo": {"ipv4Unicast": told}}})
    assert room(answer, PEER) == left
    assert room(answer, IPv4Address("10.9.9.9")) is None


@pytest.mark.parametrize("line", ["peer 10.9.0.1", "peer 10.9.0.1 interface eth1"])
def test_what_sends_of_itself_is_named(line: str) -> None:
    text = f"bfd\n profile fast\n exit\n {line}\n  profile fast\n exit\nexit\nrouter bgp 1\n neighbor 10.9.0.1 bfd\n"
    assert sending(load_platform("frr"), text, PEER) == f"bfd / {line}"
    assert sending(load_platform("frr"), text, IPv4Address("10.9.0.10")) == ""


class Answering:
    """A command line whose answers are written down."""

    def ask(self, command: str) -> str:
        if "neighbors" in command:
            told = {"prefixAllowedMax": 4, "acceptedPrefixCounter": 3}
            return json.dumps({str(PEER): {"bgpState": "Established", "addressFamilyInfo": {"ipv4Unicast": told}}})
        known = [{"valid": True, "nexthops": [{"ip": str(PEER)}]}] if "10.82" in command else []
        return json.dumps({"paths": known})


@pytest.mark.parametrize("other, enough", [("10.83.0.0/24", False), ("10.82.0.0/24", True)])
def test_a_neighbour_whose_limit_is_near_is_found_before_its_session_would_end(other: str, enough: bool) -> None:
    """What it tells already is no more."""
    eyes = Eyes(load_platform("frr"), Answering(), Answering())  # type: ignore[arg-type]
    prefixes = (PREFIX, IPv4Network(other))
    check = Check(when="ahead", device="ce", kind="neighbour-up", addresses=(PEER,), prefixes=prefixes)
    found = unmet(eyes, (check,), 0.0)
    assert bool(found) != enough
    assert all("10.9.0.1 leaves room for 1 further networks, and 2 are to be accepted" in each for each in found)


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


def counters(sent: int, length: int, **six: int) -> str:
    """What a Linux device says: interface line1 has received 7 packets and sent some."""
    return (
        "99.25 180.11\nInter-| Receive\n face |bytes\n  lan: 99 1 0 0 0 0 0 0 99 2 0 0 0 0 0 0\n"
        f"line1: 500 7 0 0 0 0 0 0 {length} {sent} 0 0 0 0 0 0\n"
        + "".join(f"{name} \t {number}\n" for name, number in six.items())
    )


def test_packets_are_counted_both_ways() -> None:
    assert traffic(counters(11, 900), "line1")[:2] == (99.25, 18)
    with pytest.raises(LookupError):
        traffic(counters(11, 900), "line2")


@pytest.mark.parametrize(
    "sent, length, six, passed",
    [
        (0, 0, {}, 0),
        # Four questions for an address and answers to some; a router solicitation of 70 bytes; both.
        (4, 168, {}, 0),
        (1, 70, {"Ip6OutRequests": 1, "Ip6OutOctets": 56, "Icmp6OutType133": 1}, 0),
        (3, 154, {"Ip6OutRequests": 1, "Ip6OutOctets": 56, "Icmp6OutType133": 1}, 0),
        # A user's ping among three questions; the same by IPv6, sent by the device or for others.
        (4, 3 * 42 + 98, {}, 4),
        (1, 118, {"Ip6OutRequests": 1, "Ip6OutOctets": 104}, 1),
        (2, 188, {"Ip6OutRequests": 1, "Ip6OutForwDatagrams": 1, "Ip6OutOctets": 160, "Icmp6OutType133": 1}, 1),
    ],
)
def test_only_what_looks_for_neighbours_is_silence(sent: int, length: int, six: dict[str, int], passed: int) -> None:
    before = traffic(counters(50, 5000, Ip6OutRequests=5, Ip6OutOctets=300), "line1")
    later = {name: number + {"Ip6OutRequests": 5, "Ip6OutOctets": 300}.get(name, 0) for name, number in six.items()}
    after = traffic(counters(50 + sent, 5000 + length, **({"Ip6OutRequests": 5, "Ip6OutOctets": 300} | later)), "line1")
    assert sent_between(before, after) == passed


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


@pytest.mark.parametrize(
    "bfd, within",
    [
        ({}, (9.0, "BGP")),
        ({"status": "Down", "detectMultiplier": 3, "rxMinInterval": 300}, (9.0, "BGP")),
        ({"status": "Up", "detectMultiplier": 3, "rxMinInterval": 300}, (0.9, "BFD")),
    ],
)
def test_how_soon_a_dead_neighbour_is_noticed(bfd: dict[str, object], within: tuple[float, str]) -> None:
    said = {"10.9.0.1": {"bgpTimerHoldTimeMsecs": 9000} | ({"peerBfdInfo": bfd} if bfd else {})}
    assert noticed(json.dumps(said), PEER) == within
    assert noticed("{}", PEER) == (0.0, "BGP")
