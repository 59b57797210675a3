"""Reports: what a run came to, for the terminal, for machines and on a page, all from its evidence."""

from collections.abc import Mapping
from pathlib import Path

from inventory.model import Programme
from migrations.home import RunHome
from migrations.report.page import write_page
from migrations.report.picture import pictures
from migrations.report.summary import RunSummary, summarise
from migrations.report.terminal import measured, print_summary
from migrations.report.wording import LANGUAGES
from migrations.trust.witness import testimony

__all__ = ["RunSummary", "measured", "print_summary", "summarise", "summary_of", "titles_of", "write_pages"]


def titles_of(programme: Programme) -> Mapping[str, str]:
    """Return the names for people of a programme's units by their keys, and its own title under ``."""
    return {
        "": programme.title,
        **{f"system:{system.system}": system.title for system in programme.systems},
        **{f"site:{site.name}": site.title for site in programme.sites},
    }


def summary_of(home: RunHome) -> RunSummary:
    """Compute the summary of a run from its folder; StalePlan and OSError where the folder is not whole."""
    programme = home.programme() if home.programme_file.exists() else None
    titles = titles_of(programme) if programme is not None else {}
    summary = summarise(
        home.plan(),
        home.evidence.records(),
        testimony(home),
        world=home.settings().kind,
        evidence=str(home.evidence.path),
        titles=titles,
    )
    if programme is None:
        return summary
    lines = {unit.name: unit.state for unit in summary.units if unit.kind == "line"}
    return summary.model_copy(update={"network": pictures(programme, lines)})


def write_pages(summary: RunSummary, folder: Path) -> tuple[Path, ...]:
    """Write the page in every language and return the files: report.en.html, report.zh.html."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = tuple(folder / f"report.{language}.html" for language in LANGUAGES)
    for page, language in zip(pages, LANGUAGES, strict=True):
        write_page(summary, page, language)
    return pages
