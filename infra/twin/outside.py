"""The ways out of an OpenStack into a twin: for each network outside the provider edge that stands in it."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Interface, IPv4Network

from infra.laboratory.furniture import Flavor, Furniture, Uplink
from infra.twin.layout import IMAGES, LayoutError
from inventory.base import Model
from inventory.derived.wiring import interfaces
from inventory.model import Programme, Site, SiteCloud
from inventory.words import _

_ROOM = ("100.64.0.0/16", "100.96.0.0/16", "198.18.0.0/16", "172.31.0.0/16")
"""Where networks outside get their addresses: the first of these that the programme does not use itself."""


class Outside(Model):
    """One network outside, its edge's domain, and the interface that the edge has in it."""

    uplink: Uplink
    edge: str
    domain: str
    interface: str

    @property
    def address(self) -> IPv4Interface:
        """The edge's own."""
        return IPv4Interface((self.uplink.prefix[1], self.uplink.prefix.prefixlen))


def outsides(programme: Programme) -> tuple[Outside, ...]:
    """Return the networks outside by their names; LayoutError where a site says none for a domain, or one for two."""
    edges: dict[str, tuple[str, str]] = {}
    for site in programme.sites:
        named = {each.domain: each.network for each in (site.cloud or SiteCloud()).uplinks}
        for network in site.networks:
            if network.domain not in named:
                raise LayoutError(_lacks(site, network.domain))
            edge = edges.setdefault(named[network.domain], (network.attached_to, network.domain))
            if edge != (network.attached_to, network.domain):
                text = _("network {name} of the clouds is said to lead to {first} and to {second}: name one for each")
                raise LayoutError(text.format(name=named[network.domain], first=edge[0], second=network.attached_to))
    prefixes = _spare(programme, len(edges))
    return tuple(
        Outside(uplink=Uplink(name=name, prefix=prefix), edge=edge, domain=domain, interface=f"cloud{number}")
        for number, ((name, (edge, domain)), prefix) in enumerate(zip(sorted(edges.items()), prefixes, strict=True))
    )


def furniture(programme: Programme) -> Furniture:
    """Return what a laboratory has to offer for the programme's sites: what they call flavors, images, networks."""
    return Furniture(
        flavors=dict(_flavors(programme)),
        images=dict(_images(programme)),
        uplinks=tuple(each.uplink for each in outsides(programme)),
    )


def _flavors(programme: Programme) -> Iterator[tuple[str, Flavor]]:
    for site in programme.sites:
        called: Mapping[str, str] = {each.size: each.flavor for each in (site.cloud or SiteCloud()).flavors}
        for size in programme.sizes:
            yield called.get(size.name, size.name), Flavor(cpus=size.cpus, memory=size.memory)


def _images(programme: Programme) -> Iterator[tuple[str, str]]:
    releases = frozenset(IMAGES.values())
    for site in programme.sites:
        cloud = site.cloud or SiteCloud()
        if cloud.release not in releases:
            text = _("site {site}: the twin has no image of release {release}; it has {known}")
            raise LayoutError(text.format(site=site.name, release=cloud.release, known=", ".join(sorted(releases))))
        called = {each.release: each.image for each in cloud.images}
        yield called.get(cloud.release, cloud.release), cloud.release


def _spare(programme: Programme, count: int) -> tuple[IPv4Network, ...]:
    used = {wire.address.network for wire in interfaces(programme)}
    for room in map(IPv4Network, _ROOM):
        if not any(room.overlaps(prefix) for prefix in used):
            return tuple(prefix for prefix, _number in zip(room.subnets(new_prefix=24), range(count), strict=False))
    raise LayoutError(_("the programme uses each of {rooms}; the twin needs one").format(rooms=", ".join(_ROOM)))


def _lacks(site: Site, domain: str) -> str:
    return _(
        "site {site}: its hosts in domain {domain} would be reached by nobody: name the network of the cloud that "
        "leads there in the site's cloud.uplinks"
    ).format(site=site.name, domain=domain)
