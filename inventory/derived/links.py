"""The links between sites of several levels over the extranet: which hosts of either end reach those of the other."""

from ipaddress import IPv4Address

from inventory.base import Model
from inventory.derived.targets import target_hosts
from inventory.model import Programme, Site


class LinkedHost(Model):
    """A host of a site, by the name under which it is reached and the address under which the other end sees it."""

    name: str
    address: IPv4Address


class LinkEnd(Model):
    """One end: a site, and the first host of each of its networks in the link's domain."""

    site: str
    hosts: tuple[LinkedHost, ...]


class LinkedSites(Model):
    """Two sites that are linked in a domain of the extranet."""

    name: str
    domain: str
    ends: tuple[LinkEnd, LinkEnd]

    def views(self) -> tuple[tuple[LinkedHost, LinkedHost], ...]:
        """Return who has to reach whom: every host of an end those of the other one, both ways."""
        near, far = (end.hosts for end in self.ends)
        there = tuple((a, b) for a in near for b in far)
        return (*there, *((b, a) for a, b in there))


def linked_sites(programme: Programme) -> tuple[LinkedSites, ...]:
    """Return all links, by name."""
    sites = {site.name: site for site in programme.sites}
    found = (
        LinkedSites(
            name=f"{site.name}-{link.site}",
            domain=link.domain,
            ends=(_end(programme, site, link.domain), _end(programme, sites[link.site], link.domain)),
        )
        for site in programme.sites
        for link in site.links
    )
    return tuple(sorted(found, key=lambda each: each.name))


def _end(programme: Programme, site: Site, domain: str) -> LinkEnd:
    hosts = target_hosts(programme, site.name) if programme.sizes else ()
    firsts = {host.network: host for host in reversed(hosts)}
    seen = (firsts[network.name] for network in site.networks if network.domain == domain and network.name in firsts)
    return LinkEnd(site=site.name, hosts=tuple(LinkedHost(name=host.name, address=host.address) for host in seen))
