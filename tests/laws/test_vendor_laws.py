"""Laws of differences in the syntaxes of vendors, against doubles that know nothing of how they are computed."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netcfg.difference import commands_between, ours_between
from netcfg.doubles.forms import Lines, read
from netcfg.doubles.ios import IOS
from netcfg.doubles.vrp8 import VRP8
from netcfg.guards.lines import typed, way_back
from netcfg.platforms import Platform, load_platform
from netcfg.reading import paths


@dataclass(frozen=True)
class Syntax:
    """How one vendor writes what both know."""

    platform: Platform
    entry: str
    clause: str
    matches: str
    sets: str
    speaker: str
    peer: str
    shut: str
    family: str
    member: str
    policy: str
    port: str
    address: str
    down: tuple[str, ...]
    foreign: tuple[str, ...]

    def lines(self, text: str) -> Lines:
        return read(VRP8 if self.platform.name == "vrp8" else IOS, text, r"\s*(?:[#!].*|return|end)?\s*")

    def after(self, text: str, *commands: str) -> Lines:
        """Return what a device has that had a text and was typed commands; an error where it refuses one."""
        lines = self.lines(text)
        section: tuple[str, ...] = ()
        for command in commands:
            if command == self.platform.commands.leave:
                assert section, "it leaves the configuration"
                section = section[:-1]
            else:
                section = lines.typed(section, command)
        assert not section, "a section is left open"
        return lines


SYNTAXES = {
    "vrp8": Syntax(
        platform=load_platform("vrp8"),
        entry="ip ip-prefix {} index {} permit 10.{}.0.0 16",
        clause="route-policy {} permit node {}",
        matches="if-match ip-prefix {}",
        sets="apply local-preference {}",
        speaker="bgp 65001\n router-id 10.0.0.1",
        peer="peer 10.9.0.{} as-number 65002",
        shut="peer 10.9.0.{} ignore",
        family="ipv4-family unicast\n  undo synchronization",
        member="peer 10.9.0.{} enable",
        policy="peer 10.9.0.{} route-policy {} import",
        port="interface GE0/1/0\n description a",
        address="ip address 10.9.0.1 255.255.255.252",
        down=("undo shutdown", "shutdown"),
        foreign=("ip route-static 10.200.0.0 16 10.9.0.2", "ip ip-prefix THEIRS index 5 permit 10.200.0.0 16"),
    ),
    "ios": Syntax(
        platform=load_platform("ios"),
        entry="ip prefix-list {} seq {} permit 10.{}.0.0/16",
        clause="route-map {} permit {}",
        matches="match ip address prefix-list {}",
        sets="set local-preference {}",
        speaker="router bgp 65001\n bgp router-id 10.0.0.1",
        peer="neighbor 10.9.0.{} remote-as 65002",
        shut="neighbor 10.9.0.{} shutdown",
        family="address-family ipv4",
        member="neighbor 10.9.0.{} activate",
        policy="neighbor 10.9.0.{} route-map {} in",
        port="interface GigabitEthernet1\n description a",
        address="ip address 10.9.0.1 255.255.255.252",
        down=("", "shutdown"),
        foreign=("ip route 10.200.0.0 255.255.0.0 10.9.0.2", "ip prefix-list THEIRS seq 5 permit 10.200.0.0/16"),
    ),
}
few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LISTS = ("OWN", "ZH-A")
POLICIES = ("A-IN", "ZH-A-IN")


@st.composite
def configurations(draw: st.DrawFn, syntax: Syntax) -> str:
    """A configuration as the device could have it: whatever is referred to is there."""
    entries = {(name, 1, 9) for name in LISTS}
    entries |= {(name, number, 1 + (number * 7) % 3) for name, number in draw(
        st.sets(st.tuples(st.sampled_from(LISTS), st.integers(2, 4)), max_size=4))}  # fmt: skip
    text = "".join(f"{syntax.entry.format(*entry)}\n" for entry in sorted(entries))
    there = draw(st.sets(st.sampled_from(POLICIES)))
    for name in sorted(there):
        for number in sorted(draw(st.sets(st.integers(1, 3), min_size=1))):
            text += f"{syntax.clause.format(name, number)}\n"
            text += draw(
                st.sampled_from(["", f" {syntax.matches.format('OWN')}\n", f" {syntax.matches.format('ZH-A')}\n"])
            )
            text += draw(st.sampled_from(["", f" {syntax.sets.format(50)}\n", f" {syntax.sets.format(200)}\n"]))
    text += f"{syntax.speaker}\n"
    peers = sorted(draw(st.sets(st.integers(2, 5), max_size=4)))
    for peer in peers:
        text += f" {syntax.peer.format(peer)}\n" + draw(st.sampled_from(["", f" {syntax.shut.format(peer)}\n"]))
    text += f" {syntax.family}\n"
    for peer in peers:
        used = draw(st.sampled_from(["", *sorted(there)]))
        text += f"  {syntax.member.format(peer)}\n" + (f"  {syntax.policy.format(peer, used)}\n" if used else "")
    text += f"{syntax.port}\n" + draw(st.sampled_from(["", f" {syntax.address}\n"]))
    down = draw(st.sampled_from(syntax.down))
    return text + (f" {down}\n" if down else "")


@pytest.mark.parametrize("name", sorted(SYNTAXES))
@few
@given(data=st.data())
def test_running_and_commands_are_what_was_wanted(name: str, data: st.DataObject) -> None:
    syntax = SYNTAXES[name]
    running, wanted = (data.draw(configurations(syntax)) for _ in range(2))
    commands = commands_between(syntax.platform, running, wanted)
    reached = syntax.after(running, *commands)
    assert set(reached.paths) == set(syntax.lines(wanted).paths)
    assert commands_between(syntax.platform, wanted, wanted) == ()


@pytest.mark.parametrize("name", sorted(SYNTAXES))
@few
@given(data=st.data(), others=st.integers(0, 2))
def test_the_way_back_is_the_way_with_its_ends_exchanged(name: str, data: st.DataObject, others: int) -> None:
    syntax = SYNTAXES[name]
    running, wanted = (data.draw(configurations(syntax)) for _ in range(2))
    there = syntax.after(running, *commands_between(syntax.platform, running, wanted))
    section: tuple[str, ...] = ()
    for line in syntax.foreign[:others]:
        section = there.typed((), line)
    ours = ours_between(syntax.platform, running, wanted)
    known = syntax.platform.difference
    due = way_back(ours, set(there.paths), known.settings, known.depending)
    for command in typed(due, syntax.platform.commands.leave, syntax.platform.difference.opens):
        section = section[:-1] if command == syntax.platform.commands.leave else there.typed(section, command)
    foreign = {(line,) for line in syntax.foreign[:others]}
    assert set(there.paths) == set(syntax.lines(running).paths) | foreign
    assert ours.wrong(set(there.paths)) == set()
    assert ours.others(set(paths(syntax.platform, running)), set(there.paths)) == foreign
