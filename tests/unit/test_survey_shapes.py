"""Sheets of other shapes: a column for each system, years, websites, filing forms, servers, ticks, neighbours."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.cells.told import Setting
from inventory.survey.cells.values import told_by
from inventory.survey.columns import catalogue
from inventory.survey.entries import Weight
from tests.unit.books import at, heavy, lines, read, sheet


def test_a_column_for_each_system(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["审计局信息系统情况表"],
        ["指标", "系统1", "系统2", "系统3"],
        ["系统名称", "审计管理系统", "联网审计平台", "OA"],
        ["主要功能", "审计项目管理", "财政联网审计", "公文流转"],
        ["使用频度", "每天", "每月", "每天"],
        ["建设性质", "新建", "新建", "改建"],
        ["运维费用（万元/年）", "0", 4, 1.5],
        ["是否涉密", "否", "否", "是"],
        ["等级保护级别", "三级", "二级", "一级"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department) for entry in entries] == [
        ("审计管理系统", "审计局"), ("联网审计平台", "审计局"), ("OA", "审计局"),
    ]  # fmt: skip
    assert entries[1].values == {
        "survey.function": "财政联网审计", "survey.frequency": "monthly", "survey.running_cost": 40000,
        "grading.classified": False, "grading.mlps": 2,
    }  # fmt: skip
    assert dict(entries[2].values) == {"grading.classified": True}
    assert entries[1].places["survey.running_cost"].cell == "C7"
    assert [cell for cell, _reason in heavy(remarks)] == ["A6"]


def by_years(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
    for column, word in enumerate(("系统名称", "部门", "使用频度")):
        page.merge_range(0, column, 1, column, word)
    page.merge_range("D1:F1", "运维费用（万元）")
    page.write_row("D2", [2015, 2016, "2017年"])
    page.write_row("A3", ["甲系统", "民政局", "每天", 1, 2, 3])
    page.write_row("A4", ["乙系统", "民政局", "每天", 4, 5])


def test_of_costs_by_year_the_last_one_counts_and_all_are_kept(tmp_path: Path) -> None:
    entries, remarks = read(sheet(tmp_path, by_years))
    assert [entry.values["survey.running_cost"] for entry in entries] == [30000, 50000]
    assert entries[1].values["survey.costs"] == [{"year": 2015, "amount": 40000}, {"year": 2016, "amount": 50000}]
    assert heavy(remarks) == []


def test_a_year_as_a_number_does_not_hide_a_header(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "使用频度", "运维费（万元）2016年", 2017], ["甲系统", "民政局", "每天", 1, 2],
    ]  # fmt: skip
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert entry.values["survey.running_cost"] == 20000
    assert heavy(remarks) == []


def test_costs_by_year_in_one_cell_are_read_back() -> None:
    column = catalogue().listing("system").column("survey.costs")
    assert column is not None
    told = told_by("2016年3万元；2017年40000元", column, Setting())
    assert told.value == [{"year": 2016, "amount": 30000}, {"year": 2017, "amount": 40000}]
    assert told_by("三年共9万", column, Setting()).severity is Weight.ERROR


def test_websites_are_systems_of_that_common_function(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["政府网站普查登记表"],
        ["序号", "网站名称", "主办单位", "域名", "网站标识码", "安全等级", "是否关停"],
        [1, "民政网", "区民政局", "mz.example.gov.cn", "2102000001", "二级", "否"],
        [2, "教育网", "区教育局", "edu.example.gov.cn", "2102000002", "二级", "是"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department, entry.values["common"]) for entry in entries] == [
        ("民政网", "区民政局", "website"), ("教育网", "区教育局", "website"),
    ]  # fmt: skip
    assert [entry.values["survey.state"] for entry in entries] == ["running", "closed"]
    assert entries[0].values["survey.url"] == "mz.example.gov.cn"
    assert heavy(remarks) == []


@pytest.mark.parametrize("gap", [True, False])
def test_tables_that_stand_side_by_side(tmp_path: Path, gap: bool) -> None:
    header = ["序号", "系统名称", "部门"]
    between = [""] if gap else []
    rows: list[list[Any]] = [
        ["信息系统清单"],
        [*header, *between, *header],
        [1, "甲系统", "水务局", *between, 3, "丙系统", "教育局"],
        [2, "乙系统", "民政局", *between, 4, "丁系统", "卫计局"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department) for entry in entries] == [
        ("甲系统", "水务局"), ("乙系统", "民政局"), ("丙系统", "教育局"), ("丁系统", "卫计局"),
    ]  # fmt: skip
    assert heavy(remarks) == []


def test_tables_of_two_kinds_side_by_side(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["填报单位：水务局"],
        ["系统名称", "使用频度", "", "机房名称", "机房面积（㎡）"],
        ["甲系统", "每天", "", "中心机房", 30],
        ["乙系统", "每周"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.kind, entry.title, entry.department) for entry in entries] == [
        ("system", "甲系统", "水务局"), ("system", "乙系统", "水务局"), ("room", "中心机房", "水务局"),
    ]  # fmt: skip
    assert heavy(remarks) == []


def test_long_numbers_have_to_be_text(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "系统编号"],
        ["甲系统", "民政局", 210200000000000123],
        ["乙系统", "民政局", "2.102E+17"],
        ["丙系统", "民政局", "000210200000000000123"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [entry.values.get("survey.number") for entry in entries] == [None, None, "000210200000000000123"]
    assert [at(remarks, cell).severity for cell in ("C2", "C3")] == [Weight.ERROR, Weight.ERROR]


def test_amounts_beyond_belief_are_asked_about(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["填报单位：水务局", "", "单位：万元"],
        ["系统名称", "运维费用", "投资额"],
        ["甲系统", 35000, 1200],
        ["乙系统", "3.5亿元", "120万元"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert entries[0].values == {"survey.investment": 12000000}
    # Who writes the unit beside the number means it.
    assert entries[1].values["survey.running_cost"] == 350000000
    assert [(cell, at(remarks, cell).severity) for cell, _reason in heavy(remarks)] == [("B3", Weight.ERROR)]


def test_a_few_yuan_under_yuan_are_asked_about(tmp_path: Path) -> None:
    (entry,), remarks = read(sheet(tmp_path, [["系统名称", "部门", "运维费用（元）"], ["甲系统", "水务局", 3.5]]))
    assert entry.values["survey.running_cost"] == 3.5
    assert at(remarks, "C2").severity is Weight.WARNING


def test_what_every_form_asks_is_kept(tmp_path: Path) -> None:
    words = {
        "是否可上云": ("暂不具备", "survey.cloud_ready", False),
        "是否已上云": ("未上云", "survey.in_cloud", False),
        "服务器台数": (3, "survey.servers", 3),
        "操作系统": ("Windows 2008", "survey.os", "Windows 2008"),
        "数据库": ("Oracle 11g", "survey.database", "Oracle 11g"),
        "中间件": ("Tomcat", "survey.middleware", "Tomcat"),
        "部署位置": ("局机房", "survey.placement", "局机房"),
        "系统状态": ("在用", "survey.state", "running"),
        "是否僵尸系统": ("否", "survey.reported_zombie", False),
    }
    rows: list[list[Any]] = [["系统名称", "部门", *words], ["甲系统", "水务局", *(cell for cell, *_ in words.values())]]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert dict(entry.values) == {field: value for _cell, field, value in words.values()}
    assert heavy(remarks) == []


def test_a_catalogue_of_the_guide_of_2017(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row(
            "A1", ["信息资源名称", "信息资源提供方", "信息项名称", "数据类型", "共享类型", "共享条件", "是否向社会开放"]
        )
        for column, word in ((0, "低保对象"), (1, "民政局"), (4, "不予共享"), (5, "《社会救助暂行办法》"), (6, "否")):
            page.merge_range(1, column, 3, column, word)
        for row, word in enumerate(("姓名", "身份证号", "金额"), 1):
            page.write(row, 2, word)
            page.write(row, 3, "C")

    (entry,), remarks = read(sheet(tmp_path, fill))
    assert entry.values == {"items": 3, "sharing": "none", "basis": "《社会救助暂行办法》", "open": False}
    assert heavy(remarks) == []


def test_demands_for_data_are_kept_with_who_has_it(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["政务数据共享需求清单"],
        ["序号", "需求部门", "需求数据名称", "提供部门", "数据项", "用途", "共享方式", "更新频率"],
        [1, "水务局", "人口信息", "公安局", "姓名、身份证号", "核验", "接口", "实时"],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert (entry.kind, entry.title, entry.department) == ("demand", "人口信息", "水务局")
    assert entry.values == {
        "provider": "公安局", "items": "姓名、身份证号", "use": "核验", "way": "接口", "cycle": "实时",
    }  # fmt: skip
    assert heavy(remarks) == []


def test_a_column_for_each_system_that_its_header_names(tmp_path: Path) -> None:
    rows = [
        ["水务局信息系统调查表"],
        ["项目", "水费系统", "河长制平台"],
        ["主要功能", "收费", "巡查"],
        ["使用范围", "全区", "全区"],
        ["使用频度", "每天", "每周"],
        ["等保级别", "二级", "一级"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.values["survey.frequency"], entry.values["grading.mlps"]) for entry in entries] == [
        ("水费系统", "daily", 2), ("河长制平台", "weekly", 1),
    ]  # fmt: skip
    assert heavy(remarks) == []


def test_years_and_units_below_a_heading_that_is_not_merged(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["系统名称", "部门", "近三年运维费（万元）", "", ""], ["", "", "2015年", "2016年", "2017年"],
        ["甲系统", "水务局", 1, 2, 3],
    ]  # fmt: skip
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert (entry.values["survey.running_cost"], heavy(remarks)) == (30000, [])
    rows = [["系统名称", "部门", "投资额", "运维费用"], ["", "", "万元", "万元/年"], ["甲系统", "水务局", 10, 2]]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert (entry.values, heavy(remarks)) == ({"survey.investment": 100000, "survey.running_cost": 20000}, [])


@pytest.mark.parametrize("name, field", [("", "basis"), ("births", "conditions")])
def test_conditions_of_what_is_not_shared_are_its_basis_unless_our_own_sheet_says_otherwise(
    tmp_path: Path, name: str, field: str
) -> None:
    rows = [
        ["资源名称", "资源标识", "部门", "共享类型", "共享条件"],
        ["出生证明", name, "卫计局", "不予共享", "某法第十二条"],
    ]
    (entry,), _remarks = read(lines(tmp_path, rows))
    assert entry.values[field] == "某法第十二条"
