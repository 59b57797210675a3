"""`zhenghe explain`: why a system or a line is dealt with as it is."""

from pathlib import Path
from typing import Annotated

import typer

from inventory.words import _
from migrations.cli.help import Folder, Json, inventory_folder


def explain_unit(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=_("A system or a line, by name or title."), show_default=False)
    ],
    folder: Folder = Path(),
    as_json: Json = False,
) -> None:
    from migrations.cli.explanation import show_explanation

    raise typer.Exit(show_explanation(name, inventory_folder(folder), as_json=as_json))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    said = _("Tell why a system or a line is dealt with as it is: rule, facts, clause.")
    app.command("explain", help=said)(explain_unit)
