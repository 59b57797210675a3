"""The grounds of the conformance suite: the twin's cloud in memory, and a real OpenStack; a backend stands on each.

Both are asked the same by the tests. What they are asked for is done behind the engine's back, by the cloud's own ways.
"""

import contextlib
import json
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from infra.declaration import RuleDeclaration, ServerDeclaration, SiteDeclaration
from infra.engine import SitesAlone
from infra.engine.journal import Progress
from infra.engine.state import SiteState
from infra.laboratory.furniture import USUAL
from infra.laboratory.inside.furnishing import FAULTY, FAULTY_OFFSET, PROJECT
from infra.laboratory.inside.settings import IDENTITY, REGION, SERVICES
from infra.laboratory.laboratory import Laboratory
from infra.openstack import connection
from infra.openstack.finding import servers_named
from infra.twin.cloud import Cloud
from infra.twin.memory import MemorySubstrate
from infra.twin.namespaces import inside
from infra.worlds import CloudSettings, World, save_world
from tests.real.boundary import Boundary, at_port, at_socket

T = TypeVar("T")
Parts = Counter[tuple[str, str]]
PROVIDE = """
import sys
from pathlib import Path
from infra.declaration import SiteDeclaration
from infra.engine import SiteEngine
from infra.worlds import load_world
world, home, site, verb = sys.argv[1:]
engine = SiteEngine(load_world(Path(world)), Path(home))
getattr(engine, verb)(SiteDeclaration.model_validate_json(Path(site).read_text()))
"""


def declared(site: str = "cloud-a", number: int = 60, hosts: int = 2) -> SiteDeclaration:
    """A site with one network and a few hosts that must not share a hypervisor."""
    network, group = f"{site}-admin", f"{site}-component"
    servers = [
        {
            "name": f"{site}-db-{host}", "image": "bookworm", "flavor": "1c1g", "cpus": 1, "memory": 256,
            "network": network, "address": f"10.{number}.1.{20 + host}", "security_groups": [group],
            "server_group": f"{site}-db",
        }
        for host in range(1, hosts + 1)
    ]  # fmt: skip
    icmp = {"protocol": "icmp", "port": None, "source": "0.0.0.0/0"}
    return SiteDeclaration.model_validate(
        {
            "programme": "district", "site": site, "uplinks": {"administrative": USUAL.uplinks[0].name},
            "networks": [
                {"name": network, "domain": "administrative", "prefix": f"10.{number}.1.0/24", "edge": "pe1"}
            ],
            "security_groups": [{"name": group, "rules": [icmp]}],
            "server_groups": [{"name": f"{site}-db"}], "servers": servers, "pairings": [],
        }
    )  # fmt: skip


def with_rule(site: SiteDeclaration) -> SiteDeclaration:
    (group,) = site.security_groups
    rule = RuleDeclaration.model_validate({"protocol": "tcp", "port": 22, "source": "0.0.0.0/0"})
    return site.model_copy(update={"security_groups": (group.model_copy(update={"rules": (*group.rules, rule)}),)})


def complete(*sites: SiteDeclaration) -> Parts:
    """What must be there of these sites, no more and no less."""
    found: Parts = Counter()
    for site in sites:
        parts: dict[str, tuple[Any, ...]] = {
            "network": site.networks, "security_group": site.security_groups, "server_group": site.server_groups,
            "server": site.servers,
        }  # fmt: skip
        found += Counter((kind, part.name) for kind, many in parts.items() for part in many)
    return found


class Ground(ABC):
    """A cloud behind a boundary, and an engine with a home."""

    def __init__(self, folder: Path, settings: CloudSettings) -> None:
        self.boundary = Boundary()
        self.home = folder / "sites"
        self.complaint = folder / "complaint"
        self.world = World(name="test", kind="twin", ssh_config=folder / "ssh_config", cloud=settings)
        self.world_file = folder / "world.json"
        save_world(self.world, self.world_file)
        # What gRPC begins to do stays in the namespace in which it was done first.
        self.engine = SitesAlone(self.world, self.home)

    def provide(self, site: SiteDeclaration, progress: Progress | None = None) -> SiteState:
        return self.within(lambda: self.engine.provide(site, progress))

    def observe(self, site: SiteDeclaration) -> SiteState:
        return self.within(lambda: self.engine.observe(site))

    def preview(self, site: SiteDeclaration) -> SiteState:
        return self.within(lambda: self.engine.preview(site))

    def withdraw(self, site: SiteDeclaration) -> SiteState:
        return self.within(lambda: self.engine.withdraw(site))

    def elsewhere(self, site: SiteDeclaration, verb: str) -> "subprocess.Popen[bytes]":
        """Start the engine in a process that may be killed; what it says last is in `complaint`."""
        file = self.home.parent / "site.json"
        file.write_text(site.model_dump_json())
        words = (sys.executable, "-c", PROVIDE, str(self.world_file), str(self.home), str(file), verb)
        with self.complaint.open("wb") as complaint:
            return self.within(lambda: subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=complaint))

    @abstractmethod
    def within(self, act: Callable[[], T]) -> T:
        """Return what is done where the cloud answers."""

    @abstractmethod
    def everything(self) -> Parts:
        """What is in the cloud, by kind and name."""

    def beside(self) -> Parts:
        """What else was made of a site, where the cloud has more kinds."""
        return Counter()

    @abstractmethod
    def identity(self, server: str) -> str: ...

    @abstractmethod
    def statuses(self) -> set[str]: ...

    @abstractmethod
    def rules(self, group: str) -> int:
        """How many things a group lets in."""

    @abstractmethod
    def delete_server(self, name: str) -> None: ...

    @abstractmethod
    def stop_server(self, name: str) -> None: ...

    @abstractmethod
    def open_by_hand(self, group: str) -> None:
        """Have a group let in what nobody declared."""

    @abstractmethod
    def close_by_hand(self, group: str) -> None:
        """Have a group let nothing in."""

    @abstractmethod
    def second_network(self, name: str) -> None:
        """Make another network of that name."""

    @abstractmethod
    def clear(self) -> None:
        """Leave nothing in the cloud."""


class TwinGround(Ground):
    """The twin's cloud over a substrate in memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CloudSettings(backend="twin", endpoint=str(folder / "control")))
        self.substrate = MemorySubstrate()
        self.cloud = Cloud(self.substrate)
        self._server = at_socket(self.cloud, folder / "control", self.boundary)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.boundary.let_go()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.cloud.close()

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.cloud.call(verb, arguments)["result"]
        return result

    def one(self, kind: str, name: str) -> dict[str, Any]:
        (item,) = self.ask(f"{kind}.list", name=name)["items"]
        found: dict[str, Any] = item
        return found

    def within(self, act: Callable[[], T]) -> T:
        return act()

    def everything(self) -> Parts:
        kinds = ("network", "security_group", "server_group", "server")
        return Counter((kind, item["name"]) for kind in kinds for item in self.ask(f"{kind}.list")["items"])

    def identity(self, server: str) -> str:
        return str(self.one("server", server)["id"])

    def statuses(self) -> set[str]:
        return {item["status"] for item in self.ask("server.list")["items"]}

    def rules(self, group: str) -> int:
        return len(self.one("security_group", group)["rules"])

    def delete_server(self, name: str) -> None:
        self.ask("server.delete", id=self.identity(name))

    def stop_server(self, name: str) -> None:
        self.substrate.crash_host(name)

    def open_by_hand(self, group: str) -> None:
        found = self.one("security_group", group)
        opened = {"protocol": "tcp", "port": 23, "source": "0.0.0.0/0"}
        self.ask("security_group.update", id=found["id"], rules=[*found["rules"], opened])

    def close_by_hand(self, group: str) -> None:
        self.ask("security_group.update", id=self.one("security_group", group)["id"], rules=[])

    def second_network(self, name: str) -> None:
        other = declared().networks[0]
        self.ask(
            "network.create", name=name, site="cloud-a", domain=other.domain, prefix=str(other.prefix), edge=other.edge
        )

    def clear(self) -> None:
        """Nothing is left of a cloud in memory."""


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
