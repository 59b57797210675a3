"""Real routers' configurations are fetched, kept, compared and followed; what a test sets on a device it takes away."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.worlds import World
from inventory.checks.checking import check
from migrations.cli.fetched import back_up, fetch_devices, show_backup, show_drift
from migrations.cli.ways import show_ways
from tests.conftest import YUNHE, RunOn

pytestmark = pytest.mark.real

CE = "water-ce"
HAND = (
    "ip route 10.81.8.0/24 10.252.11.2",
    "router bgp 65211",
    "neighbor 10.252.11.2 password Hu22ter!x",
)
BACK = ("no ip route 10.81.8.0/24 10.252.11.2", "router bgp 65211", "no neighbor 10.252.11.2 password")


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
    assert "neighbor 10.252.11.2 password Hu22ter!x" in capsys.readouterr().out
    sealed = [path for path in (tmp_path / "state").rglob("*.conf") if path.is_file()]
    assert len(sealed) == 2
    assert not [path for path in sealed if b"Hu22ter" in path.read_bytes()]


def test_the_way_that_devices_say_is_the_computed_one(desk: Desk) -> None:
    status, said = desk.told(show_ways, desk.folder, "counter-1", "water-app", desk.world)
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
