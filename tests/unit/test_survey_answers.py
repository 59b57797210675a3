"""Who has answered the survey, who answered that there is nothing, and who is silent."""

import json
from pathlib import Path

import pytest

from inventory.survey.answers import answers, answers_text
from inventory.survey.merging.folder import Folder
from migrations.cli.survey import show_answers

DEPARTMENTS = """\
departments:
  - {name: water, title: 水务局}
  - {name: statistics, title: 统计局, reported_none: {date: 2018-03-01, source: 统计局.xlsx A3}}
  - {name: sports, title: 体育局}
  - {name: finance, title: 财政局}
  - {name: audit, title: 审计局}
records:
  - {kind: report, subject: audit, date: 2018-03-02}
"""
SYSTEM = "system: billing\ntitle: 水费征收系统\ndepartment: water\nalso_reported_by: [finance]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "departments.yaml").write_text(DEPARTMENTS)
    (tmp_path / "billing.yaml").write_text(SYSTEM)
    return tmp_path


def test_each_department_has_answered_or_is_silent(folder: Path) -> None:
    found = {each.department: (each.state, each.systems) for each in answers(Folder(folder))}
    assert found == {
        "water": ("answered", 1),
        "statistics": ("none", 0),
        "sports": ("silent", 0),
        "finance": ("answered", 1),
        "audit": ("answered", 0),
    }


def test_who_is_silent_is_told_first_with_a_text_to_send(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    lines = answers_text(answers(Folder(folder))).splitlines()
    reminder = "体育局：贵单位的政务信息系统调查尚未收到；请报送调查表，或答复没有系统。"
    assert lines[:2] == ["未答复（1）：", f"  sports  {reminder}"]
    assert "  statistics  统计局  2018-03-01  统计局.xlsx A3" in lines


def test_the_status_is_one_while_somebody_is_silent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_answers(folder, as_json=True) == 1
    (silent,) = (each for each in json.loads(capsys.readouterr().out)["departments"] if each["state"] == "silent")
    assert silent["title"] == "体育局"
    file = folder / "departments.yaml"
    letter = "title: 体育局, reported_none: {date: 2018-03-03, source: 函}"
    file.write_text(DEPARTMENTS.replace("title: 体育局", letter))
    assert show_answers(folder, as_json=False) == 0
