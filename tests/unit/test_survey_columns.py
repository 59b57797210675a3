"""What columns there are, names for titles, and the mapping file."""

from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from inventory.base import Name
from inventory.findings import InventoryErrors
from inventory.model import (
    Asset,
    Building,
    DataDemand,
    DataRequest,
    DataResource,
    Declassified,
    Department,
    Host,
    Line,
    Office,
    Room,
    System,
    Unit,
)
from inventory.survey.cells.told import Setting
from inventory.survey.cells.values import told_by
from inventory.survey.columns import Column, catalogue, references
from inventory.survey.merging.naming import name_for, names_for
from inventory.survey.tables.settling import Settled, read_settled
from inventory.survey.text import folded

MODELS: dict[str, type[BaseModel]] = {
    "department": Department, "office": Office, "unit": Unit, "building": Building, "room": Room, "host": Host,
    "asset": Asset, "system": System, "line": Line, "resource": DataResource, "request": DataRequest,
    "demand": DataDemand,
}  # fmt: skip
IDENTITY = {"title", "name", "department", "holder", "classified"}
# What other sheets list, what devices and plans say, and what nobody can know when a sheet is filled in.
DECIDED = {f"grading.declassified.{field}" for field in Declassified.model_fields}
"""What a person decides, whatever sheets say."""
UNASKED = {
    "department": {"offices", "units", "rooms", "demands", "reported_none", "also_called"},
    "room": {"hosts", "assets"},
    "system": {"system", "components", "limits", "probes", "also_reported_by", "no_shadow_of"},
    "line": {"ends", "probes"},
}
COLUMNS = [(listing.kind, column) for listing in catalogue().kinds for column in listing.columns]


def annotation_of(model: type[BaseModel], path: str) -> Any:
    head, _, rest = path.partition(".")
    annotation = model.model_fields[head].rebuild_annotation()
    if not rest:
        return annotation
    (inner,) = (
        each for each in (annotation, *_parts(annotation)) if isinstance(each, type) and issubclass(each, BaseModel)
    )
    return annotation_of(inner, rest)


def _parts(annotation: Any) -> list[Any]:
    return [part for each in get_args(annotation) for part in (each, *_parts(each))]


def leaves(model: type[BaseModel], above: str = "") -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        nested = [
            part
            for part in (field.annotation, *_parts(field.annotation))
            if isinstance(part, type) and issubclass(part, BaseModel)
        ]
        listed = "tuple" in str(field.annotation)
        found |= leaves(nested[0], f"{above}{name}.") if nested and not listed else {above + name}
    return found


@pytest.mark.parametrize("kind", MODELS)
def test_every_field_that_a_survey_can_tell_has_a_column_and_no_column_is_without_a_field(kind: str) -> None:
    fields = {column.field for column in catalogue().listing(kind).columns} - IDENTITY
    unasked = UNASKED.get(kind, set())
    asked = {leaf for leaf in leaves(MODELS[kind]) if leaf.split(".")[0] not in unasked and leaf not in DECIDED}
    assert asked - IDENTITY - fields == set()
    assert fields - asked == set()
    assert references(kind) <= fields


@pytest.mark.parametrize("kind, column", COLUMNS, ids=lambda part: part if isinstance(part, str) else part.field)
def test_what_a_column_reads_is_what_the_model_takes(kind: str, column: Column) -> None:
    if column.field in IDENTITY or column.field in references(kind):
        return
    samples: dict[str, tuple[object, ...]] = {
        "text": ("甲1号",), "list": ("甲、乙",), "truth": ("是", "否"), "count": ("3",), "number": ("1.5",),
        "money": ("12.5万元",), "date": ("2017-03-05",), "year": ("2017",), "percent": ("75%",), "memory": ("16GB",),
        "storage": ("2TB",), "bandwidth": ("100M",), "area": ("36㎡",), "level": ("三级",), "address": ("10.0.0.1",),
        "prefix": ("10.0.0.0/24",), "golden": ("金税",), "costs": ("2016年3万元；2017年4万元",), "tally": ("甲、乙",),
        "choice": tuple(word for words in column.choices.values() for word in words),
    }  # fmt: skip
    adapter = TypeAdapter(annotation_of(MODELS[kind], column.field))
    for sample in samples[column.type]:
        told = told_by(sample, column, Setting())  # type: ignore[arg-type]
        assert told.value is not None
        try:
            adapter.validate_python(told.value)
        except ValidationError as exc:
            pytest.fail(f"{kind}.{column.field}: {sample} -> {told.value}: {exc}")


def test_no_word_means_two_things_on_one_sheet() -> None:
    for listing in catalogue().kinds:
        seen: dict[str, Column] = {}
        for column in listing.columns:
            for word in column.words:
                other = seen.setdefault(folded(word), column)
                assert other is column, f"{listing.kind}: {word} is {other.field} and {column.field}"


def test_first_words_are_headers_that_are_understood_without_guessing() -> None:
    assert catalogue().listing("system").columns[0].header == "系统名称"
    assert catalogue().listing("room").column("area") is not None
    headers = [column.header for column in catalogue().listing("line").columns]
    assert "年租金(元/年)" in headers


@pytest.mark.parametrize(
    "title, name",
    [
        ("水务局", "shui-wu-ju"),
        ("水费 征收\n系统", "shui-fei-zheng-shou-xi-tong"),
        ("OA系统（二期）", "oa-xi-tong-er-qi"),
        ("12345热线", "n12345-re-xian"),
        ("重庆银行", "chong-qing-yin-hang"),
        ("★", "unnamed"),
        ("云和区人民政府办公室政务信息系统整合共享平台", "yhqrmzfbgszwxxxtzhgxpt"),
    ],
)
def test_names_are_the_pinyin_of_titles(title: str, name: str) -> None:
    assert name_for(title, ()) == name


def test_a_name_that_exists_is_never_changed_and_never_given_twice() -> None:
    existing = {"水务局": "water-bureau", "税务局": "shui-wu-ju"}
    names = names_for(["水务局", "水雾局", "税物局"], existing)
    assert names == {**existing, "水雾局": "shui-wu-ju-water", "税物局": "shui-wu-ju-tax"}


@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_titles_get_valid_and_different_names(titles: list[str]) -> None:
    names = names_for(titles, {})
    assert set(names) == set(titles)
    assert len(set(names.values())) == len(names)
    for name in names.values():
        TypeAdapter(Name).validate_python(name)
    assert names == names_for(titles, {})


def test_a_mapping_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text("columns: {责任处: office}\nsheets:\n- {file: 'a*', kind: line, columns: {月租: rent}}\n", "utf-8")
    rule = read_settled(file).for_sheet(Path("x/a.xlsx"), "Sheet1")
    assert (rule.kind, rule.columns) == ("line", {"责任处": "office", "月租": "rent"})
    assert read_settled(file).for_sheet(Path("b.xlsx"), "Sheet1").kind is None
    file.write_text("", "utf-8")
    assert read_settled(file) == Settled()


@pytest.mark.parametrize(
    "text, line, reason, mend",
    [
        ("columns:\n  责任处: offise\n", 2, "'offise' is no field that a column can fill", "did you mean 'office'?"),
        ("sheets:\n- kind: line\n  columns: {月租: survey.function}\n", 3, "'survey.function' is no field", ""),
        ("sheets:\n- {fil: a}\n", 2, "there is no such field", "did you mean 'file'?"),
        ("sheets:\n- {kind: sytem}\n", 2, "must be one of a few words", "did you mean 'system'?"),
        ("columns: [a]\n", 1, "must be a mapping", ""),
        ("a: 1\na: 2\n", 2, "the key 'a' stands here a second time", ""),
        ("columns: {}\n---\ncolumns: {}\n", 3, "a mapping file is one document", ""),
        ("- a\n", 1, "must be a mapping", ""),
    ],
)
def test_what_is_wrong_with_a_mapping_file_is_told_by_line(
    tmp_path: Path, text: str, line: int, reason: str, mend: str
) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(InventoryErrors) as caught:
        read_settled(file)
    finding = caught.value.findings[0]
    assert (finding.file, finding.line) == (file, line)
    assert reason in finding.reason
    assert mend in finding.mend


def test_a_mapping_file_that_is_missing_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(InventoryErrors):
        read_settled(tmp_path / "missing.yaml")


def test_all_that_is_wrong_with_a_mapping_file_is_told_at_once_and_each_thing_once(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(
        "departments:\n  甲:\ncolumns:\n  备注: nosuch\nsheets:\n- 3\n- {kind: sytem, columns: {月租: rnt}}\nfoo: 1\n",
        "utf-8",
    )
    with pytest.raises(InventoryErrors) as caught:
        read_settled(file)
    assert sorted(finding.line for finding in caught.value.findings) == [2, 4, 6, 7, 7, 8]
