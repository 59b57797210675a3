"""What a double was told, in the words of the router that forwards for it; and the router's answers in the vendor's."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from inventory.configured.facts import Fact
from inventory.model import Programme
from migrations.run.booting import bootable
from netcfg.answers import facts_of
from netcfg.doubles.device import Double, typed_by
from netcfg.doubles.forms import Lines, Refusal, read
from netcfg.doubles.forms import Path as Line
from netcfg.doubles.forwarding import between, written
from netcfg.doubles.playable import PLAYED, unplayable
from netcfg.fetched import reading
from netcfg.intent import LineStage
from netcfg.platforms import load_platform
from tests.unit.fetched import District
from tests.unit.vendors import CE, ENDS, HUB, Kind, extranet, kinds, played_by, steps, surveyed

CIRCUIT, PEER, FAR = "10.254.11.1", IPv4Address("10.252.11.2"), IPv4Network("10.81.0.0/24")
pytestmark = pytest.mark.parametrize("platform", ["vrp8", "ios"])


def configuration(platform: str, text: str) -> Lines:
    kind = PLAYED[platform][0]
    return read(kind.grammar, text, kind.skipped)


def compiled(platform: str, text: str) -> tuple[Line, ...]:
    return PLAYED[platform][1].compiled(configuration(platform, text))


def told(facts: tuple[Fact, ...]) -> set[str]:
    return {each.model_dump_json(exclude={"line", "matches"}) for each in facts}


def same_meaning(platform: str, device: Double) -> None:
    """Demand that the router was told what the vendor's configuration says, by two readers of their own."""
    vendor = reading.facts_of("x", load_platform(platform), device.shown(device.running))
    text = written(PLAYED[platform][1].compiled(device.running))
    router = reading.facts_of("x", load_platform("frr"), text)
    for kind in ("speakers", "ports", "neighbours", "announced", "statics", "clauses", "entries"):
        assert told(getattr(vendor, kind)) == told(getattr(router, kind)), kind


def test_at_every_stage_the_router_is_told_what_the_device_says(
    platform: str, programme: Programme, tmp_path: Path
) -> None:
    kind: Kind = kinds()[platform]
    devices = kind.pair(programme)
    has = {name: PLAYED[platform][1].compiled(device.running) for name, device in devices.items()}
    for stage, step in zip(LineStage, steps(programme, platform), strict=True):
        assert extranet(devices, tmp_path).change(step, lambda _line: None).state == "done", stage
        for name, device in devices.items():
            same_meaning(platform, device)
            wanted = PLAYED[platform][1].compiled(device.running)
            router = Played(has[name])
            router.type(between(has[name], wanted))
            assert router.has == set(wanted), (stage, name)
            has[name] = wanted


@dataclass
class Played:
    """Takes lines as FRRouting does, as far as they are typed here."""

    paths: tuple[Line, ...]

    def type(self, lines: tuple[str, ...]) -> None:
        self.has = set(self.paths)
        section: Line = ()
        for line in lines:
            if line == "exit":
                assert section
                section = section[:-1]
            elif line.startswith("no "):
                gone = {path for path in self.has if path[:-1] == section and path[-1].startswith(line[3:])}
                assert gone, line
                self.has -= {path for path in self.has if any(path[: len(g)] == g for g in gone)}
                self._forget(section, line[3:])
            else:
                path = (*section, line)
                opens = line.startswith(("interface ", "router ", "route-map ", "address-family "))
                section = path if opens else section
                self.has = {each for each in self.has if not _takes_its_place(each, path)} | {path}
        assert section == ()

    def _forget(self, section: Line, line: str) -> None:
        words = line.split()
        if words[0] == "neighbor" and words[2] == "remote-as":
            of = f"neighbor {words[1]} "
            self.has = {p for p in self.has if not (p[:1] == section[:1] and p[-1].startswith(of))}


def _takes_its_place(old: Line, new: Line) -> bool:
    if old[:-1] != new[:-1] or old == new:
        return False
    one, other = old[-1].split(), new[-1].split()
    if one[0] == "neighbor" and one[2:3] == ["route-map"]:
        return one[:3] + one[-1:] == other[:3] + other[-1:]
    if one[:1] in (["set"], ["match"]):
        return one[:-1] == other[:-1]
    return one[:2] == ["ip", "prefix-list"] and one[:5] == other[:5]


def test_what_is_referred_to_comes_first_and_goes_last(platform: str, programme: Programme) -> None:
    before = compiled(platform, surveyed(programme, platform, CE))
    swapped = tuple((line.replace("EXTRANET", "OTHER"), *(each.replace("EXTRANET", "OTHER") for each in inside))
                    for (line, *inside) in before)  # fmt: skip
    lines = between(before, swapped)
    places = [next(n for n, line in enumerate(lines) if line.startswith(word)) for word in (
        "ip prefix-list OTHER", "route-map OTHER-IN", f"neighbor {CIRCUIT} route-map OTHER-IN in", "no route-map",
        "no ip prefix-list")]  # fmt: skip
    assert places == sorted(places)
    assert not [line for line in lines if line.startswith("no neighbor")], "there is no moment without a policy"


def test_a_neighbour_that_goes_takes_its_lines_along(platform: str, programme: Programme) -> None:
    before = compiled(platform, surveyed(programme, platform, CE))
    after = tuple(path for path in before if "10.252.11.2" not in path[-1])
    taken = [line for line in between(before, after) if line.startswith("no ")]
    assert taken == ["no neighbor 10.252.11.2 remote-as 65281"]


def test_a_list_that_is_not_there_lets_everything_through(platform: str, programme: Programme) -> None:
    text = surveyed(programme, platform, CE)
    lists = "ip ip-prefix EXTRANET" if platform == "vrp8" else "ip prefix-list EXTRANET"
    without = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(lists))
    paths = compiled(platform, without)
    clause, asks = "route-map EXTRANET-IN permit 10", "match ip address prefix-list EXTRANET"
    assert (clause,) in paths
    assert (clause, asks) not in paths
    assert (clause, asks) in compiled(platform, text)


ASIDE = {
    "vrp8": ("aaa\n local-user ops password irreversible-cipher x\n", "user-interface vty 0 4\n idle-timeout 5\n"),
    "ios": ("aaa new-model\n", "line vty 0 4\n transport input ssh\n", "no ip http server\n"),
}
UNKNOWN = {
    "vrp8": ("interface lan\n traffic-filter inbound acl 3000\n", "traffic-filter inbound acl 3000"),
    "ios": ("interface lan\n ip access-group 100 in\n", "ip access-group 100 in"),
}


def test_what_no_packet_depends_on_is_kept_and_typed_by_nobody(platform: str, programme: Programme) -> None:
    text = surveyed(programme, platform, CE)
    more = text + "".join(ASIDE[platform])
    assert compiled(platform, more) == compiled(platform, text)
    assert unplayable(platform, more) == ""
    device = PLAYED[platform][0](CE, more)
    shown = device.shown(device.running)
    assert all(line.strip() in shown for part in ASIDE[platform] for line in part.splitlines())
    configure = {"vrp8": "system-view", "ios": "configure terminal"}[platform]
    line = ASIDE[platform][0].splitlines()[0]
    assert device.grammar.wrong.splitlines()[-1] in typed_by(device, "x", configure, line)


def test_whatever_else_decides_about_packets_is_not_played(
    platform: str, programme: Programme, tmp_path: Path
) -> None:
    lines, unknown = UNKNOWN[platform]
    district = District(tmp_path / "yunhe", programme)
    played = played_by(programme, platform)
    for name in ENDS:
        district.edit("network.yaml", f"name: {name}, role: {'ce' if name == CE else 'hub'}, platform: frr",
                      f"name: {name}, role: {'ce' if name == CE else 'hub'}, platform: {platform}")  # fmt: skip
        district.platforms[name], district.texts[name] = platform, surveyed(played, platform, name)
        district.fetch(name)
    heard: list[str] = []
    assert set(ENDS) <= set(bootable(district.folder, heard.append))
    district.texts[HUB] = district.texts[HUB].replace("interface lan\n", lines)
    district.fetch(HUB)
    found = bootable(district.folder, heard.append)
    assert CE in found
    assert HUB not in found
    assert heard == [f"{HUB}: the twin has it as surveyed, for nobody there can play “{unknown}” of what was fetched"]


def test_a_router_that_refuses_leaves_the_device_as_it_was(platform: str, programme: Programme) -> None:
    device = PLAYED[platform][0](CE, surveyed(programme, platform, CE))
    before = set(device.running.paths)

    def refuses(_lines: Lines) -> None:
        raise Refusal("Error: no")

    device.forwards = refuses
    kind = kinds()[platform]
    assert "Error: no" in typed_by(device, "colleague", *kind.colleague)
    assert set(device.running.paths) == before


def test_what_is_saved_is_told_and_a_power_cut_begins_with_it(platform: str, programme: Programme) -> None:
    device = PLAYED[platform][0](CE, surveyed(programme, platform, CE))
    kept: list[str] = []
    device.keeps = lambda lines: kept.append(device.shown(lines))
    kind = kinds()[platform]
    typed_by(device, "colleague", *kind.colleague)
    device.reboot()
    assert not kind.has(device, "by a colleague")
    typed_by(device, "colleague", *kind.colleague, *kind.saves)
    again = PLAYED[platform][0](CE, kept[-1])
    assert set(again.running.paths) == set(device.running.paths)
    assert kind.has(again, "by a colleague")


NEIGHBOUR = {"bgpState": "Active", "remoteAs": 65281, "bgpTimerHoldTimeMsecs": 9000, "bgpTimerLastRead": 2000,
             "bgpTimerKeepAliveIntervalMsecs": 3000}  # fmt: skip
ROUTE: dict[str, Any] = {"protocol": "bgp", "selected": True, "distance": 20,
                         "nexthops": [{"ip": CIRCUIT, "interfaceName": "acc", "fib": True}]}  # fmt: skip
OWN = {"protocol": "connected", "selected": True, "nexthops": [{"interfaceName": "lan", "fib": True}]}
SAID: dict[str, Any] = {
    "show ip route json": {"10.11.0.0/24": [OWN], "10.81.0.0/24": [ROUTE]},
    "show ip route 10.81.0.0/24 json": {"10.81.0.0/24": [ROUTE]},
    "show ip route 192.0.2.9 json": {"192.0.2.0/24": [{**OWN, "nexthops": [{"interfaceName": "mgmt"}]}]},
    "show bgp neighbors 10.252.11.2 json": {"10.252.11.2": NEIGHBOUR},
    "show bgp ipv4 unicast 10.81.0.0/24 json": {
        "paths": [{"valid": True, "nexthops": [{"ip": CIRCUIT}]}, {"nexthops": [{"ip": "10.252.11.2"}]}]},
}  # fmt: skip
COUNTED = "  acc: 100 5 0 0 0 0 0 0 200 7 0 0 0 0 0 0\n"
PINGED = "3 packets transmitted, 1 received, 66% packet loss"


def asked(platform: str) -> Callable[[str], str]:
    def vtysh(command: str) -> str:
        return json.dumps(SAID[command])

    def shell(command: str) -> str:
        return COUNTED if "net/dev" in command else PINGED

    def one(line: str) -> str:
        return PLAYED[platform][1].answers(line, vtysh, shell, "192.0.2.9") or ""

    return lambda line: "\n".join(map(one, line.splitlines()))


def test_what_a_router_says_is_said_as_the_device_says_it(platform: str) -> None:
    of, ask = load_platform(platform), asked(platform)
    facts = facts_of(of)
    routes = ask(of.commands.routes)
    assert set(facts.routes_over(routes, "acc")) == {"10.81.0.0/24"}
    assert facts.routes_over(routes, "lan") == {}
    assert facts.next_hops(ask(of.commands.route.format(prefix=FAR)), FAR) == (CIRCUIT,)
    assert facts.known_ways(ask(of.commands.ways.format(prefix=FAR))) == (CIRCUIT,)
    answer = ask(of.commands.neighbour.format(address=PEER))
    assert facts.neighbour_state(answer, PEER) == "Active"
    assert facts.noticed(answer, PEER) == (9.0, "BGP")
    assert facts.silence(answer, PEER) == ((2.0, 3.0) if platform == "ios" else (0.0, 0.0))
    assert facts.traffic(ask(of.shell.traffic.format(interface="acc")), "acc")[1:] == (12, 0, 0, 7)
    assert facts.reached(ask(of.shell.ping.format(source="10.0.0.1", address=PEER)))
    assert facts.management(ask) == ("192.0.2.9", "", "mgmt")
    assert PLAYED[platform][1].answers("display version", lambda _: "", lambda _: "", "") is None
