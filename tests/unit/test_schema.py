"""The JSON Schema for editors: where files name it, and that it says the same as the models."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

import inventory.model
from bench.programmes import documents
from inventory.base import Model
from inventory.files.gathering import gather
from inventory.files.schema import SCHEMA_FILE, schema, schema_header, schema_text

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
WHOLE = schema()
# What a type says of all its fields says nothing of one of them.
GENERAL = {"Lower-case words joined by hyphens; unique among its kind.", "Yuan.", "MiB", "GiB"}


@pytest.mark.parametrize(
    "file, wanted", [("programme.yaml", "./"), ("systems/billing.yaml", "../"), ("a/b/c.yaml", "../../")]
)
def test_a_file_names_the_schema_beside_its_inventory(tmp_path: Path, file: str, wanted: str) -> None:
    assert schema_header(tmp_path / file, tmp_path) == f"# yaml-language-server: $schema={wanted}{SCHEMA_FILE}"


def fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for part, definition in WHOLE["$defs"].items():
        for field, value in definition.get("properties", {}).items():
            yield part, field, value


@pytest.mark.parametrize("part, field, value", [pytest.param(*each, id=f"{each[0]}.{each[1]}") for each in fields()])
def test_every_field_has_a_description_and_an_example_that_fits(part: str, field: str, value: dict[str, Any]) -> None:
    assert value.get("description", "") not in {"", *GENERAL}
    assert not value["description"].startswith("A number and a unit")
    model: type[Model] = getattr(inventory.model, part)
    for example in value["examples"]:
        TypeAdapter(model.model_fields[field].rebuild_annotation()).validate_python(example)
        Draft202012Validator({**value, "$defs": WHOLE["$defs"]}).validate(example)


def test_the_schema_is_one_and_has_every_field_of_the_models() -> None:
    Draft202012Validator.check_schema(WHOLE)
    assert json.loads(schema_text()) == WHOLE
    for name in inventory.model.__all__:
        model = getattr(inventory.model, name)
        if issubclass(model, Model):
            assert set(WHOLE["$defs"][name]["properties"]) == set(model.model_fields), name


def test_the_files_of_the_example_name_the_schema_that_lies_beside_them() -> None:
    read, _findings = gather(YUNHE)
    for file in {document.file for document in read}:
        assert file.read_text().splitlines()[0] == schema_header(file, YUNHE), file
    # Made anew by: zhenghe schema --out examples/yunhe/.zhenghe.schema.json
    assert (YUNHE / SCHEMA_FILE).read_text() == schema_text()


def test_sound_inventories_are_valid() -> None:
    validator = Draft202012Validator(WHOLE)
    read, findings = gather(YUNHE)
    assert len(read) > 5
    assert not findings
    for document in read:
        assert list(validator.iter_errors(document.node.plain)) == [], document.file
    for _name, document_of_many in documents(60):
        assert list(validator.iter_errors(document_of_many)) == []


SYSTEM: dict[str, Any] = {"system": "billing", "title": "水费征收", "department": "water"}


@pytest.mark.parametrize(
    "document",
    [
        {"system": "billing"},
        {**SYSTEM, "colour": "blue"},
        {**SYSTEM, "system": "Billing"},
        {**SYSTEM, "limits": {"downtime": 2}},
        {**SYSTEM, "limits": {"downtime": "2 s"}},
        {**SYSTEM, "survey": {"approved": "2011年"}},
        {**SYSTEM, "survey": {"frequency": "hourly"}},
        {**SYSTEM, "grading": {"mlps": 6}},
        {"site": []},
        {"departments": [{"name": "water"}]},
        {"network": {"domains": {}}},
    ],
)
def test_what_the_models_refuse_is_refused(document: dict[str, Any]) -> None:
    assert list(Draft202012Validator(WHOLE).iter_errors(document))
    assert not list(Draft202012Validator(WHOLE).iter_errors(SYSTEM))
