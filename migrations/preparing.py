"""From a folder to a plan: reads and checks the inventory, and computes what is to be done."""

from collections.abc import Mapping
from pathlib import Path

from inventory.base import Model
from inventory.kinds import Kind, load_kinds, playbooks_folder
from inventory.loading import load_programme
from inventory.model import Programme
from migrations.content import content_digest
from migrations.plan import Plan, digest
from migrations.planner import in_order, make_plan


class Prepared(Model):
    """A checked programme with its plan."""

    programme: Programme
    kinds: Mapping[str, Kind]
    plan: Plan

    @property
    def digest(self) -> str:
        """Return the plan's digest."""
        return digest(self.plan)


def prepare(folder: Path) -> Prepared:
    """Read, check and plan the inventory in a folder; InventoryErrors with all that is wrong with it."""
    programme = in_order(load_programme(folder))
    kinds = load_kinds(playbooks_folder() / "roles")
    return Prepared(programme=programme, kinds=kinds, plan=make_plan(programme, kinds, content_digest()))
