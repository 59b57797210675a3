"""Looks at devices to see whether what a stage is for has come about; changes nothing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from inventory.words import _
from netcfg.facts import neighbour_state, next_hops, packets
from netcfg.intent import Check
from netcfg.platforms import Platform
from netcfg.sessions import CommandLine, Shell

_AGAIN_SECONDS = 0.25
_QUIET_SECONDS = 0.5
_QUIET_PACKETS = 20
"""A BGP session alone sends a few packets in that time; one user who pings every 10 ms makes a hundred."""


@dataclass(frozen=True)
class Eyes:
    """Both sessions with one device, opened after the last change of it."""

    platform: Platform
    line: CommandLine
    shell: Shell


def unmet(eyes: Eyes, checks: Sequence[Check], within: float) -> tuple[str, ...]:
    """Look until every check is met or the seconds are over, and return what is not so, in words."""
    limit = time.monotonic() + within
    open_checks = tuple(checks)
    while True:
        failed = tuple((check, reason) for check in open_checks if (reason := _unmet(eyes, check)) is not None)
        if not failed or time.monotonic() > limit:
            return tuple(reason for _check, reason in failed)
        open_checks = tuple(check for check, _reason in failed)
        time.sleep(_AGAIN_SECONDS)


def _unmet(eyes: Eyes, check: Check) -> str | None:
    match check.kind:
        case "neighbour-up" | "neighbour-gone":
            return _neighbour(eyes, check)
        case "route-via":
            return _route(eyes, check)
        case "reachable":
            return _reachable(eyes, check)
        case "quiet":
            return _quiet(eyes, check)


def _neighbour(eyes: Eyes, check: Check) -> str | None:
    address = check.addresses[0]
    answer = eyes.line.ask(eyes.platform.commands.neighbour.format(address=address))
    state = neighbour_state(answer, address)
    if (state == "Established") == (check.kind == "neighbour-up"):
        return None
    return _("{device}: BGP neighbour {address} is {state}").format(device=check.device, address=address, state=state)


def _route(eyes: Eyes, check: Check) -> str | None:
    assert check.prefix is not None
    answer = eyes.line.ask(eyes.platform.commands.route.format(prefix=check.prefix))
    hops = next_hops(answer, check.prefix)
    wanted = tuple(str(address) for address in check.addresses)
    if hops and set(hops) <= set(wanted):
        return None
    text = _("{device}: {prefix} goes by way of {found} instead of {wanted}")
    found = ", ".join(hops) or "-"
    return text.format(device=check.device, prefix=check.prefix, found=found, wanted=", ".join(wanted))


def _reachable(eyes: Eyes, check: Check) -> str | None:
    address = check.addresses[0]
    if eyes.shell.ask(eyes.platform.shell.ping.format(source=check.source, address=address)) is not None:
        return None
    text = _("{device}: {address} does not answer {source}")
    return text.format(device=check.device, address=address, source=check.source)


def _quiet(eyes: Eyes, check: Check) -> str | None:
    assert check.interface is not None
    before = _packets(eyes, check.interface)
    time.sleep(_QUIET_SECONDS)
    passed = _packets(eyes, check.interface) - before
    if passed < _QUIET_PACKETS:
        return None
    text = _("{device}: interface {interface} still carries traffic: {passed} packets in {seconds} s")
    return text.format(device=check.device, interface=check.interface, passed=passed, seconds=_QUIET_SECONDS)


def _packets(eyes: Eyes, interface: str) -> int:
    return packets(eyes.shell.ask(eyes.platform.shell.traffic) or "", interface)
