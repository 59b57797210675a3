from collections import Counter, defaultdict
from ipaddress import IPv4Interface

import pytest

from inventory.derived.wiring import (
    LONGEST_NAME,
    Wires,
    domain_of,
    interfaces,
    resolver_of,
)
from inventory.model import Programme


def test_every_link_has_two_ends_that_name_each_other(programme: Programme) -> None:
    ends = defaultdict(list)
    for wire in interfaces(programme):
        if wire.peer is not None:
            ends[wire.link].append(wire)
    network = programme.network
    assert len(ends) == len(network.lines) + len(network.attachments) + len(network.backbone)
    for one, other in ends.values():
        assert (one.peer, one.peer_address) == (other.device, other.address.ip)
        assert (other.peer, other.peer_address) == (one.device, one.address.ip)
        assert one.address.network == other.address.network


def test_names_are_unique_on_a_device_and_no_longer_than_linux_allows(programme: Programme) -> None:
    counts = Counter((wire.device, wire.name) for wire in interfaces(programme))
    assert set(counts.values()) == {1}
    assert max(len(name) for _, name in counts) <= LONGEST_NAME


def test_two_names_that_are_cut_to_the_same_one_stay_apart(programme: Programme) -> None:
    first = programme.network.lines[0]
    second = first.model_copy(update={"name": f"{first.name}-second", "prefix": programme.network.lines[1].prefix})
    lines = (first, second, *programme.network.lines[2:])
    crowded = programme.model_copy(update={"network": programme.network.model_copy(update={"lines": lines})})
    names = [Wires(crowded).at_line("water-ce", line.name).name for line in (first, second)]
    assert names == ["line-water-leas", "line-water-lea2"]


def test_no_two_interfaces_share_an_address_in_one_domain(programme: Programme) -> None:
    counts = Counter((wire.vrf, wire.address) for wire in interfaces(programme))
    assert set(counts.values()) == {1}


def test_only_provider_edges_keep_interfaces_in_domains(programme: Programme) -> None:
    edges = {device.name for device in programme.network.devices if device.role == "pe"}
    for wire in interfaces(programme):
        assert (wire.vrf is not None) == (wire.device in edges)


def test_the_wiring_of_one_customer_device(programme: Programme) -> None:
    assert [(wire.name, wire.link, wire.address) for wire in Wires(programme).of("water-ce")] == [
        ("line-water-leas", "line:water-leased", IPv4Interface("10.252.11.1/30")),
        ("line-water-exit", "line:water-exit", IPv4Interface("10.252.21.1/30")),
        ("acc-administrat", "circuit:water-ce/administrative", IPv4Interface("10.254.11.2/30")),
        ("lan", "lan:water-room", IPv4Interface("10.11.0.1/24")),
    ]


def test_what_is_not_there_is_said(programme: Programme) -> None:
    with pytest.raises(LookupError, match="civil-ce is no end of line water-leased"):
        Wires(programme).at_line("civil-ce", "water-leased")
    with pytest.raises(LookupError, match="nowhere"):
        resolver_of(programme, "nowhere")
    assert domain_of(programme, "tax-ce") is None
    assert domain_of(programme, "archives-hub") == "public"
