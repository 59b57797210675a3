"""Looks at devices to see whether what a stage is for has come about; changes nothing."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from inventory.words import _
from netcfg.facts import (
    known_ways,
    management_way,
    neighbour_state,
    next_hops,
    packets,
    routes_over,
    silence,
    static_routes,
)
from netcfg.intent import Check, CheckKind
from netcfg.platforms import Platform
from netcfg.sessions import CommandLine, Shell

_AGAIN_SECONDS = 0.25
_LATE = 1.5
"""A neighbour that lives is heard at least as often as it was agreed, and then some."""


@dataclass(frozen=True)
class Eyes:
    """Both sessions with one device, opened after the last change of it."""

    platform: Platform
    line: CommandLine
    shell: Shell


def unmet(eyes: Eyes, checks: Sequence[Check], within: float) -> tuple[str, ...]:
    """Look until all checks are met in one round or the seconds are over, and return what is not so, in words."""
    limit = time.monotonic() + within
    while True:
        failed = _round(eyes, checks)
        if not failed or time.monotonic() > limit:
            return tuple(failed.values())
        # When none is open any more all are looked at once more: a session may have died meanwhile.
        while failed and time.monotonic() <= limit:
            time.sleep(_AGAIN_SECONDS)
            failed = _round(eyes, tuple(failed))


def _round(eyes: Eyes, checks: Sequence[Check]) -> dict[Check, str]:
    return {check: reason for check in checks if (reason := _unmet(eyes, check)) is not None}


def _unmet(eyes: Eyes, check: Check) -> str | None:
    looks: Mapping[CheckKind, Callable[[Eyes, Check], str | None]] = {
        "neighbour-up": _neighbour_up,
        "neighbour-gone": _neighbour_gone,
        "route-via": _route,
        "path-known": _path_known,
        "reachable": _reachable,
        "nothing-else": _nothing_else,
        "management-elsewhere": _management,
        "quiet": _quiet,
    }
    return looks[check.kind](eyes, check)


def _neighbour_up(eyes: Eyes, check: Check) -> str | None:
    answer, state = _neighbour(eyes, check)
    if state != "Established":
        return _not_so(check, state)
    heard, every = silence(answer, check.addresses[0])
    if every and heard > _LATE * every:
        # It is dead, and the device will know it when the hold time is over.
        text = _("{device}: BGP neighbour {address} has not been heard for {seconds:.0f} s")
        return text.format(device=check.device, address=check.addresses[0], seconds=heard)
    return None


def _neighbour_gone(eyes: Eyes, check: Check) -> str | None:
    _answer, state = _neighbour(eyes, check)
    return _not_so(check, state) if state == "Established" else None


def _neighbour(eyes: Eyes, check: Check) -> tuple[str, str]:
    answer = eyes.line.ask(eyes.platform.commands.neighbour.format(address=check.addresses[0]))
    return answer, neighbour_state(answer, check.addresses[0])


def _not_so(check: Check, state: str) -> str:
    text = _("{device}: BGP neighbour {address} is {state}")
    return text.format(device=check.device, address=check.addresses[0], state=state)


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


def _path_known(eyes: Eyes, check: Check) -> str | None:
    wanted = {str(address) for address in check.addresses}
    if wanted & set(known_ways(eyes.line.ask(eyes.platform.commands.ways.format(prefix=check.prefix)))):
        return None
    text = _("{device}: no route to {prefix} is known by way of {wanted}")
    return text.format(device=check.device, prefix=check.prefix, wanted=", ".join(sorted(wanted)))


def _nothing_else(eyes: Eyes, check: Check) -> str | None:
    """Find what goes over the line and would be carried by nothing when the line is gone."""
    assert check.interface is not None
    peer, *circuits = (str(address) for address in check.addresses)
    static = set(static_routes(eyes.platform, eyes.line.running(), {check.interface, peer}))
    routes = routes_over(eyes.line.ask(eyes.platform.commands.routes), check.interface)
    known = {str(prefix) for prefix in check.prefixes}
    cut = {prefix: protocol for prefix, protocol in routes.items() if prefix not in known and prefix not in static}
    for prefix in tuple(cut):
        if set(circuits) & set(known_ways(eyes.line.ask(eyes.platform.commands.ways.format(prefix=prefix)))):
            del cut[prefix]
    if not cut and not static:
        return None
    named = (*(f"{prefix} (static)" for prefix in sorted(static)), *(f"{p} ({by})" for p, by in sorted(cut.items())))
    text = _("{device}: the line carries what the inventory does not have and no circuit accepts: {prefixes}. "
             "Add it to the inventory, or route it another way")  # fmt: skip
    return text.format(device=check.device, prefixes=", ".join(named))


def _management(eyes: Eyes, check: Check) -> str | None:
    try:
        client, here, interface = management_way(eyes.shell.ask(eyes.platform.shell.management) or "")
    except LookupError:
        return _("{device}: it is not known over which interface it is managed").format(device=check.device)
    moves = any(ip_address(client) in prefix for prefix in check.prefixes)
    if here != str(check.source) and (interface != check.interface or moves):
        return None
    text = _("{device}: it is managed over {interface}, which is to be given back; lead ssh_config there another way")
    return text.format(device=check.device, interface=check.interface)


def _reachable(eyes: Eyes, check: Check) -> str | None:
    address = check.addresses[0]
    if eyes.shell.ask(eyes.platform.shell.ping.format(source=check.source, address=address)) is not None:
        return None
    text = _("{device}: {address} does not answer {source}")
    return text.format(device=check.device, address=address, source=check.source)


def _quiet(eyes: Eyes, check: Check) -> str | None:
    assert check.interface is not None
    passed = 0
    # Twice: some seconds after the last packet both ends ask once more for each other's address (RFC 1122, 2.3.2.1).
    for _look in range(2):
        try:
            before = _packets(eyes, check.interface)
            time.sleep(check.seconds)
            passed = _packets(eyes, check.interface) - before
        except LookupError:
            text = _("{device}: interface {interface} is not there")
            return text.format(device=check.device, interface=check.interface)
        if passed < check.packets:
            return None
    text = _("{device}: interface {interface} still carries traffic: {passed} packets in {seconds} s")
    return text.format(device=check.device, interface=check.interface, passed=passed, seconds=check.seconds)


def _packets(eyes: Eyes, interface: str) -> int:
    return packets(eyes.shell.ask(eyes.platform.shell.traffic) or "", interface)
