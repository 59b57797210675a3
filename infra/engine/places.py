"""Where the states of a world's sites are kept."""

from pathlib import Path

from infra.twin.paths import state_root
from infra.worlds import World


def states_of(world: World, run: Path) -> Path:
    """Return the folder of a world's states: one for all runs, and in a twin one for each.

    A site in a real cloud outlives the run that made it, and whoever changes it later must know what it is made of. A
    twin that was built anew has no past.
    """
    return run / "sites" if world.kind == "twin" else state_root() / "worlds" / world.name.replace("/", "_") / "sites"
