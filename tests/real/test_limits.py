"""A rehearsal in which users felt more than is allowed has failed, whatever else came through."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from infra.twin import client
from infra.worlds import World, load_world
from migrations.evidence.chain import read
from migrations.evidence.kinds import FaultMended, FaultStruck, PassageBegun, PassageEnded, ProbeSaw, WritesJudged
from migrations.states import GOALS, Direction

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
RunOn = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    """The inventory of the archives alone: one line and one system."""
    folder = Path(shutil.copytree(ROOT / "examples" / "yunhe", tmp_path / "archives"))
    (folder / "resources.yaml").unlink()
    for file in (folder / "systems").iterdir():
        if file.name != "archive.yaml":
            file.unlink()
    document = yaml.safe_load((folder / "network.yaml").read_text())
    lines = document["network"]["lines"]
    document["network"]["lines"] = [line for line in lines if line["name"] == "archives-leased"]
    (folder / "network.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))
    return folder


def wait_for(runs: Path, kind: str, process: "subprocess.Popen[str]") -> None:
    """Wait until the evidence that a process writes has a record of a kind."""
    deadline = time.monotonic() + 300
    while not any(record.kind == kind for file in runs.glob("*/evidence.jsonl") for record in read(file)):
        assert process.poll() is None, f"it ended with {process.returncode} before there was a {kind}"
        assert time.monotonic() < deadline, f"there was no {kind}"
        time.sleep(0.2)


def disturb(name: str, on: RunOn) -> None:
    """Cut a line for a moment, and stop a service for a second."""
    client.cut(name, "line:archives-leased")
    time.sleep(0.5)
    client.restore(name, "line:archives-leased")
    on("archives-store", "systemctl stop archive-site; sleep 1; systemctl start archive-site")


@pytest.fixture
def rehearsed(
    archives: Path,
    tmp_path: Path,
    twin_name: Callable[[str], str],
    running_on: Callable[[World], RunOn],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[int, str, str]:
    """A rehearsal that was disturbed while it moved: its status, what it told, and what it said beside that."""
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LANGUAGE", "en")
    name, state = twin_name("l"), tmp_path / "state"
    command = [sys.executable, "-m", "migrations.cli.main", "rehearse", str(archives), "--twin", name, "--json"]
    with (tmp_path / "err").open("w") as err:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=err, text=True)
        try:
            wait_for(state / "runs", "passage-begun", process)
            disturb(name, running_on(load_world(state / "twins" / name / "world.json")))
            out, _ = process.communicate(timeout=500)
        finally:
            process.kill()
            process.wait()
            client.down(name)
    return process.returncode, out, (tmp_path / "err").read_text()


@pytest.mark.timeout(600)
@pytest.mark.by_commit("nights", 1 / 8)
def test_a_request_that_failed_and_a_packet_that_was_lost_fail_the_rehearsal(
    rehearsed: tuple[int, str, str], tmp_path: Path
) -> None:
    code, out, said = rehearsed
    assert "Traceback" not in said
    told = json.loads(out)
    assert (code, told["outcome"]) == (1, "failed")
    units = {unit["name"]: unit for unit in told["units"]}
    assert units["archives-leased"]["packets_lost"] > 0
    assert units["archive"]["requests_failed"] > 0
    assert f"line:archives-leased: {units['archives-leased']['packets_lost']} packets were lost" in said
    assert "requests failed (HTTP 502), 0 are allowed" in said
    # All came to their places: what users felt is the only reason.
    assert {unit["state"] for unit in told["units"]} <= {"READY", "ON_PROBATION"}
    (home,) = (tmp_path / "state" / "runs").iterdir()
    assert "requests failed (HTTP 502), 0 are allowed" in (home / "reports" / "report.en.html").read_text()


@pytest.mark.by_commit("nights", 1 / 8)
@pytest.mark.parametrize(
    "fault, step",
    [
        ("cut:archives-leased", "line:archives-leased/shift"),
        ("silence:archives-store", "system:archive/switch"),
        ("fill:archive-store-1", "system:archive/switch"),
    ],
)
def test_after_a_bad_night_the_same_plan_comes_through_without_a_write_lost(
    archives: Path,
    tmp_path: Path,
    twin_name: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    step: str,
) -> None:
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LANGUAGE", "en")
    words = ("rehearse", str(archives), "--twin", twin_name("b"), "--json", "--fault", fault)
    done = subprocess.run(
        [sys.executable, "-m", "migrations.cli.main", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=550, check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout)
    assert told["outcome"] == "passed"
    assert {unit["state"] for unit in told["units"] if unit["kind"] not in {"site", "link"}} == {"DECOMMISSIONED"}
    (file,) = (tmp_path / "state" / "runs").glob("*/evidence.jsonl")
    records = tuple(read(file))
    (struck,), (mended,) = (tuple(kind.among(records)) for kind in (FaultStruck, FaultMended))
    assert struck[0].step == step
    again = [ended.result for _record, ended in PassageEnded.among(records)][2]
    assert again is not None
    if fault.startswith("cut:"):
        assert [seen.passage for _record, seen in ProbeSaw.among(records) if seen.lost > 0][:1] == [1]
    assert {unit.state for unit in again.units} <= GOALS[Direction.FORWARD]
    assert mended[0].seq < next(record.seq for record, begun in PassageBegun.among(records) if begun.number == 2)
    assert all(not verdict.lost for _record, verdict in WritesJudged.among(records))
