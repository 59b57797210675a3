"""The command line: `zhenghe import | survey | check | schema | obligations | plan | rehearse | apply | status | …`.

Exit status: 0 done; 1 done, and the answer is no; 2 wrong use, bad input or whatever kept it from being done, told with
the mend. The parts are imported when a command needs them, so that asking for help takes no time.
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from infra.worlds import CloudKind
from inventory.words import _
from migrations.cli import check as cli_check
from migrations.cli import explain as cli_explain
from migrations.cli import inventory as cli_inventory
from migrations.cli import office as cli_office
from migrations.cli import saying
from migrations.cli.failing import explained, say_error
from migrations.cli.help import Commands, Folder, Inventory, Json, World, inventory_folder
from migrations.cli.net import nets
from migrations.cli.site import sites
from migrations.cli.twin import twins
from migrations.cli.world import worlds

app = Commands(
    name="zhenghe",
    help=_("Moves a government's systems into one cloud and one extranet, rehearsed beforehand in a local twin."),
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(twins, name="twin")
app.add_typer(sites, name="site")
app.add_typer(worlds, name="world")
app.add_typer(nets, name="net")
cli_check.register(app)
cli_explain.register(app)
cli_inventory.register(app)
cli_office.register(app)

Named = Annotated[
    list[str] | None,
    typer.Argument(metavar="UNIT", help=_("Names of systems, lines or sites."), show_default=False),
]
Wave = Annotated[
    int | None, typer.Option("--wave", metavar="N", help=_("Only the systems of a wave, with what they stand on."))
]
Units = Annotated[
    list[str] | None,
    typer.Option("--unit", metavar="KEY", help=_("Only this unit, with the sites and lines under it; repeat it.")),
]
RunName = Annotated[str, typer.Option("--run", metavar="RUN", help=_("Which run; the latest where it is left out."))]


@app.callback(invoke_without_command=True)
def root(
    shown: Annotated[bool, typer.Option("--version", is_eager=True, help=_("Print the version and end."))] = False,
) -> None:
    """Say which version this is, where that is asked for."""
    if shown:
        saying.say(f"zhenghe {version('zhenghe')}")
        raise typer.Exit


@app.command(help=_("Compute waves, steps and the digest."))
def plan(
    folder: Folder = Path(),
    wave: Wave = None,
    units: Units = None,
    world: Annotated[
        Path | None, typer.Option("--world", metavar="FILE", help=_("Leave out what was done in this world already."))
    ] = None,
    as_json: Json = False,
) -> None:
    from migrations.cli.plan import show_plan
    from migrations.plan import Scope

    scope = Scope(wave=wave, units=tuple(units or ()))
    raise typer.Exit(show_plan(inventory_folder(folder), scope, world, as_json=as_json))


@app.command(help=_("Tell what differs between two plans, or between a plan and what was done in a world."))
def diff(
    one: Annotated[str, typer.Argument(metavar="A", help=_("A plan: its digest, or the folder of an inventory."))],
    two: Annotated[str, typer.Argument(metavar="B", help=_("Another plan."), show_default=False)] = "",
    world: Annotated[
        Path | None, typer.Option("--world", metavar="FILE", help=_("Compare with what was done in this world."))
    ] = None,
    as_json: Json = False,
) -> None:
    from migrations.cli.diff import show_difference

    raise typer.Exit(show_difference(one, two, world, as_json=as_json))


@app.command(help=_("Look at the hosts of systems weeks before they move, read-only; 1 where something is against it."))
def preflight(
    world: World,
    systems: Annotated[
        list[str] | None,
        typer.Argument(metavar="SYSTEM", help=_("Systems; all that move where none is named."), show_default=False),
    ] = None,
    inventory: Inventory = Path(),
    as_json: Json = False,
) -> None:
    from migrations.cli.preflight import show_preflight

    raise typer.Exit(show_preflight(tuple(systems or ()), inventory_folder(inventory), world, as_json=as_json))


@app.command(help=_("Show what would be made in the clouds of a world, read-only; 1 where something is against it."))
def preview(
    world: World,
    sites: Annotated[
        list[str] | None,
        typer.Argument(metavar="SITE", help=_("Sites; all where none is named."), show_default=False),
    ] = None,
    inventory: Inventory = Path(),
    as_json: Json = False,
) -> None:
    from migrations.cli.preview import show_preview

    raise typer.Exit(show_preview(tuple(sites or ()), inventory_folder(inventory), world, as_json=as_json))


@app.command(help=_("Look what runs on hosts and who talks to whom, held against the survey; 1 where it differs."))
def discover(
    world: World,
    hosts: Annotated[
        list[str] | None,
        typer.Argument(metavar="HOST", help=_("Hosts; all of the inventory where none is named."), show_default=False),
    ] = None,
    inventory: Inventory = Path(),
    seconds: Annotated[
        float, typer.Option("--for", metavar="SECONDS", min=0, max=86400, help=_("How long connections are looked at."))
    ] = 60,
    yes: Annotated[bool, typer.Option("--yes", help=_("Write without asking."))] = False,
    as_json: Json = False,
) -> None:
    from migrations.cli.discover import discover_hosts

    folder = inventory_folder(inventory)
    raise typer.Exit(discover_hosts(tuple(hosts or ()), folder, world, seconds, yes=yes, as_json=as_json))


@app.command(help=_("Carry the plan out in a twin, the way back included, and tell what happened."))
def rehearse(  # noqa: PLR0913, PLR0917 - each is an option
    folder: Folder = Path(),
    as_json: Json = False,
    keep: Annotated[bool, typer.Option("--keep", help=_("Leave the twin as it is at the end."))] = False,
    twin: Annotated[
        str, typer.Option("--twin", metavar="NAME", help=_("Name of the twin; the programme's where left out."))
    ] = "",
    wave: Wave = None,
    units: Units = None,
    faults: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="WHAT:PART",
            help=_("Rehearse a bad night: cut:LINE, kill:HOST, silence:HOST or fill:HOST; @STEP says when."),
        ),
    ] = None,
    cloud: Annotated[
        CloudKind,
        typer.Option("--cloud", help=_("Provision in the twin's small cloud, or in a real OpenStack beside it.")),
    ] = "twin",
) -> None:
    from migrations.cli.run import rehearse_in_twin
    from migrations.plan import Scope

    scope = Scope(wave=wave, units=tuple(units or ()))
    breaks = tuple(faults or ())
    raise typer.Exit(rehearse_in_twin(inventory_folder(folder), twin, scope, breaks, cloud, keep=keep, as_json=as_json))


@app.command(help=_("Carry the plan out in a world; after any kill, call it again and it goes on."))
def apply(  # noqa: PLR0913, PLR0917 - each is an option
    digest: Annotated[
        str,
        typer.Option("--plan", metavar="DIGEST", help=_("Digest of the plan that is meant, or its first 12 letters.")),
    ],
    world: World,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR", help=_("The inventory's folder; not needed for a plan that is kept."), show_default=False
        ),
    ] = None,
    units: Units = None,
    as_json: Json = False,
    commit: Annotated[bool, typer.Option("--commit", help=_("Give up the way back of what has come through."))] = False,
    temporal: Annotated[
        str, typer.Option("--temporal", metavar="ADDRESS", help=_("A Temporal cluster as the engine: host and port."))
    ] = "",
    namespace: Annotated[
        str, typer.Option("--temporal-namespace", metavar="NAME", help=_("Its namespace; default."))
    ] = "default",
    tls: Annotated[bool, typer.Option("--temporal-tls", help=_("Speak with it by TLS."))] = False,
    api_key: Annotated[
        str, typer.Option("--temporal-api-key", metavar="REFERENCE", help=_("Where its key is kept: file:/path …"))
    ] = "",
) -> None:
    from migrations.cli.engines import cluster_of
    from migrations.cli.run import apply_to_world

    cluster = cluster_of(temporal, namespace, api_key, tls=tls)
    named = tuple(units or ())
    raise typer.Exit(apply_to_world(folder, digest, world, named, cluster, commit=commit, as_json=as_json))


@app.command(help=_("Give up the way back of units that have come through; of all of them where none is named."))
def commit(units: Named = None, run: RunName = "", as_json: Json = False) -> None:
    from migrations.cli.run import commit_units

    raise typer.Exit(commit_units(tuple(units or ()), run, as_json=as_json))


@app.command(help=_("Give up what was prepared, so that sources, entries and devices are as before; a site by name."))
def withdraw(units: Named = None, run: RunName = "", as_json: Json = False) -> None:
    from migrations.cli.run import withdraw_units

    raise typer.Exit(withdraw_units(tuple(units or ()), run, as_json=as_json))


@app.command(help=_("Take units back, with what was written after the switch; all of them where none is named."))
def rollback(units: Named = None, run: RunName = "", as_json: Json = False) -> None:
    from migrations.cli.run import roll_back

    raise typer.Exit(roll_back(tuple(units or ()), run, as_json=as_json))


@app.command(help=_("Sign, with an SSH key of yours, that a plan may be carried out in a world."))
def approve(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help=_("Digest of the plan, or its first 12 letters."))],
    world: World,
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help=_("Your key; its public half where an agent or token has it."))
    ],
    deed: Annotated[
        str, typer.Option("--for", metavar="DEED", help=_("apply, commit, declassify, override."))
    ] = "apply",
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help=_("How long it holds, such as 7d."))] = "7d",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help=_("What you want to say with it."))] = "",
    as_json: Json = False,
) -> None:
    from migrations.cli.approve import approve_plan

    raise typer.Exit(approve_plan(plan, world, deed, key, expires, note, as_json=as_json))


@app.command(help=_("Tell who has signed for a plan in a world, and what is missing; 1 where something is."))
def approvals(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help=_("Digest of the plan, or its first 12 letters."))],
    world: World,
    as_json: Json = False,
) -> None:
    from migrations.cli.approve import show_approvals

    raise typer.Exit(show_approvals(plan, world, as_json=as_json))


evidence = Commands(help=_("What a run has proved, for others."))
app.add_typer(evidence, name="evidence")


@evidence.command(help=_("Write one file with all that proves a run: plan, records, signatures, results, reports."))
def export(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help=_("Which run; the latest where it is left out."), show_default=False)
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help=_("Where; RUN.evidence.tar.gz."))] = None,
    as_json: Json = False,
) -> None:
    from migrations.cli.evidence import export_run

    raise typer.Exit(export_run(run, out, as_json=as_json))


@evidence.command("verify", help=_("Check such a file, or a run of this machine; 1 where it is not sound."))
def verify_evidence(
    what: Annotated[
        str, typer.Argument(metavar="FILE|RUN", help=_("The file, or the run; the latest."), show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    from migrations.cli.evidence import verify_run

    raise typer.Exit(verify_run(what, as_json=as_json))


@evidence.command("configurations", help=_("Name the configurations of devices that a run keeps sealed, or show one."))
def show_configurations(
    name: Annotated[str, typer.Argument(metavar="NAME", help=_("Which one to show."), show_default=False)] = "",
    run: Annotated[
        str, typer.Option("--run", metavar="RUN", help=_("Which run; the latest where it is left out."))
    ] = "",
) -> None:
    from migrations.cli.evidence import show_kept

    raise typer.Exit(show_kept(run, name))


@app.command(help=_("Say that what people had to do in a step is done, so that its unit goes on."))
def done(
    step: Annotated[str, typer.Argument(metavar="STEP", help=_("The step, as zhenghe status tells it."))],
    run: RunName = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help=_("What you want to say with it."))] = "",
    undone: Annotated[bool, typer.Option("--undone", help=_("Say that it was taken back."))] = False,
    as_json: Json = False,
) -> None:
    from migrations.cli.done import confirm

    raise typer.Exit(confirm(step, run, note, undone=undone, as_json=as_json))


@app.command(help=_("Tell how far a run has come."))
def status(
    run: RunName = "",
    look: Annotated[
        bool, typer.Option("--look", help=_("Look at all that was done in its world, and tell what is otherwise now."))
    ] = False,
    as_json: Json = False,
) -> None:
    from migrations.cli.status import show_status

    raise typer.Exit(show_status(run, look=look, as_json=as_json))


@app.command(help=_("Carry orders on and look after what was moved, until the machine ends; commands find it."))
def serve(
    every: Annotated[
        float | None,
        typer.Option("--every", metavar="MINUTES", min=0.01, max=10080, help=_("Minutes between two looks; 15.")),
    ] = None,
    on_trouble: Annotated[
        str | None,
        typer.Option("--on-trouble", metavar="COMMAND", help=_("Is started for each trouble and reads it as JSON.")),
    ] = None,
    installing: Annotated[
        bool, typer.Option("--install", help=_("Have systemd run it from now on, and start it with this machine."))
    ] = False,
    as_json: Json = False,
) -> None:
    from migrations.cli.serve import serve as serve_orders

    raise typer.Exit(serve_orders(every, on_trouble, installing=installing, as_json=as_json))


@app.command(help=_("Check the hosts of what has moved, and write a JUnit file."))
def verify(run: RunName = "", as_json: Json = False) -> None:
    from migrations.cli.report import verify_hosts

    raise typer.Exit(verify_hosts(run, as_json=as_json))


@app.command(help=_("Tell what a run has proved, from its evidence alone."))
def report(run: RunName = "", as_json: Json = False) -> None:
    from migrations.cli.report import show_report

    raise typer.Exit(show_report(run, as_json=as_json))


def main() -> NoReturn:
    """Run a command and end with its status; nobody ever sees a traceback."""
    os.umask(0o077)
    try:
        code = app(prog_name="zhenghe", standalone_mode=False) or 0
        saying.finish()
        sys.exit(code)
    except KeyboardInterrupt:
        say_error(_("stopped; call the same command again and it goes on where it was"))
        sys.exit(130)
    except Exception as exc:  # noqa: BLE001 - the last place where anything can be told to the user
        sys.exit(explained(exc))




if __name__ == "__main__":
    main()
