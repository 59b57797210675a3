"""The form by which systems are filed under the MLPS, on one sheet or on several."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from tests.unit.books import heavy, read, sheet


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


def part(number: str, *rows: list[str]) -> list[list[str]]:
    return [[f"表{number} 备案"], *rows]


UNIT = part("一", ["01单位名称", "国土资源局"], ["02单位地址", "东路1号"], ["03邮编", "1"], ["04行政区划代码", "2"])


def system_part(title: str) -> list[list[str]]:
    return part(
        "二", ["01系统名称", title], ["02系统编号", "9"], ["03系统承载业务情况", "业务描述", "登记"],
        ["04系统服务情况", "服务对象", "x"],
    )  # fmt: skip


def level_part(level: str) -> list[list[str]]:
    return part(
        "三", ["01确定业务信息安全保护等级", "第一级"], ["02确定系统服务安全保护等级", level],
        ["03信息系统安全保护等级", level], ["04定级时间", "2016年"], ["07主管部门名称", "省国土资源厅"],
    )  # fmt: skip


def several_sheets(tmp_path: Path, sheets: dict[str, list[list[str]]]) -> Path:
    path = tmp_path / "备案表.xlsx"
    book = xlsxwriter.Workbook(str(path))
    for name, rows in sheets.items():
        page = book.add_worksheet(name)
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    book.close()
    return path


def test_a_filing_form_that_goes_over_several_sheets_is_one(tmp_path: Path) -> None:
    sheets = {"表一": UNIT, "表二": system_part("一张图系统"), "表三": level_part("第二级")}
    (entry,), remarks = read(several_sheets(tmp_path, sheets))
    assert (entry.title, entry.department, entry.values["grading.mlps"]) == ("一张图系统", "国土资源局", 2)
    assert (entry.places["grading.mlps"].sheet, entry.places["grading.mlps"].cell) == ("表三", "B4")
    assert heavy(remarks) == []


@pytest.mark.parametrize("names", [("表二(1)", "表二(2)", "表三(1)", "表三(2)"), ("二甲", "二乙", "三1", "三2")])
def test_the_forms_of_two_systems_are_told_apart_by_number_or_asked_about(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    parts = (system_part("甲系统"), system_part("乙系统"), level_part("第二级"), level_part("第三级"))
    sheets = dict(zip(names, parts, strict=True))
    entries, remarks = read(several_sheets(tmp_path, {"表一": UNIT, **sheets}))
    levels = [entry.values.get("grading.mlps") for entry in entries]
    if names[0].endswith(")"):
        assert (levels, heavy(remarks)) == ([2, 3], [])
    else:
        assert levels == [None, None]
        assert len(heavy(remarks)) == 2


def test_the_level_that_follows_its_system_is_that_system_s(tmp_path: Path) -> None:
    sheets = {
        "a": system_part("甲系统"),
        "b": level_part("第二级"),
        "c": system_part("乙系统"),
        "d": level_part("第三级"),
    }
    entries, _remarks = read(several_sheets(tmp_path, sheets))
    assert [entry.values["grading.mlps"] for entry in entries] == [2, 3]


def test_two_forms_below_each_other_are_two_systems(tmp_path: Path) -> None:
    rows = [*system_part("甲系统"), *level_part("第二级"), *system_part("乙系统"), *level_part("第三级")]
    entries, _remarks = read(several_sheets(tmp_path, {"表": rows}))
    assert [(entry.title, entry.values["grading.mlps"]) for entry in entries] == [("甲系统", 2), ("乙系统", 3)]
