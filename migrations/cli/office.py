"""The commands of a consolidation office: survey sheets in and out, and what the plan document asks for."""

from pathlib import Path
from typing import Annotated

import typer

from inventory.words import _
from migrations.cli.help import WHERE, Commands, Folder, Json, inventory_folder


def register(app: Commands) -> None:
    """Put the commands into the command line."""
    merges = _("Merge departments' survey sheets into the inventory, after showing what changes.")
    app.command("import", help=merges)(import_)
    app.command(help=_("Write the sheets that departments fill in, with what is known already."))(survey)
    app.command(help=_("Make one department of two that are the same; its systems, rooms and titles go with it."))(join)
    stands = _("Tell how the obligations of the plan document stand, and who falls short; 1 where one is missed.")
    app.command(help=stands)(obligations)


def import_(  # noqa: PLR0913, PLR0917 - each is an option
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help=_("Survey sheets, or folders of them."), show_default=False)
    ],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help=WHERE, show_default=False)] = Path(),
    mapping: Annotated[Path | None, typer.Option("--mapping", metavar="FILE", help=_("What odd columns mean."))] = None,
    yes: Annotated[bool, typer.Option("--yes", help=_("Write without asking; questions stay open."))] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="WORD", help=_("Answer a question by a word that the import has told.")),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help=_("Name of a new programme."))] = "",
    title: Annotated[str, typer.Option("--title", metavar="TITLE", help=_("Title of a new programme."))] = "",
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help=_("The plan that binds a new programme."))
    ] = "",
    as_json: Json = False,
) -> None:
    from migrations.cli.survey import Agreement, Beginning, import_sheets

    beginning = Beginning(name=name, title=title, profile=profile)
    agreed = Agreement(yes=yes, accepted=tuple(accept or ()))
    raise typer.Exit(import_sheets(paths, into, mapping, beginning, agreed, as_json=as_json))


def survey(
    folder: Folder = Path(),
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help=_("Where; DIR/sheets if left out."))
    ] = None,
    status: Annotated[
        bool, typer.Option("--status", help=_("Tell who has answered and who has not; 1 if one has not."))
    ] = False,
    as_json: Json = False,
) -> None:
    from migrations.cli.survey import show_answers, write_sheets

    if status:
        raise typer.Exit(show_answers(inventory_folder(folder), as_json=as_json))
    raise typer.Exit(write_sheets(folder, out, as_json=as_json))


def join(
    one: Annotated[str, typer.Argument(metavar="NAME", help=_("The department that goes."), show_default=False)],
    into: Annotated[str, typer.Argument(metavar="INTO", help=_("The department that stays."), show_default=False)],
    folder: Folder = Path(),
    yes: Annotated[bool, typer.Option("--yes", help=_("Write without asking; questions stay open."))] = False,
    as_json: Json = False,
) -> None:
    from migrations.cli.survey import join_departments

    raise typer.Exit(join_departments(one, into, inventory_folder(folder), yes=yes, as_json=as_json))


def obligations(
    folder: Folder = Path(),
    at: Annotated[str, typer.Option("--at", metavar="DATE", help=_("The day, such as 2018-03-31; today."))] = "",
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help=_("A shipped profile or a file; the programme's."))
    ] = "",
    one: Annotated[str, typer.Option("--id", metavar="ID", help=_("One obligation in full, such as LN-cloud."))] = "",
    as_json: Json = False,
) -> None:
    from migrations.cli.obligations import show_obligations

    raise typer.Exit(show_obligations(inventory_folder(folder), at, profile, one, as_json=as_json))
