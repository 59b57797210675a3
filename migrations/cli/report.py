"""`zhenghe verify | report`: what a run has proved, and whether its hosts are still so."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from inventory.errors import cause_of
from inventory.kinds import Kind, load_kinds, playbooks_folder
from inventory.words import _
from migrations.cli import saying
from migrations.cli.runs import chosen, world_of
from migrations.home import RunHome
from migrations.trust.witness import witnessed

if TYPE_CHECKING:
    from migrations.report import RunSummary


def verify_hosts(run: str, *, as_json: bool) -> int:
    """Check the hosts of a run's units where they are now; 1 where a check failed."""
    from migrations.proof.proof import Proof

    home = chosen(run)
    world = world_of(home)
    with witnessed(home, "verify"):
        checked = Proof(home, _kinds(), world).check("by hand")
    if as_json:
        saying.say(json.dumps(checked.model_dump(mode="json"), ensure_ascii=False))
        return 1 if checked.failed or checked.unknown else 0
    console = saying.console()
    for unit in checked.units:
        console.print(_("{unit}: {passed} passed, {failed} failed").format(**unit.model_dump()))
        if unit.unknown:
            console.print(_("  {unknown} not known: they could not be made").format(unknown=unit.unknown))
        for failure in (*unit.failures, *unit.unknowns):
            console.print(f"  {failure.host}: {failure.check}: {failure.reason}")
    console.print(_("JUnit: {path}").format(path=checked.junit), soft_wrap=True)
    return 1 if checked.failed or checked.unknown else 0


def show_report(run: str, *, as_json: bool) -> int:
    """Tell what a run has proved."""
    home = chosen(run)
    summary = print_report(home, as_json=as_json)
    return 0 if summary.chain.outcome == "sound" else 1


def print_report(home: RunHome, *, as_json: bool, whole: bool = True) -> "RunSummary":
    """Print the report of a run and write its pages; return its summary."""
    from migrations.report import print_summary, summary_of

    summary = summary_of(home)
    pages = write_pages_of(home, summary)
    if as_json:
        saying.say(json.dumps(summary.as_whole_json() if whole else summary.as_json(), ensure_ascii=False))
        return summary
    console = saying.console()
    print_summary(console, summary)
    for page in pages:
        console.print(_("page: {path}").format(path=page), soft_wrap=True, highlight=False)
    return summary


def write_pages_of(home: RunHome, summary: "RunSummary") -> tuple[Path, ...]:
    """Write the pages of a run and return their files; where the disk refuses, that is told beside what they say."""
    from migrations.report import write_pages

    try:
        return write_pages(summary, home.path / "reports")
    except OSError as exc:
        saying.say(_("the page is not written ({reason})").format(reason=cause_of(exc)), error=True)
        return ()


def _kinds() -> Mapping[str, Kind]:
    return load_kinds(playbooks_folder() / "roles")
