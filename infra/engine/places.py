"""Where the states of a world's sites are kept."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from infra.credentials.resolving import Resolver
from infra.twin.paths import state_root
from infra.worlds import StateSettings, World
from inventory.secrecy import reference


def states_of(world: World, run: Path) -> Path:
    """Return the folder of a world's states: one for all runs, and in a twin one for each.

    A site in a real cloud outlives the run that made it, and whoever changes it later must know what it is made of. A
    twin that was built anew has no past.
    """
    return run / "sites" if world.kind == "twin" else state_root() / "worlds" / world.name.replace("/", "_") / "sites"


def handed_over(home: Path, site: str) -> Path:
    """Return the mark of a site that another machine has taken over: while it is there, none of our runs changes it."""
    return home / f"{site}.handed-over"


def states_environment(home: Path, state: StateSettings | None) -> Mapping[str, str]:
    """Return by which the engine finds states: below `home`, or where a world says; SecretError."""
    if state is None:
        # Files of attributes beside the states are not written in one piece: a kill leaves them empty, and then the
        # state cannot be read. The states themselves are.
        place = f"file://{home / 'state'}?metadata=skip"
        return {"PULUMI_BACKEND_URL": place, "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(home))}
    found = {name: _secret(text) for name, text in state.environment.items()}
    if state.passphrase is None:
        found["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase(home))
    else:
        found["PULUMI_CONFIG_PASSPHRASE"] = _secret(state.passphrase)
    return {**found, "PULUMI_BACKEND_URL": state.url}


def _secret(text: str) -> str:
    return Resolver(os.environ).resolve(reference(text)).get_secret_value()


def _passphrase(home: Path) -> Path:
    """Return the file of the passphrase that seals secrets in the states; it is made on first use."""
    file = home / "passphrase"
    if not file.exists():
        scratch = home / f".passphrase-{secrets.token_hex(4)}"
        scratch.touch(mode=0o600)
        scratch.write_text(secrets.token_urlsafe(32))
        # Two first uses at once: the link fails for the second one, which then uses the first one's file.
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(scratch)
        scratch.unlink()
    return file
