"""Laws of the twin's cloud: what is deleted leaves nothing, what is kept apart stays apart, whatever is asked."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.twin.cloud import Cloud
from infra.twin.memory_substrate import MemorySubstrate

SITES = ("s", "t")
Asked = tuple[str, int, int]

servers = st.lists(st.tuples(st.sampled_from(SITES), st.integers(20, 25), st.integers(0, 2)), max_size=12)


class World:
    """Two sites with a network each, three server groups, and a cloud over a substrate that remembers."""

    def __init__(self) -> None:
        self.substrate = MemorySubstrate()
        self.cloud = Cloud(self.substrate, hypervisors_per_site=2)
        self.networks = {
            site: self.ask(
                "network.create", name=site, site=site, domain="d", prefix=f"10.6{number}.0.0/24", edge="pe1"
            )
            for number, site in enumerate(SITES)
        }
        self.groups = [
            self.ask("server_group.create", name=f"g{number}", site="s", policy="anti-affinity") for number in range(3)
        ]

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.cloud.call(verb, arguments).get("result", {})
        return result

    def server(self, site: str, host: int, group: int) -> dict[str, Any]:
        prefix = self.networks[site]["prefix"].removesuffix("0/24")
        made = self.ask(
            "server.create", name=f"{site}{host}", site=site, image="i", cpus=1, memory=64, address=f"{prefix}{host}",
            network=self.networks[site]["id"], security_groups=[], server_group=self.groups[group]["id"],
        )  # fmt: skip
        while made and made["status"] == "BUILD":
            made = self.ask("server.get", id=made["id"])
        return made


@settings(max_examples=30, deadline=None)
@given(servers)
def test_create_then_delete_is_nothing(asked: list[Asked]) -> None:
    world = World()
    made = [server for server in (world.server(*one) for one in asked) if server]
    for server in made:
        world.ask("server.delete", id=server["id"])
    assert world.ask("server.list")["items"] == []
    assert (world.substrate.hosts, world.substrate.rules) == ({}, {})
    assert set(world.substrate.segments) == set(SITES)


@settings(max_examples=30, deadline=None)
@given(servers, st.data())
def test_members_of_a_group_are_apart_and_hosts_are_what_is_active(asked: list[Asked], data: st.DataObject) -> None:
    world = World()
    for one in asked:
        world.server(*one)
        items = world.ask("server.list")["items"]
        if items and data.draw(st.booleans()):
            world.ask("server.delete", id=data.draw(st.sampled_from(items))["id"])
    active = [item for item in world.ask("server.list")["items"] if item["status"] == "ACTIVE"]
    together = Counter((item["server_group"], item["hypervisor"]) for item in active)
    assert set(together.values()) <= {1}
    assert sorted(item["name"] for item in active) == sorted(world.substrate.hosts)
    assert max(Counter((item["network"], item["address"]) for item in active).values(), default=1) == 1
