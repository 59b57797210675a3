"""Answers that are ticked: boxes in a cell, and a column for each answer."""

from pathlib import Path

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.cells.ticks import is_tick, ticked
from inventory.survey.entries import Weight
from tests.unit.books import at, heavy, read, sheet


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
