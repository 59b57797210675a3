"""What a check tells that is no error, and how findings are told: to people, as JSON, as SARIF, in Chinese."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from inventory.checks.checking import check
from inventory.checks.sarif import sarif
from inventory.findings import RULES, Advice, Finding, Severity, written
from inventory.kinds import load_kinds, playbooks_folder

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
KINDS = load_kinds(playbooks_folder() / "roles")
SURVEY = {
    "number": "XT-1", "function": "bills", "users": "city", "frequency": "daily", "approved_by": "DRC",
    "approved": "2011-05-20", "funding": "budget", "network": "own", "usage": {"cpus": 2},
}  # fmt: skip
RESOURCE = {
    "name": "bills", "title": "账单", "department": "water", "provider": "水费处",
    "category": "水务", "description": "账单", "format": "数据库",
    "cycle": "daily", "published": "2017-09-30", "sharing": "none", "basis": "法", "use": "核验",
    "open": False,
}  # fmt: skip


def imported(**more: Any) -> dict[str, Any]:
    """A programme as an import leaves it: nothing of a network, a site or a target."""
    return {
        "programme": "p", "title": "p", "profile": "jimo",
        "departments": [{"name": "water", "title": "水务局", "rooms": [{"name": "room", "area": 12}]}],
        "systems": [{"system": "billing", "title": "水费", "department": "water", "grading": {"mlps": 2},
                     "survey": SURVEY,
                     "components": [{"name": "app", "kind": "web", "on": ["app-1"], "settings": {"root": "/srv"}}]}],
        **more,
    }  # fmt: skip


def findings_of(folder: Path, document: dict[str, Any]) -> tuple[Finding, ...]:
    document["departments"][0]["rooms"][0].setdefault("hosts", [{"name": "app-1"}])
    (folder / "programme.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))
    return check(folder, KINDS).findings


def test_what_was_only_imported_has_no_errors_and_is_not_planned_yet(tmp_path: Path) -> None:
    findings = findings_of(tmp_path, imported())
    assert [(each.severity, each.rule, each.field) for each in findings] == [
        (Severity.WARNING, "plan", "systems[0].components")
    ]
    assert "not planned yet" in findings[0].reason


@pytest.mark.parametrize("more, severity", [({}, "warning"), ({"disposition": "rehost"}, "error")])
def test_a_move_by_hand_without_a_target_is_an_error(tmp_path: Path, more: dict[str, Any], severity: str) -> None:
    document = imported()
    document["systems"][0].update(more)
    assert [each.severity for each in findings_of(tmp_path, document)] == [severity]


LACKS: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "no survey": (("systems",), {"survey": None}, "lacks number, function, users"),
    "a survey without two fields": (
        ("systems",), {"survey": {**SURVEY, "number": " ", "usage": {}}}, "lacks number, usage (LN-audit, LN-archive)"),
    "no grading": (("systems",), {"grading": {}}, "neither an MLPS level"),
    "a use before the launch": (
        ("systems",), {"survey": {**SURVEY, "launched": "2015-01-01", "last_used": "2014-01-01"}}, "lies before"),
    "connected before the review": (
        ("systems",), {"exchange": {"reviewed": "2018-03-01", "connected": "2018-02-01"}}, "lies before"),
    "a room without area": (("departments", "rooms"), {"area": None}, "the floor area is not known (LN-rooms)"),
    "a resource without a format": (("resources",), {"format": ""}, "lacks format"),
    "not shared, and why": (("resources",), {"basis": ""}, "lacks basis"),
    "shared on which conditions": (("resources",), {"sharing": "conditional"}, "lacks way, conditions"),
}  # fmt: skip


@pytest.mark.parametrize("name", LACKS)
def test_what_is_not_known_is_a_warning(tmp_path: Path, name: str) -> None:
    path, more, said = LACKS[name]
    # Clauses are those of the programme's own plan alone.
    document = imported(resources=[dict(RESOURCE)], profile="liaoning")
    assert [each.rule for each in findings_of(tmp_path, document)] == ["plan"]
    holder: Any = document
    for key in path:
        holder = holder[key][0]
    holder.update(more)
    told = [each for each in findings_of(tmp_path, document) if each.rule != "plan"]
    assert [each.severity for each in told] == [Severity.WARNING], written(told)
    reason = told[0].reason
    assert all(word in reason for word in said.replace("(", "").replace(")", "").split())


def test_of_another_plan_no_clause_is_cited(tmp_path: Path) -> None:
    document = imported(resources=[dict(RESOURCE)], profile="jimo")
    document["departments"][0]["rooms"][0]["area"] = None
    (told,) = (each for each in findings_of(tmp_path, document) if each.rule != "plan")
    assert "the floor area is not known" in told.reason
    assert "LN-" not in told.reason


def test_suggestions_stand_where_the_system_is_written() -> None:
    def adviser(programme: Any, _kinds: Any) -> tuple[Advice, ...]:
        return tuple(
            Advice(system=system.system, field="survey.function", reason="looks like another one", mend="compare them")
            for system in programme.systems
            if system.system == "archive"
        )

    (note,) = (each for each in check(YUNHE, KINDS, [adviser]).findings if each.rule == "suggestion")
    assert note.severity is Severity.NOTE
    assert note.file.name == "archive.yaml"
    assert note.field == "survey.function"
    assert note.line > 1


# What the standard's own schema demands of the parts that are written here (OASIS SARIF 2.1.0 with errata 01).
MESSAGE = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string"}},
    "additionalProperties": False,
}
REGION = {
    "type": "object", "additionalProperties": False, "required": ["startLine"],
    "properties": {"startLine": {"type": "integer", "minimum": 1}, "startColumn": {"type": "integer", "minimum": 1}},
}  # fmt: skip
RESULT = {
    "type": "object", "required": ["message"], "additionalProperties": False,
    "properties": {
        "ruleId": {"type": "string"}, "ruleIndex": {"type": "integer", "minimum": -1}, "message": MESSAGE,
        "level": {"enum": ["none", "note", "warning", "error"]},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "locations": {"type": "array", "items": {
            "type": "object", "additionalProperties": False, "properties": {"physicalLocation": {
                "type": "object", "additionalProperties": False, "required": ["artifactLocation"],
                "properties": {"region": REGION, "artifactLocation": {
                    "type": "object", "additionalProperties": False,
                    "properties": {"uri": {"type": "string", "pattern": r"^[!-~]*$"}}}}}}}},
    },
}  # fmt: skip
LOG = {
    "type": "object", "required": ["version", "runs"], "additionalProperties": False,
    "properties": {"$schema": {"type": "string"}, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": {
        "type": "object", "required": ["tool"], "additionalProperties": False,
        "properties": {
            "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            "results": {"type": "array", "items": RESULT},
            "tool": {"type": "object", "required": ["driver"], "additionalProperties": False, "properties": {"driver": {
                "type": "object", "required": ["name"], "additionalProperties": False, "properties": {
                    "name": {"type": "string"}, "version": {"type": "string"},
                    "rules": {"type": "array", "uniqueItems": True, "items": {
                        "type": "object", "required": ["id"], "additionalProperties": False,
                        "properties": {"id": {"type": "string"}, "shortDescription": MESSAGE}}}}}}},
        }}}},
}  # fmt: skip


def test_sarif_is_what_the_standard_demands(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(YUNHE, tmp_path / "区 yunhe", ignore=shutil.ignore_patterns("twin")))
    (folder / "broken.yaml").write_text("a: [1\n")
    (folder / "latin.yaml").write_bytes(b"title: caf\xe9\n")
    (folder / "gone.yaml").symlink_to(folder / "nowhere")
    findings = check(folder, KINDS).findings
    log = sarif(findings, tmp_path, "1.0")
    Draft202012Validator(LOG).validate(json.loads(json.dumps(log)))
    (run,) = log["runs"]
    assert len(run["results"]) == len(findings) > 3
    for result, finding in zip(run["results"], findings, strict=True):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri.startswith("%E5%8C%BA%20yunhe/")
    outside = sarif(findings, Path("/nowhere"), "1.0")["runs"][0]["results"][0]
    assert outside["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("file:///")


def many(severities: str) -> tuple[Finding, ...]:
    words = {"e": Severity.ERROR, "w": Severity.WARNING, "n": Severity.NOTE}
    return tuple(
        Finding(file=Path(f"{n % 30:02}.yaml"), line=n + 1, column=1, field="", reason=f"r{n}", severity=words[letter])
        for n, letter in enumerate(severities)
    )


def test_errors_come_before_warnings_where_not_all_are_written_whole() -> None:
    text = written(many("w" * 300 + "e" * 30 + "n" * 50))
    assert text.count("error  r") == 30
    assert text.count("warning  r") == 10
    assert "340 more" in text
    assert "290 × warning" in text
    assert "in 30 files" in text
    assert text.endswith("errors: 30, warnings: 300, suggestions: 50, files: 30")


def test_a_file_that_cannot_be_read_is_written_whole_whatever_else_is_wrong() -> None:
    unread = Finding(file=Path("z.yaml"), line=3, column=1, field="", reason="this is not YAML", rule="yaml")
    assert "  3:1      error  this is not YAML" in written((*many("e" * 300), unread)).splitlines()


def test_nothing_wrong_says_what_was_read() -> None:
    files = tuple(Path("p") / f"{n}.yaml" for n in range(9))
    assert written((), files, 5).splitlines() == [
        "read:",
        "  p/: 0.yaml, 1.yaml, 2.yaml, 3.yaml, 4.yaml, 5.yaml and 3 more",
        "9 files, 5 systems: no errors",
    ]


def zhenghe(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "migrations.cli.main", *words]
    done = subprocess.run(
        command, env={**os.environ, "LANGUAGE": "en", **environment}, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_the_command_ends_with_what_was_found(tmp_path: Path) -> None:
    log = tmp_path / "log.sarif"
    findings_of(tmp_path, imported())
    done = zhenghe("check", str(tmp_path), "--json", "--sarif", str(log))
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert (told["errors"], told["warnings"], told["systems"], len(told["files"])) == (0, 1, 1, 1)
    assert len(json.loads(log.read_text())["runs"][0]["results"]) == len(told["findings"])
    assert {finding["rule"] for finding in told["findings"]} <= set(RULES)
    assert zhenghe("check", str(tmp_path), "--strict").returncode == 1
    assert "尚未规划" in zhenghe("check", str(tmp_path), LANGUAGE="zh", PYTHONIOENCODING="utf-8").stdout
    assert zhenghe("check", str(tmp_path), "--sarif", str(tmp_path / "no" / "log")).returncode == 2


def test_a_file_whose_name_is_no_text_is_told_too(tmp_path: Path) -> None:
    findings_of(tmp_path, imported())
    (Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.yaml"))).write_text("sites: 1")
    for option in ("--json", "--strict"):
        done = zhenghe("check", str(tmp_path), option)
        assert done.returncode == 2
        assert "caf" in done.stdout


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    printed = zhenghe("schema").stdout
    assert zhenghe("schema", "--out", str(tmp_path / "schema.json")).returncode == 0
    assert json.loads(printed) == json.loads((tmp_path / "schema.json").read_text())
