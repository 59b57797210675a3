"""Names that are somebody's already: of the controller, of Ansible, of an account on a device, of the name service."""

from collections.abc import Iterator
from itertools import chain

from inventory.derived.wiring import MANAGEMENT
from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.findings import Finding
from inventory.words import _

SHELL = "-shell"
"""NAME-shell is the account on device NAME that keeps the timer."""
TAKEN = frozenset(
    {
        "localhost", "ip6-localhost", "localhost4", "localhost6",  # the controller itself
        "all", "ungrouped", "participants", "names", "leavers", "coordinators", "coordinator",  # a playbook's words
    }
)  # fmt: skip


def reserved(index: Index) -> Iterator[Finding]:
    """Hosts and devices that would be taken for something else, and entries that would take over the name service."""
    for part in chain.from_iterable(index.parts(kind) for kind in ("hosts", "devices", "vantages", "centre hosts")):
        yield from _reached(part)
    for device in index.parts("devices"):
        yield from _interfaces(device)
    yield from _entries(index)


def _interfaces(device: Cursor) -> Iterator[Finding]:
    """Yield the names of a device's interfaces that are management's, or that two bear, and addresses named twice."""
    seen: set[str] = set()
    for each in device.each("interfaces"):
        for key in ("name", "address"):
            word, place = each.text(key), each.at(key)
            if word is None or place is None:
                continue
            if word == MANAGEMENT:
                reason = _("'{name}' is the interface by which devices are managed in the twin").format(name=word)
                yield place.finding(reason, _("leave it out: it leads to no line, circuit or network"))
            elif word in seen:
                reason = _("'{name}' stands twice among the device's interfaces").format(name=word)
                yield place.finding(reason, _("give each interface once"))
            seen.add(word)


def _reached(part: Cursor) -> Iterator[Finding]:
    name = part.text("name") or ""
    place = part.at("name") or part
    if name in TAKEN:
        yield place.finding(_("'{name}' does not name a host: commands for it would run elsewhere").format(name=name),
                            _("give it a name of its own"))  # fmt: skip
    elif name.endswith(SHELL):
        reason = _("'{name}' is the name of an account on the device '{device}'").format(
            name=name, device=name.removesuffix(SHELL)
        )
        yield place.finding(reason, _("give it a name that does not end in -shell"))


def _entries(index: Index) -> Iterator[Finding]:
    for names in index.parts("names"):
        zone, server = names.text("zone"), names.text("server")
        if not zone:
            continue
        own = {zone, f"{server}.{zone}"}
        for component in index.components:
            place = component.down("entry", "name")
            name = component.text("entry", "name")
            if place is None or name is None:
                continue
            if name in own:
                reason = _("'{name}' is the name service's own: with this record no name is found any more")
                yield place.finding(reason.format(name=name), _("give the entry another name in the zone"))
            elif not name.endswith(f".{zone}"):
                reason = _("'{name}' is not in the zone {zone}: nobody's record of it can be moved")
                yield place.finding(reason.format(name=name, zone=zone), _("give the entry a name in the zone"))
