"""Reports: what a run came to, for the terminal, for machines and on a page, all from its evidence."""

from collections.abc import Mapping
from pathlib import Path

from inventory.derived.links import LinkedSites, linked_sites
from inventory.model import Programme
from migrations.evidence.chain import read_kinds
from migrations.evidence.kinds import (
    PassageBegun,
    PassageEnded,
    ProbeSaw,
    RehearsalEnded,
    RunBegun,
    StageBegun,
    StageEnded,
    StepBegun,
    StepDone,
    StepFailed,
    UnitChecked,
    UnitMoved,
    WritesJudged,
)
from migrations.home import RunHome
from migrations.report.page import write_page
from migrations.report.picture import pictures
from migrations.report.summarising import summarise
from migrations.report.summary import RunSummary
from migrations.report.terminal import measured, print_summary
from migrations.report.wording import LANGUAGES
from migrations.trust.witness import recent_testimony, testimony

__all__ = ["RunSummary", "felt_of", "measured", "print_summary", "summarise", "summary_of", "titles_of", "write_pages"]


FELT = (
    RunBegun, PassageBegun, PassageEnded, StageBegun, StageEnded, RehearsalEnded,
    UnitMoved, UnitChecked, ProbeSaw, WritesJudged,
)  # fmt: skip
"""Kinds of records that say what users felt and how a run came out."""
TOLD = (*FELT, StepBegun, StepDone, StepFailed)
"""Kinds of records of which a report tells."""


def titles_of(programme: Programme) -> Mapping[str, str]:
    """Return the names for people of a programme's units by their keys, and its own title under ``."""
    return {
        "": programme.title,
        **{f"system:{system.system}": system.title for system in programme.systems},
        **{f"site:{site.name}": site.title for site in programme.sites},
        **{f"link:{link.name}": _link_title(programme, link) for link in linked_sites(programme)},
    }


def _link_title(programme: Programme, link: LinkedSites) -> str:
    titles = {site.name: site.title for site in programme.sites}
    return " – ".join(titles[end.site] for end in link.ends)


def summary_of(home: RunHome) -> RunSummary:
    """Compute the summary of a run from its folder; StalePlan and OSError where the folder is not whole."""
    programme = home.programme() if home.programme_file.exists() else None
    titles = titles_of(programme) if programme is not None else {}
    summary = summarise(
        home.plan(),
        home.evidence.records_of(*TOLD),
        testimony(home),
        world=home.settings().kind,
        evidence=str(home.evidence.path),
        titles=titles,
    )
    if programme is None:
        return summary
    lines = {unit.name: unit.state for unit in summary.units if unit.kind == "line"}
    return summary.model_copy(update={"network": pictures(programme, lines)})


def felt_of(home: RunHome) -> RunSummary:
    """Compute what users felt in a run, how it came out and whether its evidence stands, and nothing of its steps.

    Of a million records only those are read that tell of it; the errors of `summary_of`.
    """
    records = tuple(read_kinds(home.evidence.path, FELT))
    settings = home.settings()
    evidence = str(home.evidence.path)
    summary = summarise(home.outline(), records, recent_testimony(home), world=settings.kind, evidence=evidence)
    return summary.model_copy(update={"plan": settings.plan})


def write_pages(summary: RunSummary, folder: Path) -> tuple[Path, ...]:
    """Write the page in every language and return the files: report.en.html, report.zh.html."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = tuple(folder / f"report.{language}.html" for language in LANGUAGES)
    for page, language in zip(pages, LANGUAGES, strict=True):
        write_page(summary, page, language)
    return pages
