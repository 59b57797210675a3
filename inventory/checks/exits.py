"""Ways to the internet, and lines at whose far ends nobody of the programme logs in."""

from collections.abc import Iterator, Set

from inventory.checks.needs import consolidated
from inventory.derived.exits import MOVES_DEFAULT
from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.findings import Finding
from inventory.words import _


def exits(index: Index) -> Iterator[Finding]:
    """The extranet's exits that cannot be so, and lines that need one or whose ends are all others'."""
    foreign = operated(index)
    yield from _shared(index, foreign)
    served = {each.text("domain") for each in index.parts("exits")}
    yield from _both_ends(index)
    yield from _second(index, foreign)
    for line in consolidated(index):
        ends = [each for each in line.each("ends") if each.text() is not None]
        own = [each for each in ends if each.text() not in foreign]
        if ends and not own:
            reason = _("others run both ends of the line: nobody of the programme can move its traffic")
            yield (line.at("ends") or line).finding(reason, _("leave out its domain, or 'operated_by' of its near end"))
        elif leads_out(line, foreign):
            yield from _way_out(index, line, own, served)


def _both_ends(index: Index) -> Iterator[Finding]:
    for line in index.parts("lines"):
        ends = [end.text() for end in line.each("ends")]
        if len(ends) == 2 and ends[0] is not None and ends[0] == ends[1]:
            reason = _("the line begins and ends at '{device}'").format(device=ends[0])
            yield (line.at("ends") or line).finding(reason, _("name the device at its other end"))


def _second(index: Index, foreign: Set[str]) -> Iterator[Finding]:
    """Yield devices that have two ways into the internet: nobody knows by which one their packets go."""
    ways: dict[str, str] = {}
    for line in index.parts("lines"):
        name = line.text("name") or ""
        if line.text("released") is not None or not leads_out(line, foreign):
            continue
        for end in (each for each in line.each("ends") if each.text() not in foreign):
            other = ways.setdefault(end.text() or "", name)
            if other != name:
                reason = _("device '{device}' has two internet exits, '{one}' and '{other}': that is not moved yet")
                mend = _("give one of them up by hand first, and say so with released: DATE")
                yield end.finding(reason.format(device=end.text(), one=other, other=name), mend)


def operated(index: Index) -> Set[str]:
    """Return the names of devices that others run."""
    return {device.text("name") or "" for device in index.parts("devices") if device.text("operated_by")}


def leads_out(line: Cursor, foreign: Set[str]) -> bool:
    """Say whether a line is an internet exit whose far end is a carrier's."""
    return line.text("kind") == "internet-exit" and any(end.text() in foreign for end in line.each("ends"))


def _shared(index: Index, foreign: Set[str]) -> Iterator[Finding]:
    attached = {(each.text("device"), each.text("domain")) for each in index.parts("attachments")}
    taken: set[str] = set()
    for each in index.parts("exits"):
        domain, device, uplink = each.text("domain") or "", each.text("device"), each.text("uplink") or ""
        if domain in taken:
            reason = _("the domain '{domain}' has two exits: nobody can say which one takes over").format(domain=domain)
            yield (each.at("domain") or each).finding(reason, _("name the one that departments are to use"))
        taken.add(domain)
        if device in index.named("devices") and (device, domain) not in attached:
            reason = _("device '{device}' has no circuit into the domain '{domain}'")
            yield (each.at("device") or each).finding(
                reason.format(device=device, domain=domain), _("add it to network.attachments")
            )
        line = index.named("lines").get(uplink)
        if line is not None:
            yield from _uplink(each, line, device or "", foreign)


def _uplink(way_out: Cursor, line: Cursor, device: str, foreign: Set[str]) -> Iterator[Finding]:
    place = way_out.at("uplink") or way_out
    if device not in {end.text() for end in line.each("ends")} or not leads_out(line, foreign):
        reason = _("line '{line}' does not lead from '{device}' into the internet")
        mend = _("name a line of kind internet-exit between it and a device with 'operated_by'")
        yield place.finding(reason.format(line=line.text("name"), device=device), mend)
    elif line.text("domain") is not None:
        reason = _("line '{line}' is the extranet's own way to the internet: no domain takes it over")
        yield (line.at("domain") or line).finding(reason.format(line=line.text("name")), _("remove 'domain'"))


def _way_out(index: Index, line: Cursor, own: list[Cursor], served: Set[str | None]) -> Iterator[Finding]:
    """Yield what keeps a department's default route from going over the extranet."""
    domain = line.text("domain")
    if domain in index.named("domains") and domain not in served:
        reason = _("the extranet has no internet exit in the domain '{domain}'").format(domain=domain)
        mend = _("add it to network.exits, or leave the line's domain out")
        yield (line.at("domain") or line).finding(reason, mend)
    for end in own:
        device = index.named("devices").get(end.text() or "")
        platform = device.text("platform") if device is not None else None
        if platform is not None and platform not in MOVES_DEFAULT:
            reason = _("the default route of a device of platform '{platform}' is not moved yet: only of {known}")
            mend = _("leave the line's domain out")
            known = ", ".join(sorted(MOVES_DEFAULT))
            yield end.finding(reason.format(platform=platform, known=known), mend)
