"""`zhenghe world init | check | sudoers | certify`: how a real world is reached, and who answers with which rights."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from inventory.words import _N, _
from migrations.cli import saying
from migrations.cli.help import Commands, Folder, Inventory, Json, World, WrongUse, inventory_folder

worlds = Commands(help=_("Write the files of a world, and see who answers there."))
RIGHTS = {
    "root": _N("root"),
    "root by sudo": _N("root by sudo"),
    "an ordinary user": _N("an ordinary user"),
    "a device's own command line": _N("a device's own command line"),
    "not known": _N("not known"),
}


@worlds.command(help=_("Write a first draft of world.json and ssh_config, with every host of the inventory."))
def init(
    folder: Folder = Path(),
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help=_("Where; a new folder."))] = Path("world"),
    user: Annotated[str, typer.Option("--user", metavar="NAME", help=_("Who logs in at hosts."))] = "root",
    cloud: Annotated[
        str, typer.Option("--cloud", metavar="NAME", help=_("The government cloud's name in clouds.yaml."))
    ] = "government-cloud",
    secret: Annotated[
        str | None,
        typer.Option("--secret", metavar="REFERENCE", help=_("Where its secret is kept: file:/path …")),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="KEY", help=_("The key by which new hosts are entered, its .pub beside it.")),
    ] = None,
    as_json: Json = False,
) -> None:
    from infra.world_draft import KNOWN_HOSTS, draft
    from infra.worlds import CloudSettings, save_world
    from inventory.loading import load_programme

    programme = load_programme(inventory_folder(folder))
    files = [out / name for name in ("ssh_config", KNOWN_HOSTS, "world.json")]
    if taken := [str(file) for file in files if file.exists()]:
        reason = _("these files are there already: {files}").format(files=", ".join(taken))
        raise WrongUse(reason, _("choose another folder with --out"))
    fields = {"backend": "openstack", "endpoint": cloud, "secret": _reference(secret), "key": _public(key)}
    made = draft(programme, out, user, CloudSettings.model_validate(fields))
    out.mkdir(parents=True, exist_ok=True)
    files[0].write_text(made.ssh_config)
    files[1].touch()
    save_world(made.world, files[2])
    if as_json:
        saying.say(json.dumps({"files": [str(file) for file in files]}, ensure_ascii=False))
        return
    saying.say("\n".join(map(str, files)))
    saying.say(_("now fill in addresses of devices, jump hosts and host keys, and see who answers:"))
    saying.say(f"zhenghe world check --world {files[2]} --in {folder}")


def _reference(secret: str | None) -> str | None:
    from inventory.secrecy import FORMS, NotAReference, reference

    try:
        return None if secret is None else str(reference(secret))
    except NotAReference as error:
        raise WrongUse(str(error), _("give --secret as one of: {forms}").format(forms=FORMS)) from error


def _public(key: Path | None) -> Path | None:
    if key is None:
        return None
    public = key.with_name(f"{key.name}.pub").absolute()
    if not public.is_file():
        reason = _("{file} is not there").format(file=public)
        raise WrongUse(reason, _("make one: ssh-keygen -t ed25519 -f {key}").format(key=key))
    return public


@worlds.command(help=_("Log in at every host and device once and tell who answers; 1 where one does not."))
def check(
    world: World,
    inventory: Inventory = Path(),
    as_json: Json = False,
) -> None:
    from infra.world_check import Rights, look
    from inventory.derived.wired import host_addresses
    from inventory.loading import load_programme
    from migrations.cli.wanted import world_at

    programme = load_programme(inventory_folder(inventory))
    devices = sorted(device.name for device in programme.network.devices if not device.operated_by)
    found = look(world_at(world), sorted(host_addresses(programme)), devices)
    enough = {Rights.ROOT, Rights.SUDO, Rights.DEVICE}
    if as_json:
        saying.say(json.dumps({"names": [each.model_dump(mode="json") for each in found]}, ensure_ascii=False))
    else:
        for each in found:
            who = _("{user}, {rights}").format(user=each.user or "–", rights=_(RIGHTS[each.rights]))
            key = each.key or _("no key is known")
            saying.say(f"{each.name}: {each.reason or who} ({key})")
    raise typer.Exit(0 if all(each.rights in enough for each in found) else 1)


@worlds.command(help=_("Print the sudoers file for hosts, by which an account may do what a run asks for and no more."))
def sudoers(
    user: Annotated[str, typer.Option("--user", metavar="NAME", help=_("Who logs in at hosts."))] = "zhenghe",
) -> None:
    from infra.sudo import sudoers as text

    if re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", user) is None:
        raise WrongUse(_("{user} is no account's name").format(user=user), _("give one with --user"))
    saying.say(text(user).rstrip())


@worlds.command(help=_("Make a key for one run, which the world's SSH authority certifies for some hours."))
def certify(
    world: World,
    authority: Annotated[
        Path, typer.Option("--authority", metavar="KEY", help=_("The authority's key; its .pub where an agent has it."))
    ],
    user: Annotated[list[str], typer.Option("--user", metavar="NAME", help=_("Who logs in at hosts."))],
    hours: Annotated[int, typer.Option("--hours", min=1, max=72, help=_("How long it is valid."))] = 8,
) -> None:
    from infra.certifying import certify as made
    from migrations.cli.wanted import world_at

    found = world_at(world)
    certified = made(world.parent, authority, user, hours, f"zhenghe {found.name}")
    saying.say(certified.told.rstrip())
    saying.say(_("name it in ssh_config: IdentityFile {key}").format(key=certified.key.resolve()))
