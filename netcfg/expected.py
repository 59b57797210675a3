"""What must be seen at an end of a line before each stage and after it, and around its undo."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Literal

from netcfg.ends import End
from netcfg.steps import WHENS, Addresses, Check, LineStage, When

_LINE_IS_UP: Mapping[When, tuple[LineStage, ...]] = {
    "ahead": (LineStage.ATTACH, LineStage.SHIFT),
    "after": (LineStage.ATTACH, LineStage.SHIFT),
    # Who goes back to the line has to find it alive.
    "returning": (LineStage.ATTACH, LineStage.SHIFT),
    "undone": (LineStage.ATTACH, LineStage.SHIFT, LineStage.DRAIN),
}
_LINE_IS_GONE: Mapping[When, tuple[LineStage, ...]] = {
    "ahead": (LineStage.RELEASE,),
    "after": (LineStage.DRAIN, LineStage.RELEASE),
    "returning": (),
    "undone": (LineStage.RELEASE,),
}
_TRAFFIC_ON_CIRCUIT: Mapping[When, tuple[LineStage, ...]] = {
    "ahead": (LineStage.DRAIN, LineStage.RELEASE),
    "after": (LineStage.SHIFT, LineStage.DRAIN, LineStage.RELEASE),
    "returning": (),
    "undone": (LineStage.DRAIN, LineStage.RELEASE),
}


def checks(stage: LineStage, end: End) -> Iterator[Check]:
    """Yield what must be seen at one end of the line before the stage and after it, and around its undo."""
    line = (end.line_peer,)
    for when in WHENS:
        check = partial(Check, when=when, device=end.device.name)
        # Who goes back needs the circuit only where it carries the traffic.
        circuits = () if when == "returning" else end.circuit_peers
        # The circuit is about to tell so much more.
        more = end.far if (when, stage) == ("ahead", LineStage.ATTACH) else ()
        yield from (check(kind="neighbour-up", addresses=(address,), prefixes=more) for address in circuits)
        if stage in _LINE_IS_UP[when]:
            yield check(kind="neighbour-up", addresses=line)
        if stage in _LINE_IS_GONE[when]:
            yield check(kind="neighbour-gone", addresses=line)
        yield from (check(kind=kind, addresses=way, prefix=prefix)
                    for kind, way in _ways(when, stage, end) for prefix in end.far)  # fmt: skip
        if end.own and end.far and when != "returning":
            # The device's own address in its network: the answer takes the way that users' packets take.
            yield check(kind="reachable", addresses=(end.far[0][1],), source=end.own[0][1])
    yield from _nothing_is_cut(stage, end)


def _ways(when: When, stage: LineStage, end: End) -> Iterator[tuple[Literal["route-via", "path-known"], Addresses]]:
    """Yield which way packets must go for the far end's networks, or could go."""
    on_circuit = stage in _TRAFFIC_ON_CIRCUIT[when]
    if when in {"after", "undone"} or (when == "ahead" and on_circuit):
        yield "route-via", end.circuit_peers if on_circuit else end.line_ways
    # Ahead of a shift one end may have been moved already, by an attempt that died.
    if when == "ahead" and stage is LineStage.SHIFT:
        yield "path-known", end.circuit_peers
    if when == "returning" and stage in _LINE_IS_UP[when]:
        yield "path-known", (end.line_peer,)


def _nothing_is_cut(stage: LineStage, end: End) -> Iterator[Check]:
    """Yield what must be so that nobody is cut of whom the inventory knows nothing."""
    check = partial(Check, device=end.device.name, interface=end.wire.name)
    if end.wire.address is not None:
        here = end.wire.address.ip
        yield check(when="ahead", kind="management-elsewhere", source=here, prefixes=end.far)
        if stage in _LINE_IS_UP["returning"]:
            yield check(when="returning", kind="reachable", addresses=(end.line_peer,), source=here)
    if stage is not LineStage.ATTACH:
        ways = (end.line_peer, *end.circuit_peers)
        yield check(when="ahead", kind="nothing-else", addresses=ways, prefixes=end.far)
    if stage is LineStage.DRAIN:
        # A BGP session alone sends a few, with BFD more; one user who pings every 10 ms makes a hundred.
        yield check(when="ahead", kind="quiet", seconds=0.5, packets=20, outgoing=end.alone)
    if stage is LineStage.RELEASE:
        yield check(when="ahead", kind="silent", seconds=10.0, addresses=(end.line_peer,))
        if end.alone:
            # The other end looks there else; from here its packets are seen as they come.
            yield check(when="ahead", kind="quiet", seconds=0.5, packets=5)
