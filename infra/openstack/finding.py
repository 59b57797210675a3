"""Finds again by their names what a killed run has made; ids are those that Pulumi's provider gives."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from infra.openstack.kinds import Kind
from inventory.plain import plain

BUILDING = "BUILD"
_POLL_SECONDS = 1.0
Inputs = Mapping[str, Any]


def identities(cloud: Any, resource_type: str, inputs: Inputs) -> tuple[str, ...]:
    """Return the ids of the resources that carry the unique name of these inputs; none for kinds that are not ours."""
    finder = _FINDERS.get(resource_type)
    return tuple(finder(cloud, inputs)) if finder is not None else ()


def _networks(cloud: Any, inputs: Inputs) -> list[str]:
    return [each.id for each in cloud.network.networks(name=inputs["name"], project_id=cloud.current_project_id)]


def _subnets(cloud: Any, inputs: Inputs) -> list[str]:
    return [each.id for each in cloud.network.subnets(name=inputs["name"], network_id=inputs["networkId"])]


def _routers(cloud: Any, inputs: Inputs) -> list[str]:
    return [each.id for each in cloud.network.routers(name=inputs["name"], project_id=cloud.current_project_id)]


def _interfaces(cloud: Any, inputs: Inputs) -> list[str]:
    ports = cloud.network.ports(device_id=inputs["routerId"])
    return [port.id for port in ports if any(ip["subnet_id"] == inputs["subnetId"] for ip in port.fixed_ips)]


def _groups(cloud: Any, inputs: Inputs) -> list[str]:
    groups = cloud.network.security_groups(name=inputs["name"], project_id=cloud.current_project_id)
    return [each.id for each in groups]


def _rules(cloud: Any, inputs: Inputs) -> list[str]:
    wanted = (inputs.get("protocol"), inputs.get("portRangeMin"), inputs.get("portRangeMax"))
    rules = cloud.network.security_group_rules(
        security_group_id=inputs["securityGroupId"], direction=inputs["direction"]
    )  # fmt: skip
    return [
        each.id
        for each in rules
        if (each.protocol, each.port_range_min, each.port_range_max) == wanted
        and source_of(each) == inputs.get("remoteIpPrefix")
    ]


def source_of(rule: Any) -> str:
    """Return where the traffic of a rule may come from; no prefix is every address."""
    return str(rule.remote_ip_prefix or "0.0.0.0/0")


def _ports(cloud: Any, inputs: Inputs) -> list[str]:
    return [each.id for each in cloud.network.ports(name=inputs["name"], network_id=inputs["networkId"])]


def _floating(cloud: Any, inputs: Inputs) -> list[str]:
    # Clouds need not filter by it.
    addresses = cloud.network.ips(project_id=cloud.current_project_id)
    return [each.id for each in addresses if each.description == inputs["description"]]


def _server_groups(cloud: Any, inputs: Inputs) -> list[str]:
    return [each.id for each in cloud.compute.server_groups() if each.name == inputs["name"]]


def _keys(cloud: Any, inputs: Inputs) -> list[str]:
    # Keys are their owner's, not the project's: under that name may be another one, which nobody may touch.
    return [
        each.name
        for each in cloud.compute.keypairs()
        if each.name == inputs["name"] and each.public_key.split()[:2] == inputs["publicKey"].split()[:2]
    ]


def servers_named(cloud: Any, name: str) -> list[Any]:
    """Return the servers of exactly that name."""
    return list(cloud.compute.servers(name=f"^{re.escape(name)}$"))


def fault_of(cloud: Any, name: str) -> str:
    """Return what the cloud says of why the server of that name is in error; empty where it says nothing."""
    faults = [cloud.compute.get_server(each.id).fault for each in servers_named(cloud, name) if each.status == "ERROR"]
    return "; ".join(plain(str(fault["message"]), 400) for fault in faults if fault and fault.get("message"))


def await_built(cloud: Any, name: str, seconds: float) -> None:
    """Return when no server of that name is being built any more, or after so many seconds."""
    limit = time.monotonic() + seconds
    while any(each.status == BUILDING for each in servers_named(cloud, name)) and time.monotonic() < limit:
        time.sleep(_POLL_SECONDS)


def _servers(cloud: Any, inputs: Inputs) -> list[str]:
    return [each.id for each in servers_named(cloud, inputs["name"])]


def volumes_named(cloud: Any, name: str) -> list[Any]:
    """Return the volumes of exactly that name; none where the cloud has no volumes."""
    if not has_volumes(cloud):
        return []
    # By what they may be asked for is every cloud's own affair.
    return [each for each in cloud.block_storage.volumes() if each.name == name]


def has_volumes(cloud: Any) -> bool:
    """Say whether the cloud lists a service of volumes."""
    return bool(cloud.has_service("block-storage"))


def _volumes(cloud: Any, inputs: Inputs) -> list[str]:
    return [each.id for each in volumes_named(cloud, inputs["name"])]


def _attachments(cloud: Any, inputs: Inputs) -> list[str]:
    server, volume = inputs["instanceId"], inputs["volumeId"]
    found = [each.volume_id for each in cloud.compute.volume_attachments(server)]
    return [f"{server}/{volume}" for each in found if each == volume]


_FINDERS: Mapping[str, Callable[[Any, Inputs], list[str]]] = {
    Kind.NETWORK: _networks,
    Kind.SUBNET: _subnets,
    Kind.ROUTER: _routers,
    Kind.INTERFACE: _interfaces,
    Kind.SECURITY_GROUP: _groups,
    Kind.RULE: _rules,
    Kind.PORT: _ports,
    Kind.FLOATING: _floating,
    Kind.SERVER_GROUP: _server_groups,
    Kind.SERVER: _servers,
    Kind.KEY: _keys,
    Kind.VOLUME: _volumes,
    Kind.ATTACHMENT: _attachments,
}
