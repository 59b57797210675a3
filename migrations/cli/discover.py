"""`zhenghe discover`: what runs on hosts and who talks to whom, held against the survey; changes are proposed."""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.text import Text

from infra.hearing import Unheard, parsed
from inventory.derived.wired import host_addresses
from inventory.loading import load_programme
from inventory.survey.merging.folder import Change
from inventory.survey.merging.telling import difference
from inventory.survey.merging.writing import held, write
from inventory.words import _N, _
from migrations.cli import saying
from migrations.cli.help import WrongUse
from migrations.cli.wanted import world_at
from migrations.discovery import Discovered, Discovery, Sort, judged
from migrations.discovery.proposing import proposals
from migrations.preflight.asking import Hosts
from migrations.preflight.looking import AT_ONCE

WORDS = {
    Sort.UNREPORTED: _N("not reported"),
    Sort.DEPENDENCY: _N("dependency not written down"),
    Sort.STRANGER: _N("user not in the inventory"),
    Sort.UNUSED: _N("unused"),
    Sort.NOT_KNOWN: _N("not known"),
}


def discover_hosts(
    names: Sequence[str], folder: Path, world_file: Path, seconds: float, *, yes: bool, as_json: bool
) -> int:
    """Look at hosts, all of the inventory where none is named, for some seconds; 1 where something differs."""
    programme = load_programme(folder)
    known = sorted(host_addresses(programme))
    if unknown := [name for name in names if name not in known]:
        reason = _("'{name}' is no host of the inventory").format(name=unknown[0])
        raise WrongUse(reason, _("they are: {known}").format(known=", ".join(known)))
    seen, unseen = _looked(Hosts(world_at(world_file)), tuple(names) or tuple(known), seconds)
    found, dependencies = judged(programme, seen)
    found = (*unseen, *found)
    with held(folder):
        changes = proposals(folder, dependencies)
        if not as_json:
            _print(found, changes)
        written = bool(changes) and (yes or _agreed(as_json=as_json))
        if written:
            write(folder, changes)
    if as_json:
        told = {
            "hosts": {host: each.model_dump(mode="json") for host, each in seen.items()},
            "found": [each.model_dump(mode="json") for each in found],
            "difference": difference(changes),
            "written": written,
        }
        saying.say(json.dumps(told, ensure_ascii=False))
    return 1 if found else 0


def _looked(hosts: Hosts, names: Sequence[str], seconds: float) -> tuple[dict[str, Discovered], tuple[Discovery, ...]]:
    """Return what was seen on each host, and why nothing was seen on others."""
    seen, unseen = {}, []
    with ThreadPoolExecutor(max_workers=max(AT_ONCE, len(names))) as pool:
        given = {"seconds": seconds}
        answers = pool.map(lambda host: hosts.ask(host, "host", given, "discover", seconds + 120), names)
        for host, answer in zip(names, answers, strict=True):
            reason = answer.reason
            if answer.said is not None:
                try:
                    seen[host] = parsed(json.dumps(answer.said.facts), Discovered)
                    continue
                except Unheard as exc:
                    reason = exc.reason
            unseen.append(Discovery(sort=Sort.NOT_KNOWN, host=host, subject=host, why=reason))
    return seen, tuple(unseen)


def _print(found: Sequence[Discovery], changes: Sequence[Change]) -> None:
    console = saying.console()
    for each in found:
        words = f"{each.host}, {each.subject}: {each.why}" if each.subject != each.host else f"{each.host}: {each.why}"
        console.print(Text.assemble((_(WORDS[each.sort]), "bold"), f" {words}"), soft_wrap=True, highlight=False)
    if not found:
        console.print(_("everything that was seen had been reported"))
    if changes:
        saying.say(difference(changes))


def _agreed(*, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        saying.say(_("nothing is written; --yes writes it"), error=True)
        return False
    return input(_("write this? [y/N] ")).strip().lower() in {"y", "yes", "是"}
