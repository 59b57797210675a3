"""Has packets show what a VRP8 double was told: its configuration in FRRouting's words, FRRouting's answers in VRP's.

This reads what stands on the device and nothing of what was meant; whatever it has no words for is refused.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from typing import Any

from netcfg.doubles.forms import Lines, Refusal, nested
from netcfg.doubles.vrp8 import VRP8

Asked = Callable[[str], str]
"""Asks the router that forwards, and returns its answer."""

_SAME = ""
_IN_FRR: dict[tuple[str, ...], str] = {
    (r"sysname (\S+)",): r"hostname \1",
    (r"interface (\S+)",): r"interface \1",
    (r"interface .*", r"description (.+)"): r"description \1",
    (r"interface .*", r"undo shutdown"): _SAME,
    (r"interface .*", r"shutdown"): "shutdown",
    (r"interface .*", r"ip address (\S+) (\S+)"): r"ip address \1/{length}",
    (r"bgp (\d+)",): r"router bgp \1",
    (r"bgp .*", r"router-id (\S+)"): r"bgp router-id \1",
    (r"bgp .*", r"timer keepalive (\d+) hold (\d+)"): r"timers bgp \1 \2",
    (r"bgp .*", r"peer (\S+) as-number (\d+)"): r"neighbor \1 remote-as \2",
    (r"bgp .*", r"peer (\S+) description (.+)"): r"neighbor \1 description \2",
    (r"bgp .*", r"peer (\S+) ignore"): r"neighbor \1 shutdown",
    (r"bgp .*", r"ipv4-family unicast"): "address-family ipv4 unicast",
    (r"bgp .*", r"ipv4-family unicast", r"undo synchronization"): _SAME,
    (r"bgp .*", r"ipv4-family unicast", r"peer \S+ enable"): _SAME,
    (r"bgp .*", r"ipv4-family unicast", r"network (\S+) (\S+)"): r"network \1/{length}",
    (r"bgp .*", r"ipv4-family unicast", r"peer (\S+) route-policy (\S+) import"): r"neighbor \1 route-map \2 in",
    (r"bgp .*", r"ipv4-family unicast", r"peer (\S+) route-policy (\S+) export"): r"neighbor \1 route-map \2 out",
    (r"route-policy (\S+) (permit|deny) node (\d+)",): r"route-map \1 \2 \3",
    (r"route-policy .*", r"description (.+)"): r"description \1",
    (r"route-policy .*", r"if-match ip-prefix (\S+)"): r"match ip address prefix-list \1",
    (r"route-policy .*", r"apply local-preference (\d+)"): r"set local-preference \1",
    (r"route-policy .*", r"apply community (\S+)"): r"set community \1",
    (r"ip ip-prefix (\S+) index (\d+) (permit|deny) (\S+) (\d+)",): r"ip prefix-list \1 seq \2 \3 \4/\5",
    (r"ip route-static (\S+) (\d+) (\S+)",): r"ip route \1/\2 \3",
}  # fmt: skip


def compiled(lines: Lines) -> str:
    """Return a configuration of VRP8 as one of FRRouting that forwards likewise; Refusal where that has no words."""
    return "".join(f"{line}\n" for line in _compiled(lines))


def _compiled(lines: Lines) -> Iterator[str]:
    for path in nested(lines):
        words = _one(path)
        if words:
            yield " " * (len(path) - 1) + words
        if re.fullmatch(r"bgp \d+", path[-1]):
            # VRP accepts and announces where no policy is named.
            yield " no bgp ebgp-requires-policy"
        if re.fullmatch(r"peer \S+ as-number \d+", path[-1]):
            yield f" neighbor {path[-1].split(' ')[1]} timers connect 1"


def _one(path: tuple[str, ...]) -> str:
    for patterns, words in _IN_FRR.items():
        if len(patterns) != len(path):
            continue
        found = [re.fullmatch(pattern, line) for pattern, line in zip(patterns, path, strict=True)]
        if all(found) and (last := found[-1]) is not None:
            said = last.expand(words)
            return said.format(length=IPv4Network(f"0.0.0.0/{last[2]}").prefixlen) if "{length}" in said else said
    raise Refusal(VRP8.wrong)


def answered(line: str, vtysh: Asked, shell: Asked) -> str | None:
    """Return what a VRP8 would say of its neighbours and routes; None where this double has no words for it."""
    asked: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
        (r"display bgp peer (\S+) verbose", lambda found: _peer(found[1], vtysh)),
        (r"display ip routing-table", lambda _: _table(_json(vtysh("show ip route json")))),
        (r"display ip routing-table (\S+) (\d+)",
         lambda found: _table(_json(vtysh(f"show ip route {found[1]}/{found[2]} json")))),
        (r"display ip routing-table (\S+)", lambda found: _table(_json(vtysh(f"show ip route {found[1]} json")))),
        (r"display bgp routing-table (\S+) (\d+)", lambda found: _paths(f"{found[1]}/{found[2]}", vtysh)),
        (r"display interface (\S+)", lambda found: _interface(found[1], shell("cat /proc/net/dev"))),
        (r"display users", lambda _: "+ 34   VTY 0   00:00:00  SSH  192.0.2.1   pass   no   ops"),
        (r"ping -c (\d+) -m \d+ -t \d+ -a (\S+) (\S+)",
         lambda found: _ping(shell(f"ping -n -q -c {found[1]} -i 0.05 -W 1 -I {found[2]} {found[3]}"))),
    )  # fmt: skip
    for pattern, act in asked:
        if (found := re.fullmatch(pattern, line)) is not None:
            return act(found)
    return None


def _json(answer: str) -> dict[str, Any]:
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _peer(address: str, vtysh: Asked) -> str:
    about = _json(vtysh(f"show bgp neighbors {address} json")).get(address)
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
    for prefix, routes in said.items():
        for route in routes:
            protocol = {"bgp": "EBGP", "static": "Static"}.get(route.get("protocol"), "Direct")
            for hop in route.get("nexthops", ()) if route.get("selected") else ():
                to, out = hop.get("ip", "127.0.0.1"), hop.get("interfaceName", "")
                cost = f"{route.get('distance', 0):<4} 0            "
                shown.append(f"{prefix:>18}  {protocol:<7} {cost} D   {to:<15} {out}")
    return "\n".join(shown)


def _paths(prefix: str, vtysh: Asked) -> str:
    said = _json(vtysh(f"show bgp ipv4 unicast {prefix} json"))
    shown = [f" BGP routing table entry information of {prefix}:"]
    for path in said.get("paths", ()):
        for hop in path.get("nexthops", ()):
            shown += [f" Original nexthop: {hop.get('ip')}", " Qos information : 0x0",
                      f" AS-path {path.get('aspath', {}).get('string', '')}, origin igp, "
                      + ("valid, external" if path.get("valid") else "external")]  # fmt: skip
    return "\n".join(shown)


def _interface(name: str, counted: str) -> str:
    found = re.search(rf"^\s*{re.escape(name)}:\s*(.*)$", counted, re.MULTILINE)
    if found is None:
        return "Error: Wrong parameter found."
    numbers = [int(number) for number in found[1].split()]
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    return (
        f"{name} current state : UP\nCurrent system time: {now}\n    Input:\n      Unicast: {numbers[1]} packets\n"
        f"    Output:\n      Unicast: {numbers[9]} packets"
    )


def _ping(answer: str) -> str:
    found = re.search(r"(\d+) packets transmitted, (\d+) received", answer)
    sent, come = (found[1], found[2]) if found is not None else ("0", "0")
    return f"    {sent} packet(s) transmitted\n    {come} packet(s) received"
