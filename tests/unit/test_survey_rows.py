"""Rows that are no entries, or are several: examples, totals, signatures, replies, strikes, two names in a cell."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.entries import Weight
from inventory.survey.tables.naming import perhaps_several, several
from tests.unit.books import at, heavy, lines, read, sheet


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


def test_a_department_that_says_none_among_groups_has_answered(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["序号", "系统名称", "主要功能", "投资（万元）"],
        ["一", "民政局"], [1, "低保系统", "核对", "1,20"], ["二", "教育局", "本单位无政务信息系统"],
        ["三", "信访局"], [1, "无"], ["四", "统计局"], ["五", "水务局（1个）"], [1, "水费系统", "收费", 30],
    ]  # fmt: skip
    entries, remarks = read(lines(tmp_path, rows))
    assert [(entry.kind, entry.title, entry.department) for entry in entries] == [
        ("system", "低保系统", "民政局"), ("system", "水费系统", "水务局"),
        ("department", "教育局", ""), ("department", "信访局", ""),
    ]  # fmt: skip
    assert ("A7", "rows below this department, or 无 where it has nothing to list") in heavy(remarks)


@pytest.mark.parametrize(
    "row",
    [
        ["填表人：张三", "", "审核人：李四", "", "电话：024-1"], ["填表人", "张三", "审核人", "李四"],
        ["本页小计", "", "", 3], ["", "本页合计：1个"], ["（以下空白）"], ["", "以下无正文"], ["全区合计", "", 2],
    ],
)  # fmt: skip
def test_what_stands_below_a_table_is_no_system(tmp_path: Path, row: list[object]) -> None:
    entries, remarks = read(
        lines(tmp_path, [["序号", "系统名称", "部门", "功能", "运维费"], [1, "甲系统", "民政局"], row])
    )
    assert [entry.title for entry in entries] == ["甲系统"]
    assert heavy(remarks) == []


def test_who_signed_below_a_table_is_its_department(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["系统名称", "功能", "用户数"],
        ["甲系统", "登记", 3],
        [],
        ["区水务局（章）"],
        ["2018年3月5日"],
    ]
    (entry,), remarks = read(lines(tmp_path, rows))
    assert entry.department == "区水务局"
    assert at(remarks, "A4").expected == "taken as the department that signed"


def test_a_number_is_no_name_of_a_system(tmp_path: Path) -> None:
    entries, remarks = read(lines(tmp_path, [["系统名称", "部门", "功能"], ["1.", "民政局", "登记"]]))
    assert (entries, at(remarks, "A2").severity) == ((), Weight.ERROR)


@pytest.mark.parametrize("cell", ["OA;门户", "办公系统；门户", "监测系统与预警平台"])
def test_what_may_be_two_systems_is_asked_about(cell: str) -> None:
    assert (several(cell), perhaps_several(cell)) == ((), True)


@pytest.mark.parametrize("cell", ["人口、法人库系统", "水务APP", "办公/OA系统", "救助系统（含核对系统）"])
def test_what_is_one_system(cell: str) -> None:
    assert (several(cell), perhaps_several(cell)) == ((), False)


def test_a_part_that_is_struck_out_is_not_read_either(tmp_path: Path) -> None:
    def fill(book: xlsxwriter.Workbook, page: Worksheet) -> None:
        struck, bold = book.add_format({"font_strikeout": True}), book.add_format({"bold": True})
        page.write_row("A1", ["系统名称", "部门", "功能描述"])
        page.write_row("A2", ["甲系统", "民政局"])
        page.write_rich_string("C2", struck, "旧功能", "新功能")
        page.write_rich_string("A3", struck, "乙", struck, "系统")
        page.write_rich_string("A4", bold, "丙", "系统")
        page.write_row("B3", ["民政局"])
        page.write_row("B4", ["民政局"])

    entries, remarks = read(sheet(tmp_path, fill))
    assert [(entry.title, entry.values.get("survey.function")) for entry in entries] == [
        ("甲系统", "新功能"), ("丙系统", None),
    ]  # fmt: skip
    assert heavy(remarks) == [("C2", "a part is struck out; only the rest is read"), ("A3", "struck out; not read")]


def test_comments_on_cells_are_told_and_their_secrets_are_heard(tmp_path: Path) -> None:
    def fill(_book: xlsxwriter.Workbook, page: Worksheet) -> None:
        page.write_row("A1", ["系统名称", "部门", "功能描述"])
        page.write_row("A2", ["甲系统", "民政局", "登记"])
        page.write_row("A3", ["乙系统", "民政局", "查询"])
        page.write_comment("C2", "已停用")
        page.write_comment("A3", "涉密系统")

    entries, remarks = read(sheet(tmp_path, fill))
    assert [dict(entry.values) for entry in entries] == [{"survey.function": "登记"}, {"grading.classified": True}]
    assert [cell for cell, reason in heavy(remarks) if reason.startswith("a comment")] == ["C2", "A3"]
    assert "涉密系统" not in repr(remarks)


STYLES = (
    '<style:style style:name="S" style:family="table-cell">'
    '<style:text-properties style:text-line-through-style="solid"/></style:style>'
    '<style:style style:name="C" style:family="table-cell" style:parent-style-name="S"/>'
    '<style:style style:name="T" style:family="text"><style:text-properties style:text-line-through-type="single"/>'
    "</style:style>"
)


def ods(tmp_path: Path, rows: str) -> Path:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{STYLES}</office:automatic-styles><office:body>"
        f'<office:spreadsheet><table:table table:name="a">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


def line(*cells: str, style: str = "") -> str:
    mark = f' table:style-name="{style}"' if style else ""
    inside = "".join(
        f'<table:table-cell office:value-type="string"{mark}><text:p>{each}</text:p></table:table-cell>'
        for each in cells
    )
    return f"<table:table-row>{inside}</table:table-row>"


def test_what_is_struck_out_in_an_open_document_is_not_read(tmp_path: Path) -> None:
    struck = '<text:span text:style-name="T">旧</text:span>'
    rows = [
        line("系统名称", "部门", "功能描述"), line("甲系统", "民政局", "登记", style="C"),
        line("乙系统", "民政局", struck), line("丙系统", "民政局", f"{struck}新"),
    ]  # fmt: skip
    entries, remarks = read(ods(tmp_path, "".join(rows)))
    assert [(entry.title, dict(entry.values)) for entry in entries] == [
        ("乙系统", {}), ("丙系统", {"survey.function": "新"}),
    ]  # fmt: skip
    assert sorted(heavy(remarks)) == [
        ("A2", "struck out; not read"), ("C3", "struck out; not read"),
        ("C4", "a part is struck out; only the rest is read"),
    ]  # fmt: skip
