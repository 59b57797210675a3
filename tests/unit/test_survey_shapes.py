"""Sheets of other shapes: a column for each system, years, websites, filing forms, servers, ticks, neighbours."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.cells.quantities import product_of
from inventory.survey.cells.ticks import is_tick, ticked
from inventory.survey.cells.told import Setting
from inventory.survey.cells.values import told_by
from inventory.survey.columns import catalogue
from inventory.survey.entries import Weight
from inventory.survey.tables.naming import perhaps_several, several
from tests.unit.books import at, heavy, read, sheet


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


def test_the_filing_form_of_the_mlps(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["表二  信息系统情况"],
        ["01系统名称", "不动产登记系统", "", "02系统编号", "00001"],
        ["03系统承载业务情况", "业务类型", "√生产作业  □指挥调度"],
        ["", "业务描述", "登记发证"],
        ["05系统网络平台", "覆盖范围", "√局域网  □城域网"],
        ["", "网络性质", "√业务专网  □互联网"],
        ["07关键产品使用情况", "序号", "产品类型", "数量", "使用国产品率"],
        ["", "1", "操作系统", 6, "□全部使用"],
        ["10何时投入运行使用", "2014年03月15日"],
        ["01确定业务信息安全保护等级", "□第一级 √第二级"],
        ["03信息系统安全保护等级", "□第一级 □第二级 √第三级"],
        ["填表人：赵六", "", "填表日期：2014年2月1日"],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows, "表二", "国土局定级备案表.xlsx"))
    assert (entry.title, entry.department) == ("不动产登记系统", "国土局")
    assert entry.values == {
        "survey.number": "00001", "survey.function": "登记发证", "survey.network": "业务专网",
        "survey.launched": "2014-03-15", "grading.mlps": 3, "survey.surveyed": "2014-02-01",
    }  # fmt: skip
    assert heavy(remarks) == []


def test_a_filing_form_without_its_system_is_asked_about(tmp_path: Path) -> None:
    rows = [["01确定业务信息安全保护等级", "√第二级"], ["02系统服务安全保护等级", "√第二级"], ["03定级时间", "2014年"],
            ["04专家评审情况", "√未评审"]]  # fmt: skip
    entries, remarks = read(sheet(tmp_path, rows))
    assert entries == ()
    assert len(heavy(remarks)) == 1


def test_a_list_with_amounts_is_no_filing_form(tmp_path: Path) -> None:
    costs = [["", "", "", each] for each in ("12万元", "12万元", "13万元", "15万元")]
    entries, remarks = read(sheet(tmp_path, [["系统名称", "部门", "功能描述", "运维费用"], *costs]))
    assert entries == ()
    assert {remark.place.cell for remark in remarks} >= {"D2", "D3", "D4", "D5"}


def servers_below(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
    page.write_row("A1", ["系统名称", "部门", "使用频度", "服务器名称", "IP地址", "CPU核数", "内存（GB）", "操作系统"])
    for column, word in enumerate(("一张图", "规划局", "每天")):
        page.merge_range(1, column, 3, column, word)
    page.write_row("D2", ["db01", "10.1.1.1", 16, 64, "RHEL 6"])
    page.write_row("D3", ["app01", "10.1.1.2", 8, 32, "Windows 2008"])
    page.write_row("D4", ["app02", "10.1.1.3", 8, 32, "Windows 2008"])
    page.write_row("A5", ["规划审批", "规划局", "每天", "web01", "10.1.1.4", 4, 16, "CentOS 6"])
    page.write_row("D6", ["web02", "10.1.1.5", 4, 16, "CentOS 6"])


def test_servers_that_stand_beside_their_system(tmp_path: Path) -> None:
    entries, remarks = read(sheet(tmp_path, servers_below))
    assert [entry.title for entry in entries if entry.kind == "system"] == ["一张图", "规划审批"]
    hosts = [entry for entry in entries if entry.kind == "host"]
    assert [(host.title, host.department, host.values["purpose"]) for host in hosts] == [
        ("db01", "规划局", "一张图"), ("app01", "规划局", "一张图"), ("app02", "规划局", "一张图"),
        ("web01", "规划局", "规划审批"), ("web02", "规划局", "规划审批"),
    ]  # fmt: skip
    # The first server's processors are not those of the system.
    assert "survey.usage.cpus" not in entries[0].values
    assert heavy(remarks) == []


def test_servers_of_a_classified_system_are_not_taken(tmp_path: Path) -> None:
    rows = [
        ["系统名称", "部门", "使用频度", "是否涉密", "服务器名称", "IP地址"],
        ["甲系统", "公安局", "每天", "是", "db01", "10.9.9.9"],
    ]
    (entry,), remarks = read(sheet(tmp_path, rows))
    assert dict(entry.values) == {"grading.classified": True}
    assert "10.9.9.9" not in repr(remarks)


def test_servers_without_a_name_go_by_purpose_and_address(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["服务器资源调研表"],
        ["序号", "所属业务系统", "服务器用途", "部门", "IP地址", "CPU（颗×核）", "内存", "硬盘（总/已用）"],
        [1, "一张图", "数据库服务器", "规划局", "192.168.10.11/24", "2×8", "64GB", "4T/2.1T"],
        [2, "一张图", "数据库服务器", "规划局", "192.168.10.12", "8", "32G", "500G/120G"],
        [3, "审批", "应用服务器", "规划局", "", "2颗8核", "4×16G", "2×600G SAS"],
        [4, "审批", "应用服务器", "规划局", "", "8", "32G", "1T/1T"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [entry.title for entry in entries] == [
        "数据库服务器 192.168.10.11", "数据库服务器 192.168.10.12", "应用服务器", "应用服务器(2)",
    ]  # fmt: skip
    assert [(entry.values["cpus"], entry.values["memory"], entry.values["storage"]) for entry in entries] == [
        (16, 65536, 4096), (8, 32768, 500), (16, 65536, 1200), (8, 32768, 1024),
    ]  # fmt: skip
    assert entries[0].values["purpose"] == "一张图; 数据库服务器"
    assert [cell for cell, _reason in heavy(remarks)] == ["A6"]


@pytest.mark.parametrize("cell", ["2×8", "2*8", "2颗8核", "2路8核", "4×4核"])
def test_processors_that_are_multiplied(cell: str) -> None:
    amount = product_of(cell)
    assert amount is not None
    assert amount.number == 16


@pytest.mark.parametrize("cell", ["8", "16核", "2-3", "500G/120G", "10.1.1.1", "2017*"])
def test_what_is_no_product(cell: str) -> None:
    assert product_of(cell) is None


@pytest.mark.parametrize(
    "cell, options",
    [
        ("□是 ☑否", ["否"]),
        ("是□ 否☑", ["否"]),
        ("是（√）否（ ）", ["是"]),
        ("√是 否", ["是"]),
        ("□是 □否", []),
        ("[x]是 [ ]否", ["是"]),
        ("三级（S3A3G3）", None),
        ("√", None),
    ],
)
def test_ticks_inside_of_a_cell(cell: str, options: list[str] | None) -> None:
    assert ticked(cell) == options


@pytest.mark.parametrize("cell, tick", [("√", True), ("是", True), ("", False), ("×", False), ("每周", None)])
def test_ticks_that_are_a_cell(cell: str, tick: bool | None) -> None:
    assert is_tick(cell) is tick


def test_answers_that_are_ticked_in_columns_of_their_own(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        for column, word in enumerate(("系统名称", "部门", "功能描述")):
            page.merge_range(0, column, 1, column, word)
        page.merge_range("D1:F1", "使用频度")
        page.write_row("D2", ["每天", "每周", "每月"])
        page.merge_range("G1:H1", "是否涉密")
        page.write_row("G2", ["是", "否"])
        page.merge_range("I1:J1", "等保级别")
        page.write_row("I2", ["二级", "三级"])
        page.write_row("A3", ["甲系统", "民政局", "登记", "", "√", "", "", "√", "√", ""])
        page.write_row("A4", ["乙系统", "民政局", "查询", "√", "√", "", "√", "", "", "看情况"])

    entries, remarks = read(sheet(tmp_path, fill))
    assert entries[0].values == {
        "survey.function": "登记", "survey.frequency": "weekly", "grading.classified": False, "grading.mlps": 2,
    }  # fmt: skip
    assert dict(entries[1].values) == {"grading.classified": True}
    assert "看情况" not in repr(remarks)


def test_two_ticks_and_what_is_no_tick_are_asked_about(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        for column, word in enumerate(("系统名称", "部门", "功能描述")):
            page.merge_range(0, column, 1, column, word)
        page.merge_range("D1:F1", "使用频度")
        page.write_row("D2", ["每天", "每周", "每月"])
        page.write_row("A3", ["乙系统", "民政局", "查询", "√", "√", "偶尔"])

    _entries, remarks = read(sheet(tmp_path, fill))
    assert {cell for cell, _reason in heavy(remarks)} == {"E3", "F3"}
    assert at(remarks, "F3").severity is Weight.ERROR


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


@pytest.mark.parametrize(
    "cell, names",
    [
        ("1.甲管理系统\n2.乙管理平台", ("甲管理系统", "乙管理平台")),
        ("甲管理系统、乙管理系统", ("甲管理系统", "乙管理系统")),
        ("水费征收\n管理系统", ()),
        ("办公系统\n（二期）", ()),
        ("不动产登记、交易系统", ()),
    ],
)
def test_systems_in_one_cell(cell: str, names: tuple[str, ...]) -> None:
    assert several(cell) == names


def test_two_systems_in_a_cell_are_two_of_which_only_the_names_are_taken(tmp_path: Path) -> None:
    rows = [
        ["系统名称", "部门", "功能描述"],
        ["甲管理系统、乙管理系统", "水务局", "登记"],
        ["监测系统和预警平台", "水务局", ""],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [(entry.title, entry.department, dict(entry.values)) for entry in entries] == [
        ("甲管理系统", "水务局", {}), ("乙管理系统", "水务局", {}), ("监测系统和预警平台", "水务局", {}),
    ]  # fmt: skip
    assert [(cell, at(remarks, cell).severity) for cell, _reason in heavy(remarks)] == [
        ("A2", Weight.ERROR), ("A3", Weight.WARNING),
    ]  # fmt: skip
    assert perhaps_several("监测系统和预警平台")


@pytest.mark.parametrize("title", ["示例：人口系统", "例：人口系统", "XX系统", "某某管理系统", "人口系统（示例）"])
def test_examples_are_no_entries(tmp_path: Path, title: str) -> None:
    rows: list[list[Any]] = [
        ["序号", "系统名称", "部门", "功能描述"],
        [1, title, "某局", "登记"],
        [1, "甲系统", "水务局", "收费"],
    ]
    entries, _remarks = read(sheet(tmp_path, rows))
    assert [entry.title for entry in entries] == ["甲系统"]


def test_what_is_struck_out_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, page: Worksheet) -> None:
        struck = book.add_format({"font_strikeout": True})
        page.write_row("A1", ["系统名称", "部门", "功能描述"])
        page.write_row("A2", ["甲系统", "民政局", "登记"], struck)
        page.write_row("A3", ["乙系统", "民政局"])
        page.write("C3", "查询", struck)

    (entry,), remarks = read(sheet(tmp_path, fill))
    assert (entry.title, dict(entry.values)) == ("乙系统", {})
    assert heavy(remarks) == [("A2", "struck out; not read"), ("C3", "struck out; not read")]


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


def test_a_room_is_found_by_two_known_columns(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["水务局机房"],
        ["序号", "机房名称", "机房面积（㎡）", "UPS", "消防", "动环监控", "建成时间"],
        [1, "中心机房", 30, "有", "有", "无", "2012"],
    ]
    (entry,), _remarks = read(sheet(tmp_path, rows))
    assert (entry.kind, entry.title, entry.values["area"]) == ("room", "中心机房", 30)


def test_lines_without_a_name_go_by_purpose_and_ends(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "部门", "线路用途", "起点", "终点", "线路类型", "带宽（M）", "运营商"],
        [1, "水务局", "视频监控", "水务局", "水库", "专线", 10, "电信"],
        [2, "水务局", "视频监控", "水务局", "水库", "专线", 20, "移动"],
        [3, "水务局", "上网", "", "", "互联网专线", 100, "联通"],
    ]
    entries, remarks = read(sheet(tmp_path, rows, "专线"))
    assert [entry.title for entry in entries] == ["视频监控(水务局—水库)", "视频监控(水务局—水库)(2)", "上网"]
    assert entries[0].values["route"] == "水务局; 水库"
    assert [cell for cell, _reason in heavy(remarks)] == ["A3"]


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


def test_lines_of_which_only_carrier_and_bandwidth_are_known_are_all_kept(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["序号", "部门", "运营商", "带宽", "月租金（元）", "线路类型"],
        [1, "水务局", "电信", "10M", 300, "专线"],
        [2, "水务局", "电信", "10M", 300, "专线"],
    ]
    entries, _remarks = read(sheet(tmp_path, rows, "专线"))
    assert [(entry.kind, entry.title, entry.values["rent"]) for entry in entries] == [
        ("line", "电信10M", 3600), ("line", "电信10M(2)", 3600),
    ]  # fmt: skip
