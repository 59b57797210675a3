"""The service's desk, its processes, its words about troubles and its unit file, each by itself."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from migrations.actuators.contract import Observation, ObservedState
from migrations.plan import Actuator, Stage, Step, StepKind, Unit
from migrations.service.desk import Desk
from migrations.service.hook import tell
from migrations.service.messages import Order, Outcome, Places
from migrations.service.orders import HINDERED, OrderKeeper
from migrations.service.troubles import Looked, Trouble, changed, told, with_since
from migrations.service.unit_file import NotInstalled, install, unit_text
from migrations.service.watching import troubles_of, watched
from migrations.states import PassageResult, UnitState

ORDER = Order(run="run", deed="apply", units=("system:a",))
# Carries an order out by what stands in files beside the desk: how often it is to die before.
EXECUTOR = """
import os, signal, sys
from pathlib import Path
from migrations.service.desk import Desk
from migrations.service.messages import Outcome

folder, number = Path(sys.argv[1]), int(sys.argv[2])
with (folder / "begun").open("a") as begun:
    begun.write(f"{number}\\n")
deaths = int((folder / "deaths").read_text())
if deaths:
    (folder / "deaths").write_text(str(deaths - 1))
    os.kill(os.getpid(), signal.SIGKILL)
desk = Desk(folder)
if (folder / "hindered").exists():
    desk.hinder(number, "the disk is full")
    sys.exit(75)
desk.end(number, Outcome(failure=f"number {number}"))
"""


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_text(""),
    "torn": lambda file: file.write_text(file.read_text()[:-3]),
    "noise": lambda file: file.write_bytes(b"\xff\0" * 40),
    "pipe": _pipe,
}


def _carried(folder: Path, *orders: Order, deaths: int = 0) -> tuple[Desk, list[str], list[str]]:
    """Have orders carried out; return the desk, which were begun, and the troubles told."""
    (folder / "deaths").write_text(str(deaths))
    desk, troubles = Desk(folder), list[str]()
    for order in orders:
        desk.place(order)
    executor = (sys.executable, "-c", EXECUTOR, str(folder))
    keeper = OrderKeeper(desk, executor, folder / "logs", lambda _order, text: troubles.append(text))
    try:
        while desk.outstanding() and not troubles:
            keeper.look_after()
            time.sleep(0.01)
    finally:
        keeper.close()
    return desk, (folder / "begun").read_text().split(), troubles


def test_orders_have_numbers_and_outlive_who_wrote_them(tmp_path: Path) -> None:
    assert [Desk(tmp_path).place(ORDER) for _ in range(3)] == [1, 2, 3]
    Desk(tmp_path).end(2, Outcome(result=PassageResult(units=())))
    assert [number for number, _order in Desk(tmp_path).outstanding()] == [1, 3]
    assert Desk(tmp_path).order(1) == ORDER
    # A torn file of somebody else's is nobody's order, and keeps no other from its turn.
    (tmp_path / "00000001.order.json").write_text("{")
    assert [number for number, _order in Desk(tmp_path).outstanding()] == [3]
    assert Desk(tmp_path).place(ORDER) == 4


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_an_order_that_cannot_be_read_ends_with_a_sentence(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    desk = Desk(tmp_path)
    for each in range(2):
        damage(tmp_path / f"{desk.place(ORDER):08d}.order.json")
        assert [number for number, _order in desk.outstanding()] == [], each
        outcome = desk.outcome(each + 1)
        assert outcome is not None
        assert "give the order once more" in outcome.error


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_an_outcome_that_cannot_be_read_is_looked_up_elsewhere(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    desk = Desk(tmp_path)
    desk.end(desk.place(ORDER), Outcome(result=PassageResult(units=())))
    damage(tmp_path / "00000001.outcome.json")
    outcome = desk.outcome(1)
    assert outcome is not None
    assert "see zhenghe status" in outcome.error


def test_orders_of_one_run_come_one_after_the_other(tmp_path: Path) -> None:
    desk, begun, _troubles = _carried(tmp_path, ORDER, ORDER, ORDER.model_copy(update={"run": "other"}))
    assert sorted(begun) == ["1", "2", "3"]
    assert begun.index("1") < begun.index("2")
    assert [desk.outcome(number) for number in (1, 2, 3)] == [Outcome(failure=f"number {n}") for n in (1, 2, 3)]


def test_who_is_killed_at_an_order_is_started_again_and_given_up_in_the_end(tmp_path: Path) -> None:
    desk, begun, troubles = _carried(tmp_path, ORDER, deaths=2)
    assert (begun, troubles) == (["1"] * 3, [])
    assert desk.outcome(1) == Outcome(failure="number 1")
    again = tmp_path / "again"
    again.mkdir()
    desk, begun, troubles = _carried(again, ORDER, deaths=99)
    assert begun == ["1"] * 5
    outcome = desk.outcome(1)
    assert outcome is not None
    assert troubles == [outcome.error]
    assert "again and again" in outcome.error


def test_a_way_back_ends_what_is_under_way_and_whatever_is_kept_waiting_gives_way(tmp_path: Path) -> None:
    (tmp_path / "deaths").write_text("0")
    (tmp_path / "hindered").touch()
    desk, troubles = Desk(tmp_path), list[str]()
    # An apply never comes to its end by itself.
    program = EXECUTOR.replace("if (folder", "if desk.order(number).deed == 'apply':\n    signal.pause()\nif (folder")
    words = (sys.executable, "-c", program, str(tmp_path))
    keeper = OrderKeeper(desk, words, tmp_path / "logs", lambda _order, text: troubles.append(text))
    try:
        first = desk.place(ORDER)
        keeper.look_after()
        back = desk.place(ORDER.model_copy(update={"deed": "rollback"}))
        while not troubles:
            keeper.look_after()
        outcome = desk.outcome(first)
        assert outcome is not None
        assert outcome.error == f"order {back} took its place"
        # The way back is kept waiting now: what comes next need not wait with it.
        (tmp_path / "hindered").unlink()
        commit = desk.place(ORDER.model_copy(update={"deed": "commit"}))
        while desk.outstanding():
            keeper.look_after()
        assert desk.outcome(commit) == Outcome(failure=f"number {commit}")
    finally:
        keeper.close()


def test_an_order_that_may_not_be_carried_out_ends_with_a_sentence(tmp_path: Path) -> None:
    number = Desk(Places(tmp_path).orders).place(ORDER)
    words = [sys.executable, "-m", "migrations.cli.deeds", str(tmp_path), str(number)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    outcome = Desk(Places(tmp_path).orders).outcome(number)
    assert outcome is not None
    assert "run.json" in outcome.error


def test_what_hinders_is_told_and_the_order_stays(tmp_path: Path) -> None:
    (tmp_path / "hindered").touch()
    desk, begun, troubles = _carried(tmp_path, ORDER)
    assert (begun, troubles, desk.trouble(1)) == (["1"], ["the disk is full"], "the disk is full")
    assert [number for number, _order in desk.outstanding()] == [1]
    assert HINDERED == 75


def _unit(kind: Actuator, *verbs: str) -> Unit:
    key = f"{kind}:a"
    steps = tuple(
        Step(id=f"{key}/{verb}", verb=verb, stage=Stage.PREPARE, kind=StepKind.REVERSIBLE, arguments={}, timeout=9)
        for verb in verbs
    )
    return Unit(name="a", kind=kind, needs=(), steps=steps)


def _seen(kind: Actuator, verb: str, state: ObservedState, **facts: object) -> list[tuple[str, str]]:
    unit = _unit(kind, verb)
    seen = Observation(state=state, facts=facts)
    return [(each.what, each.text) for each in troubles_of("run", unit, unit.steps[0], seen)]


def test_only_what_is_in_force_and_was_done_is_looked_at() -> None:
    unit = _unit(Actuator.SYSTEM, "prepare", "replicate", "front", "lag", "switch", "verify", "retire")
    done = frozenset(step.id for step in unit.steps)

    def verbs(state: UnitState, done: frozenset[str] = done) -> list[str]:
        return [step.verb for step in watched(unit, state, done)]

    assert verbs(UnitState.SYNCED) == ["replicate", "front"]
    assert verbs(UnitState.ON_PROBATION) == ["front", "switch"]
    assert verbs(UnitState.DECOMMISSIONED) == ["front"]
    assert verbs(UnitState.HELD, frozenset({"system:a/prepare"})) == []
    assert verbs(UnitState.PLANNED) == []


def test_a_switch_tells_fences_entries_and_the_way_back() -> None:
    def opened(**more: object) -> list[dict[str, object]]:
        source = {"host": "old", "side": "source", "component": "db", "state": "sealed", "way_back": "open", **more}
        target: dict[str, object] = {"host": "new", "side": "target", "component": "db", "state": "promoted"}
        entry: dict[str, object] = {"host": "entry", "side": "entry", "component": "db", "state": "to"}
        return [source, target, entry]

    def seen(**more: object) -> list[tuple[str, str]]:
        return _seen(Actuator.SYSTEM, "switch", ObservedState.DONE, opened=opened(**more))

    assert seen() == []
    assert seen(state="open") == [("drift", "old takes writes again: somebody lifted its fence")]
    assert seen(way_back="broken: no slot") == [("way back", "old: no slot")]
    assert seen(way_back="broken")[0][0] == "way back"
    assert seen(state="frozen") == [("way back", "old: the old side does not follow the new one")]
    assert seen(way_back="not known: no route") == [("not known", "its way back: no route")]
    assert seen(database="absent", state="open")[0] == ("way back", "its database is not on old any more")
    turned = opened()
    turned[2]["state"] = "from"
    assert _seen(Actuator.SYSTEM, "switch", ObservedState.NOT_DONE, opened=turned)[0][0] == "drift"


def test_lines_sites_and_copies_are_told_by_what_was_seen() -> None:
    back = {"pe": {"at": "before", "permanent": True}, "ce": {"at": "after", "permanent": True}}
    assert _seen(Actuator.LINE, "shift", ObservedState.NOT_DONE, devices=back) == [
        ("drift", "shift is not in force on pe (before)")
    ]
    assert _seen(Actuator.LINE, "shift", ObservedState.DONE, devices={}, way_back=[]) == []
    dead = {"way_back": ["10.1.1.1 does not answer", "no neighbour"]}
    assert _seen(Actuator.LINE, "shift", ObservedState.DONE, devices={}, **dead) == [
        ("way back", "10.1.1.1 does not answer; no neighbour")
    ]
    changes = [{"resource": "cloud-a-db", "operation": "update"}]
    assert _seen(Actuator.SITE, "provision", ObservedState.NOT_DONE, changes=changes) == [
        ("drift", "the cloud is not as declared: cloud-a-db update")
    ]
    assert _seen(Actuator.SITE, "provision", ObservedState.UNKNOWN)[0][0] == "not known"
    full = {"new": {"held_back": 5 << 30, "complete": True}}
    assert [what for what, _text in _seen(Actuator.SYSTEM, "replicate", ObservedState.DONE, **full)] == ["held back"]
    copy = {"new": {"reason": "the slot is gone"}}
    assert _seen(Actuator.SYSTEM, "replicate", ObservedState.NOT_DONE, **copy) == [
        ("copy", "the copy does not follow: the slot is gone")
    ]


def test_the_broken_ways_back_are_said_first_and_since_when() -> None:
    first = datetime.now(UTC) - timedelta(days=40)
    broken = [Trouble(run="r", unit=f"system:{name}", what="way back", text="no slot") for name in "abc"]
    drift = Trouble(run="r", unit="line:l", what="drift", text="shift is not in force")
    troubles = with_since((drift, *broken), {broken[1].key: first})
    sentences = list(told(Looked(time=datetime.now(UTC), units=4, troubles=troubles)))
    assert sentences[0] == (
        f"the way back of 3 units is broken since {first.astimezone():%Y-%m-%d}: system:a, system:b, system:c"
    )
    assert sentences[-1] == "line:l: shift is not in force"
    assert list(told(Looked(units=2))) == ["2 units were looked at: all are as they were left"]


def test_a_trouble_begins_once_and_ends_once_whatever_its_words_are() -> None:
    one = Trouble(run="r", unit="system:a", what="copy", about="system:a/replicate", text="9 bytes behind")
    same = one.model_copy(update={"text": "90 bytes behind"})
    other = one.model_copy(update={"what": "drift"})
    assert list(changed(Looked(), Looked(troubles=(one,)))) == [("began", one)]
    assert list(changed(Looked(troubles=(one,)), Looked(troubles=(same, other)))) == [("began", other)]
    assert list(changed(Looked(troubles=(same, other)), Looked(troubles=(other,)))) == [("ended", same)]


def test_the_hook_gets_words_as_they_are_and_no_shell_reads_them(tmp_path: Path) -> None:
    heard, warned = tmp_path / "heard", list[str]()
    program = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2] + sys.stdin.read())"
    tell((sys.executable, "-c", program, str(heard), "$(id); `id`"), {"text": "'; rm -rf /"}, warned.append)
    assert heard.read_text() == """$(id); `id`{"text": "'; rm -rf /"}"""
    tell(("/nowhere/alarm",), {}, warned.append)
    tell(("false",), {}, warned.append)
    assert len(warned) == 2


ENVIRONMENT = {"ZHENGHE_STATE": "/srv/a folder/100% \"sure\"", "PATH": "/usr/bin:/bin", "SECRET": "s3cret"}


def test_systemd_reads_the_unit_as_it_is_meant(tmp_path: Path) -> None:
    text = unit_text(["/bin/sh", "-c", "true $HOME %n", "serve"], ENVIRONMENT, "root")
    assert "s3cret" not in text
    assert 'Environment="ZHENGHE_STATE=/srv/a folder/100%% \\"sure\\""\n' in text
    assert 'ExecStart="/bin/sh" "-c" "true $$HOME %%n" "serve"\n' in text
    place = install(text, tmp_path, ("true",))
    assert place.stat().st_mode & 0o777 == 0o644
    if shutil.which("systemd-analyze"):
        words = ["systemd-analyze", "verify", "--recursive-errors=no", "--man=no", str(place)]
        checked = subprocess.run(words, capture_output=True, text=True, check=False)
        assert place.name not in checked.stderr, checked.stderr
    with pytest.raises(NotInstalled, match=r"is written, and systemd does not start it"):
        install(text, tmp_path, ("false",))
