"""Where systems go: the government cloud, the sites for its disaster recovery, and the platforms that all share."""

from datetime import date
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import Duration, Model, Name


class Size(Model):
    """What a host of the cloud is given."""

    name: Annotated[str, Field(pattern=r"^\d+c\d+g$")]
    cpus: Annotated[int, Field(ge=1)]
    memory: Annotated[int, Field(ge=128, description="MiB")]


class SiteNetwork(Model):
    """A network of a site, carried by one domain of the extranet and led out by one provider edge."""

    name: Name
    domain: Name
    prefix: IPv4Network
    attached_to: Annotated[Name, Field(description="The provider edge that is its gateway (first address).")]
    entry: Annotated[IPv4Address | None, Field(description="Address of the host that runs its entries.")] = None


class Recovery(Model):
    """The pairing of a site with the site that keeps its copies."""

    site: Name
    rpo: Duration


class Site(Model):
    """A government cloud, or a site for its disaster recovery."""

    name: Name
    title: str
    role: Literal["primary", "same-city", "remote-recovery"]
    networks: tuple[SiteNetwork, ...]
    recovery: Recovery | None = None


class Link(Model):
    """The connection of a platform with another one, such as the province's."""

    to: Annotated[str, Field(description="Whose platform, in words.")]
    level: Literal["national", "province", "city", "district"]
    verified: date | None = None


class Platform(Model):
    """What a government has once and all departments use instead of their own."""

    name: Name
    title: str
    kind: Literal[
        "exchange", "sharing-site", "open-data", "portal", "identity", "site-cluster", "office-automation",
        "trading", "project-approval", "credit", "base-library", "theme-library", "common-application",
    ]  # fmt: skip
    deployed: Annotated[date | None, Field(description="When it went into service.")] = None
    links: tuple[Link, ...] = ()
    served: Annotated[tuple[Name, ...], Field(description="The departments that it serves.")] = ()
