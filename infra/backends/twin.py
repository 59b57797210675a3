"""The twin's cloud as a backend: its resources are those of `infra/provider`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi

from infra.backends import BackendError
from infra.declaration import ServerDeclaration, SiteDeclaration
from infra.host_keys import HostKeys
from infra.parts import toolchain
from infra.provider.endpoint import Endpoint, EndpointError
from infra.provider.kinds import ENDPOINT_VARIABLE, KINDS, PACKAGE, TOKENS
from infra.provider.waiting import built
from infra.worlds import CloudSettings


def backend(settings: CloudSettings) -> TwinBackend:
    """Return the backend for the twin whose control socket the settings name."""
    return TwinBackend(Path(settings.endpoint))


class TwinBackend:
    """Declares a site in the twin's cloud."""

    def __init__(self, endpoint: Path) -> None:
        """Speak to the cloud behind this control socket."""
        self._path = endpoint

    def provide(self, site: SiteDeclaration) -> None:
        """Declare networks and groups, the servers in them, and the pairings once the site has its networks."""
        provider = pulumi.ProviderResource("zhenghe", "cloud", {"endpoint": str(self._path)})
        declared = _Declared(site.site, pulumi.ResourceOptions(provider=provider))
        networks = {
            network.name: declared.resource("network", network.model_dump(mode="json", exclude=_ELSEWHERE))
            for network in site.networks
        }
        security = {
            group.name: declared.resource("security_group", group.model_dump(mode="json"))
            for group in site.security_groups
        }
        apart = {
            group.name: declared.resource("server_group", group.model_dump(mode="json")) for group in site.server_groups
        }
        for server in site.servers:
            declared.resource("server", _server(server, networks, security, apart))
        for pairing in site.pairings:
            declared.resource("recovery_pairing", pairing.model_dump(mode="json"), after=tuple(networks.values()))

    def identities(self, resource_type: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the ids of the resources of that name at that site."""
        kind, cloud = KINDS[resource_type], Endpoint(self._path)
        try:
            items = cloud.call(f"{kind}.list", name=inputs["name"], site=inputs["site"])["items"]
            known = [built(cloud, kind, item) for item in items]
        except EndpointError as error:
            raise BackendError(str(error)) from error
        return tuple(item["id"] for item in known if item is not None)

    def local_ports(self) -> Iterator[int]:
        """Yield nothing: the twin's cloud answers at a Unix socket."""
        return iter(())

    def environment(self) -> Mapping[str, str]:
        """Tell the provider where the cloud answers now: the state may remember another place."""
        return {ENDPOINT_VARIABLE: str(self._path)}

    def plugins(self) -> tuple[Path, ...]:
        """Return the folder of our own provider."""
        return (toolchain.launchers({f"pulumi-resource-{PACKAGE}": "infra.provider"}),)

    def lacking(self, site: SiteDeclaration, held: frozenset[tuple[str, str]]) -> tuple[str, ...]:  # noqa: ARG002
        """Return nothing: the twin's cloud has neither quotas nor names of its own, and refuses clashes itself."""
        return ()

    def strays(self, site: SiteDeclaration) -> tuple[str, ...]:  # noqa: ARG002
        """Return nothing: a group and its rules are one resource in the twin's cloud."""
        return ()

    def clear(self, site: SiteDeclaration) -> tuple[str, ...]:  # noqa: ARG002
        """Leave all as it is: our provider takes what is broken for gone."""
        return ()

    def explained(self, resource_type: str, inputs: Mapping[str, Any], reason: str) -> str:  # noqa: ARG002
        """Return the reason: our provider says it in the cloud's words already."""
        return reason

    def host_keys(self, servers: Mapping[str, str]) -> tuple[HostKeys, ...]:  # noqa: ARG002
        """Return nothing: the twin writes the keys of its hosts into its world by itself."""
        return ()


_ELSEWHERE = {"resolver", "existing"}
"""What a network is declared with for other clouds."""


class _Declared:
    """Declares resources of one site under their own names."""

    def __init__(self, site: str, options: pulumi.ResourceOptions) -> None:
        self._site = site
        self._options = options

    def resource(
        self, kind: str, fields: Mapping[str, Any], after: tuple[pulumi.Resource, ...] = ()
    ) -> pulumi.CustomResource:
        own = pulumi.ResourceOptions(depends_on=list(after), delete_before_replace=True)
        options = pulumi.ResourceOptions.merge(self._options, own)
        return pulumi.CustomResource(TOKENS[kind], fields["name"], {**fields, "site": self._site}, options)


def _server(
    server: ServerDeclaration,
    networks: Mapping[str, pulumi.CustomResource],
    security: Mapping[str, pulumi.CustomResource],
    apart: Mapping[str, pulumi.CustomResource],
) -> dict[str, Any]:
    return {
        "name": server.name,
        "image": server.image,
        "cpus": server.cpus,
        "memory": server.memory,
        "network": networks[server.network].id,
        "address": str(server.address),
        "security_groups": [security[name].id for name in server.security_groups],
        "server_group": apart[server.server_group].id,
        # Said, so that a server which has stopped is a difference.
        "power_state": "active",
    }
