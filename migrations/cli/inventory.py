"""`zhenghe inventory`: the hosts of an inventory as Ansible asks for them."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from inventory.words import _
from migrations.cli import saying
from migrations.cli.help import WHERE, WrongUse, inventory_folder


def answer_ansible(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", envvar="ZHENGHE_INVENTORY", help=WHERE, show_default=False),
    ] = Path(),
    listed: Annotated[bool, typer.Option("--list", help=_("All groups and hosts."))] = False,
    host: Annotated[str | None, typer.Option("--host", metavar="NAME", help=_("The variables of one host."))] = None,
    world: Annotated[
        Path | None,
        typer.Option("--world", metavar="FILE", envvar="ZHENGHE_WORLD", help=_("Reach hosts as this world does.")),
    ] = None,
) -> None:
    if listed == (host is not None):
        raise typer.BadParameter(_("give either --list or --host NAME"))
    if world is not None and not world.is_file():
        raise WrongUse(_("{file} is no file").format(file=world), _("give a world.json"))
    raise typer.Exit(show_inventory(inventory_folder(folder), host, world))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    said = _("Answer Ansible: the hosts of the inventory in groups, or one host's variables.")
    app.command("inventory", help=said)(answer_ansible)


def show_inventory(folder: Path, host: str | None, world: Path | None) -> int:
    """Print all groups and hosts, or the variables of one host; InventoryErrors where the inventory has errors."""
    from infra.worlds import load_world
    from inventory.files.wording import meant
    from inventory.loading import read_programme

    programme = read_programme(folder)
    ssh_config = load_world(world).ssh_config if world is not None else None
    inventory = _built(folder, programme, ssh_config)
    if host is not None and host not in inventory.variables:
        mend = meant(host, inventory.variables) or _("--list names all hosts")
        raise WrongUse(_("there is no host '{word}'").format(word=host), mend)
    answer = inventory.listed() if host is None else inventory.variables[host]
    saying.say(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
    return 0


def _built(folder: Path, programme: Any, ssh_config: Path | None) -> Any:
    from inventory.derived.hosts import AnsibleInventory
    from inventory.loading import load_programme

    try:
        return AnsibleInventory(programme, ssh_config)
    except LookupError:
        # Its parts do not fit each other: the whole check, which takes longer, says where.
        load_programme(folder)
        raise
