"""The table of what moves is current, complete, and says what the code says."""

from pathlib import Path

import pytest

from inventory.kinds import load_kinds, playbooks_folder
from migrations.planning.outcomes import DOCS, OutcomeFile, load_outcomes, page

ROOT = Path(__file__).parents[2]
PLAYBOOKS = playbooks_folder()
KINDS = load_kinds(PLAYBOOKS / "roles")
OUTCOMES = load_outcomes(PLAYBOOKS)


@pytest.mark.parametrize("language", sorted(DOCS))
def test_the_document_is_what_is_generated_now(language: str) -> None:
    generated = page(language, KINDS, OUTCOMES)
    assert (ROOT / DOCS[language]).read_text() == generated, "run python -m migrations.planning.outcomes"


def test_every_kind_of_component_has_its_outcomes() -> None:
    told = {name for each in OUTCOMES for name in each.of}
    assert told == {name for name, kind in KINDS.items() if kind.serves == "component"}


def code_of(each: OutcomeFile) -> str:
    places = [PLAYBOOKS / "plugins" / "module_utils", *(PLAYBOOKS / "roles" / name for name in each.of)]
    text = "\n".join(file.read_text() for place in places for file in sorted(place.rglob("*.py")))
    # A sentence may be broken over lines of code.
    return " ".join(text.split()).replace('" "', "").replace('" f"', "")


@pytest.mark.parametrize("each", OUTCOMES, ids=lambda each: each.of[0])
def test_what_is_told_to_be_said_stands_in_the_code(each: OutcomeFile) -> None:
    code = code_of(each)
    missing = [outcome.says for _column, outcome in each.rows() if outcome.says not in code]
    assert missing == []
