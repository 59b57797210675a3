"""A site among what an OpenStack has already: its networks, images, uplinks, keys of hosts, secrets of its users."""

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from infra.declaration import SiteDeclaration, declare_site
from infra.engine import NotReady
from infra.openstack.kinds import Kind
from infra.world_check import Reached, Rights, look
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from tests.real.clouds.checkout import Checkout
from tests.real.clouds.grounds import complete, declared, with_rule, without_hosts
from tests.real.clouds.openstack_ground import OpenStackGround
from tests.real.clouds.walks import on_openstack
from tests.real.processes import shown_by_all
from tests.sampling import only_in_test_all

pytestmark = pytest.mark.real


@on_openstack
def test_everything_that_an_openstack_lacks_is_told_at_once_and_nothing_is_made(real_cloud: OpenStackGround) -> None:
    site = declared()
    first, second = site.servers
    wrong = site.model_copy(
        update={
            "servers": (
                first.model_copy(update={"flavor": "9c9g", "cloud_image": "windows-95", "volume": 2000}),
                second.model_copy(update={"memory": 4096}),
            ),
            "uplinks": {"administrative": "nowhere"},
            "zone": "mars",
            "volume_type": "diamond",
            "hypervisors": 1,
        }
    )
    real_cloud.limit_servers(1)
    real_cloud.asked(_occupy)
    before = real_cloud.everything()
    with pytest.raises(NotReady) as lacking:
        real_cloud.provide(wrong)
    told = "\n".join(lacking.value.findings)
    for word in ("nowhere", "mars", "9c9g", "windows-95", "1c1g", "quota of servers: 2 more are needed, 0 of 1",
                 "overlapping", "cloud-a-admin is there already", "no volume type diamond",
                 "2000 more are needed", "2 servers need as many hypervisors"):  # fmt: skip
        assert word in told, told
    # A preview tells the same, though the site cannot even be declared.
    seen = real_cloud.preview(wrong)
    assert (seen.state, seen.findings) == ("unknown", lacking.value.findings)
    assert "nowhere" in seen.why
    assert "Traceback" not in seen.why
    assert real_cloud.everything() == before
    real_cloud.limit_servers(10)


def _occupy(cloud: Any) -> None:
    network = cloud.network.create_network(name="cloud-a-admin")
    cloud.network.create_subnet(network_id=network.id, name="overlapping", ip_version=4, cidr="10.60.0.0/16")


@only_in_test_all
def test_what_pulumi_imports_is_ours_from_then_on_and_made_no_second_time(
    real_cloud: OpenStackGround, tiny: Programme
) -> None:
    site = declare_site(tiny, tiny.sites[0], load_kinds(playbooks_folder() / "roles"))
    # The stack, with the provider that an import is to use.
    real_cloud.provide(without_networks(site))
    there = real_cloud.asked(lambda cloud: str(cloud.network.create_network(name="net").id))
    with pytest.raises(NotReady, match="network net is there already"):
        real_cloud.provide(site)
    words = ("--provider", "cloud=urn:pulumi:cloud-a::zhenghe::pulumi:providers:openstack::cloud", "--yes")
    plain = ("--generate-code=false", "--protect=false", "--skip-preview")
    Checkout(real_cloud, tiny).pulumi("import", Kind.NETWORK.value, "net", there, *words, *plain)
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.everything() == complete(site)
    assert there == real_cloud.asked(lambda cloud: str(cloud.network.find_network("net").id))


@on_openstack
def test_a_volume_outlives_its_host_and_grows_in_use(real_cloud: OpenStackGround) -> None:
    site = declared(hosts=1)
    real_cloud.provide(site)
    volume, size, attached = real_cloud.volume_of("cloud-a-db-1")
    assert (size, attached) == (1, [real_cloud.identity("cloud-a-db-1")])
    grown = site.model_copy(update={"servers": (site.servers[0].model_copy(update={"volume": 2}),)})
    assert {change.op for change in real_cloud.provide(grown).changes} == {"update"}
    assert real_cloud.volume_of("cloud-a-db-1") == (volume, 2, attached)
    real_cloud.delete_server("cloud-a-db-1")
    assert real_cloud.provide(grown).state == "done"
    assert real_cloud.volume_of("cloud-a-db-1") == (volume, 2, [real_cloud.identity("cloud-a-db-1")])
    assert real_cloud.provide(grown).changes == ()
    real_cloud.withdraw(grown)
    assert real_cloud.beside() == {}


@only_in_test_all
def test_a_network_of_the_operators_is_used_and_neither_made_nor_deleted(real_cloud: OpenStackGround) -> None:
    site = declared(hosts=1)
    (network,) = site.networks
    used = site.model_copy(update={"networks": (network.model_copy(update={"existing": "gov"}),)})
    with pytest.raises(NotReady, match="0 networks gov"):
        real_cloud.provide(used)
    real_cloud.asked(_made_by_operators)
    theirs = Counter({("network", "gov"): 1})
    assert real_cloud.provide(used).state == "done"
    assert real_cloud.everything() == complete(without_networks(used)) + theirs
    assert real_cloud.provide(used).changes == ()
    real_cloud.withdraw(used)
    assert real_cloud.everything() == theirs


def without_networks(site: SiteDeclaration) -> SiteDeclaration:
    return site.model_copy(update={"networks": ()})


def _made_by_operators(cloud: Any) -> None:
    network = cloud.network.create_network(name="gov")
    cloud.network.create_subnet(network_id=network.id, name="gov", ip_version=4, cidr="10.60.1.0/24")


@only_in_test_all
def test_a_floating_address_comes_once_and_goes_with_its_host(real_cloud: OpenStackGround) -> None:
    site = declared(hosts=1)
    reached = site.model_copy(update={"servers": (site.servers[0].model_copy(update={"floating": True}),)})
    nowhere = reached.model_copy(update={"uplinks": {}})
    with pytest.raises(NotReady, match="needs an uplink"):
        real_cloud.provide(nowhere)
    assert real_cloud.provide(site).state == "done"
    (address,) = real_cloud.preview(reached).changes
    assert (address.op, address.type, address.name) == ("create", Kind.FLOATING, "cloud-a-db-1")
    assert real_cloud.provide(reached).state == "done"
    assert real_cloud.floating() == ["zhenghe: cloud-a: cloud-a-db-1"]
    assert real_cloud.provide(reached).changes == ()
    assert real_cloud.provide(site).state == "done"
    assert real_cloud.floating() == []


@only_in_test_all
def test_an_image_that_the_operators_replace_costs_no_server(real_cloud: OpenStackGround) -> None:
    site = declared(hosts=1)
    real_cloud.provide(site)
    server = real_cloud.identity("cloud-a-db-1")
    with real_cloud.another_image("bookworm"):
        assert real_cloud.observe(site).state == "done"
        moved = site.model_copy(update={"servers": (site.servers[0].model_copy(update={"cloud_image": "bullseye"}),)})
        assert real_cloud.preview(moved).changes == ()
        assert real_cloud.provide(moved).state == "done"
    assert real_cloud.identity("cloud-a-db-1") == server


@on_openstack
def test_new_hosts_are_known_by_what_their_console_says(real_cloud: OpenStackGround, tmp_path: Path) -> None:
    site, known = declared(hosts=1), tmp_path / "known_hosts"
    (tmp_path / "ssh_config").write_text(
        f"Host cloud-a-db-1\n  HostName 10.60.1.21\nHost *\n  UserKnownHostsFile {known}\n"
    )
    real_cloud.provide(site)
    shown = real_cloud.key_shown_at(site.servers[0])
    (line,) = (line for line in known.read_text().splitlines() if "ssh-ed25519" in line)
    assert line.split()[:3] == ["10.60.1.21", *shown]
    before = known.read_text()
    real_cloud.provide(site)
    assert known.read_text() == before
    # Made anew, it has another key, and the old one is nobody's any more.
    real_cloud.delete_server("cloud-a-db-1")
    real_cloud.provide(site)
    assert real_cloud.key_shown_at(site.servers[0]) != shown
    assert " ".join(shown) not in known.read_text()


@only_in_test_all
def test_a_host_that_shows_another_key_than_its_console_did_is_refused(
    real_cloud: OpenStackGround, tmp_path: Path
) -> None:
    one = with_rule(declared(hosts=1))
    site = one.model_copy(update={"servers": (one.servers[0].model_copy(update={"floating": True}),)})
    config, key, known = tmp_path / "ssh_config", tmp_path / "operator", tmp_path / "known_hosts"
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key), check=True)
    told = f"HostKeyAlias cloud-a-db-1\n  IdentityFile {key}\n  UserKnownHostsFile {known}\n  User root\n"
    config.write_text(f"Host cloud-a-db-1\n  {told}")
    real_cloud.let_in(key.with_suffix(".pub"))
    real_cloud.provide(site)
    config.write_text(f"{config.read_text()}  HostName {real_cloud.floating_address()}\n")
    assert seen(real_cloud).rights == Rights.ROOT

    before = known.read_text()
    anew = "rm /etc/ssh/ssh_host_*; ssh-keygen -q -A; systemctl restart ssh"
    real_cloud.within(lambda: subprocess.run(("ssh", "-F", config, "cloud-a-db-1", anew), check=True, timeout=60))
    refused = seen(real_cloud)
    assert refused.rights == Rights.NOT_KNOWN
    assert "Host key verification failed" in refused.reason
    # Nor does the next run believe what the host shows.
    assert real_cloud.provide(site).state == "done"
    assert known.read_text() == before


def seen(ground: OpenStackGround) -> Reached:
    (reached,) = ground.within(lambda: look(ground.world, ["cloud-a-db-1"], []))
    return reached


@on_openstack
def test_a_secret_by_reference_is_in_no_file_and_in_no_command(real_cloud: OpenStackGround, tmp_path: Path) -> None:
    secret = real_cloud.by_reference(tmp_path / "secret")
    site = without_hosts(declared())
    with shown_by_all("cmdline") as shown:
        assert real_cloud.provide(site).state == "done"
    assert any(b"pulumi" in word for word in shown)
    assert not any(secret.encode() in word for word in shown)
    files = [path for path in real_cloud.home.rglob("*") if path.is_file()]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    (tmp_path / "secret").write_text("revoked")
    seen = real_cloud.observe(site)
    assert seen.state == "unknown"
    assert "does not let us in" in seen.why
    (tmp_path / "secret").write_text(secret)
    assert real_cloud.observe(site).state == "done"
