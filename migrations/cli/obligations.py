"""`zhenghe obligations`: what the plan asks for, how each of it stands on a day, and who falls short.

Exit status: 0 nothing is missed, 1 something is, 2 the inventory, the profile, the date or the id is not usable.
"""

import json
import os
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.twin.paths import state_root
from inventory.base import Model
from inventory.loading import load_programme
from inventory.obligations import Facts, Profile, Standing, State, Words, achieved, load_profile, standings
from inventory.obligations.dates import today
from inventory.obligations.facts import Ground
from inventory.obligations.figures import KeyFigures, key_figures
from inventory.obligations.profiles import is_file, read_profile
from inventory.obligations.states import WORST_FIRST, GoalStanding, ground_of
from inventory.obligations.wording import lack_word, name_of, state_word, value_words
from inventory.survey.columns import label_of
from inventory.words import _, spoken
from migrations.cli import saying
from migrations.report.achievements import RunAchievements, achievements_of_runs

COLOURS = {
    State.MISSED: "bold red",
    State.AT_RISK: "yellow",
    State.NOT_MEASURABLE: "magenta",
    State.OPEN: "cyan",
    State.MET: "green",
}
ROOMY = 100
"""From so many columns on there is room for a table."""
SHEETS = {"systems": "system", "resources": "resource"}
"""The sheets of a survey that have the fields of what is counted."""
FIRST = 3
"""So many of those who fall short are named in the table."""


class Overview(Model):
    """How the obligations of a profile stand on a day."""

    profile: Profile
    day: date
    standings: tuple[Standing, ...]
    figures: KeyFigures
    runs: RunAchievements


def overview(folder: Path, day: date, profile: str, runs: Path) -> Overview:
    """Measure an inventory and its runs against a profile; InventoryErrors where either cannot be used."""
    programme = load_programme(folder)
    plan = read_profile(Path(profile)) if is_file(Path(profile)) else load_profile(profile or programme.profile, folder)
    seen = achievements_of_runs(runs, programme.programme)
    ground: Ground = ground_of(plan, programme, achieved(programme, seen.records))
    return Overview(
        profile=plan,
        day=day,
        standings=standings(plan, ground, day),
        figures=key_figures(Facts(ground, day)),
        runs=seen,
    )


def show_obligations(folder: Path, at: str, profile: str, one: str, *, as_json: bool) -> int:
    """Print how obligations stand and return the exit status: 1 where one of those that are shown is missed."""
    seen = overview(folder, day_of(at), profile, state_root() / "runs")
    shown = _chosen(seen.standings, one)
    if as_json:
        saying.say(json.dumps(_plain(seen, shown), ensure_ascii=False))
    elif one:
        _print_one(seen, shown[0])
    else:
        _print_all(seen)
    return 1 if any(each.state is State.MISSED for each in shown) else 0


def day_of(text: str) -> date:
    """Return the day that is meant, today in China where none is; BadParameter for what is no date."""
    if not text:
        return today()
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise typer.BadParameter(_("'{text}' is no date such as 2018-03-31").format(text=text)) from exc


def _chosen(every: Sequence[Standing], one: str) -> tuple[Standing, ...]:
    if not one:
        return tuple(every)
    found = tuple(each for each in every if each.id.casefold() == one.casefold())
    if not found:
        ids = [each.id for each in every]
        near = get_close_matches(one, ids, n=3, cutoff=0.3) or ids[:3]
        said = _("the profile has no obligation '{id}'; it has {near}")
        raise typer.BadParameter(said.format(id=one, near=", ".join(near)))
    return found


def _said(words: Words) -> str:
    return words.zh if spoken(os.environ) == "zh" else words.en


def _counted(every: Sequence[Standing]) -> dict[State, int]:
    return {state: sum(each.state is state for each in every) for state in WORST_FIRST}


def _summary(seen: Overview) -> str:
    parts = [f"{state_word(state)} {number}" for state, number in _counted(seen.standings).items() if number]
    return _("{number} obligations on {day}: {parts}").format(
        number=len(seen.standings), day=seen.day.isoformat(), parts=_(", ").join(parts)
    )


def _figures(figures: KeyFigures) -> str:
    return _(
        "systems integrated {integrated}, items shared {shared}, applications working together {cooperating}, "
        "connected {connected} of {connectable}"
    ).format(**figures.model_dump())


def _console() -> Console:
    # A pipe has no width; a table in a file or a mail is read whole.
    console = saying.console()
    return console if console.is_terminal else saying.console(width=160)


def _title(seen: Overview) -> str:
    number = f" ({seen.profile.number})" if seen.profile.number else ""
    return f"{_said(seen.profile.title)}{number}, {seen.profile.date.isoformat()}"


def _print_all(seen: Overview) -> None:
    console = _console()
    console.print(Text(_title(seen), "bold"))
    longest = max(len(each.id) for each in seen.standings)
    for state in WORST_FIRST:
        group = [each for each in seen.standings if each.state is state]
        if not group:
            continue
        console.print()
        console.print(Text(f"{state_word(state)} ({len(group)})", COLOURS[state]))
        console.print((_table if console.width >= ROOMY else _list)(group, longest))
    console.print()
    console.print(Text(_("Key figures: {figures}").format(figures=_figures(seen.figures))))
    console.print(Text(_summary(seen), "bold"))
    _print_left_out(console, seen)


def _print_left_out(console: Console, seen: Overview) -> None:
    for line in seen.runs.left_out:
        console.print(Text(line, "yellow"))


def _table(group: Sequence[Standing], longest: int) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), expand=True)
    table.add_column(_("id"), no_wrap=True, min_width=longest)
    table.add_column(_("what"), overflow="fold", ratio=4)
    table.add_column(_("deadline"), min_width=10)
    table.add_column(_("reached"), overflow="fold", ratio=2)
    table.add_column(_("who falls short"), overflow="fold", ratio=3)
    for each in group:
        goal = each.deciding
        name = Text(each.id, COLOURS[each.state])
        reached = "\n".join(_reached(each))
        table.add_row(name, Text(_said(each.text)), _deadline(goal), Text(reached), Text(_short(goal)))
    return table


def _list(group: Sequence[Standing], longest: int) -> Table:
    """Return the same for a narrow terminal: what was reached and who falls short stand below what is asked."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True, min_width=longest)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for each in group:
        below = [_(", ").join(_reached(each))]
        if short := _short(each.deciding):
            below.append(_("falling short: {names}").format(names=short))
        asked = Text(_said(each.text)).append("".join(f"\n{line}" for line in below), "dim")
        table.add_row(Text(each.id, COLOURS[each.state]), _deadline(each.deciding), asked)
    return table


def _reached(standing: Standing) -> list[str]:
    """Return what was reached of the goal that decides; not what nothing falls under, where something falls."""
    goal = standing.deciding
    counted = [one for one in goal.measurements if one.denominator or one.enough or one.missing]
    every = len(standing.goals) == 1
    return [value_words(one) for one in counted or goal.measurements if every or not one.reached]


def _due(goal: GoalStanding) -> str:
    if goal.due is None:
        return _("after the move")
    return _("from {day} on").format(day=goal.due.isoformat()) if goal.lasting else goal.due.isoformat()


def _deadline(goal: GoalStanding) -> Text:
    return Text(f"{_due(goal)}\n{_('late')}" if goal.late else _due(goal))


def _short(goal: GoalStanding) -> str:
    if goal.state is State.MET:
        return ""
    names = [name_of(short, one.counts) for one in goal.measurements if not one.reached for short in one.short]
    rest = len(names) - FIRST
    # With a blank in every language: lines of a narrow column break there and not inside of a name or date.
    listed = ", ".join(names[:FIRST])
    return listed + (_(" and {number} more").format(number=rest) if rest > 0 else "")


def _print_one(seen: Overview, standing: Standing) -> None:
    console = _console()
    console.print(Text(_title(seen), "dim"))
    console.print(Text(f"{standing.id}  {state_word(standing.state)}", COLOURS[standing.state]))
    console.print(Text(_("clause {clause}").format(clause=standing.clause)))
    console.print(Text(_said(standing.text)))
    for goal in standing.goals:
        console.print()
        console.print(Text(_goal_line(goal), COLOURS[goal.state]))
        for one in goal.measurements:
            console.print(Text(f"  {value_words(one)}"))
            for note in one.notes:
                console.print(Text(f"  {note}", "yellow"))
            for short in one.short:
                lacks = _(", ").join(lack_word(lack, _label(lack, one.counts)) for lack in short.lacks)
                title = f" {short.title}" if short.title and short.title != short.name else ""
                console.print(Text(f"    {short.name}{title}: {lacks}"), soft_wrap=True)
    _print_left_out(console, seen)


def _label(field: str, counts: str) -> str:
    """Return what departments' sheets, which are Chinese, call a field; nothing in other languages."""
    return label_of(SHEETS.get(counts, ""), field)


def _goal_line(goal: GoalStanding) -> str:
    said = _("{state}, deadline {due}").format(state=state_word(goal.state), due=_due(goal))
    if goal.stretch is not None:
        said += _(" (striven for: {day})").format(day=goal.stretch.isoformat())
    return said + (f", {_('late')}" if goal.late else "")


def _plain(seen: Overview, shown: Sequence[Standing]) -> dict[str, Any]:
    profile = seen.profile.model_dump(mode="json", include={"profile", "title", "number", "date"})
    return {
        **profile,
        "at": seen.day.isoformat(),
        "summary": {str(state): number for state, number in _counted(shown).items()},
        "key_figures": seen.figures.model_dump(mode="json"),
        "obligations": [_plain_standing(each) for each in shown],
        "runs": list(seen.runs.runs),
        "left_out": list(seen.runs.left_out),
    }


def _plain_standing(standing: Standing) -> dict[str, Any]:
    plain = standing.model_dump(mode="json")
    for goal, written in zip(standing.goals, plain["goals"], strict=True):
        for one, each in zip(goal.measurements, written["measurements"], strict=True):
            each |= {"value": one.value, "target": one.target, "reached": one.reached}
    return plain
