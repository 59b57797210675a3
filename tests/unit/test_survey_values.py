"""Cells: what people write for dates, money, sizes, truth and choices, and what is taken from it."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.survey.cells.dates import day_of
from inventory.survey.cells.told import Setting, Told
from inventory.survey.cells.values import told_by
from inventory.survey.columns import Column, catalogue
from inventory.survey.entries import Weight
from inventory.survey.tables.headings import Matcher, taken_apart
from inventory.survey.text import cleaned


def column(kind: str, field: str, *, negated: bool = False) -> Column:
    columns = catalogue().listing(kind).columns
    return next(each for each in columns if each.field == field and each.negated == negated)


def told(field: str, cell: Any, unit: str = "", kind: str = "system", percent: bool | None = False) -> Told:
    return told_by(cell, column(kind, field), Setting(unit, percent))


@pytest.mark.parametrize(
    "cell, value",
    [
        ("2017年3月5日", "2017-03-05"),
        ("2017-03-05", "2017-03-05"),
        ("2017/3/5", "2017-03-05"),
        ("2017.3.5", "2017-03-05"),
        ("２０１７年３月５日", "2017-03-05"),
        ("二〇一七年三月五日", "2017-03-05"),
        ("二〇一七年十二月二十五日", "2017-12-25"),
        ("20170305", "2017-03-05"),
        (20170305, "2017-03-05"),
        ("2017-03-05 10:30:00", "2017-03-05"),
        (date(2017, 3, 5), "2017-03-05"),
        (datetime(2017, 3, 5, 10, 30), "2017-03-05"),  # noqa: DTZ001 - a cell has no zone
    ],
)
def test_whole_dates_need_no_remark(cell: Any, value: str) -> None:
    assert told("survey.approved", cell) == Told(value)


@pytest.mark.parametrize(
    "cell, value, severity",
    [
        ("2017年3月", "2017-03-01", Weight.NOTE),
        ("2017.3", "2017-03-01", Weight.NOTE),
        (2017.3, "2017-03-01", Weight.NOTE),
        ("2017年", "2017-01-01", Weight.NOTE),
        (2017, "2017-01-01", Weight.NOTE),
        (201703, "2017-03-01", Weight.NOTE),
        (42799, "2017-03-05", Weight.NOTE),
        ("42799", "2017-03-05", Weight.NOTE),
        ("2014年底", "2014-12-01", Weight.NOTE),
        ("二〇一四年初", "2014-01-01", Weight.NOTE),
        ("2016年9月上旬", "2016-09-01", Weight.NOTE),
        (2017.1, "2017-01-01", Weight.WARNING),
        ("17年3月", "2017-03-01", Weight.WARNING),
    ],
)
def test_what_is_assumed_of_a_date_is_said(cell: Any, value: str, severity: Weight) -> None:
    found = told("survey.approved", cell)
    assert (found.value, found.severity) == (value, severity)
    assert found.expected


@pytest.mark.parametrize(
    "cell", ["3/5/2017", "2017年13月", "2017-02-30", "去年", "1234", 1e300, True, "2017-3-5至2018-1-1"]
)
def test_what_is_no_date_is_an_error(cell: Any) -> None:
    found = told("survey.approved", cell)
    assert found.value is None
    assert found.severity is Weight.ERROR


@pytest.mark.parametrize(
    "cell, unit, value",
    [
        ("12.5万元", "", 125000),
        ("12.5万", "万元", 125000),
        (12.5, "万元", 125000),
        ("3亿元", "万元", 300000000),
        ("1,200.00", "元", 1200),
        ("１，２００．５０元", "", 1200.5),
        ("￥800元/年", "", 800),
        ("500元/月", "", 6000),
        ("500元", "元/月", 6000),
        ("500元/年", "元/月", 500),
        (30, "10k yuan", 300000),
        (0.1, "万元/年", 1000),
        (0, "", 0),
    ],
)
def test_money_is_yuan_a_year_in_the_nearest_unit_that_is_named(cell: Any, unit: str, value: float) -> None:
    assert told("survey.running_cost", cell, unit) == Told(value)


@pytest.mark.parametrize(
    "cell", ["约1200", "1200余人", "1200多人", "1200人左右", "1200人以上", "近1200人", "0.12万余人"]
)
def test_an_approximate_number_is_taken_and_that_is_said(cell: str) -> None:
    found = told("survey.user_count", cell)
    assert (found.value, found.severity) == (1200, Weight.NOTE)
    assert found.expected


def test_money_without_any_unit_is_taken_as_yuan_and_that_is_said() -> None:
    found = told("survey.running_cost", 1200)
    assert (found.value, found.severity) == (1200, Weight.WARNING)
    assert "元/年" in found.expected


@pytest.mark.parametrize("cell", ["12-15万元", "1,2", "-5", "12米", "12.5万元(其中硬件3万元)", "∞", "1e999", True])
def test_what_is_no_money_is_an_error(cell: Any) -> None:
    assert told("survey.running_cost", cell, "元").severity is Weight.ERROR


@pytest.mark.parametrize(
    "kind, field, cell, unit, value",
    [
        ("host", "memory", "16GB", "", 16384),
        ("host", "memory", "16Ｇ", "", 16384),
        ("host", "memory", 512, "MB", 512),
        ("host", "storage", "2TB", "", 2048),
        ("host", "storage", 500, "GB", 500),
        ("host", "storage", "100MB", "", 1),
        ("line", "bandwidth", "100Mbps", "", 100),
        ("line", "bandwidth", "100兆", "", 100),
        ("line", "bandwidth", 1, "Gbps", 1000),
        ("room", "area", "36.5㎡", "", 36.5),
        ("room", "area", "36平方米", "", 36),
        ("room", "area", 36.0, "", 36),
        ("host", "cpus", "16核", "", 16),
        ("system", "survey.user_count", "1.2万人", "", 12000),
        ("host", "address", "10.11.0.10 ", "", "10.11.0.10"),
        ("room", "prefix", "10.11.0.0/255.255.255.0", "", "10.11.0.0/24"),
        ("asset", "year", "2012年5月", "", 2012),
        ("line", "golden_project", "金税工程（三期）", "", "金税"),
        ("line", "golden_project", "否", "", None),
    ],
)
def test_sizes_and_counts_are_in_the_units_of_the_models(
    kind: str, field: str, cell: Any, unit: str, value: Any
) -> None:
    assert told(field, cell, unit, kind).value == value


@pytest.mark.parametrize(
    "cell, percent, value",
    [("75%", False, 75), (0.75, True, 75), (75, False, 75), (0.75, None, 75), (0.75, False, 0.75)],
)
def test_per_cent_is_read_as_the_cell_shows_it(cell: Any, percent: bool | None, value: float) -> None:
    found = told("survey.usage.cpu_load", cell, "%", percent=percent)
    assert found.value == value
    # Whether 0.75 is three quarters of something or three quarters of a hundredth is told only by the cell's format.
    assert (found.severity is Weight.WARNING) == (cell == 0.75 and not percent)


@pytest.mark.parametrize(
    "cell, value",
    [
        *((word, True) for word in ("是", "√", "有", "✓", "Y", "yes", True, 1, "☑是 □否", "■是□否")),
        *((word, False) for word in ("否", "×", "无", "N", "no", False, 0, "□是 ☑否", "没有")),
    ],
)
def test_yes_and_no_in_all_their_writings(cell: Any, value: bool) -> None:
    assert told("survey.in_process", cell) == Told(value)


def test_a_question_asked_the_other_way_round_is_answered_the_other_way_round() -> None:
    stopped = column("system", "survey.maintained", negated=True)
    assert told_by("是", stopped, Setting()) == Told(value=False)
    assert told_by("否", stopped, Setting()) == Told(value=True)


@pytest.mark.parametrize("cell", ["□是 □否", "☑是 ☑否", "看情况", "3"])
def test_an_answer_that_is_none_is_an_error(cell: str) -> None:
    assert told("survey.in_process", cell).severity is Weight.ERROR


def test_an_answer_with_more_words_is_guessed_and_that_is_said() -> None:
    found = told("survey.in_process", "是，每月一次")
    assert (found.value, found.severity) == (True, Weight.WARNING)


@pytest.mark.parametrize(
    "cell, value",
    [
        ("二级", 2),
        ("第二级", 2),
        ("2", 2),
        (2.0, 2),
        ("三级（S3A3G3）", 3),
        ("Ⅲ级", 3),
        ("等保二级", 2),
        ("２级", 2),
        ("第二级（2级）", 2),
    ],
)
def test_levels(cell: Any, value: int) -> None:
    assert told("grading.mlps", cell) == Told(value)


@pytest.mark.parametrize("cell", ["二级、三级", "六级", "高", 7])
def test_levels_that_are_none(cell: Any) -> None:
    assert told("grading.mlps", cell).severity is Weight.ERROR


def test_a_choice_is_found_by_its_words_alone_or_inside_of_others() -> None:
    assert told("survey.frequency", "每 天") == Told("daily")
    assert told("sharing", "有条件共享", kind="resource") == Told("conditional")
    found = told("survey.frequency", "工作日每天使用三次")
    assert (found.value, found.severity) == ("daily", Weight.WARNING)
    assert told("survey.frequency", "每季度").severity is Weight.ERROR
    assert told("survey.users", "三个街道") == Told("三个街道")


@pytest.mark.parametrize("cell", ["/", "-", "——", "无", "N/A"])
def test_signs_for_nothing_are_nothing(cell: str) -> None:
    assert told("survey.function", cell) == Told()


def test_that_something_is_not_known_is_remarked() -> None:
    assert told("survey.running_cost", "不详").expected
    assert told("survey.running_cost", "无").expected


def test_lists_are_split_at_all_their_separators() -> None:
    assert told("filing.needed", "1、人口信息 2、法人信息；3.电子证照\n 地名").value == [
        "人口信息",
        "法人信息",
        "电子证照",
        "地名",
    ]


def test_text_is_on_one_line_and_without_spaces_inside_of_chinese() -> None:
    assert cleaned(" 水费\n征收 系统\u200b（二期） v 2 ") == "水费征收系统（二期） v 2"
    assert told("survey.number", 20170001.0) == Told("20170001")


@pytest.mark.parametrize(
    "header, bare, unit",
    [
        ("运行费用(万元/年)", "运行费用", "万元/年"),
        ("面积（㎡）", "面积", "m2"),
        ("*1. 系统名称：", "系统名称", ""),
        ("（一）系统名称", "系统名称", ""),
        ("年租金 万元", "年租金", "万元"),
        ("带宽/Mbps", "带宽", "Mbps"),
        ("Running cost (10k yuan)", "Running cost", "10k yuan"),
        ("是否涉密（是/否）", "是否涉密", ""),
    ],
)
def test_headers_are_taken_apart(header: str, bare: str, unit: str) -> None:
    assert taken_apart(header) == (bare, unit)


@pytest.mark.parametrize(
    "parts, field, how",
    [
        (("信息系统名称",), "title", "known"),
        (("审批", "时间"), "survey.approved", "known"),
        (("基本情况", "名称"), "title", "known"),
        (("承建单位", "名称"), "survey.builder", "guessed"),
        (("资金（万元）", "建设"), "survey.investment", "known"),
        (("经费", "运维"), "survey.running_cost", "known"),
        (("年运维总费用(万元)",), "survey.running_cost", "guessed"),
        (("联系人姓名",), "", "unkept"),
        (("服务器数量",), "survey.servers", "known"),
        (("建设性质",), "", "unknown"),
        (("序号",), "", "aside"),
    ],
)
def test_headers_are_matched(parts: tuple[str, ...], field: str, how: str) -> None:
    match = Matcher(catalogue()).match("system", parts)
    assert (match.column.field if match.column else "", match.how) == (field, how)


CELLS = st.one_of(
    st.text(max_size=80),
    st.text("0123456789.,万亿元年月日级%/-约G上同是否√×☑□ （）()", max_size=30),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.times(),
)
COLUMNS = [each for listing in catalogue().kinds for each in listing.columns]


@given(CELLS, st.sampled_from(COLUMNS), st.sampled_from(["", "万元", "GB", "%", "☃"]))
def test_no_cell_is_beyond_reading(cell: Any, under: Column, unit: str) -> None:
    found = told_by(cell, under, Setting(unit, percent=None))
    assert found.value is not None or found.severity in Weight
    assert isinstance(found.value, str | int | float | bool | list | None)


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2100, 12, 31)))
def test_every_writing_of_a_day_means_the_same_day(day: date) -> None:
    forms = (day, f"{day.year}年{day.month}月{day.day}日", f"{day:%Y-%m-%d}", f"{day:%Y/%m/%d}", f"{day:%Y%m%d}")
    assert {day_of(form).value for form in forms} == {day}
    assert day_of((day - date(1899, 12, 30)).days).value == day
