"""One whole rehearsal by the command, as a user calls it: what it tells, what it proves, and what it leaves behind."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.twin.cgroups import ROOT as GROUPS
from infra.twin.paths import TwinPaths
from migrations.evidence.chain import Record, Soundness, read, verify_chain
from migrations.plan import Plan
from tests.real.processes import shown_by_all

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
YUNHE = ROOT / "examples" / "yunhe"
# Whatever was made on these hosts to let somebody in: passwords, their verifiers, private keys, the key of the zone.
KEEPERS = (
    "water-db", "civil-db", "archives-store", "water-app", "water-billing-db-1", "identity-db-1", "archive-store-1",
    "water-billing-app-1", "cloud-a-admin-entry", "ns1", "civil-web", "allowance-db-1",
)  # fmt: skip
GATHER = (
    "find /etc/zhenghe /etc/pgbouncer/zhenghe /var/lib/zhenghe/postgresql /var/lib/zhenghe/mariadb /run/named -type f "
    "-perm 600 ! -name known_hosts ! -name '*.crt' ! -name '*.json' ! -name '*.known' ! -name '*.ini' "
    "-exec cat {} + 2>/dev/null; true"
)


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal said and left."""

    code: int
    told: dict[str, Any]
    errors: str
    home: Path
    secrets: frozenset[str]
    shown: frozenset[bytes]
    """By processes, while it went on."""
    twin: str
    state: Path

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(read(self.home / "evidence.jsonl"))

    @property
    def plan(self) -> Plan:
        return Plan.model_validate_json((self.home / "plan.json").read_bytes())


@pytest.fixture(scope="module")
def rehearsed(twin_name: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """The rehearsal that all tests of this file look at; the secrets were read from its hosts while it went on."""
    state, name = tmp_path_factory.mktemp("state"), twin_name("z")
    environment = {**os.environ, "ZHENGHE_STATE": str(state), "LANGUAGE": "en"}
    command = [sys.executable, "-m", "migrations.cli.main"]
    words = ["rehearse", str(YUNHE), "--twin", name, "--json"]
    with (state / "out").open("w") as out, (state / "err").open("w") as err, shown_by_all() as shown:
        process = subprocess.Popen([*command, *words], cwd=ROOT, env=environment, stdout=out, stderr=err)
        try:
            secrets = _gathered(process, state, name)
            code = process.wait(900)
        finally:
            process.kill()
            process.wait()
            subprocess.run([*command, "twin", "down", "--name", name], cwd=ROOT, env=environment, check=True)
    (home,) = (state / "runs").iterdir()
    told = json.loads((state / "out").read_text())
    return Rehearsed(code, told, (state / "err").read_text(), home, secrets, frozenset(shown), name, state)


def _gathered(process: "subprocess.Popen[bytes]", state: Path, name: str) -> frozenset[str]:
    """Wait until everything that is to be let in anywhere has been, and read by what."""
    while process.poll() is None:
        records = [record for file in (state / "runs").glob("*/evidence.jsonl") for record in read(file)]
        moved = {r.unit for r in records if r.kind == "unit-state" and r.what["state"] == "ON_PROBATION"}
        if {"system:archive", "system:water-billing", "system:identity", "system:allowance"} <= moved:
            break
        time.sleep(0.5)
    config = str(state / "twins" / name / "ssh_config")
    found = set()
    for host in KEEPERS:
        said = subprocess.run(("ssh", "-F", config, host, GATHER), capture_output=True, text=True, check=False).stdout
        found |= set(re.findall(r"[A-Za-z0-9_/+=$-]{32,}", said.replace("-----", " ")))
    # The beginning of every key in OpenSSH's format is the same.
    return frozenset(secret for secret in found if not secret.startswith("b3BlbnNzaC1rZXk"))


def test_it_passes_and_tells_so_in_one_object(rehearsed: Rehearsed) -> None:
    assert rehearsed.code == 0, rehearsed.errors[-4000:]
    told = rehearsed.told
    assert set(told) == {"plan", "world", "outcome", "units", "rollback", "evidence"}
    assert (told["world"], told["outcome"], told["rollback"]["outcome"]) == ("twin", "passed", "passed")
    assert rehearsed.plan.programme == "yunhe"
    assert (rehearsed.home / "run.json").read_text().count(told["plan"]) == 1
    assert Path(told["evidence"]) == rehearsed.home / "evidence.jsonl"
    assert "Traceback" not in rehearsed.errors


def test_every_unit_came_to_its_end_and_nobody_felt_it(rehearsed: Rehearsed) -> None:
    units = {(unit["kind"], unit["name"]): unit for unit in rehearsed.told["units"]}
    assert set(units) == {(unit.kind, unit.name) for unit in rehearsed.plan.units}
    fields = {"name", "kind", "state", "downtime_s", "requests_failed", "packets_lost", "checks", "seconds"}
    for (kind, _name), unit in units.items():
        assert set(unit) == fields
        assert unit["state"] == ("COMMITTED" if kind in {"site", "link"} else "DECOMMISSIONED")
        assert (unit["requests_failed"], unit["packets_lost"], unit["checks"]["failed"]) == (0, 0, 0)
        assert unit["checks"]["passed"] > 0
    for name in ("water-billing", "archive", "identity", "allowance"):
        unit = units["system", name]
        assert unit["downtime_s"] > 0
        assert unit["seconds"] > unit["downtime_s"]
        writes = [r.what for r in rehearsed.records if (r.kind, r.unit) == ("writes-verdict", f"system:{name}")]
        assert writes[-1]["acknowledged"] > 100
        assert [(verdict["lost"], verdict["doubled"]) for verdict in writes] == [([], [])] * len(writes)
    for returned in rehearsed.told["rollback"]["units"]:
        assert (returned["requests_failed"], returned["packets_lost"]) == (0, 0)


def test_evidence_holds_every_step_of_every_passage_and_is_sound(rehearsed: Rehearsed) -> None:
    assert verify_chain(rehearsed.home / "evidence.jsonl").outcome is Soundness.SOUND
    done = {(r.step, r.what["deed"]) for r in rehearsed.records if r.kind == "step-done"}
    steps = [step for unit in rehearsed.plan.units for step in unit.steps]
    assert {(step.id, "apply") for step in steps} <= done
    undone = {step.id for step in steps if step.stage == "cutover" and step.kind == "reversible"}
    assert undone == {step for step, deed in done if deed == "undo"}
    assert not [r for r in rehearsed.records if r.kind == "step-failed"]


def test_what_must_not_be_touched_is_in_no_step_and_in_no_record(rehearsed: Rehearsed) -> None:
    untouched = {(left.kind, left.name) for left in rehearsed.plan.untouched}
    assert untouched == {("system", "case-files"), ("line", "tax-golden")}
    steps = "".join(step.model_dump_json() for unit in rehearsed.plan.units for step in unit.steps)
    seen = (rehearsed.home / "evidence.jsonl").read_text()
    saved = " ".join(str(file) for file in rehearsed.home.rglob("*"))
    for word in ("case-files", "tax-golden", "tax-ce", "tax-hub", "10.252.14.", "10.14.0."):
        assert word not in steps
        assert word not in seen
        assert word not in saved


def test_no_secret_is_in_anything_that_it_wrote(rehearsed: Rehearsed) -> None:
    # Two ends and an entry for each of two databases, two ends of a third, the readers' keys, the zone's key.
    assert len(rehearsed.secrets) > 8
    files = [file for file in rehearsed.home.rglob("*") if file.is_file()]
    written = {file: file.read_bytes() for file in (*files, rehearsed.state / "err", rehearsed.state / "out")}
    leaks = [file for file, text in written.items() for secret in rehearsed.secrets if secret.encode() in text]
    assert leaks == []
    example = [file.read_text().strip().encode() for file in YUNHE.rglob("*.pass")]
    assert [file for file, text in written.items() for one in example if one in text] == []
    assert [file for file in files if file.stat().st_mode & 0o077] == []


def test_no_secret_is_in_the_command_or_the_environment_of_a_process(rehearsed: Rehearsed) -> None:
    # The twin's hosts are seen from here, too: what a playbook starts there shows itself like any other process.
    assert [word for word in rehearsed.shown if str(rehearsed.home).encode() in word]
    assert b"/usr/sbin/mariadbd" in rehearsed.shown
    secrets = [secret.encode() for secret in rehearsed.secrets]
    assert [word for word in rehearsed.shown if any(secret in word for secret in secrets)] == []


def test_the_page_tells_of_every_unit_and_of_what_was_left_alone(rehearsed: Rehearsed) -> None:
    for language in ("en", "zh"):
        page = (rehearsed.home / "reports" / f"report.{language}.html").read_text()
        titles = ("水费征收系统", "城建档案库", "居民身份核验库", "高龄津贴发放系统")
        for title in ("云河区政务信息系统整合", *titles, "water-leased"):
            assert title in page
        assert "tax-golden" in page
        # It is one file that looks the same without a network.
        assert not re.search(r"""(src|href)=["']?https?:""", page)


def test_nothing_is_left_behind(rehearsed: Rehearsed) -> None:
    paths = TwinPaths.of(rehearsed.twin)
    assert list((rehearsed.home / "playbooks").iterdir()) == []
    assert not (rehearsed.state / "twins" / rehearsed.twin).exists()
    assert not paths.run.exists()
    assert list(GROUPS.rglob(f"zhenghe-{rehearsed.twin}")) == []
    marks = (str(rehearsed.state).encode(), rehearsed.twin.encode() + b"\0")
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words, mounts = (entry / "cmdline").read_bytes(), (entry / "mountinfo").read_bytes()
        except OSError:
            continue
        assert not any(mark in words for mark in marks), words
        assert str(rehearsed.state).encode() not in mounts
