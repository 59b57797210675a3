"""`zhenghe preflight`: what stands against the moves of some systems, weeks ahead, read-only."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from infra.twin.paths import state_root
from inventory.kinds import load_kinds, playbooks_folder
from inventory.loading import load_programme
from inventory.words import _N, _
from migrations.cli import saying
from migrations.cli.help import WrongUse
from migrations.cli.wanted import world_at
from migrations.preflight import Finding, Preflight, PreflightResult, Severity
from migrations.preflight.asking import Hosts

WORDS = {
    Severity.BLOCKS: (_N("stands against the move"), "bold red"),
    Severity.ATTENTION: (_N("to be decided"), "yellow"),
    Severity.NOTE: (_N("good to know"), "dim"),
    Severity.NOT_KNOWN: (_N("not known"), "bold magenta"),
}


def show_preflight(names: Sequence[str], folder: Path, world_file: Path, *, as_json: bool) -> int:
    """Look at the hosts of some systems, all that move where none is named; 1 where something stands against a move."""
    programme = load_programme(folder)
    world = world_at(world_file)
    kinds = load_kinds(playbooks_folder() / "roles")
    preflight = Preflight(programme, kinds, Hosts(world), declared=world.kind == "real")
    moving = {system.system: system for system in preflight.moving()}
    if unknown := [name for name in names if name not in moving]:
        reason = _("'{name}' is not a system that moves").format(name=unknown[0])
        raise WrongUse(reason, _("they are: {known}").format(known=", ".join(sorted(moving))))
    result = preflight.look([moving[name] for name in (names or sorted(moving))])
    kept = _kept(result, f"{programme.programme}-{world.name}")
    against = any(each.severity in {Severity.BLOCKS, Severity.NOT_KNOWN} for each in result.findings)
    if as_json:
        saying.say(json.dumps({**result.model_dump(mode="json"), "kept": str(kept)}, ensure_ascii=False))
    else:
        _print(result, kept)
    return 1 if against else 0


def _kept(result: PreflightResult, name: str) -> Path:
    """Keep the facts beside the runs: a later look tells by them what has changed."""
    file = state_root() / "preflight" / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = file.with_suffix(".new")
    scratch.write_text(result.model_dump_json(indent=1))
    scratch.replace(file)
    return file


def _print(result: PreflightResult, kept: Path) -> None:
    console = saying.console()
    for system in result.systems:
        console.print(Text(system, "bold"))
        for finding in (each for each in result.findings if each.system == system):
            console.print(_line(finding), soft_wrap=True, highlight=False)
    counts = [
        f"{_(word)}: {sum(each.severity is severity for each in result.findings)}"
        for severity, (word, _style) in WORDS.items()
    ]
    summary = _("{systems} systems on {hosts} hosts; {counts}")
    console.print(
        summary.format(systems=len(result.systems), hosts=result.hosts, counts=", ".join(counts)), highlight=False
    )
    console.print(_("kept: {path}").format(path=kept), soft_wrap=True, highlight=False)


def _line(finding: Finding) -> Text:
    word, style = WORDS[finding.severity]
    why = f"{finding.why}; {finding.mend}" if finding.mend else finding.why
    return Text.assemble("  ", (_(word), style), f" {finding.host}, {finding.subject}: {why}")
