"""The text of clauses by their obligations' ids, in our own words and in both languages; from the profiles' files."""

from functools import cache

from inventory.base import Model
from inventory.obligations.profile import Words
from inventory.obligations.profiles import SHIPPED, load_profile, shipped


class Clause(Model):
    """An obligation of a plan: its id, where it stands in which plan, and what it says."""

    id: str
    profile: str = ""
    plan: Words | None = None
    """The plan's title."""
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
        each.id: Clause(
            id=each.id, profile=plan.profile, plan=plan.title, place=each.clause, en=each.text.en, zh=each.text.zh
        )
        for plan in (load_profile(name, SHIPPED) for name in shipped())
        for each in plan.obligations
    }
