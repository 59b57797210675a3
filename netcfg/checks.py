"""Looks at devices to see whether what a stage is for has come about; changes nothing."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address

from inventory.derived.exits import DEFAULT
from inventory.words import _
from netcfg.answers import facts_of
from netcfg.command_line import CommandLine
from netcfg.facts import Facts, Traffic, sent_between
from netcfg.intent import Check, CheckKind
from netcfg.linux import kernel_routes
from netcfg.platforms import Platform
from netcfg.reading import sending, static_routes
from netcfg.sessions import Shell, ShellLine
from netcfg.terminals import Terminal, TerminalShell

_AGAIN_SECONDS = 0.1
_LATE = 1.5
"""A neighbour that lives is heard at least as often as it was agreed, and then some."""


@dataclass(frozen=True)
class Eyes:
    """Both sessions with one device, opened after the last change of it."""

    platform: Platform
    line: CommandLine | ShellLine | Terminal
    shell: Shell | TerminalShell
    mark: str = ""
    """What the line's interface had carried when the line was drained; empty where that is not known."""

    @property
    def facts(self) -> Facts:
        """What this device's answers say."""
        return facts_of(self.platform)


def unmet(eyes: Eyes, checks: Sequence[Check], within: float) -> tuple[str, ...]:
    """Look until all checks are met in one round or the seconds are over, and return what is not so, in words."""
    limit = time.monotonic() + within
    while True:
        failed = _round(eyes, checks)
        # What has gone over a drained line stays counted, however long one waits.
        if not failed or time.monotonic() > limit or any(check.kind == "silent" for check in failed):
            return tuple(failed.values())
        # When none is open any more all are looked at once more: a session may have died meanwhile.
        while failed and time.monotonic() <= limit:
            time.sleep(_AGAIN_SECONDS)
            failed = _round(eyes, tuple(failed))


def _round(eyes: Eyes, checks: Sequence[Check]) -> dict[Check, str]:
    # Counted from now on: what else is looked at takes time that need not be slept through then.
    begun = {check: _counted(eyes, check) for check in checks if check.kind == "quiet"}
    failed = {check: reason for check in checks if check not in begun and (reason := _unmet(eyes, check)) is not None}
    quiet = {check: reason for check, first in begun.items() if (reason := _quiet(eyes, check, first)) is not None}
    return failed | quiet


def _unmet(eyes: Eyes, check: Check) -> str | None:
    looks: Mapping[CheckKind, Callable[[Eyes, Check], str | None]] = {
        "neighbour-up": _neighbour_up,
        "neighbour-gone": _neighbour_gone,
        "route-via": _route,
        "path-known": _path_known,
        "reachable": _reachable,
        "nothing-else": _nothing_else,
        "management-elsewhere": _management,
        "silent": _silent,
    }
    return looks[check.kind](eyes, check)


def _neighbour_up(eyes: Eyes, check: Check) -> str | None:
    answer, state = _neighbour(eyes, check)
    if state != "Established":
        return _not_so(check, state)
    heard, every = eyes.facts.silence(answer, check.addresses[0])
    if every and heard > _LATE * every:
        # It is dead, and the device will know it when the hold time is over.
        text = _("{device}: BGP neighbour {address} has not been heard for {seconds:.0f} s")
        return text.format(device=check.device, address=check.addresses[0], seconds=heard)
    return _crowded(eyes, check, answer)


def _crowded(eyes: Eyes, check: Check, answer: str) -> str | None:
    """Find whether a neighbour's session would end because of what it is to tell besides."""
    address = check.addresses[0]
    room = eyes.facts.room(answer, address) if check.prefixes else None
    if room is None or room >= len(check.prefixes):
        return None
    asked = (eyes.line.ask(eyes.platform.commands.ways.format(prefix=prefix)) for prefix in check.prefixes)
    more = sum(str(address) not in eyes.facts.known_ways(said) for said in asked)
    text = _("{device}: the limit of BGP neighbour {address} leaves room for {room} further networks, and {more} are "
             "to be accepted; raise it first")  # fmt: skip
    return text.format(device=check.device, address=address, room=room, more=more) if more > room else None


def fallback(eyes: Eyes, check: Check) -> tuple[str, ...]:
    """Say how soon traffic goes back to the line, which stays up on probation, when its circuit dies."""
    told: list[str] = []
    for address in check.addresses:
        answer = eyes.line.ask(eyes.platform.commands.neighbour.format(address=address))
        if eyes.platform.commands.bfd:
            answer += "\n" + eyes.line.ask(eyes.platform.commands.bfd)
        seconds, means = eyes.facts.noticed(answer, address)
        text = _("{device}: if the circuit to {address} dies, traffic is back on the line in {seconds:.1f} s ({means})")
        told.append(text.format(device=check.device, address=address, seconds=seconds, means=means))
    return tuple(told)


def _neighbour_gone(eyes: Eyes, check: Check) -> str | None:
    _answer, state = _neighbour(eyes, check)
    return _not_so(check, state) if state == "Established" else None


def _neighbour(eyes: Eyes, check: Check) -> tuple[str, str]:
    answer = eyes.line.ask(eyes.platform.commands.neighbour.format(address=check.addresses[0]))
    return answer, eyes.facts.neighbour_state(answer, check.addresses[0])


def _not_so(check: Check, state: str) -> str:
    text = _("{device}: BGP neighbour {address} is {state}")
    return text.format(device=check.device, address=check.addresses[0], state=state)


def _route(eyes: Eyes, check: Check) -> str | None:
    assert check.prefix is not None
    answer = eyes.line.ask(eyes.platform.commands.route.format(prefix=check.prefix))
    hops = eyes.facts.next_hops(answer, check.prefix)
    wanted = tuple(str(address) for address in check.addresses)
    if hops and set(hops) <= set(wanted):
        return None
    text = _("{device}: {prefix} goes by way of {found} instead of {wanted}")
    found = ", ".join(hops) or "-"
    return text.format(device=check.device, prefix=check.prefix, found=found, wanted=", ".join(wanted))


def _path_known(eyes: Eyes, check: Check) -> str | None:
    wanted = {str(address) for address in check.addresses}
    if wanted & set(eyes.facts.known_ways(eyes.line.ask(eyes.platform.commands.ways.format(prefix=check.prefix)))):
        return None
    text = _("{device}: no route to {prefix} is known by way of {wanted}")
    return text.format(device=check.device, prefix=check.prefix, wanted=", ".join(sorted(wanted)))


def _nothing_else(eyes: Eyes, check: Check) -> str | None:
    """Find what goes over the line and would be carried by nothing when the line is gone."""
    assert check.interface is not None
    peer, *circuits = (str(address) for address in check.addresses)
    static = set(static_routes(eyes.platform, eyes.line.running(), {check.interface, peer}))
    routes = eyes.facts.routes_over(eyes.line.ask(eyes.platform.commands.routes), check.interface)
    known = {str(prefix) for prefix in check.prefixes}
    # A network that the line is known to carry must be learnt; the default route out is there by hand.
    static -= known & {str(DEFAULT)}
    cut = {prefix: protocol for prefix, protocol in routes.items() if prefix not in known and prefix not in static}
    for prefix in tuple(each for each in cut if ":" not in each):
        ways = eyes.platform.commands.ways.format(prefix=IPv4Network(prefix))
        if set(circuits) & set(eyes.facts.known_ways(eyes.line.ask(ways))):
            del cut[prefix]
    if eyes.platform.shell.kernel:
        # Nothing of these goes to a circuit with the line's: whoever made them has to lead them there.
        found = kernel_routes(eyes.shell.ask(eyes.platform.shell.kernel) or "", check.interface)
        cut |= {prefix: maker for prefix, maker in found.items() if prefix not in static}
    if not cut and not static:
        return None
    named = (*(f"{prefix} (static)" for prefix in sorted(static)), *(f"{p} ({by})" for p, by in sorted(cut.items())))
    text = _("{device}: the line carries what the inventory does not have and no circuit accepts: {prefixes}. "
             "Add it to the inventory, or route it another way")  # fmt: skip
    return text.format(device=check.device, prefixes=", ".join(named))


def _management(eyes: Eyes, check: Check) -> str | None:
    try:
        client, here, interface = eyes.facts.management(eyes.shell.ask)
    except LookupError:
        return _("{device}: it is not known over which interface it is managed").format(device=check.device)
    moves = any(ip_address(client) in prefix for prefix in check.prefixes)
    if here != str(check.source) and (interface != check.interface or moves):
        return None
    text = _("{device}: it is managed over {interface}, which is to be given back; lead ssh_config there another way")
    return text.format(device=check.device, interface=check.interface)


def _reachable(eyes: Eyes, check: Check) -> str | None:
    address = check.addresses[0]
    answer = eyes.shell.ask(eyes.platform.shell.ping.format(source=check.source, address=address))
    if answer is not None and eyes.facts.reached(answer):
        return None
    text = _("{device}: {address} does not answer {source}")
    return text.format(device=check.device, address=address, source=check.source)


def _counted(eyes: Eyes, check: Check) -> Traffic | None:
    try:
        return _traffic(eyes, check)
    except LookupError:
        return None


def _quiet(eyes: Eyes, check: Check, before: Traffic | None) -> str | None:
    """Find whether users' packets have passed since a first look."""
    now = _counted(eyes, check)
    if before is not None and now is not None and (left := check.seconds - (now.uptime - before.uptime)) > 0:
        time.sleep(left)
        now = _counted(eyes, check)
    if before is None or now is None:
        return _no_interface(check)
    passed, seconds = _passed(check, before, now), max(check.seconds, now.uptime - before.uptime)
    return None if passed < check.packets * seconds / check.seconds else _still_carries(check, passed, seconds)


def _passed(check: Check, before: Traffic, now: Traffic) -> int:
    if check.outgoing:
        return now.others + now.carried - before.others - before.carried
    return now.packets - before.packets


def _silent(eyes: Eyes, check: Check) -> str | None:
    """Find whether anything has gone out since the line was drained; whoever is at the other end looks there.

    That both ends still look for neighbours by ARP and IPv6 is silence.
    """
    assert check.interface is not None
    try:
        now = _traffic(eyes, check)
        since = _since(eyes, check.interface, now)
        left = check.seconds - (now.uptime - since.uptime)
        if left > 0 and not sent_between(since, now):
            time.sleep(left)
            now = _traffic(eyes, check)
    except LookupError:
        return _no_interface(check)
    if not (passed := sent_between(since, now)):
        return None
    said = _still_carries(check, passed, now.uptime - since.uptime)
    lines = (sending(eyes.platform, eyes.line.running(), address) for address in check.addresses)
    text = _("“{line}” sends of itself: take it out first")
    return "; ".join((said, *(text.format(line=line) for line in lines if line)))


def _since(eyes: Eyes, interface: str, now: Traffic) -> Traffic:
    """Return what had been carried at the drain, or now where that is unknown or the device was restarted."""
    if not eyes.mark:
        return now
    marked = eyes.facts.traffic(eyes.mark, interface)
    return marked if marked.uptime <= now.uptime and marked.packets <= now.packets else now


def _no_interface(check: Check) -> str:
    text = _("{device}: interface {interface} is not there")
    return text.format(device=check.device, interface=check.interface)


def _still_carries(check: Check, passed: int, seconds: float) -> str:
    text = _("{device}: interface {interface} still carries traffic: {passed} packets in {seconds:.1f} s")
    return text.format(device=check.device, interface=check.interface, passed=passed, seconds=seconds)


def _traffic(eyes: Eyes, check: Check) -> Traffic:
    command = eyes.platform.shell.traffic.format(interface=check.interface)
    return eyes.facts.traffic(eyes.shell.ask(command) or "", check.interface or "")
