"""A programme is lived through in a kept twin that plays the real world, by the commands as a user calls them.

Two waves and a third that is given up, the first one rehearsed; the service is killed in every phase and the machine
rebooted; records, a title and a system come later; drifts are made by hand and users are cut off; in the end ledger,
status, obligations and reports tell one story.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.worlds import World, load_world
from migrations.evidence.chain import Soundness, verify_chain
from tests.real.steps import until
from tests.sampling import only_in_test_all

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(2400),
    only_in_test_all,
]

ROOT = Path(__file__).parents[2]
YUNHE = ROOT / "examples" / "yunhe"
WAVES = {"identity": 1, "archive": 2, "water-billing": 3}
MERGING = """system: card-files
title: 户籍卡片库
department: civil-affairs
office: household
into: identity
grading: {mlps: 1}
survey: {function: 登记户籍卡片, users: office}
components: []
wave: 2
"""
ALARM = "import sys, pathlib; pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read() + '\\n')"
RunOn = Callable[..., "subprocess.CompletedProcess[str]"]


class Programme:
    """The folder of a programme, the world it moves in, and the service on this machine."""

    def __init__(self, state: Path, name: str) -> None:
        self.state = state
        self.name = name
        self.folder = state / "inventory"
        self.alarms = state / "alarms"
        self.environment = {**os.environ, "ZHENGHE_STATE": str(state), "LANGUAGE": "en"}
        self.twin_file = state / "twins" / name / "world.json"
        self.world_file = state / "yunhe" / "world.json"
        shutil.copytree(YUNHE, self.folder)
        # It lives through no year here: each of its nights would be a minute.
        (self.folder / "systems" / "allowance.yaml").unlink()
        for system, wave in WAVES.items():
            with (self.folder / "systems" / f"{system}.yaml").open("a") as file:
                file.write(f"wave: {wave}\n")
        self.service: subprocess.Popen[bytes] | None = None

    @property
    def world(self) -> World:
        return load_world(self.world_file)

    def found(self) -> None:
        """Build the twin, and have it play the real world, in which nobody asks for signatures."""
        self.call("twin", "up", str(self.folder), "--name", self.name)
        real = json.loads(self.twin_file.read_text()) | {"kind": "real", "name": "yunhe"}
        self.world_file.parent.mkdir(mode=0o700)
        self.world_file.write_text(json.dumps(real))
        (self.state / "approvers.yaml").write_text("policy: {apply: 0, commit: 0}\n")

    def declare(self) -> None:
        """Write into the inventory what comes along, by the lines that a look before the move tells."""
        looked = ("preflight", "--in", str(self.folder), "--world", str(self.world_file))
        begin = "write into settings: "
        for told in self.call(*looked, code=1)["findings"]:
            if begin in told["mend"]:
                line = told["mend"].partition(begin)[2].partition("; anything")[0]
                file = self.folder / "systems" / f"{told['system']}.yaml"
                before, name, after = file.read_text().partition(f"name: {told['subject']}\n")
                file.write_text(before + name + after.replace("settings: {", f"settings: {{{line}, ", 1))
        self.call(*looked)

    def call(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Call a command, which must end with a status and without a traceback, and return its JSON object."""
        command = [sys.executable, "-m", "migrations.cli.main", *words, "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=1500, check=False
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr[-4000:]
        assert done.returncode == code, (words, done.returncode, done.stdout[-2000:], done.stderr[-4000:])
        told: dict[str, Any] = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        return told

    def begin(self, *words: str) -> "subprocess.Popen[bytes]":
        """Call a command and leave it alone."""
        with (self.state / "begun").open("ab") as log:
            command = [sys.executable, "-m", "migrations.cli.main", *words, "--json"]
            return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def serve(self, *words: str) -> None:
        with (self.state / "service.log").open("ab") as log:
            command = [sys.executable, "-m", "migrations.cli.main", "serve", *words]
            self.service = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """Kill the service with -9; its engines die with it."""
        if self.service is not None:
            self.service.send_signal(signal.SIGKILL)
            self.service.wait()

    def kill_in_between(self, *words: str, at: str) -> None:
        """Call a command, kill the service while that step is under way, and see that the command comes through."""
        command = self.begin(*words)
        self.until(at, "step-begun", command)
        self.kill()
        self.serve()
        assert command.wait(900) == 0, (self.state / "begun").read_text()[-4000:]

    def plan(self, *words: str) -> dict[str, Any]:
        return self.call("plan", str(self.folder), *words)

    def apply(self, digest: str, *words: str) -> dict[str, Any]:
        return self.call("apply", "--plan", digest, "--world", str(self.world_file), *words)

    def states(self) -> dict[str, str]:
        """Return what all runs came to, by unit."""
        return {each["unit"]: each["state"] for each in self.call("status", code=self._any())["programme"]["units"]}

    def _any(self, *words: str) -> int:
        # Whether somebody has to look is not what is asked here.
        command = [sys.executable, "-m", "migrations.cli.main", *(words or ("status",)), "--json"]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, check=False).returncode

    def look(self) -> list[tuple[str, str]]:
        """Look at everything that was done, and return which units are in which trouble, the rehearsals' age apart."""
        return [each for each in self.look_whole() if each[1] != "proof"]

    def look_whole(self) -> list[tuple[str, str]]:
        """Look at everything that was done, and return which units are in which trouble."""
        command = [sys.executable, "-m", "migrations.cli.main", "status", "--look", "--json"]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        print(done.stdout[-3000:], done.stderr[-2000:])
        return [(each["unit"], each["what"]) for each in json.loads(done.stdout)["look"]["troubles"]]

    def until(self, word: str, kind: str, command: "subprocess.Popen[bytes] | None" = None) -> None:
        """Wait until the evidence of some run has a record with a word in it, as long as the command is there."""
        seen = self._count(word, kind) if command is not None else 0
        for _ in range(12000):
            if self._count(word, kind) > seen:
                return
            assert command is None or command.poll() is None, (self.state / "begun").read_text()[-4000:]
            time.sleep(0.05)
        raise AssertionError(f"no {kind} of {word}")

    def _count(self, word: str, kind: str) -> int:
        files = (self.state / "runs").glob("*/evidence.jsonl")
        return sum(kind in line and word in line for file in files for line in file.read_text().splitlines())

    def alarmed(self, event: str, what: str) -> dict[str, str]:
        """Wait until the monitoring system was told of a trouble."""
        for _ in range(3000):
            lines = self.alarms.read_text().splitlines() if self.alarms.exists() else []
            for told in map(json.loads, lines):
                if (told["event"], told.get("what")) == (event, what):
                    return dict(told)
            time.sleep(0.1)
        raise AssertionError(f"no {event} of {what}: {lines}")


@pytest.fixture(scope="module")
def lived(twin_name: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programme]:
    programme = Programme(tmp_path_factory.mktemp("state"), twin_name("l"))
    programme.call("rehearse", str(programme.folder), "--wave", "1", "--twin", programme.name)
    programme.found()
    programme.declare()
    alarm = f"{sys.executable} -c {json.dumps(ALARM)} {programme.alarms}"
    programme.serve("--every", "600", "--on-trouble", alarm)
    try:
        yield programme
    finally:
        programme.kill()
        print((programme.state / "service.log").read_text()[-3000:])
        programme.call("twin", "down", "--name", programme.name)


@pytest.fixture(scope="module")
def on(lived: Programme, running_on: Callable[[World], RunOn]) -> RunOn:
    return running_on(lived.world)


def test_the_first_wave_moves_though_the_service_is_killed_in_each_phase(lived: Programme) -> None:
    first = lived.plan("--wave", "1", "--world", str(lived.world_file))["digest"]
    command = lived.begin("apply", "--plan", first, "--world", str(lived.world_file))
    for word, kind in (("system:identity/prepare", "step-begun"), ("system:identity/switch", "step-begun")):
        lived.until(word, kind)
        lived.kill()
        lived.serve()
    assert command.wait(900) == 0, (lived.state / "begun").read_text()[-4000:]
    states = lived.states()
    assert states["system:identity"] == "ON_PROBATION"
    assert "system:archive" not in states
    # Its way back was rehearsed as it is.
    assert lived.look_whole() == []


def test_what_was_changed_by_hand_is_told_and_what_was_mended_too(lived: Programme, on: RunOn) -> None:
    psql = "cd /; runuser -u postgres -- psql -XAtqd identity -c 'SET default_transaction_read_only = off' -c"
    on("civil-db", f"{psql} 'ALTER SUBSCRIPTION zhenghe_identity_db DISABLE'")
    assert lived.look() == [("system:identity", "way back")]
    on("civil-db", f"{psql} 'ALTER SUBSCRIPTION zhenghe_identity_db ENABLE'")
    side = on("civil-db", f"{psql} \"SELECT setconfig FROM pg_db_role_setting\"").stdout
    on("civil-db", f"{psql} 'ALTER DATABASE identity RESET zhenghe.side'")
    assert ("system:identity", "drift") in lived.look(), side
    on("civil-db", f"{psql} \"ALTER DATABASE identity SET zhenghe.side = 'waiting'\"")
    # Where probes could not look for a while that is told, and gone with the next look.
    until(lambda: lived.look() == [], 300)


def test_what_users_feel_on_probation_is_told_to_the_monitoring_system(lived: Programme, on: RunOn) -> None:
    on("hall-1", "systemctl stop counter")
    # The look that follows a start, and those after it, judge what probes have seen since.
    lived.kill()
    lived.serve("--every", "0.5")
    assert "requests failed" in lived.alarmed("began", "users")["text"]
    assert ("system:identity", "users") in lived.look()
    on("hall-1", "systemctl start counter")
    assert lived.alarmed("ended", "users")["unit"] == "system:identity"
    lived.kill()
    lived.serve("--every", "600")


def test_probes_that_ended_with_a_users_machine_look_again(lived: Programme, on: RunOn) -> None:
    listed = "systemctl list-units --plain --no-legend 'zhenghe-probe-*'"
    assert on("hall-1", listed).stdout
    on("hall-1", "systemctl stop 'zhenghe-probe-*'")
    assert on("hall-1", listed).stdout == ""
    words = [sys.executable, "-m", "migrations.cli.look", str(lived.state)]
    subprocess.run(words, cwd=ROOT, env=lived.environment, check=True)
    assert on("hall-1", listed).stdout


def test_the_second_wave_is_planned_for_what_is_new_and_the_first_is_committed_after(
    lived: Programme, on: RunOn
) -> None:
    with (lived.folder / "records.yaml").open("a") as records:
        records.write("  - {kind: ready, subject: civil-affairs, date: 2018-03-12, by: [区整合办公室, 民政局]}\n")
    departments = lived.folder / "departments.yaml"
    departments.write_text(departments.read_text().replace("title: 水务局\n", "title: 云河区水务局\n"))
    office = "title: 民政局\n    offices: [{name: household, title: 户籍科}]\n"
    departments.write_text(departments.read_text().replace("title: 民政局\n", office))
    (lived.folder / "systems" / "card-files.yaml").write_text(MERGING)
    second = lived.plan("--wave", "2", "--world", str(lived.world_file))
    units = {unit["name"] for unit in second["units"]}
    assert {"archive", "card-files"} <= units
    assert "identity" not in units
    told = lived.call("apply", "--plan", second["digest"], "--world", str(lived.world_file), code=1)
    assert "zhenghe done system:card-files/export" in told["reason"]
    assert lived.states()["system:archive"] == "ON_PROBATION", told["reason"]
    assert lived.states()["system:card-files"] == "WAITING"
    # A folder that is sealed and does not follow any more has no way back.
    unit = on("archives-store", "systemctl list-units --plain --no-legend 'zhenghe-pull-*'").stdout.split()[0]
    on("archives-store", f"systemctl stop {unit}")
    assert ("system:archive", "way back") in lived.look()
    on("archives-store", f"systemctl start {unit}")
    # Where probes could not look for a while that is told, and gone with the next look.
    until(lambda: lived.look() == [], 300)
    # The service goes on by itself with whatever people say.
    for verb in ("export", "take-over", "redirect", "accept"):
        lived.until(f"system:card-files/{verb}", "step-failed")
        while lived.states()["system:card-files"] != "WAITING":
            time.sleep(1)
        lived.call("done", f"system:card-files/{verb}")
    while lived.states()["system:card-files"] != "ON_PROBATION":
        time.sleep(1)
    # A line goes before what stands on it.
    lived.kill_in_between("commit", "civil-private", "identity", at="system:identity/retire/db")
    assert lived.states()["system:identity"] == "DECOMMISSIONED"


def test_a_unit_of_the_third_wave_is_prepared_and_given_up(lived: Programme, on: RunOn) -> None:
    third = lived.plan("--wave", "3", "--world", str(lived.world_file))["digest"]
    command = lived.begin("apply", "--plan", third, "--world", str(lived.world_file))
    lived.until("system:water-billing/replicate/db", "step-done")
    # A reboot in the middle: the command is gone with the service, and nobody calls it again.
    command.kill()
    command.wait()
    lived.kill()
    lived.serve()
    while lived.states().get("system:water-billing") != "ON_PROBATION":
        time.sleep(1)
    lived.kill_in_between("rollback", "water-billing", at="system:water-billing/switch")
    assert lived.states()["system:water-billing"] == "ROLLED_BACK"
    lived.kill_in_between("withdraw", "water-billing", at="system:water-billing/replicate/db")
    assert lived.states()["system:water-billing"] == "WITHDRAWN"
    slots = on("water-db", "cd /; runuser -u postgres -- psql -XAtqc 'SELECT slot_name FROM pg_replication_slots'")
    assert slots.stdout.strip() == ""


def test_in_the_end_all_tell_one_story(lived: Programme) -> None:
    states = lived.states()
    ends = {"system:identity": "DECOMMISSIONED", "system:archive": "ON_PROBATION", "system:water-billing": "WITHDRAWN"}
    assert {unit: states[unit] for unit in ends} == ends
    ledger = {each["unit"]: each["run"] for each in lived.call("status", code=lived._any())["programme"]["units"]}
    for run in (lived.state / "runs").iterdir():
        assert verify_chain(run / "evidence.jsonl").outcome is Soundness.SOUND
        told = lived.call("report", "--run", run.name)
        for unit in told["units"]:
            key = f"{unit['kind']}:{unit['name']}"
            assert ledger.get(key) != run.name or unit["state"] == states[key]
    state = lived.call("status", code=lived._any())["service"]
    assert (state["process"], state["under_way"]) == (lived.service and lived.service.pid, [])


def test_obligations_count_what_was_committed_in_the_real_world_alone(lived: Programme) -> None:
    told = lived.call("obligations", str(lived.folder), code=lived._any("obligations", str(lived.folder)))
    print(told["key_figures"], told["runs"], told["left_out"])
    # The rehearsal, in which all of wave 1 was committed too, has achieved nothing.
    rehearsed = {run.name for run in (lived.state / "runs").iterdir() if "." in run.name}
    assert rehearsed
    assert set(told["runs"]) == {run.name for run in (lived.state / "runs").iterdir()} - rehearsed
    assert told["left_out"] == []
