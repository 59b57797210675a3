from collections import Counter
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from infra.twin import filters, names
from infra.twin.cgroups import Groups, hierarchies
from infra.twin.disks import copy_tree, inside, write_file
from infra.twin.errors import CannotBuild
from infra.twin.layout import Check, LayoutError, lay_out
from infra.twin.paths import TwinPaths
from infra.twin.substrate import PacketRule
from inventory.model import Programme


def with_network(programme: Programme, **changes: object) -> Programme:
    return programme.model_copy(update={"network": programme.network.model_copy(update=changes)})


def test_hosts_are_departments_users_and_centre_on_the_images_of_their_release(programme: Programme) -> None:
    images = {host.name: host.image for host in lay_out(programme).hosts}
    assert images == {
        **dict.fromkeys(("water-db", "water-app", "archives-store"), "bullseye"),
        **dict.fromkeys(("civil-db", "civil-old", "civil-web"), "bullseye"),
        **dict.fromkeys(("counter-1", "hall-1", "reader-1", "citizen-1", "ns1"), "bookworm"),
    }


def test_a_host_asks_the_name_server_in_the_domain_that_its_gateway_leads_to(programme: Programme) -> None:
    resolvers = {host.name: host.resolver for host in lay_out(programme).hosts}
    assert resolvers["water-db"] == IPv4Address("10.50.1.53")
    assert resolvers["archives-store"] == resolvers["reader-1"] == IPv4Address("10.50.2.53")


def test_the_centre_stands_in_every_domain(programme: Programme) -> None:
    (server,) = (host for host in lay_out(programme).hosts if host.name == "ns1")
    assert [(port.name, port.address, port.gateway) for port in server.ports] == [
        ("eth0", IPv4Interface("10.50.1.53/24"), IPv4Address("10.50.1.1")),
        ("eth1", IPv4Interface("10.50.2.53/24"), IPv4Address("10.50.2.1")),
    ]


def test_every_port_is_on_a_segment_and_every_link_on_one_of_its_own(programme: Programme) -> None:
    layout = lay_out(programme)
    at = Counter(port.segment for device in layout.devices for port in device.ports)
    used = {port.segment for host in layout.hosts for port in host.ports} | set(at)
    assert used == set(layout.segments)
    assert all(
        at[segment] == 2 for segment in layout.segments if segment.startswith(("line:", "circuit:", "backbone:"))
    )


def test_management_addresses_are_unique_and_none_of_the_programme_s(programme: Programme) -> None:
    layout = lay_out(programme)
    assert layout.management == IPv4Network("192.0.2.0/24")
    assert set(Counter(device.management for device in layout.devices).values()) == {1}
    citizen = programme.network.vantages[-1]
    taken = citizen.model_copy(update={"address": IPv4Address("192.0.2.10"), "prefix": IPv4Network("192.0.2.0/24")})
    moved = with_network(programme, vantages=(*programme.network.vantages[:-1], taken))
    assert not lay_out(moved).management.overlaps(IPv4Network("192.0.2.0/24"))


def test_a_name_that_is_there_twice_is_refused(programme: Programme) -> None:
    vantage = programme.network.vantages[0].model_copy(update={"name": "pe1"})
    with pytest.raises(LayoutError, match="pe1"):
        lay_out(with_network(programme, vantages=(vantage,)))


def test_the_twin_is_ready_when_every_host_has_its_names_and_every_line_carries_its_probe(programme: Programme) -> None:
    checks = lay_out(programme).checks
    assert Check(host="water-db", target=IPv4Address("10.50.1.53")) in checks
    assert Check(host="citizen-1", target=IPv4Address("10.11.0.11")) in checks


def test_the_zone_has_every_entry_at_its_source(programme: Programme) -> None:
    layout = lay_out(programme)
    files = names.files(layout.names)
    assert files["/var/lib/bind/yunhe.example.zone"] == (
        "$TTL 1\n"
        "@ SOA ns1.yunhe.example. hostmaster.yunhe.example. 1 3600 600 86400 1\n"
        "@ NS ns1.yunhe.example.\n"
        "ns1.yunhe.example. A 10.50.1.53\n"
        "allowance-db.yunhe.example. A 10.12.0.12\n"
        "allowance.yunhe.example. A 10.12.0.12\n"
        "archive.yunhe.example. A 10.13.0.10\n"
        "billing-db.yunhe.example. A 10.11.0.10\n"
        "billing.yunhe.example. A 10.11.0.11\n"
        "identity-db.yunhe.example. A 10.12.0.10\n"
    )


def test_rules_become_one_table_that_drops_the_rest() -> None:
    anywhere, room = IPv4Network("0.0.0.0/0"), IPv4Network("10.11.0.0/24")
    text = filters.ruleset(
        (
            PacketRule(protocol="icmp", port=None, source=anywhere),
            PacketRule(protocol="tcp", port=5432, source=room),
            PacketRule(protocol="udp", port=None, source=room),
        )
    )
    assert "policy drop" in text
    assert [line.strip() for line in text.splitlines() if "saddr" in line] == [
        "ip saddr 0.0.0.0/0 ip protocol icmp accept",
        "ip saddr 10.11.0.0/24 tcp dport 5432 accept",
        "ip saddr 10.11.0.0/24 ip protocol udp accept",
    ]


@pytest.mark.parametrize(
    "present, expected",
    [
        (("cgroup.controllers",), ("",)),
        (("systemd/cgroup.procs", "unified/cgroup.procs", "memory/cgroup.procs"), ("systemd", "unified")),
        ((), ()),
    ],
)
def test_groups_are_made_where_systemd_keeps_its_own(
    tmp_path: Path, present: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    for file in present:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert hierarchies(tmp_path) == tuple(tmp_path / name for name in expected)
    made = Groups("x", tmp_path).make("host")
    assert made == tuple(tmp_path / name / "zhenghe-x" / "host" / "cgroup.procs" for name in expected)
    Groups("x", tmp_path).remove("host")
    assert not any(file.parent.exists() for file in made)
    Groups("x", tmp_path).remove()
    assert not list(tmp_path.rglob("zhenghe-x"))


def test_a_seed_s_files_keep_modes_and_links_and_leave_folders_as_they_are(tmp_path: Path) -> None:
    seed, root = tmp_path / "seed", tmp_path / "root"
    (seed / "etc/new").mkdir(parents=True)
    (seed / "etc/new/run").write_text("#!/bin/sh\n")
    (seed / "etc/new/run").chmod(0o750)
    (seed / "etc/link").symlink_to("/nowhere")
    (root / "etc").mkdir(parents=True)
    (root / "etc").chmod(0o711)
    (root / "etc/link").write_text("before\n")
    copy_tree(seed, root)
    assert (root / "etc").stat().st_mode & 0o777 == 0o711
    assert (root / "etc/new/run").stat().st_mode & 0o777 == 0o750
    assert (root / "etc/link").readlink() == Path("/nowhere")


def test_a_file_is_written_in_place_of_a_link_and_never_through_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine\n")
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/resolv.conf").symlink_to(outside)
    write_file(tmp_path / "root", "/etc/resolv.conf", "nameserver 10.50.1.53\n", 0o600)
    assert outside.read_text() == "mine\n"
    assert (tmp_path / "root/etc/resolv.conf").stat().st_mode & 0o777 == 0o600


def test_links_of_a_seed_or_an_image_never_lead_out_of_the_disk(tmp_path: Path) -> None:
    seed, root, outside = tmp_path / "seed", tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    (outside / "jobs").write_text("mine\n")
    (seed / "var/lock").mkdir(parents=True)
    (seed / "var/lock/jobs").write_text("theirs\n")
    (seed / "up").symlink_to("../../../outside")
    (root / "var").mkdir(parents=True)
    (root / "var/lock").symlink_to(outside)
    copy_tree(seed, root)
    copy_tree(seed / "var", root, "/up")
    write_file(root, "/var/lock/resolv.conf", "x")
    write_file(root, "/up/resolv.conf", "x")
    assert [(file.name, file.read_text()) for file in outside.iterdir()] == [("jobs", "mine\n")]
    assert (root / str(outside).lstrip("/") / "jobs").read_text() == "theirs\n"
    assert (root / "outside/lock/jobs").read_text() == "theirs\n"
    assert inside(root, "/../../etc") == root / "etc"
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("/a")
    with pytest.raises(CannotBuild, match="circle"):
        inside(root, "/a/x")


@pytest.mark.parametrize("name", ["", "../x", "A", "x" * 21, "a/b"])
def test_a_name_that_is_none_for_a_twin_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="twin's name"):
        TwinPaths.of(name)
