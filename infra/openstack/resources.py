"""The resources of a site in an OpenStack, as a Pulumi program declares them.

Kinds and fields are those of Pulumi's provider for OpenStack, by the names that they have between engine and provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from infra.declaration import NetworkDeclaration, RuleDeclaration, ServerDeclaration, SiteDeclaration
from infra.openstack.kinds import Kind, floating_mark, key_name, marks, router_name, tags
from infra.openstack.surroundings import Surroundings
from infra.worlds import CloudSettings

_ROOT_MAY_LOG_IN = "#cloud-config\ndisable_root: false\n"
_BORN_WITH = ("keyPair", "userData", "imageName", "availabilityZone", "schedulerHints")
"""By these a server is made, and for none of them made anew: whoever renames an image costs nobody his data."""


Ids = tuple[pulumi.Input[str], pulumi.Input[str]]
"""Of a network and its subnet."""


class SiteProgram:
    """Declares one site among what is in the cloud already."""

    def __init__(
        self, site: SiteDeclaration, there: Surroundings, settings: CloudSettings, provider: pulumi.ProviderResource
    ) -> None:
        self._site = site
        self._there = there
        self._networks = tuple(network for network in site.networks if not network.existing)
        """Those that are ours to make, and to lead out."""
        self._key = settings.key
        self._long = pulumi.CustomTimeouts(create=f"{settings.patience:.0f}s", update="30m", delete="30m")
        self._options = pulumi.ResourceOptions(provider=provider, delete_before_replace=True)

    def declare(self) -> None:
        """Declare everything, each resource under a name that is unique in the project."""
        made = {network.name: self._network(network) for network in self._networks}
        subnets: dict[str, Ids] = {**self._there.existing, **{name: (a.id, b.id) for name, (a, b) in made.items()}}
        interfaces = self._routers(subnets)
        security = {group.name: self._group(group.name, group.rules) for group in self._site.security_groups}
        apart = {
            group.name: self._resource(
                Kind.SERVER_GROUP, group.name, {"name": group.name, "policies": [group.policy]}
            )
            for group in self._site.server_groups
        }  # fmt: skip
        key = self._operator_key()
        last: dict[str, pulumi.CustomResource] = {}
        for server in self._site.servers:
            port = self._port(server, subnets[server.network], security)
            # Two members of a group that are placed at once may both be refused: one follows the other.
            before = [last[server.server_group]] if server.server_group in last else []
            if server.floating:
                self._float(server, port, interfaces)
            fields = self._server(server, port, apart[server.server_group], key)
            host = self._resource(Kind.SERVER, server.name, fields, after=[*before, *interfaces], once=_BORN_WITH)
            last[server.server_group] = host
            if server.volume:
                self._volume(server, host)

    def _resource(
        self, kind: Kind, name: str, fields: Mapping[str, Any], after: Sequence[pulumi.Resource] = (),
        once: Sequence[str] = (),
    ) -> pulumi.CustomResource:  # fmt: skip
        own = pulumi.ResourceOptions(depends_on=list(after), ignore_changes=list(once), custom_timeouts=self._long)
        return pulumi.CustomResource(kind.value, name, dict(fields), pulumi.ResourceOptions.merge(self._options, own))

    def _network(self, network: NetworkDeclaration) -> tuple[pulumi.CustomResource, pulumi.CustomResource]:
        made = self._resource(
            Kind.NETWORK, network.name, {"name": network.name, "adminStateUp": True, "tags": tags(self._site)}
        )
        fields = {
            "name": network.name, "networkId": made.id, "cidr": str(network.prefix), "ipVersion": 4,
            "gatewayIp": str(network.prefix[1]), "tags": tags(self._site),
        }  # fmt: skip
        if network.resolver is not None:
            fields["dnsNameservers"] = [str(network.resolver)]
        return made, self._resource(Kind.SUBNET, network.name, fields)

    def _routers(self, subnets: Mapping[str, Ids]) -> list[pulumi.CustomResource]:
        interfaces = []
        for domain in sorted({network.domain for network in self._networks}):
            name, uplink = router_name(self._site, domain), self._site.uplinks.get(domain)
            fields: dict[str, Any] = {"name": name, "adminStateUp": True, "tags": tags(self._site)}
            if uplink is not None:
                fields["externalNetworkId"] = self._there.outside[uplink]
            router = self._resource(Kind.ROUTER, name, fields)
            interfaces += [
                self._resource(
                    Kind.INTERFACE, network.name, {"routerId": router.id, "subnetId": subnets[network.name][1]}
                )
                for network in self._networks
                if network.domain == domain
            ]
        return interfaces

    def _group(self, name: str, rules: Sequence[RuleDeclaration]) -> pulumi.CustomResource:
        # The default rules let everything out and nothing in, which is what a declaration means.
        fields = {"name": name, "description": f"zhenghe: {name}", "tags": tags(self._site)}
        group = self._resource(Kind.SECURITY_GROUP, name, fields)
        for rule in dict.fromkeys(rules):
            ports = {} if rule.port is None else {"portRangeMin": rule.port, "portRangeMax": rule.port}
            opened = {
                "securityGroupId": group.id, "direction": "ingress", "ethertype": "IPv4", "protocol": rule.protocol,
                "remoteIpPrefix": str(rule.source), **ports,
            }  # fmt: skip
            self._resource(Kind.RULE, f"{name}-{rule_name(rule)}", opened)
        return group

    def _port(
        self,
        server: ServerDeclaration,
        network: Ids,
        security: Mapping[str, pulumi.CustomResource],
    ) -> pulumi.CustomResource:
        fields = {
            "name": server.name, "networkId": network[0], "adminStateUp": True, "tags": tags(self._site),
            "fixedIps": [{"subnetId": network[1], "ipAddress": str(server.address)}],
            "securityGroupIds": [security[name].id for name in server.security_groups],
        }  # fmt: skip
        return self._resource(Kind.PORT, server.name, fields)

    def _float(
        self, server: ServerDeclaration, port: pulumi.CustomResource, interfaces: Sequence[pulumi.Resource]
    ) -> None:
        """Declare an address of the network outside; it can be had once the server's network is led there."""
        (domain,) = (network.domain for network in self._site.networks if network.name == server.network)
        fields = {
            "pool": self._site.uplinks[domain], "portId": port.id, "tags": tags(self._site),
            "description": floating_mark(self._site.site, server.name),
        }  # fmt: skip
        self._resource(Kind.FLOATING, server.name, fields, after=interfaces)

    def _volume(self, server: ServerDeclaration, host: pulumi.CustomResource) -> None:
        """Declare the disk of a host's data: it stays when the host is made anew, and is attached to the new one."""
        fields: dict[str, Any] = {
            "name": server.name, "size": server.volume, "metadata": dict(marks(self._site)),
            # It grows while it is in use.
            "enableOnlineResize": True,
        }  # fmt: skip
        if self._site.volume_type:
            fields["volumeType"] = self._site.volume_type
        volume = self._resource(Kind.VOLUME, server.name, fields, once=("volumeType",))
        self._resource(Kind.ATTACHMENT, server.name, {"instanceId": host.id, "volumeId": volume.id})

    def _operator_key(self) -> pulumi.CustomResource | None:
        if self._key is None or not self._site.servers:
            return None
        name = key_name(self._site)
        return self._resource(Kind.KEY, name, {"name": name, "publicKey": self._key.read_text().strip()})

    def _server(
        self,
        server: ServerDeclaration,
        port: pulumi.CustomResource,
        group: pulumi.CustomResource,
        key: pulumi.CustomResource | None,
    ) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "name": server.name,
            "imageName": server.cloud_image or server.image,
            "flavorName": server.flavor,
            "networks": [{"port": port.id}],
            "schedulerHints": [{"group": group.id}],
            "configDrive": True,
            "userData": _ROOT_MAY_LOG_IN,
            "metadata": dict(marks(self._site)),
            # Said, so that a server which has stopped is a difference.
            "powerState": "active",
        }
        if self._site.zone:
            fields["availabilityZone"] = self._site.zone
        if key is not None:
            fields["keyPair"] = key.id
        return fields


def rule_name(rule: RuleDeclaration) -> str:
    """Return a name for a rule that is unique in its group."""
    return f"{rule.protocol}-{rule.port or 'any'}-{str(rule.source).replace('/', '_')}"
