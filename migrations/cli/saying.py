"""The output of every command: all on its way to a terminal or a pipe is made harmless here, whoever wrote it."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from inventory.errors import ZhengheError
from inventory.plain import plain
from inventory.words import _

if TYPE_CHECKING:
    from rich.console import Console


class NotSaid(ZhengheError):
    """Standard output takes nothing more; what was done is done."""

    def __init__(self, error: OSError) -> None:
        text = _("standard output takes no answer ({why}); what was done is done: see zhenghe status")
        super().__init__(text.format(why=error.strerror or error))


def say(text: str, *, end: str = "\n", error: bool = False) -> None:
    """Print a text, on standard error where it is one; in JSON what is written out is still the same text."""
    try:
        print(plain(text), end=end, file=sys.stderr if error else sys.stdout, flush=error)
    except BrokenPipeError:
        raise
    except OSError as exc:
        if not error:
            raise NotSaid(exc) from exc


def finish() -> None:
    """See that all of it has come out; NotSaid."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise NotSaid(exc) from exc


def console(**options: Any) -> "Console":
    """Return a console for words of an inventory, a host or a person."""
    # Imported late: many commands need no tables.
    from migrations.cli.console import Shown

    return Shown(markup=False, emoji=False, **options)


def sentences(shown: "Console", every: Iterable[str]) -> None:
    """Print sentences as they are, each on lines of its own."""
    for sentence in every:
        shown.print(sentence, soft_wrap=True, highlight=False)
