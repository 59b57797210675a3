"""What returns is our own difference and nothing else, whatever happens to routers, sessions and others meanwhile."""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from netcfg.attempts import Attempt
from netcfg.command_line import CommandLine
from netcfg.errors import (
    CheckFailed,
    CommandRejected,
    DeviceIncomplete,
    DeviceUnreachable,
    DeviceUnsaved,
    ExtranetError,
    LeftBehind,
    NotConfirmed,
    NotHeld,
    NotSaved,
    TooLate,
)
from netcfg.guards import Outcome, Ticket, Way
from netcfg.guards.keeping import KeptGuard
from netcfg.guards.lines import Ours
from netcfg.guards.texts import text_of
from netcfg.intent import LineStage
from netcfg.platforms import load_platform
from netcfg.sessions import Sessions
from netcfg.transaction import Extranet
from netcfg.visits import Visit
from tests.real.routers import CE, EDGE, FAR, FAR_USER, HUB, Arguments, Routers

pytestmark = pytest.mark.real

LINE = "water-leased"
FOREIGN = ("ip route 10.99.0.0/16 10.254.11.1", "ip prefix-list BY-HAND seq 5 permit 10.99.0.0/16")
NOTHING = Ours(frozenset(), frozenset(), ())


@pytest.fixture
def routers(laboratory: Routers) -> Iterator[Routers]:
    """The laboratory as surveyed, and so again afterwards."""
    before = {device: laboratory.running(device) for device in (CE, HUB, EDGE)}
    yield laboratory
    for device, text in before.items():
        if laboratory.running(device) != text or "10.99" in laboratory.startup(device):
            laboratory.put_back(device, text)
    laboratory.settle()


@pytest.fixture
def extranet(routers: Routers, tmp_path: Path) -> Extranet:
    return Extranet(routers.world, tmp_path / "kept", within=8)


@pytest.fixture
def hasty(routers: Routers, tmp_path: Path) -> Extranet:
    return Extranet(routers.world, tmp_path / "kept", within=0.1)


def quiet(_line: str) -> None:
    """Progress that nobody reads."""


def failing(arguments: Arguments, when: str = "after") -> Arguments:
    """The same step with a check that is never met."""
    return arguments | {"checks": [{"when": when, "device": CE, "kind": "neighbour-up", "addresses": ["10.9.9.9"]}]}


def unchecked(arguments: Arguments) -> Arguments:
    return arguments | {"checks": []}


def others_at(monkeypatch: pytest.MonkeyPatch, routers: Routers, *, save: bool) -> None:
    """Somebody else configures on the department's router right after our push."""
    push = Visit.push

    def pushed(self: Visit, way: Way) -> None:
        push(self, way)
        if self.device == CE:
            routers.typed(CE, *FOREIGN, save=save)

    monkeypatch.setattr(Visit, "push", pushed)


def has_foreign(routers: Routers) -> tuple[int, int]:
    """How many of the lines of others are in force, and how many would be after a restart."""
    return tuple(sum(line in text for line in FOREIGN) for text in (routers.running(CE), routers.startup(CE)))  # type: ignore[return-value]


def has_ours(routers: Routers, device: str = CE) -> tuple[bool, bool]:
    return "ZH-" in routers.running(device), "ZH-" in routers.startup(device)


@pytest.mark.parametrize("fails", [False, True])
def test_a_change_of_others_between_our_push_and_our_comparison_stays(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    attach, told = routers.step(LINE, LineStage.ATTACH), list[str]()
    others_at(monkeypatch, routers, save=True)
    if fails:
        with pytest.raises(CheckFailed, match=r"10\.9\.9\.9.*water-ce: has its earlier configuration again"):
            Extranet(routers.world, routers.folder / "hasty", within=0.1).change(failing(attach), told.append)
        # They saved while our lines were in force; those are gone from what the router starts with, too.
        assert has_ours(routers) == has_ours(routers, HUB) == (False, False)
    else:
        assert extranet.change(attach, told.append).state == "done"
        assert has_ours(routers) == (True, True)
    assert has_foreign(routers) == (2, 2)
    assert any("changed by others" in line and FOREIGN[0] in line for line in told)


def test_what_others_have_not_saved_is_neither_saved_nor_lost(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = routers.step(LINE, LineStage.ATTACH)
    with monkeypatch.context() as meanwhile:
        others_at(meanwhile, routers, save=False)
        with pytest.raises(DeviceUnsaved, match=r"10\.99\.0\.0/16"):
            extranet.change(attach, quiet)
    assert has_foreign(routers) == (2, 0)
    assert has_ours(routers) == has_ours(routers, HUB) == (False, False)
    # And if it is there beforehand nothing begins.
    with pytest.raises(DeviceUnsaved, match=r"10\.99\.0\.0/16"):
        extranet.change(attach, quiet)
    assert has_foreign(routers) == (2, 0)


def test_the_timer_takes_back_our_lines_alone(
    routers: Routers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that nobody can reach any more meets a change of others."""
    attach, before = unchecked(routers.step(LINE, LineStage.ATTACH)), routers.running(HUB)

    def gone(self: KeptGuard, way: Way) -> Outcome:
        raise DeviceUnreachable("water-ce", "gone")

    others_at(monkeypatch, routers, save=True)
    monkeypatch.setattr(KeptGuard, "confirm", gone)
    monkeypatch.setattr(KeptGuard, "take_back", gone)
    with pytest.raises(NotConfirmed, match="unless it was confirmed it returns by itself"):
        Extranet(routers.world, tmp_path, timer=5).change(attach, quiet)
    routers.until(lambda: not has_ours(routers)[0] and routers.running(HUB) == before)
    routers.until(lambda: not has_ours(routers)[1])
    assert has_foreign(routers) == (2, 2)


def test_what_a_power_cut_left_undecided_is_never_loaded(routers: Routers, extranet: Extranet, tmp_path: Path) -> None:
    attach = routers.step(LINE, LineStage.ATTACH)
    held(routers, CE, "water-leased-other-00000000", 600)
    routers.restart(CE)
    routers.typed(CE, *FOREIGN, save=True)
    routers.settle()
    with pytest.raises(LeftBehind, match=r"nothing is in force.*10\.99\.0\.0/16"):
        extranet.change(attach, quiet)
    assert has_foreign(routers) == (2, 2)
    assert extranet.change(attach, quiet).state == "done"
    assert has_foreign(routers) == (2, 2)


def held(routers: Routers, device: str, label: str, seconds: float) -> None:
    """Another change holds a device, and dies."""
    with Sessions(routers.world.ssh_config).shell(device) as shell:
        guard = KeptGuard(device, load_platform("frr"), None, shell, Ticket(label, "other", seconds))
        running = routers.running(device).split("Current configuration:\n")[1]
        assert guard.hold(Way(running, running, NOTHING)) == "held"


def test_a_configuration_that_is_not_shown_whole_is_none_to_go_back_to(routers: Routers, extranet: Extranet) -> None:
    before = routers.startup(CE)
    routers.enter(CE, "pkill", "-9", "bgpd")
    with pytest.raises(DeviceIncomplete, match="bgpd does not answer"):
        extranet.change(routers.step(LINE, LineStage.ATTACH), quiet)
    assert routers.startup(CE) == before
    assert has_ours(routers, HUB) == (False, False)


def test_a_part_that_dies_while_the_device_is_held_is_found_out(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, before = KeptGuard.hold, routers.running(HUB)

    def killed(self: KeptGuard, way: Way) -> Any:
        if self._device == CE:
            routers.enter(CE, "pkill", "-9", "bgpd")
        return hold(self, way)

    monkeypatch.setattr(KeptGuard, "hold", killed)
    with pytest.raises(NotHeld, match=r"water-ce.*bgpd does not answer; nothing was typed there"):
        extranet.change(routers.step(LINE, LineStage.ATTACH), quiet)
    assert routers.running(HUB) == before
    assert "neighbor 10.252.11.2" in routers.startup(CE)


def test_a_full_disk_is_refused(routers: Routers, extranet: Extranet) -> None:
    before = routers.running(CE)
    routers.enter(CE, "mount", "-t", "tmpfs", "-o", "size=16k,mode=777", "tmpfs", "/home/netadm")
    try:
        with pytest.raises(ExtranetError, match=r"water-ce.*[Nn]o space left") as raised:
            extranet.change(routers.step(LINE, LineStage.ATTACH), quiet)
        assert isinstance(raised.value, NotHeld)
    finally:
        routers.enter(CE, "umount", "/home/netadm")
    assert routers.running(CE) == before
    assert has_ours(routers, HUB) == (False, False)


def test_nothing_is_typed_with_less_than_a_third_of_the_time_left(
    routers: Routers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {device: routers.running(device) for device in (CE, HUB)}
    ask, typed = CommandLine._take, list[str]()

    def slow(self: CommandLine, command: str) -> None:
        typed.append(command)
        ask(self, command)
        if len(typed) == 4:
            time.sleep(4.1)

    monkeypatch.setattr(CommandLine, "_take", slow)
    with pytest.raises(TooLate, match=r"water-hub.*water-hub: has its earlier configuration again"):
        Extranet(routers.world, tmp_path, timer=6).change(routers.step(LINE, LineStage.ATTACH), quiet)
    assert len(typed) == 4
    assert {device: routers.running(device) for device in (CE, HUB)} == before


def test_no_timer_runs_while_a_busy_device_is_waited_for(routers: Routers, extranet: Extranet) -> None:
    held(routers, HUB, "another-shift-00000000", 5)
    change = threading.Thread(target=extranet.change, args=(routers.step(LINE, LineStage.ATTACH), quiet))
    change.start()
    waited = 0
    while "another" in (routers.folder / HUB / "home/netadm/zhenghe/holder").read_text():
        assert not (routers.folder / CE / "home/netadm/zhenghe/holder").exists()
        waited += 1
        time.sleep(0.1)
        if not (routers.folder / HUB / "home/netadm/zhenghe/holder").exists():
            break
    change.join()
    assert waited > 10
    assert has_ours(routers) == has_ours(routers, HUB) == (True, True)


def test_who_confirmed_and_who_did_not_is_told_apart(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach, confirm = routers.step(LINE, LineStage.ATTACH), KeptGuard.confirm

    def cut(self: KeptGuard, way: Way) -> Outcome:
        if self._device == CE:
            raise DeviceUnreachable(CE, "connection reset by peer")
        return confirm(self, way)

    with monkeypatch.context() as broken:
        broken.setattr(KeptGuard, "confirm", cut)
        with pytest.raises(NotConfirmed) as raised:
            extranet.change(attach, quiet)
    assert raised.value.devices == (CE,)
    assert "water-hub: keeps the change, confirmed but not saved" in str(raised.value)
    assert "water-ce: has its earlier configuration again" in str(raised.value)
    assert (has_ours(routers), has_ours(routers, HUB)) == ((False, False), (True, False))
    assert extranet.change(attach, quiet).state == "done"
    assert has_ours(routers) == has_ours(routers, HUB) == (True, True)


@pytest.mark.parametrize("in_time", [True, False])
def test_a_device_that_cannot_save_is_told_as_that(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch, in_time: bool
) -> None:
    """Beforehand nothing is typed; where it is seen too late the change is in force, and not for good."""
    attach, confirm = routers.step(LINE, LineStage.ATTACH), Attempt.confirm
    mount = ("mount", "-o", "remount,bind,ro", "/etc/frr")

    def confirmed(self: Attempt, changed: Sequence[Visit]) -> None:
        confirm(self, changed)
        routers.enter(CE, *mount)

    if in_time:
        routers.enter(CE, *mount)
    else:
        monkeypatch.setattr(Attempt, "confirm", confirmed)
    with pytest.raises(ExtranetError, match=r"water-ce.*Read-only") as raised:
        extranet.change(attach, quiet)
    assert isinstance(raised.value, NotHeld if in_time else NotSaved)
    assert "taken back" not in str(raised.value)
    assert (has_ours(routers), has_ours(routers, HUB)) == ((not in_time, False), (not in_time, not in_time))
    routers.enter(CE, "mount", "-o", "remount,bind,rw", "/etc/frr")
    monkeypatch.undo()
    assert extranet.change(attach, quiet).state == "done"
    assert has_ours(routers) == (True, True)


def test_a_device_that_starts_with_other_files_is_refused(routers: Routers, extranet: Extranet) -> None:
    """Each daemon then has a file of its own, or nobody has saved anything yet: what is looked at decides nothing."""
    attach, file = routers.step(LINE, LineStage.ATTACH), routers.configuration(CE)
    settings, away = file.with_name("vtysh.conf"), file.with_name("away.conf")
    usual = settings.read_text()
    settings.write_text("no service integrated-vtysh-config\n")
    with pytest.raises(NotHeld, match=r"water-ce.*no service integrated-vtysh-config; nothing was typed"):
        extranet.change(attach, quiet)
    settings.write_text(usual)
    file.rename(away)
    with pytest.raises(NotHeld, match=r"water-ce.*No such file: /etc/frr/frr\.conf; nothing was typed"):
        extranet.change(attach, quiet)
    away.rename(file)
    assert has_ours(routers) == has_ours(routers, HUB) == (False, False)


def test_undo_does_not_begin_over_a_dead_line(routers: Routers, extranet: Extranet, hasty: Extranet) -> None:
    attach = routers.step(LINE, LineStage.ATTACH)
    assert extranet.change(attach, quiet).state == "done"
    for line in (LINE, "water-backup"):
        routers.cut(line)
    try:
        routers.until(lambda: "10.254.11.1" in routers.enter(CE, "vtysh", "-c", f"show ip route {FAR}"))
        users = routers.ping(CE, FAR_USER, "-i", "0.05")
        with pytest.raises(CheckFailed, match=r"10\.252\.11\.[12] is (Active|Connect|Idle)"):
            hasty.change(attach, quiet, forward=False)
        time.sleep(0.5)
        users.send_signal(signal.SIGINT)
        assert " 0% packet loss" in users.communicate()[0]
    finally:
        for line in (LINE, "water-backup"):
            routers.cut(line, again=True)


DYING_POINTS = ("hold", "push", "confirm", "save", "release")


@pytest.mark.parametrize("point", DYING_POINTS)
def test_a_session_that_breaks_at_any_point_leaves_all_old_or_all_new(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """The next call finishes, whatever the first one came to."""
    attach = unchecked(routers.step(LINE, LineStage.ATTACH))
    owner: Any = Visit if point == "save" else KeptGuard
    real: Callable[..., Any] = getattr(owner, point)

    def broken(self: Any, *arguments: Any) -> Any:
        answer = real(self, *arguments)
        if (self.device if point == "save" else self._device) == CE:
            raise DeviceUnreachable(CE, "connection reset by peer")
        return answer

    with monkeypatch.context() as breaking:
        breaking.setattr(owner, point, broken)
        with pytest.raises(ExtranetError) as raised:
            extranet.change(attach, quiet)
    kept = point in {"confirm", "save", "release"}
    assert (has_ours(routers)[0], has_ours(routers, HUB)[0]) == (kept, kept)
    assert ("earlier configuration again" in str(raised.value)) == (point in {"hold", "push"})
    assert extranet.change(attach, quiet).state == "done"
    assert has_ours(routers) == has_ours(routers, HUB) == (True, True)


class Killed(BaseException):
    """Our process ends here, as by signal 9."""


@pytest.mark.parametrize("point", ["hold", "push", "confirm"])
def test_killed_at_any_point_the_next_call_says_which_and_finishes(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    attach, told = unchecked(routers.step(LINE, LineStage.ATTACH)), list[str]()
    real: Callable[..., Any] = getattr(KeptGuard, point)

    def killed(self: KeptGuard, *arguments: Any) -> Any:
        answer = real(self, *arguments)
        if self._device == CE:
            raise Killed
        return answer

    with monkeypatch.context() as killing:
        killing.setattr(KeptGuard, point, killed)
        killing.setattr(Attempt, "take_back", lambda _self, _sessions: ())
        with pytest.raises(Killed):
            extranet.change(attach, quiet)
    assert extranet.observe(attach).state == "not-done"
    assert extranet.change(attach, told.append).state == "done"
    undecided = [line for line in told if "had been left undecided; the device is now as it was" in line]
    assert len(undecided) == (0 if point == "confirm" else 2)
    assert has_ours(routers) == has_ours(routers, HUB) == (True, True)


@pytest.mark.parametrize("number", [2, 9])
def test_a_session_that_breaks_between_two_commands_leaves_nothing_behind(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    attach, take, typed = routers.step(LINE, LineStage.ATTACH), CommandLine._take, list[str]()
    before = {device: routers.running(device) for device in (CE, HUB)}

    def cut(self: CommandLine, command: str) -> None:
        take(self, command)
        if self._device == CE:
            typed.append(command)
            if len(typed) == number:
                self._channel.disconnect()

    with monkeypatch.context() as cutting:
        cutting.setattr(CommandLine, "_take", cut)
        with pytest.raises(DeviceUnreachable, match="water-ce: has its earlier configuration again"):
            extranet.change(attach, quiet)
    assert len(typed) == number
    assert {device: routers.running(device) for device in (CE, HUB)} == before


def test_a_power_cut_in_the_middle_leaves_all_old(
    routers: Routers, extranet: Extranet, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach, push = unchecked(routers.step(LINE, LineStage.ATTACH)), Visit.push

    def pushed(self: Visit, way: Way) -> None:
        push(self, way)
        if self.device == CE:
            routers.restart(CE)

    with monkeypatch.context() as cutting:
        cutting.setattr(Visit, "push", pushed)
        with pytest.raises(ExtranetError, match=r"water-ce: “.*” is missing.*water-ce: has its earlier config"):
            extranet.change(attach, quiet)
    assert has_ours(routers) == has_ours(routers, HUB) == (False, False)
    assert extranet.change(attach, quiet).state == "done"


def test_traffic_that_the_inventory_does_not_know_is_named_before_it_would_be_cut(
    routers: Routers, hasty: Extranet, extranet: Extranet
) -> None:
    """One network comes over the line by BGP; somebody set static routes for others, one of them of IPv6."""
    announced = "  network 10.81.0.0/24\n"
    routers.rewrite(
        HUB,
        (announced, f"{announced}  network 10.81.7.0/24\n"),
        (" permit 10.81.0.0/24", " permit 10.81.0.0/16 le 24"),
        ("interface acc-", "ip route 10.81.7.0/24 blackhole\ninterface acc-"),
    )  # fmt: skip
    routers.rewrite(CE, ("interface acc-", "ip route 10.81.8.0/24 10.252.11.2\ninterface acc-"))
    routers.settle()
    assert extranet.change(routers.step(LINE, LineStage.ATTACH), quiet).state == "done"
    six = ("2001:db8:81::/48", "dev", "line-water-leas")
    other = ("10.81.0.0/24", "dev", "line-water-leas", "table", "100")
    routers.enter(CE, "ip", "-6", "route", "add", *six)
    routers.enter(CE, "ip", "route", "add", *other)
    cut = (r"10\.81\.8\.0/24 \(static\), 10\.81\.0\.0/24 \(boot\), 10\.81\.7\.0/24 \(bgp\), "
           r"2001:db8:81::/48 \(boot\)")  # fmt: skip
    with pytest.raises(CheckFailed, match=cut):
        hasty.change(routers.step(LINE, LineStage.SHIFT), quiet)
    routers.enter(CE, "ip", "-6", "route", "del", *six)
    routers.enter(CE, "ip", "route", "del", *other)
    assert "FIRST seq" not in routers.running(CE)
    # A power cut here leaves the kernel's routes, which a router that starts would take for its own.
    routers.enter(CE, "vtysh", "-c", "configure terminal", "-c", "no ip route 10.81.8.0/24 10.252.11.2")


GBK = text_of("政务外网".encode("gb18030"))
"""As a terminal leaves it that speaks no UTF-8."""
ODD = (
    (" neighbor 10.252.11.2 remote-as 65281\n",
     " neighbor LINES peer-group\n neighbor LINES remote-as 65281\n neighbor 10.252.11.2 peer-group LINES\n"),
    ("description line:water-leased\n neighbor", f"description who pays? ask 王工 {GBK}\n neighbor"),
    (" neighbor 10.254.11.1 remote", " neighbor eth7 interface remote-as external\n neighbor 10.254.11.1 remote"),
    ("  neighbor 10.252.11.2 route-map OWN-OUT out\n",
     "  neighbor 10.252.11.2 route-map OWN-OUT out\n  no neighbor 10.252.11.2 send-community\n"),
    ("route-map EXTRANET-IN permit 10\n", "route-map EXTRANET-IN permit 10\n set local-preference 150\n"),
    ("route-map OWN-OUT permit 10\n",
     "route-map EXTRANET-IN permit 20\n match ip address prefix-list PARTNERS\nexit\n!\nroute-map OWN-OUT permit 10\n"),
    ("ip prefix-list OWN ", "ip prefix-list PARTNERS seq 5 permit 10.60.0.0/16\nip prefix-list OWN "),
)  # fmt: skip


def preferences(routers: Routers, prefix: str) -> list[int | None]:
    """What the router makes of each path that it knows."""
    answer = json.loads(routers.enter(CE, "vtysh", "-c", f"show bgp ipv4 unicast {prefix} json"))
    return [path.get("locPrf") for path in answer.get("paths", ())]


def test_an_odd_line_beside_another_one_goes_and_comes_back_whole(routers: Routers, extranet: Extranet) -> None:
    """Its neighbour is in a group, its description asks something, the circuit's policy has more than one clause."""
    routers.rewrite(CE, *ODD)
    redistributed = "  redistribute connected\n"
    routers.rewrite(
        EDGE, (redistributed, f"{redistributed}  network 10.60.0.0/16\n"),
        ("vrf administrative\n", "vrf administrative\n ip route 10.60.0.0/16 blackhole\n"),
    )  # fmt: skip
    routers.settle()
    routers.typed(CE, save=True)
    before = {device: routers.running(device) for device in (CE, HUB)}
    assert before[CE].count("LINES") == 3

    def preferred() -> list[list[int | None]]:
        return [preferences(routers, prefix) for prefix in ("10.60.0.0/16", "10.50.1.0/24")]

    # A session is up before it has told all routes.
    routers.until(lambda: preferred() == [[None], [150]])
    users = routers.ping(CE, FAR_USER, "-i", "0.05")
    for stage in LineStage:
        if stage is LineStage.RELEASE:
            # One packet since the drain is one too many, and is told once.
            routers.enter(CE, "ping", "-c", "1", "-W", "1", "10.252.11.2")
            with pytest.raises(CheckFailed, match=r"water-ce: interface line-water-leas still carries traffic"):
                extranet.change(routers.step(LINE, stage), quiet)
        assert extranet.change(routers.step(LINE, stage), quiet).state == "done", stage
        assert preferred() == [[None], [150]], stage
    assert "10.252.11.2" not in routers.running(CE)
    for stage in reversed(LineStage):
        assert extranet.change(routers.step(LINE, stage), quiet, forward=False).state == "not-done", stage
    users.send_signal(signal.SIGINT)
    assert " 0% packet loss" in users.communicate()[0]
    assert {device: routers.running(device) for device in (CE, HUB)} == before


def test_a_rejected_line_says_nothing_of_the_rest_that_was_not_seen(routers: Routers, extranet: Extranet) -> None:
    attach = unchecked(routers.step(LINE, LineStage.ATTACH))
    for change in attach["devices"]:
        if change["device"] == CE:
            change["after"].append("ip prefix-list ZH-WRONG seq 5 permit nonsense")
    before = routers.running(CE)
    with pytest.raises(CommandRejected, match=r"nonsense.*water-ce: has its earlier configuration again"):
        extranet.change(attach, quiet)
    assert routers.running(CE) == before


def test_both_lines_of_a_pair_move(routers: Routers, extranet: Extranet) -> None:
    for stage in (LineStage.ATTACH, LineStage.SHIFT):
        for line in (LINE, "water-backup"):
            assert extranet.change(routers.step(line, stage), quiet).state == "done", (line, stage)
    for line in (LINE, "water-backup"):
        assert extranet.change(routers.step(line, LineStage.SHIFT), quiet, forward=False).state == "not-done"
        assert extranet.change(routers.step(line, LineStage.ATTACH), quiet, forward=False).state == "not-done"
    assert has_ours(routers) == has_ours(routers, HUB) == (False, False)
