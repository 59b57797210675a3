"""Progress of a command on standard error: a live table on a terminal, plain lines otherwise."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from inventory.words import _
from migrations.actuators.progress import Told
from migrations.cli import saying
from migrations.evidence.chain import Record
from migrations.evidence.kinds import StepBegun, StepDone, StepFailed, UnitMoved
from migrations.home import states_of
from migrations.plan import Plan, Unit
from migrations.report.wording import UNIT_KINDS
from migrations.run.runner import Listener
from migrations.states import STATES, UnitState, state_word

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
    UnitState.WITHDRAWING: "magenta",
    UnitState.WITHDRAWN: "dim",
    UnitState.WAITING: "bold yellow",
    UnitState.HELD: "bold red",
    UnitState.UNKNOWN: "bold red",
}


def line(text: str) -> None:
    """Print one line of progress, where progress belongs."""
    saying.say(text, error=True)


def when_titles(units: Iterable[Unit]) -> tuple[str, ...]:
    """Return the titles of the columns that say when units move: their wave, where any has one, and their depth."""
    waves = any(unit.wave is not None for unit in units)
    return (_("wave"), _("depth")) if waves else (_("depth"),)


def when_words(unit: Unit, titles: Sequence[str]) -> tuple[str, ...]:
    """Return what stands in these columns for a unit; a dash for one that has no wave yet."""
    return ("–" if unit.wave is None else str(unit.wave), str(unit.depth))[-len(titles) :]


def states_table(plan: Plan, states: dict[str, UnitState], doing: dict[str, str], *, whole: bool = False) -> Table:
    """Return a table of units: when, name, kind, state, what is being done; `whole` breaks lines and cuts nothing."""
    table = Table(box=None, pad_edge=False, header_style="dim", expand=not whole)
    times = when_titles(plan.units)
    for title in (*times, _("unit"), _("kind"), _("state")):
        table.add_column(title, no_wrap=True)
    table.add_column("", no_wrap=not whole, overflow="fold" if whole else "ellipsis", ratio=None if whole else 1)
    # The state's column keeps its width, whatever the states are.
    widest = max(cell_len(_(word)) for word in STATES.values())
    table.columns[len(times) + 2].min_width = 0 if whole else widest
    for unit in plan.units:
        state = states[unit.key]
        table.add_row(
            *when_words(unit, times),
            unit.name,
            _(UNIT_KINDS[unit.kind]),
            Text(state_word(unit.kind, state, _), style=COLOURS[state]),
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
        if (moved := UnitMoved.of(record)) is not None:
            state = state_word(record.unit.partition(":")[0], moved.state, _)
            self.tell(f"{record.unit}: {state}" + (f" ({moved.reason})" if moved.reason else ""))
        elif (done := StepDone.of(record)) is not None:
            self.tell(f"  {done.deed} {record.step}: {done.seconds:.1f} s")
        elif (failed := StepFailed.of(record)) is not None:
            self.tell(f"  {failed.deed} {record.step}: {failed.reason}")

    def warned(self, text: str) -> None:
        """Tell what keeps the run from going on."""
        self.tell(text)


class Board(Listener):
    """Keeps a table of all units on a terminal; a thread of the terminal's draws it again and again."""

    def __init__(self, plan: Plan, records: tuple[Record, ...], console: Console) -> None:
        self._plan = plan
        self._console = console
        self._begun = time.monotonic()
        self._records: list[Record] = []
        self._doing: dict[str, str] = {}
        self._stage = ""
        for record in records:
            self.recorded(record)

    def tell(self, text: str) -> None:
        """Show a line below the table."""
        self._stage = text

    def recorded(self, record: Record) -> None:
        """Show a unit's new state, and which step it takes."""
        self._records.append(record)
        if record.kind == StepBegun.KIND:
            self._doing[record.unit] = record.step.partition("/")[2]
        elif (moved := UnitMoved.of(record)) is not None:
            self._doing[record.unit] = moved.reason

    def told(self, told: Told) -> None:
        """Show what is being done."""
        self._doing[told.unit] = told.text.removeprefix(f"{told.unit.partition(':')[2]}: ")

    def warned(self, text: str) -> None:
        """Tell above the table, for good, what keeps the run from going on."""
        self._console.print(Text(text, "bold red"), soft_wrap=True)

    def drawn(self) -> Group:
        """Return the table as it is now, and below it what the run is at and for how long it has been going on."""
        states = states_of(self._plan, tuple(self._records))
        seconds = int(time.monotonic() - self._begun)
        foot = Text.assemble((f"{seconds // 60}:{seconds % 60:02d}  ", "bold"), self._stage, no_wrap=True)
        foot.overflow = "ellipsis"
        return Group(states_table(self._plan, states, dict(self._doing)), "", foot)


@contextmanager
def watching(plan: Plan, records: tuple[Record, ...]) -> Iterator[tuple[Listener, Callable[[str], None]]]:
    """Yield who listens to a run and the function that tells a line, fit for where the command was called."""
    console = saying.console(stderr=True)
    if not console.is_terminal:
        lines = Lines(time.monotonic())
        yield lines, lines.tell
        return
    board = Board(plan, records, console)
    # What comes after it tells the same for good.
    with Live(console=console, refresh_per_second=4, get_renderable=board.drawn, transient=True):
        yield board, board.tell
