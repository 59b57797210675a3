"""What devices are configured with, held against the inventory both ways; the devices are texts as FRR prints them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inventory.checks.checking import check
from inventory.configured.folder import facts_file, read_fetched, running_file
from inventory.findings import Severity
from inventory.model import Programme
from netcfg.fetched.hiding import Hiding
from netcfg.fetched.language import load_language
from netcfg.intent import line_steps
from tests.unit.fetched import HIDING, District

CE = "water-ce"


@pytest.fixture
def district(tmp_path: Path, programme: Programme) -> District:
    return District(tmp_path / "yunhe", programme)


def test_devices_that_are_as_the_inventory_has_them_are_told_nothing_of(district: District) -> None:
    assert district.told() == ()


def test_nothing_is_told_where_nothing_was_ever_fetched(tmp_path: Path, programme: Programme) -> None:
    district = District(tmp_path / "yunhe", programme)
    for file in (district.folder / "fetched").iterdir():
        file.unlink()
    (district.folder / "fetched").rmdir()
    assert district.told() == ()


SURPLUS: dict[str, tuple[tuple[str, str], str, str]] = {
    "a static route over the line": (
        ("interface acc-", "ip route 10.81.8.0/24 10.252.11.2\ninterface acc-"),
        "ip route 10.81.8.0/24 10.252.11.2",
        "sends 10.81.8.0/24 over line water-leased",
    ),
    "a static route by the line's interface": (
        ("interface acc-", "ip route 10.81.8.0/24 line-water-leas\ninterface acc-"),
        "ip route 10.81.8.0/24 line-water-leas",
        "over line water-leased",
    ),
    "a default route elsewhere": (
        ("interface acc-", "ip route 0.0.0.0/0 10.9.0.1 200\ninterface acc-"),
        "ip route 0.0.0.0/0 10.9.0.1 200",
        "sends 0.0.0.0/0 by way of 10.9.0.1",
    ),
    "a prefix announced": (
        ("  network 10.11.0.0/24\n", "  network 10.11.0.0/24\n  network 10.81.7.0/24\n"),
        "network 10.81.7.0/24",
        "announces 10.81.7.0/24",
    ),
    "another origin announced": (
        ("  network 10.11.0.0/24\n", "  network 10.11.0.0/24\n  redistribute kernel\n"),
        "redistribute kernel",
        "whatever it learns by kernel",
    ),
    "a neighbour": (
        (" neighbor 10.254.11.1 remote", " neighbor 10.9.9.9 remote-as 65001\n neighbor 10.254.11.1 remote"),
        "neighbor 10.9.9.9 remote-as 65001",
        "speaks BGP with 10.9.9.9 (AS 65001)",
    ),
    "a neighbour of another number": (
        ("10.252.11.2 remote-as 65281", "10.252.11.2 remote-as 65999"),
        "neighbor 10.252.11.2 remote-as 65999",
        "is AS 65999, in the inventory water-hub is AS 65281",
    ),
    "a neighbour that is shut": (
        ("10.252.11.2 remote-as 65281\n", "10.252.11.2 remote-as 65281\n neighbor 10.252.11.2 shutdown\n"),
        "neighbor 10.252.11.2 remote-as 65281",
        "neighbour 10.252.11.2 (water-hub) is shut down",
    ),
    "an address": (
        ("interface lan\n", "interface eth7\n ip address 10.81.7.1/24\nexit\n!\ninterface lan\n"),
        "interface eth7",
        "interface eth7 has 10.81.7.1/24",
    ),
    "a second address": (
        (" ip address 10.11.0.1/24\n", " ip address 10.11.0.1/24\n ip address 10.11.9.1/24\n"),
        "interface lan",
        "interface lan has 10.11.9.1/24",
    ),
    "a clause that sets a preference": (
        ("route-map EXTRANET-IN permit 10\n", "route-map EXTRANET-IN permit 10\n set local-preference 150\n"),
        "route-map EXTRANET-IN permit 10",
        "clause 10 of policy EXTRANET-IN decides by something that the inventory does not have: set local-preference",
    ),
    "a clause that lets more through": (
        (
            "route-map OWN-OUT permit 10",
            (
                "ip prefix-list PARTNERS seq 5 permit 10.99.0.0/16\nroute-map EXTRANET-IN permit 20\n"
                " match ip address prefix-list PARTNERS\nexit\n!\nroute-map OWN-OUT permit 10"
            ),
        ),
        "ip prefix-list PARTNERS seq 5 permit 10.99.0.0/16",
        "list PARTNERS lets 10.99.0.0/16 through",
    ),
    "a policy that is not there": (
        ("route-map EXTRANET-IN in", "route-map GONE in"),
        "neighbor 10.254.11.1 remote-as 65101",
        "policy GONE is used and not there",
    ),
    "no policy at the circuit": (
        ("  neighbor 10.254.11.1 route-map EXTRANET-IN in\n", ""),
        "neighbor 10.254.11.1 remote-as 65101",
        "no policy decides what is taken from 10.254.11.1",
    ),
    "another number": (("router bgp 65211", "router bgp 65299"), "router bgp 65299", "AS 65299, in the inventory"),
    "another router id": (
        ("bgp router-id 10.255.0.11", "bgp router-id 10.255.0.99"),
        "router bgp 65211",
        "its router id is 10.255.0.99",
    ),
}


@pytest.mark.parametrize("name", SURPLUS)
def test_what_a_device_has_and_the_inventory_lacks_is_told_at_the_devices_line(district: District, name: str) -> None:
    change, line, said = SURPLUS[name]
    district.alter(CE, change)
    found = [each for each in district.findings() if said in each.reason]
    assert [district.line_of(each) for each in found] == [line]
    assert found[0].file == running_file(district.folder, CE)
    assert found[0].field == CE
    assert found[0].mend
    assert found[0].severity is Severity.WARNING


MISSING: dict[str, tuple[tuple[str, str], str, str]] = {
    "the line's address": (
        (" ip address 10.252.11.1/30\n", ""),
        "network.yaml",
        "water-ce has no interface with 10.252.11.1/30",
    ),
    "the line's interface is shut": (
        (" ip address 10.252.11.1/30\n", " ip address 10.252.11.1/30\n shutdown\n"),
        "network.yaml",
        "water-ce has no interface with 10.252.11.1/30",
    ),
    "the circuit's neighbour": (
        (" neighbor 10.254.11.1 remote-as 65101\n", ""),
        "network.yaml",
        "water-ce does not speak BGP with pe1 (10.254.11.1)",
    ),
    "a network behind it": (
        ("  network 10.11.0.0/24\n", ""),
        "departments.yaml",
        "water-ce does not announce 10.11.0.0/24",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_the_inventory_has_and_the_device_lacks_is_told_where_the_inventory_says_it(
    district: District, name: str
) -> None:
    change, file, said = MISSING[name]
    district.alter(CE, change)
    found = [each for each in district.findings() if said in each.reason]
    assert [each.file.name for each in found] == [file]
    assert found[0].line > 1
    assert found[0].mend


def test_a_line_that_was_given_back_is_neither_missed_nor_too_much(district: District) -> None:
    district.edit("network.yaml", "      rent: 96000\n", "      rent: 96000\n      released: 2026-05-01\n")
    assert district.told() == ()
    district.alter(CE, (" ip address 10.252.11.1/30\n", ""), (" neighbor 10.252.11.2 remote-as 65281\n", ""))
    assert not [said for said in district.told() if "10.252.11." in said]


def test_a_device_that_was_not_fetched_is_not_known_and_one_too_many_is_told(district: District) -> None:
    for name in (".facts.json", ".running.conf", ".startup.conf"):
        (district.folder / "fetched" / f"exit{name}").unlink()
    district.edit("network.yaml", "water-ce, role", "water-c, role")
    for old in ("ends: [water-ce, water-hub]", "ends: [water-ce, exit]", "device: water-ce"):
        district.edit("network.yaml", old, old.replace("water-ce", "water-c"))
    district.edit("departments.yaml", "gateway: water-ce", "gateway: water-c")
    told = district.told()
    assert "water-ce: the inventory has no device 'water-ce'" in told
    assert [said for said in told if "never fetched" in said and "devices[2]" in said]
    assert [said for said in told if "never fetched" in said and "devices[10]" in said]


def test_a_device_that_runs_with_something_unsaved_is_told(district: District) -> None:
    district.fetch(CE, startup=district.texts[CE].replace("  network 10.11.0.0/24\n", ""))
    assert district.told() == ("water-ce: it runs with something else than it would start with",)


def test_neighbours_of_a_group_and_by_interface_are_read(district: District) -> None:
    district.alter(
        CE,
        (
            " neighbor 10.252.11.2 remote-as 65281\n",
            (
                " neighbor LINES peer-group\n neighbor LINES remote-as 65281\n"
                " neighbor 10.252.11.2 peer-group LINES\n neighbor eth9 interface remote-as external\n"
            ),
        ),
        ("  neighbor 10.252.11.2 route-map OWN-OUT out\n", "  neighbor LINES route-map OWN-OUT out\n"),
    )
    assert district.told() == ("water-ce: it speaks BGP with eth9 (AS external), which the inventory does not have",)


@pytest.mark.parametrize(
    "kind, lines",
    [
        ("OSPF", "router ospf\n network 10.11.0.0/24 area 0\nexit\n!\n"),
        ("VRFs at a department's end", "vrf office\nexit-vrf\n!\n"),
        ("IPv6", "ipv6 route 2001:db8:9::/48 2001:db8::1\n"),
        ("IPv6", "interface line-water-leas\n ipv6 address 2001:db8::1/64\nexit\n!\n"),
    ],
)
def test_what_is_not_moved_yet_is_refused_where_a_line_is_to_move(district: District, kind: str, lines: str) -> None:
    district.alter(CE, ("interface acc-", f"{lines}interface acc-"))
    (found,) = (each for each in district.findings() if each.severity is Severity.ERROR)
    assert found.reason.startswith(f"{kind} is not moved by this software yet, and line water-exit, water-leased ends")
    assert district.line_of(found) in lines
    assert check(district.folder).programme is None


def test_a_line_with_static_routes_instead_of_bgp_is_refused(district: District) -> None:
    static = "ip route 10.81.0.0/24 10.252.11.2"
    district.alter(CE, (" neighbor 10.252.11.2 remote-as 65281\n", ""), ("interface acc-", f"{static}\ninterface acc-"))
    (found,) = (each for each in district.findings() if each.severity is Severity.ERROR)
    assert found.reason.startswith("traffic takes line water-leased by static routes, without BGP: that is not moved")
    assert district.line_of(found) == static
    assert check(district.folder).programme is None


def test_a_filter_that_nobody_has_read_is_told(district: District) -> None:
    line = "  neighbor 10.254.11.1 prefix-list GOV in\n"
    district.alter(CE, ("  neighbor 10.254.11.1 route-map", f"{line}  neighbor 10.254.11.1 route-map"))
    (told,) = district.told()
    assert told.startswith("water-ce: line water-exit, water-leased ends at this device, and nobody has read what a f")


def test_what_is_not_moved_is_no_matter_where_no_line_moves(district: District) -> None:
    district.alter("tax-ce", ("router bgp", "router ospf\n network 10.14.0.0/24 area 0\nexit\n!\nrouter bgp"))
    assert district.told() == ()


SECRETS = (
    " neighbor 10.252.11.2 password Hu22ter!x",
    " neighbor 10.252.21.2 password Hu22ter!x",
    " neighbor 10.254.11.1 description console password is Str4nge;er",
)


def test_secrets_are_hidden_equal_ones_alike_and_another_key_makes_other_tags(district: District) -> None:
    lines = " neighbor 10.254.11.1 remote-as 65101\n"
    district.alter(CE, (lines, lines + "\n".join(SECRETS) + "\n"))
    kept = {path.name: path.read_text() for path in (district.folder / "fetched").iterdir()}
    for text in kept.values():
        assert "Hu22ter" not in text
        assert "Str4nge" not in text
    hidden = [line for line in kept[f"{CE}.running.conf"].splitlines() if "<secret:" in line]
    assert len(hidden) == 3
    assert len({line.split()[-1] for line in hidden[:2]}) == 1
    language = load_language("frr")
    assert language is not None
    other = Hiding(b"other" * 8)
    again = [line for line in other.kept(language, district.texts[CE]).splitlines() if "<secret:" in line]
    assert again[0].split()[:-1] == hidden[0].split()[:-1]
    assert again[0] != hidden[0]
    assert HIDING.tagless("\n".join(again)) == HIDING.tagless("\n".join(hidden))


@pytest.mark.parametrize(
    "line",
    [
        "enable password 8 Zx9!secretword",
        "password Zx9!secretword",
        "interface eth0\n ip ospf message-digest-key 1 md5 Zx9!secretword",
        "interface eth0\n ip ospf authentication-key Zx9!secretword",
        "interface eth0\n isis password clear Zx9!secretword",
        "interface eth0\n ip rip authentication string Zx9!secretword",
        "key chain ring\n key 1\n  key-string Zx9!secretword",
        "mpls ldp\n neighbor 10.0.0.1 password Zx9!secretword",
        "username six password Zx9!secretword",
        "snmp-server community Zx9!secretword",
        "! token=Zx9!secretword",
    ],
)
def test_no_form_of_a_secret_is_kept(line: str) -> None:
    language = load_language("frr")
    assert language is not None
    kept = HIDING.kept(language, f"hostname r1\n{line}\n")
    assert "secretword" not in kept
    assert "<secret:" in kept


def test_what_is_the_same_is_not_written_anew_in_whatever_order_it_is_shown(district: District) -> None:
    file = running_file(district.folder, CE)
    before = file.read_text()
    text = district.texts[CE]
    head, lists = text.split("ip prefix-list EXTRANET", 1)
    assert district.fetch(CE).became == "same"
    district.texts[CE] = head.replace("interface", "!\ninterface", 1) + "ip prefix-list EXTRANET" + lists
    block = "interface lan\n description lan:water-room\n ip address 10.11.0.1/24\nexit\n!\n"
    assert block in district.texts[CE]
    district.texts[CE] = (
        district.texts[CE]
        .replace(block, "")
        .replace("interface line-water-leas", block + "interface line-water-leas", 1)
    )
    assert district.fetch(CE).became == "same"
    assert file.read_text() == before
    assert district.alter(CE, ("10.11.0.0/24\n", "10.11.0.0/24\n  network 10.81.7.0/24\n")).became == "changed"


def _cut(district: District) -> None:
    file = running_file(district.folder, CE)
    file.write_text(file.read_text().replace("  network 10.11.0.0/24\n", ""))


def _strange(district: District) -> None:
    file = facts_file(district.folder, CE)
    file.write_text(json.dumps({**json.loads(file.read_text()), "evil": True}))


def _other(district: District) -> None:
    file = facts_file(district.folder, CE)
    file.write_text(json.dumps({**json.loads(file.read_text()), "device": "exit"}))


def _gone(district: District) -> None:
    running_file(district.folder, CE).unlink()


def _linked(district: District) -> None:
    file = running_file(district.folder, CE)
    file.unlink()
    file.symlink_to("/etc/hostname")


@pytest.mark.parametrize("harm", [_cut, _strange, _other, _gone, _linked])
def test_facts_that_do_not_belong_to_their_text_are_told_and_never_believed(
    district: District, harm: Callable[[District], None]
) -> None:
    harm(district)
    (found,) = district.findings()
    assert found.file.name.startswith(CE)
    assert found.mend == "fetch it again: zhenghe net fetch"
    assert CE not in read_fetched(district.folder).kept


def test_an_interface_is_called_as_the_device_calls_it_once_the_inventory_says_so(district: District) -> None:
    district.texts[CE] = district.texts[CE].replace("line-water-leas", "eth3")
    district.fetch(CE)
    (found,) = district.findings()
    assert found.reason == ("the interface with 10.252.11.1/30 is called eth3; the plan would call it line-water-leas")
    assert found.mend == "say so at the device: interfaces: [{address: 10.252.11.1, name: eth3}]"
    named = "router_id: 10.255.0.11, interfaces: [{address: 10.252.11.1, name: eth3}]}"
    district.edit("network.yaml", "router_id: 10.255.0.11}", named)
    assert district.told() == ()
    programme = check(district.folder).programme
    assert programme is not None
    line = next(each for each in programme.network.lines if each.name == "water-leased")
    release = line_steps(programme, line)[-1].arguments
    assert "interface eth3" in next(each for each in release.devices if each.device == CE).after[0]


def test_an_interface_of_management_is_known_once_the_inventory_names_it(district: District) -> None:
    district.alter(CE, ("interface lan\n", "interface eth0\n ip address 172.20.0.5/24\nexit\n!\ninterface lan\n"))
    assert district.told() == ("water-ce: interface eth0 has 172.20.0.5/24, which the inventory does not have",)
    named = "router_id: 10.255.0.11, interfaces: [{address: 172.20.0.5, name: eth0}]}"
    district.edit("network.yaml", "router_id: 10.255.0.11}", named)
    assert district.told() == ()


def test_a_device_of_an_unknown_language_is_not_known(district: District) -> None:
    file = facts_file(district.folder, CE)
    told = {key: value for key, value in json.loads(file.read_text()).items() if not isinstance(value, list)}
    file.write_text(json.dumps({**told, "platform": "odd", "understood": False}))
    assert [said for said in district.told() if said.startswith(CE)] == [
        "water-ce: the language of platform odd is not known: it is not known what it is configured with"
    ]
