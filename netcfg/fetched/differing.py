"""Two configurations of one device: the lines in which they differ, and in words what the difference does. Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeVar

from inventory.configured.facts import Clause, Configured, Entry, Fact, Neighbour, Port
from inventory.words import _
from netcfg.guards.lines import LinePath
from netcfg.platforms import Platform
from netcfg.reading import paths, written

Sign = Literal["+", "-", " "]
_Fact = TypeVar("_Fact", bound=Fact)


class Shown(NamedTuple):
    """One line of a difference: added, taken away, or the section around such lines."""

    sign: Sign
    text: str
    """With one space of indentation for each section."""


def difference(platform: Platform, before: str, after: str) -> tuple[Shown, ...]:
    """Return the lines in which two configurations differ, each below its sections; order alone is no difference."""
    had, has = paths(platform, before), paths(platform, after)
    old, new = set(had), set(has)
    signs: dict[LinePath, Sign] = {}
    for path in (*had, *has):
        if (path in old) != (path in new):
            for length in range(1, len(path)):
                signs.setdefault(path[:length], " ")
            signs[path] = "-" if path in old else "+"
    # Grouped by sections, as configurations are written.
    grouped = paths(platform, written(platform, tuple(signs)))
    return tuple(Shown(signs[path], " " * (len(path) - 1) + path[-1]) for path in grouped)


def effect(before: Configured, after: Configured) -> str:
    """Say in one sentence what the difference of two configurations does to ways and neighbours."""
    said = tuple(dict.fromkeys(_effects(before, after)))
    return _("; ").join(said) + _(".") if said else _("No way, no neighbour and no address changes.")


def _effects(before: Configured, after: Configured) -> Iterator[str]:
    yield from _ports(before.ports, after.ports)
    yield from _neighbours(before.neighbours, after.neighbours)
    gone, come = _between(before.announced, after.announced)
    yield from (_("stops announcing {prefix}").format(prefix=each.prefix) for each in gone)
    yield from (_("announces {prefix}").format(prefix=each.prefix) for each in come)
    old, new = _between(before.redistributed, after.redistributed)
    yield from (_("stops announcing what it has by {origin}").format(origin=each.origin) for each in old)
    yield from (_("announces all that it has by {origin}").format(origin=each.origin) for each in new)
    taken, given = _between(before.statics, after.statics)
    for each in taken:
        text = _("no longer sends {prefix} by way of {way}")
        yield text.format(prefix=each.prefix, way=" ".join(each.way))
    for each in given:
        yield _("sends {prefix} by way of {way}").format(prefix=each.prefix, way=" ".join(each.way))
    yield from _lists(before, after)


def _ports(before: Sequence[Port], after: Sequence[Port]) -> Iterator[str]:
    old = {(port.name, port.vrf): port for port in before}
    new = {(port.name, port.vrf): port for port in after}
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key, Port(line=1, name=key[0])), new.get(key, Port(line=1, name=key[0]))
        for address in was.addresses:
            if address not in now.addresses:
                yield _("takes {address} from interface {interface}").format(address=address, interface=key[0])
        for address in now.addresses:
            if address not in was.addresses:
                yield _("gives interface {interface} {address}").format(address=address, interface=key[0])
        if was.shut != now.shut:
            text = _("shuts interface {interface}") if now.shut else _("opens interface {interface}")
            yield text.format(interface=key[0])


def _neighbours(before: Sequence[Neighbour], after: Sequence[Neighbour]) -> Iterator[str]:
    old = {(each.vrf, each.peer): each for each in before}
    new = {(each.vrf, each.peer): each for each in after}
    for key in dict.fromkeys((*old, *new)):
        was, now, peer = old.get(key), new.get(key), key[1]
        if now is None:
            yield _("no longer speaks BGP with {peer}").format(peer=peer)
        elif was is None:
            yield _("speaks BGP with {peer} (AS {asn})").format(peer=peer, asn=now.asn or "?")
        else:
            yield from _neighbour(was, now)


def _neighbour(was: Neighbour, now: Neighbour) -> Iterator[str]:
    if was.asn != now.asn:
        yield _("takes {peer} for AS {asn}").format(peer=now.peer, asn=now.asn or "?")
    if was.shut != now.shut:
        text = _("shuts the session with {peer} down") if now.shut else _("opens the session with {peer}")
        yield text.format(peer=now.peer)
    if was.policy_in != now.policy_in:
        text = _("has policy {policy} decide about what {peer} announces") if now.policy_in else _(
            "takes all that {peer} announces"
        )  # fmt: skip
        yield text.format(policy=now.policy_in, peer=now.peer)
    if was.policy_out != now.policy_out:
        text = _("has policy {policy} decide about what {peer} is told") if now.policy_out else _(
            "tells {peer} all that it knows"
        )  # fmt: skip
        yield text.format(policy=now.policy_out, peer=now.peer)


def _lists(before: Configured, after: Configured) -> Iterator[str]:
    """Say which prefixes policies let through, and whose policies decide otherwise than before."""
    gone, come = _between(before.entries, after.entries)
    yield from (said for entry in gone for said in _let(before, entry, lets=False))
    yield from (said for entry in _best(after, come) for said in _let(after, entry, lets=True))
    fewer, more = _between(before.clauses, after.clauses)
    used = {name for each in (*before.neighbours, *after.neighbours) for name in (each.policy_in, each.policy_out)}
    known = {each.policy for each in before.clauses} & {each.policy for each in after.clauses}
    for policy in dict.fromkeys(clause.policy for clause in (*fewer, *more)):
        if policy in used & known:
            yield _("policy {policy} decides otherwise").format(policy=policy)


def _best(of: Configured, entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield of several entries for one prefix those that come first in a policy: the others decide nothing."""
    first = {name: clause.number for clause in reversed(of.clauses) for name in clause.lists}
    for entry in entries:
        rivals = [each for each in entries if each.prefix == entry.prefix and each.name in first]
        if entry.name in first and first[entry.name] == min(first[each.name] for each in rivals):
            yield entry


def _let(of: Configured, entry: Entry, *, lets: bool) -> Iterator[str]:
    for clause in of.clauses:
        if entry.name in clause.lists:
            yield from _through(of, entry, clause, lets=lets)


def _through(of: Configured, entry: Entry, clause: Clause, *, lets: bool) -> Iterator[str]:
    preference = next((words.split()[-1] for words in clause.sets if words.startswith("local-preference ")), "")
    for neighbour in of.neighbours:
        values = {"prefix": entry.prefix, "peer": neighbour.peer, "preference": preference}
        if neighbour.policy_in == clause.policy:
            through = lets == (entry.permits and clause.permits)
            if through and preference:
                yield _("takes {prefix} from {peer} too, with preference {preference}").format(**values)
            else:
                text = (
                    _("takes {prefix} from {peer} too")
                    if through
                    else _("takes a permission for {prefix} from {peer} away")
                )
                yield text.format(**values)
        if neighbour.policy_out == clause.policy:
            through = lets == (entry.permits and clause.permits)
            text = _("tells {peer} of {prefix}") if through else _("takes a permission to tell {peer} of {prefix} away")
            yield text.format(**values)


def _between(before: Sequence[_Fact], after: Sequence[_Fact]) -> tuple[tuple[_Fact, ...], tuple[_Fact, ...]]:
    """Return the facts that are only before and those that are only after, wherever they stand."""
    old, new = ({_apart(each): each for each in facts} for facts in (before, after))
    gone = tuple(each for key, each in old.items() if key not in new)
    come = tuple(each for key, each in new.items() if key not in old)
    return gone, come


def _apart(fact: Fact) -> str:
    return fact.model_dump_json(exclude={"line"})
