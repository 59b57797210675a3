"""Names that the operator's template gives things on the twin's devices, and the networks behind a device."""

from ipaddress import IPv4Network

from inventory.derived.wired import centre_of, networks_behind
from inventory.model import Programme

CIRCUIT_IN = "EXTRANET-IN"
"""The policy that a department's device or a hub applies to what its provider edge announces."""
OWN_OUT = "OWN-OUT"
"""The policy by which such a device announces its own networks alone, so that it carries nobody else's traffic."""
EXTRANET = "EXTRANET"
"""The list of the extranet's own networks: its centre's and its sites'."""
OWN = "OWN"
"""The list of the networks behind the device."""


def own_networks(programme: Programme, device: str) -> tuple[IPv4Network, ...]:
    """Return the networks behind a device: machine rooms' and users', in order, each once."""
    return networks_behind(programme).get(device, ())


def extranet_networks(programme: Programme, domain: str) -> tuple[IPv4Network, ...]:
    """Return what the extranet itself offers in a domain: the networks of its centre and of its sites, in order."""
    centre = {network.prefix for network in centre_of(programme).networks if network.domain == domain}
    sites = {network.prefix for site in programme.sites for network in site.networks if network.domain == domain}
    return tuple(sorted(centre | sites))
