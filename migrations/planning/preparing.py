"""From a folder to a plan: reads and checks the inventory, and computes what is to be done."""

from collections.abc import Callable, Mapping
from pathlib import Path

from inventory.base import Model
from inventory.files.gathering import uncollected
from inventory.kinds import Kind, load_kinds, playbooks_folder
from inventory.loading import load_programme
from inventory.model import Programme
from migrations.ledger import Ledger
from migrations.plan import Plan, Scope, digest_of_units
from migrations.planning.planner import in_order, make_plan
from migrations.planning.scoping import LeftOut, choose

WHOLE = Scope()


class Prepared(Model):
    """A checked programme with the plan of a scope and the plan's digest."""

    programme: Programme
    kinds: Mapping[str, Kind]
    plan: Plan
    digest: str
    left_out: tuple[LeftOut, ...] = ()
    """Units of the scope that are not in the plan because of what was done before."""
    notes: tuple[str, ...] = ()
    """What the plan stands on and what it goes on with, in the user's language."""


def prepare(folder: Path, scope: Scope = WHOLE, ledger: Callable[[str], Ledger] | None = None) -> Prepared:
    """Read, check and plan the inventory in a folder; InventoryErrors with all that is wrong with it, UnknownScope.

    `ledger` returns the ledger of a programme in the world that is planned for; what is done there is left out.
    """
    # Nothing of what is made here is a circle, and looking for circles costs as much as making it.
    with uncollected():
        programme = in_order(load_programme(folder))
        kinds = load_kinds(playbooks_folder() / "roles")
        chosen = choose(make_plan(programme, kinds), scope, None if ledger is None else ledger(programme.programme))
        return Prepared.model_construct(
            programme=programme,
            kinds=kinds,
            plan=chosen.plan,
            digest=digest_of_units(chosen.plan, (unit.digest for unit in chosen.plan.units)),
            left_out=chosen.left_out,
            notes=chosen.notes,
        )
