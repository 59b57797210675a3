"""`zhenghe net fetch | diff | drift | backup | path | selftest`: what devices are, what they have, what that means."""

from pathlib import Path
from typing import Annotated

import typer

from inventory.words import _
from migrations.cli.help import Commands, Folder, Inventory, Json, World

nets = Commands(help=_("See what devices are really configured with, and which way packets go."))

Devices = Annotated[
    list[str] | None,
    typer.Argument(metavar="DEVICE", help=_("Names of devices; all where left out."), show_default=False),
]


@nets.command(help=_("Fetch what devices are configured with and keep it beside the inventory, secrets hidden."))
def fetch(world: World, folder: Folder = Path(), devices: Devices = None, as_json: Json = False) -> None:
    from migrations.cli.fetched import fetch_devices

    raise typer.Exit(fetch_devices(folder, world, devices or [], as_json=as_json))


@nets.command(help=_("Tell what the moves of lines change on each device, line by line and in a sentence."))
def diff(
    folder: Folder = Path(),
    lines: Annotated[
        list[str] | None,
        typer.Argument(metavar="LINE", help=_("Names of lines; all that move where left out."), show_default=False),
    ] = None,
    until: Annotated[
        str, typer.Option("--until", metavar="STAGE", help=_("attach, shift, drain or release: up to this one."))
    ] = "release",
    as_json: Json = False,
) -> None:
    from migrations.cli.fetched import show_planned

    raise typer.Exit(show_planned(folder, lines or [], until, as_json=as_json))


@nets.command(help=_("Tell what has changed on devices since the last fetch; 1 where anything has."))
def drift(world: World, folder: Folder = Path(), devices: Devices = None, as_json: Json = False) -> None:
    from migrations.cli.fetched import show_drift

    raise typer.Exit(show_drift(folder, world, devices or [], as_json=as_json))


@nets.command(help=_("Seal devices' whole configurations, secrets included, outside of the inventory."))
def backup(
    world: World,
    folder: Folder = Path(),
    devices: Devices = None,
    show: Annotated[
        str, typer.Option("--show", metavar="NAME", help=_("Print a backup instead, with all that is in it."))
    ] = "",
    as_json: Json = False,
) -> None:
    from migrations.cli.fetched import back_up, show_backup

    if show:
        raise typer.Exit(show_backup(world, show))
    raise typer.Exit(back_up(folder, world, devices or [], as_json=as_json))


@nets.command(help=_("Tell which way a packet goes, before lines have moved and after; 1 where it does not arrive."))
def path(
    start: Annotated[str, typer.Argument(metavar="A", help=_("A host, a users' machine, a device or an address."))],
    target: Annotated[str, typer.Argument(metavar="B", help=_("Where it goes to."))],
    folder: Inventory = Path(),
    look: Annotated[
        Path | None,
        typer.Option("--look", metavar="FILE", help=_("Ask the devices of this world which way it goes now.")),
    ] = None,
    as_json: Json = False,
) -> None:
    from migrations.cli.net_path import show_ways

    raise typer.Exit(show_ways(folder, start, target, look, as_json=as_json))


@nets.command(help=_("Try whether a device is what its platform's file says, before anything is moved over it."))
def selftest(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help=_("The name of a device."))],
    world: World,
    folder: Inventory = Path(),
    change: Annotated[
        bool, typer.Option("--change", help=_("Also try a list that nothing refers to, and take it back."))
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=60.0, help=_("After so many the change returns by itself."))
    ] = 60.0,
    as_json: Json = False,
) -> None:
    from migrations.cli.selftest import try_device

    raise typer.Exit(try_device(folder, world, device, seconds, as_json=as_json, change=change))
