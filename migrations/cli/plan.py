"""`zhenghe plan`: what would be done."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from inventory.words import _
from migrations.preparing import prepare
from migrations.report.wording import UNIT_KINDS, left_alone, step_word


def show_plan(folder: Path, *, as_json: bool) -> int:
    """Print the plan with its digest; InventoryErrors where the inventory has errors."""
    prepared = prepare(folder)
    plan = prepared.plan
    if as_json:
        print(json.dumps({"digest": prepared.digest, **plan.model_dump(mode="json")}, ensure_ascii=False))
        return 0
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in (_("wave"), _("unit"), _("kind"), _("needs"), _("steps")):
        table.add_column(title, overflow="fold")
    for unit in plan.units:
        needs = ", ".join(need.partition(":")[2] for need in unit.needs)
        steps = " → ".join(step_word(step.id.partition("/")[2], _) for step in unit.steps)
        table.add_row(str(unit.wave), unit.name, _(UNIT_KINDS[unit.kind]), needs, steps)
    console = Console()
    console.print(table)
    for name, reason in left_alone(plan.untouched, _):
        console.print(_("Left alone: {name} ({reason}).").format(name=name, reason=reason), highlight=False)
    console.print(_("plan {digest}").format(digest=prepared.digest), soft_wrap=True)
    return 0
