"""A line with FRR at one end and BIRD at the other moves and comes back, and no user loses a packet."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from netcfg.errors import CheckFailed, CommandRejected, DeviceUnsaved, ExtranetError
from netcfg.intent import LineStage
from netcfg.transaction import Extranet
from netcfg.visits import Visit
from tests.real.routers import BIRD, FAR_PUPIL, SCHOOL, Routers

pytestmark = pytest.mark.real

LINE = "school-leased"
HIS = 'protocol static his { ipv4; route 10.99.0.0/16 unreachable; }\n'


@pytest.fixture
def routers(laboratory: Routers) -> Iterator[Routers]:
    """The laboratory, and both routers as surveyed afterwards."""
    before = {device: laboratory.running(device) for device in (SCHOOL, BIRD)}
    yield laboratory
    for device, text in before.items():
        if laboratory.running(device) != text:
            laboratory.put_back(device, text)
    laboratory.settle()


@pytest.fixture
def extranet(routers: Routers, tmp_path: Path) -> Extranet:
    return Extranet(routers.world, tmp_path / "kept", within=8)


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


def received(users: "object") -> str:
    users.send_signal(signal.SIGINT)  # type: ignore[attr-defined]
    return str(users.communicate()[0])  # type: ignore[attr-defined]


def in_force(routers: Routers) -> bool:
    """Whether BIRD knows a function of ours."""
    return "zh_ADMINISTRATIVE_in" in routers.enter(BIRD, "birdc", "show", "symbols", "function")


def test_it_moves_through_all_stages_and_back_without_a_lost_packet(routers: Routers, extranet: Extranet) -> None:
    before = {device: routers.running(device) for device in (SCHOOL, BIRD)}
    users = routers.ping(SCHOOL, FAR_PUPIL, "-i", "0.01")
    for stage in LineStage:
        assert extranet.change(routers.step(LINE, stage), quiet).state == "done", stage
    assert "10.252.13.1" not in routers.startup(BIRD)
    # What was saved is what a power cut would bring back.
    assert in_force(routers)
    for stage in reversed(LineStage):
        assert extranet.change(routers.step(LINE, stage), quiet, forward=False).state == "not-done", stage
    assert " 0% packet loss" in received(users)
    assert routers.running(SCHOOL) == before[SCHOOL]
    assert "ZH_" not in routers.startup(BIRD)
    assert sorted(routers.startup(BIRD).split()) == sorted(before[BIRD].split())


def test_a_change_that_nobody_confirms_returns_by_itself_at_both_ends(
    routers: Routers, extranet: Extranet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert extranet.change(routers.step(LINE, LineStage.ATTACH), quiet).state == "done"
    before = {device: routers.running(device) for device in (SCHOOL, BIRD)}
    shift = routers.step(LINE, LineStage.SHIFT) | {"checks": []}
    users = routers.ping(SCHOOL, FAR_PUPIL, "-i", "0.01")

    def lost(_self: object, *_arguments: object) -> None:
        raise ExtranetError("connection reset by peer")

    with monkeypatch.context() as dying:
        dying.setattr("netcfg.attempts.Attempt.confirm", lost)
        dying.setattr("netcfg.attempts.Attempt.take_back", lambda _self, _sessions: ())
        with pytest.raises(ExtranetError, match="reset by peer"):
            Extranet(routers.world, tmp_path / "dead", timer=6).change(shift, quiet)
    # Only what is in force moves packets; the file to start with has never changed.
    assert "200" in routers.enter(BIRD, "birdc", "show", "route", "10.12.0.0/24", "all")
    routers.until(lambda: "local_pref: 200" not in routers.enter(BIRD, "birdc", "show", "route", "all"))
    routers.until(lambda: routers.running(SCHOOL) == before[SCHOOL])
    assert routers.startup(BIRD) == before[BIRD]
    assert extranet.change(shift, quiet).state == "done"
    assert extranet.change(shift, quiet, forward=False).state == "not-done"
    assert " 0% packet loss" in received(users)
    assert extranet.change(routers.step(LINE, LineStage.ATTACH), quiet, forward=False).state == "not-done"


@pytest.mark.parametrize("what", ["loads", "edits", "dies", "garbage"])
def test_what_happens_to_bird_in_between_is_told_and_nothing_of_it_is_lost(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    attach = routers.step(LINE, LineStage.ATTACH) | {"checks": []}
    before, push, file = routers.startup(BIRD), Visit.push, routers.configuration(BIRD)
    if what == "garbage":
        for change in attach["devices"]:
            if change["device"] == BIRD:
                change["after"].append("define nonsense = = 1;")

    def pushed(self: Visit, way: object) -> None:
        push(self, way)  # type: ignore[arg-type]
        if self.device == BIRD and what != "garbage":
            happen(routers, what)

    expected = {
        "loads": (CheckFailed, "school-hub: “.*” is missing.*meanwhile changed by others, and left so: .*his"),
        "edits": (DeviceUnsaved, "school-hub runs with what it would not start with.*10.99.0.0/16"),
        "dies": (CheckFailed, "school-hub: “.*” is missing.*school-hub: has its earlier configuration again"),
        "garbage": (CommandRejected, "school-hub did not take.*syntax error.*has its earlier configuration again"),
    }
    error, words = expected[what]
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Visit, "push", pushed)
        with pytest.raises(error, match=words):
            extranet.change(attach, quiet)
    assert not in_force(routers)
    assert "ZH-" not in routers.running(SCHOOL)
    assert routers.startup(BIRD) == (before + HIS if what in {"loads", "edits"} else before)
    assert ("10.99.0.0/16" in routers.enter(BIRD, "birdc", "show", "route")) == (what == "loads")
    if what in {"loads", "edits"}:
        with file.open("w") as mended:
            mended.write(before)
        routers.enter(BIRD, "birdc", "configure")
    if what == "dies":
        assert extranet.change(routers.step(LINE, LineStage.ATTACH), quiet).state == "done"
        assert extranet.change(routers.step(LINE, LineStage.ATTACH), quiet, forward=False).state == "not-done"


def happen(routers: Routers, what: str) -> None:
    """Something that is not of our doing."""
    if what == "dies":
        routers.enter(BIRD, "pkill", "-9", "-x", "bird")
        routers.enter(BIRD, "sh", "-c", "bird -u bird -g bird > /dev/null 2>&1")
        routers.settle()
        return
    with routers.configuration(BIRD).open("a") as file:
        file.write(HIS)
    if what == "loads":
        routers.enter(BIRD, "birdc", "configure")


def test_what_the_system_below_bird_sends_over_the_line_is_named_before_it_would_be_cut(
    routers: Routers, extranet: Extranet, tmp_path: Path
) -> None:
    assert extranet.change(routers.step(LINE, LineStage.ATTACH), quiet).state == "done"
    # BIRD shows nothing of it.
    route = ("10.99.0.0/16", "via", "10.252.13.1")
    routers.enter(BIRD, "ip", "route", "add", *route)
    with pytest.raises(CheckFailed, match=r"school-hub: the line carries.*10\.99\.0\.0/16 \(boot\)"):
        Extranet(routers.world, tmp_path / "kept", within=0.1).change(routers.step(LINE, LineStage.SHIFT), quiet)
    routers.enter(BIRD, "ip", "route", "del", *route)
    assert extranet.change(routers.step(LINE, LineStage.ATTACH), quiet, forward=False).state == "not-done"
