"""The same program for `pulumi preview` at the root of a checkout: a stack for each site, named as the site.

pulumi config set inventory examples/yunhe      the folder of the inventory
pulumi config set world PATH/world.json         where it acts
pulumi config set site cloud-a                  left out: the stack's name

Each setting may come from the environment instead: ZHENGHE_INVENTORY, ZHENGHE_WORLD, ZHENGHE_SITE. An engine that was
built by the set-up, and the language host that comes with it, are found on this PATH:

export PATH=$(.venv/bin/python -c 'from infra.parts.toolchain import search_path; print(search_path())')
"""

from __future__ import annotations

import os
from pathlib import Path

import pulumi

from infra.backends import BackendError, backend_of
from infra.declaration import declare_site
from infra.program import declare
from infra.worlds import BadWorld, load_world
from inventory.findings import InventoryErrors
from inventory.kinds import load_kinds, playbooks_folder
from inventory.loading import load_programme
from inventory.words import _


def _setting(name: str, otherwise: str | None = None) -> str:
    variable = f"ZHENGHE_{name.upper()}"
    value = pulumi.Config("zhenghe").get(name) or os.environ.get(variable) or otherwise
    if not value:
        raise pulumi.RunError(
            _("no {name} is set: run `pulumi config set {name} VALUE`, or set {variable}").format(
                name=name, variable=variable
            )
        )
    return value


def main() -> None:
    """Declare the site that the stack's settings name; every wrong setting ends in one sentence."""
    # The settings' paths are meant from the root of the checkout, where the command was called.
    root = Path(__file__).resolve().parent.parent
    inventory, world = root / _setting("inventory"), root / _setting("world")
    name = _setting("site", pulumi.get_stack())
    try:
        programme = load_programme(inventory)
        settings = load_world(world).cloud_of(name)
        sites = {site.name: site for site in programme.sites}
        if name not in sites:
            raise pulumi.RunError(
                _("{inventory} has no site {name}; it has {sites}").format(
                    inventory=inventory, name=name, sites=", ".join(sites)
                )
            )
        kinds = load_kinds(playbooks_folder() / "roles")
        declare(declare_site(programme, sites[name], kinds), backend_of(settings))
    except BadWorld as error:
        raise pulumi.RunError(str(error)) from error
    except InventoryErrors as error:
        raise pulumi.RunError(
            _("{error}: run `zhenghe check {inventory}`").format(error=error, inventory=inventory)
        ) from error
    except BackendError as error:
        raise pulumi.RunError(str(error)) from error


main()
