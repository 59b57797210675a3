"""What holds between the parts of an inventory: names that are unique, references that lead somewhere, no cycles.

The rules look at the documents as written, not at the models, so that a part that is wrong in one respect is still
looked at in all others, and what refers to it is not called dangling.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from inventory.findings import Finding
from inventory.gathering import Cursor
from inventory.reading import Mapping, Scalar, Sequence
from inventory.secrecy import looks_secret
from inventory.shapes import is_system, meant
from inventory.words import _

CLASSIFIED_FIELDS = frozenset({"system", "title", "department", "grading"})


class Index:
    """The documents of an inventory, and its parts by kind."""

    def __init__(self, documents: Iterable[Cursor]) -> None:
        self.documents = tuple(documents)
        self.rest = tuple(document for document in self.documents if not is_system(document))
        listed = tuple(system for document in self.rest for system in document.each("systems"))
        self.systems = (*(document for document in self.documents if is_system(document)), *listed)
        self.hosts = self.names(self.each("departments", "rooms", "hosts"))
        self.devices = self.names(self.each("network", "devices"))
        self.vantages = self.names(self.each("network", "vantages"))
        self.centre_hosts = self.names(self.each("network", "centre", "hosts"))
        self.domains = self.names(self.each("network", "domains"))
        self.sites = self.names(self.each("sites"))
        self.sizes = self.names(self.each("sizes"))
        self.departments = self.names(self.each("departments"))
        self.system_names = self.names(self.systems, "system")
        self.lines = tuple(self.each("network", "lines"))
        self.components = tuple(component for system in self.systems for component in system.each("components"))

    def each(self, *keys: str) -> Iterator[Cursor]:
        """Yield the members of the lists under a path of keys, of all files."""
        for document in self.rest:
            yield from document.each(*keys)

    @staticmethod
    def names(parts: Iterable[Cursor], key: str = "name") -> dict[str, Cursor]:
        """Map names to the parts that bear them; the first, where two do."""
        named: dict[str, Cursor] = {}
        for part in parts:
            if (name := part.text(key)) is not None:
                named.setdefault(name, part)
        return named

    def device_roles(self) -> dict[str, str]:
        """Map devices to their roles."""
        return {name: device.text("role") or "" for name, device in self.devices.items()}


def _twice(parts: Iterable[Cursor], what: str, key: str = "name") -> Iterator[Finding]:
    seen: dict[str, Cursor] = {}
    for part in parts:
        name, place = part.text(key), part.at(key)
        if name is None or place is None:
            continue
        if (first := seen.setdefault(name, place)) is not place:
            reason = _("the name '{name}' is borne by two ({what})").format(name=name, what=what)
            mend = _("the other is at {place}; rename one of them").format(place=f"{first.file}:{first.spot.line}")
            yield place.finding(reason, mend)


def duplicates(index: Index) -> Iterator[Finding]:
    """Names that two parts bear where only one can be meant."""
    yield from _twice(index.each("departments"), _("departments"))
    yield from _twice(index.each("departments", "rooms"), _("machine rooms"))
    yield from _twice(index.each("sites"), _("sites"))
    yield from _twice(index.each("sites", "networks"), _("networks of sites"))
    yield from _twice(index.each("sizes"), _("sizes"))
    yield from _twice(index.each("network", "domains"), _("domains"))
    yield from _twice(index.lines, _("lines"))
    yield from _twice(index.systems, _("systems"), "system")
    reached = (
        *index.each("departments", "rooms", "hosts"),
        *index.each("network", "devices"),
        *index.each("network", "vantages"),
        *index.each("network", "centre", "hosts"),
    )
    yield from _twice(reached, _("hosts and devices, all reached by their names"))
    for holder in (*index.systems, *index.lines):
        yield from _twice(holder.each("components"), _("components of one system"))
        yield from _twice(holder.each("probes"), _("probes of one unit"))
    yield from _shared_entries(index)


def _shared_entries(index: Index) -> Iterator[Finding]:
    entries = (entry for component in index.components if (entry := component.at("entry")) is not None)
    yield from _twice(entries, _("entries"))


class References:
    """Checks that words lead to parts that exist."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.findings: list[Finding] = []

    def refer(self, holder: Cursor, key: str, known: Iterable[str], what: str) -> None:
        """Record a finding where the word under a key, or one of its words, names nothing."""
        names = set(known)
        place = holder.at(key)
        for each in (place, *place.each()) if place is not None else ():
            value = each.node.value if isinstance(each.node, Scalar) else None
            if isinstance(value, str) and value not in names:
                reason = _("there is no {what} '{word}'").format(what=what, word=value)
                self.findings.append(each.finding(reason, meant(value, sorted(names))))

    def collect(self, kinds: Iterable[str]) -> list[Finding]:
        """Return a finding for every reference that leads nowhere."""
        index = self.index
        for system in index.systems:
            self.refer(system, "department", index.departments, _("department"))
            self.refer(system, "domain", index.domains, _("domain"))
            self.refer(system, "depends_on", index.system_names, _("system"))
        known = tuple(kinds)
        for component in index.components:
            self.refer(component, "kind", known, _("kind"))
            self.refer(component, "on", index.hosts, _("host"))
            if (target := component.at("to")) is not None:
                self.refer(target, "site", index.sites, _("site"))
                self.refer(target, "size", index.sizes, _("size"))
        self.network()
        self.probes()
        return self.findings

    def network(self) -> None:
        """Check what the extranet and the sites refer to."""
        index, roles = self.index, self.index.device_roles()
        edges = [name for name, role in roles.items() if role == "pe"]
        for site in index.each("sites"):
            for network in site.each("networks"):
                self.refer(network, "domain", index.domains, _("domain"))
                self.refer(network, "attached_to", edges, _("provider edge"))
            if (recovery := site.at("recovery")) is not None:
                self.refer(recovery, "site", set(index.sites) - {site.text("name")}, _("other site"))
        for holder in (*index.each("departments", "rooms"), *index.each("network", "vantages")):
            self.refer(holder, "gateway", index.devices, _("device"))
        for line in index.lines:
            self.refer(line, "department", index.departments, _("department"))
            self.refer(line, "domain", index.domains, _("domain"))
            self.refer(line, "ends", index.devices, _("device"))
        for attachment in index.each("network", "attachments"):
            self.refer(attachment, "device", index.devices, _("device"))
            self.refer(attachment, "edge", edges, _("provider edge"))
            self.refer(attachment, "domain", index.domains, _("domain"))
        for backbone in index.each("network", "backbone"):
            self.refer(backbone, "ends", edges, _("provider edge"))
            self.refer(backbone, "domain", index.domains, _("domain"))
        self.centre(edges)

    def centre(self, edges: list[str]) -> None:
        """Check what the centre and the name service refer to."""
        for document in self.index.rest:
            if (centre := document.down("network", "centre")) is not None:
                self.refer(centre, "gateway", edges, _("provider edge"))
                for network in centre.each("networks"):
                    self.refer(network, "domain", self.index.domains, _("domain"))
            if (names := document.down("network", "names")) is not None:
                self.refer(names, "server", self.index.centre_hosts, _("host of the centre"))

    def probes(self) -> None:
        """Check where probes look from and what they look at."""
        index = self.index
        entries = {name for c in index.components if (name := c.text("entry", "name")) is not None}
        seen = {*index.hosts, *index.centre_hosts, *index.vantages}
        for holder in (*index.systems, *index.lines):
            for probe in holder.each("probes"):
                self.refer(probe, "vantage", index.vantages, _("vantage"))
                target, place = probe.text("target"), probe.at("target")
                if target is None or place is None:
                    continue
                if probe.text("kind") == "ping":
                    if target not in seen and not _is_address(target):
                        reason = _("there is no host '{word}', nor is it an address").format(word=target)
                        self.findings.append(place.finding(reason, meant(target, sorted(seen))))
                else:
                    self.url(place, target, entries)

    def url(self, place: Cursor, target: str, entries: set[str]) -> None:
        """Check the URL of a probe."""
        try:
            parts = urlsplit(target)
            host = parts.hostname or ""
        except ValueError:
            parts, host = urlsplit(""), ""
        if parts.scheme != "http" or not host:
            self.findings.append(place.finding(_("must be a URL"), _("such as http://billing.yunhe.example/payments")))
        elif host not in entries and not _is_address(host):
            reason = _("no component has the entry '{word}'").format(word=host)
            self.findings.append(place.finding(reason, meant(host, sorted(entries))))


def _is_address(word: str) -> bool:
    try:
        IPv4Address(word)
    except ValueError:
        return False
    return True


def cycles(index: Index) -> Iterator[Finding]:
    """Systems that need each other in a circle, each circle once."""
    needs = {
        name: [str(word.node.value) for word in system.each("depends_on") if isinstance(word.node, Scalar)]
        for name, system in index.system_names.items()
    }
    done: set[str] = set()
    for start in sorted(needs):
        for circle in _circles(start, needs, done):
            system = index.system_names[circle[0]]
            place = system.at("depends_on") or system
            reason = _("systems depend on each other in a circle: {circle}").format(circle=" → ".join(circle))
            yield place.finding(reason, _("remove one of these dependencies"))


def _circles(start: str, needs: dict[str, list[str]], done: set[str]) -> Iterator[list[str]]:
    path: list[str] = []
    work: list[tuple[str, Iterator[str]]] = []

    def enter(name: str) -> None:
        path.append(name)
        work.append((name, iter(needs.get(name, ()))))

    if start not in done:
        enter(start)
    while work:
        name, rest = work[-1]
        following = next(rest, None)
        if following is None:
            work.pop()
            path.pop()
            done.add(name)
        elif following in path:
            yield [*path[path.index(following) :], following]
        elif following not in done and following in needs:
            enter(following)


def secrets(index: Index) -> Iterator[Finding]:
    """Values that look like passwords; they are not repeated in the finding."""
    for document in index.documents:
        yield from _secrets_below(document)


def _secrets_below(cursor: Cursor) -> Iterator[Finding]:
    if isinstance(cursor.node, Scalar):
        if looks_secret(cursor.field, cursor.node.value):
            mend = _("write where it is kept instead (env:NAME, file:/path or vault:path), and change the secret")
            yield cursor.finding(_("this looks like a secret; an inventory holds none"), mend)
        return
    keys = list(cursor.node.items) if isinstance(cursor.node, Mapping) else list(range(len(cursor.node.items)))
    for key in keys:
        if (child := cursor.at(key)) is not None:
            yield from _secrets_below(child)


def listed(cursor: Cursor | None) -> int:
    """Return how many members a list has; nothing where it is none."""
    return len(cursor.node.items) if cursor is not None and isinstance(cursor.node, Sequence) else 0
