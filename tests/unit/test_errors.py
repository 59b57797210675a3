"""Whatever is told to a user has one root, so that the command line knows it from a defect."""

import ast
import builtins
import json
from pathlib import Path

import pytest

from inventory.errors import ZhengheError
from migrations.cli import failing

ROOT = Path(__file__).parents[2]
ROOMS = ("inventory", "infra", "netcfg", "migrations")
INSIDE = {"_Refused", "Failed", "Incomplete", "NotAReference", "NotReachedError", "Refused", "ZhengheError",
          "Dropped", "Full", "NotRegular", "Refusal", "Silent"}  # fmt: skip
"""Errors that never leave the module, the validator, the device, its double or the laboratory that they arise in.

NotRegular is an OSError, and told as one.
"""


def roots() -> dict[str, set[str]]:
    """Map each class that derives from an exception of Python's to the names of all its bases."""
    found = {}
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ClassDef):
                    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                    kinds = [getattr(builtins, base, None) for base in bases]
                    if any(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
                        found[node.name] = bases
    return found


def test_every_error_has_the_one_root() -> None:
    assert {name for name, bases in roots().items() if "ZhengheError" not in bases} == INSIDE


def test_an_error_of_ours_is_told_with_its_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(ZhengheError):
        reason, where, mend = "the disk is full", "water-db", "give it a larger one"

    monkeypatch.setattr("sys.argv", ["zhenghe", "apply", "--json"])
    assert failing.explained(Full("water-db: the disk is full; give it a larger one")) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["reason"], told["where"], told["mend"]) == ("the disk is full", "water-db", "give it a larger one")


def test_a_defect_is_not_told_as_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path))
    monkeypatch.setenv("LANGUAGE", "en")
    assert failing.explained(KeyError("x")) == 2
    assert "this should not have happened" in capsys.readouterr().err
