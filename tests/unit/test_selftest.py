"""`zhenghe net selftest` on doubles: it changes nothing, or one thing that goes again."""


from typing import cast

import pytest

from inventory.model import Device, Programme
from netcfg.doubles.device import Double, typed_by
from netcfg.errors import CheckFailed, CommandRejected, DeviceUnsaved, WrongDevice
from netcfg.selftest import look_at, try_change
from netcfg.sessions import Sessions
from tests.unit.vendors import CE, Kind, Wired, kinds, played_by


def quiet(_sentence: str) -> None:
    """Say nothing."""


@pytest.fixture(params=["vrp8", "ios"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return kinds()[request.param]


@pytest.fixture
def devices(kind: Kind, programme: Programme) -> dict[str, Double]:
    return kind.pair(programme)


@pytest.fixture
def sessions(devices: dict[str, Double]) -> Sessions:
    return cast("Sessions", Wired(devices))


@pytest.fixture
def device(kind: Kind, programme: Programme) -> Device:
    network = played_by(programme, kind.platform).network
    return next(each for each in network.devices if each.name == CE)


def test_a_look_changes_nothing(kind: Kind, devices: dict[str, Double], sessions: Sessions, device: Device) -> None:
    told: list[str] = []
    look_at(sessions, device, told.append)
    assert all(kind.looks(line) for _, line in devices[CE].typed)
    assert "its command line is understood" in told[0]
    assert len(told) == 1


def test_a_harmless_change_is_seen_and_goes(
    kind: Kind, devices: dict[str, Double], sessions: Sessions, device: Device
) -> None:
    told: list[str] = []
    found = kind.lines(devices[CE])
    try_change(sessions, device, 60.0, told.append)
    assert kind.lines(devices[CE]) == found
    assert [sentence.partition(": ")[2] for sentence in told[-2:]] == [
        "the harmless change is in force, seen by a new session",
        "has its earlier configuration again",
    ]
    assert any("ZH-SELFTEST" in line for _, line in devices[CE].typed)


def test_a_device_that_does_not_take_it_is_told(
    kind: Kind, devices: dict[str, Double], sessions: Sessions, device: Device
) -> None:
    found = kind.lines(devices[CE])
    devices[CE].refuses = lambda line: kind.refusal if "ZH-SELFTEST" in line else None
    with pytest.raises(CommandRejected, match="ZH-SELFTEST"):
        try_change(sessions, device, 60.0, quiet)
    assert kind.lines(devices[CE]) == found


def test_a_device_that_says_yes_and_does_nothing_is_told(
    kind: Kind, devices: dict[str, Double], sessions: Sessions, device: Device
) -> None:
    devices[CE].refuses = lambda line: "" if "ZH-SELFTEST" in line else None
    with pytest.raises((CheckFailed, CommandRejected)):
        try_change(sessions, device, 60.0, quiet)


def test_another_device_is_told(devices: dict[str, Double], sessions: Sessions, device: Device) -> None:
    devices[CE].name = "another"
    with pytest.raises(WrongDevice):
        look_at(sessions, device, quiet)


def test_what_is_unsaved_is_told_and_not_touched(
    kind: Kind, devices: dict[str, Double], sessions: Sessions, device: Device
) -> None:
    typed_by(devices[CE], "colleague", *kind.colleague)
    told: list[str] = []
    look_at(sessions, device, told.append)
    assert "by a colleague" in told[1]
    with pytest.raises(DeviceUnsaved):
        try_change(sessions, device, 60.0, told.append)
    assert kind.has(devices[CE], "by a colleague")
