"""The resources of the twin's cloud: the fields of each kind, and which of them can be changed."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from pydantic import Field

from infra.twin.substrate import PacketRule
from inventory.base import Model


class NetworkRequest(Model):
    """A network with its one subnet and the provider edge that leads out of it."""

    name: str
    site: str
    domain: str
    prefix: IPv4Network
    edge: str


class SecurityGroupRequest(Model):
    """A named set of rules for incoming traffic."""

    name: str
    site: str
    rules: tuple[PacketRule, ...]


class ServerGroupRequest(Model):
    """Servers that must not share a hypervisor."""

    name: str
    site: str
    policy: Literal["anti-affinity"]


class ServerRequest(Model):
    """A server with one port; references are ids."""

    name: str
    site: str
    image: str
    cpus: int = Field(ge=1)
    memory: int = Field(ge=64, description="MiB")
    network: str
    address: IPv4Address
    security_groups: tuple[str, ...]
    server_group: str
    power_state: Literal["active"] = "active"


class RecoveryPairingRequest(Model):
    """The promise that one site keeps the copies of another, at most `rpo` seconds old."""

    name: str
    site: str
    primary: str
    recovery: str
    rpo: float = Field(gt=0)


Request = NetworkRequest | SecurityGroupRequest | ServerGroupRequest | ServerRequest | RecoveryPairingRequest

REQUESTS: Mapping[str, type[Request]] = {
    "network": NetworkRequest,
    "security_group": SecurityGroupRequest,
    "server_group": ServerGroupRequest,
    "server": ServerRequest,
    "recovery_pairing": RecoveryPairingRequest,
}
UPDATABLE: Mapping[str, frozenset[str]] = {
    "network": frozenset(),
    "security_group": frozenset({"rules"}),
    "server_group": frozenset(),
    "server": frozenset({"security_groups", "power_state"}),
    "recovery_pairing": frozenset({"rpo"}),
}
