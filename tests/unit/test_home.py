"""A run's folder that several commands make at once, and the port of its engine."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from migrations.actuators.sharing import shared_by
from migrations.home import RunHome, RunSettings, UnreadableRun
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, digest
from migrations.run.engine.temporal import free_port

PLAN = Plan(programme="p", units=(), untouched=())


def test_commands_that_make_a_run_at_once_have_one_key(tmp_path: Path) -> None:
    at_once = threading.Barrier(8)

    def created(_number: int) -> bytes:
        home = RunHome(tmp_path / "run")
        at_once.wait()
        home.create(PLAN, RunSettings(run="p", plan=digest(PLAN), world=tmp_path / "world.json"))
        return home.key_file.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(created, range(8)))) == 1
    assert RunHome(tmp_path / "run").plan() == PLAN
    assert not list((tmp_path / "run").glob("*.new"))


def test_what_a_killed_command_had_made_of_a_run_is_kept_and_completed(tmp_path: Path) -> None:
    home = RunHome(tmp_path / "run")
    settings = RunSettings(run="p", plan=digest(PLAN), world=tmp_path / "world.json")
    home.create(PLAN, settings)
    key = home.key_file.read_bytes()
    home.settings_file.unlink()
    home.plan_file.unlink()
    home.create(PLAN, settings)
    assert (home.key_file.read_bytes(), home.plan(), home.settings()) == (key, PLAN, settings)


@pytest.mark.parametrize("name", ["run.json", "plan.json", "programme.json"])
def test_a_file_that_another_version_wrote_is_named(tmp_path: Path, name: str) -> None:
    home = RunHome(tmp_path / "run")
    home.create(PLAN, RunSettings(run="p", plan=digest(PLAN), world=tmp_path / "world.json"))
    (home.path / name).write_text('{"of": "another version"}')
    read = {"run.json": home.settings, "plan.json": home.plan, "programme.json": home.programme}[name]
    with pytest.raises(UnreadableRun, match=name):
        read()


def test_the_engine_takes_no_port_that_a_connection_may_be_given_before_it_begins() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port()
    assert port < first
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))


def test_what_runs_of_one_world_share_they_lock_in_one_place(tmp_path: Path) -> None:
    def home(name: str, world: str) -> RunHome:
        made = RunHome(tmp_path / "runs" / name)
        made.create(PLAN, RunSettings(run=name, plan=digest(PLAN), world=tmp_path / world))
        return made

    (tmp_path / "link.json").symlink_to("world.json")
    one, two, elsewhere = home("one", "world.json"), home("two", "link.json"), home("three", "other.json")
    assert one.world_locks == two.world_locks != elsewhere.world_locks
    assert one.locks != two.locks

    def step(verb: str, **arguments: object) -> Step:
        return Step(id="x", verb=verb, stage=Stage.CUTOVER, kind=StepKind.GATE, arguments=arguments, timeout=1)

    entries = [{"host": "b"}, {"host": "a"}, {"host": "b"}]
    assert shared_by(Actuator.SYSTEM, step("switch", entries=entries)) == ("entry:a", "entry:b")
    assert shared_by(Actuator.SYSTEM, step("verify", entries=entries)) == ()
    assert shared_by(Actuator.LINE, step("shift", devices=[{"device": "pe"}])) == ("device:pe",)
    assert shared_by(Actuator.PEOPLE, step("carry")) == shared_by(Actuator.SITE, step("provision")) == ()
