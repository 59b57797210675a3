"""The twin's cloud refuses as OpenStack does, and keeps hosts apart that must not fall together."""

import threading
from typing import Any

import pytest

from infra.twin.cloud import Cloud
from infra.twin.memory_substrate import MemorySubstrate
from infra.twin.substrate import SubstrateError

NETWORK = {"name": "n", "site": "s", "domain": "d", "prefix": "10.60.1.0/24", "edge": "pe1"}
ICMP = {"protocol": "icmp", "port": None, "source": "0.0.0.0/0"}
SSH = {"protocol": "tcp", "port": 22, "source": "0.0.0.0/0"}


class Site:
    """A network, a security group and a server group, and what one does with them."""

    def __init__(self, substrate: MemorySubstrate, hypervisors: int = 3) -> None:
        self.cloud = Cloud(substrate, hypervisors_per_site=hypervisors)
        self.network = self.ok("network.create", **NETWORK)["id"]
        self.security = self.ok("security_group.create", name="g", site="s", rules=[ICMP])["id"]
        self.apart = self.ok("server_group.create", name="a", site="s", policy="anti-affinity")["id"]

    def ok(self, verb: str, **arguments: Any) -> dict[str, Any]:
        answer = self.cloud.call(verb, arguments)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def refused(self, verb: str, **arguments: Any) -> tuple[int, str]:
        error = self.cloud.call(verb, arguments)["error"]
        return error["code"], error["message"]

    def wanted(self, number: int, **other: Any) -> dict[str, Any]:
        return {
            "name": f"h{number}", "site": "s", "image": "bookworm", "cpus": 1, "memory": 512, "network": self.network,
            "address": f"10.60.1.{20 + number}", "security_groups": [self.security], "server_group": self.apart,
            **other,
        }  # fmt: skip

    def server(self, number: int, **other: Any) -> dict[str, Any]:
        made = self.ok("server.create", **self.wanted(number, **other))
        while made["status"] == "BUILD":
            made = self.ok("server.get", id=made["id"])
        return made


@pytest.fixture
def substrate() -> MemorySubstrate:
    return MemorySubstrate()


@pytest.fixture
def site(substrate: MemorySubstrate) -> Site:
    return Site(substrate)


def test_unknown_calls_and_ids_are_refused(site: Site) -> None:
    assert site.refused("volume.create", name="x")[0] == 400
    assert site.refused("server.reboot", id="x")[0] == 400
    assert site.refused("server.get", id="x")[0] == 404
    assert site.refused("server.get", id=site.network)[0] == 404
    assert site.refused("server.delete")[0] == 404
    assert site.refused("server.list", colour="red")[0] == 400


def test_everything_wrong_with_a_request_is_said_at_once(site: Site) -> None:
    wrong = site.wanted(1, cpus=0, address="10.60.1", colour="red")
    del wrong["image"]
    code, message = site.refused("server.create", **wrong)
    assert code == 400
    assert all(field in message for field in ("image", "cpus", "address", "colour"))


def test_a_server_beside_its_network_is_refused(site: Site) -> None:
    code, message = site.refused("server.create", **site.wanted(1, address="10.60.2.9"))
    assert (code, "10.60.2.9" in message) == (400, True)


def test_a_name_may_be_used_twice_and_an_address_may_not(site: Site) -> None:
    site.server(1)
    assert site.refused("server.create", **site.wanted(1))[0] == 409
    twice = site.server(1, address="10.60.1.99")
    assert (twice["status"], "h1" in twice["fault"]) == ("ERROR", True)
    assert len(site.ok("server.list", name="h1")["items"]) == 2


def test_a_doubled_network_exists_and_leads_nowhere(site: Site, substrate: MemorySubstrate) -> None:
    second = site.ok("network.create", **NETWORK)
    assert second["status"] == "DOWN"
    assert len(site.ok("network.list", name="n", site="s")["items"]) == 2
    assert site.refused("server.create", **site.wanted(1, network=second["id"]))[0] == 409
    site.ok("network.delete", id=second["id"])
    assert list(substrate.segments) == ["n"]


def test_members_of_a_group_never_share_a_hypervisor(site: Site) -> None:
    hypervisors = {site.server(number)["hypervisor"] for number in range(1, 4)}
    assert len(hypervisors) == 3
    fourth = site.server(4)
    assert (fourth["status"], fourth["fault"][:23]) == ("ERROR", "No valid host was found")
    elsewhere = site.ok("server_group.create", name="b", site="s", policy="anti-affinity")["id"]
    assert site.server(5, server_group=elsewhere)["status"] == "ACTIVE"


def test_a_freed_hypervisor_is_used_again(site: Site) -> None:
    made = [site.server(number) for number in range(1, 4)]
    site.ok("server.delete", id=made[1]["id"])
    assert site.server(7)["hypervisor"] == made[1]["hypervisor"]


def test_what_is_used_cannot_be_deleted(site: Site) -> None:
    server = site.server(1)
    for verb, identity in (("network", site.network), ("security_group", site.security), ("server_group", site.apart)):
        code, message = site.refused(f"{verb}.delete", id=identity)
        assert (code, "h1" in message) == (409, True)
    site.ok("server.delete", id=server["id"])
    site.ok("network.delete", id=site.network)


def test_rules_reach_the_hosts_of_a_group(site: Site, substrate: MemorySubstrate) -> None:
    site.server(1)
    assert [rule.port for rule in substrate.rules["h1"]] == [None]
    site.ok("security_group.update", id=site.security, rules=[ICMP, SSH])
    assert [rule.port for rule in substrate.rules["h1"]] == [None, 22]


def test_a_server_changes_groups_in_place_and_nothing_else(site: Site, substrate: MemorySubstrate) -> None:
    server = site.server(1)
    other = site.ok("security_group.create", name="o", site="s", rules=[SSH])["id"]
    site.ok("server.update", id=server["id"], security_groups=[other])
    assert [rule.port for rule in substrate.rules["h1"]] == [22]
    assert site.refused("server.update", id=server["id"], cpus=2)[0] == 400
    assert site.refused("server.update", id=server["id"], security_groups=["nothing"])[0] == 404


def test_a_host_that_died_is_seen_and_started_again(site: Site, substrate: MemorySubstrate) -> None:
    server = site.server(1)
    substrate.crash_host("h1")
    assert site.ok("server.get", id=server["id"])["power_state"] == "shutoff"
    site.ok("server.update", id=server["id"], power_state="active")
    assert site.ok("server.get", id=server["id"])["power_state"] == "active"


def test_a_substrate_that_cannot_leaves_an_error_or_nothing() -> None:
    broken = {"on": False}

    def refuse(what: str, _name: str) -> None:
        if broken["on"]:
            raise SubstrateError(f"cannot {what}")

    site = Site(MemorySubstrate(refuse))
    healthy = site.server(1)
    broken["on"] = True
    assert site.refused("network.create", **NETWORK | {"prefix": "10.9.0.0/24", "name": "m"})[0] == 500
    assert site.ok("network.list", name="m")["items"] == []
    assert site.server(2)["fault"] == "cannot start_host"
    assert site.refused("server.delete", id=healthy["id"])[0] == 500
    broken["on"] = False
    assert site.ok("server.get", id=healthy["id"])["status"] == "ACTIVE"
    site.ok("server.delete", id=healthy["id"])


def test_a_server_is_deleted_after_it_was_built_never_between() -> None:
    started, go_on = threading.Event(), threading.Event()

    def wait(what: str, _name: str) -> None:
        if what == "start_host":
            started.set()
            assert go_on.wait(30)

    substrate = MemorySubstrate(wait)
    site = Site(substrate)
    server = site.ok("server.create", **site.wanted(1))
    assert started.wait(30)
    assert site.ok("server.get", id=server["id"])["status"] == "BUILD"
    deleter = threading.Thread(target=site.ok, args=("server.delete",), kwargs={"id": server["id"]})
    deleter.start()
    go_on.set()
    deleter.join(30)
    assert [what for what, name in substrate.calls if name == "h1"] == ["start_host", "stop_host"]
    assert (substrate.hosts, site.ok("server.list")["items"]) == ({}, [])


def test_a_pairing_is_active_once_both_sites_have_a_network(site: Site) -> None:
    pairing = {"name": "p", "site": "s", "primary": "s", "recovery": "r", "rpo": 900}
    made = site.ok("recovery_pairing.create", **pairing)
    assert made["status"] == "PENDING"
    site.ok("network.create", **NETWORK | {"site": "r", "name": "r", "prefix": "10.70.0.0/24"})
    assert site.ok("recovery_pairing.get", id=made["id"])["status"] == "ACTIVE"
    assert site.refused("recovery_pairing.create", **pairing | {"rpo": 0})[0] == 400
