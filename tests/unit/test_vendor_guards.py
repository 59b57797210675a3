"""A guarded change on doubles of vendors' devices: what they take, and what becomes of it whatever happens."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from inventory.model import Programme
from netcfg import attempts
from netcfg.doubles.device import Double, Dropped, Silent, typed_by
from netcfg.errors import (
    CommandRejected,
    DeviceBusy,
    DeviceUnreachable,
    DeviceUnsaved,
    ExtranetError,
    NotConfirmed,
    NotHeld,
    NotSaved,
    WrongDevice,
)
from netcfg.intent import LineStage
from netcfg.transaction import Extranet
from tests.sampling import sampled
from tests.unit.vendors import CE, HUB, Kind, extranet, kinds, steps

STAGES = tuple(LineStage)
Arguments = dict[str, Any]


@dataclass
class Bench:
    """Two doubles with a line between them."""

    kind: Kind
    devices: dict[str, Double]
    stages: dict[LineStage, Arguments]
    home: Path
    told: list[str]
    goal: dict[str, tuple[set[Any], set[Any]]] = field(default_factory=dict)

    @property
    def extranet(self) -> Extranet:
        return extranet(self.devices, self.home)

    def change(self, stage: LineStage = LineStage.ATTACH, forward: bool = True) -> str:
        return self.extranet.change(self.stages[stage], self.told.append, forward=forward).state

    def lines(self) -> dict[str, tuple[set[Any], set[Any]]]:
        return {name: self.kind.lines(device) for name, device in self.devices.items()}

    def new(self, name: str) -> set[Any]:
        """Return the lines that a device has when the line is attached."""
        return self.goal[name][0]

    def elapse(self) -> None:
        for device in self.devices.values():
            device.elapse(self.kind.timer + 1)

    def everywhere(self, hook: Callable[[Double, str, str], None], *, after: bool = False) -> None:
        for device in self.devices.values():
            setattr(device, "after" if after else "before", lambda user, line, device=device: hook(device, user, line))

    def calm(self) -> None:
        for device in self.devices.values():
            device.before = device.after = lambda _user, _line: None
            device.away = False


@pytest.fixture(params=["vrp8", "ios"])
def bench(request: pytest.FixtureRequest, programme: Programme, tmp_path: Path) -> Bench:
    return made(request.param, programme, tmp_path)


def made(platform: str, programme: Programme, home: Path) -> Bench:
    kind = kinds()[platform]
    stages = dict(zip(STAGES, steps(programme, platform), strict=True))
    return Bench(kind, kind.pair(programme), stages, home / "kept", [])


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(attempts, "_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(attempts, "_TIMERS", 0.0)
    monkeypatch.setattr(attempts, "_AGAIN_SECONDS", 0.02)
    return iter(())


def test_a_line_goes_through_all_stages_and_comes_back_as_it_was(bench: Bench) -> None:
    found = bench.lines()
    for stage in STAGES:
        assert bench.change(stage) == "done"
        assert bench.change(stage) == "done"
    for stage in reversed(STAGES):
        assert bench.change(stage, forward=False) == "not-done"
    assert bench.lines() == found


def test_the_operators_policy_stands_behind_ours_and_comes_back(bench: Bench) -> None:
    bench.change()
    (ours, *_), kept = bench.kind.policies(bench.devices[CE])
    assert ours == "ZH-ADMINISTRATIVE-IN"
    assert set(bench.kind.copied) <= kept
    bench.change(forward=False)
    assert bench.kind.policies(bench.devices[CE])[0] == ("EXTRANET-IN",)


def test_a_rejected_line_in_the_middle_leaves_nothing_behind(bench: Bench) -> None:
    found = bench.lines()
    bench.devices[CE].refuses = lambda line: bench.kind.refusal if bench.kind.middle in line else None
    with pytest.raises(CommandRejected, match=bench.kind.middle):
        bench.change()
    assert bench.lines() == found
    assert not any(device.sessions for device in bench.devices.values())
    bench.devices[CE].refuses = lambda _line: None
    assert bench.change() == "done"


def test_another_device_behind_the_name_is_not_touched(bench: Bench) -> None:
    bench.devices[HUB].name = "another"
    with pytest.raises(WrongDevice, match="another"):
        bench.change()
    assert all(bench.kind.looks(line) for device in bench.devices.values() for _, line in device.typed)


def test_a_silent_device_is_given_up_and_the_other_one_gets_back_what_it_had(bench: Bench) -> None:
    found = bench.lines()

    def hang(_user: str, line: str) -> None:
        if bench.kind.middle in line:
            raise Silent

    bench.devices[CE].before = hang
    with pytest.raises(DeviceUnreachable):
        bench.change()
    bench.calm()
    bench.devices[CE].hang_up()
    bench.elapse()
    assert bench.lines() == found


def test_a_timer_that_fires_during_the_confirm_is_told_and_the_next_call_finishes(bench: Bench) -> None:
    found = bench.lines()

    def late(_user: str, line: str) -> None:
        if line.startswith(bench.kind.confirms):
            bench.devices[CE].elapse(bench.kind.timer + 1)

    bench.devices[CE].before = late
    with pytest.raises(NotConfirmed, match=CE) as caught:
        bench.change()
    assert f"{CE}: has its earlier configuration again" in caught.value.outcomes
    assert f"{HUB}: keeps the change, confirmed but not saved; the step done again saves it" in caught.value.outcomes
    assert bench.lines()[CE] == found[CE]
    bench.calm()
    assert bench.change() == "done"


def test_what_others_have_not_saved_is_neither_saved_nor_lost(bench: Bench) -> None:
    typed_by(bench.devices[CE], "colleague", *bench.kind.colleague)
    with pytest.raises(DeviceUnsaved, match="colleague"):
        bench.change()
    assert bench.kind.has(bench.devices[CE], "by a colleague")


def test_a_colleague_who_configures_between_look_and_hold_keeps_what_he_did(bench: Bench) -> None:
    came: list[str] = []

    def between(_user: str, line: str) -> None:
        if line.startswith(bench.kind.holds) and not came:
            came.append(line)
            typed_by(bench.devices[CE], "colleague", *bench.kind.colleague, *bench.kind.saves)

    bench.devices[CE].before = between
    assert bench.change() == "done"
    assert bench.kind.has(bench.devices[CE], "by a colleague")


def test_a_device_that_somebody_else_changes_on_trial_is_waited_for_and_told(bench: Bench) -> None:
    session = bench.devices[CE].open("colleague")
    for line in bench.kind.trial:
        session.feed(f"{line}\n".encode())
    with pytest.raises(DeviceBusy, match=CE):
        bench.change()
    assert all(bench.kind.looks(line) for user, line in bench.devices[HUB].typed if user == "zhenghe")
    session.close()
    bench.elapse()
    assert bench.change() == "done"


def test_nobody_configures_vrp_while_our_change_is_on_trial(programme: Programme, tmp_path: Path) -> None:
    bench = made("vrp8", programme, tmp_path)
    answers: list[str] = []

    def meanwhile(_user: str, line: str) -> None:
        if line.startswith(bench.kind.confirms):
            answers.append(typed_by(bench.devices[CE], "colleague", *bench.kind.colleague[:-1]))

    bench.devices[CE].before = meanwhile
    assert bench.change() == "done"
    assert "Error: The system is in trial configuration mode" in answers[0]
    assert not bench.kind.has(bench.devices[CE], "by a colleague")


@pytest.mark.parametrize("killed", [False, True], ids=["alive", "killed"])
def test_what_a_colleague_does_while_a_timer_runs_stays_when_our_change_goes(
    programme: Programme, tmp_path: Path, killed: bool
) -> None:
    """IOS would go back to the whole of what it had; so only our lines are taken back, and the timer is stopped."""
    bench = made("ios", programme, tmp_path)
    device, found = bench.devices[CE], bench.lines()
    came: list[str] = []

    def meanwhile(user: str, line: str) -> None:
        if user == "zhenghe" and line == "end" and bench.kind.has(device, bench.kind.middle) and not came:
            came.append(line)
            typed_by(device, "colleague", *bench.kind.colleague)
            if killed:
                befall(bench, "killed", device)

    device.before = meanwhile
    with pytest.raises(DeviceUnreachable if killed else DeviceUnsaved):
        bench.change()
    bench.calm()
    if killed:
        with pytest.raises(DeviceUnsaved, match="colleague"):
            bench.change()
        assert any("description by a colleague" in sentence for sentence in bench.told)
    assert bench.kind.has(device, "by a colleague")
    typed_by(device, "colleague", "configure terminal", "interface lan", "description lan:water-room", "end")
    assert bench.lines() == found
    assert device.timer is None  # type: ignore[attr-defined]


def test_a_device_without_an_archive_cannot_be_held(programme: Programme, tmp_path: Path) -> None:
    bench = made("ios", programme, tmp_path)
    typed_by(bench.devices[CE], "colleague", "configure terminal", "no archive", "end", "write memory")
    with pytest.raises(NotHeld, match="archive"):
        bench.change()


def test_a_full_disk_is_seen_before_anything_is_typed(bench: Bench) -> None:
    bench.devices[HUB].full = True
    with pytest.raises(NotHeld, match="disk"):
        bench.change()
    assert all(bench.kind.looks(line) for device in bench.devices.values() for _, line in device.typed)


def test_a_disk_that_fills_up_meanwhile_leaves_the_change_to_be_saved_by_the_next_call(bench: Bench) -> None:
    def fill(_user: str, line: str) -> None:
        if line == bench.kind.saves[0]:
            bench.devices[HUB].full = True

    bench.devices[HUB].before = fill
    with pytest.raises(NotSaved, match=HUB):
        bench.change()
    bench.calm()
    bench.devices[HUB].full = False
    assert bench.change() == "done"


def test_a_device_without_a_free_line_is_told_and_the_other_one_let_go(bench: Bench) -> None:
    others = [bench.devices[CE].open("colleague") for _ in range(bench.devices[CE].vtys)]
    with pytest.raises(DeviceUnreachable, match="interfaces"):
        bench.change()
    others[0].close()
    assert bench.change() == "done"


def points(bench: Bench) -> list[tuple[str, int]]:
    """Return every line of a change, of each device in its own count."""
    bench.change()
    return [(name, n) for name, device in bench.devices.items() for n in range(len(device.typed))]


class At:
    """Does something at the n-th line that we type on a device, once."""

    def __init__(self, bench: Bench, name: str, number: int, act: Callable[[Double], None]) -> None:
        self.left, self.name, self.act = number, name, act
        bench.calm()

    def __call__(self, device: Double, user: str, _line: str) -> None:
        if device.name == self.name and user == "zhenghe":
            self.left -= 1
            if self.left == -1:
                self.act(device)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", ["dropped", "killed", "killed-and-late", "rebooted"])
@pytest.mark.parametrize("platform", ["vrp8", "ios"])
def test_whatever_happens_at_a_line_all_is_old_or_new_and_the_next_call_finishes(
    programme: Programme, tmp_path: Path, platform: str, fault: str, after: bool
) -> None:
    first = made(platform, programme, tmp_path / "first")
    for number, (name, line) in enumerate(sampled(points(first), 0.02)):
        bench = made(platform, programme, tmp_path / str(number))
        bench.goal = first.lines()
        old = bench.lines()
        bench.everywhere(At(bench, name, line, partial(befall, bench, fault)), after=after)
        state = ""
        with suppress(ExtranetError):
            state = bench.change()
        bench.calm()
        if fault == "killed-and-late":
            bench.elapse()
        for device, (running, _saved) in bench.lines().items():
            if fault != "killed":
                assert running in (old[device][0], bench.new(device)), (name, line, device)
        assert finished(bench) == "done", (name, line, state)
        for device, (running, saved) in bench.lines().items():
            assert running == saved == bench.new(device), (name, line, device)


def finished(bench: Bench) -> str:
    """Call once more; a timer that was left on IOS without a name has to run out before."""
    try:
        return bench.change()
    except DeviceBusy:
        assert bench.kind.platform == "ios"
        bench.elapse()
        return bench.change()


def befall(bench: Bench, fault: str, device: Double) -> None:
    if fault == "dropped":
        raise Dropped
    if fault == "rebooted":
        bench.kind.reboot(device)
        raise Dropped
    # Who is killed says nothing more to anybody.
    for each in bench.devices.values():
        each.away = True
        each.hang_up()
    raise Dropped
