"""The hosts that the move needs at its sites: a name and an address for each, computed from the programme alone."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from inventory.base import Model
from inventory.model import Component, Programme, SiteNetwork


class TargetHost(Model):
    """A host that a site must have: for one or more components of a system, for entries, or for copies."""

    name: str
    site: str
    network: str
    address: IPv4Address
    size: str
    role: str
    apart: str
    """Hosts with the same word here must not share a hypervisor."""
    volume: int = 0
    """GiB of the volume for its data: those of its components together."""


def network_of(programme: Programme, site: str, address: IPv4Address) -> SiteNetwork:
    """Return the site's network that contains the address; LookupError where none does."""
    for candidate in programme.sites:
        if candidate.name == site:
            for network in candidate.networks:
                if address in network.prefix:
                    return network
    raise LookupError(f"site {site} has no network with {address}")


def component_hosts(programme: Programme) -> dict[tuple[str, IPv4Address], TargetHost]:
    """Map (site, address) to the host there; components of one system may share a host by sharing its address."""
    hosts: dict[tuple[str, IPv4Address], TargetHost] = {}
    for system in programme.systems:
        for component in system.components:
            if component.to is None:
                continue
            for number, address in enumerate(component.to.addresses, start=1):
                key = (component.to.site, address)
                if key in hosts:
                    volume = hosts[key].volume + component.to.volume
                    hosts[key] = hosts[key].model_copy(update={"volume": volume})
                    continue
                hosts[key] = TargetHost(
                    name=f"{system.system}-{component.name}-{number}",
                    site=component.to.site,
                    network=network_of(programme, component.to.site, address).name,
                    address=address,
                    size=component.to.size,
                    role="component",
                    apart=f"{system.system}-{component.name}",
                    volume=component.to.volume,
                )
    return hosts


def target_names(hosts: Mapping[tuple[str, IPv4Address], TargetHost], component: Component) -> tuple[str, ...]:
    """Return the names of those `component_hosts` that a component moves to, in the order of its addresses."""
    if component.to is None:
        return ()
    return tuple(hosts[component.to.site, address].name for address in component.to.addresses)


def _smallest(programme: Programme) -> str:
    """Return the name of the smallest size; empty where a programme has no sizes, and so no sites yet."""
    sizes = sorted(programme.sizes, key=lambda size: (size.cpus, size.memory))
    return sizes[0].name if sizes else ""


def entry_hosts(programme: Programme) -> tuple[TargetHost, ...]:
    """Return the hosts that run the entries, one for each site network that names an address for it."""
    smallest = _smallest(programme)
    return tuple(
        TargetHost(
            name=f"{network.name}-entry",
            site=site.name,
            network=network.name,
            address=network.entry,
            size=smallest,
            role="entry",
            apart=f"{site.name}-entry",
        )
        for site in programme.sites
        for network in site.networks
        if network.entry is not None
    )


def copy_hosts(programme: Programme) -> tuple[TargetHost, ...]:
    """Return the hosts that keep copies at recovery sites: the tenth address of the first network there."""
    smallest = _smallest(programme)
    paired = {site.recovery.site for site in programme.sites if site.recovery is not None}
    return tuple(
        TargetHost(
            name=f"{site.name}-copy",
            site=site.name,
            network=site.networks[0].name,
            address=site.networks[0].prefix[10],
            size=smallest,
            role="copy",
            apart=f"{site.name}-copy",
        )
        for site in programme.sites
        if site.name in paired
    )


def target_hosts(programme: Programme, site: str) -> tuple[TargetHost, ...]:
    """Return every host that one site must have, by name."""
    every = (*component_hosts(programme).values(), *entry_hosts(programme), *copy_hosts(programme))
    return tuple(sorted((host for host in every if host.site == site), key=lambda host: host.name))
