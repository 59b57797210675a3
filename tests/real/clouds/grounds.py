"""The grounds of the conformance suite: a cloud with a backend on it; here is the twin's, in memory.

The other one is a real OpenStack (`openstack_ground.py`). The tests ask both the same. Whatever they ask for is done
behind the engine's back, by the cloud's own ways.
"""

import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from infra.declaration import RuleDeclaration, SiteDeclaration
from infra.engine import SitesAlone
from infra.engine.journal import Progress
from infra.engine.state import SiteState
from infra.laboratory.furniture import USUAL
from infra.twin.cloud import Cloud
from infra.twin.memory_substrate import MemorySubstrate
from infra.worlds import CloudSettings, World, save_world
from tests.real.clouds.boundary import Boundary, at_socket

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


def declared(site: str = "cloud-a", number: int = 60, hosts: int = 2, volume: int = 1) -> SiteDeclaration:
    """A site with one network and a few hosts that must not share a hypervisor; the first one has a volume."""
    network, group = f"{site}-admin", f"{site}-component"
    servers = [
        {
            "name": f"{site}-db-{host}", "image": "bookworm", "flavor": "1c1g", "cpus": 1, "memory": 256,
            "network": network, "address": f"10.{number}.1.{20 + host}", "security_groups": [group],
            "server_group": f"{site}-db", "volume": volume if host == 1 else 0,
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


def without_hosts(site: SiteDeclaration) -> SiteDeclaration:
    return site.model_copy(update={"servers": ()})


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
