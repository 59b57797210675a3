"""Words that are denied, said with a reserve, or speak of secrets."""

from pathlib import Path
from typing import Any

import pytest

from inventory.survey.cells.denials import Stance, stance_on
from inventory.survey.cells.secrets import marked, secret
from inventory.survey.cells.told import Setting, Told
from inventory.survey.cells.values import told_by
from inventory.survey.columns import catalogue
from inventory.survey.entries import Weight
from inventory.survey.tables.headings import Matcher
from tests.unit.books import heavy, read, sheet


def told(kind: str, field: str, cell: Any, *, negated: bool = False) -> Told:
    columns = catalogue().listing(kind).columns
    return told_by(cell, next(each for each in columns if each.field == field and each.negated == negated), Setting())


@pytest.mark.parametrize(
    "text, word, stance",
    [
        ("金税工程（三期）", "金税", Stance.SAID),
        ("非金税工程", "金税", Stance.DENIED),
        ("不属于金税工程", "金税", Stance.DENIED),
        ("金税工程：否", "金税", Stance.DENIED),
        ("拟纳入金税工程", "金税", Stance.RESERVED),
        ("金税工程以外", "金税", Stance.RESERVED),
        ("无线专网", "专网", Stance.SAID),
        ("不动产登记专网", "专网", Stance.SAID),
        ("非专网，专线", "专线", Stance.SAID),
        ("非金税，现为金税", "金税", Stance.SAID),
        ("金盾", "金税", Stance.ABSENT),
    ],
)
def test_a_word_is_said_denied_or_said_with_a_reserve(text: str, word: str, stance: Stance) -> None:
    assert stance_on(text, word) is stance


@pytest.mark.parametrize(
    "cell", ["等保2.0", "非三级", "未达到二级", "三级以上", "不低于三级", "二级（拟）", "拟定三级", "三级或二级"]
)
def test_what_is_no_level_yet_is_asked_about(cell: str) -> None:
    assert (told("system", "grading.mlps", cell).value, told("system", "grading.mlps", cell).severity) == (
        None,
        Weight.ERROR,
    )


def test_a_level_with_more_words_is_taken_and_that_is_said() -> None:
    found = told("system", "grading.mlps", "第三级（测评未过）")
    assert (found.value, found.severity) == (3, Weight.WARNING)
    assert told("system", "grading.mlps", "已备案，等保2.0三级") == Told(3)


@pytest.mark.parametrize(
    "cell, value, asked",
    [
        ("金税工程", "金税", False),
        ("非金税工程", None, False),
        ("否", None, False),
        ("不属于金字工程", None, False),
        ("不属于金税，属于金盾工程", "金盾", False),
        ("是", None, True),
        ("不确定", None, True),
        ("拟纳入金税工程", None, True),
    ],
)
def test_a_golden_project_is_one_that_is_not_denied(cell: str, value: str | None, asked: bool) -> None:
    found = told("line", "golden_project", cell)
    assert (found.value, found.severity is Weight.ERROR) == (value, asked)


@pytest.mark.parametrize(
    "cell, value",
    [("已停", False), ("已下线", False), ("已不使用", False), ("不维护", False), ("维护中（质保期）", True)],
)
def test_what_is_over_is_no_yes(cell: str, value: bool) -> None:
    assert told("system", "survey.maintained", cell).value is value
    assert told("system", "survey.maintained", "已停", negated=True).value is False


@pytest.mark.parametrize("cell", ["不确定", "不一定", "未定", "部分", "有时", "视情况而定", "基本脱节", "有待确认"])
def test_an_answer_that_leaves_it_open_is_asked_about(cell: str) -> None:
    assert told("system", "survey.in_process", cell).severity is Weight.ERROR


def test_headers_that_differ_in_a_denial_are_not_taken_for_each_other() -> None:
    matcher = Matcher(catalogue())
    assert matcher.match("system", ("是否无人维护更新",)).how == "unknown"
    assert matcher.match("system", ("是否仍在维护更新",)).how == "guessed"


@pytest.mark.parametrize(
    "text",
    [
        "涉密系统",
        "OA（秘密级）",
        "机密文件管理系统",
        "公安信息网（涉密）",
        "机要专线",
        "分级保护三级",
        "无法联网的机密系统",
    ],
)
def test_words_that_speak_of_secrets(text: str) -> None:
    assert secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "不得录入涉密信息", "保密局门户网站", "机要局办公系统",
        "非涉密", "不涉密", "不处理涉密信息", "不存储、处理涉密信息", "无涉密内容",
        "不含涉密系统", "是否涉密：否", "涉密（否）", "严禁处理国家秘密", "商业秘密保护", "依据《保守国家秘密法》",
    ],
)  # fmt: skip
def test_words_that_only_sound_like_secrets(text: str) -> None:
    assert not secret(text)


def test_a_mark_is_more_than_a_word() -> None:
    assert marked("OA（秘密级）")
    assert not marked("涉密人员管理系统")


def test_rows_whose_words_speak_of_secrets_are_only_counted(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["服务器名称", "部门", "IP地址", "CPU核数", "备注"],
        ["涉密文件服务器", "公安局", "10.9.9.9", 8, ""],
        ["应用服务器", "公安局", "10.9.9.8", 8, "用于涉密系统"],
        ["网页服务器", "公安局", "10.9.9.7", 8, "非涉密"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [entry.title for entry in entries] == ["网页服务器"]
    assert [cell for cell, _reason in heavy(remarks)] == ["A2", "A3"]
    assert "10.9.9.9" not in repr(remarks)
    assert "10.9.9.8" not in repr(remarks)


def test_a_no_under_the_question_is_heard_but_a_mark_contradicts_it(tmp_path: Path) -> None:
    rows = [
        ["系统名称", "部门", "功能描述", "是否涉密"],
        ["涉密人员管理系统", "人社局", "登记", "否"],
        ["OA（机密级）", "人社局", "公文", "否"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [dict(entry.values) for entry in entries] == [
        {"survey.function": "登记", "grading.classified": False}, {},
    ]  # fmt: skip
    assert ("D3", Weight.ERROR) in [(remark.place.cell, remark.severity) for remark in remarks]


@pytest.mark.parametrize("title, told_of", [("涉密信息系统清单", True), ("非涉密信息系统清单", False)])
def test_a_list_of_secrets_is_out_of_sight_as_a_whole(tmp_path: Path, title: str, told_of: bool) -> None:
    rows = [[title], ["系统名称", "部门", "功能描述"], ["甲系统", "公安局", "登记"]]
    (entry,), _remarks = read(sheet(tmp_path, rows))
    assert ("survey.function" in entry.values) is not told_of


def test_that_something_is_not_classified_is_nothing_to_keep_on_other_sheets(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["机房名称", "部门", "机房面积（㎡）", "是否涉密"],
        ["甲机房", "水务局", 30, "否"],
        ["乙机房", "水务局", 30, "是"],
    ]
    entries, remarks = read(sheet(tmp_path, rows))
    assert [dict(entry.values) for entry in entries] == [{"area": 30}]
    assert [cell for cell, _reason in heavy(remarks)] == ["A3"]
