"""Tables as forms lay them out: headers of three levels, units of their own, guidance below headers, second tables."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.cells.denials import over
from inventory.survey.columns import catalogue
from inventory.survey.entries import Weight
from inventory.survey.tables.guidance import guides, heads_notes
from inventory.survey.tables.headings import Matcher, legend_of, taken_apart
from inventory.survey.tables.naming import perhaps_several, several
from tests.unit.books import at, heavy, lines, read, sheet

HEADER = ["序号", "系统名称", "主要功能", "运维费用（万元）", "备注"]
ROW = [1, "挂号系统", "挂号", 3, ""]


def titles(tmp_path: Path, rows: list[list[Any]]) -> list[str]:
    return [entry.title for entry in read(lines(tmp_path, rows, "卫生局.csv"))[0]]


def _levels(book: xlsxwriter.Workbook, page: Worksheet) -> None:
    plain = book.add_format()
    page.merge_range(0, 0, 2, 0, "序号", plain)
    page.merge_range(0, 1, 2, 1, "系统名称", plain)
    page.merge_range(0, 2, 0, 6, "资源情况", plain)
    page.merge_range(1, 2, 1, 3, "计算资源", plain)
    page.merge_range(1, 4, 1, 5, "存储资源", plain)
    page.write(1, 6, "网络")
    page.write_row(2, 2, ["CPU（核）", "内存（GB）", "存储（TB）", "已用（TB）", "带宽（M）"])
    page.write_row(3, 0, [1, "挂号系统", 8, 16, 2, 1, 100])


RESOURCES = {"survey.usage.cpus": 8, "survey.usage.memory": 16384, "survey.usage.storage": 2048}


def test_a_header_of_three_levels_that_is_merged(tmp_path: Path) -> None:
    (entry,), remarks = read(sheet(tmp_path, _levels, file="卫生局.xlsx"))
    assert (entry.title, dict(entry.values)) == ("挂号系统", RESOURCES)
    assert [place for place, _said in heavy(remarks)] == ["F3", "G3"]


def test_a_header_of_three_levels_in_text(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "系统名称", "资源情况", "", "", "", ""],
        ["", "", "计算资源", "", "存储资源", "", "网络"],
        ["", "", "CPU（核）", "内存（GB）", "存储（TB）", "已用（TB）", "带宽（M）"],
        [1, "挂号系统", 8, 16, 2, 1, 100],
    ]
    (entry,), _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert (entry.title, dict(entry.values)) == ("挂号系统", RESOURCES)


def test_a_word_below_a_group_is_about_what_the_group_is_about() -> None:
    matcher = Matcher(catalogue())
    found = [
        matcher.match("system", parts).column
        for parts in (("建设情况", "单位"), ("建设情况", "金额（万元）"), ("运维情况", "金额（万元）"))
    ]
    assert [column and column.field for column in found] == [
        "survey.builder",
        "survey.investment",
        "survey.running_cost",
    ]
    assert matcher.match("system", ("运维情况", "单位")).how == "unkept"


def test_answers_to_tick_in_text_below_a_heading_with_gaps(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部署位置", "", ""], ["", "自建机房", "政务云", "托管"],
        ["挂号系统", 1, "", ""], ["药房系统", "", 1, ""],
    ]  # fmt: skip
    entries, _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [entry.values["survey.placement"] for entry in entries] == ["自建机房", "政务云"]
    rows = [
        ["系统名称", "承载网络", ""],
        ["", "互联网", "政务外网"],
        ["挂号系统", "是", "否"],
        ["药房系统", "否", "是"],
    ]
    entries, _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [entry.values["survey.network"] for entry in entries] == ["互联网", "政务外网"]


def test_units_in_a_column_of_their_own_are_those_of_the_amount_before_it(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "系统名称", "投资额", "单位", "运维费用", "金额单位"],
        [1, "挂号系统", 30, "万元", 2000, "元"],
        [2, "药房系统", 300000, "元", 3, "万元/年"],
        [3, "血库系统", 30, "", "", ""],
    ]
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.department, dict(entry.values)) for entry in entries] == [
        ("卫生局", {"survey.investment": 300000, "survey.running_cost": 2000}),
        ("卫生局", {"survey.investment": 300000, "survey.running_cost": 30000}),
        ("卫生局", {}),
    ]
    assert [place for place, _said in heavy(remarks)] == ["C4"]


@pytest.mark.parametrize(
    "header",
    ["运维费用（万元，保留两位小数）", "运维费用（以万元计）", "运维费用（按万元填写）", "运维费用（单位 万元）",
     "运维费用（单位为万元）"],
)  # fmt: skip
def test_units_among_other_words_in_a_header(header: str) -> None:
    assert taken_apart(header) == ("运维费用", "万元")


def test_a_unit_above_a_table_that_is_called_one_of_amounts(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["金额：万元"], ["系统名称", "投资额"], ["挂号系统", 35]]
    (entry,), remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert (dict(entry.values), heavy(remarks)) == ({"survey.investment": 350000}, [])


@pytest.mark.parametrize(
    "row",
    [
        ["填写说明", "填写全称", "不超过100字", "填数字", "可不填"],
        ["", "必填", "必填", "选填", "选填"],
        ["", "文本", "文本", "数值", "文本"],
        ["格式", "请填写全称", "200字以内", "填写数字", ""],
        ["", "", "医疗/教育/其他", "有/无", ""],
    ],
)
def test_what_tells_how_to_fill_in_is_no_system(tmp_path: Path, row: list[str]) -> None:
    entries, remarks = read(lines(tmp_path, [HEADER, row, ROW], "卫生局.csv"))
    assert [entry.title for entry in entries] == ["挂号系统"]
    assert heavy(remarks) == []


def test_names_and_values_guide_nobody() -> None:
    assert not guides(["填报系统", "填写年报"], "填报系统")
    assert not guides(["挂号系统", "必填"], "挂号系统")
    assert not guides(["必填", 3], "必填")
    assert not guides(["OA/门户", "有/无"], "OA/门户")
    assert heads_notes(["填表说明：", None])
    assert not heads_notes(["说明", "挂号系统"])


def test_numbered_notes_below_their_heading_are_no_systems(tmp_path: Path) -> None:
    notes: list[list[Any]] = [["填表说明"], [1, "系统名称填全称"], [2, "主要功能不超过100字"]]
    assert titles(tmp_path, [HEADER, ROW, *notes]) == ["挂号系统"]
    assert titles(tmp_path, [HEADER, ROW, *notes, [2, "药房系统", "配药", 4]]) == ["挂号系统", "药房系统"]


def test_a_second_table_that_begins_right_below_the_first(tmp_path: Path) -> None:
    rows: list[list[Any]] = [HEADER, ROW, ["序号", "线路名称", "运营商", "带宽"], [1, "医保专线", "电信", "100M"]]
    entries, _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.kind, entry.title) for entry in entries] == [("system", "挂号系统"), ("line", "医保专线")]
    rows = [HEADER, ROW, [], ["机房情况"], ["机房名称", "面积（㎡）"], ["主机房", 30]]
    entries, _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.kind, entry.title) for entry in entries] == [("system", "挂号系统"), ("room", "主机房")]


def test_a_header_in_other_signs_on_a_new_page_begins_no_table(tmp_path: Path) -> None:
    again = ["序号", "系统名称", "主要功能", "运维费用(万元)", "备 注"]
    rows: list[list[Any]] = [HEADER, ["一、卫生局"], ROW, again, [2, "药房系统", "配药", 4]]
    entries, remarks = read(lines(tmp_path, rows, "汇总.csv"))
    assert [(entry.title, entry.department) for entry in entries] == [("挂号系统", "卫生局"), ("药房系统", "卫生局")]
    assert heavy(remarks) == []


def test_labels_with_their_values_below_are_no_systems(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "主要功能"],
        ["挂号系统", "挂号"],
        ["运维费用（万元）", "使用频度"],
        ["某公司", "每天"],
    ]
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [entry.title for entry in entries] == ["挂号系统"]
    assert at(remarks, "A3").severity is Weight.ERROR


def test_a_row_of_strokes_is_one_that_nobody_filled_in(tmp_path: Path) -> None:
    entries, remarks = read(lines(tmp_path, [HEADER, ROW, [2, "-", "——", "/", "-"]], "卫生局.csv"))
    assert ([entry.title for entry in entries], heavy(remarks)) == (["挂号系统"], [])


def _sums(book: xlsxwriter.Workbook, page: Worksheet) -> None:
    page.write_row(0, 0, ["系统名称", "部门", "运维费用（万元）", "承建单位"])
    page.write_row(1, 0, ["挂号系统", "卫生局"])
    page.write_row(2, 0, ["药房系统", "卫生局"])
    page.merge_range(1, 2, 2, 2, 6, book.add_format())
    page.merge_range(1, 3, 2, 3, "某公司", book.add_format())
    page.write_row(3, 0, ["血库系统", "卫生局", 2])


def test_an_amount_that_is_merged_over_two_systems_counts_for_neither(tmp_path: Path) -> None:
    entries, remarks = read(sheet(tmp_path, _sums))
    assert [entry.values.get("survey.running_cost") for entry in entries] == [None, None, 20000]
    assert [entry.values.get("survey.builder") for entry in entries] == ["某公司", "某公司", None]
    assert [(place, "merged" in said) for place, said in heavy(remarks)] == [("C2", True)]


@pytest.mark.parametrize(
    "title, remark, asked",
    [
        ("挂号系统", "已停用", "E2"),
        ("挂号系统", "与第1项重复", "E2"),
        ("挂号系统", "作废", "E2"),
        ("挂号系统（停用）", "", "B2"),
        ("挂号系统（删除）", "", "B2"),
        ("注销登记系统", "", ""),
        ("挂号系统", "未停用", ""),
        ("挂号系统", "用于注销、变更等登记业务的办理，三年内逐步推广到全部乡镇卫生院和村卫生室以及社区服务中心", ""),
    ],
)
def test_what_is_over_by_a_remark_or_by_its_title_is_asked_about(
    tmp_path: Path, title: str, remark: str, asked: str
) -> None:
    (entry,), remarks = read(lines(tmp_path, [HEADER, [1, title, "挂号", 3, remark]], "卫生局.csv"))
    assert entry.title == title
    assert [place for place, _said in heavy(remarks)] == ([asked] if asked else [])


def test_words_in_brackets_of_a_title_are_all_that_counts_of_it() -> None:
    assert over("挂号系统（已下线）", titled=True)
    assert not over("车辆报废管理系统", titled=True)


def test_a_stated_state_says_enough(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["系统名称", "部门", "系统状态", "备注"], ["挂号系统", "卫生局", "停用", "2019年停用"]]
    _entries, remarks = read(lines(tmp_path, rows))
    assert heavy(remarks) == []


def test_names_in_one_cell_in_more_writings() -> None:
    assert several("1、OA办公系统；2、公文交换系统") == ("OA办公系统", "公文交换系统")
    assert perhaps_several("HIS、LIS、PACS")
    assert perhaps_several("挂号系统等5个系统")
    assert perhaps_several("医疗等三个平台")
    assert not perhaps_several("三等功管理系统")


def test_batches_of_one_asset_and_rooms_of_one_name_are_not_made_one(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["设备名称", "数量", "购置时间", "存放地点"],
        ["服务器", "2台", "2015", "机房"], ["服务器", "3台", "2018", "机房"], ["服务器", "1台", "2015", "机房"],
    ]  # fmt: skip
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.title, entry.values["count"]) for entry in entries] == [
        ("服务器", 2), ("服务器 2018", 3), ("服务器(3)", 1),
    ]  # fmt: skip
    assert sum("a title of its own" in said for _place, said in heavy(remarks)) == 2
    rows = [["机房名称", "面积（㎡）", "机柜数"], ["机房", 30, 3], ["机房", 20, 2], ["机房", 30, 3]]
    entries, _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.title, entry.values["area"]) for entry in entries] == [("机房", 30), ("机房(2)", 20), ("机房", 30)]


def test_a_row_for_several_lines_is_told_and_ends_go_by_more_names(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["专线名称", "专线类型", "起始端", "目的端", "带宽", "条数"],
        ["村医专线", "MSTP", "卫生局", "各村", "百兆", 32],
    ]
    (entry,), remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert dict(entry.values) == {"kind": "leased", "route": "卫生局; 各村", "bandwidth": 100}
    assert heavy(remarks) == [("F2", "a row for each line, with both its ends: one is taken for all of them")]


@pytest.mark.parametrize(
    "header, legend",
    [
        ("是否涉密（0-是，1-否）", {"0": "是", "1": "否"}),
        ("使用频度（A每天B每周C每月）", {"A": "每天", "B": "每周", "C": "每月"}),
        ("运维费用（万元，保留2位小数）", {}),
        ("上线时间（格式：2015-03）", {}),
        ("用户数（2016年、2017年）", {}),
    ],
)
def test_codes_that_a_header_explains(header: str, legend: dict[str, str]) -> None:
    assert legend_of(header) == legend


def test_a_code_stands_for_what_its_header_says(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "是否涉密（0-是，1-否）", "系统状态（1在用 2停用）", "等保级别（0未定级,1一级,2二级）"],
        ["指挥系统", 0, 1, 2], ["挂号系统", "1", "2", "0"],
    ]  # fmt: skip
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [dict(entry.values) for entry in entries] == [
        {"grading.classified": True}, {"grading.classified": False, "survey.state": "suspended"},
    ]  # fmt: skip
    assert [remark.severity for remark in remarks if remark.severity is Weight.ERROR] == []


def test_the_title_of_a_second_list_is_no_entry_of_the_first(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["机房名称", "面积（㎡）"], ["主机房", 60], ["服务器清单"],
        ["服务器名称", "IP地址", "操作系统"], ["web", "10.1.1.1", "CentOS"],
    ]  # fmt: skip
    entries, _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.kind, entry.title) for entry in entries] == [("room", "主机房"), ("host", "web")]


def test_a_form_whose_last_row_looks_like_headers_is_read(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["专线名称", "医保专线", "运营商", "电信"], ["带宽", "100M", "年租金", "2.4万元"],
        ["起点", "卫生局", "终点", "医院"], ["线路类型", "专线", "用途", "医保"],
    ]  # fmt: skip
    (entry,), _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert (entry.kind, entry.title, entry.values["rent"], entry.values["route"]) == (
        "line", "医保专线", 24000, "卫生局; 医院",
    )  # fmt: skip
