"""The furniture of a laboratory before an operator comes: a value, which its services read as JSON."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Field

from inventory.base import Model


class Flavor(Model):
    """What a server is given; memory in MiB."""

    cpus: int
    memory: int


class Uplink(Model):
    """A network that leads out; whoever is outside has the first address of its prefix, routers the next ones."""

    name: str
    prefix: IPv4Network


class Furniture(Model):
    """Flavors, images (the release that each one boots) and networks outside, by their names in the cloud."""

    flavors: Mapping[str, Flavor]
    images: Mapping[Annotated[str, Field(pattern=r"^[^/]+$")], str]
    uplinks: tuple[Uplink, ...]


USUAL = Furniture(
    flavors={"1c1g": Flavor(cpus=1, memory=256), "2c2g": Flavor(cpus=2, memory=512)},
    images={"bookworm": "bookworm", "bullseye": "bullseye"},
    uplinks=(Uplink(name="extranet", prefix=IPv4Network("10.200.0.0/16")),),
)
