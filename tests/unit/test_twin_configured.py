"""What a twin's routers boot with: real configurations where these were fetched, with what a twin must replace."""

from pathlib import Path

import pytest

from infra.twin.configured import Spare, boots
from infra.twin.routers import surveyed_configuration
from infra.twin.spec import specify
from inventory.configured.folder import Kept, read_fetched
from inventory.model import Programme
from migrations.run.booting import bootable
from netcfg.doubles.forms import read
from netcfg.doubles.playable import PLAYED, unplayable
from netcfg.fetched.hiding import Hiding
from tests.unit.fetched import District
from tests.unit.vendors import played_by

CE, HUB = "water-ce", "water-hub"
NEAR, FAR = " neighbor 10.252.11.2 remote-as 65281\n", " neighbor 10.252.11.1 remote-as 65211\n"
PASSWORD = (NEAR, f"{NEAR} neighbor 10.252.11.2 password Hu22ter!x\n")
SAME = (FAR, f"{FAR} neighbor 10.252.11.1 password Hu22ter!x\n")


@pytest.fixture
def district(tmp_path: Path, programme: Programme) -> District:
    return District(tmp_path / "yunhe", programme)


def kept(district: District, *devices: str) -> dict[str, Kept]:
    found = read_fetched(district.folder).kept
    return {name: found[name] for name in devices}


def passwords(text: str) -> list[str]:
    return [line.split()[-1] for line in text.splitlines() if " password " in line]


def test_nothing_fetched_boots_as_the_inventory_has_it(programme: Programme) -> None:
    found = boots(programme, {})
    assert {name: boot.configuration for name, boot in found.items()} == {
        device.name: surveyed_configuration(programme, device.name) for device in programme.network.devices
    }
    assert not any(boot.real for boot in found.values())


def test_a_fetched_device_boots_with_every_line_that_it_has(district: District, programme: Programme) -> None:
    district.alter(CE, ("interface acc-", "ip route 10.81.8.0/24 10.252.11.2\ninterface acc-"))
    found = boots(programme, kept(district, CE))
    assert found[CE].real
    assert found[CE].configuration == district.texts[CE].rstrip("\n") + "\n"
    assert not found[HUB].real


def test_interfaces_bear_the_names_of_the_twins_wires_and_unknown_ones_lead_nowhere(
    district: District, programme: Programme
) -> None:
    text = (
        district.texts[CE].replace("line-water-leas", "GigabitEthernet0/0/1").replace("interface lan", "interface mgmt")
    )
    shut = "interface old\n ip address 10.78.0.1/24\n shutdown\nexit\n!\n"
    unknown = f"interface lan\n ip address 10.77.0.1/24\nexit\n!\n{shut}"
    static = "ip route 10.81.8.0/24 GigabitEthernet0/0/1\n"
    district.texts[CE] = text.replace("interface acc-", unknown + static + "interface acc-", 1)
    district.fetch(CE)
    boot = boots(programme, kept(district, CE))[CE]
    assert "GigabitEthernet0/0/1" not in boot.configuration
    assert "interface line-water-leas\n description line:water-leased\n ip address 10.252.11.1/30" in boot.configuration
    assert "ip route 10.81.8.0/24 line-water-leas" in boot.configuration
    assert "interface lan\n description lan:water-room\n ip address 10.11.0.1/24" in boot.configuration
    assert boot.spares == (Spare(name="lan.2", vrf=None),)
    assert "interface lan.2\n ip address 10.77.0.1/24" in boot.configuration
    assert "interface mgmt" not in boot.configuration


def test_hidden_secrets_become_the_twins_and_equal_ones_stay_equal(district: District, programme: Programme) -> None:
    district.alter(CE, PASSWORD)
    district.alter(HUB, SAME)
    found = boots(programme, kept(district, CE, HUB))
    (one,), (other,) = (passwords(found[name].configuration) for name in (CE, HUB))
    assert one == other
    assert one.startswith("twin-")
    district.alter(HUB, ("Hu22ter!x", "An0ther;one"))
    found = boots(programme, kept(district, CE, HUB))
    assert passwords(found[CE].configuration) != passwords(found[HUB].configuration)


def test_a_neighbour_that_was_not_fetched_gets_the_password_that_is_asked_of_it(
    district: District, programme: Programme
) -> None:
    district.alter(CE, PASSWORD)
    found = boots(programme, kept(district, CE))
    assert passwords(found[HUB].configuration) == passwords(found[CE].configuration) != []
    assert " neighbor 10.252.11.1 password twin-" in found[HUB].configuration


def test_secrets_that_were_hidden_with_different_keys_are_one_in_the_twin(
    district: District, programme: Programme
) -> None:
    district.alter(CE, PASSWORD)
    district.texts[HUB] = district.texts[HUB].replace(*SAME)
    district.fetch(HUB, hiding=Hiding(b"elsewhere" * 4))
    found = boots(programme, kept(district, CE, HUB))
    assert [passwords(found[name].configuration) for name in (CE, HUB)] == [["twin-secret"], ["twin-secret"]]


def test_another_real_configuration_makes_another_twin(
    district: District, programme: Programme, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZHENGHE_CACHE", str(tmp_path))
    before = specify(programme, "x", None, kept(district, CE))
    assert specify(programme, "x", None, kept(district, CE)).digest == before.digest
    district.alter(CE, ("  network 10.11.0.0/24\n", "  network 10.11.0.0/24\n  network 10.81.7.0/24\n"))
    assert specify(programme, "x", None, kept(district, CE)).digest != before.digest


VENDORS = {
    "vrp8": (
        ("interface line-water-leas", "interface GigabitEthernet0/1/0"),
        (" peer 10.252.11.2 as-number 65281\n", " peer 10.252.11.2 password cipher %^%#Hu22ter!x%^%#\n"),
        "aaa\n local-user ops password irreversible-cipher Hu22ter!x\n#\nip route-static 10.81.8.0 24 10.252.11.2\n",
    ),
    "ios": (
        ("interface line-water-leas", "interface GigabitEthernet1"),
        (" neighbor 10.252.11.2 remote-as 65281\n", " neighbor 10.252.11.2 password 7 0822455D0A16\n"),
        "username ops secret 9 Hu22ter!x\n!\nip route 10.81.8.0 255.255.255.0 10.252.11.2\n",
    ),
}


@pytest.mark.parametrize("platform", sorted(VENDORS))
def test_a_vendors_device_boots_with_what_was_fetched_and_agrees_with_its_neighbour(
    district: District, programme: Programme, platform: str
) -> None:
    port, (peer, asked), more = VENDORS[platform]
    of = played_by(programme, platform, CE)
    text = surveyed_configuration(of, CE).replace(*port).replace(peer, peer + asked)
    district.platforms[CE], district.texts[CE] = platform, more + text
    district.fetch(CE)
    heard: list[str] = []
    found = boots(of, {CE: bootable(district.folder, heard.append)[CE]})
    assert heard == []
    assert found[CE].real
    assert unplayable(platform, found[CE].configuration) == ""
    assert found[CE].spares == ()
    kind, words = PLAYED[platform]
    paths = words.compiled(read(kind.grammar, found[CE].configuration, kind.skipped))
    assert ("interface line-water-leas", "ip address 10.252.11.1/30") in paths
    assert ("ip route 10.81.8.0/24 10.252.11.2",) in paths
    assert ("router bgp 65211", "neighbor 10.252.11.2 password twin-secret") in paths
    assert passwords(found[HUB].configuration) == ["twin-secret"], "who is generated says what its neighbour asks for"


@pytest.mark.parametrize("platform", sorted(VENDORS))
def test_a_vendors_device_says_the_password_that_a_fetched_neighbour_asks_for(
    district: District, programme: Programme, platform: str
) -> None:
    district.alter(HUB, SAME)
    boot = boots(played_by(programme, platform, CE), kept(district, HUB))[CE]
    assert unplayable(platform, boot.configuration) == ""
    (said,) = passwords(boot.configuration)
    assert said.startswith("twin-")
