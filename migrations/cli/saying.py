"""The output of every command: all on its way to a terminal or a pipe is made harmless here, whoever wrote it."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from inventory.plain import plain

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Print a text, on standard error where it is one; in JSON what is written out is still the same text."""
    print(plain(text), end=end, file=sys.stderr if error else sys.stdout, flush=error)


def console(**options: Any) -> "Console":
    """Return a console for words of an inventory, a host or a person."""
    # Imported late: many commands need no tables.
    from migrations.cli.console import Shown

    return Shown(markup=False, emoji=False, **options)


def sentences(shown: "Console", every: Iterable[str]) -> None:
    """Print sentences as they are, each on lines of its own."""
    for sentence in every:
        shown.print(sentence, soft_wrap=True, highlight=False)
