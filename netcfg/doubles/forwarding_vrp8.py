"""What a VRP8 double was told in FRRouting's words, and FRRouting's answers in VRP's."""

import re
import time
from collections.abc import Callable
from typing import Any

from netcfg.doubles.device import first
from netcfg.doubles.forwarding import SAME, Asked, Words, hops, packets, pinged, told
from netcfg.doubles.vrp8 import VRP8

_FAMILY = (r"bgp .*", r"ipv4-family unicast")
_IN_FRR: dict[tuple[str, ...], str] = {
    (r"sysname (\S+)",): r"hostname \1",
    (r"interface (\S+)",): r"interface \1",
    (r"interface .*", r"description (.+)"): r"description \1",
    (r"interface .*", r"undo shutdown"): SAME,
    (r"interface .*", r"shutdown"): "shutdown",
    (r"interface .*", r"ip address (?P<net>\S+) (?P<mask>\S+)"): r"ip address {prefix}",
    (r"interface .*", r"(?:mtu|speed|duplex|trust|statistic|carrier|device|negotiation) .+"): SAME,
    (r"bgp (\d+)",): r"router bgp \1",
    (r"bgp .*", r"router-id (\S+)"): r"bgp router-id \1",
    (r"bgp .*", r"timer keepalive (\d+) hold (\d+)"): r"timers bgp \1 \2",
    (r"bgp .*", r"peer (\S+) as-number (\d+)"): r"neighbor \1 remote-as \2",
    (r"bgp .*", r"peer (\S+) description (.+)"): r"neighbor \1 description \2",
    (r"bgp .*", r"peer (\S+) password (?:cipher|simple) (\S+)"): r"neighbor \1 password \2",
    (r"bgp .*", r"peer (\S+) ignore"): r"neighbor \1 shutdown",
    _FAMILY: "address-family ipv4 unicast",
    (*_FAMILY, r"undo synchronization"): SAME,
    (*_FAMILY, r"peer \S+ enable"): SAME,
    (*_FAMILY, r"network (?P<net>\S+) (?P<mask>\S+)"): r"network {prefix}",
    (*_FAMILY, r"peer (\S+) route-policy (\S+) import"): r"neighbor \1 route-map \2 in",
    (*_FAMILY, r"peer (\S+) route-policy (\S+) export"): r"neighbor \1 route-map \2 out",
    (r"route-policy (\S+) (permit|deny) node (\d+)",): r"route-map \1 \2 \3",
    (r"route-policy .*", r"description (.+)"): r"description \1",
    (r"route-policy .*", r"if-match ip-prefix (\S+)"): r"match ip address prefix-list \1",
    (r"route-policy .*", r"apply local-preference (\d+)"): r"set local-preference \1",
    (r"route-policy .*", r"apply community (\S+)"): r"set community \1",
    (r"ip ip-prefix (\S+) index (\d+) (permit|deny) (\S+) (\d+)",): r"ip prefix-list \1 seq \2 \3 \4/\5",
    (r"ip ip-prefix (\S+) index (\d+) (permit|deny) (\S+) (\d+) less-equal (\d+)",):
        r"ip prefix-list \1 seq \2 \3 \4/\5 le \6",
    (r"ip ip-prefix (\S+) index (\d+) (permit|deny) (\S+) (\d+) greater-equal (\d+)(?: less-equal (\d+))?",):
        r"ip prefix-list \1 seq \2 \3 \4/\5 ge \6 le \7",
    (r"ip route-static (?P<net>\S+) (?P<mask>\S+) (?P<way>[\d.]+)(?: preference (?P<rank>\d+))?(?: description .*)?",):
        r"ip route {prefix} \g<way> \g<rank>",
    (r"ip route-static (?P<net>\S+) (?P<mask>\S+) NULL0",): r"ip route {prefix} blackhole",
}  # fmt: skip


def _answered(line: str, vtysh: Asked, shell: Asked, client: str) -> str | None:
    routes = "show ip route {} json"
    asked: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
        (r"display bgp peer (\S+) verbose", lambda found: _peer(found[1], vtysh)),
        (r"display ip routing-table", lambda _: _table(told(vtysh("show ip route json")))),
        (r"display ip routing-table (\S+) (\d+)",
         lambda found: _table(told(vtysh(routes.format(f"{found[1]}/{found[2]}"))))),
        (r"display ip routing-table (\S+)", lambda found: _table(told(vtysh(routes.format(found[1]))))),
        (r"display bgp routing-table (\S+) (\d+)", lambda found: _paths(f"{found[1]}/{found[2]}", vtysh)),
        (r"display interface (\S+)", lambda found: _interface(found[1], shell("cat /proc/net/dev"))),
        (r"display users", lambda _: f"+ 34   VTY 0   00:00:00  SSH  {client}   pass   no   ops"),
        (r"ping -c (\d+) -m \d+ -t \d+ -a (\S+) (\S+)",
         lambda found: _ping(shell(f"ping -n -q -c {found[1]} -i 0.05 -W 1 -I {found[2]} {found[3]}"))),
    )  # fmt: skip
    return first(asked, line)


def _peer(address: str, vtysh: Asked) -> str:
    about = told(vtysh(f"show bgp neighbors {address} json")).get(address)
    if about is None:
        return "Error: The specified peer does not exist."
    hold = about.get("bgpTimerHoldTimeMsecs", 0) // 1000
    return (
        f"         BGP Peer is {address},  remote AS {about.get('remoteAs')}\n         Type: EBGP link\n"
        f"         BGP current state: {about.get('bgpState')}, Up for 00h00m10s\n"
        f"         Configured: Active Hold Time: 180 sec   Keepalive Time:60 sec\n"
        f"         Negotiated: Active Hold Time: {hold} sec   Keepalive Time:{hold // 3} sec"
    )


def _table(said: dict[str, Any]) -> str:
    shown = ["Route Flags: R - relay, D - download to fib", "-" * 78, "Routing Table : _public_",
             "Destination/Mask    Proto   Pre  Cost        Flags NextHop         Interface", ""]  # fmt: skip
    for prefix, learnt, distance, hop, out in hops(said):
        protocol = {"bgp": "EBGP", "static": "Static"}.get(learnt, "Direct")
        ways = f"D   {hop or '127.0.0.1':<15} {out}"
        shown.append(f"{prefix:>18}  {protocol:<7} {distance:<4} 0             {ways}")
    return "\n".join(shown)


def _paths(prefix: str, vtysh: Asked) -> str:
    said = told(vtysh(f"show bgp ipv4 unicast {prefix} json"))
    shown = [f" BGP routing table entry information of {prefix}:"]
    for path in said.get("paths", ()):
        for hop in path.get("nexthops", ()):
            shown += [f" Original nexthop: {hop.get('ip')}", " Qos information : 0x0",
                      f" AS-path {path.get('aspath', {}).get('string', '')}, origin igp, "
                      + ("valid, external" if path.get("valid") else "external")]  # fmt: skip
    return "\n".join(shown)


def _interface(name: str, counted: str) -> str:
    passed = packets(name, counted)
    if passed is None:
        return "Error: Wrong parameter found."
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    return (
        f"{name} current state : UP\nCurrent system time: {now}\n    Input:\n      Unicast: {passed[0]} packets\n"
        f"    Output:\n      Unicast: {passed[1]} packets"
    )


def _ping(answer: str) -> str:
    sent, come = pinged(answer)
    return f"    {sent} packet(s) transmitted\n    {come} packet(s) received"


FORWARDED = Words(_IN_FRR, VRP8.wrong, _answered)
