"""What differences of configurations do, in words; what moves make of them; which way a packet goes."""

import json
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory.configured.facts import Configured
from inventory.configured.folder import read_fetched
from inventory.model import Programme
from netcfg.errors import BackupRefused
from netcfg.fetched.differing import difference, effect
from netcfg.fetched.fetching import Full
from netcfg.fetched.planned import planned
from netcfg.fetched.reading import facts_of
from netcfg.fetched.sealing import Backups
from netcfg.fetched.ways import Extranet, Route, place_of
from netcfg.intent import LineStage
from netcfg.platforms import load_platform
from tests.unit.fetched import District
from tests.unit.test_cli import Shell

CE = "water-ce"
FRR = load_platform("frr")


@pytest.fixture
def district(tmp_path: Path, programme: Programme) -> District:
    return District(tmp_path / "yunhe", programme)


@pytest.fixture
def zhenghe(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "state")


def facts(text: str) -> Configured:
    return facts_of(CE, FRR, text)


EFFECTS: dict[str, tuple[tuple[str, str], str]] = {
    "announces": (
        ("  network 10.11.0.0/24\n", "  network 10.11.0.0/24\n  network 10.81.7.0/24\n"),
        "announces 10.81.7.0/24.",
    ),
    "stops announcing": (("  network 10.11.0.0/24\n", ""), "stops announcing 10.11.0.0/24."),
    "static": (
        ("interface acc-", "ip route 10.81.8.0/24 10.252.11.2\ninterface acc-"),
        "sends 10.81.8.0/24 by way of 10.252.11.2.",
    ),
    "session": (
        (" neighbor 10.252.11.2 description", " neighbor 10.252.11.2 shutdown\n neighbor 10.252.11.2 description"),
        "shuts the session with 10.252.11.2 down.",
    ),
    "policy": (
        ("  neighbor 10.254.11.1 route-map EXTRANET-IN in\n", ""),
        "takes all that 10.254.11.1 announces.",
    ),
    "list": (
        ("ip prefix-list OWN seq 5", "ip prefix-list EXTRANET seq 20 permit 10.99.0.0/16\nip prefix-list OWN seq 5"),
        "takes 10.99.0.0/16 from 10.254.11.1 too.",
    ),
    "clause": (
        ("route-map EXTRANET-IN permit 10\n", "route-map EXTRANET-IN permit 10\n set local-preference 150\n"),
        "policy EXTRANET-IN decides otherwise.",
    ),
    "interface": (
        (" ip address 10.252.11.1/30\n", " ip address 10.252.11.9/30\n shutdown\n"),
        (
            "takes 10.252.11.1/30 from interface line-water-leas; gives interface line-water-leas 10.252.11.9/30; "
            "shuts interface line-water-leas."
        ),
    ),
    "nothing": (
        ("description line:water-leased", "description the old one"),
        "No way, no neighbour and no address changes.",
    ),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_difference_says_in_a_sentence_what_it_does(district: District, name: str) -> None:
    (old, new), said = EFFECTS[name]
    before = district.texts[CE]
    assert old in before
    assert effect(facts(before), facts(before.replace(old, new, 1))) == said


def test_a_difference_shows_its_lines_below_their_sections_and_no_order() -> None:
    route = "ip route 10.9.0.0/16 10.0.0.1\n"
    before = f"router bgp 1\n neighbor 10.0.0.1 remote-as 2\n neighbor 10.0.0.2 remote-as 3\nexit\n{route}"
    after = f"{route}router bgp 1\n neighbor 10.0.0.2 remote-as 3\n neighbor 10.0.0.3 remote-as 4\nexit\n"
    assert [f"{sign}{text}" for sign, text in difference(FRR, before, after)] == [
        " router bgp 1",
        "- neighbor 10.0.0.1 remote-as 2",
        "+ neighbor 10.0.0.3 remote-as 4",
    ]


def test_what_a_move_makes_of_a_device_is_computed_from_what_it_really_has(
    district: District, programme: Programme
) -> None:
    district.alter(
        CE, ("route-map EXTRANET-IN in", "route-map TOWN-IN in"), ("route-map EXTRANET-IN", "route-map TOWN-IN")
    )
    lines = [line for line in programme.network.lines if line.name == "water-leased"]
    texts = {name: kept.text for name, kept in read_fetched(district.folder).kept.items()}
    after = planned(programme, lines, texts, LineStage.ATTACH)
    assert sorted(after) == ["water-ce", "water-hub"]
    assert "call TOWN-IN" in after[CE]
    said = effect(facts(texts[CE]), facts(after[CE]))
    assert "takes 10.81.0.0/24 from 10.254.11.1 too, with preference 50" in said
    released = planned(programme, lines, texts, LineStage.RELEASE)
    said = effect(facts(texts[CE]), facts(released[CE]))
    assert "no longer speaks BGP with 10.252.11.2" in said
    assert "shuts interface line-water-leas" in said


def test_the_diff_of_the_command_shows_each_device_and_what_is_not_known(zhenghe: Shell, district: District) -> None:
    for name in (".facts.json", ".running.conf", ".startup.conf"):
        (district.folder / "fetched" / f"water-hub{name}").unlink()
    done = zhenghe("net", "diff", str(district.folder), "water-leased", "--json")
    assert done.returncode == 1
    told = {each["device"]: each for each in json.loads(done.stdout)["devices"]}
    assert told["water-hub"]["became"] == "not known"
    assert "-interface line-water-leas" not in told[CE]["lines"]
    assert "- ip address 10.252.11.1/30" in told[CE]["lines"]
    assert "+ shutdown" in told[CE]["lines"]
    plain = zhenghe("net", "diff", str(district.folder), "water-leased", "--until", "attach").stdout
    assert "+ ip prefix-list ZH-ADMINISTRATIVE-SECOND-water-leased" in plain
    assert "takes 10.81.0.0/24 from 10.254.11.1 too, with preference 50" in plain


@pytest.mark.parametrize(
    "words, said",
    [
        (("diff", "DIR", "no-line"), "'no-line' is not a line that moves"),
        (("diff", "DIR", "--until", "soon"), "there is no stage 'soon'"),
        (("fetch", "DIR", "--world", "/nowhere/world.json"), "/nowhere/world.json is not there"),
        (("fetch", "DIR", "no-device", "--world", "W"), "'no-device' is no device of the inventory"),
        (("path", "counter-1", "10.99.1.1", "--in", "DIR"), "'10.99.1.1' is no host, users' machine"),
    ],
)
def test_wrong_use_is_told_with_status_2(zhenghe: Shell, district: District, words: tuple[str, ...], said: str) -> None:
    done = zhenghe("net", *(str(district.folder) if word == "DIR" else word for word in words))
    assert done.returncode == 2
    assert said in done.stderr


def test_diff_asks_for_a_fetch_where_nothing_is_kept(zhenghe: Shell) -> None:
    done = zhenghe("net", "diff", str(Path(__file__).parents[2] / "examples" / "yunhe"))
    assert done.returncode == 2
    assert "fetch it first" in done.stderr


def way(programme: Programme, start: str, target: str, known: dict[str, Configured], *moved: str) -> Route:
    one, other = place_of(programme, start), place_of(programme, target)
    assert one is not None
    assert other is not None
    return Extranet(programme, known, frozenset(moved)).route(one, other)


def test_a_packet_takes_the_line_before_and_circuits_and_backbone_after(programme: Programme) -> None:
    before = way(programme, "counter-1", "water-app", {})
    assert (before.devices, before.arrives) == (("water-hub", "water-ce"), True)
    after = way(programme, "counter-1", "water-app", {}, "water-leased")
    assert after.devices == ("water-hub", "pe2", "pe1", "water-ce")
    assert [hop.link.partition(":")[0] for hop in after.hops] == ["circuit", "backbone", "circuit"]
    assert after.arrives


def test_the_extranets_own_networks_are_reached_over_the_circuit_at_all_times(programme: Programme) -> None:
    assert way(programme, "water-app", "10.50.1.53", {}).devices == ("water-ce", "pe1")
    assert way(programme, "counter-1", "10.50.1.53", {}).devices == ("water-hub", "pe2", "pe1")


def test_who_has_no_line_has_no_way_before_nor_after(programme: Programme) -> None:
    for moved in ((), ("water-leased", "civil-private")):
        found = way(programme, "counter-1", "civil-db", {}, *moved)
        assert not found.arrives
        assert found.reason == "water-hub knows no way to 10.12.0.0/24"


def test_a_line_that_is_shut_and_a_static_route_on_the_device_count(district: District, programme: Programme) -> None:
    shut = district.texts["water-hub"].replace(
        " neighbor 10.252.11.1 description", " neighbor 10.252.11.1 shutdown\n neighbor 10.252.11.1 description"
    )
    found = way(programme, "counter-1", "water-app", {"water-hub": facts_of("water-hub", FRR, shut)})
    assert not found.arrives
    static = "ip route 10.11.0.0/24 10.254.81.1\n" + district.texts["water-hub"]
    found = way(programme, "counter-1", "water-app", {"water-hub": facts_of("water-hub", FRR, static)})
    assert found.devices == ("water-hub", "pe2", "pe1", "water-ce")
    assert found.hops[0].why == "static route 10.11.0.0/24"
    astray = "ip route 10.11.0.0/24 10.9.9.9\n" + district.texts["water-hub"]
    found = way(programme, "counter-1", "water-app", {"water-hub": facts_of("water-hub", FRR, astray)})
    assert "by way of 10.9.9.9, which the inventory does not have" in found.reason


def test_a_device_that_prefers_the_circuit_already_sends_it_there(district: District, programme: Programme) -> None:
    lines = [line for line in programme.network.lines if line.name == "water-leased"]
    texts = {name: kept.text for name, kept in read_fetched(district.folder).kept.items()}
    for stage, devices in (
        (LineStage.ATTACH, ("water-hub", "water-ce")),
        (LineStage.SHIFT, ("water-hub", "pe2", "pe1", "water-ce")),
        (LineStage.RELEASE, ("water-hub", "pe2", "pe1", "water-ce")),
    ):
        after = planned(programme, lines, texts, stage)
        known = {name: facts_of(name, FRR, text) for name, text in after.items()}
        assert way(programme, "counter-1", "water-app", known).devices == devices


def test_the_path_of_the_command_tells_both_ways(zhenghe: Shell, district: District) -> None:
    done = zhenghe("net", "path", "counter-1", "water-app", "--in", str(district.folder))
    assert done.returncode == 0
    assert "water-hub → water-ce  line water-leased" in done.stdout
    assert "pe2 → pe1  backbone of domain administrative" in done.stdout
    told = json.loads(zhenghe("net", "path", "counter-1", "water-app", "--in", str(district.folder), "--json").stdout)
    assert told["after"]["arrives"]
    assert len(told["fetched"]) == 11


def test_a_backup_is_sealed_kept_once_and_never_in_a_git_tree(tmp_path: Path) -> None:
    full = Full(CE, "frr", "hostname x\n password secret\n", "hostname x\n")
    backups = Backups(tmp_path / "backups", tmp_path / "keys" / "backups")
    first = backups.seal(full, datetime(2026, 1, 1, tzinfo=UTC))
    assert first.new
    assert backups.read(first.running) == full.running
    files = [path for path in (tmp_path / "backups").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert not [path for path in files if b"secret" in path.read_bytes() or stat.S_IMODE(path.stat().st_mode) != 0o600]
    assert backups.seal(full, datetime(2026, 1, 2, tzinfo=UTC)) == first.model_copy(update={"new": False})
    assert backups.seal(Full(CE, "frr", "hostname y\n", ""), datetime(2026, 1, 3, tzinfo=UTC)).new
    assert len(backups.names()) == 2
    assert backups.read("../keys/backups") is None
    subprocess.run(("git", "init", "-q", str(tmp_path)), check=True)
    with pytest.raises(BackupRefused, match="git tree"):
        Backups(tmp_path / "backups", tmp_path / "keys" / "backups")
