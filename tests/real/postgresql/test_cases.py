"""Databases as departments have them, each a file in `cases/`: what is done to it and what has to come of each step."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.casebook import act_out, read_case
from tests.real.postgresql.laboratory import Laboratory, Moving
from tests.sampling import sampled

pytestmark = [pytest.mark.real]

CASES = Path(__file__).with_name("cases")
SHARE = 0.4
"""Each takes a second or two, some of them ten."""


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


@pytest.mark.parametrize("file", sampled(sorted(CASES.glob("*.yaml")), SHARE), ids=lambda file: file.stem)
def test_a_database_moves_or_is_refused_as_it_should(laboratory: Laboratory, file: Path) -> None:
    case = read_case(file)
    database = file.stem.replace("-", "_")
    laboratory.sql("source", f"CREATE DATABASE {database}", "postgres")
    moving = Moving(laboratory, database)
    for number, act in enumerate(case.acts, 1):
        act_out(moving, act, f"{case.title}: act {number}")
