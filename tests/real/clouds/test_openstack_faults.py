"""What goes wrong in an OpenStack while a site is made: quotas, killed services, lost ports, revoked credentials."""

import contextlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.declaration import SiteDeclaration
from infra.engine import EngineFailed, NotReady
from tests.real.clouds.boundary import PATIENCE
from tests.real.clouds.grounds import Ground, complete, declared, without_hosts
from tests.real.clouds.openstack_ground import OpenStackGround
from tests.sampling import only_in_test_all

pytestmark = [pytest.mark.real, only_in_test_all]

SERVICES = [
    "keystone", "neutron", "nova", "placement", "glance", "conductor", "scheduler", "compute-hv0", "queue", "database",
]  # fmt: skip
"""Of the laboratory, by their logs."""


def many(count: int) -> SiteDeclaration:
    """A site whose servers stand in groups of three."""
    site = declared(hosts=count)
    groups = sorted({f"cloud-a-db-{number // 3}" for number in range(count)})
    servers = tuple(
        server.model_copy(update={"server_group": f"cloud-a-db-{number // 3}"})
        for number, server in enumerate(site.servers)
    )
    return SiteDeclaration.model_validate(
        {**site.model_dump(mode="json"), "server_groups": [{"name": name} for name in groups],
         "servers": [server.model_dump(mode="json") for server in servers]}
    )  # fmt: skip


def test_a_quota_that_is_reached_at_the_seventh_of_twelve_is_said_and_the_rest_follows(
    real_cloud: OpenStackGround,
) -> None:
    site = many(12)
    real_cloud.limit_servers(12)
    # Somebody else takes what was free when we looked.
    real_cloud.boundary.hold("after", "server_group", "cloud-a-db-0")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.limit_servers(6)
        real_cloud.boundary.let_go()
        with pytest.raises(EngineFailed, match=r"[Qq]uota") as failed:
            first.result(PATIENCE)
    assert failed.value.resource in {server.name for server in site.servers}
    made = sum(count for (kind, _name), count in real_cloud.everything().items() if kind == "server")
    with pytest.raises(NotReady, match=f"quota of servers: {12 - made} more are needed, {made} of 6"):
        real_cloud.provide(site)
    real_cloud.limit_servers(12)
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.everything() == complete(site)


@pytest.mark.chaos
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_killed_in_the_middle_of_creates_leaves_what_the_next_run_completes(
    real_cloud: OpenStackGround, service: str
) -> None:
    site = declared(hosts=2)
    # A service that is killed may have lost the message by which a server would be built: it stays in BUILD for ever.
    real_cloud.wait_no_longer_than(PATIENCE / 2)
    real_cloud.boundary.hold("before", "server", "cloud-a-db-1")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.laboratory.signal(service, signal.SIGKILL)
        real_cloud.boundary.let_go()
        with contextlib.suppress(EngineFailed):
            first.result(PATIENCE)
    real_cloud.laboratory.await_service(service)
    provided_again(real_cloud, site)
    assert real_cloud.everything() == complete(site)
    assert real_cloud.statuses() == {"ACTIVE"}
    assert real_cloud.provide(site).changes == ()


def provided_again(ground: Ground, site: SiteDeclaration) -> None:
    """Provide a site while the cloud may still be coming back: each failure has a word, and none is the last."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(EngineFailed):
            assert ground.provide(site).state == "done"
            return
    pytest.fail("it is never provided")


def test_a_server_whose_port_is_never_plugged_fails_by_name_and_is_made_anew(real_cloud: OpenStackGround) -> None:
    site = declared(hosts=1)
    # The ports' wires are seen by nobody, so that they stay DOWN and nova waits for them.
    real_cloud.laboratory.signal("ovn/northd", signal.SIGSTOP)
    try:
        with pytest.raises(EngineFailed) as failed:
            real_cloud.provide(site)
    finally:
        real_cloud.laboratory.signal("ovn/northd", signal.SIGCONT)
    assert failed.value.resource == "cloud-a-db-1"
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.everything() == complete(site)
    assert real_cloud.statuses() == {"ACTIVE"}


def test_what_is_opened_by_hand_while_we_apply_is_closed_by_the_same_run(real_cloud: OpenStackGround) -> None:
    site = declared(hosts=1)
    real_cloud.boundary.hold("before", "server", "cloud-a-db-1")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.open_by_hand("cloud-a-component")
        real_cloud.boundary.let_go()
        assert "cloud-a-component" in {change.name for change in first.result(PATIENCE).changes}
    assert real_cloud.rules("cloud-a-component") == 1
    assert real_cloud.observe(site).state == "done"


def test_credentials_that_are_revoked_in_the_middle_are_said_and_new_ones_go_on(
    real_cloud: OpenStackGround, tmp_path: Path
) -> None:
    site = without_hosts(declared())
    real_cloud.by_reference(tmp_path / "first")
    real_cloud.boundary.hold("after", "network", "cloud-a-admin")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.revoke("first")
        real_cloud.boundary.let_go()
        with pytest.raises(EngineFailed) as failed:
            first.result(PATIENCE)
    assert "Traceback" not in str(failed.value)
    real_cloud.by_reference(tmp_path / "second")
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.everything() == complete(site)


def test_a_token_that_expires_in_a_long_run_is_renewed(real_cloud: OpenStackGround) -> None:
    site = without_hosts(declared())
    real_cloud.boundary.hold("after", "network", "cloud-a-admin")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(real_cloud.provide, site)
        real_cloud.boundary.wait()
        real_cloud.expire(real_cloud.boundary.tokens)
        real_cloud.boundary.let_go()
        assert first.result(PATIENCE).state == "done"
    assert real_cloud.everything() == complete(site)


def test_a_server_in_error_that_had_been_up_stops_the_run_and_is_left_alone(real_cloud: OpenStackGround) -> None:
    site = declared(hosts=1)
    real_cloud.provide(site)
    server = real_cloud.identity("cloud-a-db-1")
    real_cloud.break_server("cloud-a-db-1")
    assert real_cloud.observe(site).state != "done"
    with pytest.raises(EngineFailed, match="may hold data: cloud-a-db-1"):
        real_cloud.provide(site)
    assert real_cloud.identity("cloud-a-db-1") == server
