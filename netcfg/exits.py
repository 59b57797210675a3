"""A department's own internet exit: its default route goes to the circuit, where the extranet's exit translates.

The provider edge tells a default route by BGP, and the department's device has one by hand over its own line. `attach`
accepts the first, `shift` gives the second a distance behind it, `drain` shuts the line's interface, `release` takes
its address and the route away. The operator of the extranet's exit says to which addresses it translates, and whom it
tells its default route.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from inventory.derived.exits import DEFAULT
from inventory.model import Line
from netcfg.ends import End, entries, escaped, policies, shared
from netcfg.errors import NoDefaultRoute
from netcfg.platforms import load_platform
from netcfg.steps import WHENS, Check, LineStage, Policy, When

SILENT_SECONDS = 10.0
"""At least so long nothing went out over the line; in fact nothing since the shift, whenever that was."""
_LINE_LEADS = {("ahead", LineStage.ATTACH), ("after", LineStage.ATTACH), ("undone", LineStage.ATTACH),
               ("undone", LineStage.SHIFT)}  # fmt: skip
"""When packets go out over the line; ahead of a shift an attempt that died may have moved them."""


class Blocks(NamedTuple):
    """What the near end must have before and after a stage, as in DeviceChange."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()


def exit_blocks(line: Line, stage: LineStage, end: End) -> Blocks:
    """Return what a stage changes at the near end; NoDefaultRoute where its platform has no words for it."""
    platform = load_platform(end.device.platform)
    if "default_first" not in platform.blocks:
        raise NoDefaultRoute(line.name, end.device.name, platform.name)
    interface = {"interface": end.wire.name, "own": end.wire.address}
    route = _default_route(line, end)
    match stage:
        case LineStage.ATTACH:
            # With the route as it has to be then: another form of it is refused before anything moves.
            accepted = (*shared(end, "accept", "accepted"), *policies(end), route)
            return Blocks(after=entries(line, end, "accept"), policies=accepted)
        case LineStage.SHIFT:
            return Blocks(after=entries(line, end, "prefer"), policies=(route,))
        case LineStage.DRAIN:
            return Blocks(after=(platform.block("interface_shut", **interface),))
        case LineStage.RELEASE:
            return Blocks(before=(platform.block("interface", **interface),), policies=(route,))


def _default_route(line: Line, end: End) -> Policy:
    platform = load_platform(end.device.platform)
    own = end.wire.address
    return Policy(
        marker=platform.block("default_marker", circuit=end.circuit, line=re.escape(line.name)),
        present=platform.block("default_second", address=end.line_peer),
        absent=platform.block("default_first", address=end.line_peer),
        within=platform.block("default_within", ip=re.escape(str(own.ip)), **escaped(own.network)),
    )


def exit_checks(stage: LineStage, end: End) -> Iterator[Check]:
    """Yield what must be seen at the near end before the stage and after it, and around its undo."""
    assert end.exit is not None
    for when in WHENS:
        check = partial(Check, when=when, device=end.device.name)
        # Who goes back needs the line, not the circuit.
        for address in () if when == "returning" else end.circuit_peers:
            more = end.far if (when, stage) == ("ahead", LineStage.ATTACH) else ()
            yield check(kind="neighbour-up", addresses=(address,), prefixes=more)
        yield from _way_out(stage, end, when)
        if end.own and when != "returning":
            # From the device's own address in its network, so that the packets are translated as users' are.
            yield check(kind="reachable", addresses=(end.exit.answers,), source=end.own[0][1])
    yield from _guarded(stage, end)


def _way_out(stage: LineStage, end: End, when: When) -> Iterator[Check]:
    check = partial(Check, when=when, device=end.device.name, prefix=DEFAULT)
    line = (end.line_peer,)
    if when == "returning":
        if stage in {LineStage.ATTACH, LineStage.SHIFT} and end.wire.address is not None:
            yield _line_lives(end, when)
    elif (when, stage) in _LINE_LEADS:
        yield check(kind="route-via", addresses=line)
    elif not (stage is LineStage.SHIFT and when == "ahead"):
        yield check(kind="route-via", addresses=end.circuit_peers)
    if (when, stage) in {("after", LineStage.ATTACH), ("ahead", LineStage.SHIFT)}:
        yield check(kind="path-known", addresses=end.circuit_peers)


def _line_lives(end: End, when: When) -> Check:
    source = end.wire.address.ip
    return Check(when=when, device=end.device.name, kind="reachable", addresses=(end.line_peer,), source=source)


def _guarded(stage: LineStage, end: End) -> Iterator[Check]:
    """Yield what must be so that nobody is cut of whom the inventory knows nothing."""
    check = partial(Check, when="ahead", device=end.device.name, interface=end.wire.name)
    yield check(kind="management-elsewhere", source=end.wire.address.ip)
    if stage is LineStage.ATTACH:
        # Whoever wants to go back will look for it: better now than then.
        yield _line_lives(end, "ahead")
    else:
        yield check(kind="nothing-else", addresses=(end.line_peer, *end.circuit_peers), prefixes=end.far)
    if stage is LineStage.DRAIN:
        yield check(kind="silent", seconds=SILENT_SECONDS)
