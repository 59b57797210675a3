"""The table of what moves, what is refused and what is left to people: from kinds, their outcomes and the rules.

playbooks/outcomes/NAME.yaml lists for one or more kinds (`of`) sentences under moves, told, refused and people, each in
both languages; `says` quotes the code that says so on a host, and a test holds that it does. `python -m
migrations.planning.outcomes` writes docs/what-moves.md and docs/what-moves.zh.md.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from inventory.base import Model
from inventory.findings import RULES
from inventory.kinds import Kind, Title, load_kinds, playbooks_folder
from inventory.words import _N, words_in
from migrations.planning.planner import LEFT_LINES, NOT_MOVED

DOCS = {"en": "docs/what-moves.md", "zh": "docs/what-moves.zh.md"}
COLUMNS: Mapping[str, str] = {
    "moves": _N("moves"),
    "told": _N("moves, but not as it is, and is told"),
    "refused": _N("is refused by name, before anything has changed"),
    "people": _N("is left to people"),
}
"""The fields of an outcome file and what each means."""


class Outcome(Model):
    """One sentence of the table in both languages, and words of the code that says so."""

    en: str
    zh: str
    says: str = ""


Outcomes = Annotated[tuple[Outcome, ...], Field(min_length=1)]


class OutcomeFile(Model):
    """What comes of the parts of some kinds."""

    title: Title
    of: Annotated[tuple[str, ...], Field(min_length=1)]
    moves: Outcomes
    told: tuple[Outcome, ...] = ()
    refused: Outcomes
    people: Outcomes

    def rows(self) -> Iterator[tuple[str, Outcome]]:
        """Yield each sentence with its column."""
        for column in COLUMNS:
            for outcome in getattr(self, column):
                yield column, outcome


def load_outcomes(playbooks: Path) -> tuple[OutcomeFile, ...]:
    """Read all outcome files, those of several kinds first; ValueError where one does not hold together."""
    files = [yaml.safe_load(file.read_text()) for file in sorted((playbooks / "outcomes").glob("*.yaml"))]
    read = [OutcomeFile.model_validate_json(json.dumps(file)) for file in files]
    return tuple(sorted(read, key=lambda each: (-len(each.of), each.of)))


def page(language: str, kinds: Mapping[str, Kind], outcomes: tuple[OutcomeFile, ...]) -> str:
    """Return the document in one language."""
    return "\n".join(_lines(words_in(language), language, kinds, outcomes)) + "\n"


def _lines(
    say: Callable[[str], str], language: str, kinds: Mapping[str, Kind], outcomes: tuple[OutcomeFile, ...]
) -> Iterator[str]:
    yield f"# {say(_N('What moves, what is refused, what is left to people'))}"
    yield ""
    yield say(_N("This page is generated from the kinds of components, from what their code says, and from the rules."))
    for each in outcomes:
        yield from ("", f"## {getattr(each.title, language)}", "")
        names = ", ".join(f"{getattr(kinds[name].title, language)} (`{name}`)" for name in each.of)
        yield say(_N("Applies to: {kinds}")).format(kinds=names)
        for column, meaning in COLUMNS.items():
            if getattr(each, column):
                yield from ("", f"**{say(meaning)}**", "")
                yield from (f"- {getattr(outcome, language)}" for outcome in getattr(each, column))
    yield from ("", f"## {say(_N('Systems and lines that a plan leaves where they are'))}", "")
    for disposition, reason in NOT_MOVED.items():
        yield f"- `{disposition.value}`: {say(reason)}"
    yield from (f"- `{rule}`: {say(reason)}" for rule, reason in LEFT_LINES.items())
    yield from ("", f"## {say(_N('What the check of an inventory finds'))}", "")
    yield from (f"- `{rule}`: {say(meaning)}" for rule, meaning in RULES.items())


def main() -> None:
    """Write the document in both languages."""
    playbooks = playbooks_folder()
    for language, file in DOCS.items():
        text = page(language, load_kinds(playbooks / "roles"), load_outcomes(playbooks))
        (playbooks.parent / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
