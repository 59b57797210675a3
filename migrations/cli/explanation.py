"""The output of `zhenghe explain`: short, aligned, in the language of who reads it."""

import json
import os
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from inventory.dispositions.zombies import Verdict
from inventory.explaining import Explanation, explain
from inventory.findings import Finding
from inventory.kinds import load_kinds, playbooks_folder
from inventory.obligations.clauses import Clause
from inventory.obligations.dates import today
from inventory.survey.columns import label_of
from inventory.words import _N, _, spoken
from migrations.cli import saying

VERDICTS = {
    Verdict.APPLIES: _N("would apply"),
    Verdict.NOT: _N("does not apply"),
    Verdict.OPEN: _N("not known"),
}
NAMES = {
    "leave": _N("left as it is"),
    "retire": _N("archived and stopped"),
    "merge": _N("merged"),
    "relocate": _N("relocated with its hardware"),
    "replatform": _N("moved onto another platform"),
    "rehost": _N("moved as it is"),
    "consolidate": _N("taken over by the extranet"),
    "classified": _N("classified"),
    "zombie": _N("zombie system"),
    "office-level": _N("a single office's system"),
    "common-function": _N("common function"),
    "not-for-the-cloud": _N("what the cloud cannot carry"),
    "new-platform": _N("a component changes its platform"),
    "as-it-is": _N("runs in the cloud as it is"),
    "golden-project": _N("national golden project"),
    "released-line": _N("given back already"),
    "exempt-line": _N("exempt for a time"),
    "line-without-domain": _N("no domain for it"),
    "line-into-extranet": _N("consolidation into the extranet"),
}
"""Dispositions and rules in words."""


def show_explanation(name: str, folder: Path, *, as_json: bool) -> int:
    """Explain a system or a line; UnknownUnit where nothing is called like that."""
    explanation = explain(folder, name, load_kinds(playbooks_folder() / "roles"), today())
    if as_json:
        saying.say(json.dumps(explanation.model_dump(mode="json"), ensure_ascii=False))
    else:
        _tell(saying.console(), explanation, spoken(os.environ))
    return 0


def _tell(console: Console, told: Explanation, language: str) -> None:
    console.print(_head(told, language))
    _block(console, _("rests on"), _facts(told))
    _block(console, _("what the other rules say"), _others(told))
    if told.shadows:
        _block(console, _("may do the same: a person decides"), _shadows(told))
    _block(console, _("found to do something else"), _apart(told))
    if told.missing:
        _block(console, _("missing or wrong"), _missing(told.missing))


def _grid(columns: int) -> Table:
    """Return columns without lines, of which only the last one is broken where it is too long."""
    table = Table.grid(padding=(0, 2))
    for number in range(1, columns + 1):
        table.add_column(no_wrap=number < columns, overflow="fold")
    return table


def _block(console: Console, title: str, table: Table) -> None:
    if table.row_count:
        console.print(Text(f"\n{title}", "bold"))
        console.print(Padding(table, (0, 0, 0, 2)))


def _head(told: Explanation, language: str) -> Table:
    table = _grid(2)
    place = Text(f"  {told.place}", "dim")
    table.add_row(Text(told.name, "bold"), Text(told.title).append_text(place))
    table.add_row(_("disposition"), _named(told.disposition))
    table.add_row(_("rule"), _named(told.rule))
    table.add_row(_("because"), Text(told.reason))
    if told.clause is not None:
        table.add_row(_("clause"), Text(_cited(told.clause, told.profile, language)))
    return table


def _cited(clause: Clause, profile: str, language: str) -> str:
    """Return a clause with the name of its plan, where that is not the programme's own."""
    plan = clause.plan if clause.profile != profile else None
    titled = "" if plan is None else (plan.zh if language == "zh" else plan.en)
    said = clause.zh if language == "zh" else clause.en
    return "  ".join(part for part in (clause.id, titled, clause.place, said) if part)


def _named(word: str) -> Text:
    """Return a disposition or rule as files and machines call it, and in words."""
    return Text(word, "bold").append(f"  {_(NAMES[word])}", "not bold")


def _facts(told: Explanation) -> Table:
    table = _grid(2)
    for fact in told.facts:
        value = Text(_("not reported"), "dim") if fact.value is None else Text(fact.value)
        table.add_row(Text(label_of(told.kind, fact.field) or fact.field), value.append(f"  {fact.place}", "dim"))
    return table


def _others(told: Explanation) -> Table:
    table = _grid(4)
    for each in told.others:
        reason = Text(each.reason)
        if each.verdict is Verdict.OPEN:
            named = (label_of("system", field) or field for field in each.fields)
            reason.append(f" ({', '.join(named)})")
        if each.clause:
            reason.append(f"  {each.clause}", "dim")
        style = "dim" if each.verdict is Verdict.NOT else ""
        table.add_row(Text(each.rule), Text(each.disposition), Text(_(VERDICTS[each.verdict]), style), reason)
    return table


def _shadows(told: Explanation) -> Table:
    table = _grid(3)
    for each in told.shadows:
        what = Text(f"{each.title}  ").append(", ".join(each.shared), "italic").append(f"  {each.place}", "dim")
        table.add_row(f"{each.score:.2f}", Text(each.system), what)
    return table


def _apart(told: Explanation) -> Table:
    table = _grid(2)
    for each in told.apart:
        table.add_row(Text(each.system), Text(f"{each.reason} ({each.date})").append(f"  {each.place}", "dim"))
    return table


def _missing(findings: tuple[Finding, ...]) -> Table:
    table = _grid(2)
    for each in findings:
        what = Text(f"{each.field}: {each.reason}" if each.field else each.reason)
        if each.mend:
            what.append(f" → {each.mend}")
        table.add_row(Text(f"{each.file.name}:{each.line}", "dim"), what)
    return table
