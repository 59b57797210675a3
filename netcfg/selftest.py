"""Tries whether a device is what its platform's file says: a look, and one harmless change that is taken back."""

from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Network

from inventory.model import Device
from inventory.words import _
from netcfg.attempts import Attempt
from netcfg.errors import DeviceError, NotHeld
from netcfg.intent import DeviceChange, LineArguments, LineStage, spelled
from netcfg.platforms import load_platform
from netcfg.reading import paths
from netcfg.sessions import Sessions
from netcfg.visits import Found, Visit, visits

_LABEL = "selftest"
_NOBODY = IPv4Network("192.0.2.0/24")
"""For documents only; and nothing refers to the list that has it."""

Tell = Callable[[str], None]


def look_at(sessions: Sessions, device: Device, tell: Tell) -> None:
    """Look at a device and tell what was understood of it; types nothing that changes it.

    DeviceError where it is another device, does not answer, or is not free.
    """
    move = _move(device)
    attempt = Attempt(move, _LABEL, 0.0, tell)
    with visits(sessions, move.devices, attempt.ticket, {}) as (visit,):
        _told(device, visit, visit.find(_no_waiting(visit)), tell)


def try_change(sessions: Sessions, device: Device, seconds: float, tell: Tell) -> None:
    """Put a list that nothing refers to in force under the device's timer, see it, take it back, and compare.

    DeviceError where any of that is not so; whatever is in force returns by itself when the timer runs out.
    """
    move = _move(device)
    attempt = Attempt(move, _LABEL, seconds, tell)
    try:
        with visits(sessions, move.devices, attempt.ticket, {}) as (visit,):
            found = attempt.find(visit)
            visit.demand_saved(found)
            goal = visit.goal(found.running, forward=True)
            _demand(device, held=attempt.hold((visit,), {device.name: found}, {device.name: goal}))
            attempt.push((visit,))
        with visits(sessions, move.devices, attempt.ticket, {}) as (visit,):
            attempt.compare((visit,))
            tell(_("{device}: the harmless change is in force, seen by a new session").format(device=device.name))
    except BaseException:
        with suppress(DeviceError):
            attempt.take_back(sessions)
        raise
    attempt.take_back(sessions)


def _demand(device: Device, *, held: bool) -> None:
    if not held:
        raise NotHeld(device.name, _("other changes keep coming in between"))


def _told(device: Device, visit: Visit, found: Found, tell: Tell) -> None:
    lines = len(paths(load_platform(device.platform), found.running))
    text = _("{device}: its command line is understood; it is the one of the inventory, with {number} lines in force")
    tell(text.format(device=device.name, number=lines))
    if unsaved := visit.shown(visit.unsaved(found)):
        text = _("{device}: it would start with something else than it runs with: {lines}")
        tell(text.format(device=device.name, lines="; ".join(unsaved)))
    if found.full:
        tell(f"{device.name}: {found.full}")


def _no_waiting(visit: Visit) -> Callable[[str], None]:
    def wait(owner: str) -> None:
        raise visit.busy(owner)

    return wait


def _move(device: Device) -> LineArguments:
    platform = load_platform(device.platform)
    block = platform.block("accept", circuit="SELFTEST", line=_LABEL, number=1, **spelled(_NOBODY))
    change = DeviceChange(
        device=device.name, platform=platform.name, router_id=device.router_id, push=0, after=(block,)
    )
    return LineArguments(line=_LABEL, domain=_LABEL, stage=LineStage.ATTACH, devices=(change,), checks=())
