"""`zhenghe plan`: what would be done."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.table import Table

from infra.twin.paths import state_root
from inventory.errors import cause_of
from inventory.files.gathering import uncollected
from inventory.plain import plain
from inventory.words import _
from migrations.cli import saying
from migrations.cli.live import when_titles, when_words
from migrations.cli.wanted import ledger_in
from migrations.plan import Plan, Scope
from migrations.planning.plan_store import KeptPlans, plan_as_json
from migrations.planning.preparing import Prepared, prepare
from migrations.report.wording import UNIT_KINDS, left_alone, step_word

MANY = 200
"""So many units are printed one in a line, because laying out a table of thousands takes longer than the plan."""


def show_plan(folder: Path, scope: Scope, world: Path | None, *, as_json: bool) -> int:
    """Print the plan of a scope with its digest, and keep it; InventoryErrors where the inventory has errors."""
    with uncollected():
        prepared = prepare(folder, scope, None if world is None else ledger_in(world))
        told = not scope.is_whole or world is not None
        if as_json:
            sys.stdout.writelines(map(plain, _as_json(prepared, told=told)))
        else:
            _print(prepared)
        try:
            KeptPlans(state_root()).keep(prepared.digest, prepared.plan, prepared.programme)
        except OSError as exc:
            text = _("the plan is not kept ({reason}): apply needs the inventory's folder then")
            saying.say(text.format(reason=cause_of(exc)), error=True)
    return 0


def _as_json(prepared: Prepared, *, told: bool) -> Iterator[str]:
    """Yield the pieces of one JSON object: the plan's fields with its digest; `told` adds why and on what it stands."""
    pieces = plan_as_json(prepared.plan)
    yield f'{{"digest":"{prepared.digest}",{next(pieces)[1:]}'
    if not told:
        yield from pieces
        return
    left = ",".join(each.model_dump_json() for each in prepared.left_out)
    *most, end = pieces
    yield from most
    yield f'{end.rstrip()[:-1]},"left_out":[{left}],"notes":{json.dumps(prepared.notes, ensure_ascii=False)}}}\n'


def _print(prepared: Prepared) -> None:
    plan = prepared.plan
    times = when_titles(plan.units)
    titles = (*times, _("unit"), _("kind"), _("needs"), _("steps"))
    rows = list(_rows(plan, times))
    console = saying.console()
    if len(rows) > MANY:
        saying.say("\n".join(_aligned([titles, *rows])))
    else:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in titles:
            table.add_column(title, overflow="fold")
        for row in rows:
            table.add_row(*row)
        if rows:
            console.print(table)
    for name, reason in left_alone(plan.untouched, _):
        console.print(_("Left alone: {name} ({reason}).").format(name=name, reason=reason), highlight=False)
    for each in prepared.left_out:
        console.print(_("Not in this plan: {unit} ({reason}).").format(**each.model_dump()), highlight=False)
    for note in prepared.notes:
        console.print(note, soft_wrap=True, highlight=False)
    console.print(_empty(prepared), end="", soft_wrap=True, highlight=False)
    console.print(_("plan {digest}").format(digest=prepared.digest), soft_wrap=True)


def _empty(prepared: Prepared) -> str:
    """Say that nothing is planned, as it is on day one; nothing where something is, or was done before."""
    if prepared.plan.units or prepared.left_out:
        return ""
    return _("Nothing is planned yet: give components and lines where they are to go, then call this again.") + "\n"


def _rows(plan: Plan, times: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for unit in plan.units:
        needs = ", ".join(need.partition(":")[2] for need in unit.needs)
        steps = " → ".join(step_word(step.id.partition("/")[2], _) for step in unit.steps)
        yield *when_words(unit, times), unit.name, _(UNIT_KINDS[unit.kind]), needs, steps


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Return rows as lines in which all columns but the last begin at the same place."""
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        padded = [text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=False)]
        yield "  ".join((*padded, row[-1]))
