"""Whether the words by which parts of an inventory refer to each other lead somewhere."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import NamedTuple
from urllib.parse import urlsplit

from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.files.reading import Scalar
from inventory.files.wording import meant
from inventory.findings import Finding
from inventory.words import _

OBLIGATION = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""With one of these begin the ids of obligations, which stand in profiles; no name in an inventory does."""


class Reference(NamedTuple):
    """That members of a kind name, under a key, one or more of another kind."""

    holder: str
    keys: tuple[str, ...]
    target: str


REFERENCES = (
    Reference("departments", ("building",), "buildings"),
    Reference("rooms", ("building",), "buildings"),
    Reference("rooms", ("gateway",), "devices"),
    Reference("vantages", ("gateway",), "devices"),
    Reference("systems", ("department",), "departments"),
    Reference("systems", ("also_reported_by",), "departments"),
    Reference("systems", ("domain",), "domains"),
    Reference("systems", ("depends_on",), "systems"),
    Reference("systems", ("into",), "takers"),
    Reference("systems", ("survey", "replaceable_by"), "systems"),
    Reference("systems", ("exchange", "works_with"), "systems"),
    Reference("no shadows", ("system",), "systems"),
    Reference("components", ("kind",), "kinds"),
    Reference("components", ("on",), "hosts"),
    Reference("components", ("to", "site"), "sites"),
    Reference("components", ("to", "size"), "sizes"),
    Reference("site networks", ("domain",), "domains"),
    Reference("site networks", ("attached_to",), "edges"),
    Reference("platforms", ("served",), "departments"),
    Reference("lines", ("department",), "departments"),
    Reference("lines", ("domain",), "domains"),
    Reference("lines", ("ends",), "devices"),
    Reference("exits", ("domain",), "domains"),
    Reference("exits", ("device",), "devices"),
    Reference("exits", ("uplink",), "lines"),
    Reference("attachments", ("device",), "devices"),
    Reference("attachments", ("edge",), "edges"),
    Reference("attachments", ("domain",), "domains"),
    Reference("backbone", ("ends",), "edges"),
    Reference("backbone", ("domain",), "domains"),
    Reference("centre", ("gateway",), "edges"),
    Reference("centre networks", ("domain",), "domains"),
    Reference("names", ("server",), "centre hosts"),
    Reference("resources", ("department",), "departments"),
    Reference("resources", ("system",), "systems"),
    Reference("resources", ("library",), "libraries"),
    Reference("requests", ("resource",), "resources"),
    Reference("requests", ("department",), "departments"),
)
"""What names what; whatever needs more than a table stands below."""

LIBRARIES = frozenset({"base-library", "theme-library"})
SUBJECTS = (
    "systems", "lines", "sites", "departments", "rooms", "units", "platforms", "resources", "requests", "assets",
    "hosts", "devices",
)  # fmt: skip
"""What a record may be about, besides an obligation."""

TITLED = frozenset({"buildings", "departments", "domains", "systems", "hosts", "sites", "resources"})
"""Kinds whose members have a title beside their name, and are looked up by nothing but their name."""


def _said() -> Mapping[str, str]:
    """Return what is said of a word that names nothing, by the kind that it should name."""
    return {
        "buildings": _("there is no building '{word}'"),
        "departments": _("there is no department '{word}'"),
        "offices": _("the department has no office '{word}'"),
        "domains": _("there is no domain '{word}'"),
        "systems": _("there is no system '{word}'"),
        "takers": _("there is no system or platform '{word}'"),
        "kinds": _("there is no kind '{word}'"),
        "hosts": _("there is no host '{word}'"),
        "sites": _("there is no site '{word}'"),
        "other sites": _("there is no other site '{word}'"),
        "sizes": _("there is no size '{word}'"),
        "devices": _("there is no device '{word}'"),
        "lines": _("there is no line '{word}'"),
        "edges": _("there is no provider edge '{word}'"),
        "centre hosts": _("there is no host of the centre '{word}'"),
        "vantages": _("there is no vantage '{word}'"),
        "resources": _("there is no data resource '{word}'"),
        "libraries": _("there is no base or theme library '{word}'"),
        "subjects": _("nothing in the inventory is called '{word}'"),
        "seen": _("there is no host '{word}', nor is it an address"),
        "entries": _("no component has the entry '{word}'"),
    }


def _apart(place: Cursor, domain: str, ends: Iterable[Cursor]) -> Iterator[Finding]:
    for end in ends:
        domains = [network.text("domain") for network in end.each("networks")]
        if domains and domain not in domains:
            reason = _("site '{site}' has no network in domain '{domain}', by which it could be linked")
            mend = _("give '{site}' a network in that domain, or link the sites in a domain that both have")
            named = {"site": end.text("name"), "domain": domain}
            yield place.finding(reason.format(**named), mend.format(**named))


class References:
    """Checks that words lead to parts that exist, or may be those of files that could not be read."""

    def __init__(self, index: Index, kinds: Iterable[str], lost: frozenset[str] = frozenset()) -> None:
        self.index = index
        self.lost = lost
        self.said = _said()
        special: Mapping[str, Callable[[], Collection[str]]] = {
            "kinds": lambda: frozenset(kinds),
            "edges": lambda: {name for name, each in index.named("devices").items() if each.text("role") == "pe"},
            "takers": lambda: {*index.named("systems"), *index.named("platforms")},
            "libraries": lambda: {n for n, each in index.named("platforms").items() if each.text("kind") in LIBRARIES},
            "subjects": lambda: {name for kind in SUBJECTS for name in index.named(kind)},
            "seen": lambda: {name for kind in ("hosts", "centre hosts", "vantages") for name in index.named(kind)},
            "entries": lambda: {name for c in index.components if (name := c.text("entry", "name")) is not None},
        }
        self._special = special
        self._known: dict[str, Collection[str]] = {}

    def known(self, target: str) -> Collection[str]:
        """Return the words that name something of a kind."""
        if target not in self._known:
            make = self._special.get(target)
            self._known[target] = make() if make is not None else self.index.named(target)
        return self._known[target]

    def collect(self) -> Iterator[Finding]:
        """Yield a finding for every reference that leads nowhere."""
        for reference in REFERENCES:
            known = self.known(reference.target)
            for holder in self.index.parts(reference.holder):
                node = holder.below(reference.keys)
                if node is None or (isinstance(node, Scalar) and node.value in known):
                    continue
                if (place := holder.down(*reference.keys)) is not None:
                    yield from self.led(place, reference.target, known)
        yield from self.offices()
        yield from self.recoveries()
        yield from self.links()
        yield from self.records()
        yield from self.probes()

    def led(self, place: Cursor, target: str, known: Collection[str]) -> Iterator[Finding]:
        """Yield a finding where the word at a place, or one of its words, is not among those that are known."""
        for each in (place, *place.each()):
            value = each.node.value if isinstance(each.node, Scalar) else None
            if isinstance(value, str) and value not in known and value not in self.lost:
                mend = self.titled(target, value) or meant(value, sorted(known))
                yield each.finding(self.said[target].format(word=_short(value)), mend)

    def titled(self, target: str, title: str) -> str:
        """Return a mend that names the member of a kind with this title, which people write instead of its name."""
        members = self.index.named(target) if target in TITLED else {}
        name = next((name for name, each in members.items() if each.text("title") == title), None)
        return _("did you mean '{word}'?").format(word=name) if name is not None else ""

    def offices(self) -> Iterator[Finding]:
        """Yield a finding for each system that belongs to an office which its department has not."""
        departments = self.index.named("departments")
        known: dict[str, Collection[str]] = {}
        for system in self.index.systems:
            owner, place = system.text("department") or "", system.at("office")
            if place is None or owner not in departments:
                continue
            if owner not in known:
                known[owner] = {name for o in departments[owner].each("offices") if (name := o.text("name"))}
            yield from self.led(place, "offices", known[owner])

    def recoveries(self) -> Iterator[Finding]:
        """Yield a finding for each site whose copies are to be kept where there is no other site."""
        for site in self.index.parts("sites"):
            if (place := site.down("recovery", "site")) is not None:
                others = set(self.index.named("sites")) - {site.text("name")}
                yield from self.led(place, "other sites", others)

    def links(self) -> Iterator[Finding]:
        """Yield a finding for each link that leads to no other site, or over no domain that both sites are in."""
        sites = self.index.named("sites")
        for site in self.index.parts("sites"):
            for link in site.each("links"):
                if (place := link.at("site")) is not None:
                    yield from self.led(place, "other sites", set(sites) - {site.text("name")})
                if (place := link.at("domain")) is not None:
                    yield from self.led(place, "domains", self.known("domains"))
                    ends = (site, sites.get(link.text("site") or ""))
                    yield from _apart(place, link.text("domain") or "", [end for end in ends if end is not None])

    def records(self) -> Iterator[Finding]:
        """Yield a finding for each record of something that is not there; `line:NAME` tells equal names apart."""
        for record in self.index.parts("records"):
            subject, place = record.text("subject"), record.at("subject")
            if place is None or not subject or subject[0] in OBLIGATION:
                continue
            kind, colon, name = subject.partition(":")
            target = f"{kind}s" if colon and f"{kind}s" in SUBJECTS else "subjects"
            word = name if target != "subjects" else subject
            if word not in self.known(target) and word not in self.lost:
                said = self.said["subjects"].format(word=_short(word))
                yield place.finding(said, meant(word, sorted(self.known(target))))

    def probes(self) -> Iterator[Finding]:
        """Yield a finding where a probe looks from nowhere or at nothing."""
        for holder in (*self.index.systems, *self.index.parts("lines")):
            for probe in holder.each("probes"):
                if (vantage := probe.at("vantage")) is not None:
                    yield from self.led(vantage, "vantages", self.known("vantages"))
                if (place := probe.at("target")) is None or (word := probe.text("target")) is None:
                    continue
                if probe.text("kind") != "ping":
                    yield from self.url(place, word)
                elif not _is_address(word):
                    yield from self.led(place, "seen", self.known("seen"))

    def url(self, place: Cursor, word: str) -> Iterator[Finding]:
        """Yield a finding where the URL of a probe is no URL, or names nobody's entry."""
        try:
            parts = urlsplit(word)
            host = parts.hostname or ""
        except ValueError:
            parts, host = urlsplit(""), ""
        if parts.scheme != "http" or not host:
            yield place.finding(_("must be a URL"), _("such as http://billing.yunhe.example/payments"))
        elif host not in self.known("entries") and host not in self.lost and not _is_address(host):
            yield place.finding(
                self.said["entries"].format(word=_short(host)), meant(host, sorted(self.known("entries")))
            )


def _short(word: str) -> str:
    return word if len(word) <= 60 else f"{word[:57]}…"


def _is_address(word: str) -> bool:
    try:
        IPv4Address(word)
    except ValueError:
        return False
    return True
