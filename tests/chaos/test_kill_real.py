"""Kill -9 at the boundaries of steps, on real parts: a district moves, returns, moves again and is committed.

All tests share one twin that plays the real world, and one run in it: each begins where the one before ended.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from infra.declaration import declare_site
from infra.twin import control
from infra.worlds import World, load_world
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from migrations.actuators.ansible.process_tree import descendants
from migrations.evidence.chain import Soundness, read, verify_chain
from migrations.home import RunHome, RunSettings, run_id
from migrations.planning.preparing import prepare
from tests.sampling import sampled

pytestmark = [pytest.mark.chaos, pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
YUNHE = ROOT / "examples" / "yunhe"
RunOn = Callable[..., "subprocess.CompletedProcess[str]"]
Boundary = tuple[str, str, str]
"""Which record, which deed, which verb: ("step-begun", "apply", "switch")."""
SYSTEM_VERBS = ("prepare", "replicate", "front", "lag", "switch", "verify")


ALWAYS = (("step-begun", "apply", "provision"), ("step-begun", "apply", "switch"))
"""In which the engine of the cloud, and the playbook of a switch in its pause, are killed."""
SHARE = 0.2
"""Of all other boundaries that one commit walks."""


def boundaries(deed: str, *verbs: str) -> list[Boundary]:
    every = [(side, deed, verb) for verb in verbs for side in ("step-begun", "step-done")]
    left = set(sampled([each for each in every if each not in ALWAYS], SHARE))
    return [each for each in every if each in ALWAYS or each in left]


class District:
    """The world that plays the real one, the run in it, and the command as a user calls it."""

    def __init__(self, state: Path, name: str) -> None:
        self.environment = {**os.environ, "ZHENGHE_STATE": str(state), "LANGUAGE": "en"}
        self.name = name
        self.world_file = state / "twins" / name / "world.json"
        self.logs = state
        prepared = prepare(YUNHE)
        self.programme: Programme = prepared.programme
        self.digest = prepared.digest
        self.home = RunHome(state / "runs" / run_id(prepared.plan, name))
        self._prepared = prepared

    def begin(self) -> None:
        """Begin the run, once its world is up: one that was begun before is of another twin."""
        # A worker that was killed is given up sooner than usual, so that the walk takes minutes and not half an hour.
        settings = RunSettings(
            run=self.home.path.name, plan=self.digest, world=self.world_file, kind="twin", heartbeat=4
        )
        self.home.create(self._prepared.plan, settings, self._prepared.programme)

    @property
    def world(self) -> World:
        return load_world(self.world_file)

    @property
    def apply(self) -> tuple[str, ...]:
        return ("apply", str(YUNHE), "--plan", self.digest, "--world", str(self.world_file), "--json")

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Call the command and wait for its end; a traceback is a failure whatever else it says."""
        command = [sys.executable, "-m", "migrations.cli.main", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=1000, check=False
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Call the command in a process group of its own."""
        with (self.logs / "out").open("wb") as out, (self.logs / "err").open("ab") as err:
            command = [sys.executable, "-m", "migrations.cli.main", *words]
            return subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=out, stderr=err, start_new_session=True
            )

    def said(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.logs / "out").read_text())
        return told

    def states(self) -> dict[str, str]:
        told = json.loads(self.call("status", "--run", self.home.path.name, "--json").stdout)
        return {unit["unit"]: unit["state"] for unit in told["units"]}


class Walk:
    """One command, called again whenever it was killed, and killed in some part at each boundary of a list."""

    def __init__(self, district: District, run: RunOn, left: Sequence[Boundary]) -> None:
        self._district = district
        self._run = run
        self.left = list(left)
        self.killed: list[str] = []
        self._victims = cycle(("worker", "command", "server"))
        self._chance = random.Random(19870601)
        self._offset = district.home.evidence.path.stat().st_size if district.home.evidence.path.exists() else 0
        self._process: subprocess.Popen[bytes] | None = None

    def to_the_end(self, *words: str) -> None:
        """Call until it says that all is well; whoever is killed, it needs nothing but to be called again."""
        for _ in range(40):
            self._process = self._district.start(*words)
            try:
                while self._process.poll() is None:
                    self._look(self._process)
                    time.sleep(0.02)
            finally:
                if self._process.poll() is None:
                    os.killpg(self._process.pid, signal.SIGKILL)
                    self._process.wait()
            if self._process.returncode == 0:
                # Whatever was killed, nothing of its playbooks is there when the command has ended.
                assert list(self._district.home.playbooks.iterdir()) == []
                return
        raise AssertionError((self._district.logs / "err").read_text()[-4000:])

    def _look(self, process: "subprocess.Popen[bytes]") -> None:
        records, self._offset = self._district.home.evidence.follow(self._offset)
        for record in records:
            boundary = (record.kind, str(record.what.get("deed")), record.step.partition("/")[2].partition("/")[0])
            if boundary in self.left:
                self.left.remove(boundary)
                self._strike(process, boundary)
                # What was written until now has passed; a boundary that was missed comes again with the next attempt.
                self._offset = self._district.home.evidence.follow(self._offset)[1]
                return

    def _strike(self, process: "subprocess.Popen[bytes]", boundary: Boundary) -> None:
        if boundary == ("step-begun", "apply", "provision"):
            victim = "pulumi"
        elif boundary == ("step-begun", "apply", "switch"):
            victim = "ansible-playbook"
            self._until_paused()
        else:
            victim = next(self._victims)
            if boundary[0] == "step-begun":
                time.sleep(self._chance.uniform(0, 1.5))
        self.killed.append(victim)
        print(f"{time.strftime('%X')} {' '.join(boundary)}: {victim}", flush=True)
        if victim == "command":
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        else:
            os.kill(self._pid_of(victim), signal.SIGKILL)

    def _until_paused(self) -> None:
        """Wait until an entry holds its clients back."""
        console = "psql -XAt -h /run/zhenghe-pgbouncer-5432 -p 5432 -U pgbouncer -d pgbouncer -c 'SHOW DATABASES'"
        held = "echo show map /etc/haproxy/zhenghe/hold.map | socat - /run/zhenghe/haproxy.sock 2>&1 | grep -q ' 1$'"
        paused = f"runuser -u postgres -- {console} | awk -F'|' '$(NF-1) == 1 {{ found = 1 }} END {{ exit !found }}'"
        watch = "cd /; for i in $(seq 6000); do {look} && exit; sleep 0.02; done; exit 1"
        hosts = {"cloud-a-admin-entry": paused, "cloud-a-public-entry": held}
        words = ("ssh", "-F", str(self._district.world.ssh_config))
        watchers = [subprocess.Popen((*words, host, watch.format(look=look))) for host, look in hosts.items()]
        try:
            deadline = time.monotonic() + 240
            while not any(watcher.poll() == 0 for watcher in watchers):
                assert time.monotonic() < deadline, "no entry was paused"
                time.sleep(0.01)
        finally:
            for watcher in watchers:
                watcher.kill()
                watcher.wait()

    def _pid_of(self, victim: str) -> int:
        home = self._district.home
        marks = {
            "worker": ["-m", "migrations.run.engine.worker", str(home.path)],
            "server": [str(home.database)],
            "pulumi": ["pulumi", "up"],
            "ansible-playbook": ["migrations.actuators.ansible.forkserver.server"],
        }[victim]
        assert self._process is not None
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline and self._process.poll() is None:
            for pid in descendants(self._process.pid):
                try:
                    line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
                except OSError:
                    continue
                names = [Path(word).name for word in line[:2]] + line
                if line[0] in {"setpriv", "sh", "unshare"} or not all(mark in names for mark in marks):
                    continue
                if victim != "ansible-playbook" or _switches(pid):
                    return pid
            time.sleep(0.02)
        raise AssertionError(f"no {victim}")


def _switches(process: int) -> bool:
    """Say whether a process is the playbook of a switch; those that forked it have other names and folders."""
    try:
        if Path(f"/proc/{process}/comm").read_text().strip() != "ansible-playboo":
            return False
        step = Path(f"/proc/{process}/cwd").readlink() / "step.json"
        return bool(json.loads(step.read_text())["verb"] == "switch")
    except OSError:
        return False


@pytest.fixture(scope="module")
def district(twin_name: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    made = District(tmp_path_factory.mktemp("state"), twin_name("r"))
    up = made.call("twin", "up", str(YUNHE), "--name", made.name)
    assert up.returncode == 0, up.stderr
    made.begin()
    try:
        yield made
    finally:
        assert made.call("twin", "down", "--name", made.name).returncode == 0


@pytest.fixture(scope="module")
def on(district: District, running_on: Callable[[World], RunOn]) -> RunOn:
    return running_on(district.world)


def test_another_plan_or_another_world_is_refused_before_anything_is_done(district: District) -> None:
    stale = district.call("apply", str(YUNHE), "--plan", "0" * 64, "--world", str(district.world_file), "--json")
    assert (stale.returncode, district.digest in json.loads(stale.stdout)["error"]) == (2, True)
    nowhere = district.call(*district.apply[:-2], str(district.logs / "world.json"))
    assert nowhere.returncode == 2
    assert "is not there" in nowhere.stderr
    torn = district.logs / "torn.json"
    torn.write_text('{"name": "r"')
    damaged = district.call(*district.apply[:-2], str(torn))
    assert damaged.returncode == 2
    assert str(torn) in damaged.stderr
    assert not district.home.evidence.path.exists()


@pytest.mark.timeout(2400)
def test_killed_at_every_boundary_the_district_moves_all_the_same(district: District, on: RunOn) -> None:
    verbs = ("provision", "attach", "shift", *SYSTEM_VERBS)
    walk = Walk(district, on, boundaries("apply", *verbs))
    walk.to_the_end(*district.apply)
    assert walk.left == []
    assert {"worker", "command", "server", "pulumi", "ansible-playbook"} <= set(walk.killed)
    failed = [record.what for record in read(district.home.evidence.path) if record.kind == "step-failed"]
    assert any((what["error"], "ended by signal 9" in what["reason"]) == ("Unreachable", True) for what in failed)
    assert set(district.states().values()) == {"ON_PROBATION", "READY"}
    assert_nobody_lost_anything(district.said())
    assert_nothing_twice(district)
    assert_replication(on, {"civil-db": "old", "identity-db-1": "new", "water-db": "old", "water-billing-db-1": "new"})
    assert_entries_let_pass(on)


def test_what_a_run_has_come_to_is_told_by_its_evidence(district: District) -> None:
    told = json.loads(district.call("report", "--json").stdout)
    assert (told["plan"], told["outcome"]) == (district.digest, "passed")
    verified = district.call("verify", "--json")
    checks = json.loads(verified.stdout)
    assert (verified.returncode, checks["failed"], checks["passed"] > 50) == (0, 0, True)
    assert Path(checks["junit"]).is_file()


def test_a_look_tells_what_was_changed_by_hand_and_finds_all_else_as_it_was_left(district: District, on: RunOn) -> None:
    psql = "cd /; runuser -u postgres -- psql -XAtqd identity -c 'SET default_transaction_read_only = off' -c"
    on("civil-db", f"{psql} 'ALTER SUBSCRIPTION zhenghe_identity_db DISABLE'")
    looked = district.call("status", "--run", district.home.path.name, "--look", "--json")
    told = json.loads(looked.stdout)["look"]
    assert looked.returncode == 1
    assert [(each["unit"], each["what"]) for each in told["troubles"]] == [("system:identity", "way back")], told
    assert (told["units"], told["left_out"]) == (12, [])
    on("civil-db", f"{psql} 'ALTER SUBSCRIPTION zhenghe_identity_db ENABLE'")


@pytest.mark.by_commit("nights", 1 / 8)
@pytest.mark.timeout(1200)
def test_killed_on_the_way_back_the_district_returns_all_the_same(district: District, on: RunOn) -> None:
    walk = Walk(district, on, boundaries("undo", "switch", "shift"))
    walk.to_the_end("rollback", "--run", district.home.path.name, "--json")
    assert walk.left == []
    assert set(district.states().values()) <= {"ROLLED_BACK", "READY"}
    assert_the_way_back_was_measured(district, on)
    assert_replication(on, {"civil-db": "new", "identity-db-1": "old", "water-db": "new", "water-billing-db-1": "old"})
    assert_entries_let_pass(on)


@pytest.mark.by_commit("nights", 1 / 8)
@pytest.mark.timeout(1800)
def test_killed_in_its_commit_the_district_is_released_all_the_same(district: District, on: RunOn) -> None:
    again = district.call(*district.apply)
    assert again.returncode == 0, again.stderr[-4000:]
    assert_nobody_lost_anything(json.loads(again.stdout))
    walk = Walk(district, on, boundaries("apply", "drain", "release", "retire"))
    walk.to_the_end(*district.apply, "--commit")
    assert walk.left == []
    assert set(district.states().values()) == {"COMMITTED", "DECOMMISSIONED"}
    assert_nobody_lost_anything(district.said())
    assert_nothing_twice(district)
    assert verify_chain(district.home.evidence.path).outcome is Soundness.SOUND
    refused = district.call("rollback", "water-billing", "--run", district.home.path.name, "--json")
    assert refused.returncode == 1


def assert_nobody_lost_anything(told: dict[str, Any]) -> None:
    assert told["outcome"] == "passed"
    for unit in told["units"]:
        assert (unit["requests_failed"], unit["packets_lost"], unit["checks"]["failed"]) == (0, 0, 0), unit
        if unit["name"] in {"water-billing", "archive", "identity", "allowance"}:
            assert unit["writes"]["acknowledged"] > 100
            assert (unit["writes"]["lost"], unit["writes"]["doubled"]) == (0, 0)


def assert_the_way_back_was_measured(district: District, on: RunOn) -> None:
    """Look into what was told: users felt the way back no more than the way there, and somebody looked all the time."""
    told = district.said()
    assert_nobody_lost_anything(told)
    assert told["rollback"]["outcome"] == "passed"
    returned = {unit["name"]: unit for unit in told["rollback"]["units"]}
    assert {"water-billing", "archive", "identity", "allowance"} < set(returned)
    for unit in returned.values():
        assert unit["downtime_s"] is not None
        assert (unit["requests_failed"], unit["packets_lost"]) == (0, 0), unit
    shown = json.loads(district.call("status", "--run", district.home.path.name, "--json").stdout)
    measured = [unit["measured"] for unit in shown["units"] if unit["measured"] is not None]
    assert [(each["direction"], each["breaches"]) for each in measured] == [("back", [])] * len(returned)
    # Everything is back, and nobody writes into the services any longer.
    for vantage in ("counter-1", "hall-1", "reader-1"):
        assert on(vantage, "systemctl list-units --plain --no-legend 'zhenghe-probe-*'").stdout == ""


def assert_nothing_twice(district: District) -> None:
    """Look into the cloud: what the sites declare is there once, and nothing else."""
    kinds = load_kinds(playbooks_folder() / "roles")
    sites = [declare_site(district.programme, site, kinds) for site in district.programme.sites]
    endpoint = Path(district.world.cloud.endpoint)
    for kind in ("server", "network", "security_group", "server_group"):
        there = [item["name"] for item in control.ask(endpoint, f"cloud.{kind}.list")["items"]]
        assert sorted(there) == sorted(each.name for site in sites for each in getattr(site, f"{kind}s")), kind


def assert_replication(on: RunOn, roles: dict[str, str]) -> None:
    """Look into the databases: whoever serves is followed by the other one, by one thread and no more."""
    for host, role in roles.items():
        system = "identity_db" if host in {"civil-db", "identity-db-1"} else "water_billing_db"
        base = f"zhenghe_{system}"
        question = (
            "SELECT 'slot ' || slot_name FROM pg_replication_slots UNION ALL "
            "SELECT 'subscription ' || subname || ' ' || subenabled FROM pg_subscription"
        )
        command = f'cd /; runuser -u postgres -- psql -XAtqc "{question}"'
        there = sorted(on(host, command).stdout.split("\n"))
        expected = {"old": f"subscription {base} true", "new": f"slot {base}"}[role]
        assert [line for line in there if line] == [expected], host


def assert_entries_let_pass(on: RunOn) -> None:
    console = "psql -XAt -h /run/zhenghe-pgbouncer-5432 -p 5432 -U pgbouncer -d pgbouncer -c 'SHOW DATABASES'"
    said = on("cloud-a-admin-entry", f"cd /; runuser -u postgres -- {console}").stdout.split()
    paused = {line.split("|")[0]: line.split("|")[-2] for line in said}
    assert (paused["billing"], paused["identity"]) == ("0", "0")
    for host in ("cloud-a-admin-entry", "cloud-a-public-entry"):
        held = on(host, "echo show map /etc/haproxy/zhenghe/hold.map | socat - /run/zhenghe/haproxy.sock").stdout
        assert {line.split()[-1] for line in held.splitlines() if line.strip()} == {"0"}
