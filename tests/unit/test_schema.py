"""The JSON Schema for editors: where files name it, and that it says the same as the models."""

from pathlib import Path

import pytest

from inventory.schema import SCHEMA_FILE, schema_header


@pytest.mark.parametrize(
    "file, wanted", [("programme.yaml", "./"), ("systems/billing.yaml", "../"), ("a/b/c.yaml", "../../")]
)
def test_a_file_names_the_schema_beside_its_inventory(tmp_path: Path, file: str, wanted: str) -> None:
    assert schema_header(tmp_path / file, tmp_path) == f"# yaml-language-server: $schema={wanted}{SCHEMA_FILE}"
