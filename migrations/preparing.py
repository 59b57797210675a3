"""From a folder to a plan: reads and checks the inventory, and computes what is to be done."""

from collections.abc import Mapping
from pathlib import Path

from inventory.base import Model
from inventory.files.gathering import uncollected
from inventory.kinds import Kind, load_kinds, playbooks_folder
from inventory.loading import load_programme
from inventory.model import Programme
from migrations.plan import Plan, digest_of_units
from migrations.planner import in_order, make_plan


class Prepared(Model):
    """A checked programme with its plan and the plan's digest."""

    programme: Programme
    kinds: Mapping[str, Kind]
    plan: Plan
    digest: str


def prepare(folder: Path) -> Prepared:
    """Read, check and plan the inventory in a folder; InventoryErrors with all that is wrong with it."""
    # Nothing of what is made here is a circle, and looking for circles costs as much as making it.
    with uncollected():
        programme = in_order(load_programme(folder))
        kinds = load_kinds(playbooks_folder() / "roles")
        plan = make_plan(programme, kinds)
        whole = digest_of_units(plan, (unit.digest for unit in plan.units))
        return Prepared.model_construct(programme=programme, kinds=kinds, plan=plan, digest=whole)
