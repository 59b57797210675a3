"""Whose a row is: counties beside departments, several departments in a cell, offices before and after a reform."""

from pathlib import Path
from typing import Any

import pytest

from inventory.survey.entries import Weight
from inventory.survey.merging.identity import may_be
from inventory.survey.tables.bodies import former_of, names_several, with_person, without_notes
from tests.unit.books import at, heavy, lines, read


def owners(tmp_path: Path, rows: list[list[Any]], file: str = "汇总.csv") -> list[str]:
    return [entry.department for entry in read(lines(tmp_path, rows, file))[0]]


def test_departments_of_two_counties_are_two(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["县区", "单位", "系统名称", "主要功能"],
        ["秦州区", "卫生局", "挂号系统", "挂号"],
        ["", "民政局", "低保系统", "核对"],
        ["麦积区", "卫生局", "挂号系统", "挂号"],
        ["麦积区", "麦积区教育局", "学籍系统", "学籍"],
        ["市本级", "卫生局", "急救系统", "急救"],
    ]
    entries, remarks = read(lines(tmp_path, rows, "汇总.csv"))
    assert [entry.department for entry in entries] == [
        "秦州区卫生局", "秦州区民政局", "麦积区卫生局", "麦积区教育局", "卫生局",
    ]  # fmt: skip
    assert heavy(remarks) == []


def test_who_put_the_sheets_of_counties_together_is_not_their_department(tmp_path: Path) -> None:
    rows = [["县区", "系统名称", "主要功能"], ["秦州区", "挂号系统", "挂号"]]
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [entry.department for entry in entries] == [""]
    assert at(remarks, "A2").severity is Weight.ERROR


@pytest.mark.parametrize(
    "written, title",
    [
        ("卫生局（3）", "卫生局"), ("民政局(共1个)", "民政局"), ("卫生局（区级）", "卫生局"), ("卫生局，", "卫生局"),
        ("卫健局（原卫计局）", "卫健局"), ("自然资源局(原国土资源局、规划局)", "自然资源局"),
        ("卫生局（药政科）", "卫生局（药政科）"),
    ],
)  # fmt: skip
def test_what_is_noted_behind_a_department_is_no_part_of_its_title(written: str, title: str) -> None:
    assert without_notes(written) == title


def test_a_former_title_is_told(tmp_path: Path) -> None:
    assert former_of("卫健局（原卫计局）") == "卫计局"
    assert former_of("原卫计局") == ""
    rows = [["单位", "系统名称", "主要功能"], ["卫健局（原卫计局）", "挂号系统", "挂号"]]
    _entries, remarks = read(lines(tmp_path, rows, "汇总.csv"))
    assert "卫计局" in at(remarks, "A2").expected


@pytest.mark.parametrize("text", ["石堡镇等12个乡镇", "卫生局/民政局共建", "卫生局牵头，民政局配合", "卫生局等部门"])
def test_several_departments_in_other_words(text: str) -> None:
    assert names_several(text)


@pytest.mark.parametrize("text", ["双拥共建办公室", "平等街道", "高等法院", "和平区人民政府"])
def test_one_department_that_sounds_like_several(text: str) -> None:
    assert not names_several(text)


def test_the_office_above_is_not_the_owner_where_the_user_is_named(tmp_path: Path) -> None:
    rows = [["系统名称", "主管部门", "使用单位"], ["挂号系统", "省卫健委", "卫生局"]]
    assert owners(tmp_path, rows) == ["卫生局"]
    assert owners(tmp_path, [["系统名称", "主管部门", "功能"], ["挂号系统", "卫生局", "x"]]) == ["卫生局"]


def test_offices_that_ordered_a_system_did_not_build_it(tmp_path: Path) -> None:
    rows = [["系统名称", "建设单位", "承建单位"], ["挂号系统", "卫生局", "某公司"], ["低保系统", "民政局", "某公司"]]
    entries, remarks = read(lines(tmp_path, rows, "汇总.csv"))
    assert [(entry.department, entry.values["survey.builder"]) for entry in entries] == [
        ("卫生局", "某公司"), ("民政局", "某公司"),
    ]  # fmt: skip
    assert [place for place, _said in heavy(remarks)] == ["B1"]
    # Where the sheet says whose it is, the office that ordered all of them is another one.
    entries, _remarks = read(lines(tmp_path, [["填报单位：水务局"], *rows], "汇总.csv"))
    assert [entry.department for entry in entries] == ["水务局", "水务局"]
    rows = [["系统名称", "部门", "建设单位"], ["挂号系统", "卫生局", "某公司"]]
    (entry,), _remarks = read(lines(tmp_path, rows))
    assert entry.values["survey.builder"] == "某公司"


@pytest.mark.parametrize(
    "one, other, alike",
    [
        ("卫生健康局", "卫计局", True),
        ("自然资源局", "原国土资源局", True),
        ("市场监督管理局", "工商行政管理局", True),
        ("秦州区市场监管局", "秦州区工商局", True),
        ("秦州区市场监管局", "麦积区工商局", False),
        ("卫生局信息科", "卫生局", True),
        ("公安局", "公安局交警大队", False),
        ("民政局", "教育局", False),
        ("卫生健康局", "环保局", False),
    ],
)
def test_departments_before_and_after_a_reform_are_hinted_at(one: str, other: str, alike: bool) -> None:
    assert may_be(one, other) is alike
    assert may_be(other, one) is alike
    assert not may_be("民政局", "卫生局信息科")


def test_lines_of_one_purpose_say_their_kind_by_it(tmp_path: Path) -> None:
    rows = [["单位", "运营商", "带宽", "用途"], ["水务局", "电信", "100M", "互联网"], ["水务局", "联通", "10M", "水费"]]
    entries, _remarks = read(lines(tmp_path, rows, "专线.csv"))
    assert [entry.values.get("kind") for entry in entries] == ["internet-exit", None]


@pytest.mark.parametrize(
    "written, title",
    [
        ("卫生局 0938-8212345", "卫生局"), ("交通局13812345678", "交通局"), ("1.文旅局", "文旅局"),
        ("①司法局", "司法局"),
        ("【审计局】", "审计局"), ("统计局*", "统计局"), ("县财政局：", "县财政局"),
        ("县委办（保密局、档案局）", "县委办（保密局、档案局）"),
    ],
)  # fmt: skip
def test_signs_and_telephones_beside_a_department_are_no_part_of_its_title(written: str, title: str) -> None:
    assert without_notes(written) == title


def test_a_person_behind_a_department_is_told_and_is_no_part_of_its_title(tmp_path: Path) -> None:
    rows = [["单位", "系统名称", "主要功能"], ["教育局李四", "学籍系统", "学籍"]]
    entries, remarks = read(lines(tmp_path, rows, "汇总.csv"))
    assert ([entry.department for entry in entries], at(remarks, "A2").severity) == (["教育局"], Weight.WARNING)
    assert [with_person(title) for title in ("公安局交警队", "民政局老龄办", "县政协", "卫生局信息科")] == [""] * 4


def test_a_title_names_its_department_before_the_year(tmp_path: Path) -> None:
    rows = [["天水市秦州区卫生健康局2019年度政务信息系统统计表"], ["系统名称", "主要功能"], ["挂号系统", "挂号"]]
    assert owners(tmp_path, rows) == ["天水市秦州区卫生健康局"]


def test_a_folder_of_attachments_says_nothing_and_the_one_above_it_does(tmp_path: Path) -> None:
    folder = tmp_path / "区直" / "民政局" / "附件2"
    folder.mkdir(parents=True)
    lines(folder, [["系统名称", "主要功能"], ["低保系统", "核对"]], "1.csv")
    assert [entry.department for entry in read(tmp_path)[0]] == ["民政局"]


def test_more_replies_that_a_department_has_no_system_of_its_own(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "单位", "是否有信息系统", "系统名称"],
        [1, "卫生局", "有", "挂号系统"],
        [2, "民政局", "无", ""],
        [3, "教育局", "否", "—"],
        [4, "审计局", "", "使用市局系统"],
        [5, "交通局", "", "无自建，使用省厅统建系统"],
        [6, "司法局", "", "正在建设"],
    ]
    entries, remarks = read(lines(tmp_path, rows, "汇总.csv"))
    assert [(entry.kind, entry.title) for entry in entries] == [
        ("system", "挂号系统"), *(("department", title) for title in ("民政局", "教育局", "审计局", "交通局")),
    ]  # fmt: skip
    assert at(remarks, "A7").severity is Weight.ERROR


def test_of_two_versions_of_a_sheet_the_corrected_one_is_kept(tmp_path: Path) -> None:
    for file, cost in (("卫生局.csv", 3), ("卫生局（最终版）.csv", 5)):
        lines(tmp_path, [["系统名称", "运维费用（万元）"], ["挂号系统", cost]], file)
    entries, remarks = read(tmp_path)
    assert [entry.values["survey.running_cost"] for entry in entries] == [50000, 30000]
    assert len(heavy(remarks)) == 1
