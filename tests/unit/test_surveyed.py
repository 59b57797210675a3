from ipaddress import IPv4Network

import pytest

from infra.twin.routers import RouterError, surveyed_configuration
from inventory.derived.surveyed import extranet_networks, own_networks
from inventory.model import Programme


def test_a_department_accepts_only_the_extranets_own_networks_over_its_circuit(programme: Programme) -> None:
    text = surveyed_configuration(programme, "water-ce")
    assert "  neighbor 10.254.11.1 route-map EXTRANET-IN in\n" in text
    listed = {line.split()[-1] for line in text.splitlines() if line.startswith("ip prefix-list EXTRANET ")}
    assert listed == {"10.50.1.0/24", "10.60.1.0/24", "10.70.1.0/24"}
    assert "neighbor 10.252.11.2 route-map EXTRANET-IN" not in text, "business traffic takes the line"


@pytest.mark.parametrize("device", ["water-ce", "civil-ce", "exit"])
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


def as_bird(programme: Programme, name: str) -> Programme:
    devices = tuple(
        each.model_copy(update={"platform": "bird"}) if each.name == name else each
        for each in programme.network.devices
    )
    return programme.model_copy(update={"network": programme.network.model_copy(update={"devices": devices})})


def test_a_device_that_is_bird_has_the_same_sessions_and_policies_in_its_own_words(programme: Programme) -> None:
    text = surveyed_configuration(as_bird(programme, "water-hub"), "water-hub")
    assert "neighbor 10.252.11.1 as 65211;" in text
    assert "neighbor 10.254.81.1 as 65102;" in text
    assert text.count("import where extranet_in();") == 1, "business traffic takes the line"
    assert text.count("export where own_out();") == 2
    assert "return net ~ [ 10.81.0.0/24 ];" in text


def test_a_provider_edge_is_none_that_bird_can_play(programme: Programme) -> None:
    with pytest.raises(RouterError, match="pe1: a provider edge keeps domains apart in VRFs"):
        surveyed_configuration(as_bird(programme, "pe1"), "pe1")
