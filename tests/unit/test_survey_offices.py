"""Sheets as offices really send them: what one line too few would lose, double or read as something else."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.entries import Weight
from inventory.survey.tables.bodies import department_in
from inventory.survey.tables.settling import Settled
from tests.unit.books import at, heavy, lines, read, sheet


def test_ditto_below_ditto_is_the_value_at_the_top(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "承建单位"],
        ["甲系统", "民政局", "神州数码"],
        *[[t, "同上", "〃"] for t in ("乙", "丙", "丁")],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [entry.department for entry in entries] == ["民政局"] * 4
    assert [entry.values["survey.builder"] for entry in entries] == ["神州数码"] * 4
    assert remarks == ()


def test_a_row_that_has_a_name_needs_no_title(tmp_path: Path) -> None:
    (entry,), remarks = read(sheet(tmp_path, [["机房名称", "标识", "部门", "面积(㎡)"], ["", "room-1", "民政局", 36]]))
    assert (entry.name, entry.title, entry.values, remarks) == ("room-1", "", {"area": 36}, ())


def test_several_units_above_a_table_hold_for_the_columns_that_they_measure(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["填报单位：民政局", "", "单位：万元、TB"],
        ["系统名称", "投资额", "存储", "用户数"],
        ["甲系统", "３６０", 2, 5],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert entry.values == {"survey.investment": 3600000, "survey.usage.storage": 2048, "survey.user_count": 5}
    assert remarks == ()


def test_rent_by_the_month_is_a_year_s_rent(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["线路名称", "部门", "线路类型", "月租费（元）"],
        ["一号线", "民政局", "专线", 3000],
        ["二号线", "民政局", "专线", "0.3万元"],
        ["三号线", "民政局", "专线", "36000元/年"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [entry.values["rent"] for entry in entries] == [36000] * 3
    assert remarks == ()


def test_the_kind_of_a_line_that_no_column_tells_is_guessed_from_its_name(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["线路名称", "部门", "运营商"],
        ["省民政专网", "民政局", "电信"],
        ["互联网出口", "民政局", "移动"],
        ["一号", "民政局", ""],
    ]
    entries, remarks = read(sheet(tmp_path, rows, "专线"))
    assert [entry.values.get("kind") for entry in entries] == ["private-network", "internet-exit", None]
    assert at(remarks, "A2").expected == "guessed from its name: 专网"
    assert {remark.severity for remark in remarks} == {Weight.WARNING}


def test_a_sheet_is_what_its_rows_can_be_read_as(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "所需数据", "提供部门", "用途", "申请日期"],
        [1, "户籍信息", "公安局", "核验", "2017-10-12"],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows, "需求", "卫计局数据资源目录.xlsx"))
    assert (entry.kind, entry.department) == ("request", "卫计局")
    assert entry.values == {"resource": "户籍信息", "asked": "2017-10-12"}
    assert heavy(remarks) == []
    assert at(remarks, "C1").expected.startswith("the inventory keeps no such thing")


@pytest.mark.parametrize("file", ["民政局报送.xlsx", "2民政局上报表.xlsx", "民政局自查表（定稿）.xlsx"])
def test_a_file_is_named_after_who_sent_it(tmp_path: Path, file: str) -> None:
    (entry,), _remarks = read(sheet(tmp_path, [["系统名称", "功能描述"], ["甲系统", "登记"]], "Sheet1", file))
    assert entry.department == "民政局"


def test_ticked_boxes_are_read_in_columns_of_text_too(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "网络类型", "功能描述"],
        ["甲系统", "民政局", "□互联网  ☑电子政务外网  □电子政务内网", "☑登记 □查询 ☑统计"],
        ["乙系统", "民政局", "□互联网  □电子政务外网", "登记"],
    ]
    (first, second), remarks = read(sheet(tmp_path, rows))
    assert first.values == {"survey.network": "电子政务外网", "survey.function": "登记、统计"}
    assert second.values == {"survey.function": "登记"}
    assert [(remark.place.cell, remark.severity) for remark in remarks] == [("C3", Weight.ERROR)]


def test_what_is_denied_is_not_guessed(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "处置意见"],
        ["甲系统", "民政局", "不能上云，需物理迁移"],
        ["乙系统", "民政局", "暂不能上云"],
        ["丙系统", "民政局", "建议下线"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [entry.values.get("disposition") for entry in entries] == ["relocate", None, "retire"]
    assert [remark.severity for remark in remarks] == [Weight.WARNING, Weight.ERROR, Weight.WARNING]


def test_further_rows_of_an_entry_add_to_its_lists_and_say_nothing_twice(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row("A1", ["系统名称", "部门", "依赖系统", "网络类型", "用户数"])
        page.merge_range("A2:A4", "地籍系统")
        page.merge_range("B2:B4", "国土资源局")
        for row, cells in enumerate([["身份认证", "外网", 5], ["电子印章、身份认证", "外网", 6], ["短信平台"]], 2):
            page.write_row(f"C{row}", cells)

    (entry,), remarks = read(sheet(tmp_path, fill))
    assert entry.values["depends_on"] == ["身份认证", "电子印章", "短信平台"]
    assert (entry.department, entry.values["survey.user_count"]) == ("国土资源局", 5)
    assert [remark.place.cell for remark in remarks] == ["E3"]
    assert at(remarks, "E3").severity is Weight.WARNING


def test_of_a_classified_entry_further_rows_tell_nothing(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row("A1", ["系统名称", "部门", "是否涉密", "依赖系统"])
        page.write_row("A2", ["甲系统", "民政局", "否", "身份认证"])
        page.merge_range("A3:A4", "乙系统")
        page.write_row("B3", ["民政局", "是", "SECRET-1"])
        page.write_row("B4", ["民政局", "是", "SECRET-2"])

    (open_one, secret), remarks = read(sheet(tmp_path, fill))
    assert open_one.values["depends_on"] == ["身份认证"]
    assert secret.values == {"grading.classified": True}
    assert "SECRET" not in repr(secret) + repr(remarks)


def test_what_a_classified_row_shares_with_others_is_remarked_in_its_own_row(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row("A1", ["科室", "系统名称", "部门", "是否涉密"])
        page.merge_range("A2:A3", "救助科")
        page.write_row("B2", ["甲系统", "民政局", "否"])
        page.write_row("B3", ["乙系统", "民政局", "是"])

    (first, second), (remark,) = read(sheet(tmp_path, fill))
    assert (first.values["office"], "office" in second.values) == ("救助科", False)
    assert remark.place.cell == "A3"


def test_headers_merged_over_columns_and_rows_are_read_together(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.merge_range("A1:F1", "云和区政务信息系统汇总表（单位：万元）")
        page.merge_range("A2:A3", "部门")
        page.merge_range("B2:B3", "系统名称")
        page.merge_range("C2:D2", "建设单位")
        page.write_row("C3", ["名称", "联系电话"])
        page.merge_range("E2:F2", "投入")
        page.write_row("E3", ["投资额", "年运维费"])
        page.merge_range("A4:A5", "水务局")
        page.write_row("B4", ["甲系统", "神州数码", "123", 150, 15])
        page.write_row("B5", ["乙系统", "东软", "456", 20, 2])

    entries, remarks = read(sheet(tmp_path, fill))
    assert [entry.department for entry in entries] == ["水务局", "水务局"]
    assert entries[1].values == {
        "survey.builder": "东软", "survey.investment": 200000, "survey.running_cost": 20000,
    }  # fmt: skip
    assert heavy(remarks) == [("C3", "guessed: taken as 建设单位")]


def test_two_titles_of_one_department_are_settled_in_a_mapping_file(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["系统名称", "部门"], ["甲系统", "人社局"], ["乙系统", "人力资源和社会保障局"]]
    settled = Settled(departments={"人社局": "人力资源和社会保障局"})
    entries, _remarks = read(sheet(tmp_path, rows), settled)
    assert {entry.department for entry in entries} == {"人力资源和社会保障局"}
    (listed,), _remarks = read(sheet(tmp_path, [["部门名称", "层级"], ["人社局", "区级"]], "部门清单"), settled)
    assert (listed.kind, listed.title) == ("department", "人力资源和社会保障局")


def test_who_compiled_a_sheet_is_not_who_reports_and_groups_may_be_numbered_in_a_column(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["各乡镇（街道）信息系统统计表"],
        ["制表单位：云和区大数据局"],
        ["序号", "单位", "系统名称", "功能"],
        ["（一）", "白龙山街道"],
        [1, "", "便民服务系统", "服务"],
        [2, "", "综治平台", "网格"],
        ["二", "崇头镇"],
        [3, "", "便民服务系统", "服务"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department) for entry in entries] == [
        ("便民服务系统", "白龙山街道"), ("综治平台", "白龙山街道"), ("便民服务系统", "崇头镇"),
    ]  # fmt: skip
    assert heavy(remarks) == []
    assert at(remarks, "A4").expected == "taken as the department of the rows below"


@pytest.mark.parametrize("above, weight", [("区直部门汇总", Weight.NOTE), ("填报单位：大数据局", Weight.WARNING)])
def test_a_gap_in_the_column_of_departments(tmp_path: Path, above: str, weight: Weight) -> None:
    rows = [[above], ["部门", "系统名称", "功能"], ["交通局", "运政系统", "办证"], ["", "治超系统", "检测"]]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [entry.department for entry in entries] == ["交通局", "交通局"]
    # Where the sheet names another one, which put it together, this is asked about.
    assert [(remark.expected, remark.severity) for remark in remarks] == [
        ("guessed: the department of the row above", weight)
    ]


def test_headings_of_groups_of_columns_tell_what_a_table_lists(tmp_path: Path) -> None:
    file = tmp_path / "汇总.csv"
    file.write_bytes("部门,系统情况,,\n,名称,用途,规模\n交通局,运政系统,营运证办理,三级\n".encode("gb18030"))
    (entry,), _remarks = read(file)
    assert (entry.kind, entry.title, entry.department) == ("system", "运政系统", "交通局")


def test_a_header_that_is_repeated_below_a_note_begins_no_new_table(tmp_path: Path) -> None:
    header = ["序号", "单位", "系统名称", "功能"]
    rows: list[list[Any]] = [
        header,
        ["（一）", "白龙山街道"],
        [1, "", "甲", "服务"],
        ["注：甲由区里统建"],
        header,
        [2, "同上", "乙", "网格"],
    ]
    rows[2][1] = "白龙山街道"
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department) for entry in entries] == [("甲", "白龙山街道"), ("乙", "白龙山街道")]
    assert heavy(remarks) == []


def test_headers_in_english_are_understood(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        [
            "No.",
            "System Name",
            "Owner",
            "Purpose",
            "Frequency",
            "Approval Date",
            "Running cost (10k yuan)",
            "MLPS Level",
        ],
        [1, "Treasury", "财政局", "payments", "Daily", "2008-03-01", 30, "3"],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert (entry.title, entry.department, entry.values) == ("Treasury", "财政局", {
        "survey.function": "payments", "survey.frequency": "daily", "survey.approved": "2008-03-01",
        "survey.running_cost": 300000, "grading.mlps": 3,
    })  # fmt: skip
    assert remarks == ()


def test_units_may_stand_in_a_row_of_their_own_below_the_headers(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "建设投资", "年运维费", "存储容量"],
        ["", "", "（万元）", "万元", "（TB）"],
        ["甲系统", "民政局", 100, "5000元", 2],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert entry.values == {
        "survey.investment": 1000000, "survey.running_cost": 5000, "survey.usage.storage": 2048,
    }  # fmt: skip
    assert remarks == ()


def test_what_is_not_taken_of_a_classified_form_is_remarked_where_it_stands(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["单位：", "区保密局"],
        ["系统名称", "甲平台", "是否涉密", "☑是 □否"],
        ["主要功能", "SECRET-1", "建设单位", "SECRET-2"],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert (entry.title, entry.department, entry.values) == ("甲平台", "区保密局", {"grading.classified": True})
    assert {remark.place.cell for remark in remarks} == {"B3", "D3"}
    assert "SECRET" not in repr(remarks)


def test_a_note_between_rows_is_no_entry_though_it_stands_in_two_cells(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "功能描述", "使用频度"],
        ["甲系统", "民政局", "登记", "每天"],
        ["注：", "甲系统由省厅统建"],
        ["乙系统", "民政局", "查询", "每周"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [entry.title for entry in entries] == ["甲系统", "乙系统"]
    assert [(remark.place.cell, remark.expected) for remark in remarks] == [("A3", "a note and no entry; not read")]


@pytest.mark.parametrize(
    "name, department",
    [
        ("2018年1月环保局上报", "环保局"), ("回复：司法局系统情况表(1)", "司法局"), ("区残联情况表", "区残联"),
        ("城管执法局 副本", "城管执法局"), ("审计局最终版2", "审计局"), ("乡镇街道", ""), ("各单位汇总", ""),
        ("全区各部门清单", ""), ("区委宣传部、区文明办", ""),
    ],
)  # fmt: skip
def test_departments_in_names_of_files(name: str, department: str) -> None:
    assert department_in(name) == department


@pytest.mark.parametrize(
    "label",
    [
        ["填报单位（盖章）", "", "区水务局", "填报日期", "2018年3月"],
        ["填报单位", "区水务局（公章）", "", "填报时间：2018-3-1"],
    ],
)
def test_labels_in_cells_of_their_own(tmp_path: Path, label: list[str]) -> None:
    rows = [["调查表"], label, ["系统名称", "功能"], ["水费系统", "征缴"]]
    (entry,), remarks = read(lines(tmp_path, rows))
    assert (entry.department, entry.values["survey.surveyed"]) == ("区水务局", "2018-03-01")
    assert heavy(remarks) == []


def test_a_header_that_asks_for_who_reports_is_still_a_header(tmp_path: Path) -> None:
    rows = [["填报单位", "填报日期", "系统名称", "功能"], ["水务局", "2018-03-01", "水费系统", "征缴"]]
    (entry,), _remarks = read(lines(tmp_path, rows))
    assert (entry.title, entry.department) == ("水费系统", "水务局")


def test_a_form_of_several_labels_in_a_row_is_no_sheet_of_columns(tmp_path: Path) -> None:
    rows = [
        ["系统名称", "公证系统", "上线时间", "2016年3月"], ["主管部门", "司法局", "运维费用", "3万元/年"],
        ["功能描述", "公证办理", "是否涉密", "□是 ☑否"], ["等保级别", "二级", "数据库", "MySQL"],
    ]  # fmt: skip
    (entry,), remarks = read(lines(tmp_path, rows))
    assert (entry.title, entry.department, entry.values["survey.database"]) == ("公证系统", "司法局", "MySQL")
    assert heavy(remarks) == []


def test_headers_that_name_a_year_are_known(tmp_path: Path) -> None:
    rows = [["序号", "系统名称", "2016年运维费（万元）", "2017年运维费（万元）"], ["1", "学籍系统", "3", "4"]]
    (entry,), _remarks = read(lines(tmp_path, rows, "教育局.csv"))
    assert entry.values["survey.running_cost"] == 40000


def test_rooms_that_only_have_a_place_and_an_area(tmp_path: Path) -> None:
    rows = [["单位", "机房地点", "面积", "机柜数"], ["民政局", "一楼", "30平方米", "3"], ["教育局", "无", "", ""]]
    (entry,), remarks = read(lines(tmp_path, rows, "机房.csv"))
    assert (entry.kind, entry.title, entry.department, entry.values["area"]) == ("room", "一楼机房", "民政局", 30)
    assert heavy(remarks) == []


def test_a_system_that_only_its_servers_tell_of_is_a_system(tmp_path: Path) -> None:
    rows = [
        ["序号", "系统名称", "服务器名称", "IP地址"],
        ["1", "审批系统", "db", "10.1.1.1"],
        ["", "", "app", "10.1.1.2"],
    ]
    entries, _remarks = read(lines(tmp_path, rows, "规划局.csv"))
    assert [(entry.kind, entry.title) for entry in entries] == [
        ("system", "审批系统"), ("host", "db"), ("host", "app"),
    ]  # fmt: skip


def test_a_row_for_several_servers_is_told(tmp_path: Path) -> None:
    rows = [
        ["服务器用途", "操作系统", "IP地址", "数量"],
        ["应用", "CentOS", "10.1.1.1", "2台"],
        ["库", "AIX", "10.1.1.3", "1"],
    ]
    entries, remarks = read(lines(tmp_path, rows, "规划局.csv"))
    assert len(entries) == 2
    assert heavy(remarks) == [("D2", "a row for each server, with its address: one is taken for all of them")]


@pytest.mark.parametrize("cell, error", [("5", True), ("5元", False), ("5万", False), ("500", False)])
def test_a_few_yuan_without_a_unit_are_asked_about(tmp_path: Path, cell: str, error: bool) -> None:
    rows = [["系统名称", "部门", "运维费用"], ["甲系统", "民政局", cell]]
    (entry,), remarks = read(lines(tmp_path, rows))
    assert ("survey.running_cost" not in entry.values) == error
    assert any(remark.severity is Weight.ERROR for remark in remarks) == error


@pytest.mark.parametrize("cell", ["部分在用", "拟停用", "基本在用"])
def test_a_state_with_a_reserve_is_asked_about(tmp_path: Path, cell: str) -> None:
    (entry,), remarks = read(lines(tmp_path, [["系统名称", "部门", "系统状态"], ["甲系统", "民政局", cell]]))
    assert (dict(entry.values), at(remarks, "C2").severity) == ({}, Weight.ERROR)


def test_a_date_that_has_not_come_and_a_formula_that_failed(tmp_path: Path) -> None:
    rows = [["接入单位名称", "部门", "接入外网时间"], ["西山镇", "政府办", "未接入"], ["东山镇", "政府办", "#REF!"]]
    entries, remarks = read(lines(tmp_path, rows))
    assert [entry.values.get("attached") for entry in entries] == [None, None]
    assert heavy(remarks) == [("C3", "a value: the formula of this cell ends in an error")]
