"""What an IOS double was told in FRRouting's words, and FRRouting's answers in IOS's."""

import re
import time
from collections.abc import Callable
from typing import Any

from netcfg.doubles.device import first
from netcfg.doubles.forwarding import SAME, Asked, Words, hops, packets, pinged, told
from netcfg.doubles.ios import IOS

_FAMILY = (r"router bgp .*", r"address-family ipv4")
_IN_FRR: dict[tuple[str, ...], str] = {
    (r"hostname (\S+)",): r"hostname \1",
    (r"alias exec .*",): SAME,
    (r"archive",): SAME,
    (r"archive", r"path \S+"): SAME,
    (r"interface (\S+)",): r"interface \1",
    (r"interface .*", r"description (.+)"): r"description \1",
    (r"interface .*", r"shutdown"): "shutdown",
    (r"interface .*", r"ip address (?P<net>\S+) (?P<mask>\S+)"): r"ip address {prefix}",
    (r"interface .*", r"(?:mtu|speed|duplex|bandwidth|load-interval|negotiation) .+"): SAME,
    (r"router bgp (\d+)",): r"router bgp \1",
    (r"router bgp .*", r"bgp router-id (\S+)"): r"bgp router-id \1",
    (r"router bgp .*", r"timers bgp (\d+) (\d+)"): r"timers bgp \1 \2",
    (r"router bgp .*", r"neighbor (\S+) remote-as (\d+)"): r"neighbor \1 remote-as \2",
    (r"router bgp .*", r"neighbor (\S+) description (.+)"): r"neighbor \1 description \2",
    (r"router bgp .*", r"neighbor (\S+) password (?:\d )?(\S+)"): r"neighbor \1 password \2",
    (r"router bgp .*", r"neighbor (\S+) shutdown"): r"neighbor \1 shutdown",
    _FAMILY: "address-family ipv4 unicast",
    (*_FAMILY, r"neighbor \S+ activate"): SAME,
    (*_FAMILY, r"network (?P<net>\S+) mask (?P<mask>\S+)"): r"network {prefix}",
    (*_FAMILY, r"neighbor (\S+) route-map (\S+) (in|out)"): r"neighbor \1 route-map \2 \3",
    (r"route-map (\S+) (permit|deny) (\d+)",): r"route-map \1 \2 \3",
    (r"route-map .*", r"description (.+)"): r"description \1",
    (r"route-map .*", r"match ip address prefix-list (\S+)"): r"match ip address prefix-list \1",
    (r"route-map .*", r"set local-preference (\d+)"): r"set local-preference \1",
    (r"route-map .*", r"set community (\S+)"): r"set community \1",
    (r"ip prefix-list (\S+) seq (\d+) (permit|deny) (\S+)((?: ge \d+)?(?: le \d+)?)",):
        r"ip prefix-list \1 seq \2 \3 \4\5",
    (r"ip route (?P<net>\S+) (?P<mask>\S+) (?P<way>[\d.]+)(?: (?P<rank>\d+))?(?: name \S+)?",):
        r"ip route {prefix} \g<way> \g<rank>",
    (r"ip route (?P<net>\S+) (?P<mask>\S+) Null0",): r"ip route {prefix} blackhole",
}  # fmt: skip
_RECENTLY = "%H:%M:%S"


def _answered(line: str, vtysh: Asked, shell: Asked, client: str) -> str | None:
    routes = "show ip route {} json"
    asked: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
        (r"show bgp ipv4 unicast neighbors (\S+)", lambda found: _neighbour(found[1], vtysh)),
        (r"show bgp ipv4 unicast (\S+/\d+)", lambda found: _paths(found[1], vtysh)),
        (r"show ip cef", lambda _: _table(told(vtysh("show ip route json")))),
        (r"show ip cef (\S+) (\S+)",
         lambda found: _forwarded(told(vtysh(routes.format(f"{found[1]}/{_length(found[2])}"))))),
        (r"show ip cef (\S+)", lambda found: _forwarded(told(vtysh(routes.format(found[1]))))),
        (r"show clock", lambda _: time.strftime("*%H:%M:%S.000 UTC %a %b %d %Y", time.gmtime())),
        (r"show interfaces (\S+)", lambda found: _interface(found[1], shell("cat /proc/net/dev"))),
        (r"show users", lambda _: f"*  2 vty 0     ops        idle                 00:00:00 {client}"),
        (r"ping (\S+) source (\S+) repeat (\d+) timeout (\d+)",
         lambda found: _ping(shell(f"ping -n -q -c {found[3]} -i 0.05 -W {found[4]} -I {found[2]} {found[1]}"))),
    )  # fmt: skip
    return first(asked, line)


def _length(mask: str) -> int:
    return sum(int(part).bit_count() for part in mask.split("."))


def _neighbour(address: str, vtysh: Asked) -> str:
    about = told(vtysh(f"show bgp neighbors {address} json")).get(address)
    if about is None:
        return "% No such neighbor or address family"
    heard, hold = (about.get(key, 0) // 1000 for key in ("bgpTimerLastRead", "bgpTimerHoldTimeMsecs"))
    every = about.get("bgpTimerKeepAliveIntervalMsecs", 0) // 1000
    last = time.strftime(_RECENTLY, time.gmtime(heard))
    return (
        f"BGP neighbor is {address},  remote AS {about.get('remoteAs')}, external link\n  BGP version 4\n"
        f"  BGP state = {about.get('bgpState')}, up for 00:00:10\n"
        f"  Last read {last}, last write 00:00:01, hold time is {hold}, keepalive interval is {every} seconds"
    )


def _table(said: dict[str, Any]) -> str:
    shown, before = ["Prefix               Next Hop             Interface"], ""
    for prefix, _learnt, _distance, hop, out in hops(said):
        shown.append(f"{'' if prefix == before else prefix:<20} {hop or 'attached':<20} {out}")
        before = prefix
    return "\n".join(shown)


def _forwarded(said: dict[str, Any]) -> str:
    shown: list[str] = []
    for prefix, _learnt, _distance, hop, out in hops(said):
        shown += [prefix] if prefix not in shown else []
        shown.append(f"  nexthop {hop} {out}" if hop else f"  attached to {out}")
    return "\n".join(shown) or "%Prefix not found"


def _paths(prefix: str, vtysh: Asked) -> str:
    said = told(vtysh(f"show bgp ipv4 unicast {prefix} json"))
    shown = [f"BGP routing table entry for {prefix}, version 4"]
    for path in said.get("paths", ()):
        for hop in path.get("nexthops", ()):
            shown += [f"  {path.get('aspath', {}).get('string', '')}", f"    {hop.get('ip')} from {hop.get('ip')} (-)",
                      "      Origin IGP, " + ("valid, external" if path.get("valid") else "external")]  # fmt: skip
    return "\n".join(shown)


def _interface(name: str, counted: str) -> str:
    passed = packets(name, counted)
    if passed is None:
        return "% Invalid input detected at '^' marker."
    return (
        f"{name} is up, line protocol is up\n     {passed[0]} packets input, 0 bytes, 0 no buffer\n"
        f"     {passed[1]} packets output, 0 bytes, 0 underruns"
    )


def _ping(answer: str) -> str:
    sent, come = pinged(answer)
    return f"Success rate is {100 * come // max(1, sent)} percent ({come}/{sent})"


FORWARDED = Words(_IN_FRR, IOS.wrong, _answered)
