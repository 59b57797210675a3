"""Servers, lines and rooms: beside their systems, by purpose, without a name of their own."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.cells.quantities import product_of
from tests.unit.books import heavy, read, sheet


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


def test_a_room_is_found_by_two_known_columns(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["水务局机房"],
        ["序号", "机房名称", "机房面积（㎡）", "UPS", "消防", "动环监控", "建成时间"],
        [1, "中心机房", 30, "有", "有", "无", "2012"],
    ]
    (entry,), _remarks = read(sheet(tmp_path, rows))
    assert (entry.kind, entry.title, entry.values["area"]) == ("room", "中心机房", 30)
