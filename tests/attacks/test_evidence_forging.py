"""Somebody who can write into a run's folder forges its evidence, and makes the chain anew: it is found."""

import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migrations.evidence.chain import BEGINNING, ChainVerdict, DamagedEvidence, Soundness
from migrations.evidence.kinds import CommandBegun, StepFailed, UnitMoved
from migrations.home import RunHome, RunSettings
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest
from migrations.report import summary_of
from migrations.report.achievements import achievements_of_runs
from migrations.states import Deed, UnitState
from migrations.trust import bundle
from migrations.trust.signing import sign
from migrations.trust.witness import begin, recent_testimony, sign_head, witnessed
from migrations.trust.witness import testimony as whole_testimony

STEP = Step(id="system:a/go", kind=StepKind.PIVOT, stage=Stage.COMMIT, verb="retire", arguments={}, timeout=9.0)
UNIT = Unit(kind=Actuator.SYSTEM, name="a", wave=None, needs=(), steps=(STEP,))
PLAN = Plan(programme="p", units=(UNIT,), untouched=())
Rows = list[dict[str, Any]]


def judged(home: RunHome) -> ChainVerdict:
    """Judge evidence whole; the quick look by its last signature says the same of whatever is forged."""
    whole = whole_testimony(home)
    assert recent_testimony(home) == whole
    return whole


@pytest.fixture
def home(tmp_path: Path) -> RunHome:
    """A run of two commands, in the second of which a step failed at first."""
    made = RunHome(tmp_path / "state" / "runs" / "p.1")
    settings = RunSettings(run="p.1", plan=digest(PLAN), world=tmp_path / "world.json", kind="twin")
    made.create(PLAN, settings)
    for deed in ("apply", "commit"):
        with witnessed(made, deed):
            failed = StepFailed(deed=Deed.APPLY, passage=1, reason="refused")
            made.evidence.write(failed, unit="system:a", step=STEP.id)
            sign_head(made)
            made.evidence.write(UnitMoved(state=UnitState.DECOMMISSIONED), unit="system:a")
    assert judged(made).outcome is Soundness.SOUND
    return made


def rows_of(home: RunHome) -> Rows:
    return [json.loads(line) for line in home.evidence.path.read_text().splitlines()]


def chained(home: RunHome, rows: Rows) -> None:
    """Write rows as a sound chain, as anybody can who takes away how many records were signed."""
    home.head_file.unlink(missing_ok=True)
    previous = BEGINNING
    for number, row in enumerate(rows, 1):
        row |= {"seq": number, "previous": previous}
        row.pop("hash", None)
        text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        row["hash"] = previous = hashlib.sha256(text.encode()).hexdigest()
    lines = (json.dumps(row, separators=(",", ":"), ensure_ascii=False) for row in rows)
    home.evidence.path.write_text("".join(f"{line}\n" for line in lines))


def without(kind: str) -> Callable[[Rows], Rows]:
    return lambda rows: [row for row in rows if row["kind"] != kind]


def on_another_day(rows: Rows) -> Rows:
    return [{**row, "time": f"2018-05-01{row['time'][10:]}"} for row in rows]


def unsigned(rows: Rows) -> Rows:
    return without("head-signed")(without("run-begun")(rows))


@pytest.mark.parametrize(
    "forge, found",
    [
        (without("step-failed"), Soundness.BROKEN),
        (on_another_day, Soundness.BROKEN),
        (without("head-signed"), Soundness.BROKEN),
        (unsigned, Soundness.UNSIGNED),
        (lambda rows: rows[:-1], Soundness.OPEN),
        (lambda rows: rows[:-2], Soundness.OPEN),
        (lambda rows: rows[:4], Soundness.OPEN),
    ],
)
def test_a_chain_that_was_made_anew_is_found(home: RunHome, forge: Callable[[Rows], Rows], found: Soundness) -> None:
    chained(home, forge(rows_of(home)))
    assert judged(home).outcome is found
    assert summary_of(home).chain.outcome is found


def test_a_run_under_another_name_is_found(home: RunHome) -> None:
    other = home.path.with_name("q.1")
    shutil.copytree(home.path, other)
    settings = json.loads((other / "run.json").read_text()) | {"run": "q.1"}
    (other / "run.json").write_text(json.dumps(settings))
    verdict = judged(RunHome(other))
    assert (verdict.outcome, "another run" in verdict.reason) == (Soundness.BROKEN, True)


def test_a_run_of_a_twin_does_not_become_one_of_the_real_world(home: RunHome) -> None:
    settings = json.loads(home.settings_file.read_text()) | {"kind": "real"}
    home.settings_file.write_text(json.dumps(settings))
    assert judged(home).outcome is Soundness.BROKEN
    seen = achievements_of_runs(home.path.parent, "p")
    assert (seen.records, seen.runs, len(seen.left_out)) == ((), (), 1)


def test_another_plan_with_its_digest_is_found(home: RunHome) -> None:
    plan = Plan(programme="p", units=(UNIT.model_copy(update={"steps": ()}),), untouched=())
    home.plan_file.write_text(plan.model_dump_json())
    settings = json.loads(home.settings_file.read_text()) | {"plan": digest(plan)}
    home.settings_file.write_text(json.dumps(settings))
    assert judged(RunHome(home.path)).outcome is Soundness.BROKEN


def test_a_run_that_was_signed_anew_with_another_key_is_found(home: RunHome) -> None:
    kept = home.path.parent.with_name("witnesses").read_text()
    for file in home.path.glob("witness.key*"):
        file.unlink()
    home.evidence.path.unlink()
    begin(home)
    home.path.parent.with_name("witnesses").write_text(kept)
    with witnessed(home, "apply"):
        pass
    verdict = judged(home)
    assert (verdict.outcome, "another key" in verdict.reason) == (Soundness.BROKEN, True)


def test_a_command_that_was_killed_is_open_until_the_next_one_has_ended(home: RunHome) -> None:
    home.evidence.write(CommandBegun(deed="apply"))
    assert judged(home).outcome is Soundness.OPEN
    with home.held():
        assert judged(home).outcome is Soundness.SOUND
    with pytest.raises(KeyboardInterrupt), witnessed(home, "apply"):
        raise KeyboardInterrupt
    assert judged(home).outcome is Soundness.SOUND
    ended = [row["what"]["result"] for row in rows_of(home) if row["kind"] == "command-ended"]
    assert ended == ["ended", "ended", "stopped by KeyboardInterrupt"]


def test_evidence_says_who_did_what_with_which_plan_and_where(home: RunHome) -> None:
    first, second, *_rest = rows_of(home)
    assert (first["what"]["run"], first["what"]["plan"], first["what"]["world"]) == ("p.1", digest(PLAN), "twin")
    assert {"version", "user", "machine", "key"} <= first["what"].keys()
    assert (second["kind"], second["what"]["deed"]) == ("command-begun", "apply")


def test_what_was_sent_off_this_machine_tells_of_a_tail_that_was_taken_away(
    home: RunHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = tmp_path / "elsewhere"
    for where in (f"file:{sink}", f"command:sh -c 'cat >> {sink}'"):
        monkeypatch.setenv("ZHENGHE_EVIDENCE_SINK", where)
        before = len(rows_of(home))
        with witnessed(home, "apply"):
            pass
        chained(home, rows_of(home)[:before])
    assert judged(home).outcome is Soundness.SOUND
    records = [int(line.split()[1]) for line in sink.read_text().splitlines() if line.startswith("records: ")]
    assert len(records) == 2
    assert min(records) > len(rows_of(home))
    for where in ("nowhere", "file:/no/such/folder/x", "command:false"):
        monkeypatch.setenv("ZHENGHE_EVIDENCE_SINK", where)
        sign_head(home)
        assert str(rows_of(home)[-1]["what"]["sent"]).startswith("not sent")


def test_nobody_signs_for_a_chain_that_is_broken(home: RunHome) -> None:
    lines = home.evidence.path.read_text().splitlines(keepends=True)
    home.evidence.path.write_text("".join([*lines[:2], *lines[3:]]))
    before = home.evidence.path.read_bytes()
    with pytest.raises(DamagedEvidence), witnessed(home, "apply"):
        pass
    assert home.evidence.path.read_bytes() == before


def exported(home: RunHome, tmp_path: Path) -> Path:
    return bundle.export(home, tmp_path / "p.evidence.tar.gz")


def test_a_bundle_proves_itself_and_is_checked_with_two_tools_alone(home: RunHome, tmp_path: Path) -> None:
    file = exported(home, tmp_path)
    assert bundle.verify(file).outcome is Soundness.SOUND
    with tarfile.open(file) as archive:
        assert not any("key" in name.split("/")[-1] for name in archive.getnames())
        archive.extractall(tmp_path / "there")
    folder = tmp_path / "there" / "p.1"
    lines = (folder / "README").read_text().splitlines()
    commands = [line.split("  #")[0] for line in lines if line.startswith("    ")]
    said = [
        subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True).stdout
        for command in commands
    ]
    assert "Good" in said[1]
    assert "Good" in said[2]
    assert said[3].split()[0] in (folder / "head").read_text()


def test_the_document_checks_a_bundle_by_its_own_commands(home: RunHome, tmp_path: Path) -> None:
    exported(home, tmp_path).rename(tmp_path / "RUN.evidence.tar.gz")
    document = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text()
    size = str(home.evidence.path.read_bytes().rfind(b'{"seq":' + str(len(rows_of(home))).encode()))
    script = document.split("```")[1].strip().replace("-I RUN ", "-I p.1 ").replace("cd RUN", "cd p.1")
    words = ["sh", "-ec", script.replace("-c BYTES", f"-c {size}")]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count("Good") == 2
    head = (tmp_path / "p.1" / "head").read_text()
    assert f"bytes: {size}\n" in head
    assert head.split("sha256: ")[1].strip() in done.stdout


def reports(folder: Path) -> None:
    (folder / "verify.xml").write_text("<testsuite failures='0'/>")


def reports_with_their_sums(folder: Path) -> None:
    reports(folder)
    another_list(folder)


def another_list(folder: Path) -> None:
    names = [line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names
            if (folder / name).exists()]  # fmt: skip
    (folder / "SHA256SUMS").write_text("".join(sums))


def one_more(folder: Path) -> None:
    (folder / "approvals").mkdir()
    (folder / "approvals" / "commit-wang.json").write_text("{}")


def no_evidence(folder: Path) -> None:
    (folder / "evidence.jsonl").unlink()
    another_list(folder)


def empty_evidence(folder: Path) -> None:
    (folder / "evidence.jsonl").write_text("")
    another_list(folder)


def no_signature(folder: Path) -> None:
    (folder / "SHA256SUMS.sig").unlink()


def signed_by_another(folder: Path) -> None:
    key = folder.parent / "another"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    reports(folder)
    another_list(folder)
    text = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS.sig").write_text(sign(text, key, "zhenghe-bundle"))


def signed_for_something_else(folder: Path) -> None:
    (folder / "SHA256SUMS.sig").write_text((folder / "head.sig").read_text())


@pytest.mark.parametrize(
    "forge",
    [
        one_more, no_evidence, empty_evidence, no_signature, signed_by_another, signed_for_something_else, reports,
        reports_with_their_sums,
    ],
)  # fmt: skip
def test_what_no_record_binds_is_bound_by_the_list_of_files(
    home: RunHome, tmp_path: Path, forge: Callable[[Path], object]
) -> None:
    (home.path / "verify.xml").write_text("<testsuite failures='3'/>")
    with tarfile.open(exported(home, tmp_path)) as archive:
        archive.extractall(tmp_path / "there")
    folder = tmp_path / "there" / "p.1"
    forge(folder)
    with tarfile.open(tmp_path / "forged.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    assert bundle.verify(tmp_path / "forged.tar.gz").outcome in {Soundness.BROKEN, Soundness.UNSIGNED}


@pytest.mark.parametrize("name", ["evidence.jsonl", "plan.json", "run.json"])
def test_a_bundle_that_was_changed_is_found(home: RunHome, tmp_path: Path, name: str) -> None:
    def packed(folder: Path) -> ChainVerdict:
        with tarfile.open(tmp_path / "forged.tar.gz", "w:gz") as archive:
            archive.add(folder, arcname=folder.name)
        return bundle.verify(tmp_path / "forged.tar.gz")

    with tarfile.open(exported(home, tmp_path)) as archive:
        archive.extractall(tmp_path / "there")
    folder = tmp_path / "there" / "p.1"
    (folder / name).write_text((folder / name).read_text().replace("DECOMMISSIONED", "HELD").replace("twin", "real"))
    if name == "plan.json":
        (folder / name).write_text("{}")
    assert packed(folder).outcome is Soundness.BROKEN


def test_what_is_no_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no")
    with pytest.raises(bundle.NoBundle):
        bundle.verify(tmp_path / "x")


@pytest.mark.parametrize(
    "names",
    [
        ("p.1/../../out",), ("/tmp/out",), ("p.1/" + "x" * 300,), ("p.1/a", "p.1/a/b"), ("p.1/a/b", "p.1/a"),
        ("p.1/a", "p.1/a"), ("p.1/-> /etc",), ("p.1",), (),
    ],
)  # fmt: skip
def test_a_bundle_writes_nowhere_else_and_breaks_nothing_by_its_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    with tarfile.open(tmp_path / "x", "w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(name.partition("->")[0])
            if "->" in name:
                entry.type, entry.linkname = tarfile.SYMTYPE, name.partition("->")[2]
            archive.addfile(entry)
    with pytest.raises(bundle.NoBundle):
        bundle.verify(tmp_path / "x")


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_bundle_of_which_a_byte_or_its_end_is_lost_is_none(home: RunHome, tmp_path: Path, at: float) -> None:
    packed = exported(home, tmp_path).read_bytes()
    place = int(len(packed) * at)
    for damaged in (packed[:place], packed[:place] + bytes([packed[place] ^ 1]) + packed[place + 1 :]):
        (tmp_path / "x").write_bytes(damaged)
        try:
            assert bundle.verify(tmp_path / "x").outcome is Soundness.BROKEN
        except bundle.NoBundle:
            continue


@pytest.mark.parametrize("name", ["SHA256SUMS", "SHA256SUMS.sig", "evidence.jsonl", "plan.json", "run.json", "head"])
def test_files_of_a_bundle_that_are_no_text_are_told(home: RunHome, tmp_path: Path, name: str) -> None:
    with tarfile.open(exported(home, tmp_path)) as archive:
        archive.extractall(tmp_path / "there")
    folder = tmp_path / "there" / "p.1"
    for content in (b"\xff\x00\n", b"[" * 100_000, b"x  a\0b\n"):
        (folder / name).write_bytes(content)
        if name != "SHA256SUMS":
            another_list(folder)
        with tarfile.open(tmp_path / "forged", "w:gz") as archive:
            archive.add(folder, arcname=folder.name)
        assert bundle.verify(tmp_path / "forged").outcome in {Soundness.BROKEN, Soundness.UNSIGNED}
