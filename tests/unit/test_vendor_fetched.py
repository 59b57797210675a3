"""What devices of vendors are configured with: fetched, hidden, read, held against the inventory, followed."""

import re
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from infra.twin.routers import RouterError, surveyed_configuration
from inventory.configured.facts import Configured, Fact
from inventory.model import Device, Programme
from netcfg.answers import facts_of
from netcfg.doubles.device import Double
from netcfg.doubles.ios import Ios
from netcfg.doubles.vrp8 import Vrp8
from netcfg.facts import Taken
from netcfg.fetched import reading
from netcfg.fetched.differing import effect
from netcfg.fetched.fetching import Full, Unfetched, fetch
from netcfg.fetched.language import Language, load_language
from netcfg.fetched.ways import preference_of
from netcfg.platforms import load_platform
from tests.unit.fetched import HIDING, District
from tests.unit.vendors import Wired, played_by

CE, HUB = "water-ce", "water-hub"
VENDORS = ("vrp8", "ios")
MAKES: dict[str, type[Vrp8] | type[Ios]] = {"vrp8": Vrp8, "ios": Ios}


def surveyed(programme: Programme, platform: str, device: str) -> str:
    return surveyed_configuration(played_by(programme, platform, device), device)


def read(platform: str, text: str) -> Configured:
    return reading.facts_of("x", load_platform(platform), text)


def language_of(platform: str) -> Language:
    language = load_language(platform)
    assert language is not None
    return language


def told(facts: tuple[Fact, ...]) -> set[str]:
    return {each.model_dump_json(exclude={"line", "matches"}) for each in facts}


@pytest.mark.parametrize("device", [CE, HUB, "exit", "tax-ce"])
@pytest.mark.parametrize("platform", VENDORS)
def test_the_same_device_is_read_as_the_same_in_every_vendors_words(
    programme: Programme, platform: str, device: str
) -> None:
    frr, vendor = (read(each, surveyed(programme, each, device)) for each in ("frr", platform))
    assert vendor.hostname == device
    assert vendor.foreign == ()
    for kind in ("speakers", "ports", "neighbours", "announced", "redistributed", "statics", "clauses", "entries"):
        assert told(getattr(vendor, kind)) == told(getattr(frr, kind)), kind


@pytest.mark.parametrize("platform", VENDORS)
def test_a_provider_edge_is_none_that_a_double_can_play(programme: Programme, platform: str) -> None:
    with pytest.raises(RouterError, match=f"pe1: .* VRFs, which no {platform} of a twin does"):
        surveyed(programme, platform, "pe1")


MORE = {
    "vrp8": """#
sysname x
#
ip vpn-instance guests
#
interface GigabitEthernet0/1/0
 ip binding vpn-instance guests
 ip address 10.9.0.1 255.255.255.0
 shutdown
#
interface GigabitEthernet0/1/1
 ip address 10.8.0.1 255.255.255.0
 ip address 10.8.1.1 255.255.255.0 sub
 traffic-filter inbound acl 3000
 nat outbound 2000
 ipsec policy gov
 ipv6 address 2001:DB8::1/64
#
ospf 1
 area 0.0.0.0
#
bgp 65001
 group HUBS external
 peer HUBS as-number 65002
 peer 10.8.0.2 group HUBS
 peer 10.8.0.3 as-number 65003
 peer 10.8.0.3 ignore
 #
 ipv4-family unicast
  import-route direct
  import-route ospf 1
  peer HUBS route-policy IN import
  peer 10.8.0.3 ip-prefix NETS import
#
route-policy IN deny node 10
 if-match tag 7
#
route-policy IN permit node 20
 if-match ip-prefix NETS
 apply local-preference 300
 goto next-node 30
#
ip ip-prefix NETS index 10 permit 10.60.0.0 16 greater-equal 24 less-equal 24
ip ip-prefix NETS index 20 deny 10.61.0.0 16
#
ip route-static 10.1.0.0 255.255.0.0 10.8.0.2 preference 70
ip route-static 10.2.0.0 255.255.0.0 GigabitEthernet0/1/1 10.8.0.3 description to them
ip route-static vpn-instance guests 0.0.0.0 0.0.0.0 10.9.0.2
#
return
""",
    "ios": """!
hostname x
!
vrf definition guests
!
interface GigabitEthernet0/1/0
 vrf forwarding guests
 ip address 10.9.0.1 255.255.255.0
 shutdown
!
interface GigabitEthernet0/1/1
 ip address 10.8.1.1 255.255.255.0 secondary
 ip address 10.8.0.1 255.255.255.0
 ip access-group 101 in
 ip nat outside
 crypto map GOV
 ipv6 address 2001:DB8::1/64
!
router ospf 1
 network 10.8.0.0 0.0.255.255 area 0
!
router bgp 65001
 neighbor HUBS peer-group
 neighbor HUBS remote-as 65002
 neighbor 10.8.0.2 peer-group HUBS
 neighbor 10.8.0.3 remote-as 65003
 neighbor 10.8.0.3 shutdown
 !
 address-family ipv4
  redistribute connected
  redistribute ospf 1
  neighbor HUBS route-map IN in
  neighbor 10.8.0.3 distribute-list 7 in
 exit-address-family
!
ip prefix-list NETS seq 10 permit 10.60.0.0/16 ge 24 le 24
ip prefix-list NETS seq 20 deny 10.61.0.0/16
!
route-map IN deny 10
 match tag 7
!
route-map IN permit 20
 match ip address prefix-list NETS
 set local-preference 300
 continue 30
!
ip route 10.1.0.0 255.255.0.0 10.8.0.2 70
ip route 10.2.0.0 255.255.0.0 GigabitEthernet0/1/1 10.8.0.3 name to-them
ip route vrf guests 0.0.0.0 0.0.0.0 10.9.0.2
!
end
""",
}


@pytest.mark.parametrize("platform", VENDORS)
def test_what_else_departments_have_is_read_or_told_as_foreign(platform: str) -> None:
    facts = read(platform, MORE[platform])
    ports = {(p.name, p.vrf, tuple(sorted(map(str, p.addresses))), p.shut) for p in facts.ports}
    assert ports == {
        ("GigabitEthernet0/1/0", "guests", ("10.9.0.1/24",), True),
        ("GigabitEthernet0/1/1", "", ("10.8.0.1/24", "10.8.1.1/24"), False),
    }
    assert [(n.peer, n.asn, n.shut, n.policy_in) for n in facts.neighbours] == [
        ("10.8.0.2", "65002", False, "IN"), ("10.8.0.3", "65003", True, "")]  # fmt: skip
    assert {each.origin for each in facts.redistributed} == {"connected", "ospf"}
    assert [(str(each.prefix), each.way, each.vrf) for each in facts.statics] == [
        ("10.1.0.0/16", ("10.8.0.2",), ""), ("10.2.0.0/16", ("GigabitEthernet0/1/1", "10.8.0.3"), ""),
        ("0.0.0.0/0", ("10.9.0.2",), "guests")]  # fmt: skip
    first, second = facts.clauses
    assert (first.permits, first.matches, first.lists) == (False, ("tag 7",), ())
    assert second.lists == ("NETS",)
    assert second.sets[0] == "local-preference 300"
    assert len(second.sets) == 2, "a jump to another clause is told"
    assert preference_of(facts, "IN", IPv4Network("10.60.4.0/24")) == 300
    assert [each.permits for each in facts.entries] == [True, False]
    assert {each.kind for each in facts.foreign} == {"ospf", "vrf", "ipv6", "acl", "filter", "nat", "ipsec"}


LINES = {
    "vrp8": (
        " peer 10.8.0.2 password cipher Hu22ter!x",
        " peer 10.8.0.2 password simple Hu22ter!x",
        " local-user admin password irreversible-cipher Hu22ter!x",
        "super password level 3 cipher Hu22ter!x",
        " set authentication password cipher Hu22ter!x",
        "snmp-agent community read cipher Hu22ter!x acl 2000",
        "snmp-agent community write Hu22ter!x",
        "snmp-agent usm-user v3 ops authentication-mode sha2-256 cipher Hu22ter!x",
        "snmp-agent target-host trap address udp-domain 10.0.0.1 params securityname Hu22ter!x v2c",
        " ospf authentication-mode md5 1 cipher Hu22ter!x",
        " isis authentication-mode simple plain Hu22ter!x",
        " radius-server shared-key cipher Hu22ter!x",
        " key-string cipher Hu22ter!x",
        "ntp-service authentication-keyid 1 authentication-mode hmac-sha256 cipher Hu22ter!x",
        " pre-shared-key Hu22ter!x",
        " description console password is Hu22ter!x",
    ),
    "ios": (
        " neighbor 10.8.0.2 password 7 Hu22ter!x",
        " neighbor 10.8.0.2 password Hu22ter!x",
        "enable secret 9 Hu22ter!x",
        "enable password level 7 Hu22ter!x",
        "username ops privilege 15 secret 5 Hu22ter!x",
        " password 7 Hu22ter!x",
        " key 7 Hu22ter!x",
        "snmp-server community Hu22ter!x RO 10",
        "snmp-server host 10.0.0.1 version 2c Hu22ter!x",
        "snmp-server host 10.0.0.1 traps vrf mgmt Hu22ter!x",
        "snmp-server user ops grp v3 auth sha Hu22ter!x priv aes 128 Hu22ter!x",
        "tacacs-server host 10.0.0.1 key 7 Hu22ter!x",
        "crypto isakmp key Hu22ter!x address 10.0.0.1",
        " pre-shared-key local Hu22ter!x",
        "ntp authentication-key 1 md5 Hu22ter!x 7",
        " ip ospf message-digest-key 1 md5 7 Hu22ter!x",
        " ip ospf authentication-key 7 Hu22ter!x",
        " standby 1 authentication Hu22ter!x",
        " standby 1 authentication md5 key-string 7 Hu22ter!x",
        "  key-string 7 Hu22ter!x",
        " ppp chap password 0 Hu22ter!x",
        " description console password is Hu22ter!x",
    ),
}


@pytest.mark.parametrize("line", LINES["vrp8"])
def test_no_form_of_a_secret_of_vrp8_is_kept(line: str) -> None:
    demand_hidden("vrp8", line)


@pytest.mark.parametrize("line", LINES["ios"])
def test_no_form_of_a_secret_of_ios_is_kept(line: str) -> None:
    demand_hidden("ios", line)


def demand_hidden(platform: str, line: str) -> None:
    kept = HIDING.kept(language_of(platform), f"interface x\n{line}\n")
    assert "Hu22ter" not in kept
    assert "<secret:" in kept
    assert kept.splitlines()[1].split()[0] == line.split(maxsplit=1)[0], "what the line is about stays"


@pytest.mark.parametrize("platform", VENDORS)
def test_nothing_is_hidden_that_is_no_secret_and_equal_ones_are_alike(programme: Programme, platform: str) -> None:
    text = surveyed(programme, platform, CE)
    kept = HIDING.kept(language_of(platform), text)
    assert "<secret" not in kept
    tags = re.findall("<secret:(.*?)>", HIDING.kept(language_of(platform), "\n".join(LINES[platform][:2])))
    assert len(set(tags)) == 1


@pytest.mark.parametrize("platform", VENDORS)
def test_a_neighbours_hidden_password_is_a_fact(programme: Programme, platform: str) -> None:
    peer, asked = {
        "vrp8": (" peer 10.252.11.2 as-number 65281\n", " peer 10.252.11.2 password cipher Hu22ter!x\n"),
        "ios": (" neighbor 10.252.11.2 remote-as 65281\n", " neighbor 10.252.11.2 password 7 Hu22ter!x\n"),
    }[platform]
    text = surveyed(programme, platform, CE).replace(peer, peer + asked)
    (found,) = (n for n in read(platform, HIDING.kept(language_of(platform), text)).neighbours if n.password)
    assert (found.peer, found.password[:8]) == ("10.252.11.2", "<secret:")


class Doubled(Wired):
    """Doubles, and the word by which a fetch speaks to them."""


def fetched(double: Double, platform: str) -> Full | Unfetched:
    device = Device.model_validate(
        {"name": double.name, "role": "ce", "platform": platform, "asn": 65211, "router_id": "10.255.0.11"}
    )
    heard: list[str] = []
    sessions: Any = Doubled({double.name: double})
    (found,) = fetch(sessions, (device,), heard.append)
    assert heard == [double.name]
    return found


@pytest.mark.parametrize("platform", VENDORS)
def test_a_device_is_fetched_kept_and_held_against_the_inventory(
    tmp_path: Path, programme: Programme, platform: str
) -> None:
    district = District(tmp_path / "yunhe", programme)
    district.edit("network.yaml", f"name: {CE}, role: ce, platform: frr", f"name: {CE}, role: ce, platform: {platform}")
    double = MAKES[platform](CE, surveyed(programme, platform, CE))
    found = fetched(double, platform)
    assert isinstance(found, Full)
    assert found.saved
    district.platforms[CE], district.texts[CE] = platform, found.running
    assert district.fetch(CE, startup=found.startup).became == "changed"
    assert district.told() == ()
    # Shown a second later it is the same, whatever the device says of itself above it.
    assert district.fetch(CE, startup=found.startup).became == "same"

    before = reading.facts_of(CE, load_platform(platform), found.running)
    static = {"vrp8": "ip route-static 10.81.8.0 24 10.252.11.2", "ios": "ip route 10.81.8.0 255.255.255.0 10.252.11.2"}
    double.running.typed((), static[platform])
    found = fetched(double, platform)
    assert isinstance(found, Full)
    assert not found.saved
    district.texts[CE] = found.running
    facts = district.fetch(CE, startup=found.startup).facts
    assert effect(before, facts) == "sends 10.81.8.0/24 by way of 10.252.11.2."
    assert [each for each in district.told() if "10.81.8.0/24 over line water-leased" in each]
    assert [each for each in district.told() if "it runs with something else than it would start with" in each]


WAYS = {
    "vrp8": "      10.81.0.0/24  EBGP    255  0             RD  10.252.11.2     GigabitEthernet0/1/0",
    "ios": "10.81.0.0/24\n  nexthop 10.252.11.2 GigabitEthernet0/1/0",
}


@pytest.mark.parametrize("platform", VENDORS)
def test_the_way_of_a_packet_is_read_from_what_the_device_answers(platform: str) -> None:
    facts = facts_of(load_platform(platform))
    protocol = {"vrp8": "EBGP", "ios": ""}[platform]
    assert facts.taken(WAYS[platform]) == Taken("10.81.0.0/24", protocol, (("10.252.11.2", "GigabitEthernet0/1/0"),))
    assert facts.taken("Error: no such route\n") is None
    assert facts.taken("0.0.0.0/0\n  no route") is None
