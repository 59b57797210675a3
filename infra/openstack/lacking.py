"""Everything that stands against making a site in an OpenStack, found before the first create and told at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, ip_network
from typing import Any, NamedTuple

from infra.declaration import NetworkDeclaration, ServerDeclaration, SiteDeclaration
from infra.openstack.finding import has_volumes, servers_named, volumes_named
from infra.openstack.kinds import router_name
from infra.openstack.surroundings import lacking_surroundings
from inventory.words import _

_TAKES = ("up", "enabled")
"""State and status of a hypervisor that takes servers."""


class Held(NamedTuple):
    """What the site's state already holds: pairs of kind and name."""

    resources: frozenset[tuple[str, str]]

    def lacks(self, kind: str, name: str) -> bool:
        """Say whether a resource is still to be made; the kind is the last word of its name in Pulumi."""
        return (kind, name) not in self.resources


def lacking(cloud: Any, site: SiteDeclaration, held: Held) -> tuple[str, ...]:
    """Return a sentence for each finding, in the order in which a site is made; nothing is changed."""
    new = tuple(server for server in site.servers if held.lacks("Instance", server.name))
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _uplinks(cloud, site),
        lambda: lacking_surroundings(cloud, site),
        lambda: _names(cloud, site, held),
        lambda: _addresses(cloud, site, held),
        lambda: _images(cloud, new),
        lambda: _flavors(cloud, new),
        lambda: _zone(cloud, site, new),
        lambda: _floating(site),
        lambda: _apart(cloud, site),
        lambda: _compute_quota(cloud, new),
        lambda: _network_quota(cloud, site, held),
        lambda: _group_quota(cloud, site, held),
        lambda: _volumes(cloud, site, held),
    )
    return tuple(finding for check in checks for finding in check())


def complete(site: SiteDeclaration, held: Held) -> bool:
    """Say whether a state holds all that needs room in the cloud, so that there is nothing to ask."""
    wanted = [("Network", network.name) for network in ours(site)]
    wanted += [("SecGroup", group.name) for group in site.security_groups]
    wanted += [("ServerGroup", group.name) for group in site.server_groups]
    wanted += [("Instance", server.name) for server in site.servers]
    wanted += [("FloatingIp", server.name) for server in site.servers if server.floating]
    wanted += [("Volume", server.name) for server in site.servers if server.volume]
    return all(pair in held.resources for pair in wanted)


def ours(site: SiteDeclaration) -> tuple[NetworkDeclaration, ...]:
    """Return the networks of a site that are ours to make."""
    return tuple(network for network in site.networks if not network.existing)


def _uplinks(cloud: Any, site: SiteDeclaration) -> Iterator[str]:
    for domain, name in site.uplinks.items():
        found = list(cloud.network.networks(name=name))
        if not found:
            yield _("domain {domain}: the cloud has no network {name} that leads out").format(domain=domain, name=name)
        elif len(found) > 1:
            yield _("domain {domain}: {count} networks of the cloud are named {name}").format(
                domain=domain, count=len(found), name=name
            )
        elif not found[0].is_router_external:
            yield _("domain {domain}: network {name} leads nowhere: routers need one that is external").format(
                domain=domain, name=name
            )


def _names(cloud: Any, site: SiteDeclaration, held: Held) -> Iterator[str]:
    there = _("{kind} {name} is there already and was not made for this site: take its name away, or give ours another")
    project = {"project_id": cloud.current_project_id}
    wanted: list[tuple[str, str, Callable[[str], Any]]] = [
        *(("Network", each.name, lambda name: cloud.network.networks(name=name, **project)) for each in ours(site)),
        *(("Router", router_name(site, domain), lambda name: cloud.network.routers(name=name, **project))
          for domain in sorted({network.domain for network in ours(site)})),
        *(("SecGroup", each.name, lambda name: cloud.network.security_groups(name=name, **project))
          for each in site.security_groups),
        *(("Instance", each.name, lambda name: servers_named(cloud, name)) for each in site.servers),
        *(("Volume", each.name, lambda name: volumes_named(cloud, name)) for each in site.servers if each.volume),
    ]  # fmt: skip
    words = {
        "Network": _("network"), "Router": _("router"), "SecGroup": _("security group"), "Instance": _("server"),
        "Volume": _("volume"),
    }  # fmt: skip
    for kind, name, find in wanted:
        if held.lacks(kind, name) and list(find(name)):
            yield there.format(kind=words[kind], name=name)


def _addresses(cloud: Any, site: SiteDeclaration, held: Held) -> Iterator[str]:
    wanted = {network.name: network.prefix for network in ours(site) if held.lacks("Network", network.name)}
    if not wanted:
        return
    made = {network.name for network in ours(site) if not held.lacks("Network", network.name)}
    for subnet in cloud.network.subnets(project_id=cloud.current_project_id, ip_version=4):
        prefix = ip_network(subnet.cidr)
        for name, asked in wanted.items():
            if subnet.name not in made and isinstance(prefix, IPv4Network) and asked.overlaps(prefix):
                yield _("network {name}: its addresses {asked} are those of subnet {other} ({prefix}) too").format(
                    name=name, asked=asked, other=subnet.name or subnet.id, prefix=prefix
                )


def _images(cloud: Any, servers: tuple[ServerDeclaration, ...]) -> Iterator[str]:
    for name in sorted({server.cloud_image or server.image for server in servers}):
        found = [each for each in cloud.image.images(name=name) if each.status == "active"]
        if not found:
            missing = _("the cloud has no image {name} that is ready: name the right one in the site's cloud.images")
            yield missing.format(name=name)
        elif len(found) > 1:
            yield _("{count} images of the cloud are named {name}").format(count=len(found), name=name)


def _flavors(cloud: Any, servers: tuple[ServerDeclaration, ...]) -> Iterator[str]:
    known = {each.name: each for each in cloud.compute.flavors()}
    for name in sorted({server.flavor for server in servers}):
        asked = [server for server in servers if server.flavor == name]
        flavor = known.get(name)
        if flavor is None:
            yield _("the cloud has no flavor {name}: name the right one in the site's cloud.flavors").format(name=name)
        elif any(server.cpus > flavor.vcpus or server.memory > flavor.ram for server in asked):
            yield _("flavor {name} has {cpus} processors and {memory} MiB, less than its size asks for").format(
                name=name, cpus=flavor.vcpus, memory=flavor.ram
            )


def _zone(cloud: Any, site: SiteDeclaration, servers: tuple[ServerDeclaration, ...]) -> Iterator[str]:
    if site.zone and servers and site.zone not in {each.name for each in cloud.compute.availability_zones()}:
        yield _("the cloud has no availability zone {name}").format(name=site.zone)


def _floating(site: SiteDeclaration) -> Iterator[str]:
    domains = {network.name: network.domain for network in site.networks}
    for server in site.servers:
        if server.floating and domains[server.network] not in site.uplinks:
            text = _("server {name}: a floating address needs an uplink of domain {domain} in the site's cloud.uplinks")
            yield text.format(name=server.name, domain=domains[server.network])


def _apart(cloud: Any, site: SiteDeclaration) -> Iterator[str]:
    known = _hypervisors(cloud)
    limit = site.hypervisors if known is None else known
    if limit is None:
        return
    for name, members in Counter(server.server_group for server in site.servers).items():
        if members > limit:
            yield _("server group {name}: its {count} servers need as many hypervisors, and there are {limit}").format(
                name=name, count=members, limit=limit
            )


def _hypervisors(cloud: Any) -> int | None:
    """Return how many hypervisors take servers; None where the cloud does not tell it to whom it takes us for."""
    from openstack.exceptions import ForbiddenException  # noqa: PLC0415 -- takes longer than most commands

    try:
        return len([each for each in cloud.compute.hypervisors(details=True) if (each.state, each.status) == _TAKES])
    except ForbiddenException:
        return None


def _compute_quota(cloud: Any, servers: tuple[ServerDeclaration, ...]) -> Iterator[str]:
    if not servers:
        return
    limits = cloud.compute.get_limits().absolute
    needs = (
        (_("servers"), len(servers), limits.instances, limits.instances_used),
        (_("processors"), sum(server.cpus for server in servers), limits.total_cores, limits.total_cores_used),
        (_("MiB of memory"), sum(server.memory for server in servers), limits.total_ram, limits.total_ram_used),
    )
    yield from (_exceeded(*need) for need in needs if _exceeds(*need[1:]))


def _network_quota(cloud: Any, site: SiteDeclaration, held: Held) -> Iterator[str]:
    domains = sorted({network.domain for network in ours(site)})
    rules = sum(len(set(group.rules)) for group in site.security_groups if held.lacks("SecGroup", group.name))
    # Two default rules for each group; a router takes a port for each network, and its network's service one more.
    groups = sum(held.lacks("SecGroup", each.name) for each in site.security_groups)
    networks = sum(held.lacks("Network", each.name) for each in ours(site))
    needed = {
        "networks": (_("networks"), networks),
        "subnets": (_("subnets"), networks),
        "routers": (_("routers"), sum(held.lacks("Router", router_name(site, domain)) for domain in domains)),
        "floating_ips": (
            _("floating addresses"),
            sum(each.floating and held.lacks("FloatingIp", each.name) for each in site.servers),
        ),
        "ports": (_("ports"), sum(held.lacks("Port", each.name) for each in site.servers) + 2 * networks),
        "security_groups": (_("security groups"), groups),
        "security_group_rules": (_("security group rules"), rules + 2 * groups),
    }
    quota = cloud.network.get_quota(cloud.current_project_id, details=True)
    for name, (words, count) in needed.items():
        known = getattr(quota, name, None)
        if count and isinstance(known, dict) and _exceeds(count, known["limit"], known["used"]):
            yield _exceeded(words, count, known["limit"], known["used"])


def _group_quota(cloud: Any, site: SiteDeclaration, held: Held) -> Iterator[str]:
    count = sum(held.lacks("ServerGroup", each.name) for each in site.server_groups)
    if not count:
        return
    limits = cloud.compute.get_limits().absolute
    used = limits.server_groups_used or 0
    if _exceeds(count, limits.server_groups, used):
        yield _exceeded(_("server groups"), count, limits.server_groups, used)
    for name, members in Counter(server.server_group for server in site.servers).items():
        if _exceeds(members, limits.server_group_members, 0):
            yield _("server group {name} has {count} members and the quota allows {limit}").format(
                name=name, count=members, limit=limits.server_group_members
            )


def _volumes(cloud: Any, site: SiteDeclaration, held: Held) -> Iterator[str]:
    new = [server for server in site.servers if server.volume and held.lacks("Volume", server.name)]
    if not new:
        return
    if not has_volumes(cloud):
        yield _("the cloud has no volumes: take them out of the inventory, or have the data on flavors' disks")
        return
    kind = site.volume_type
    if kind and kind not in {each.name for each in cloud.block_storage.types()}:
        yield _("the cloud has no volume type {name}: name the right one in the site's cloud.volume_type").format(
            name=kind
        )
    limits = cloud.block_storage.get_limits().absolute
    needs = (
        (_("volumes"), len(new), limits.max_total_volumes, limits.total_volumes_used),
        (
            _("GiB of volumes"), sum(server.volume for server in new), limits.max_total_volume_gigabytes,
            limits.total_gigabytes_used,
        ),
    )  # fmt: skip
    yield from (_exceeded(*need) for need in needs if _exceeds(*need[1:]))


def _exceeds(count: int, limit: int | None, used: int | None) -> bool:
    # No limit is said as -1, and by some clouds not at all.
    return limit is not None and limit >= 0 and (used or 0) + count > limit


def _exceeded(words: str, count: int, limit: int, used: int) -> str:
    return _("quota of {what}: {count} more are needed, {used} of {limit} are used").format(
        what=words, count=count, used=used, limit=limit
    )
