"""The end of a run on the terminal: one table of units, one of stages, and where the rest is."""

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from inventory.words import _
from migrations.report.summary import RunSummary, UnitSummary
from migrations.report.wording import (
    FORWARD,
    counted,
    course,
    duration,
    left_alone,
    longest_pause,
    outcome,
    reason,
)
from migrations.run.stages import STAGES
from migrations.states import Direction, UnitState, state_word

GOOD = frozenset({UnitState.READY, UnitState.ON_PROBATION, UnitState.COMMITTED, UnitState.DECOMMISSIONED})


def print_summary(console: Console, summary: RunSummary) -> None:
    """Print a run's summary for a person."""
    console.print()
    style = "bold green" if summary.outcome == "passed" else "bold red"
    console.print(Text.assemble((outcome(summary, _), style), " ", course(summary, _)))
    if summary.reason:
        console.print(Text(reason(summary, _), "red"))
    console.print()
    console.print(_units(summary))
    console.print()
    if summary.stages:
        console.print(_stages(summary))
        console.print()
    for sentence in (*measured(summary), *_sentences(summary)):
        console.print(sentence, soft_wrap=True, highlight=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        # Two short lines of heading instead of one long: the table has to fit into 80 columns.
        heading = column.replace(" ", "\n", 1)
        table.add_column(heading, justify="left" if number < 2 else "right", no_wrap=True)
    return table


def _units(summary: RunSummary) -> Table:
    titles = (_("unit"), _("became"), _("pause there"), _("pause back"), _("failed"), _("writes lost"), _("checks"))
    table = _table(*titles)
    for unit in summary.units:
        table.add_row(unit.name, _state(unit), *_figures(unit))
    return table


def _state(unit: UnitSummary) -> Text:
    return Text(state_word(unit.kind, unit.state, _), "green" if unit.state in GOOD else "bold red")


def _figures(unit: UnitSummary) -> tuple[Text, ...]:
    every = (*FORWARD, Direction.BACK)
    looked = bool(unit.felt)
    writes = unit.writes
    wrong_writes = None if writes is None else len(writes.lost) + len(writes.doubled)
    unproven = "" if writes is None or not writes.unanswered else f" ({writes.unanswered}?)"
    return (
        Text(duration(unit.worst(*FORWARD), _)),
        Text(duration(unit.worst(Direction.BACK), _)),
        _zero(unit.total("packets_lost" if unit.kind == "line" else "requests_failed", *every) if looked else None),
        _zero(wrong_writes, "" if writes is None else f" / {writes.acknowledged}{unproven}"),
        _checks(unit),
    )


def _zero(number: int | None, rest: str = "") -> Text:
    if number is None:
        return Text("–", "dim")
    return Text(f"{number}{rest}", "green" if number == 0 else "bold red")


def _checks(unit: UnitSummary) -> Text:
    every = unit.checks_passed + unit.checks_failed + unit.checks_unknown
    if not every:
        return Text("–", "dim")
    return Text(f"{unit.checks_passed}/{every}", "green" if unit.checks_passed == every else "red")


def _stages(summary: RunSummary) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(_("stage"))
    table.add_column(_("time"), justify="right")
    table.add_column("")
    longest = max((stage.end - stage.begin for stage in summary.stages), default=1.0) or 1.0
    for stage in summary.stages:
        seconds = stage.end - stage.begin
        bar = Text("━" * max(1, round(30 * seconds / longest)), "red" if stage.failure else "cyan")
        table.add_row(_(STAGES.get(stage.name, stage.name)), duration(seconds, _), bar)
    whole = sum(stage.end - stage.begin for stage in summary.stages)
    table.add_row(Text(_("together"), "bold"), Text(duration(whole, _), "bold"), "")
    return table


def measured(summary: RunSummary) -> tuple[str, ...]:
    """Say in a few sentences what users felt, as it was measured from outside."""
    if not any(unit.felt for unit in summary.units):
        return (_("Nobody has looked from outside yet."),)
    said = counted(summary)
    pause = longest_pause(summary.units, *FORWARD)
    return (
        _("Longest pause for users: {there}; on the way back: {back}.").format(
            there=duration(pause, _), back=duration(longest_pause(summary.units, Direction.BACK), _)
        ),
        _("{requests} requests, {requests_failed} failed; {packets} packets, {packets_lost} lost.").format(**said),
        _("{writes} writes were acknowledged, {writes_lost} of them lost, {writes_doubled} doubled.").format(**said),
        *_unproven(said),
    )


def _unproven(said: Mapping[str, int]) -> Iterator[str]:
    if said["writes_unanswered"]:
        yield _("Not proven: {writes_unanswered} of these writes could not be asked after.").format(**said)
    if said["checks_unknown"]:
        yield _("Not proven: {checks_unknown} checks on hosts could not be made.").format(**said)


def _sentences(summary: RunSummary) -> tuple[str, ...]:
    return (
        *(
            _("Left alone: {name} ({reason}).").format(name=n, reason=why)
            for n, why in left_alone(summary.untouched, _)
        ),
        _("plan {plan}").format(plan=summary.plan),
        _("evidence {path}: {records} records, {outcome}, head {head}").format(
            path=summary.evidence,
            records=summary.chain.records,
            outcome=_(summary.chain.outcome.value),
            head=summary.chain.head,
        ),
    )
