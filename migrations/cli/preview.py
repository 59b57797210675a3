"""`zhenghe preview`: what would be made in the clouds of a world, and what stands against it, read-only."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from infra.declaration import SiteDeclaration, declare_site
from infra.engine import ProvisionError, SitesAlone
from infra.engine.places import states_of
from infra.engine.state import Change, SiteState
from inventory.kinds import load_kinds, playbooks_folder
from inventory.loading import load_programme
from inventory.words import _N, _
from migrations.cli import saying
from migrations.cli.help import WrongUse
from migrations.cli.wanted import world_at

DEEDS = {"create": _N("create"), "update": _N("change"), "replace": _N("replace"), "delete": _N("delete")}


def show_preview(names: Sequence[str], folder: Path, world_file: Path, *, as_json: bool) -> int:
    """Look at some sites, all where none is named; 1 where something stands against one, or one was not seen."""
    programme, world = load_programme(folder), world_at(world_file)
    if world.kind == "twin":
        reason = _("a twin's sites are those of its run")
        raise WrongUse(reason, _("zhenghe status shows its units"))
    kinds = load_kinds(playbooks_folder() / "roles")
    known = {site.name: site for site in programme.sites}
    if unknown := [name for name in names if name not in known]:
        reason = _("'{name}' is not a site").format(name=unknown[0])
        raise WrongUse(reason, _("they are: {known}").format(known=", ".join(sorted(known))))
    engine = SitesAlone(world, states_of(world, world.ssh_config.parent))
    declared = [declare_site(programme, known[name], kinds) for name in (names or sorted(known))]
    seen = [_looked(engine, site) for site in declared]
    if as_json:
        saying.say(json.dumps([state.model_dump(mode="json") for state in seen], ensure_ascii=False))
    else:
        for site, state in zip(declared, seen, strict=True):
            _print(site, state)
    return 1 if any(state.findings or state.state == "unknown" for state in seen) else 0


def _looked(engine: SitesAlone, site: SiteDeclaration) -> SiteState:
    try:
        return engine.preview(site)
    except ProvisionError as error:
        return SiteState(site=site.site, state="unknown", why=error.reason)


def _print(site: SiteDeclaration, state: SiteState) -> None:
    changes = (f"  {_(DEEDS[each.op])} {_kind(each)} {each.name}: {each.why}" for each in state.changes)
    against = (_("stands against it"), "bold red")
    lines = (
        Text.assemble((site.site, "bold"), f": {_standing(site, state)}"),
        *map(Text, changes),
        *(Text.assemble("  ", against, f": {finding}") for finding in state.findings),
    )
    for line in lines:
        saying.console().print(line, highlight=False, soft_wrap=True)


def _standing(site: SiteDeclaration, state: SiteState) -> str:
    if state.state == "unknown":
        return _("not known: {why}").format(why=state.why)
    if state.state == "done":
        return _("as declared")
    counts = Counter(change.op for change in state.changes)
    deeds = ", ".join(f"{_(DEEDS[op])} {count}" for op, count in sorted(counts.items()))
    new = {change.name for change in state.changes if change.op == "create" and _kind(change) in ("Instance", "Server")}
    servers = [server for server in site.servers if server.name in new]
    text = _(
        "{deeds}; new servers: {count} with {cpus} processors and {memory} MiB of memory, {storage} GiB of volumes"
    )
    cpus, memory = sum(each.cpus for each in servers), sum(each.memory for each in servers)
    storage = sum(each.volume for each in servers)
    return text.format(deeds=deeds, count=len(servers), cpus=cpus, memory=memory, storage=storage)


def _kind(change: Change) -> str:
    return change.type.rsplit(":", maxsplit=1)[-1]
