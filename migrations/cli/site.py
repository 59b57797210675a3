"""`zhenghe site export | import`: a site is handed over to another machine, or its state is put back."""

import json
from pathlib import Path
from typing import Annotated

import typer

from inventory.words import _
from migrations.cli import saying
from migrations.cli.help import Commands, World, WrongUse

sites = Commands(help=_("Hand a site over to another machine, or put its state back."))
Named = Annotated[str, typer.Argument(metavar="SITE", help=_("A site's name."), show_default=False)]
_LONGEST = 256 << 20


@sites.command("export", help=_("Write a site's state into a file; this machine then changes the site no more."))
def export(
    site: Named,
    world: World,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=_("Where; a new file that only you may read."))],
) -> None:
    from infra.engine import SiteEngine
    from infra.engine.handover import hand_over
    from migrations.cli.wanted import world_at

    if out.exists():
        raise WrongUse(_("{file} is there already").format(file=out), _("choose another file with --out"))
    home, found = _home(world), world_at(world)
    shared = found.state is not None and found.state.passphrase is not None
    hand_over(SiteEngine(found, home), home, site, out, shared=shared)
    told = _("{file} holds the state of {site}; zhenghe site import takes it on the other machine")
    saying.say(told.format(file=out, site=site))


@sites.command("import", help=_("Take a site's state from a file, of another machine or of a backup."))
def take(
    site: Named,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_("The file."), show_default=False)],
    world: World,
) -> None:
    from infra.engine import SiteEngine
    from infra.engine.handover import take_over
    from migrations.cli.wanted import world_at

    home = _home(world)
    try:
        said = json.loads(file.read_bytes()[:_LONGEST])
        deployment = said["deployment"]
        resources = deployment.get("resources") or []
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        reason = _("{file} is no state of a site: {why}").format(file=file, why=error)
        raise WrongUse(reason, _("give a file of zhenghe site export, or of the site's backups")) from error
    if said.get("site", site) != site or not all(_of(site, str(each.get("urn", ""))) for each in resources):
        reason = _("{file} holds the state of another site").format(file=file)
        raise WrongUse(reason, _("name the site that it is of"))
    count = take_over(SiteEngine(world_at(world), home), home, site, deployment)
    saying.say(_("{site} is this machine's now, with {count} resources").format(site=site, count=count))


def _of(site: str, urn: str) -> bool:
    return urn.startswith(f"urn:pulumi:{site}::")


def _home(world_file: Path) -> Path:
    from infra.engine.places import states_of
    from migrations.cli.wanted import world_at

    world = world_at(world_file)
    if world.kind == "twin":
        raise WrongUse(_("a twin's sites are those of its run"), _("zhenghe status shows its units"))
    return states_of(world, world_file.parent)
