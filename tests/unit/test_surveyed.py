from ipaddress import IPv4Network

import pytest

from infra.twin.routers import surveyed_configuration
from inventory.derived.surveyed import extranet_networks, own_networks
from inventory.model import Programme


def test_a_department_accepts_only_the_extranets_own_networks_over_its_circuit(programme: Programme) -> None:
    text = surveyed_configuration(programme, "water-ce")
    assert "  neighbor 10.254.11.1 route-map EXTRANET-IN in\n" in text
    listed = {line.split()[-1] for line in text.splitlines() if line.startswith("ip prefix-list EXTRANET ")}
    assert listed == {"10.50.1.0/24", "10.60.1.0/24", "10.70.1.0/24"}
    assert "neighbor 10.252.11.2 route-map EXTRANET-IN" not in text, "business traffic takes the line"


@pytest.mark.parametrize("device", ["water-ce", "civil-hub", "exit"])
def test_a_device_announces_only_what_lies_behind_it(programme: Programme, device: str) -> None:
    text = surveyed_configuration(programme, device)
    peers = [line.split()[1] for line in text.splitlines() if " remote-as " in line]
    assert peers
    assert all(f"  neighbor {peer} route-map OWN-OUT out\n" in text for peer in peers)
    listed = {line.split()[-1] for line in text.splitlines() if line.startswith("ip prefix-list OWN ")}
    assert listed == {str(network) for network in own_networks(programme, device)}


def test_a_golden_lines_devices_have_nothing_but_that_line(programme: Programme) -> None:
    text = surveyed_configuration(programme, "tax-ce")
    assert [line for line in text.splitlines() if " remote-as " in line] == [" neighbor 10.252.14.2 remote-as 65284"]
    assert "EXTRANET" not in text


def test_an_edge_keeps_its_domains_apart(programme: Programme) -> None:
    text = surveyed_configuration(programme, "pe1")
    administrative, public = text.split("router bgp 65101 vrf ")[1:]
    assert administrative.startswith("administrative\n")
    assert "10.254.13.2" in public
    assert "10.254.13.2" not in administrative
    assert "EXTRANET" not in text


def test_networks_come_in_order_and_once(programme: Programme) -> None:
    assert own_networks(programme, "water-ce") == (IPv4Network("10.11.0.0/24"),)
    assert extranet_networks(programme, "public") == (IPv4Network("10.50.2.0/24"), IPv4Network("10.60.2.0/24"))
