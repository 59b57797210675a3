"""What a clause says, by the id of its obligation, in our own words and in both languages; from the profiles' files."""

from functools import cache

from inventory.base import Model
from inventory.obligations.profiles import SHIPPED, load_profile, shipped


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
    return {
        each.id: Clause(id=each.id, place=each.clause, en=each.text.en, zh=each.text.zh)
        for name in shipped()
        for each in load_profile(name, SHIPPED).obligations
    }
