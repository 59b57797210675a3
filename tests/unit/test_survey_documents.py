"""Word documents: their tables are read like sheets; old documents, PDFs and bombs are told."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from inventory.survey.entries import Weight
from inventory.survey.opening.documents import LIMIT_DEPTH
from inventory.survey.reading import read_sheets
from tests.unit.books import heavy, read

SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def words(text: str, *, struck: bool = False) -> str:
    mark = "<w:rPr><w:strike/></w:rPr>" if struck else ""
    return f"<w:p><w:r>{mark}<w:t>{escape(text)}</w:t></w:r></w:p>"


def cell(text: str, *, wide: int = 1, merged: str = "", struck: bool = False) -> str:
    span = f'<w:gridSpan w:val="{wide}"/>' if wide > 1 else ""
    below = {"": "", "restart": '<w:vMerge w:val="restart"/>', "on": "<w:vMerge/>"}[merged]
    return f"<w:tc><w:tcPr>{span}{below}</w:tcPr>{words(text, struck=struck)}</w:tc>"


def table(*rows: list[str]) -> str:
    cells = ("".join(each if each.startswith("<w:tc>") else cell(each) for each in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def document(tmp_path: Path, body: str, name: str = "a.docx", before: str = "") -> Path:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "word/document.xml",
            f"<?xml version='1.0'?>{before}<w:document {SPACE}><w:body>{body}</w:body></w:document>",
        )
    return path


def test_a_table_in_a_document_is_read_like_a_sheet(tmp_path: Path) -> None:
    body = (
        words("政务信息系统自查表")
        + words("填报单位：水务局（公章）　　填报日期：2017年9月10日")
        + table(
            ["序号", "系统名称", "主要功能", "使用频度", "运维费用（万元）"],
            ["1", "水费系统", "收费", "每天", "3"],
            ["2", "河长制平台", "巡查", "□每天 ☑每周", "1.5"],
        )
        + words("填表人：张三")
    )
    entries, remarks = read(document(tmp_path, body))
    assert [(entry.title, entry.department) for entry in entries] == [("水费系统", "水务局"), ("河长制平台", "水务局")]
    assert entries[1].values == {
        "survey.function": "巡查", "survey.frequency": "weekly", "survey.running_cost": 15000,
        "survey.surveyed": "2017-09-10",
    }  # fmt: skip
    # Cells are counted from the table's first row.
    assert entries[0].places["survey.function"].cell == "C2"
    assert heavy(remarks) == []
    assert "张三" not in repr(remarks)


def test_merged_cells_of_a_document(tmp_path: Path) -> None:
    body = table(
        [cell("部门", merged="restart"), cell("系统名称", merged="restart"), cell("经费（万元）", wide=2)],
        [cell("", merged="on"), cell("", merged="on"), "建设", "运维"],
        [cell("民政局", merged="restart"), "低保系统", "30", "3"],
        [cell("", merged="on"), "殡葬系统", "20", "2"],
    )
    entries, remarks = read(document(tmp_path, body))
    assert [(entry.title, entry.department, entry.values["survey.running_cost"]) for entry in entries] == [
        ("低保系统", "民政局", 30000), ("殡葬系统", "民政局", 20000),
    ]  # fmt: skip
    assert heavy(remarks) == []


def test_what_was_struck_out_or_deleted_in_a_document_is_not_read(tmp_path: Path) -> None:
    deleted = "<w:tc><w:p><w:del><w:r><w:delText>旧</w:delText></w:r></w:del><w:r><w:t>丙系统</w:t></w:r></w:p></w:tc>"
    body = table(
        ["系统名称", "部门", "功能描述"], [cell("甲系统", struck=True), "民政局", "登记"], [deleted, "民政局", "查询"]
    )
    entries, remarks = read(document(tmp_path, body))
    assert [entry.title for entry in entries] == ["丙系统"]
    assert [reason for _cell, reason in heavy(remarks)] == ["struck out; not read"]


def test_several_tables_of_a_document_and_their_titles(tmp_path: Path) -> None:
    body = (
        words("水务局信息系统情况")
        + table(["系统名称", "使用频度"], ["甲系统", "每天"])
        + words("水务局机房情况")
        + table(["机房名称", "机房面积（㎡）"], ["中心机房", "30"])
    )
    entries, _remarks = read(document(tmp_path, body))
    assert [(entry.kind, entry.title, entry.department, entry.places[""].sheet) for entry in entries] == [
        ("system", "甲系统", "水务局", "表1"), ("room", "中心机房", "水务局", "表2"),
    ]  # fmt: skip


def test_a_letter_without_a_table(tmp_path: Path) -> None:
    (entry,), _remarks = read(document(tmp_path, words("我单位无政务信息系统，特此报告。") + words("填报单位：档案局")))
    assert (entry.title, bool(entry.reported_none)) == ("档案局", True)
    entries, remarks = read(document(tmp_path, words("随便写写"), "b.docx"))
    assert (entries, len(heavy(remarks))) == ((), 1)


def test_boxes_of_forms(tmp_path: Path) -> None:
    boxes = (
        '<w:tc><w:p><w:r><w:fldChar><w:ffData><w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox></w:ffData>'
        "</w:fldChar></w:r><w:r><w:t>每天</w:t></w:r><w:r><w:sym w:font='Wingdings' w:char='F0A8'/></w:r>"
        "<w:r><w:t>每周</w:t></w:r></w:p></w:tc>"
    )
    body = table(["系统名称", "部门", "使用频度"], ["甲系统", "民政局", boxes])
    (entry,), _remarks = read(document(tmp_path, body))
    assert entry.values == {"survey.frequency": "daily"}


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "WordDocument".encode("utf-16-le"), "old Word"),
        ("a.pdf", b"%PDF-1.5\n\xff\xfe", "a PDF has no cells"),
    ],
)
def test_what_is_to_be_saved_as_something_else_is_told(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    entries, (remark,) = read_sheets([tmp_path / name])
    assert entries == ()
    assert said in remark.expected
    assert ".docx" in remark.expected
    assert remark.severity is Weight.ERROR


@pytest.mark.parametrize(
    "body, before, said",
    [
        ("<w:tbl><w:tr><w:tc>" * (LIMIT_DEPTH + 1) + "</w:tc></w:tr></w:tbl>" * (LIMIT_DEPTH + 1), "", "unpack"),
        (words("a"), '<!DOCTYPE d [<!ENTITY a "b">]>', "entities"),
        ("<w:tbl>", "", "damaged"),
    ],
)
def test_documents_that_are_made_to_hurt_are_refused(tmp_path: Path, body: str, before: str, said: str) -> None:
    entries, (remark,) = read_sheets([document(tmp_path, body, before=before)])
    assert entries == ()
    assert said in remark.expected


def test_a_letter_is_of_who_signed_it_and_not_of_whom_it_goes_to(tmp_path: Path) -> None:
    text = ("区政务办：", "经自查，我局没有自建政务信息系统。", "特此函复。", "区教育局", "2018年3月5日")
    (entry,), remarks = read(document(tmp_path, "".join(map(words, text))))
    assert (entry.title, bool(entry.reported_none), heavy(remarks)) == ("区教育局", True, [])


def test_who_signed_below_the_table_of_a_letter(tmp_path: Path) -> None:
    body = (
        words("区政务办：")
        + table(["系统名称", "功能描述"], ["水费系统", "收费"])
        + words("区水务局")
        + words("2018年3月5日")
    )
    (entry,), remarks = read(document(tmp_path, body))
    assert (entry.title, entry.department, heavy(remarks)) == ("水费系统", "区水务局", [])


def test_of_a_cell_that_is_struck_out_in_part_the_rest_is_read(tmp_path: Path) -> None:
    halved = "<w:tc><w:p><w:r><w:rPr><w:strike/></w:rPr><w:t>旧</w:t></w:r><w:r><w:t>新</w:t></w:r></w:p></w:tc>"
    (entry,), remarks = read(document(tmp_path, table(["系统名称", "部门", "功能描述"], ["甲系统", "民政局", halved])))
    assert entry.values == {"survey.function": "新"}
    assert heavy(remarks) == [("C2", "a part is struck out; only the rest is read")]
