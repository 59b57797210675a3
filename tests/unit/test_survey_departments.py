"""Departments of sheets: titles that may be one department, replies, demands, names."""

from pathlib import Path

import pytest

from inventory.survey.entries import Weight
from inventory.survey.merging.folder import Folder
from inventory.survey.merging.identity import may_be
from inventory.survey.merging.memory import Memory
from inventory.survey.merging.merging import merge
from tests.unit.merged import begun, kinds, row, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begun(tmp_path)


@pytest.mark.parametrize("title", ["云和区水务局", "区水务局", "水利事务局", "水务办", "云和水务局"])
def test_a_department_that_may_be_a_known_one_is_added_and_asked_about(folder: Path, title: str) -> None:
    merged = run(folder, row("system", "防汛系统", department=title))
    assert merged.added["department"] == 1
    assert kinds(merged) == [(Weight.WARNING, "perhaps the same department")]
    assert f"departments: {{{title}: 水务局}}" in merged.remarks[0].expected


@pytest.mark.parametrize(
    "one, other",
    [
        ("城市管理局", "区城市管理局"),
        ("市场监督管理局", "区市场监管局"),
        ("市政管理局", "县市政局"),
        ("卫计局", "区卫计委"),
        ("区发展和改革局", "发改委"),
        ("公安分局", "云和公安分局"),
        ("社区矫正局", "区社区矫正局"),
    ],
)
def test_titles_that_may_be_one_departments(one: str, other: str) -> None:
    assert (may_be(one, other), may_be(other, one)) == (True, True)


@pytest.mark.parametrize(
    "one, other", [("城市管理局", "市场监督管理局"), ("云和县城市管理局", "景宁县城市管理局"), ("税务局", "水务局")]
)
def test_titles_that_are_two_departments(one: str, other: str) -> None:
    assert not may_be(one, other)


@pytest.mark.parametrize("title", ["财政局", "水利局", "市水文站"])
def test_a_department_of_another_title_is_another_one(folder: Path, title: str) -> None:
    assert kinds(run(folder, row("system", "防汛系统", department=title))) == []


def test_departments_of_two_places_are_two(tmp_path: Path) -> None:
    titles = ("云和县水务局", "景宁县水务局", "市水务局")
    rows = [row("system", f"{title}防汛系统", department=title) for title in titles]
    assert kinds(run(tmp_path, *rows)) == []


def test_departments_are_called_by_their_titles(folder: Path) -> None:
    merged = run(folder, row("system", "水费征收系统", department="财政局"))
    (told,) = (remark.expected for remark in merged.remarks if remark.column == "perhaps reported twice")
    assert told.startswith("水务局 reports one of this title too ('water-billing')")


def test_departments_that_sound_alike_get_names_that_differ_by_sense(tmp_path: Path) -> None:
    rows = [row("system", f"{title}系统", department=title) for title in ("水务局", "税务局")]
    run(tmp_path, *rows)
    departments = (tmp_path / "departments.yaml").read_text()
    assert ("name: shui-wu-ju\n" in departments, "name: shui-wu-ju-tax\n" in departments) == (True, True)
    assert {file.name for file in (tmp_path / "systems").iterdir()} == {
        "shui-wu-ju-xi-tong.yaml",
        "shui-wu-ju-xi-tong-tax.yaml",
    }


def test_a_reply_that_there_is_no_system_is_recorded_once_and_not_where_systems_are_known(tmp_path: Path) -> None:
    replied = row("department", "统计局", department="", reported_none="统计局.xlsx [系统] B3")
    merged = merge(Folder(tmp_path), Memory(), (replied,))
    (change,) = (each for each in merged.changes if each.file.name == "departments.yaml")
    assert "统计局.xlsx [系统] B3" in change.after
    (tmp_path / "departments.yaml").write_text(change.after)
    assert merge(Folder(tmp_path), Memory(), (replied,)).changes == ()
    both = (replied, row("system", "统计系统", department="统计局"))
    merged = merge(Folder(tmp_path), Memory(), both)
    assert any("not recorded" in remark.expected for remark in merged.remarks)


def test_demands_for_data_stand_in_their_department(tmp_path: Path) -> None:
    asked = row("demand", "人口信息", {"provider": "公安局", "use": "核验"}, department="水务局")
    merged = merge(Folder(tmp_path), Memory(), (asked,))
    (change,) = (each for each in merged.changes if each.file.name == "departments.yaml")
    assert "demands:" in change.after
    assert "provider: 公安局" in change.after
