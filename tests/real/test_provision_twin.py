"""The engine provides a site in a running twin: hosts that answer, rules that hold, drift that is mended."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.declaration import SiteDeclaration
from infra.engine import SiteEngine
from infra.twin import client, control
from infra.worlds import World
from inventory.model import Programme

pytestmark = pytest.mark.real

RunOn = Callable[..., "subprocess.CompletedProcess[str]"]
BANNER = "timeout {seconds} bash -c 'head -c 4 < /dev/tcp/10.60.1.21/22'"
PING = "for i in $(seq 50); do ping -c1 -W1 10.60.1.21 && exit; sleep 0.2; done; exit 1"


@pytest.fixture
def small(tiny: Programme, twin_name: Callable[[str], str]) -> Iterator[World]:
    name = twin_name("v")
    yield client.up(tiny, name, None, print)
    client.down(name)


def declared(*ports: int) -> SiteDeclaration:
    rules: list[dict[str, object]] = [{"protocol": "icmp", "port": None, "source": "0.0.0.0/0"}]
    rules += [{"protocol": "tcp", "port": port, "source": "10.11.0.0/24"} for port in ports]
    return SiteDeclaration.model_validate(
        {
            "site": "cloud-a",
            "networks": [{"name": "net", "domain": "administrative", "prefix": "10.60.1.0/24", "edge": "pe1"}],
            "security_groups": [{"name": "cloud-a-component", "rules": rules}],
            "server_groups": [{"name": "billing-db"}],
            "servers": [
                {
                    "name": f"billing-db-{number}", "image": "bookworm", "cpus": 1, "memory": 512, "network": "net",
                    "address": f"10.60.1.2{number}", "security_groups": ["cloud-a-component"],
                    "server_group": "billing-db",
                }
                for number in (1, 2)
            ],
            "pairings": [],
        }
    )  # fmt: skip


def test_a_site_in_the_twin(small: World, running_on: Callable[[World], RunOn], tmp_path: Path) -> None:
    def cloud(call: str, **arguments: object) -> dict[str, Any]:
        return control.ask(Path(small.cloud.endpoint), f"cloud.{call}", None, **arguments)

    def one(kind: str, name: str) -> dict[str, Any]:
        (item,) = cloud(f"{kind}.list", name=name)["items"]
        found: dict[str, Any] = item
        return found

    on, engine, site = running_on(small), SiteEngine(small, tmp_path), declared(22)
    made = engine.provide(site)
    assert len(made.resources) == 5
    for server in site.servers:
        assert on(server.name, "hostname").stdout.strip() == server.name
    assert len({one("server", server.name)["hypervisor"] for server in site.servers}) == 2
    on("water-db", PING)
    assert on("water-db", BANNER.format(seconds=60)).stdout == "SSH-"
    assert engine.provide(site).changes == ()

    cloud("server.delete", id=one("server", "billing-db-1")["id"])
    cloud("security_group.update", id=one("security_group", "cloud-a-component")["id"], rules=[])
    client.stop(small.name, "billing-db-2", at_once=True)
    assert on("billing-db-1", "true", check=False).returncode == 255
    expected = {("create", "billing-db-1"), ("update", "billing-db-2"), ("update", "cloud-a-component")}
    assert {(change.op, change.name) for change in engine.observe(site).changes} == expected
    assert engine.provide(site).state == "done"
    assert [on(server.name, "hostname").stdout.strip() for server in site.servers] == ["billing-db-1", "billing-db-2"]
    on("water-db", PING)
    assert on("water-db", BANNER.format(seconds=60)).stdout == "SSH-"
    assert engine.observe(site).state == "done"

    engine.provide(declared())
    assert on("water-db", BANNER.format(seconds=2), check=False).stdout == ""

    engine.withdraw(site)
    kinds = ("network", "security_group", "server_group", "server", "recovery_pairing")
    assert [cloud(f"{kind}.list")["items"] for kind in kinds] == [[]] * len(kinds)
    assert "billing-db" not in small.ssh_config.read_text()
