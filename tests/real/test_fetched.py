"""Real routers' configurations are fetched, kept, compared and followed; what a test sets on a device it takes away."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.twin.configured import boots
from infra.worlds import World
from inventory.checks.checking import check
from inventory.configured.folder import read_fetched
from migrations.cli.fetched import back_up, fetch_devices, show_backup, show_drift
from migrations.cli.net_path import show_ways
from netcfg.errors import CheckFailed
from netcfg.fetched.fetching import Full, fetch
from netcfg.fetched.hiding import Hiding
from netcfg.fetched.keeping import keep
from netcfg.fetched.language import load_language
from netcfg.intent import LineStage
from netcfg.sessions import Sessions
from netcfg.transaction import Extranet
from tests.conftest import YUNHE, RunOn
from tests.real.routers import BIRD, HUB, SCHOOL, Routers

pytestmark = pytest.mark.real

CE = "water-ce"
# A password of the telnet port that nobody opens: one of a neighbour would end its session.
HAND = ("ip route 10.81.8.0/24 10.252.11.2", "password Hu22ter!x")
BACK = ("no ip route 10.81.8.0/24 10.252.11.2", "no password")


class Desk:
    """An inventory of one's own, and the commands of the network team upon it."""

    def __init__(self, folder: Path, world: Path, capsys: "pytest.CaptureFixture[str]") -> None:
        self.folder, self.world, self._capsys = folder, world, capsys

    def told(self, act: Callable[..., int], *words: Any) -> tuple[int, dict[str, Any]]:
        self._capsys.readouterr()
        status = act(*words, as_json=True)
        return status, json.loads(self._capsys.readouterr().out)

    def findings(self) -> tuple[str, ...]:
        return tuple(f"{f.field}: {f.reason}" for f in check(self.folder).findings if f.rule == "configured")


@pytest.fixture
def desk(twin: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]") -> Desk:
    monkeypatch.setenv("LANGUAGE", "en")
    world = twin.ssh_config.parent / "world.json"
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path / "state"))
    return Desk(Path(shutil.copytree(YUNHE, tmp_path / "yunhe")), world, capsys)


@pytest.fixture
def by_hand(on: RunOn) -> Iterator[Callable[[], None]]:
    """Somebody configures and saves something on a device."""

    def typed(lines: tuple[str, ...]) -> None:
        words = " ".join(f"-c '{line}'" for line in ("configure terminal", *lines, "end", "write memory"))
        on(f"{CE}-shell", f"vtysh {words}")

    yield lambda: typed(HAND)
    typed(BACK)


def test_what_devices_have_is_fetched_kept_held_against_the_inventory_and_sealed(
    desk: Desk, by_hand: Callable[[], None], tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    status, said = desk.told(fetch_devices, desk.folder, desk.world, [])
    assert status == 0
    assert {each["became"] for each in said["devices"]} == {"new"}
    assert len(said["devices"]) == 11
    assert desk.findings() == ()
    assert desk.told(show_drift, desk.folder, desk.world, [])[0] == 0

    by_hand()
    status, said = desk.told(show_drift, desk.folder, desk.world, [CE, "exit"])
    assert status == 1
    drifted = {each["device"]: each for each in said["devices"]}
    assert drifted["exit"]["became"] == "same"
    assert drifted[CE]["effect"] == "sends 10.81.8.0/24 by way of 10.252.11.2."
    assert "+ip route 10.81.8.0/24 10.252.11.2" in drifted[CE]["lines"]
    assert "Hu22ter" not in json.dumps(said)

    assert desk.told(fetch_devices, desk.folder, desk.world, [CE])[1]["devices"][0]["became"] == "changed"
    assert [each for each in desk.findings() if "10.81.8.0/24 over line water-leased" in each]
    kept = {path: path.read_bytes() for path in (desk.folder / "fetched").iterdir()}
    assert not [path for path, content in kept.items() if b"Hu22ter" in content]
    # Fetched again nothing differs, not even by a byte.
    assert desk.told(fetch_devices, desk.folder, desk.world, [])[0] == 0
    assert {path: path.read_bytes() for path in (desk.folder / "fetched").iterdir()} == kept

    status, said = desk.told(back_up, desk.folder, desk.world, [CE])
    assert show_backup(desk.world, said["devices"][0]["backup"]) == 0
    assert "password Hu22ter!x" in capsys.readouterr().out
    sealed = [path for path in (tmp_path / "state").rglob("*.conf") if path.is_file()]
    assert len(sealed) == 2
    assert not [path for path in sealed if b"Hu22ter" in path.read_bytes()]


def test_the_way_that_devices_say_is_the_computed_one(desk: Desk) -> None:
    status, said = desk.told(show_ways, desk.folder, "counter-1", "water-app", desk.world)
    assert said["now"]["reason"] == ""
    assert status == 0
    assert [hop["to"] for hop in said["now"]["hops"]] == [hop["to"] for hop in said["before"]["hops"]] == [CE]
    status, said = desk.told(show_ways, desk.folder, "counter-1", "10.50.1.53", desk.world)
    assert [hop["to"] for hop in said["now"]["hops"]] == [hop["to"] for hop in said["before"]["hops"]] == ["pe2", "pe1"]


def test_a_device_that_does_not_answer_is_not_known_and_what_is_kept_of_it_stays(desk: Desk) -> None:
    desk.told(fetch_devices, desk.folder, desk.world, ["exit"])
    kept = (desk.folder / "fetched" / "exit.running.conf").read_text()
    wrong = desk.world.parent / "wrong.json"
    config = desk.folder.parent / "ssh_config"
    config.write_text(desk.world.with_name("ssh_config").read_text().replace("exit.ssh", "water-hub.ssh"))
    wrong = desk.folder.parent / "world.json"
    wrong.write_text(json.dumps({**json.loads(desk.world.read_text()), "ssh_config": str(config)}))
    status, said = desk.told(fetch_devices, desk.folder, wrong, ["exit", "water-hub"])
    assert status == 1
    assert [each["became"] for each in said["devices"]] == ["not known", "new"]
    assert "shows host key" in said["devices"][0]["reason"]
    assert (desk.folder / "fetched" / "exit.running.conf").read_text() == kept


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Routers]:
    (tmp_path / "routers").mkdir()
    routers = Routers(tmp_path / "routers")
    try:
        routers.up()
        yield routers
    finally:
        routers.down()


PARTNERS = """ip prefix-list PARTNERS seq 5 permit 10.60.0.0/16
route-map EXTRANET-IN permit 20
 match ip address prefix-list PARTNERS
exit
!
route-map OWN-OUT permit 10"""
NEAR, FAR_END = " neighbor 10.252.11.2 remote-as 65281\n", " neighbor 10.252.11.1 remote-as 65211\n"
PUPILS = " neighbor 10.252.13.2 remote-as 65282\n"
# Nobody but root may write there, so BIRD would not start with it in a twin.
BIRD_LOG = "log stderr all;"
BIRD_OTHER = 'log stderr all;\nmrtdump "/run/bird/dump";\nprotocol static his { ipv4; route 10.99.0.0/16 unreachable; }'
ODD = (
    ("interface acc-", "ip route 10.81.8.0/24 10.252.11.2\ninterface acc-"),
    ("interface acc-", "interface eth7\n ip address 10.77.0.1/24\nexit\n!\ninterface acc-"),
    ("route-map EXTRANET-IN permit 10\n", "route-map EXTRANET-IN permit 10\n set local-preference 150\n"),
    ("route-map OWN-OUT permit 10", PARTNERS),
    (NEAR, f"{NEAR} neighbor 10.252.11.2 password Hu22ter!x\n"),
)


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


def test_routers_that_boot_from_what_is_really_configured_show_what_a_move_would_cut(
    laboratory: Routers, tmp_path: Path
) -> None:
    laboratory.rewrite(CE, *ODD)
    laboratory.rewrite(HUB, (FAR_END, f"{FAR_END} neighbor 10.252.11.1 password Hu22ter!x\n"))
    laboratory.rewrite(BIRD, ("\thold time 9;", '\thold time 9;\n\tpassword "Hu22ter!x";'), (BIRD_LOG, BIRD_OTHER))
    laboratory.rewrite(SCHOOL, (PUPILS, f"{PUPILS} neighbor 10.252.13.2 password Hu22ter!x\n"))
    devices = laboratory.programme.network.devices
    found = fetch(Sessions(laboratory.world.ssh_config), devices, quiet)
    for full in found:
        assert isinstance(full, Full)
        assert full.saved, full.device
        language = load_language(full.platform)
        assert language is not None
        keep(tmp_path, full, language, Hiding(b"key"))
    kept = read_fetched(tmp_path).kept
    assert "Hu22ter" not in "".join(each.text for each in kept.values())
    # The same routers are the twin now: they boot from what was kept, with secrets of the twin.
    real = {device: boot for device, boot in boots(laboratory.programme, kept).items() if boot.real}
    assert set(real) == {device.name for device in devices}
    for device, boot in real.items():
        laboratory.configuration(device).write_text(boot.configuration)
        laboratory.restart(device)
    laboratory.settle()
    extranet = Extranet(laboratory.world, tmp_path / "moves", within=8)
    assert extranet.change(laboratory.step("water-leased", LineStage.ATTACH), quiet).state == "done"
    running = laboratory.running(CE)
    assert "route-map EXTRANET-IN permit 20\n match ip address prefix-list PARTNERS" in running
    assert " call EXTRANET-IN" in running
    with pytest.raises(CheckFailed, match=r"10\.81\.8\.0/24"):
        extranet.change(laboratory.step("water-leased", LineStage.SHIFT), quiet)
    for stage in (LineStage.ATTACH, LineStage.SHIFT):
        assert extranet.change(laboratory.step("school-leased", stage), quiet).state == "done"
    assert "10.99.0.0/16" in laboratory.enter(BIRD, "birdc", "show", "route")
