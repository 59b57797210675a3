"""A site is handed over from one machine to another one: its state goes, and only one of them changes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi.automation as auto

from infra.engine import backups
from infra.engine.command import last_line
from infra.engine.driver import SiteEngine
from infra.engine.errors import EngineFailed, ProvisionError
from infra.engine.places import handed_over
from inventory.words import _

_VERSION = 3
"""Of deployments, as Pulumi counts them."""


def hand_over(engine: SiteEngine, home: Path, site: str, out: Path, *, shared: bool) -> None:
    """Write a site's state into a file as another machine can take it; from then on ours leaves the site alone.

    ProvisionError where a run has left something to mend, or where the state holds what our passphrase seals: with a
    `shared` one the other machine opens it, too.
    """
    again = _("mend what it names, and start again")
    if (home / f"{site}.unfinished").exists():
        reason = _("a run was interrupted and has to end first")
        raise ProvisionError(site, "", reason, _("call the same command again"))
    with engine.bare(site) as stack:
        try:
            deployment = stack.export_stack().deployment or {}
        except auto.StackNotFoundError as error:
            raise ProvisionError(site, "", _("it was never provisioned from here"), again) from error
        except auto.CommandError as error:
            raise EngineFailed(site, "", last_line(str(error)), again) from error
        goes = deployment if shared else backups.portable(deployment)
        if goes is None:
            reason = _("its state holds secrets that are sealed with the passphrase of this machine")
            raise ProvisionError(site, "", reason, _("name a passphrase by reference in the world's state"))
        backups.write(out, json.dumps({"site": site, "version": _VERSION, "deployment": goes}, indent=1))
        handed_over(home, site).touch()


def take_over(engine: SiteEngine, home: Path, site: str, deployment: Mapping[str, Any]) -> int:
    """Take a state instead of ours, of which a copy is kept; return how many resources it has."""
    with engine.bare(site) as stack:
        try:
            try:
                backups.keep(home / "backups" / site, stack.export_stack().deployment or {})
            except auto.StackNotFoundError:
                stack.workspace.create_stack(site)
            stack.import_stack(auto.Deployment(version=_VERSION, deployment=dict(deployment)))
        except auto.CommandError as error:
            raise EngineFailed(site, "", last_line(str(error)), _("mend what it names, and start again")) from error
        handed_over(home, site).unlink(missing_ok=True)
    resources = deployment.get("resources") or ()
    return sum(1 for each in resources if not str(each.get("type", "")).startswith("pulumi:"))
