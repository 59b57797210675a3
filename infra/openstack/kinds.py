"""The names of OpenStack's kinds of resource in Pulumi, and the words by which ours are marked."""

from collections.abc import Mapping
from enum import StrEnum

from infra.declaration import SiteDeclaration


class Kind(StrEnum):
    """A kind of resource, by its name in Pulumi."""

    NETWORK = "openstack:networking/network:Network"
    SUBNET = "openstack:networking/subnet:Subnet"
    ROUTER = "openstack:networking/router:Router"
    INTERFACE = "openstack:networking/routerInterface:RouterInterface"
    SECURITY_GROUP = "openstack:networking/secGroup:SecGroup"
    RULE = "openstack:networking/secGroupRule:SecGroupRule"
    PORT = "openstack:networking/port:Port"
    FLOATING = "openstack:networking/floatingIp:FloatingIp"
    SERVER_GROUP = "openstack:compute/serverGroup:ServerGroup"
    SERVER = "openstack:compute/instance:Instance"
    KEY = "openstack:compute/keypair:Keypair"
    VOLUME = "openstack:blockstorage/volume:Volume"
    ATTACHMENT = "openstack:compute/volumeAttach:VolumeAttach"


def marks(site: SiteDeclaration) -> Mapping[str, str]:
    """Return what every resource of a site is marked with, so that operators of the cloud know whose it is."""
    return {"made-by": "zhenghe", "programme": site.programme, "site": site.site}


def tags(site: SiteDeclaration) -> list[str]:
    """Return the same as a list of words, for kinds of resource that take no pairs."""
    return [f"{name}={value}" for name, value in marks(site).items()]


def router_name(site: SiteDeclaration, domain: str) -> str:
    """Return the name of the router that leads a site's networks of one domain out."""
    return f"{site.site}-{domain}"


def floating_mark(site: str, server: str) -> str:
    """Return what a floating address is described as: it has no name by which it could be found again."""
    return f"zhenghe: {site}: {server}"


def key_name(site: SiteDeclaration) -> str:
    """Return the name of the key by which a site's hosts let their operator in."""
    return f"{site.programme}-{site.site}" if site.programme else site.site
