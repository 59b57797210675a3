"""`zhenghe evidence export | verify`: what a run has proved, for others."""

import json
from pathlib import Path

from inventory.words import _
from migrations.cli import saying
from migrations.cli.runs import chosen
from migrations.evidence.chain import Soundness
from migrations.trust import bundle
from netcfg.kept import KeptConfigurations


def export_run(run: str, file: Path | None, *, as_json: bool) -> int:
    """Write the bundle of a run and print where it is."""
    home = chosen(run)
    written = bundle.export(home, file or Path(f"{home.path.name}.evidence.tar.gz"))
    saying.say(json.dumps({"bundle": str(written)}) if as_json else str(written))
    return 0


def show_kept(run: str, name: str) -> int:
    """Print the names of configurations that a run keeps, or one of them; 1 where it is not kept."""
    home = chosen(run)
    kept = KeptConfigurations(home.configurations, home.sealing_key)
    if not name:
        for one in kept.names():
            saying.say(one)
        return 0
    text = kept.read(name)
    saying.say(text if text is not None else _("this run keeps no configuration {name}").format(name=name))
    return 0 if text is not None else 1


def verify_run(what: str, *, as_json: bool) -> int:
    """Check a bundle, or a run of this machine; 1 where it is not sound."""
    file = Path(what)
    verdict = bundle.verify(file) if what and file.is_file() else bundle.checked(chosen(what))
    if as_json:
        saying.say(json.dumps(verdict.model_dump(mode="json"), ensure_ascii=False))
    else:
        why = f" ({verdict.reason})" if verdict.reason else ""
        told = _("{records} records, {outcome}{why}, head {head}")
        outcome = _(verdict.outcome.value)
        saying.say(told.format(records=verdict.records, outcome=outcome, why=why, head=verdict.head))
    return 0 if verdict.outcome is Soundness.SOUND else 1
