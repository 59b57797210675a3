"""A world is where a plan acts: how its hosts and devices are reached, and which cloud answers there."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.files.wording import reason_of
from inventory.regular import content_of
from inventory.secrecy import reference
from inventory.words import _

Reference = Annotated[str, AfterValidator(lambda text: str(reference(text)))]
"""Where a secret is kept; a text that is no reference is refused and not repeated, for it may be the secret."""


CloudKind = Literal["twin", "openstack"]
"""The twin's own small cloud, or an OpenStack."""


class CloudSettings(Model):
    """Which backend provides sites of a world and where it answers; secrets are references only."""

    backend: CloudKind
    endpoint: str
    """twin: path of its control socket; openstack: a name in clouds.yaml."""
    region: str = ""
    """openstack: empty for the one that clouds.yaml names."""
    secret: Reference | None = None
    """openstack: a reference to the password, or to the secret of the application credential, that is in no file."""
    file: Path | None = None
    """openstack: its clouds.yaml; left out, it is found as OpenStack's own tools find it."""
    through: Path | None = None
    """openstack: the Unix socket of a proxy by which the cloud is reached; left out, it is reached from here."""
    key: Path | None = None
    """openstack: the public key that new hosts let in as their operator's."""
    patience: Annotated[float, Field(gt=0)] = 1800.0
    """openstack: seconds that a server may take to be built; one that takes longer never comes up and is made anew."""


class StateSettings(Model):
    """Where the states of a real world's sites are kept, when it is not on this machine."""

    url: Annotated[str, Field(pattern=r"^(s3|gs|azblob|postgres)://[^@]+$")]
    """As Pulumi writes it, without a name or password in it."""
    environment: dict[str, Reference] = Field(default_factory=dict)
    """References to what the store asks for, by the variables that Pulumi reads, such as AWS_SECRET_ACCESS_KEY."""
    passphrase: Reference | None = None
    """By which the states are sealed; without it the one of this machine."""


class WorldSecrets(Model):
    """References to the secrets of a world; each is looked up at the moment of its use, and none is kept."""

    devices: dict[str, Reference] = Field(default_factory=dict)
    """Passwords of devices that know no key, by their names; `*` is for all others."""
    names: Reference | None = None
    """The name server's key for updates (TSIG) as `[algorithm:]name:secret`; without it, its own session key."""

    def device(self, name: str) -> str | None:
        """Return the reference to a device's password, none where it knows a key."""
        return self.devices.get(name, self.devices.get("*"))


class World(Model):
    """One file, world.json, names all of it; the twin writes one and a real world brings its own."""

    # Somebody may have written a secret where a reference belongs.
    model_config = ConfigDict(hide_input_in_errors=True)

    name: str
    kind: Literal["twin", "real"]
    ssh_config: Path
    """OpenSSH client configuration; it names the known_hosts file and every host and device by its inventory name."""
    cloud: CloudSettings
    """The cloud of all sites for which `clouds` names no other."""
    clouds: Mapping[str, CloudSettings] = {}
    """Clouds of single sites, by the site's name."""
    secrets: WorldSecrets = WorldSecrets()
    state: StateSettings | None = None
    """Where its sites' states are kept; none: on this machine, below the folder of all state."""

    def cloud_of(self, site: str) -> CloudSettings:
        """Return the settings of the cloud that provides a site."""
        return self.clouds.get(site, self.cloud)


class BadWorld(ZhengheError, ValueError):
    """A world's file is missing, cannot be read or holds something else; carries the file."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        text = _("{file} is not a world: {reason}; mend it, or have zhenghe twin up write one to compare")
        super().__init__(text.format(file=file, reason=reason))


def load_world(path: Path) -> World:
    """Read a world from its file; relative paths in it are relative to the file's folder. BadWorld."""
    try:
        world = World.model_validate_json(content_of(path))
    except FileNotFoundError as exc:
        raise BadWorld(path, _("it is not there")) from exc
    except OSError as exc:
        raise BadWorld(path, exc.strerror or str(exc)) from exc
    except ValidationError as exc:
        wrong = exc.errors(include_url=False)[0]
        raise BadWorld(path, ": ".join(filter(None, [".".join(map(str, wrong["loc"])), reason_of(wrong)]))) from exc
    folder = path.parent
    clouds = {site: _placed(cloud, folder) for site, cloud in world.clouds.items()}
    ssh_config = _real(folder / world.ssh_config)
    return world.model_copy(
        update={"ssh_config": ssh_config, "cloud": _placed(world.cloud, folder), "clouds": clouds}
    )  # fmt: skip


def save_world(world: World, path: Path) -> None:
    """Write a world so that a reader sees the old file or the new one and nothing between."""
    scratch = path.with_suffix(".new")
    scratch.write_text(world.model_dump_json(indent=2, exclude_defaults=True) + "\n")
    scratch.replace(path)


def _real(path: Path) -> Path:
    """Return a path without links; one whose links go round in a circle as it is, for whoever opens it to tell."""
    return Path(os.path.realpath(path))


def _placed(cloud: CloudSettings, folder: Path) -> CloudSettings:
    given = {name: getattr(cloud, name) for name in ("key", "file", "through")}
    return cloud.model_copy(update={name: _real(folder / path) for name, path in given.items() if path})
