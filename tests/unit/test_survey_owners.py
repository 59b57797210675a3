"""Whose a row is: headings of groups, seals and dates beside labels, file names; and replies that there is none."""

from pathlib import Path
from typing import Any

import pytest

from inventory.survey.entries import Weight
from inventory.survey.tables.bodies import department_above, department_in
from inventory.survey.tables.margins import labels_in
from inventory.survey.tables.replies import is_reply, says_none
from tests.unit.books import at, heavy, lines, read, sheet


@pytest.mark.parametrize(
    "heading, department",
    [
        ("一、民政局", "民政局"),
        ("（二）水务局", "水务局"),
        ("3.教育局", "教育局"),
        ("四、市场监管局（2个系统）", "市场监管局"),
        ("【水务局】", "水务局"),
        ("水务局：", "水务局"),
        ("五、区外办", "区外办"),
        ("六、残联", "残联"),
        ("单位：水务局", "水务局"),
        ("第一部分 水务局", "水务局"),
        ("十二、税务局 3个", "税务局"),
        ("二、水务局信息系统", "水务局"),
        ("七、自建系统", ""),
        ("（一）上级部署系统", ""),
        ("水利工程管理系统", ""),
    ],
)
def test_headings_of_groups(heading: str, department: str) -> None:
    assert department_above(heading) == department


def test_rows_belong_to_the_heading_above_them_however_it_is_numbered(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "系统名称", "主要功能", "使用频度"],
        ["一、民政局"],
        [1, "低保系统", "发放", "每天"],
        ["（二）水务局"],
        [1, "水费系统", "收费", "每天"],
        ["四、市场监管局（2个系统）"],
        [1, "监管系统", "监管", "每天"],
        ["五", "教育局（1个）"],
        [1, "学籍系统", "登记", "每天"],
        ["六、卫计局", "", "", 12.5],
        [1, "预约系统", "预约", "每天"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department) for entry in entries] == [
        ("低保系统", "民政局"), ("水费系统", "水务局"), ("监管系统", "市场监管局"), ("学籍系统", "教育局"),
        ("预约系统", "卫计局"),
    ]  # fmt: skip
    assert heavy(remarks) == []


def test_rows_below_a_heading_that_is_not_understood_are_asked_about(tmp_path: Path) -> None:
    rows = [
        ["系统名称", "主要功能", "使用频度"],
        ["一、民政局"],
        ["（一）自建系统"],
        ["低保系统", "发放", "每天"],
        ["二、驻区某某"],
        ["水费系统", "收费", "每天"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department) for entry in entries] == [("低保系统", "民政局"), ("水费系统", "")]
    assert [cell for cell, _reason in heavy(remarks)] == ["A6"]


@pytest.mark.parametrize(
    "cells, department",
    [
        (["填报单位（盖章）：水务局（公章） 2017年9月"], "水务局"),
        (["填报单位：", "(盖章)", "水务局"], "水务局"),
        (["填报单位（公章）：", "水务局"], "水务局"),
        (["填报单位：____水务局____  填报人：张三"], "水务局"),
        (["填报单位:水务局 二〇一七年九月一日"], "水务局"),
        (["填报单位：水务局（盖章）", "填报日期：2017-9-1"], "水务局"),
        (["填报单位：2017年9月10日"], ""),
        (["填报单位：(盖章)      填报日期：2017年9月"], ""),
    ],
)
def test_a_seal_or_a_date_is_no_department(cells: list[str], department: str) -> None:
    assert labels_in(cells).department == department


@pytest.mark.parametrize(
    "name, department",
    [
        ("关于报送区司法局政务信息系统情况的函", "区司法局"),
        ("财政局定级备案表", "财政局"),
        ("附件2：云河区环保局系统清单", "云河区环保局"),
        ("教育局2017年政务信息系统自查表（终稿）", "教育局"),
        ("云资源需求及服务器清单-规划局", "规划局"),
        ("政务信息系统自查表-区科协", "区科协"),
        ("关于印发政务信息系统整合方案的通知", ""),
        ("办公系统调查表", ""),
    ],
)
def test_departments_in_names_of_files(name: str, department: str) -> None:
    assert department_in(name) == department


@pytest.mark.parametrize(
    "text",
    [
        "本单位没有自建系统",
        "我单位无政务信息系统",
        "无信息系统",
        "零报告",
        "我局目前无自建信息系统，特此报告",
        "暂无信息系统",
    ],
)
def test_sentences_that_there_is_none(text: str) -> None:
    assert says_none(text)


@pytest.mark.parametrize(
    "text", ["无人机系统", "无线网络系统", "无纸化办公系统", "无障碍平台", "除OA外无其他系统", "无其他系统", "水费系统"]
)
def test_titles_that_only_begin_like_it(text: str) -> None:
    assert not says_none(text)


def test_a_row_of_strokes_is_no_answer() -> None:
    assert is_reply([1, "无"], "无")
    assert not is_reply([1, "/", "/"], "/")


@pytest.mark.parametrize(
    "row", [["我单位无政务信息系统"], [1, "无"], [1, "无", "/", "/"], [1, "本单位没有自建系统"], ["", "零报告"]]
)
def test_a_reply_that_there_is_no_system_is_no_system(tmp_path: Path, row: list[Any]) -> None:
    rows = [["填报单位：统计局"], ["序号", "系统名称", "主要功能", "使用频度"], row]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert (entry.kind, entry.title, bool(entry.reported_none)) == ("department", "统计局", True)
    assert entry.reported_none.startswith("a.xlsx [附件1] ")
    assert entry.places[""].cell[1:] == "3"
    assert heavy(remarks) == []


def test_a_letter_that_there_is_no_system_needs_no_table(tmp_path: Path) -> None:
    (entry,), remarks = read(sheet(tmp_path, [["我单位无政务信息系统，特此报告"], ["填报单位：档案局"]]))
    assert (entry.title, bool(entry.reported_none)) == ("档案局", True)
    assert heavy(remarks) == []


def test_a_form_that_nobody_filled_in_is_no_reply(tmp_path: Path) -> None:
    entries, _remarks = read(sheet(tmp_path, [["填报单位：侨联"], ["序号", "系统名称", "主要功能"]]))
    assert entries == ()


def test_who_lists_systems_and_says_that_there_are_none_is_asked(tmp_path: Path) -> None:
    header = ["序号", "系统名称", "主要功能"]
    sheet(tmp_path, [["填报单位：统计局"], header, [1, "无"]], file="1.xlsx")
    two = sheet(tmp_path, [["填报单位：统计局"], header, [1, "统计系统", "统计"]], file="2.xlsx")
    entries, remarks = read(two.parent)
    assert [(entry.kind, entry.title) for entry in entries] == [("system", "统计系统")]
    assert [reason[:10] for _cell, reason in heavy(remarks)] == ["one answer"]


def test_replies_in_a_list_of_many_departments(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "单位", "系统名称", "功能描述"],
        [1, "水务局", "水费系统", "收费"],
        [2, "统计局", "无", ""],
        [3, "体育局", "没有系统", ""],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.kind, entry.title, bool(entry.reported_none)) for entry in entries] == [
        ("system", "水费系统", False), ("department", "统计局", True), ("department", "体育局", True),
    ]  # fmt: skip
    assert heavy(remarks) == []


@pytest.mark.parametrize("written", ["水务局/环保局", "区直各部门", "东街街道、西街街道", "各单位"])
def test_a_cell_that_names_several_departments_is_none_of_them(tmp_path: Path, written: str) -> None:
    rows = [["单位", "系统名称", "功能"], ["民政局", "低保系统", "核对"], [written, "共管系统", "登记"]]
    entries, remarks = read(lines(tmp_path, rows))
    assert [entry.department for entry in entries] == ["民政局", ""]
    assert at(remarks, "A3").expected.startswith("one department: this names several")


def test_what_a_number_counts_is_no_department(tmp_path: Path) -> None:
    rows = [["设备名称", "数量", "单位", "购置年份"], ["服务器", "3", "台", "2012年"], ["UPS", "1", "套", "2010"]]
    entries, _remarks = read(lines(tmp_path, rows, "财政局.csv"))
    assert [(entry.title, entry.department) for entry in entries] == [("服务器", "财政局"), ("UPS", "财政局")]


def test_headings_of_a_table_of_two_columns_are_headings(tmp_path: Path) -> None:
    rows = [
        ["系统名称", "功能"], ["一、非涉密系统"], ["甲系统", "登记"], ["二、涉密系统"], ["系统名称", "功能"],
        ["乙系统", "公文"], ["丙系统"],
    ]  # fmt: skip
    entries, _remarks = read(lines(tmp_path, rows, "水务局.csv"))
    assert [(entry.title, dict(entry.values)) for entry in entries] == [
        ("甲系统", {"survey.function": "登记"}), ("乙系统", {"grading.classified": True}),
        ("丙系统", {"grading.classified": True}),
    ]  # fmt: skip


@pytest.mark.parametrize("file, weight", [("统计.csv", Weight.ERROR), ("README", Weight.WARNING)])
def test_a_sheet_of_which_nothing_is_taken_is_an_error_and_a_note_beside_it_is_not(
    tmp_path: Path, file: str, weight: Weight
) -> None:
    entries, (remark,) = read(lines(tmp_path, [["部门", "系统总数", "已上云"], ["民政局", "3", "1"]], file))
    assert (entries, remark.severity) == ((), weight)
