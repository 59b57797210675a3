"""What is said of many files at once: causes, and the lines of the mapping file that settle them."""

import json
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from inventory.survey.merging.summing import causes_text, mapping_text
from inventory.survey.tables.settling import read_settled, schema_text
from tests.unit.books import read, sheet

ROOT = Path(__file__).parents[2]


def test_a_cause_of_many_files_is_told_once_with_the_line_that_settles_it(tmp_path: Path) -> None:
    for number in range(3):
        rows = [["系统名称", "功能描述", "建设性质"], ["甲系统", "登记", "新建"]]
        sheet(tmp_path, rows, file=f"{number}.xlsx")
    entries, remarks = read(tmp_path)
    assert len(entries) == 3
    lines = causes_text(remarks).splitlines()
    assert len([line for line in lines if "建设性质" in line]) == 1
    assert any(line.startswith("3 times in 3 files: 建设性质") for line in lines)
    told = mapping_text(remarks)
    assert "  建设性质: ignore" in told
    assert '- {file: "0.xlsx", department: …}' in told


def test_the_lines_are_a_mapping_file_that_settles(tmp_path: Path) -> None:
    rows = [["系统名称", "功能描述", "建设性质", "备用: #列"], ["甲系统", "登记", "新建", "x"]]
    _entries, remarks = read(sheet(tmp_path, rows))
    file = tmp_path / "mapping.yaml"
    file.write_text(mapping_text(remarks).replace("…}", "水务局}"))
    (entry,), remarks = read(tmp_path / "a.xlsx", read_settled(file))
    assert entry.department == "水务局"
    assert mapping_text(remarks) == ""


def test_one_file_has_no_sum(tmp_path: Path) -> None:
    _entries, remarks = read(sheet(tmp_path, [["系统名称", "部门", "建设性质"], ["甲系统", "民政局", "新建"]]))
    assert causes_text(remarks) == ""


def test_the_schema_of_mapping_files_is_the_one_in_the_docs_and_takes_the_example() -> None:
    # Made anew by: python -c "from inventory.survey.tables.settling import schema_text as s; print(s(), end='')"
    assert (ROOT / "docs" / "mapping.schema.json").read_text() == schema_text()
    schema = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    example = (ROOT / "docs" / "mapping.md").read_text().split("```yaml")[1].split("```")[0]
    Draft202012Validator(schema).validate(yaml.safe_load(example))
    assert not Draft202012Validator(schema).is_valid({"columns": {"甲": "survey.nothing"}})
