"""The ground of the conformance suite that is a real OpenStack, and what its operators and strangers do there."""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from infra.declaration import ServerDeclaration
from infra.engine import SitesAlone
from infra.laboratory.inside.furnishing import FAULTY, FAULTY_OFFSET, PROJECT
from infra.laboratory.inside.settings import IDENTITY, REGION, SERVICES
from infra.laboratory.laboratory import Laboratory
from infra.openstack import connection
from infra.openstack.finding import servers_named
from infra.twin.namespaces import inside
from infra.worlds import CloudSettings
from tests.real.clouds.boundary import PATIENCE, at_port
from tests.real.clouds.grounds import Ground, Parts, T


class OpenStackGround(Ground):
    """A project of the laboratory's OpenStack, whose services are reached through the boundary."""

    def __init__(self, folder: Path, laboratory: Laboratory) -> None:
        settings = CloudSettings(backend="openstack", endpoint=PROJECT, region=FAULTY)
        super().__init__(folder, settings)
        self.laboratory = laboratory
        self._servers = [
            self.within(lambda port=port: at_port(port + FAULTY_OFFSET, port, self.boundary))  # type: ignore[misc]
            for _kind, port, _path in SERVICES.values()
        ]
        self._threads = [threading.Thread(target=server.serve_forever) for server in self._servers]
        for thread in self._threads:
            # What a thread starts stays where it was started itself.
            self.within(thread.start)

    def close(self) -> None:
        self.boundary.let_go()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def within(self, act: Callable[[], T]) -> T:
        return inside(self.laboratory.namespace, act)

    @contextlib.contextmanager
    def _connected(self, cloud: str = PROJECT) -> Iterator[Any]:
        opened = connection.connect(CloudSettings(backend="openstack", endpoint=cloud))
        yield opened
        opened.close()

    def asked(self, act: Callable[[Any], T], cloud: str = PROJECT) -> T:
        """Return what is done with a connection past the boundary."""

        def enter() -> T:
            with self._connected(cloud) as opened:
                return act(opened)

        return self.within(enter)

    def everything(self) -> Parts:
        def look(cloud: Any) -> Parts:
            project = {"project_id": cloud.current_project_id}
            found = [("network", each.name) for each in cloud.network.networks(**project)]
            found += [("security_group", each.name) for each in cloud.network.security_groups(**project)]
            found += [("server_group", each.name) for each in cloud.compute.server_groups()]
            found += [("server", each.name) for each in cloud.compute.servers()]
            return Counter(pair for pair in found if pair[1] != "default")

        return self.asked(look)

    def beside(self) -> Parts:
        return self.asked(_beside)

    def identity(self, server: str) -> str:
        return self.asked(lambda cloud: str(servers_named(cloud, server)[0].id))

    def statuses(self) -> set[str]:
        return self.asked(lambda cloud: {each.status for each in cloud.compute.servers()})

    def rules(self, group: str) -> int:
        return len(self.asked(lambda cloud: _ingress(cloud, group)))

    def delete_server(self, name: str) -> None:
        def delete(cloud: Any) -> None:
            (server,) = servers_named(cloud, name)
            cloud.compute.delete_server(server)
            cloud.compute.wait_for_delete(server)

        self.asked(delete)

    def stop_server(self, name: str) -> None:
        def stop(cloud: Any) -> None:
            (server,) = servers_named(cloud, name)
            cloud.compute.stop_server(server)
            cloud.compute.wait_for_server(server, status="SHUTOFF", interval=0.5)

        self.asked(stop)

    def open_by_hand(self, group: str) -> None:
        def open_rule(cloud: Any) -> None:
            found = cloud.network.find_security_group(group)
            cloud.network.create_security_group_rule(
                security_group_id=found.id, direction="ingress", ether_type="IPv4", protocol="tcp", port_range_min=23,
                port_range_max=23, remote_ip_prefix="0.0.0.0/0",
            )  # fmt: skip

        self.asked(open_rule)

    def close_by_hand(self, group: str) -> None:
        def close(cloud: Any) -> None:
            for rule in _ingress(cloud, group):
                cloud.network.delete_security_group_rule(rule)

        self.asked(close)

    def second_network(self, name: str) -> None:
        self.asked(lambda cloud: cloud.network.create_network(name=name))

    def clear(self) -> None:
        self.asked(_cleared)

    def volume_of(self, server: str) -> tuple[str, int, list[str]]:
        """Id and size of the one volume of that name, and the servers that it is attached to."""

        def look(cloud: Any) -> tuple[str, int, list[str]]:
            (found,) = [each for each in cloud.block_storage.volumes() if each.name == server]
            return str(found.id), int(found.size), [str(each["server_id"]) for each in found.attachments]

        return self.asked(look)

    def limit_servers(self, count: int) -> None:
        """Set the project's quota of servers."""
        project = self.asked(lambda cloud: str(cloud.current_project_id))
        self.asked(lambda cloud: cloud.compute.update_quota_set(project, instances=count), "admin")

    def floating(self) -> list[str]:
        """What the project's floating addresses are described as."""
        return self.asked(
            lambda cloud: sorted(each.description for each in cloud.network.ips(project_id=cloud.current_project_id))
        )

    def floating_address(self) -> str:
        """The one floating address of the project."""
        (found,) = self.asked(lambda cloud: list(cloud.network.ips(project_id=cloud.current_project_id)))
        return str(found.floating_ip_address)

    def let_in(self, key: Path) -> None:
        """Have new hosts let in who holds the key of this public one."""
        self._settle(key=key)

    def wait_no_longer_than(self, seconds: float) -> None:
        """Have a server that takes longer to be built count as one that never comes up."""
        self._settle(patience=seconds)

    def _settle(self, **news: object) -> None:
        settings = self.world.cloud.model_copy(update=news)
        self.engine = SitesAlone(self.world.model_copy(update={"cloud": settings}), self.home)

    @contextlib.contextmanager
    def another_image(self, name: str) -> Iterator[None]:
        """Put another image under a name, as whoever keeps the cloud's images does each month."""

        def rename(cloud: Any, old: str, new: str) -> None:
            cloud.image.update_image(cloud.image.find_image(old, ignore_missing=False), name=new)

        def make(cloud: Any) -> str:
            rename(cloud, name, f"{name}-old")
            return str(cloud.image.create_image(name=name, data=b"new", disk_format="raw", container_format="bare").id)

        made = self.asked(make, "admin")
        try:
            yield
        finally:
            self.asked(lambda cloud: cloud.image.delete_image(made), "admin")
            self.asked(lambda cloud: rename(cloud, f"{name}-old", name), "admin")

    def break_server(self, name: str) -> None:
        """Have a server be in error that was up."""
        server = self.identity(name)
        self.asked(lambda cloud: cloud.compute.reset_server_state(server, "error"), "admin")

    def revoke(self, credential: str) -> None:
        """Take an application credential away, by its name."""

        def delete(cloud: Any) -> None:
            found = cloud.identity.find_application_credential(cloud.current_user_id, credential, ignore_missing=False)
            cloud.identity.delete_application_credential(cloud.current_user_id, found)

        self.asked(delete)

    def expire(self, tokens: set[str]) -> None:
        """Make tokens worthless, as their time does."""

        def revoke(cloud: Any) -> None:
            for token in tokens:
                cloud.session.delete(
                    f"{IDENTITY}/auth/tokens", headers={"X-Subject-Token": token}, authenticated=True, raise_exc=False
                )

        self.asked(revoke, "admin")

    def key_shown_at(self, server: ServerDeclaration) -> list[str]:
        """Type and key that the host itself has on its disk."""
        found = self.laboratory.files / "servers" / self.identity(server.name) / "upper/etc/ssh"
        return (found / "ssh_host_ed25519_key.pub").read_text().split()[:2]

    def by_reference(self, place: Path) -> str:
        """Have the secret of a new application credential kept apart from clouds.yaml; return it."""
        credential = self.asked(
            lambda cloud: cloud.identity.create_application_credential(user=cloud.current_user_id, name=place.name)
        )
        place.touch(mode=0o600)
        place.write_text(credential.secret)
        login = {"auth_url": IDENTITY, "application_credential_id": credential.id}
        regions = [{"name": name, "values": {}} for name in (REGION, FAULTY)]
        cloud = {"auth_type": "v3applicationcredential", "auth": login, "regions": regions, "region_name": REGION}
        known = json.loads(self.laboratory.clouds.read_text())
        known["clouds"]["by-reference"] = cloud
        self.laboratory.clouds.write_text(json.dumps(known))
        self._settle(endpoint="by-reference", secret=f"file:{place}")
        return str(credential.secret)


def _ingress(cloud: Any, group: str) -> list[Any]:
    found = cloud.network.find_security_group(group)
    return list(cloud.network.security_group_rules(security_group_id=found.id, direction="ingress"))


def _beside(cloud: Any) -> Parts:
    project = {"project_id": cloud.current_project_id}
    found = [("router", each.name) for each in cloud.network.routers(**project)]
    found += [("subnet", each.name) for each in cloud.network.subnets(**project)]
    found += [("floating", each.description) for each in cloud.network.ips(**project)]
    found += [("key", each.name) for each in cloud.compute.keypairs()]
    found += [("volume", each.name) for each in cloud.block_storage.volumes()]
    found += [("port", each.name) for each in cloud.network.ports(**project) if "network:" not in each.device_owner]
    return Counter(found)


def _cleared(cloud: Any) -> None:
    _compute_cleared(cloud)
    _network_cleared(cloud, {"project_id": cloud.current_project_id})


def _compute_cleared(cloud: Any) -> None:
    servers = list(cloud.compute.servers())
    for server in servers:
        cloud.compute.delete_server(server)
    for server in servers:
        cloud.compute.wait_for_delete(server)
    for volume in cloud.block_storage.volumes():
        if volume.status != "error":
            cloud.block_storage.wait_for_status(volume, "available", wait=PATIENCE)
        cloud.block_storage.delete_volume(volume)
    for group in cloud.compute.server_groups():
        cloud.compute.delete_server_group(group)
    for key in cloud.compute.keypairs():
        cloud.compute.delete_keypair(key)
    for address in cloud.network.ips(project_id=cloud.current_project_id):
        cloud.network.delete_ip(address)


def _network_cleared(cloud: Any, project: dict[str, str]) -> None:
    for port in list(cloud.network.ports(**project)):
        if port.device_owner.startswith("network:router_interface"):
            cloud.network.remove_interface_from_router(port.device_id, port_id=port.id)
        elif not port.device_owner.startswith("network:"):
            cloud.network.delete_port(port)
    for router in cloud.network.routers(**project):
        cloud.network.delete_router(router)
    for network in cloud.network.networks(**project):
        cloud.network.delete_network(network)
    for group in [each for each in cloud.network.security_groups(**project) if each.name != "default"]:
        cloud.network.delete_security_group(group)
