"""Databases as departments have them, each a file in `cases/`: what is done to it and what has to come of each step."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
import yaml
from pydantic import Field

from inventory.base import Model
from tests.real.postgresql.laboratory import Laboratory, Moving, Refusal

pytestmark = [pytest.mark.real]

CASES = Path(__file__).with_name("cases")


class Act(Model):
    """One thing that is done: statements at an end, or a step of the move; and what is said then."""

    source: str = ""
    target: str = ""
    role: str = Field("postgres", alias="as")
    within: str = Field("", alias="in")
    says: str | None = None
    step: str = ""
    mode: Literal["apply", "undo", "probe"] = "apply"
    refused: tuple[str, ...] | None = None
    against: tuple[str, ...] | None = None
    """What the gate has against a switch, or a comparison finds; nothing: it may find nothing."""
    silent: tuple[str, ...] = ()
    """What must not be said."""


class Case(Model):
    """A database of one kind, and what happens to it."""

    title: str
    acts: tuple[Act, ...]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Two clusters, for all cases."""
    laboratory = Laboratory(tmp_path_factory.mktemp("laboratory"))
    yield laboratory
    laboratory.close()


@pytest.fixture(autouse=True)
def _clean(laboratory: Laboratory) -> Iterator[None]:
    yield
    laboratory.reset()


@pytest.mark.parametrize("file", sorted(CASES.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_database_moves_or_is_refused_as_it_should(laboratory: Laboratory, file: Path) -> None:
    case = Case.model_validate(yaml.safe_load(file.read_text()))
    database = file.stem.replace("-", "_")
    laboratory.sql("source", f"CREATE DATABASE {database}", "postgres")
    moving = Moving(laboratory, database)
    for number, act in enumerate(case.acts, 1):
        _do(moving, act, f"{case.title}: act {number}")


def _do(moving: Moving, act: Act, where: str) -> None:
    for end, statements in (("source", act.source), ("target", act.target)):
        if statements:
            said = moving.laboratory.sql(end, statements, act.within or moving.database, act.role)
            assert act.says is None or said == act.says, where
    if not act.step:
        return
    try:
        answers = moving.step(act.step, act.mode)
    except Refusal as refusal:
        _see_said(f"{refusal.end}: {refusal.reason}; {refusal.mend}", act.refused, act.silent, where)
        return
    assert act.refused is None, f"{where}: {answers}"
    if act.against is not None:
        facts = [answer["facts"] for answer in answers.values() if answer]
        found = [one for each in facts for one in each.get("against", each.get("differences", ()))]
        _see_said("\n".join(found), act.against, act.silent, where)
        assert act.against or not found, f"{where}: {found}"
    elif act.mode == "apply" and act.step not in ("switch", "return"):
        assert {answer["state"] for answer in answers.values() if answer} == {"done"}, f"{where}: {answers}"


def _see_said(said: str, wanted: tuple[str, ...] | None, silent: tuple[str, ...], where: str) -> None:
    assert wanted is not None, f"{where}: {said}"
    for text in wanted:
        assert text in said, f"{where}: {text!r} is not in {said}"
    for text in silent:
        assert text not in said, f"{where}: {text!r} is in {said}"
