"""A world is where a plan acts: how its hosts and devices are reached, and which cloud answers there."""

from pathlib import Path
from typing import Literal

from inventory.base import Model


class CloudSettings(Model):
    """Which backend provides the sites of a world and where it answers; secrets are references only."""

    backend: Literal["twin", "openstack"]
    endpoint: str
    """twin: path of its control socket; openstack: a name in clouds.yaml."""


class World(Model):
    """One file, world.json, names all of it; the twin writes one and a real world brings its own."""

    name: str
    kind: Literal["twin", "real"]
    ssh_config: Path
    """OpenSSH client configuration; it names the known_hosts file and every host and device by its inventory name."""
    cloud: CloudSettings


def load_world(path: Path) -> World:
    """Read a world from its file; relative paths in it are relative to the file's folder."""
    world = World.model_validate_json(path.read_bytes())
    return world.model_copy(update={"ssh_config": (path.parent / world.ssh_config).resolve()})


def save_world(world: World, path: Path) -> None:
    """Write a world so that a reader sees the old file or the new one and nothing between."""
    scratch = path.with_suffix(".new")
    scratch.write_text(world.model_dump_json(indent=2) + "\n")
    scratch.replace(path)
