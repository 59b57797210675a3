"""Networks that are in a cloud before a site is made there: those outside, and those that its operators have made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infra.declaration import NetworkDeclaration, SiteDeclaration
from inventory.words import _


class Surroundings(NamedTuple):
    """Ids: of networks outside by their names, and of network and subnet by the name that the site gives them."""

    outside: Mapping[str, str] = {}
    existing: Mapping[str, tuple[str, str]] = {}


def surroundings(cloud: Any, site: SiteDeclaration) -> Surroundings:
    """Look them up; `lacking_surroundings` has said before what is not there."""
    names = sorted(set(site.uplinks.values()))
    return Surroundings(
        outside={name: cloud.network.find_network(name, ignore_missing=False).id for name in names},
        existing={
            network.name: pairs[0]
            for network in site.networks
            if network.existing and (pairs := _pairs(cloud, network))
        },
    )


def lacking_surroundings(cloud: Any, site: SiteDeclaration) -> Iterator[str]:
    """Yield a sentence for each network that should be there already and is not, or not as it should be."""
    for network in site.networks:
        if not network.existing:
            continue
        found = list(cloud.network.networks(name=network.existing))
        if len(found) != 1:
            text = _("network {name}: the cloud has {count} networks {existing}, where exactly one is to be used")
            yield text.format(name=network.name, count=len(found), existing=network.existing)
        elif len(_pairs(cloud, network)) != 1:
            text = _("network {name}: network {existing} of the cloud has no subnet {prefix}")
            yield text.format(name=network.name, existing=network.existing, prefix=network.prefix)


def _pairs(cloud: Any, network: NetworkDeclaration) -> list[tuple[str, str]]:
    return [
        (found.id, subnet.id)
        for found in cloud.network.networks(name=network.existing)
        for subnet in cloud.network.subnets(network_id=found.id, cidr=str(network.prefix))
    ]
