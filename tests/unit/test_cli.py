"""The command line: what it answers, with which status, and that it never shows a traceback."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from migrations.cli import failing
from migrations.evidence.chain import Evidence
from migrations.home import RunHome, RunSettings
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"


class Shell:
    """Calls the command as a user does, with a state folder of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.environment = {**os.environ, "ZHENGHE_STATE": str(state), "LANGUAGE": "en"}

    def __call__(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Return what it answered; a traceback is a failure of the test whatever else it says."""
        command = [sys.executable, "-m", "migrations.cli.main", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in done.stdout + done.stderr
        return done


@pytest.fixture
def zhenghe(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "state")


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    return Path(shutil.copytree(YUNHE, tmp_path / "yunhe"))


def test_help_and_version_import_no_engine(zhenghe: Shell) -> None:
    engines = ("temporalio", "pulumi", "ansible_runner", "netmiko", "paramiko")
    code = f"import sys, migrations.cli.main; sys.exit(any(name in sys.modules for name in {engines}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert zhenghe("--version").stdout.startswith("zhenghe ")
    assert "rehearse" in zhenghe("--help").stdout


def test_sound_inventory_is_checked_with_status_0(zhenghe: Shell) -> None:
    done = zhenghe("check", str(YUNHE), "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["errors"] == 0


def test_all_errors_are_told_with_their_place_and_status_2(zhenghe: Shell, inventory: Path) -> None:
    identity = inventory / "systems" / "identity.yaml"
    identity.write_text(identity.read_text().replace("site: cloud-a", "site: cloud-x") + "colour: blue\n")
    for command in ("check", "plan", "rehearse"):
        done = zhenghe(command, str(inventory), "--json")
        assert done.returncode == 2
        findings = [each for each in json.loads(done.stdout)["findings"] if each["severity"] == "error"]
        assert {finding["field"] for finding in findings} >= {"components[0].to.site", "colour"}
        assert all(finding["file"].endswith("identity.yaml") and finding["line"] > 0 for finding in findings)
    # Nothing was done.
    assert not (zhenghe.state / "runs").exists()


def test_plan_is_one_object_with_its_digest(zhenghe: Shell) -> None:
    plan = json.loads(zhenghe("plan", str(YUNHE), "--json").stdout)
    assert digest(Plan.model_validate({name: plan[name] for name in plan if name != "digest"})) == plan["digest"]
    assert plan["digest"] in zhenghe("plan", str(YUNHE)).stdout


def test_plan_of_a_wave_is_kept_and_told_apart_from_what_the_folder_says_now(zhenghe: Shell, inventory: Path) -> None:
    archive = inventory / "systems" / "archive.yaml"
    archive.write_text(archive.read_text() + "wave: 1\n")
    first = json.loads(zhenghe("plan", str(inventory), "--wave", "1", "--json").stdout)
    assert {unit["name"] for unit in first["units"]} == {"cloud-a", "dr-b", "archives-leased", "archive"}
    assert (zhenghe.state / "plans" / first["digest"] / "plan.json").exists()
    assert zhenghe("diff", first["digest"], first["digest"]).returncode == 0
    archive.write_text(archive.read_text().replace("wave: 1", "wave: 2"))
    none = zhenghe("plan", str(inventory), "--wave", "1")
    assert (none.returncode, "waves are: 2" in none.stderr) == (2, True)
    changed = zhenghe("diff", first["digest"], str(inventory), "--json")
    assert changed.returncode == 1
    found = {(each["unit"], each["what"]) for each in json.loads(changed.stdout)["differences"]}
    assert {("system:archive", "wave"), ("system:identity", "new")} <= found


def test_a_unit_that_another_run_has_moved_is_not_begun_again(zhenghe: Shell) -> None:
    plan = json.loads(zhenghe("plan", str(YUNHE), "--json").stdout)
    world = zhenghe.state / "world.json"
    settings = {"name": "hall", "kind": "real", "ssh_config": "c", "cloud": {"backend": "twin", "endpoint": "e"}}
    world.write_text(json.dumps(settings))
    home = RunHome(zhenghe.state / "runs" / "other")
    whole = Plan.model_validate({name: plan[name] for name in plan if name != "digest"})
    home.create(whole, RunSettings(run="other", plan=plan["digest"], world=world))
    what = {"state": "ON_PROBATION", "reason": "", "passage": 1}
    home.evidence.append("unit-state", unit="system:archive", what=what)
    refused = zhenghe("apply", "--plan", plan["digest"], "--world", str(world))
    assert refused.returncode == 2
    assert "system:archive: on probation (run other)" in refused.stderr
    left = json.loads(zhenghe("plan", str(YUNHE), "--world", str(world), "--json").stdout)
    assert [each["unit"] for each in left["left_out"]] == ["system:archive"]
    early = zhenghe("commit", "archive")
    assert early.returncode == 2
    assert "system:archive needs " in early.stderr
    told = json.loads(zhenghe("status", "--json").stdout)["programme"]
    assert [(unit["unit"], unit["state"], unit["run"]) for unit in told["units"]] == [
        ("system:archive", "ON_PROBATION", "other")
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("check", "--colour"),
        ("check", "/no/such/folder"),
        ("plan", str(YUNHE), "one-too-many"),
        ("explain", "nobody-knows-this", str(YUNHE)),
        ("import", "/no/such/sheet.xlsx"),
        ("apply", str(YUNHE)),
        ("apply", str(YUNHE), "--plan", "0" * 64, "--world", "/no/such/world.json"),
        ("status",),
        ("status", "--run", "nowhere"),
        ("report",),
        ("rollback", "water-billing"),
        ("verify",),
        ("twin", "frobnicate"),
        ("twin", "up", str(YUNHE), "--name", "Not A Name"),
        ("twin", "up", "/no/such/folder"),
        ("twin", "down", "one", "--name", "another"),
        ("twin", "shell"),
    ],
)
def test_wrong_use_is_status_2_and_one_line_with_what_to_do_next(zhenghe: Shell, words: tuple[str, ...]) -> None:
    done = zhenghe(*words)
    assert done.returncode == 2
    (said,) = done.stderr.strip().splitlines()
    reason, _, mend = said.partition("; ")
    assert reason
    assert mend
    assert not said.startswith(("Invalid", "Missing", "Got"))
    if words[:2] != ("twin", "shell"):
        assert json.loads(zhenghe(*words, "--json").stdout)["error"] == said


def test_stale_digest_is_refused_before_anything_is_done(zhenghe: Shell, tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    world.write_text("{}")
    done = zhenghe("apply", str(YUNHE), "--plan", "0" * 64, "--world", str(world))
    assert done.returncode == 2
    assert "nothing was done" in done.stderr
    assert not (zhenghe.state / "runs").exists()


@pytest.mark.parametrize("command", ["status", "report", "rollback", "verify"])
def test_question_about_no_run_names_those_that_there_are(zhenghe: Shell, command: str) -> None:
    assert "no run yet" in json.loads(zhenghe(command, "--json").stdout)["error"]
    _run(zhenghe.state)
    done = zhenghe(command, "--run", "p-2", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "there is no run 'p-2'; there are: p-1"


def test_help_is_shown_where_nothing_was_asked_and_in_both_languages(zhenghe: Shell) -> None:
    bare = zhenghe()
    assert "rehearse" in bare.stdout
    assert (bare.stderr, bare.returncode) == ("", 2)
    assert "did you mean 'rehearse'?" in zhenghe("rehears").stderr
    pages = {"": zhenghe("--help").stdout, "twin": zhenghe("twin", "--help").stdout}
    commands = {
        group: re.findall(r"^│ (\w+) ", page.rpartition("Commands")[2], re.MULTILINE) for group, page in pages.items()
    }
    assert {"rehearse", "twin"} <= set(commands[""])
    assert commands["twin"] == ["up", "list", "shell", "down"]
    zhenghe.environment["LANGUAGE"] = "zh"
    for words in [[], ["twin"], *([c] for c in commands[""]), *(["twin", c] for c in commands["twin"])]:
        page = zhenghe(*words, "--help").stdout
        # Names of commands and options are the same in every language; types are words for programmers.
        assert re.findall(r"[A-Za-z]+ [a-z]+ [a-z]+", re.sub(r"--[\w-]+|zhenghe [\w ]+", "", page)) == [], words
        assert not re.search(r"[<{]\w", page), words


def test_wrong_use_is_told_in_chinese_by_chinese_rules(zhenghe: Shell) -> None:
    zhenghe.environment["LANGUAGE"] = "zh"
    for words in [("frobnicate",), ("plan", str(YUNHE), "mehr"), ("apply", str(YUNHE)), ("twin", "shell"), ("status",)]:
        (said,) = zhenghe(*words).stderr.strip().splitlines()
        assert "；" in said
        assert not re.search(r"[;'\"]", said), said


def test_plan_is_told_in_chinese_and_names_nothing_that_is_classified(zhenghe: Shell) -> None:
    zhenghe.environment["LANGUAGE"] = "zh"
    said = zhenghe("plan", str(YUNHE)).stdout
    assert "case-files" not in said
    assert not re.search(r"\b(line|system|switch|untouched|classified)\b", said)


def _run(state: Path) -> RunHome:
    step = Step(
        id="site:a/provision",
        verb="provision",
        stage=Stage.PREPARE,
        kind=StepKind.COMPENSATABLE,
        arguments={},
        timeout=1,
    )
    unit = Unit(name="a", kind=Actuator.SITE, needs=(), wave=1, steps=(step,))
    plan = Plan(programme="p", units=(unit,), untouched=())
    home = RunHome(state / "runs" / "p-1")
    home.create(plan, RunSettings(run="p-1", plan=digest(plan), world=state / "world.json"))
    return home


@pytest.mark.parametrize("command", ["verify", "rollback"])
def test_run_whose_world_is_gone_is_told_in_one_line(zhenghe: Shell, command: str) -> None:
    _run(zhenghe.state)
    done = zhenghe(command)
    assert done.returncode == 2
    assert "is gone" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_status_is_read_from_the_evidence(zhenghe: Shell) -> None:
    home = _run(zhenghe.state)
    told = json.loads(zhenghe("status", "--json").stdout)
    assert [(unit["unit"], unit["state"], unit["measured"]) for unit in told["units"]] == [("site:a", "PLANNED", None)]
    assert zhenghe("report").returncode == 0
    Evidence(home.evidence.path).append(
        "unit-state", unit="site:a", what={"state": "HELD", "reason": "no room", "passage": 1}
    )
    done = zhenghe("status")
    assert done.returncode == 1
    assert "no room" in done.stdout
    assert "Nobody has looked from outside yet." in done.stdout


def test_changed_plan_of_a_run_is_told_in_one_line(zhenghe: Shell) -> None:
    home = _run(zhenghe.state)
    home.plan_file.write_text(home.plan_file.read_text().replace('"timeout": 1', '"timeout": 2'))
    done = zhenghe("status")
    assert done.returncode == 2
    assert "was changed after the run began" in done.stderr


def test_what_belongs_to_somebody_else_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    # Root may open anything, and these tests often run as root: so the error itself is given.
    assert failing.explained(PermissionError(13, "Permission denied", "/var/lib/zhenghe/runs")) == 2
    said = capsys.readouterr().err
    assert said.startswith("/var/lib/zhenghe/runs is not this user's; ")
    assert len(said.splitlines()) == 1


def test_what_should_not_happen_leaves_a_log_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path))
    assert failing.explained(AssertionError("a defect")) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    (log,) = (tmp_path / "logs").iterdir()
    assert str(log) in said
    assert "AssertionError: a defect" in log.read_text()


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("--version",), ("report", "--json")])
def test_an_answer_that_cannot_be_written_is_told_in_one_line(zhenghe: Shell, words: tuple[str, ...]) -> None:
    _run(zhenghe.state)
    command = [sys.executable, "-m", "migrations.cli.main", *words]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, env=zhenghe.environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
