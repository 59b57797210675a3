"""What a sheet says of several things together: parts of an amount, states of a group, units below a department."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.entries import Weight
from inventory.survey.opening.facts import unit_of
from inventory.survey.tables.naming import unnumbered
from tests.unit.books import at, heavy, lines, read, sheet
from tests.unit.test_survey_documents import document, words

NAMES = ["系统名称", "主要功能", "使用频度"]


@pytest.mark.parametrize(
    "headers, amounts, field, value",
    [
        (["软件运维费（万元）", "硬件运维费（万元）", "运维费合计（万元）"], [1, 2, 3], "survey.running_cost", 30000),
        (["软件运维费（万元）", "硬件运维费（万元）"], [1, 2], "survey.running_cost", None),
        (["硬件投资（万元）", "软件投资（万元）", "总投资（万元）"], [10, 20, 30], "survey.investment", 300000),
        (["内部用户数", "外部用户数"], [10, 2000], "survey.user_count", None),
    ],
)  # fmt: skip
def test_a_part_is_not_taken_for_the_whole(
    tmp_path: Path, headers: list[str], amounts: list[int], field: str, value: int | None
) -> None:
    rows: list[list[Any]] = [[*NAMES, *headers], ["挂号系统", "挂号", "每天", *amounts]]
    (entry,), remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert entry.values.get(field) == value
    assert any("a part of it" in said for _place, said in heavy(remarks))


def test_of_a_group_of_amounts_their_sum_is_taken(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "主要功能", "运维费用（万元）", "", ""], ["", "", "软件", "硬件", "合计"],
        ["挂号系统", "挂号", 1, 2, 3],
    ]  # fmt: skip
    (entry,), _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert entry.values["survey.running_cost"] == 30000


def test_what_was_invested_over_years_is_added_up(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "建设投资（万元）", "", ""], ["", "2015年", "2016年", "2017年"], ["挂号系统", 10, 20, ""],
    ]  # fmt: skip
    (entry,), remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert entry.values == {"survey.investment": 300000}
    assert any(remark.expected == "several years: their sum is taken" for remark in remarks)


def test_headings_say_the_state_of_the_systems_below_them(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "系统名称", "主要功能", "系统状态"],
        ["一、在用系统"], [1, "挂号系统", "挂号", ""],
        ["二、已停用的信息系统"], [2, "药房系统", "配药", ""], [3, "血库系统", "存血", "试运行"],
        ["三、在用及停用系统"], [4, "急救系统", "急救", ""],
    ]  # fmt: skip
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [entry.values.get("survey.state") for entry in entries] == ["running", "suspended", "trial", None]
    assert "taken as the state of the rows below: 停用" in [r.expected for r in remarks if r.place.cell == "A4"]


@pytest.mark.parametrize(
    "title, state",
    [
        ("卫生局2019年拟建信息系统一览表", "planned"),
        ("卫生局停用系统清单", "suspended"),
        ("卫生局信息系统运行情况表", None),
        ("卫生局非在用系统清单", None),
    ],
)
def test_the_title_of_a_list_says_the_state_of_all(tmp_path: Path, title: str, state: str | None) -> None:
    (entry,), _remarks = read(lines(tmp_path, [[title], ["系统名称", "主要功能"], ["挂号系统", "挂号"]]))
    assert entry.values.get("survey.state") == state


def test_one_title_of_two_bodies_below_a_department_is_two_systems(tmp_path: Path) -> None:
    rows = [
        ["单位", "下属单位", "系统名称"],
        ["卫生局", "人民医院", "HIS"], ["卫生局", "中医院", "HIS"], ["卫生局", "血站", "血库系统"],
    ]  # fmt: skip
    entries, _remarks = read(lines(tmp_path, rows, "汇总.csv"))
    assert [(entry.title, entry.department) for entry in entries] == [
        ("HIS（人民医院）", "卫生局"), ("HIS（中医院）", "卫生局"), ("血库系统", "卫生局"),
    ]  # fmt: skip


def test_an_item_that_stands_alone_in_its_row_counts(tmp_path: Path) -> None:
    rows = [
        ["信息资源名称", "信息资源提供方", "信息项名称"],
        ["婚姻登记", "民政局", "姓名"],
        ["", "", "日期"],
        ["", "", "地点"],
    ]
    (entry,), _remarks = read(lines(tmp_path, rows, "目录.csv"))
    assert entry.values["items"] == 3


def test_lines_of_labels_with_their_values_are_a_form(tmp_path: Path) -> None:
    told = ["填报单位：卫生局", "1.系统名称：挂号系统", "2.主要功能：挂号", "3、使用频度：每天", "4.运维费用：3万元"]
    for file in (lines(tmp_path, [[each] for each in told]), document(tmp_path, "".join(map(words, told)))):
        (entry,), remarks = read(file)
        assert (entry.title, entry.department) == ("挂号系统", "卫生局")
        assert dict(entry.values) == {
            "survey.function": "挂号", "survey.frequency": "daily", "survey.running_cost": 30000,
        }  # fmt: skip
        assert heavy(remarks) == []


def test_a_letter_with_some_labels_is_no_form(tmp_path: Path) -> None:
    told = ["关于系统情况的函", "系统名称：见附件", "联系人：赵某", "电话：12345", "此致", "区卫生局"]
    entries, _remarks = read(lines(tmp_path, [[each] for each in told]))
    assert entries == ()


@pytest.mark.parametrize("cell", ["否（属金保二期配套）", "不是，但接入金税网"])
def test_a_no_that_names_a_golden_project_is_asked_about(tmp_path: Path, cell: str) -> None:
    rows = [["线路名称", "部门", "金字工程"], ["医保专线", "卫生局", cell]]
    (entry,), remarks = read(lines(tmp_path, rows))
    assert ("golden_project" in entry.values, at(remarks, "C2").severity) == (False, Weight.ERROR)


def _hidden(book: xlsxwriter.Workbook, page: Worksheet) -> None:
    page.write_row(0, 0, NAMES)
    page.write_row(1, 0, ["挂号系统", "挂号", "每天"])
    for name, rows in (
        ("旧表", [NAMES, ["旧系统", "x", "每天"]]),
        ("选项", [["使用频度", "是否涉密"], ["每天", "是"]]),
    ):
        hidden = book.add_worksheet(name)
        hidden.hide()
        for row, cells in enumerate(rows):
            hidden.write_row(row, 0, cells)


def test_what_a_hidden_sheet_lists_is_told_and_its_choices_are_no_error(tmp_path: Path) -> None:
    entries, remarks = read(sheet(tmp_path, _hidden, file="卫生局.xlsx"))
    assert [entry.title for entry in entries] == ["挂号系统", "旧系统"]
    assert {remark.severity for remark in remarks} == {Weight.WARNING, Weight.NOTE}
    assert [r.place.sheet for r in remarks if r.expected.startswith("the sheet is hidden")] == ["旧表", "选项"]


@pytest.mark.parametrize(
    "code, unit",
    [
        ('0.00"万元"', "万元"), ('#,##0"人"', "人"), ('0"台";[Red]0', "台"), ('0!.0,"万"', "元"), ('0.0,"千元"', "元"),
        ('0.0,"万元"', ""), ('"¥"#,##0.00', ""), ("0.00_ ", ""),
    ],
)  # fmt: skip
def test_units_that_a_format_of_numbers_shows(code: str, unit: str) -> None:
    assert unit_of(code) == unit


def _formatted(book: xlsxwriter.Workbook, page: Worksheet) -> None:
    page.write_row(0, 0, ["系统名称", "投资额", "运维费用（万元）", "用户数", "内存"])
    page.write(1, 0, "挂号系统")
    for column, (number, code) in enumerate(((3.5, '0.0"万元"'), (500, '0!.00,"万"'), (20, '0"人"'), (16, '0"GB"')), 1):
        page.write_number(1, column, number, book.add_format({"num_format": code}))
    page.insert_textbox(3, 1, "药房系统也在用")


def test_numbers_are_in_the_units_that_their_cells_show(tmp_path: Path) -> None:
    (entry,), remarks = read(sheet(tmp_path, _formatted, file="卫生局.xlsx"))
    assert dict(entry.values) == {
        "survey.investment": 35000, "survey.running_cost": 500, "survey.user_count": 20, "survey.usage.memory": 16384,
    }  # fmt: skip
    assert heavy(remarks) == [("", "text boxes on this sheet are not read (1): put what they say into cells")]


@pytest.mark.parametrize(
    "row",
    [
        ["", "以下无"], ["", "此栏以下空白"], ["", "完"], ["…", "……"], ["...", "...", "..."], [2, "—"],
        ["累计投资", "", 10], ["平均", "", 3], ["系统总数", "2"],
    ],
)  # fmt: skip
def test_what_ends_a_table_or_sums_it_up_in_more_words_is_no_system(tmp_path: Path, row: list[Any]) -> None:
    rows: list[list[Any]] = [["序号", "系统名称", "运维费用（万元）"], [1, "挂号系统", 3], row]
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert ([entry.title for entry in entries], heavy(remarks)) == (["挂号系统"], [])


@pytest.mark.parametrize(
    "written, title",
    [
        ("1.挂号系统", "挂号系统"), ("2、药房系统", "药房系统"), ("（3）血库系统", "血库系统"),
        ("④急救系统", "急救系统"),
        ("五、疫苗系统", "疫苗系统"), ("12369环保热线", "12369环保热线"), ("三资管理平台", "三资管理平台"),
        ("2.0版OA", "2.0版OA"),
    ],
)  # fmt: skip
def test_a_number_before_a_title_is_no_part_of_it(written: str, title: str) -> None:
    assert unnumbered(written) == title


def test_that_there_is_no_record_is_no_number_of_one(tmp_path: Path) -> None:
    rows = [
        ["系统名称", "部门", "等保备案号", "项目备案号"],
        ["挂号系统", "卫生局", "未备案", "正在办理"], ["药房系统", "卫生局", "21010099001-18001", "辽备〔2018〕3号"],
    ]  # fmt: skip
    entries, _remarks = read(lines(tmp_path, rows))
    assert [dict(entry.values) for entry in entries] == [
        {}, {"grading.record": "21010099001-18001", "filing.number": "辽备〔2018〕3号"},
    ]  # fmt: skip


def test_lists_of_internet_exits_by_department(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["单位", "是否有互联网出口", "互联网出口带宽", "运营商"],
        ["卫生局", "是", "100M", "电信"], ["民政局", "否", "", ""],
    ]  # fmt: skip
    entries, remarks = read(lines(tmp_path, rows, "互联网出口.csv"))
    assert [(entry.kind, entry.department, dict(entry.values)) for entry in entries] == [
        ("line", "卫生局", {"kind": "internet-exit", "bandwidth": 100, "carrier": "电信"}),
    ]
    assert [place for place, _said in heavy(remarks)] == ["B1"]


def test_a_line_that_is_over_is_asked_about_in_words_that_fit_it(tmp_path: Path) -> None:
    rows = [["线路名称", "部门", "线路类型", "备注"], ["医保线", "卫生局", "专线", "2019年已拆除"]]
    _entries, remarks = read(lines(tmp_path, rows))
    assert heavy(remarks) == [("D2", "this seems to be over, or listed twice: if so, take the row out")]
