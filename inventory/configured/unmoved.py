"""What a device with a line that is to move is configured with, and is not moved, or not read, by this software."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from inventory.configured.facts import Configured, Fact, Foreign, Static
from inventory.derived.wiring import Interface
from inventory.findings import Severity
from inventory.words import _N, _

FOREIGN: Mapping[str, str] = {
    "ospf": _N("OSPF"),
    "isis": _N("IS-IS"),
    "rip": _N("RIP, EIGRP or Babel"),
    "vrf": _N("VRFs at a department's end"),
    "ipv6": _N("IPv6"),
    "policy-routing": _N("routes by policy"),
    "mpls": _N("MPLS"),
    "vpn": _N("VPN routes"),
    "include": _N("what its configuration includes from other files, which is not fetched,"),
    "tables": _N("routes between tables"),
    "nat": _N("translation of addresses"),
    "ipsec": _N("IPsec"),
}
"""What is understood and not moved."""
SIFTING: Mapping[str, str] = {
    "acl": _N("an access list at an interface"),
    "filter": _N("a filter of routes beside its policies"),
}
"""What may keep traffic or routes from the circuit, and is not read."""
_ELSEWHERE = {"ipv6", "nat", "ipsec"}
"""What stops no plan at other interfaces than a line's."""


class Unmoved(NamedTuple):
    """One thing that stops the plan, or that a person has to look at."""

    fact: Fact
    reason: str
    mend: str
    severity: Severity


def unmoved(
    facts: Configured, wires: Sequence[Interface], moving: Collection[str], out: Collection[str]
) -> Iterator[Unmoved]:
    """Yield what is not done yet at a device at which a line ends that is to move; `out` leads into the internet."""
    lines = {line: wire for wire in wires if (line := _line(wire)) in moving}
    if not lines:
        return
    told: set[tuple[str, Severity]] = set()
    for each in facts.foreign:
        severity = _weight(each, wires)
        if (each.kind, severity) not in told:
            told.add((each.kind, severity))
            yield from _foreign(each, severity, ", ".join(sorted(lines)))
    for line, wire in lines.items():
        if line not in out:
            yield from _by_hand(facts, line, wire)


def line_of(static: Static, wires: Sequence[Interface]) -> str | None:
    """Return the line that a static route leads over."""
    return next((_line(wire) for wire in wires if wire.kind == "line" and _leads_over(static, wire)), None)


def _line(wire: Interface) -> str:
    """Return the line that an interface is on; empty where it is on none."""
    return wire.link.removeprefix("line:") if wire.kind == "line" else ""


def _leads_over(static: Static, wire: Interface) -> bool:
    return not {wire.name, str(wire.peer_address)}.isdisjoint(static.way)


def _foreign(foreign: Foreign, severity: Severity, lines: str) -> Iterator[Unmoved]:
    if foreign.kind in FOREIGN:
        reason = _("{what} is not moved by this software yet, and line {line} ends at this device")
        mend = _("leave the line's domain out, or move what depends on this first: {words}")
        told = reason.format(what=_(FOREIGN[foreign.kind]), line=lines)
        yield Unmoved(foreign, told, mend.format(words=foreign.words), severity)
    elif foreign.kind in SIFTING:
        reason = _("line {line} ends at this device, and nobody has read what {what} lets through")
        mend = _("see that all that the line carries may pass at the circuit too: {words}")
        told = reason.format(what=_(SIFTING[foreign.kind]), line=lines)
        yield Unmoved(foreign, told, mend.format(words=foreign.words), Severity.WARNING)


def _by_hand(facts: Configured, line: str, wire: Interface) -> Iterator[Unmoved]:
    """Yield that traffic takes a line by static routes instead of BGP."""
    static = next((each for each in facts.statics if _leads_over(each, wire)), None)
    speaks = any(neighbour.peer in {str(wire.peer_address), wire.name} for neighbour in facts.neighbours)
    if static is not None and not speaks:
        reason = _("traffic takes line {line} by static routes, without BGP: that is not moved by this software yet")
        mend = _("have both ends speak BGP over the line first, or leave its domain out")
        yield Unmoved(static, reason.format(line=line), mend, Severity.ERROR)


def _weight(foreign: Foreign, wires: Sequence[Interface]) -> Severity:
    words = foreign.words.split()
    at_line = any(wire.kind == "line" and words[:2] == ["interface", wire.name] for wire in wires)
    elsewhere = words[0] == "interface" and not at_line
    return Severity.WARNING if foreign.kind in _ELSEWHERE and elsewhere else Severity.ERROR
