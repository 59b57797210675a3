"""The many ways in which clerks write the same: headings of groups, examples, totals, dittos, denials, ticks, sides."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.cells.secrets import secret
from inventory.survey.cells.told import Setting, Told
from inventory.survey.cells.values import is_ditto, told_by
from inventory.survey.columns import catalogue
from inventory.survey.entries import Entry, Weight
from inventory.survey.tables.bodies import department_in, may_name, speaks_of_itself, without_notes
from inventory.survey.tables.naming import several
from inventory.survey.tables.replies import is_bare_reply
from tests.unit.books import heavy, lines, read, sheet
from tests.unit.test_survey_documents import document, table, words

HEADER = ["序号", "系统名称", "主要功能", "运维费用（万元）", "备注"]


def told(field: str, cell: Any, unit: str = "") -> Told:
    columns = catalogue().listing("system").columns
    return told_by(cell, next(each for each in columns if each.field == field), Setting(unit))


def owners(entries: tuple[Entry, ...]) -> list[tuple[str, str]]:
    return [(entry.title, entry.department) for entry in entries]


@pytest.mark.parametrize(
    "heading, department",
    [
        (["第二部分：农业局"], "农业局"),
        ([2, "农业局"], "农业局"),
        (["农业局"] * 5, "农业局"),
        (["★农业局"], "农业局"),
        (["B. 农业局"], "农业局"),
        (["Ⅱ 农业局"], "农业局"),
        (["贰、农业局"], "农业局"),
        (["区农业局及下属单位"], "区农业局"),
        (["2、农业局 联系人：赵某 电话：12345"], "农业局"),
        (["填报单位：农业局（盖章）"], "农业局"),
        (["单位：农业局"], "农业局"),
        (["农业局机关本级"], "农业局"),
        # What names a body that is not understood begins a group of nobody that is known.
        (["农业局管理的单位"], ""),
    ],
)
def test_whatever_heads_a_group_its_rows_are_not_those_of_the_group_above(
    tmp_path: Path, heading: list[Any], department: str
) -> None:
    rows: list[list[Any]] = [HEADER, ["一、卫生局"], [1, "挂号系统", "挂号", 3], heading, [2, "粮情系统", "看粮", 4]]
    entries, _remarks = read(lines(tmp_path, rows))
    assert owners(entries) == [("挂号系统", "卫生局"), ("粮情系统", department)]


def test_a_system_with_a_name_like_a_body_is_one(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        HEADER,
        ["一、卫生局"],
        [1, "数据中心"],
        [2, "挂号系统", "挂号", 3],
        ["注：由区卫生局牵头"],
        [3, "药房系统"],
    ]
    entries, _remarks = read(lines(tmp_path, rows))
    assert owners(entries) == [("数据中心", "卫生局"), ("挂号系统", "卫生局"), ("药房系统", "卫生局")]


@pytest.mark.parametrize(
    "row",
    [
        [1, "考勤系统（填写示例）", "打卡"],
        ["范例", "考勤系统", "打卡"],
        ["样表", "考勤系统", "打卡"],
        [1, "考勤系统", "打卡", 3, "此行为填写示例，填报时请删除"],
        [1, "xx局考勤系统", "打卡"],
        ["", "共计3个系统"],
        ["卫生局小计", "", "", 7],
        ["总合计", "", "", 7],
    ],
)
def test_examples_and_totals_in_other_words_are_no_entries(tmp_path: Path, row: list[Any]) -> None:
    entries, remarks = read(lines(tmp_path, [HEADER, row, [1, "挂号系统", "挂号", 3]], "卫生局.csv"))
    assert owners(entries) == [("挂号系统", "卫生局")]
    assert heavy(remarks) == []


def test_a_name_that_only_begins_like_an_example_is_a_name(tmp_path: Path) -> None:
    entries, _remarks = read(lines(tmp_path, [HEADER, [1, "示范区管理系统", "x", 3]], "卫生局.csv"))
    assert owners(entries) == [("示范区管理系统", "卫生局")]


@pytest.mark.parametrize(
    "text",
    ["无。", "无（空）", "本单位不涉及", "我局所用系统均由市局统建，无自建系统。", "经自查，我局目前无自建系统。"],
)
def test_replies_in_other_words(text: str) -> None:
    assert is_bare_reply(text)


@pytest.mark.parametrize("text", ["无纸化办公系统", "不涉及", "挂号系统由市局统建，无其他系统", "无线接入平台"])
def test_what_is_more_than_a_reply_is_none(text: str) -> None:
    assert is_bare_reply(text) == (text == "不涉及")


@pytest.mark.parametrize("text", ["同上行", "（同上）", "同上。", "↑", "与上相同", "同 前", "″", "''"])
def test_dittos_in_other_words(text: str) -> None:
    assert is_ditto(text)


@pytest.mark.parametrize("text", ["同上海局", "同城备份系统", "上同", "-"])
def test_what_is_no_ditto(text: str) -> None:
    assert not is_ditto(text)


def test_what_stands_under_department_and_is_none_is_asked_about(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["单位名称", "系统名称", "主要功能"],
        ["卫生局（牵头）", "挂号系统", ""], ["卫生局(盖章)", "药房系统", ""], ["同第1行", "血库系统", ""],
        ["：：", "急救系统", ""], ["3", "疫苗系统", ""], ["市局统建", "病案系统", ""], ["本单位", "考勤系统", ""],
    ]  # fmt: skip
    entries, remarks = read(lines(tmp_path, rows))
    assert [entry.department for entry in entries] == ["卫生局", "卫生局", "", "", "", "", ""]
    assert {place for place, _said in heavy(remarks)} == {f"A{row}" for row in range(4, 9)}
    assert speaks_of_itself("我局")
    assert not speaks_of_itself("公安局")
    assert without_notes("卫生局（药政科）") == "卫生局（药政科）"
    assert may_name("团委")
    assert may_name("双拥共建办公室")


def test_this_unit_is_the_one_that_fills_in_the_sheet(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["填报单位：卫生局"],
        ["单位名称", "系统名称", "主要功能"],
        ["药监局", "药房系统", ""],
        ["本单位", "挂号系统", ""],
    ]
    entries, _remarks = read(lines(tmp_path, rows))
    assert owners(entries) == [("药房系统", "药监局"), ("挂号系统", "卫生局")]


def test_names_in_one_cell_that_circles_or_spaces_part() -> None:
    assert several("①挂号系统②药房系统") == ("挂号系统", "药房系统")
    assert several("挂号系统 药房平台") == ("挂号系统", "药房平台")
    assert several("挂号系统 V2.0") == ()


@pytest.mark.parametrize(
    "cell", ["暂未定级", "未做等保", "正在定级", "不属于", "不涉及", "尚未开展定级备案", "无需测评"]
)
def test_no_level_in_other_words_is_no_level_and_no_error(cell: str) -> None:
    assert (told("grading.mlps", cell).value, told("grading.mlps", cell).severity) == (None, Weight.NOTE)


def test_levels_and_amounts_in_other_writings() -> None:
    assert told("grading.mlps", "三") == Told(3)
    assert told("grading.mlps", "二級") == Told(2)
    assert told("survey.running_cost", "3.5W").value == 35000
    taxed = told("survey.running_cost", "5万元（含税）")
    assert (taxed.value, taxed.severity) == (50000, Weight.WARNING)
    assert told("survey.running_cost", "5万元（三年）").value is None
    assert told("survey.builder", "同第3行").severity is Weight.ERROR


@pytest.mark.parametrize(
    "text",
    [
        "密", "通信系统（密）", "属秘级", "按分保要求建设", "通过分保测评", "部署在电子政务内网", "因保密原因不填",
        "涉密机与外网隔离", "涉密系统与涉密网物理隔离",
    ],
)  # fmt: skip
def test_words_for_secrets_that_are_rarer(text: str) -> None:
    assert secret(text)


@pytest.mark.parametrize(
    "text", ["与涉密网物理隔离", "部分保留", "十分保密", "加密传输", "不接入政务内网", "密码管理系统", "保密检查系统"]
)
def test_words_that_only_look_like_secrets(text: str) -> None:
    assert not secret(text)


def test_of_boxes_in_a_row_only_those_that_are_ticked_speak_of_secrets(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "主要功能", "接入情况"],
        ["挂号系统", "卫生局", "挂号", "☑政务外网 □涉密网"], ["药房系统", "卫生局", "配药", "□政务外网 ☑涉密网"],
    ]  # fmt: skip
    entries, _remarks = read(lines(tmp_path, rows))
    assert [entry.values.get("grading.classified") for entry in entries] == [None, True]
    assert "survey.function" not in entries[1].values


def _ticked(book: xlsxwriter.Workbook, page: Worksheet) -> None:
    plain = book.add_format()
    for column, text in enumerate(["序号", "系统名称", "主要功能"]):
        page.merge_range(0, column, 1, column, text, plain)
    for text, first, answers in (
        ("使用频率（打√）", 3, ["每天", "每周", "不定期"]),
        ("建设方式", 6, ["自建", "合建"]),
        ("部署网络", 8, ["互联网", "政务外网", "专网"]),
    ):
        page.merge_range(0, first, 0, first + len(answers) - 1, text, plain)
        page.write_row(1, first, answers)
    page.write_row(2, 0, [1, "挂号系统", "挂号", "√", None, None, "√", None, None, "√", "√"])
    page.write_row(3, 0, [2, "药房系统", "配药", None, "√", None, None, "√", "√"])


def test_answers_to_tick_below_any_heading(tmp_path: Path) -> None:
    entries, remarks = read(sheet(tmp_path, _ticked, file="卫生局.xlsx"))
    assert [dict(entry.values) for entry in entries] == [
        {"survey.function": "挂号", "survey.frequency": "daily", "survey.network": "政务外网、专网"},
        {"survey.function": "配药", "survey.frequency": "weekly", "survey.network": "互联网"},
    ]
    assert heavy(remarks) == []


@pytest.mark.parametrize("grouped", [True, False])
def test_systems_and_lines_side_by_side_without_a_gap(tmp_path: Path, grouped: bool) -> None:
    groups = [["应用系统", None, None, "网络专线"]] if grouped else []
    rows: list[list[Any]] = [
        *groups,
        ["系统名称", "主要功能", "等保级别", "线路名称", "运营商", "带宽"],
        ["挂号系统", "挂号", "二级", "医保专线", "电信", "20M"],
        [None, None, None, "急救专线", "联通", "10M"],
    ]
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.kind, entry.title) for entry in entries] == [
        ("system", "挂号系统"), ("line", "医保专线"), ("line", "急救专线"),
    ]  # fmt: skip
    assert not any(remark.severity is Weight.ERROR or "挂号" in remark.read for remark in remarks)


def test_groups_of_one_table_are_no_tables(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["基本情况", None, "建设情况", None, "网络情况", None],
        ["系统名称", "主要功能", "建设单位", "投资额（万元）", "承载网络", "带宽"],
        ["挂号系统", "挂号", "某公司", 30, "专网", "10M"],
    ]
    entries, _remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.title, entry.values["survey.investment"]) for entry in entries] == [("挂号系统", 300000)]


def test_columns_of_units_and_remarks_beside_a_column_for_each_system(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "指标", "单位", "系统一", "系统二", "备注"],
        [1, "系统名称", None, "挂号系统", "药房系统", "填全称"],
        [2, "主要功能", None, "挂号", "配药", "不超过百字"],
        [3, "运维费用", "万元", 3, 5, None],
        [4, "等保级别", "级", "二级", "三级", None],
        [5, "用户数", "人", 30, 50, None],
    ]
    entries, remarks = read(lines(tmp_path, rows, "卫生局.csv"))
    assert [(entry.title, entry.values["survey.running_cost"]) for entry in entries] == [
        ("挂号系统", 30000), ("药房系统", 50000),
    ]  # fmt: skip
    assert heavy(remarks) == []


@pytest.mark.parametrize("cell", ["无障碍", "没有特殊硬件", "不存在问题。", "可以上云"])
def test_what_says_that_nothing_stands_in_the_way_is_no_obstacle(cell: str) -> None:
    assert told("survey.obstacle", cell).value is None


@pytest.mark.parametrize("cell", ["无源代码", "无法迁移", "没有厂商支持", "加密狗"])
def test_obstacles_that_begin_like_none(cell: str) -> None:
    assert told("survey.obstacle", cell).value == cell


def test_a_sheet_of_a_day_to_come_makes_no_system_long_idle(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["填报单位：卫生局", None, "填报日期：2071年9月1日"],
        ["系统名称", "主要功能", "最后使用时间"],
        ["挂号系统", "挂号", "2017-08-01"],
        ["药房系统", "配药", "2099-08-01"],
    ]
    entries, remarks = read(lines(tmp_path, rows))
    assert [dict(entry.values) for entry in entries] == [
        {"survey.function": "挂号", "survey.last_used": "2017-08-01"}, {"survey.function": "配药"},
    ]  # fmt: skip
    assert [place for place, _said in heavy(remarks)] == ["A1", "C4"]


SYSTEMS = ["序号", "系统名称", "主要功能"]
LINES = ["序号", "线路名称", "运营商"]


def owned(entries: tuple[Entry, ...]) -> list[tuple[str, str, str]]:
    return [(entry.kind, entry.title, entry.department) for entry in entries]


def test_the_first_sheet_or_a_cover_says_whose_all_sheets_of_a_workbook_are(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row(0, 0, ["填报单位（盖章）：", "卫生局"])
        for number, rows in enumerate(([SYSTEMS, [1, "挂号系统", "挂号"]], [LINES, [1, "医保专线", "电信"]])):
            further = book.add_worksheet(f"另{number}")
            for row, cells in enumerate(rows):
                further.write_row(row, 0, cells)

    entries, remarks = read(sheet(tmp_path, fill))
    assert owned(entries) == [("system", "挂号系统", "卫生局"), ("line", "医保专线", "卫生局")]
    assert [reason for _place, reason in heavy(remarks) if "department" in reason or "table" in reason] == []


def test_sheets_of_two_departments_say_nothing_of_a_third_sheet(tmp_path: Path) -> None:
    body = (
        words("填报单位：卫生局") + table(SYSTEMS, ["1", "挂号系统", "挂号"])
        + words("填报单位：药监局") + table(SYSTEMS, ["1", "药房系统", "配药"])
        + words("三、其他") + table(LINES, ["1", "医保专线", "电信"])
    )  # fmt: skip
    entries, _remarks = read(document(tmp_path, body))
    assert [entry.department for entry in entries] == ["卫生局", "药监局", ""]


def test_who_signs_a_letter_signs_for_all_of_its_tables(tmp_path: Path) -> None:
    body = (
        words("经自查，我局有关情况如下：") + table(SYSTEMS, ["1", "挂号系统", "挂号"])
        + words("二、专线") + table(LINES, ["1", "医保专线", "电信"]) + words("区卫生局") + words("2017年10月9日")
    )  # fmt: skip
    entries, _remarks = read(document(tmp_path, body))
    assert owned(entries) == [("system", "挂号系统", "区卫生局"), ("line", "医保专线", "区卫生局")]


def test_a_table_that_goes_on_below_a_break_needs_no_header(tmp_path: Path) -> None:
    body = (
        words("填报单位：卫生局") + table(SYSTEMS, ["1", "挂号系统", "挂号"])
        + words("（续表）") + table(["2", "药房系统", "配药"], ["3", "血库系统", "存血"])
    )  # fmt: skip
    entries, remarks = read(document(tmp_path, body))
    assert owned(entries) == [("system", title, "卫生局") for title in ("挂号系统", "药房系统", "血库系统")]
    assert heavy(remarks) == []


def test_another_table_below_text_is_no_further_part_of_the_one_above(tmp_path: Path) -> None:
    body = (
        words("填报单位：卫生局") + table(SYSTEMS, ["1", "挂号系统", "挂号"])
        + words("三、人员") + table(["2", "赵某", "科员"])
    )  # fmt: skip
    entries, remarks = read(document(tmp_path, body))
    assert owned(entries) == [("system", "挂号系统", "卫生局")]
    assert len(heavy(remarks)) == 1


def test_a_note_that_speaks_of_secrets_is_not_repeated(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["填报单位：卫生局"],
        ["另有机密级的甲系统设在三楼", "赵某"],
        ["序号", "系统名称", "主要功能"],
        [1, "挂号系统", "挂号"],
        ["注：其中秘密级的乙系统设在地下室"],
        ["二、涉密的丙平台"],
        [2, "药房系统", "配药"],
    ]
    entries, remarks = read(lines(tmp_path, rows))
    assert "挂号系统" in [entry.title for entry in entries]
    assert not any(word in repr((entries, remarks)) for word in ("三楼", "地下室", "甲系统", "乙系统", "丙平台"))


@pytest.mark.parametrize(
    "field, cell, value",
    [
        ("survey.frequency", "7×24", "daily"),
        ("survey.frequency", "基本不用", "never"),
        ("survey.in_cloud", "上云中", None),
        ("survey.maintained", "维护中", True),
        ("survey.maintained", "停维", False),
        ("survey.maintained", "外包维护", True),
    ],
)
def test_answers_in_the_words_of_offices(field: str, cell: str, value: object) -> None:
    assert told(field, cell).value == value


@pytest.mark.parametrize("title", [12345, "0", True])
def test_a_number_in_the_place_of_a_name_is_no_reply_that_there_is_none(tmp_path: Path, title: object) -> None:
    entries, remarks = read(lines(tmp_path, [HEADER, [1, title]], "卫生局.csv"))
    assert [entry for entry in entries if entry.reported_none] == []
    assert title is True or len(heavy(remarks)) == 1


def test_a_form_whose_rows_are_numbered_beforehand_is_not_filled_in(tmp_path: Path) -> None:
    entries, remarks = read(lines(tmp_path, [HEADER, [1], ["2、"], ["（三）"]], "卫生局.csv"))
    assert entries == ()
    assert ["nobody has filled it in" in reason for _place, reason in heavy(remarks)] == [True]


@pytest.mark.parametrize(
    "name, department",
    [
        ("复件 卫生局", "卫生局"),
        ("给大数据局的表", "大数据局"),
        ("区卫生局附件2", "区卫生局"),
        ("final卫生局", "卫生局"),
        ("区委办", "区委办"),
        ("区直各部门", ""),
    ],
)
def test_departments_in_more_names_of_files(name: str, department: str) -> None:
    assert department_in(name) == department


@pytest.mark.parametrize(
    "heading",
    ["一、办公类系统", "（二）委托建设的系统", "部署在局域网的系统", "卫生局自建系统", "三、会议系统", "全局性系统"],
)
@pytest.mark.parametrize("grouped", [True, False])
def test_headings_of_sorts_of_systems_begin_no_group_of_somebody_else(
    tmp_path: Path, heading: str, grouped: bool
) -> None:
    above = [["卫生局"]] if grouped else []
    rows: list[list[Any]] = [
        ["填报单位：卫生局"], HEADER, *above, [1, "挂号系统", "挂号", 3], [heading], [2, "药房系统", "配药", 4],
    ]  # fmt: skip
    entries, _remarks = read(lines(tmp_path, rows))
    assert owners(entries) == [("挂号系统", "卫生局"), ("药房系统", "卫生局")]


def test_the_line_of_a_classified_system_beside_it_is_not_taken(tmp_path: Path) -> None:
    header = ["系统名称", "主要功能", "线路名称", "运营商", "带宽"]
    row = ["指挥系统（机密级）", "指挥", "城东专线", "电信", "20M"]
    entries, remarks = read(
        lines(tmp_path, [header, row, ["挂号系统", "挂号", "医保专线", "电信", "10M"]], "卫生局.csv")
    )
    assert "城东专线" not in repr((entries, remarks))
    asked = [["系统名称", "是否涉密", "线路名称", "运营商", "带宽"], ["指挥系统", "是", "城东专线", "电信", "20M"]]
    entries, remarks = read(lines(tmp_path, asked, "卫生局.csv"))
    assert "城东专线" not in repr((entries, remarks))
