"""What a clause says, by the id of its obligation, in our own words and in both languages; from the profiles' files."""

from functools import cache
from pathlib import Path

import yaml

from inventory.base import Model

PROFILES = Path(__file__).parent / "profiles"


class Clause(Model):
    """An obligation of a plan: its id, where it stands in the plan, and what it says."""

    id: str
    place: str = ""
    en: str = ""
    zh: str = ""


def clause_of(obligation: str) -> Clause | None:
    """Return what an obligation says; its id alone where no profile has it, none for an empty id."""
    return every_clause().get(obligation, Clause(id=obligation)) if obligation else None


@cache
def every_clause() -> dict[str, Clause]:
    """Return the clauses of all shipped profiles by the ids of their obligations."""
    clauses: dict[str, Clause] = {}
    for file in sorted(PROFILES.glob("*.yaml")):
        for each in yaml.safe_load(file.read_text(encoding="utf-8"))["obligations"]:
            text = each["text"]
            clauses[each["id"]] = Clause(id=each["id"], place=str(each["clause"]), en=text["en"], zh=text["zh"])
    return clauses
