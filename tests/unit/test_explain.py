"""`zhenghe explain`: rule, facts with their places, clause, the other rules, shadows, and what is missing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inventory.dispositions.decisions import CLAUSES, SYSTEM_RULES
from inventory.explaining import Explanation, UnknownUnit, explain
from inventory.findings import InventoryErrors
from inventory.kinds import load_kinds, playbooks_folder
from inventory.obligations.clauses import clause_of, every_clause

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
KINDS = load_kinds(playbooks_folder() / "roles")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(YUNHE, tmp_path / "yunhe", ignore=shutil.ignore_patterns("twin")))


def call(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "migrations.cli.main", "explain", *words]
    surroundings = {**os.environ, "LANGUAGE": "en", "COLUMNS": "200", **environment}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def line_of(file: Path, word: str) -> int:
    return 1 + next(number for number, text in enumerate(file.read_text().splitlines()) if word in text)


def test_a_systems_rule_facts_and_clause() -> None:
    told = explain(YUNHE, "notice-board", KINDS)
    file = YUNHE / "systems" / "notice-board.yaml"
    assert (told.kind, told.disposition, told.rule, told.by_hand) == ("system", "retire", "zombie", False)
    assert told.clause is not None
    assert told.clause.id == "JM-zombie"
    (fact,) = told.facts
    assert (fact.field, fact.value) == ("survey.frequency", "never")
    assert fact.place == f"{file}:{line_of(file, 'frequency')}"
    assert [each.rule for each in told.others] == [rule.name for rule in SYSTEM_RULES if rule.name != "zombie"]
    assert told.missing == ()


LINES = {
    "tax-golden": ("golden-project", "leave", "JM-lines"),
    "water-exit": ("line-into-extranet", "consolidate", "JM-exit"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_explained_too(name: str) -> None:
    told = explain(YUNHE, name, KINDS)
    assert told.clause is not None
    assert (told.rule, told.disposition, told.clause.id) == LINES[name]
    assert told.kind == "line"
    assert told.place == f"{YUNHE / 'network.yaml'}:{line_of(YUNHE / 'network.yaml', f'name: {name}')}"


def test_a_disposition_by_hand_rests_on_what_was_written(folder: Path) -> None:
    file = folder / "systems" / "archive.yaml"
    file.write_text(
        file.read_text() + "disposition: leave\noverride: {reason: the vendor moves it, date: 2017-09-12}\n"
    )
    told = explain(folder, "archive", KINDS)
    assert (told.disposition, told.by_hand) == ("leave", True)
    assert "the vendor moves it" in told.reason
    assert [fact.field for fact in told.facts[:2]] == ["disposition", "override"]
    assert told.facts[1].value == "reason: the vendor moves it, date: 2017-09-12"
    # What the rules say is still all there, the one that was overruled among it.
    assert [each.rule for each in told.others] == [rule.name for rule in SYSTEM_RULES]


def test_what_is_missing_to_move_a_system_is_told_with_its_place(folder: Path) -> None:
    file = folder / "systems" / "identity.yaml"
    before = {each.field for each in explain(folder, "identity", KINDS).missing}
    file.write_text(file.read_text().replace("domain: administrative\n", ""))
    told = explain(folder, "identity", KINDS)
    assert {each.field for each in told.missing} - before == {"domain"}
    assert {each.file for each in told.missing} == {file}
    assert all(each.line > 0 for each in told.missing)


def test_shadows_are_told_and_decide_nothing(folder: Path) -> None:
    file = folder / "systems" / "fees.yaml"
    file.write_text(
        "system: fees\ntitle: 水费征收平台\ndepartment: civil-affairs\n"
        "survey: {function: bills and collects fees for water, frequency: daily, users: city}\n"
        "disposition: leave\noverride: {reason: to be looked at, date: 2017-09-12}\n"
    )
    told = explain(folder, "water-billing", KINDS)
    (shadow,) = told.shadows
    assert (shadow.system, shadow.title, shadow.place) == ("fees", "水费征收平台", f"{file}:1")
    assert told.disposition == "replatform"
    assert [each.system for each in explain(folder, "fees", KINDS).shadows] == ["water-billing"]


def test_a_fault_elsewhere_does_not_keep_a_system_from_being_explained(folder: Path) -> None:
    (folder / "systems" / "identity.yaml").write_text("system: identity\ncolour: blue\n")
    assert explain(folder, "notice-board", KINDS).rule == "zombie"
    with pytest.raises(InventoryErrors) as errors:
        explain(folder, "identity", KINDS)
    assert {each.field for each in errors.value.findings} >= {"colour", "title"}


def test_a_name_that_nothing_has() -> None:
    with pytest.raises(UnknownUnit) as unknown:
        explain(YUNHE, "water-biling", KINDS)
    assert unknown.value.near[0] == "water-billing"


@pytest.mark.parametrize("title", ["水费征收系统", "水费 征收系统", "水务局营业厅专线"])
def test_a_system_or_line_is_known_by_its_title(title: str) -> None:
    assert explain(YUNHE, title, KINDS).name in {"water-billing", "water-leased"}


@pytest.mark.parametrize("word", ["水费系统", "水费征收管理系统", "征收"])
def test_a_title_that_is_near_is_suggested(word: str) -> None:
    with pytest.raises(UnknownUnit, match=r"did you mean water-billing \(水费征收系统\)"):
        explain(YUNHE, word, KINDS)


def test_a_title_that_two_systems_bear_names_both(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / "systems" / f"{name}.yaml").write_text(f"system: {name}\ntitle: 办公系统\ndepartment: water-bureau\n")
    with pytest.raises(
        UnknownUnit, match=r"several are called '办公系统'; give the name of one: one \(办公系统, 水务局\), two "
    ):
        explain(folder, "办公系统", KINDS)


def test_the_command_answers_people_and_machines() -> None:
    done = call("notice-board", str(YUNHE), "--json")
    assert done.returncode == 0
    told = Explanation.model_validate(json.loads(done.stdout))
    assert (told.rule, told.facts) == ("zombie", explain(YUNHE, "notice-board", KINDS).facts)
    said = call("notice-board", str(YUNHE)).stdout
    for word in ("民政公告栏", "retire", "JM-zombie", "survey.frequency", "notice-board.yaml:", "office-level"):
        assert word in said


def test_a_clause_of_another_plan_is_told_with_that_plans_name(folder: Path) -> None:
    programme = folder / "programme.yaml"
    programme.write_text(programme.read_text().replace("profile: jimo", "profile: hebei"))
    assert "LN-golden  Liaoning plan for consolidating" in call("tax-golden", str(folder)).stdout
    assert "LN-golden  辽宁省政务信息系统整合共享实施方案" in call("tax-golden", str(folder), LANGUAGE="zh").stdout
    assert "JM-zombie  二(二)" in call("notice-board", str(YUNHE)).stdout


def test_the_command_speaks_chinese() -> None:
    said = call("notice-board", str(YUNHE), LANGUAGE="zh").stdout
    assert "长期脱离实际业务流程" in said
    assert "依据" in said


@pytest.mark.parametrize("words", [("water-biling", str(YUNHE)), ("x", "/nowhere"), ()])
def test_wrong_use_is_status_2(words: tuple[str, ...]) -> None:
    done = call(*words)
    assert done.returncode == 2
    assert done.stderr.strip()
    if words[:1] == ("water-biling",):
        assert "did you mean water-billing (水费征收系统), " in done.stderr


def test_every_clause_that_a_rule_cites_is_in_a_profile() -> None:
    cited = {clause for clauses in CLAUSES.values() for clause in clauses}
    assert cited <= set(every_clause())
    for each in cited:
        clause = clause_of(each)
        assert clause is not None
        assert clause.place
        assert clause.en
        assert clause.zh
