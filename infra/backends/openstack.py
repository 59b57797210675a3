"""An OpenStack as a backend: one project of a cloud that a clouds.yaml names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi

from infra.backends import BackendError
from infra.declaration import SiteDeclaration
from infra.host_keys import HostKeys
from infra.openstack import connection, straying
from infra.openstack.consoles import read_consoles
from infra.openstack.finding import fault_of, identities
from infra.openstack.kinds import Kind
from infra.openstack.lacking import Held, complete, lacking
from infra.openstack.resources import SiteProgram
from infra.openstack.surroundings import Surroundings, surroundings
from infra.parts import toolchain
from infra.worlds import CloudSettings

_AROUND = re.compile(r"^(?:sdk-v2/\S+: )?(?:sdk\.helper_schema: )?|: provider=openstack@\S+$")


def backend(settings: CloudSettings) -> OpenStackBackend:
    """Return the backend for the cloud that the settings name."""
    return OpenStackBackend(settings)


class OpenStackBackend:
    """Declares a site in an OpenStack, and asks the cloud what the engine cannot see."""

    def __init__(self, settings: CloudSettings) -> None:
        """Keep how the cloud is reached; nothing is opened yet."""
        self._settings = settings

    def provide(self, site: SiteDeclaration) -> None:
        """Declare networks and routers, groups and rules, ports and servers."""
        there = Surroundings()
        if site.uplinks or any(network.existing for network in site.networks):
            with self._cloud() as cloud:
                there = surroundings(cloud, site)
        arguments = {"cloud": self._settings.endpoint}
        if self._settings.region:
            arguments["region"] = self._settings.region
        provider = pulumi.ProviderResource("openstack", "cloud", arguments)
        SiteProgram(site, there, self._settings, provider).declare()

    def identities(self, resource_type: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the ids of the resources of that unique name in the project."""
        with self._cloud() as cloud:
            return identities(cloud, resource_type, inputs)

    def local_ports(self) -> Iterator[int]:
        """Yield those of a cloud that is reached by a tunnel."""
        return connection.local_ports(self._settings)

    def environment(self) -> Mapping[str, str]:
        """Tell the provider where clouds.yaml is, and the secret that is in no file."""
        return connection.environment(self._settings)

    def plugins(self) -> tuple[Path, ...]:
        """Return the folder of Pulumi's provider for OpenStack, where it is not on PATH."""
        return (toolchain.openstack_provider().parent,)

    def lacking(self, site: SiteDeclaration, held: frozenset[tuple[str, str]]) -> tuple[str, ...]:
        """Return everything that stands against making what the state does not hold yet."""
        known = Held(held)
        if complete(site, known):
            return ()
        with self._cloud() as cloud:
            return lacking(cloud, site, known)

    def strays(self, site: SiteDeclaration) -> tuple[str, ...]:
        """Return the groups that let in more than was declared, and the servers in error."""
        with self._cloud() as cloud:
            groups = {rule.group for rule in straying.stray_rules(cloud, site)}
            return tuple(sorted({*groups, *straying.in_error(cloud, site)}))

    def clear(self, site: SiteDeclaration) -> tuple[str, ...]:
        """Take away what is not declared and what never came up; return the names of what was touched."""
        with self._cloud() as cloud:
            rules = straying.stray_rules(cloud, site)
            straying.close(cloud, rules)
            failed = straying.clear_failed(cloud, site, self._settings.patience)
        return tuple(sorted({*failed, *(rule.group for rule in rules)}))

    def explained(self, resource_type: str, inputs: Mapping[str, Any], reason: str) -> str:
        """Return what nova says of a server that failed; else the reason without what the provider puts around it."""
        plainly = _AROUND.sub("", reason)
        if resource_type != Kind.SERVER:
            return plainly
        try:
            with self._cloud() as cloud:
                return fault_of(cloud, str(inputs.get("name", ""))) or plainly
        except BackendError:
            # The cloud has just gone: then that is not why this failed before.
            return plainly

    def host_keys(self, servers: Mapping[str, str]) -> tuple[HostKeys, ...]:
        """Return what the servers printed of their keys on their consoles; wait for those that still boot."""
        with self._cloud() as cloud:
            return read_consoles(cloud, servers)

    @contextmanager
    def _cloud(self) -> Iterator[Any]:
        cloud = connection.connect(self._settings)
        try:
            with connection.translated(self._settings):
                yield cloud
        finally:
            cloud.close()
