"""Where systems go: the government cloud, the sites for its disaster recovery, and the platforms that all share."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import SIZE_PATTERN, Address, Duration, Model, Name, Prefix


class Size(Model):
    """What a host of the cloud is given."""

    name: Annotated[str, Field(pattern=SIZE_PATTERN, description="Processors and memory, such as 2c4g.")]
    cpus: Annotated[int, Field(ge=1, description="How many processors a host of this size has.")]
    memory: Annotated[int, Field(ge=128, description="Its memory in MiB.")]


class SiteNetwork(Model):
    """A network of a site, carried by one domain of the extranet and led out by one provider edge."""

    name: Annotated[Name, Field(description="Its name, unique among networks of sites.")]
    domain: Annotated[Name, Field(description="The domain that it belongs to.")]
    prefix: Annotated[Prefix, Field(description="Its addresses.")]
    attached_to: Annotated[Name, Field(description="The provider edge that is its gateway (first address).")]
    entry: Annotated[Address | None, Field(description="Address of the host that runs its entries.")] = None


class Recovery(Model):
    """The pairing of a site with the site that keeps its copies."""

    site: Annotated[Name, Field(description="The site that keeps the copies.")]
    rpo: Annotated[Duration, Field(description="How old the copies may be at the most, such as 15m.")]


class SiteFlavor(Model):
    """What a cloud calls a size."""

    size: Annotated[str, Field(pattern=SIZE_PATTERN, description="The size, as the programme names it.")]
    flavor: Annotated[str, Field(min_length=1, description="What the cloud calls it.")]


class SiteImage(Model):
    """What a cloud calls the image of a release."""

    release: Annotated[Name, Field(description="The release, such as bookworm.")]
    image: Annotated[str, Field(min_length=1, description="What the cloud calls its image.")]


class SiteUplink(Model):
    """The network of a cloud that leads out of a domain."""

    domain: Annotated[Name, Field(description="The domain of the extranet.")]
    network: Annotated[str, Field(min_length=1, description="What the cloud calls the network outside.")]


class SiteExisting(Model):
    """A network that the cloud's operators have made themselves."""

    network: Annotated[Name, Field(description="The network, as the site names it.")]
    name: Annotated[str, Field(min_length=1, description="What the cloud calls it; never made, never deleted.")]


class SiteCloud(Model):
    """What a site's cloud calls the things that the programme asks for; what is left out has the programme's name."""

    release: Annotated[Name, Field(description="The release that its hosts start from.")] = "bookworm"
    images: Annotated[tuple[SiteImage, ...], Field(description="Its images by release.")] = ()
    flavors: Annotated[tuple[SiteFlavor, ...], Field(description="Its flavors by size.")] = ()
    existing: Annotated[
        tuple[SiteExisting, ...], Field(description="Networks that are there already, led out by the operators.")
    ] = ()
    uplinks: Annotated[tuple[SiteUplink, ...], Field(description="What its routers lead to, by domain.")] = ()
    hypervisors: Annotated[
        int | None,
        Field(ge=1, description="How many hypervisors its hosts may run on; asked of the cloud where it tells them."),
    ] = None
    floating: Annotated[
        tuple[Name, ...], Field(description="Hosts that are reached from outside by a floating address too.")
    ] = ()
    volume_type: Annotated[str, Field(description="Of its hosts' volumes; empty: the cloud's default.")] = ""
    zone: Annotated[str, Field(description="The availability zone of its hosts; empty: the cloud chooses.")] = ""


class SiteLink(Model):
    """A connection of a site with one of another level, over the extranet."""

    site: Annotated[Name, Field(description="The other site, such as the province's.")]
    domain: Annotated[Name, Field(description="The domain of the extranet that carries it.")]


class Site(Model):
    """A government cloud, or a site for its disaster recovery."""

    name: Annotated[Name, Field(description="Its name, unique among sites.")]
    title: Annotated[str, Field(description="What it is called.")]
    role: Annotated[
        Literal["primary", "same-city", "remote-recovery"],
        Field(description="What it is for: the cloud itself, its pair in the same city, or its copies far away."),
    ]
    level: Annotated[
        Literal["province", "city", "district"] | None, Field(description="Whose it is; none: the programme's own.")
    ] = None
    networks: Annotated[tuple[SiteNetwork, ...], Field(description="Its networks, one or more for each domain.")]
    recovery: Annotated[Recovery | None, Field(description="The site that keeps its copies.")] = None
    links: Annotated[
        tuple[SiteLink, ...],
        Field(description="Sites of other levels that it is linked with; a link stands at one of its two ends."),
    ] = ()
    cloud: Annotated[SiteCloud | None, Field(description="What its cloud calls flavors, images and networks.")] = None


class Link(Model):
    """The connection of a platform with another one, such as the province's."""

    to: Annotated[str, Field(description="Whose platform, in words.")]
    level: Annotated[
        Literal["national", "province", "city", "district"],
        Field(description="The level of government that the other platform belongs to."),
    ]
    verified: Annotated[date | None, Field(description="The day on which the link was seen to work.")] = None


class Platform(Model):
    """What a government has once and all departments use instead of their own."""

    name: Annotated[Name, Field(description="Its name, unique among platforms and systems.")]
    title: Annotated[str, Field(description="What it is called.")]
    kind: Annotated[
        Literal[
            "exchange",
            "sharing-site",
            "open-data",
            "portal",
            "identity",
            "site-cluster",
            "office-automation",
            "trading",
            "project-approval",
            "credit",
            "base-library",
            "theme-library",
            "common-application",
        ],
        Field(description="What it is for."),
    ]
    topic: Annotated[
        Name | None, Field(description="What a library is about, such as population or legal-entities.")
    ] = None
    deployed: Annotated[date | None, Field(description="When it went into service.")] = None
    links: Annotated[tuple[Link, ...], Field(description="Its connections with platforms of other governments.")] = ()
    served: Annotated[tuple[Name, ...], Field(description="The departments that it serves.")] = ()
