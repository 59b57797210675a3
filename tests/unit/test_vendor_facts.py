"""What vendors' devices answer is read by the patterns of their platforms; the answers are those of the manuals."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from netcfg.answers import facts_of
from netcfg.facts import sent_between
from netcfg.platforms import load_platform
from netcfg.reading import static_routes

PEER, FAR, CIRCUIT = IPv4Address("10.252.11.2"), IPv4Network("10.81.0.0/24"), "10.254.11.1"
TELLS = {
    "vrp8": {
        "neighbour": """
         BGP Peer is 10.252.11.2,  remote AS 65281
         Type: EBGP link
         BGP version 4, Remote router ID 10.255.0.81
         BGP current state: Established, Up for 00h00m53s
         Configured: Active Hold Time: 180 sec   Keepalive Time:60 sec
         Received  : Active Hold Time: 180 sec
         Negotiated: Active Hold Time: 90 sec   Keepalive Time:30 sec""",
        "routes": """Route Flags: R - relay, D - download to fib, T - to vpn-instance, B - black hole route
------------------------------------------------------------------------------
Routing Table : _public_
         Destinations : 4        Routes : 5

Destination/Mask    Proto   Pre  Cost        Flags NextHop         Interface

      10.11.0.0/24  Direct  0    0             D   10.11.0.1       GigabitEthernet0/1/1
      10.81.0.0/24  EBGP    255  0             RD  10.252.11.2     GigabitEthernet0/1/0
                    EBGP    255  0             RD  10.254.11.1     GigabitEthernet0/1/2
      10.99.0.0/16  Static  60   0             RD  10.252.11.2     GigabitEthernet0/1/0
    10.252.11.0/30  Direct  0    0             D   10.252.11.1     GigabitEthernet0/1/0""",
        "ways": """
 BGP local router ID : 10.255.0.11
 Paths:   2 available, 1 best, 1 select, 0 best-external, 0 add-path
 BGP routing table entry information of 10.81.0.0/24:
 From: 10.252.11.2 (10.255.0.81)
 Original nexthop: 10.252.11.2
 AS-path 65281, origin igp, pref-val 0, valid, external, best, select, pre 255
 From: 10.254.11.1 (10.255.0.1)
 Original nexthop: 10.254.11.1
 AS-path 65101, origin igp, pref-val 0, valid, external, pre 255
 From: 10.254.12.1 (10.255.0.1)
 Original nexthop: 10.254.12.1
 AS-path 65101, origin igp, pref-val 0, external, pre 255""",
        "traffic": """GigabitEthernet0/1/0 current state : UP (ifindex: 5)
Current system time: 2026-11-27 10:15:{second}
    Input: 4096 bytes, 40 packets
    Input:
      Unicast: 30 packets, Multicast: 10 packets
    Output: 4096 bytes, 40 packets
    Output:
      Unicast: {out} packets, Multicast: 9 packets""",
        "users": """  User-Intf    Delay    Type   Network Address     AuthenStatus    AuthorcmdFlag
  33   VTY 0   00:05:10  SSH   10.9.9.9             pass            no   Username : other
+ 34   VTY 1   00:00:00  SSH   10.81.0.7            pass            no   Username : ops""",
        "pinged": "    3 packet(s) transmitted\n    1 packet(s) received\n    66.67% packet loss",
        "silent": "    3 packet(s) transmitted\n    0 packet(s) received\n    100.00% packet loss",
        "static": "#\nip route-static 10.99.0.0 255.255.0.0 10.252.11.2\nip route-static 0.0.0.0 0 NULL0\n#\nreturn\n",
        "interface": "GigabitEthernet0/1/0",
    },
    "ios": {
        "neighbour": """BGP neighbor is 10.252.11.2,  remote AS 65281, external link
  BGP version 4, remote router ID 10.255.0.81
  BGP state = Established, up for 00:01:09
  Last read 00:00:12, last write 00:00:02, hold time is 90, keepalive interval is 30 seconds""",
        "routes": """Prefix               Next Hop             Interface
0.0.0.0/0            no route
10.11.0.0/24         attached             GigabitEthernet2
10.81.0.0/24         10.252.11.2          GigabitEthernet1
                     10.254.11.1          GigabitEthernet3
10.99.0.0/16         10.252.11.2          GigabitEthernet1
10.252.11.0/30       attached             GigabitEthernet1
10.252.11.1/32       receive              GigabitEthernet1""",
        "route": "10.81.0.0/24\n  nexthop 10.252.11.2 GigabitEthernet1\n  nexthop 10.254.11.1 GigabitEthernet3",
        "ways": """BGP routing table entry for 10.81.0.0/24, version 4
Paths: (2 available, best #1, table default)
  65281
    10.252.11.2 from 10.252.11.2 (10.255.0.81)
      Origin IGP, metric 0, localpref 100, valid, external, best
  65101
    10.254.11.1 from 10.254.11.1 (10.255.0.1)
      Origin IGP, localpref 100, valid, external
  65101
    10.254.12.1 from 10.254.12.1 (10.255.0.1)
      Origin IGP, localpref 100, external""",
        "traffic": """*10:15:{second}.123 UTC Fri Nov 27 2026
GigabitEthernet1 is up, line protocol is up
     40 packets input, 4096 bytes, 0 no buffer
     {out} packets output, 4096 bytes, 0 underruns""",
        "users": """    Line       User       Host(s)              Idle       Location
   1 vty 0     other      idle                 00:05:10 10.9.9.9
*  2 vty 1     ops        idle                 00:00:00 10.81.0.7""",
        "pinged": "!..\nSuccess rate is 33 percent (1/3), round-trip min/avg/max = 1/1/1 ms",
        "silent": "...\nSuccess rate is 0 percent (0/3)",
        "static": "!\nip route 10.99.0.0 255.255.0.0 10.252.11.2\nip route 0.0.0.0 0.0.0.0 Null0\n!\nend\n",
        "interface": "GigabitEthernet1",
    },
}


@pytest.mark.parametrize("limit, room", [("3", 1), ("3 (warning-only)", None), ("", None)])
def test_ios_tells_how_much_room_a_limit_leaves(limit: str, room: int | None) -> None:
    told = "                        Sent       Rcvd\n    Prefixes Current:      1          2 (Consumes 408 bytes)\n"
    told += f"  Maximum prefixes allowed {limit}\n  Threshold for warning message 75%\n" if limit else ""
    assert facts_of(load_platform("ios")).room(TELLS["ios"]["neighbour"] + told, PEER) == room


@pytest.mark.parametrize("name", sorted(TELLS))
def test_answers_of_neighbours_and_routes_are_read(name: str) -> None:
    tells, facts = TELLS[name], facts_of(load_platform(name))
    assert facts.neighbour_state(tells["neighbour"], PEER) == "Established"
    assert facts.neighbour_state(tells["neighbour"], IPv4Address("10.252.11.20")) == "absent"
    assert facts.noticed(tells["neighbour"], PEER) == (90.0, "BGP")
    assert facts.silence(tells["neighbour"], PEER) == ((12.0, 30.0) if name == "ios" else (0.0, 0.0))
    one = tells.get("route", tells["routes"])
    assert facts.next_hops(one, FAR) == ("10.252.11.2", CIRCUIT)
    assert facts.next_hops(one, IPv4Network("10.82.0.0/24")) == ()
    assert set(facts.routes_over(tells["routes"], tells["interface"])) == {"10.81.0.0/24", "10.99.0.0/16"}
    assert facts.known_ways(tells["ways"]) == ("10.252.11.2", CIRCUIT)


@pytest.mark.parametrize("name", sorted(TELLS))
def test_what_an_interface_carries_is_counted(name: str) -> None:
    tells, facts = TELLS[name], facts_of(load_platform(name))
    first, later = (
        facts.traffic(tells["traffic"].format(second=second, out=out), tells["interface"])
        for second, out in (("00", 30), ("10", 37))
    )
    assert later.uptime - first.uptime == 10
    assert sent_between(first, later) == 7
    assert sent_between(first, first) == 0
    with pytest.raises(LookupError):
        facts.traffic("Error: no such interface", "x")


@pytest.mark.parametrize("name", sorted(TELLS))
def test_it_is_known_over_which_interface_a_device_is_managed(name: str) -> None:
    tells, platform = TELLS[name], load_platform(name)
    facts = facts_of(platform)
    back = platform.shell.route_back.format(address="10.81.0.7")
    lines = tells["routes"].splitlines()
    route = tells.get("route") or "\n".join(line for line in lines if "10.81.0.0/24" in line)
    told = {platform.shell.management: tells["users"], back: route}
    assert facts.management(told.__getitem__) == ("10.81.0.7", "", tells["interface"])
    with pytest.raises(LookupError):
        facts.management(lambda _command: "")


@pytest.mark.parametrize("name", sorted(TELLS))
def test_an_answer_of_any_packet_is_an_answer(name: str) -> None:
    facts = facts_of(load_platform(name))
    assert [facts.reached(TELLS[name][key]) for key in ("pinged", "silent")] == [True, False]


@pytest.mark.parametrize("name", sorted(TELLS))
def test_static_routes_are_found_by_where_they_lead(name: str) -> None:
    platform = load_platform(name)
    assert static_routes(platform, TELLS[name]["static"], {"10.252.11.2"}) == ("10.99.0.0/16",)
