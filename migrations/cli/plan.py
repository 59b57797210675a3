"""`zhenghe plan`: what would be done."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.table import Table

from inventory.files.gathering import uncollected
from inventory.plain import plain
from inventory.words import _
from migrations import saying
from migrations.cli.show import when_titles, when_words
from migrations.plan import Plan
from migrations.preparing import Prepared, prepare
from migrations.report.wording import UNIT_KINDS, left_alone, step_word

MANY = 200
"""So many units are printed one in a line, because laying out a table of thousands takes longer than the plan."""


def show_plan(folder: Path, *, as_json: bool) -> int:
    """Print the plan with its digest; InventoryErrors where the inventory has errors."""
    with uncollected():
        prepared = prepare(folder)
        if as_json:
            sys.stdout.writelines(map(plain, _as_json(prepared)))
        else:
            _print(prepared)
    return 0


def _as_json(prepared: Prepared) -> Iterator[str]:
    """Yield the parts of one JSON object: the plan's fields with its digest; in one piece it would fill the memory."""
    plan = prepared.plan
    head = {"digest": prepared.digest, "programme": plan.programme, "scope": plan.scope.model_dump(mode="json")}
    yield f'{json.dumps(head, ensure_ascii=False)[:-1]}, "units": ['
    for number, unit in enumerate(plan.units):
        yield (", " if number else "") + unit.model_dump_json()
    left = [each.model_dump(mode="json") for each in plan.untouched]
    yield f'], "untouched": {json.dumps(left, ensure_ascii=False)}}}\n'


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
        console.print(table)
    for name, reason in left_alone(plan.untouched, _):
        console.print(_("Left alone: {name} ({reason}).").format(name=name, reason=reason), highlight=False)
    console.print(_("plan {digest}").format(digest=prepared.digest), soft_wrap=True)


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
