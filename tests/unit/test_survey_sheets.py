"""Sheets as departments fill them in: what is read from them, and what is remarked."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter.worksheet import Worksheet

from inventory.blanks import NOTHING
from inventory.survey.entries import Remark, Weight
from inventory.survey.opening.grids import letters
from inventory.survey.reading import read_sheets
from inventory.survey.tables.settling import Rule, Settled
from inventory.survey.text import plain
from tests.unit.books import at, heavy, read, sheet


def water_bureau(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
    page.merge_range("A1:G1", "政务信息系统调查表")
    page.write("A2", "填报单位（盖章）：水务局")
    page.write("E2", "填报日期：2017年9月10日")
    page.write("G2", "单位：万元")
    for column, word in ((0, "序号"), (1, "系统\n名称"), (6, "联系人")):
        page.merge_range(2, column, 3, column, word)
    page.merge_range("C3:D3", "经费情况")
    page.merge_range("E3:F3", "审批")
    page.write_row("C4", ["投资额", "年运维费"])
    page.write_row("E4", ["部门", "时间"])
    page.write_row("A5", [1, 2, 3, 4, 5, 6, 7])
    page.write_row("A6", [1, " 水费\n征收 系统 ", 12.5, "3万元", "区发改局", "2011-05-20", "张三"])
    page.write_row("A7", [2, "河长制平台", "1,200.00", 0, "〃", 42799, "李四"])
    page.merge_range("A8:B8", "合计")
    page.write("C8", 1212.5)
    page.write("A9", "注：投资额以合同为准")
    page.write("A10", "填表人：王五   联系电话：12345")
    page.set_row(6, None, None, {"hidden": True})


def test_title_rows_two_rows_of_headers_totals_notes_and_signatures(tmp_path: Path) -> None:
    entries, remarks = read(sheet(tmp_path, water_bureau))
    assert [(entry.kind, entry.title, entry.department) for entry in entries] == [
        ("system", "水费征收系统", "水务局"),
        ("system", "河长制平台", "水务局"),
    ]
    assert entries[0].values == {
        "survey.investment": 125000,
        "survey.running_cost": 30000,
        "survey.approved_by": "区发改局",
        "survey.approved": "2011-05-20",
        "survey.surveyed": "2017-09-10",
    }
    assert entries[1].values["survey.approved_by"] == "区发改局"
    assert entries[1].values["survey.approved"] == "2017-03-05"
    assert str(entries[0].places["survey.approved"]).endswith("a.xlsx [附件1] F6")
    assert entries[0].places["survey.surveyed"].cell == "A2"
    assert heavy(remarks) == []
    noted = {remark.place.cell: remark.expected for remark in remarks}
    assert noted["A7"] == "hidden rows were read: 7"
    assert "total" in noted["A8"]
    assert "note" in noted["A9"]
    assert "signatures" in noted["A10"]
    assert "1 2 3" not in str(remarks)
    assert "张三" not in str(remarks)
    assert noted["G3"] == "the inventory keeps no such thing; the column is not read (2 cells)"


def test_nothing_of_a_classified_system_is_taken_but_that_it_exists(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "是否涉密", "等保级别", "功能描述", "不认识的列", "运维费用(元)"],
        ["甲系统", "民政局", "否", "二级", "公开的", "a", 1],
        ["乙系统", "民政局", "√", "三级", "SECRET-1", "SECRET-2", "SECRET-3"],
        ["丙系统", "民政局", "同上", "同上", "同上", "b", "同上"],
        ["丁系统", "民政局", "不好说", "三级", "SECRET-4", "c", 5],
        ["戊系统", "民政局", "", "分级保护（机密）", "SECRET-5", "d", 6],
        ["己涉密台账系统", "民政局", "", "", "", "", ""],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    by_title = {entry.title: entry for entry in entries}
    assert dict(by_title["乙系统"].values) == {"grading.classified": True}
    assert dict(by_title["戊系统"].values) == {"grading.classified": True}
    assert dict(by_title["丁系统"].values) == {}
    assert by_title["乙系统"].department == "民政局"
    assert "SECRET" not in repr(entries) + repr(remarks)
    assert {remark.place.cell for remark in remarks if remark.expected == "not taken: classified"} == {
        "D3", "E3", "G3", "D6", "E6", "G6",
    }  # fmt: skip
    # What the row above says is not handed down from a classified one.
    assert by_title["丙系统"].values == {}
    assert at(remarks, "E4").severity is Weight.ERROR
    assert at(remarks, "C5").severity is Weight.ERROR
    assert dict(by_title["己涉密台账系统"].values) == {"grading.classified": True}
    assert at(remarks, "A7").expected.startswith("taken as classified, for its words speak of secrets")


def test_errors_and_formulas_that_were_never_computed_are_errors(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row("A1", ["系统名称", "部门", "用户数", "投资额(元)", "运维费用(元)"])
        page.write_row("A2", ["甲系统", "民政局"])
        page.write_formula("C2", "=1/0", None, "#DIV/0!")
        page.write_formula("D2", "=B9*2", None, "")
        page.write_formula("E2", "=1+1", None, 2)

    (entry,), remarks = read(sheet(tmp_path, fill))
    assert entry.values == {"survey.running_cost": 2}
    assert (at(remarks, "C2").read, at(remarks, "C2").severity) == ("#DIV/0!", Weight.ERROR)
    assert "never computed" in at(remarks, "D2").expected


def test_what_is_not_understood_is_an_error_with_its_cell_and_nothing_is_taken(tmp_path: Path) -> None:
    rows = [["系统名称", "部门", "使用频度", "立项时间"], ["甲系统", "民政局", "每季度", "去年"]]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert entry.values == {}
    assert (at(remarks, "C2").column, at(remarks, "C2").read) == ("使用频度", "每季度")
    assert at(remarks, "C2").expected.startswith("one of: 每天")
    assert at(remarks, "D2").severity is Weight.ERROR


def test_a_header_that_is_only_near_is_guessed_aloud_and_an_unknown_one_is_lost_aloud(tmp_path: Path) -> None:
    rows = [["系统名称", "部门", "系统功能介绍", "建设性质", ""], ["甲系统", "民政局", "登记", "新建", "无表头"]]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert entry.values == {"survey.function": "登记"}
    assert at(remarks, "C1").expected == "guessed: taken as 功能描述"
    assert at(remarks, "D1").expected.endswith("the column is not read (1 cells)")
    assert at(remarks, "E1").column == "E"


def test_a_mapping_file_settles_columns_kinds_and_departments(tmp_path: Path) -> None:
    rows = [["系统名称", "责任处", "建设性质"], ["甲系统", "救助处", "新建"]]
    settled = Settled(
        columns={"建设性质": "ignore"}, sheets=(Rule(file="a.*", department="民政局", columns={"责任处": "office"}),)
    )
    (entry,), remarks = read(sheet(tmp_path, rows), settled)
    assert (entry.department, entry.values) == ("民政局", {"office": "救助处"})
    assert heavy(remarks) == []
    ignored, remarks = read(sheet(tmp_path, rows), Settled(sheets=(Rule(sheet="附件*", kind="ignore"),)))
    assert ignored == ()
    assert [remark.expected for remark in remarks] == ["not read: the mapping file says so"]


@pytest.mark.parametrize(
    "above, name, file",
    [
        ("填报单位：水务局", "附件1", "a.xlsx"),
        ("水务局政务信息系统调查表", "附件1", "a.xlsx"),
        ("附件1", "水务局", "a.xlsx"),
        ("附件1", "Sheet1", "03-水务局.xlsx"),
        ("附件1", "Sheet1", "水务局信息系统（终稿2）.xlsx"),
    ],
)
def test_the_department_stands_above_the_table_or_in_the_name_of_sheet_or_file(
    tmp_path: Path, above: str, name: str, file: str
) -> None:
    (entry,), remarks = read(sheet(tmp_path, [[above], ["系统名称", "功能描述"], ["甲系统", "登记"]], name, file))
    assert entry.department == "水务局"
    # A label is a statement; anything else is a guess, and a guess is said.
    assert bool(remarks) == (above != "填报单位：水务局")
    assert heavy(remarks) == []


def test_a_department_that_is_nowhere_is_asked_for_once(tmp_path: Path) -> None:
    entries, remarks = read(sheet(tmp_path, [["系统名称", "功能描述"], ["甲", "登记"], ["乙", "查询"]]))
    assert [entry.department for entry in entries] == ["", ""]
    assert len(heavy(remarks)) == 1


def test_rows_that_head_groups_name_the_department_of_those_below(tmp_path: Path) -> None:
    rows = [
        ["系统名称", "功能描述", "使用范围"],
        ["一、水务局"],
        ["甲系统", "收费", "全市"],
        ["二、民政局"],
        ["乙系统", "登记", "全区"],
        ["系统名称", "功能描述", "使用范围"],
        ["丙系统", "查询", "全区"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department) for entry in entries] == [
        ("甲系统", "水务局"), ("乙系统", "民政局"), ("丙系统", "民政局"),
    ]  # fmt: skip
    assert heavy(remarks) == []


def test_cells_merged_over_rows_count_for_each_row(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row("A1", ["部门", "系统名称", "功能描述"])
        page.merge_range("A2:A3", "民政局")
        page.write_row("B2", ["甲系统", "登记"])
        page.write_row("B3", ["乙系统", "查询"])

    entries, remarks = read(sheet(tmp_path, fill))
    assert [entry.department for entry in entries] == ["民政局", "民政局"]
    assert remarks == ()


def test_two_tables_on_a_sheet_and_several_sheets(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row("A1", ["机房名称", "所属部门", "面积（㎡）"])
        page.write_row("A2", ["中心机房", "民政局", 36])
        page.write("A4", "二、服务器")
        page.write_row("A5", ["服务器名称", "所属部门", "所在机房", "IP地址", "操作系统", "数据库"])
        page.write_row("A6", ["应用服务器", "民政局", "中心机房", "10.1.1.1", "CentOS 7", "Oracle 11g"])
        lines = book.add_worksheet("专线")
        lines.write_row("A1", ["线路名称", "部门", "线路类型", "年租金（万元）", "带宽", "运营商"])
        lines.write_row("A2", ["税务纵向网", "税务局", "业务专网", 3.6, "100M", "电信"])
        lines.hide()

    entries, remarks = read(sheet(tmp_path, fill))
    assert [(entry.kind, entry.title, entry.holder) for entry in entries] == [
        ("room", "中心机房", ""), ("host", "应用服务器", "中心机房"), ("line", "税务纵向网", ""),
    ]  # fmt: skip
    assert entries[0].values == {"area": 36}
    assert entries[1].values == {"address": "10.1.1.1", "software": "CentOS 7; Oracle 11g"}
    assert entries[2].values == {"kind": "private-network", "rent": 36000, "bandwidth": 100, "carrier": "电信"}
    assert [remark.expected for remark in remarks] == ["the sheet is hidden; it was read"]


def test_a_form_of_labels_beside_their_values_is_one_entry(tmp_path: Path) -> None:
    rows = [
        ["信息系统登记表"],
        ["系统名称", "水费征收系统", "系统编号", "A-1"],
        ["所属部门", "水务局", "使用频度", "□每天 ☑每周"],
        ["功能描述", "收水费", "等保级别", "第二级"],
        ["奇怪的项目", "某值"],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert (entry.title, entry.department) == ("水费征收系统", "水务局")
    assert entry.values == {
        "survey.number": "A-1", "survey.frequency": "weekly", "survey.function": "收水费", "grading.mlps": 2,
    }  # fmt: skip
    assert [cell for cell, _reason in heavy(remarks)] == ["A5", "B5"]


def test_a_resource_and_a_request_are_told_by_their_headers(tmp_path: Path) -> None:
    resource = [
        ["信息资源名称", "提供部门", "来源系统", "更新周期", "共享类型", "共享条件", "共享方式", "是否向社会开放"],
        ["低保对象信息", "民政局", "低保系统", "每月", "有条件共享", "业务协同", "系统对接", "否"],
    ]
    request = [["申请资源", "申请部门", "申请日期", "是否同意"], ["低保对象信息", "教育局", "2017-10-09", "同意"]]
    sheet(tmp_path, resource, file="1.xlsx")
    sheet(tmp_path, request, file="2.xlsx")
    (offered, asked), remarks = read(tmp_path)
    assert (offered.kind, offered.title, asked.kind, asked.title) == (
        "resource",
        "低保对象信息",
        "request",
        "低保对象信息",
    )
    assert offered.values == {
        "system": "低保系统", "cycle": "monthly", "sharing": "conditional", "conditions": "业务协同",
        "way": "interface", "open": False,
    }  # fmt: skip
    assert asked.values == {"resource": "低保对象信息", "asked": "2017-10-09", "granted": True}
    assert remarks == ()


def test_a_system_that_two_departments_report_is_returned_twice_and_that_is_said(tmp_path: Path) -> None:
    header = ["系统名称", "部门"]
    sheet(tmp_path, [header, ["信用平台", "水务局"]], file="1.xlsx")
    sheet(tmp_path, [header, ["信用 平台", "民政局"], ["信用平台", "民政局"]], file="2.xlsx")
    entries, remarks = read(tmp_path)
    assert len(entries) == 3
    assert [remark.severity for remark in remarks] == [Weight.NOTE, Weight.NOTE]
    assert remarks[0].expected.startswith("水务局 reports a system of this name too, at ")


def test_a_row_without_a_name_and_a_sheet_without_a_table_are_reported(tmp_path: Path) -> None:
    _entries, remarks = read(sheet(tmp_path, [["系统名称", "部门", "功能描述"], [None, "民政局", "登记"]]))
    assert heavy(remarks) == [("B2", "系统名称: without it the row is not read")]
    entries, remarks = read(sheet(tmp_path, [["随便", "写写"], ["这里", "没有表"]]))
    assert (entries, len(heavy(remarks))) == ((), 1)
    entries, remarks = read(sheet(tmp_path, [["功能描述", "使用范围", "等保级别"], ["登记", "全市", "二级"]]))
    assert (entries, [cell for cell, _reason in heavy(remarks)]) == ((), ["A1"])


def test_two_columns_for_one_field_are_not_mixed(tmp_path: Path) -> None:
    rows = [["系统名称", "部门", "功能描述", "主要功能"], ["甲系统", "民政局", "登记", "别的"]]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert entry.values == {"survey.function": "登记"}
    assert at(remarks, "D1").expected == "column '功能描述' says the same and was taken (1 cells)"


def test_reading_is_the_same_in_every_order(tmp_path: Path) -> None:
    one = sheet(tmp_path, [["系统名称", "部门"], ["甲系统", "水务局"]], file="1.xlsx")
    two = sheet(tmp_path, [["系统名称", "部门"], ["乙系统", "民政局"]], file="2.xlsx")
    assert read_sheets([tmp_path]) == read_sheets([one, two])
    assert {entry.title for entry in read_sheets([two, one])[0]} == {"甲系统", "乙系统"}
    assert read_sheets([one, tmp_path, one])[0] == read_sheets([tmp_path])[0]


def test_rows_under_one_merged_title_are_one_entry_and_the_others_are_reported(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row("A1", ["系统名称", "部门", "功能描述"])
        page.merge_range("A2:A3", "甲系统")
        page.merge_range("B2:B3", "民政局")
        page.write("C2", "登记")
        page.write("C3", "查询")

    (entry,), remarks = read(sheet(tmp_path, fill))
    assert entry.values == {"survey.function": "登记"}
    assert [cell for cell, _reason in heavy(remarks)] == ["C3"]


def test_names_that_only_look_like_totals_or_groups_are_entries(tmp_path: Path) -> None:
    rows = [["单位名称", "办公楼宇", "层级"], ["水务局"], ["总计算中心", "政务大楼", "区级"]]
    entries, _remarks = read(sheet(tmp_path, rows, "部门清单"))
    assert [(entry.kind, entry.title) for entry in entries] == [("department", "水务局"), ("department", "总计算中心")]


def test_a_sheet_of_which_few_headers_are_known_is_still_read(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "功能描述", "甲项", "乙项", "丙项", "丁项", "戊项"],
        ["甲系统", "民政局", "登记", 1, 2, 3, 4, 5],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert entry.title == "甲系统"
    assert [cell for cell, _reason in heavy(remarks)] == ["D1", "E1", "F1", "G1", "H1"]


WORDS = [
    "系统名称",
    "部门",
    "功能描述",
    "使用频度",
    "等保级别",
    "是否涉密",
    "投资额",
    "奇怪的列",
    "联系人",
    "承建单位名称",
    "立项时间",
]
CELLS = st.one_of(
    st.sampled_from(
        ["", "甲系统", "水务局", "每天", "二级", "否", "是", "12万元", "同上", "合计", "注：无", "2017年3月", "？？"]
    ),
    st.text("甲乙系统局合计注：1/-", max_size=4),
)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(WORDS), min_size=3, max_size=7, unique=True),
    st.lists(st.lists(CELLS, min_size=7, max_size=7), min_size=1, max_size=6),
)
def test_every_cell_is_taken_or_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], rows: list[list[str]]
) -> None:
    """No cell is dropped in silence: it is a value's place, or a remark names it, its column, its row or its sheet."""
    file = tmp_path_factory.mktemp("cells") / "a.csv"
    content = [["水务局信息系统表"], [], ["系统名称", *[word for word in words if word != "系统名称"]], *rows]
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([row[: len(words) + 1] for row in content])
    entries, remarks = read(file)
    taken = {place.cell for entry in entries for place in entry.places.values()}
    named = {remark.place.cell for remark in remarks}
    if "" in {remark.place.cell for remark in remarks if remark.severity is Weight.ERROR}:
        return
    for number, row in enumerate(content[3:], start=4):
        cells = {f"{letters(column)}{number}": cell for column, cell in enumerate(row[: len(words) + 1])}
        whole = any(
            f"{letter}{number}" in named for letter in "ABCDEFGH" if _is_row_remark(remarks, f"{letter}{number}")
        )
        for name, cell in cells.items():
            lost = f"{name[0]}3" in named
            nothing = not cell.strip() or plain(cell) in NOTHING
            assert name in taken or name in named or whole or lost or nothing, (name, cell, content, remarks)


def _is_row_remark(remarks: Sequence[Remark], cell: str) -> bool:
    said = ("not read", "without it the row is not read", "rows below")
    return any(remark.place.cell == cell and any(word in remark.expected for word in said) for remark in remarks)
