"""What the command shows while it works, on standard error: a live table on a terminal, plain lines otherwise."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from inventory.words import _
from migrations.evidence import Record
from migrations.plan import Plan
from migrations.run.home import states_of
from migrations.run.messages import UnitState
from migrations.run.progress import Told
from migrations.run.runner import Listener

COLOURS = {
    UnitState.PLANNED: "dim",
    UnitState.SEEDING: "cyan",
    UnitState.SYNCED: "cyan",
    UnitState.READY: "green",
    UnitState.CUTTING_OVER: "yellow",
    UnitState.VERIFYING: "yellow",
    UnitState.ON_PROBATION: "green",
    UnitState.COMMITTED: "bold green",
    UnitState.DECOMMISSIONED: "bold green",
    UnitState.ROLLING_BACK: "magenta",
    UnitState.ROLLED_BACK: "magenta",
    UnitState.HELD: "bold red",
    UnitState.UNKNOWN: "bold red",
}


def line(text: str) -> None:
    """Print one line of progress, where progress belongs."""
    print(text, file=sys.stderr, flush=True)


def states_table(plan: Plan, states: dict[str, UnitState], doing: dict[str, str], *, whole: bool = False) -> Table:
    """Return a table of units: wave, name, kind, state, what is being done; `whole` breaks lines and cuts nothing."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    longest = {_("unit"): max(len(unit.name) for unit in plan.units), _("state"): max(map(len, states.values()))}
    for title in (_("wave"), _("unit"), _("kind"), _("state")):
        table.add_column(title, no_wrap=True, min_width=longest.get(title, 6))
    table.add_column("", no_wrap=not whole, overflow="fold" if whole else "ellipsis")
    for unit in plan.units:
        state = states[unit.key]
        table.add_row(
            str(unit.wave),
            unit.name,
            unit.kind,
            Text(state, style=COLOURS[state]),
            Text(doing.get(unit.key, ""), "dim"),
        )
    return table


class Lines(Listener):
    """Tells what happens line by line."""

    def __init__(self, begun: float) -> None:
        self._begun = begun

    def tell(self, text: str) -> None:
        """Print a line with the time since the beginning."""
        line(f"{time.monotonic() - self._begun:7.1f}s  {text}")

    def recorded(self, record: Record) -> None:
        """Tell of a unit's state or of a step that came to its end."""
        if record.kind == "unit-state":
            reason = record.what["reason"]
            self.tell(f"{record.unit}: {record.what['state']}" + (f" ({reason})" if reason else ""))
        elif record.kind == "step-done":
            self.tell(f"  {record.what['deed']} {record.step}: {record.what['seconds']:.1f} s")
        elif record.kind == "step-failed":
            self.tell(f"  {record.what['deed']} {record.step}: {record.what['reason']}")


class Board(Listener):
    """Keeps a table of all units on a terminal."""

    def __init__(self, plan: Plan, live: Live) -> None:
        self._plan = plan
        self._live = live
        self._records: list[Record] = []
        self._doing: dict[str, str] = {}
        self._stage = ""

    def tell(self, text: str) -> None:
        """Show a line below the table."""
        self._stage = text
        self._draw()

    def recorded(self, record: Record) -> None:
        """Show a unit's new state."""
        self._records.append(record)
        if record.kind == "step-begun":
            self._doing[record.unit] = record.step.partition("/")[2]
        elif record.kind == "unit-state":
            self._doing[record.unit] = record.what["reason"]
        self._draw()

    def told(self, told: Told) -> None:
        """Show what is being done."""
        self._doing[told.unit] = told.text
        self._draw()

    def _draw(self) -> None:
        table = states_table(self._plan, states_of(self._plan, tuple(self._records)), self._doing)
        table.caption = self._stage
        self._live.update(table)


@contextmanager
def watching(plan: Plan, records: tuple[Record, ...]) -> Iterator[tuple[Listener, Callable[[str], None]]]:
    """Yield who listens to a run and the function that tells a line, fit for where the command was called."""
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = Lines(time.monotonic())
        yield lines, lines.tell
        return
    with Live(console=console, refresh_per_second=8) as live:
        board = Board(plan, live)
        for record in records:
            board.recorded(record)
        yield board, board.tell
