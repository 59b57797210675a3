"""`zhenghe twin up | list | shell | down`: the twin by hand."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from inventory.words import _
from migrations.cli import saying
from migrations.cli.help import Commands, Folder, Json, WrongUse, inventory_folder

twins = Commands(help=_("Build a twin, look into it, take it down."))

NewName = Annotated[
    str, typer.Option("--name", metavar="NAME", help=_("Name of the twin; the programme's where left out."))
]
Name = Annotated[str, typer.Option("--name", metavar="NAME", help=_("Name of the twin; the only one where left out."))]


def twin_name(asked: str, programme: str) -> str:
    """Return the name that a twin is given; WrongUse where it cannot have that one."""
    from infra.twin.paths import NAME

    name = asked or programme[:20].rstrip("-")
    if not NAME.fullmatch(name):
        reason = _("'{name}' is no name for a twin").format(name=name)
        raise WrongUse(reason, _("take at most 20 small letters, digits and hyphens, a letter first"))
    return name


@twins.command(help=_("Build the twin of an inventory, as it was surveyed."))
def up(folder: Folder = Path(), name: NewName = "", as_json: Json = False) -> None:
    from infra.twin import client
    from infra.twin.spec import seeds_of
    from inventory.loading import load_programme
    from migrations.cli.live import line
    from migrations.planning.planner import in_order
    from migrations.run.booting import bootable

    programme = in_order(load_programme(inventory_folder(folder)))
    fetched = bootable(folder, line)
    world = client.up(programme, twin_name(name, programme.programme), seeds_of(folder), line, fetched)
    told = json.dumps({"world": str(world.name), "ssh_config": str(world.ssh_config)})
    saying.say(told if as_json else str(world.ssh_config))


@twins.command("list", help=_("List the twins of this machine."))
def list_twins(as_json: Json = False) -> None:
    from infra.twin import client

    _need_root()
    found = client.list_twins()
    if as_json:
        saying.say(json.dumps({"twins": [state.model_dump(mode="json") for state in found]}))
        return
    for state in found:
        down = f"  ({_('down')}: {', '.join(state.down)})" if state.down else ""
        saying.say(f"{state.name}  {state.state}{down}\n  {' '.join((*sorted(state.hosts), *sorted(state.devices)))}")


@twins.command(help=_("Open a shell on a host or a device of a twin."))
def shell(
    host: Annotated[str, typer.Argument(metavar="NAME", help=_("A host or a device."))],
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help=_("What to run there; a shell where left out."), show_default=False),
    ] = None,
    name: Name = "",
) -> None:
    from infra.twin import client

    raise typer.Exit(client.shell(_only(name), host, tuple(command or ())))


@twins.command(help=_("End a twin and remove all of it."))
def down(
    which: Annotated[
        str,
        typer.Argument(metavar="NAME", help=_("Name of the twin; the only one where left out."), show_default=False),
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help=_("The same as an option."))] = "",
    as_json: Json = False,
) -> None:
    from infra.twin import client

    if which and name and which != name:
        raise WrongUse(_("two twins are named: {names}").format(names=f"{which}, {name}"), _("name one of them"))
    gone = _only(which or name)
    client.down(gone)
    saying.say(json.dumps({"twin": gone, "state": "gone"}) if as_json else _("twin {name} is gone").format(name=gone))


def _only(name: str) -> str:
    """Return the name of the twin that is meant: the only one where none is named."""
    from infra.twin import client

    _need_root()
    if name:
        return twin_name(name, name)
    names = [state.name for state in client.list_twins()]
    if len(names) == 1:
        return names[0]
    if not names:
        raise WrongUse(_("there is no twin"), _("start one with: zhenghe twin up"))
    raise WrongUse(_("there are several twins"), _("say which with --name: {names}").format(names=", ".join(names)))


def _need_root() -> None:
    # Who may not look into a living twin would take it for a dead one.
    if os.geteuid() != 0:
        raise WrongUse(_("twins are root's"), _("run this command as root"))
