"""BIRD's answers are read for what they say, and say nothing where they are something else."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from netcfg import birdc

PROTOCOLS = """\
Name       Proto      Table      State  Since         Info
own        Static     master4    up     14:42:33.426
  Channel ipv4
    State:          UP

to_water   BGP        ---        up     14:42:34.001  Established
  Description:    line:water-leased
  BGP state:          Established
    Neighbor address: 10.252.11.1
    Neighbor AS:      65211
    Hold timer:       7.250/9
    Keepalive timer:  1.100/3
  Channel ipv4
    State:          UP

to_pe      BGP        ---        down   14:42:34.001
  BGP state:          Down
    Neighbor address: 10.254.81.1
"""
ROUTES = """\
Table master4:
10.11.0.0/24         unicast [to_water 14:42:35.120] * (100) [AS65211i]
\tvia 10.252.11.1 on line-water-leas
                     unicast [to_pe 14:42:36.009] (100) [AS65211i]
\tvia 10.254.81.1 on acc-administrat
10.81.0.0/24         unicast [direct1 14:42:33.426] * (240)
\tdev lan
10.9.0.0/16          blackhole [own 14:42:33.426] * (200)
10.8.0.0/16          unicast [own 14:42:33.426] * (200)
\tvia 10.252.11.1 on line-water-leas weight 1
\tvia 10.254.81.1 on acc-administrat weight 1
"""
LINE, CIRCUIT, ELSEWHERE = (IPv4Address(each) for each in ("10.252.11.1", "10.254.81.1", "10.1.1.1"))


def test_neighbours() -> None:
    states = [birdc.neighbour_state(PROTOCOLS, each) for each in (LINE, CIRCUIT, ELSEWHERE)]
    assert states == ["Established", "Down", "absent"]
    assert birdc.silence(PROTOCOLS, LINE) == (1.75, 3.0)
    assert birdc.silence(PROTOCOLS, CIRCUIT) == (0.0, 0.0)
    assert birdc.noticed(PROTOCOLS, LINE) == (9.0, "BGP")


@pytest.mark.parametrize("limit, room", [
    ("    Import limit:   5\n      Action:       disable\n", 2),
    ("    Import limit:   3 [HIT]\n      Action:       block\n", 0),
    ("    Import limit:   5\n      Action:       warn\n", None), ("", None),
])  # fmt: skip
def test_how_much_room_a_limit_leaves(limit: str, room: int | None) -> None:
    told = f"    State:          UP\n{limit}    Routes:         3 imported, 1 filtered, 1 exported\n\nto_pe"
    assert birdc.room(PROTOCOLS.replace("    State:          UP\n\nto_pe", told), LINE) == room


@pytest.mark.parametrize("answer", ["", "Network not found", "syntax error", "  BGP state:", "10.11.0.0/24"])
def test_other_words_say_nothing(answer: str) -> None:
    assert birdc.neighbour_state(answer, LINE) == "absent"
    assert birdc.known_ways(answer) == ()
    assert birdc.routes_over(answer, "line-water-leas") == {}


def test_routes() -> None:
    assert birdc.known_ways("\n".join(ROUTES.splitlines()[:5])) == (str(LINE), str(CIRCUIT))
    assert birdc.next_hops(ROUTES, IPv4Network("10.11.0.0/24")) == (str(LINE),)
    assert birdc.next_hops(ROUTES, IPv4Network("10.8.0.0/16")) == (str(LINE), str(CIRCUIT))
    assert birdc.next_hops(ROUTES, IPv4Network("10.81.0.0/24")) == ()
    assert birdc.routes_over(ROUTES, "line-water-leas") == {"10.11.0.0/24": "to_water", "10.8.0.0/16": "own"}


SESSIONS = """BIRD 2.0.12 ready.
bfd1:
IP address                Interface  State      Since         Interval  Timeout
10.254.82.1               acc        Up         18:00:01.120     0.100    0.500
10.252.13.1               line       Down       18:00:01.120     0.100    0.500
"""


def test_a_session_of_bfd_that_is_up_notices_a_death_before_bgp_does() -> None:
    assert birdc.noticed(SESSIONS, IPv4Address("10.254.82.1")) == (0.5, "BFD")
    assert birdc.noticed(SESSIONS, IPv4Address("10.252.13.1")) == (0.0, "BGP")
