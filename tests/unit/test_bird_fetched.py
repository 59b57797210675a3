"""What devices that are BIRD are configured with: fetched, hidden, read, held against the inventory, booted from."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from infra.twin.configured import boots
from inventory.configured.facts import BESIDE, Configured
from inventory.configured.folder import read_fetched
from inventory.findings import Severity
from inventory.model import Programme
from netcfg.birdc import taken
from netcfg.fetched.differing import difference, effect
from netcfg.fetched.hiding import Hiding
from netcfg.fetched.language import load_language
from netcfg.fetched.planned import planned
from netcfg.fetched.reading import facts_of
from netcfg.fetched.ways import Extranet, place_of, preference_of
from netcfg.intent import LineStage
from netcfg.platforms import load_platform
from tests.unit.fetched import District

HUB, CE, LINE = "archives-hub", "archives-ce", "archives-leased"
BIRD = load_platform("bird")
PEER = " neighbor 10.252.13.2 remote-as 65283\n"
ASKED = {
    HUB: ("\thold time 9;", '\thold time 9;\n\tpassword "Hu22ter!x";'),
    CE: (PEER, f"{PEER} neighbor 10.252.13.2 password Hu22ter!x\n"),
}
CIRCUIT = "import where extranet_in();"


@pytest.fixture
def district(tmp_path: Path, programme: Programme) -> District:
    return District(tmp_path / "yunhe", programme)


def read(text: str) -> Configured:
    return facts_of("x", BIRD, text)


def neighbours(facts: Configured) -> list[tuple[str, str, bool, str, str]]:
    return [(n.peer, n.asn, n.shut, n.policy_in, n.policy_out) for n in facts.neighbours]


def preference(facts: Configured, prefix: str, policy: str = "") -> int | None:
    return preference_of(facts, policy or facts.neighbours[0].policy_in, IPv4Network(prefix))


SHAPES = {
    "as surveyed": "protocol bgp a { local as 65001; neighbor 10.0.0.2 as 65002;"
    " ipv4 { import where p(); export none; }; }",
    "in one statement": "protocol bgp a { local 10.0.0.1 as 65001; neighbor 10.0.0.2 port 179 as 65002;"
    " ipv4 { import filter p; export none; }; };",
    "by constants": "define ME = 65001; define PEER = 10.0.0.2; define 'its-as' = 65002;\n"
    "protocol bgp a { local as ME; neighbor PEER as 'its-as'; ipv4 { import where p(); export none; }; }",
    "by a template of a template": "template bgp all { local as 65001; ipv4 { import none; export none; }; }\n"
    "template bgp hubs from all { neighbor as 65002; ipv4 { import where p(); }; }\n"
    "protocol bgp a from hubs { neighbor 10.0.0.2; }",
}  # fmt: skip
POLICY = "function p() { return net ~ [ 10.50.0.0/16, 10.60.0.0/16+ ]; }\nfilter p2 { accept; }\n"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_neighbour_is_read_however_it_is_written(shape: str) -> None:
    facts = read(f"router id 10.255.0.1;\n{POLICY}{SHAPES[shape]}\n")
    assert neighbours(facts) == [("10.0.0.2", "65002", False, "p", "none")]
    assert [(each.asn, str(each.router_id)) for each in facts.speakers] == [(65001, "10.255.0.1")]
    assert [preference(facts, each) for each in ("10.50.0.0/16", "10.60.9.0/24", "10.50.9.0/24")] == [100, 100, None]


PREFERRED = """function p() {
 if net ~ [ 10.1.0.0/16+ ] then { bgp_local_pref = 300; return true; } return net = 10.2.0.0/16; }"""
FILTER = """define NETS = [ 10.1.0.0/16{24,24} ];
filter p { if net ~ NETS then { bgp_local_pref = 70; accept; } reject; }"""
DECISIONS: dict[str, tuple[str, dict[str, int | None]]] = {
    "one prefix after the other": (
        "function p() { if net = 10.1.0.0/16 then return true; if net = 10.2.0.0/16 then return false; return false; }",
        {"10.1.0.0/16": 100, "10.2.0.0/16": None},
    ),
    "a preference": (
        PREFERRED,
        {"10.1.4.0/24": 300, "10.2.0.0/16": 100, "10.3.0.0/16": None},
    ),
    "a filter": (
        FILTER,
        {"10.1.4.0/24": 70, "10.2.0.0/16": None},
    ),
    "one function asks another": (
        "function q() { return net = 10.1.0.0/16; } function p() { return q() || (net = 10.2.0.0/16); }",
        {"10.1.0.0/16": 100, "10.2.0.0/16": 100, "10.3.0.0/16": None},
    ),
    "something that nobody can follow": (
        "function p() { if bgp_path.len > 3 then return false; return net = 10.2.0.0/16; }",
        {"10.3.0.0/16": None},
    ),
    "everything": ("function p() { return true; }", {"10.3.0.0/16": 100}),
    "nothing": ("function p() { return false; }", {"10.3.0.0/16": None}),
    "a function that is not there": ("", {"10.3.0.0/16": None}),
    "one that calls itself": ("function p() { return p(); }", {"10.3.0.0/16": None}),
}


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_policy_lets_through_what_its_function_does(decision: str) -> None:
    functions, expected = DECISIONS[decision]
    kind = "filter p" if "filter p" in functions else "where p()"
    facts = read(f"{functions}\nprotocol bgp a {{ neighbor 10.0.0.2 as 1; ipv4 {{ import {kind}; }}; }}\n")
    assert {prefix: preference(facts, prefix) for prefix in expected} == expected


def test_static_routes_and_interfaces_are_read() -> None:
    facts = read(
        "protocol static s { ipv4; route 10.1.0.0/16 via 10.0.0.2; route 10.2.0.0/16 via \"eth1\";\n"
        "route 10.3.0.0/16 blackhole; route 10.4.0.0/16 via 10.0.0.2 dev \"eth1\" { preference = 5; }; }\n"
        f"{BESIDE}\ninterface \"eth1\" {{ address 10.0.0.1/30; down; }}\n"
    )  # fmt: skip
    ways = [(str(each.prefix), each.way) for each in facts.statics]
    assert ways == [
        ("10.1.0.0/16", ("10.0.0.2",)), ("10.2.0.0/16", ("eth1",)), ("10.3.0.0/16", ("blackhole",)),
        ("10.4.0.0/16", ("10.0.0.2", "eth1")),
    ]  # fmt: skip
    assert [(port.name, [str(a) for a in port.addresses], port.shut) for port in facts.ports] == [
        ("eth1", ["10.0.0.1/30"], True)
    ]


SECRETS = {
    "as usual": 'protocol bgp a { password "Hu22ter!x"; }',
    "on one line with others": 'protocol bgp a { neighbor 10.0.0.1 as 1; password "Hu22ter!x"; hold time 9; }',
    "over several lines": 'protocol bgp a {\n\tpassword # of ours\n\t\t"Hu22ter!x"\n;\n}',
    "with a comment between": 'protocol bgp a { password /* x */ "Hu22ter!x"; }',
    "with an identifier": 'protocol ospf a { area 0 { interface "x" { password "Hu22ter!x" { id 1; }; }; }; }',
    "as a constant": "define KEY = \"Hu22ter!x\";\nprotocol bgp a { password KEY; }",
    "as a quoted constant": "define 'the-key' = \"Hu22ter!x\";\nprotocol bgp a { password 'the-key'; }",
    "as bytes": "protocol bgp a { password 48:75:32:32:74:65:72; } # Hu22ter password = Hu22ter!x",
    "in a comment": "# the password: Hu22ter!x\nprotocol device { }",
    "in a description": 'protocol bgp a { description "password=Hu22ter!x"; }',
}  # fmt: skip


@pytest.mark.parametrize("where", SECRETS)
def test_secrets_are_hidden_wherever_they_stand_and_the_rest_stays_a_configuration(where: str) -> None:
    language = load_language("bird")
    assert language is not None
    kept = Hiding(b"k" * 32).kept(language, SECRETS[where])
    assert "Hu22ter" not in kept
    assert "48:75:32" not in kept
    assert "<secret:" in kept
    for sign in "{};":
        assert kept.count(sign) == SECRETS[where].count(sign)
    assert Hiding(b"k" * 32).kept(language, kept) == kept


SURPLUS = {
    "a static route over the line": (
        "protocol device { }",
        "protocol static his { ipv4; route 10.99.0.0/16 via 10.252.13.1; }\nprotocol device { }",
        "sends 10.99.0.0/16 over line archives-leased",
    ),
    "a static route by the line's interface": (
        "protocol device { }",
        'protocol static his { ipv4; route 10.99.0.0/16 via "line-archives-l"; }\nprotocol device { }',
        "sends 10.99.0.0/16 over line archives-leased",
    ),
    "a list of the circuit's": ("10.50.2.0/24", "10.50.2.0/24, 10.66.0.0/16", "lets 10.66.0.0/16 through"),
    "a condition": (
        "\treturn net ~ [ 10.50.2.0/24",
        "\tif bgp_path.len > 3 then return false;\n\treturn net ~ [ 10.50.2.0/24",
        "decides by something that the inventory does not have: bgp_path.len > 3",
    ),
    "a neighbour": (
        "protocol direct { ipv4; }",
        "protocol bgp x { neighbor 10.9.9.9 as 65001; ipv4 { export none; }; } protocol direct { ipv4; }",
        "speaks BGP with 10.9.9.9 (AS 65001)",
    ),
    "a neighbour of another number": ("10.252.13.1 as 65213", "10.252.13.1 as 65999", "is AS 65999"),
    "a line that is shut": ("hold time 9;", "hold time 9; disabled;", "is shut down"),
    "another number of its own": ("10.252.13.2 as 65283", "10.252.13.2 as 65284", "speaks as AS 65284"),
    "another router": ("router id 10.255.0.83", "router id 10.255.0.84", "router id is 10.255.0.84"),
    "everything from the circuit": (CIRCUIT, "import all;", "no policy decides"),
}  # fmt: skip


@pytest.mark.parametrize("what", SURPLUS)
def test_what_it_has_and_the_inventory_lacks_is_told_at_its_line(district: District, what: str) -> None:
    assert district.told() == ()
    old, new, told = SURPLUS[what]
    district.alter(HUB, (old, new))
    found = [each for each in district.findings() if told in each.reason]
    assert len(found) == 1, district.told()
    assert found[0].severity is Severity.WARNING
    assert district.line_of(found[0]) in district.texts[HUB]


UNMOVED = {
    "includes": 'include "/etc/bird/peers/*.conf";',
    "OSPF": 'protocol ospf v2 inner { ipv4 { import all; }; area 0 { interface "lan" { }; }; }',
    "between tables": "protocol pipe { table master4; peer table other; }",
    "VRFs": 'protocol direct inner { vrf "blue"; ipv4; }',
}


@pytest.mark.parametrize("what", UNMOVED)
def test_what_is_not_moved_is_refused_where_a_line_is_to_move(district: District, what: str) -> None:
    district.alter(HUB, ("protocol device { }", f"{UNMOVED[what]}\nprotocol device {{ }}"))
    assert [each for each in district.findings() if each.severity is Severity.ERROR and LINE in each.reason]


def test_a_move_is_told_and_changes_the_way_of_packets(district: District, programme: Programme) -> None:
    kept = read_fetched(district.folder).kept
    line = next(each for each in programme.network.lines if each.name == LINE)
    texts = {name: each.text for name, each in kept.items()}
    facts = {name: each.facts for name, each in kept.items()}
    after = planned(programme, (line,), texts, LineStage.SHIFT)[HUB]
    shifted = facts_of(HUB, BIRD, after)
    shown = [line.text for line in difference(BIRD, texts[HUB], after) if line.sign != " "]
    assert any("bgp_local_pref = 200" in each for each in shown)
    assert "takes 10.13.0.0/24 from 10.254.83.1 too, with preference 200" in effect(facts[HUB], shifted)
    reader, room = place_of(programme, "reader-1"), place_of(programme, "10.13.0.10")
    assert reader is not None
    assert room is not None
    assert [hop.link for hop in Extranet(programme, facts).route(reader, room).hops] == [f"line:{LINE}"]
    both = {**facts, HUB: shifted}
    assert "circuit" in Extranet(programme, both, frozenset({LINE})).route(reader, room).hops[0].link
    assert preference_of(shifted, shifted.neighbours[1].policy_in, IPv4Network("10.50.2.0/24")) == 100
    assert not [each for each in district.told() if "zh_" in each]


def test_it_boots_from_its_own_configuration_with_what_a_twin_must_replace(
    district: District, programme: Programme
) -> None:
    old = 'log stderr all;'
    district.wires[HUB] = [each.replace("line-archives-l", "enp3s0") for each in district.wires[HUB]]
    district.wires[HUB] += ["eth9 UP 10.77.0.1/24", "eth8 DOWN 10.78.0.1/24", "lo UNKNOWN 10.255.0.83/32"]
    district.alter(
        HUB,
        (old, 'log "/var/log/bird.log" all;\nlog syslog { info };'),
        ASKED[HUB],
        ("protocol device { }", 'protocol static s { ipv4; route 10.99.0.0/16 via "enp3s0"; }\nprotocol device { }'),
    )
    district.alter(CE, ASKED[CE])
    found = boots(programme, read_fetched(district.folder).kept)
    boot = found[HUB]
    assert boot.real
    assert "/var/log/bird.log" not in boot.configuration
    assert "log syslog { info };" in boot.configuration
    assert 'via "line-archives-l"' in boot.configuration
    assert BESIDE not in boot.configuration
    assert "interface" not in boot.configuration
    assert [(name, str(address)) for name, address in boot.addresses] == [
        ("eth9", "10.77.0.1/24"), ("lo", "10.255.0.83/32"),
    ]  # fmt: skip
    assert [spare.name for spare in boot.spares] == ["eth9"]
    secret = boot.configuration.split('password "')[1].split('"')[0]
    assert f"password {secret}\n" in found[CE].configuration


@pytest.mark.parametrize("fetched", [HUB, CE])
def test_whoever_was_not_fetched_gets_the_password_in_the_words_of_its_platform(
    district: District, programme: Programme, fetched: str
) -> None:
    district.alter(fetched, ASKED[fetched])
    kept = read_fetched(district.folder).kept
    other, written = {
        HUB: (CE, " neighbor 10.252.13.2 password twin-"), CE: (HUB, '\tpassword "twin-')
    }[fetched]  # fmt: skip
    assert written in boots(programme, {fetched: kept[fetched]})[other].configuration


def test_what_it_includes_is_not_known_so_it_boots_as_the_inventory_has_it(
    district: District, programme: Programme
) -> None:
    district.alter(HUB, ("protocol device { }", 'include "peers.conf";\nprotocol device { }'))
    assert not boots(programme, read_fetched(district.folder).kept)[HUB].real


ANSWER = """BIRD 2.0.12 ready.
Table master4:
10.13.0.0/24         unicast [to_line 18:02:11.100] * (100) [AS65213i]
\tvia 10.252.13.1 on line-archives-l
                     unicast [to_circuit 18:02:11.100] (100) [AS65213i]
\tvia 10.254.83.1 on acc
"""
DIRECT = """Table master4:
10.83.0.0/24         unicast [direct1 18:02:11.100] * (240)
\tdev lan
"""


def test_the_route_that_it_takes_is_read() -> None:
    route = taken(ANSWER)
    assert route is not None
    assert (route.prefix, route.protocol, route.hops) == (
        "10.13.0.0/24", "to_line", (("10.252.13.1", "line-archives-l"),),
    )  # fmt: skip
    route = taken(DIRECT)
    assert route is not None
    assert route.hops == (("", "lan"),)
    assert taken("Network not found\n") is None
