"""What is known about a kind of device: data in `NAME.yaml` beside this file, read into one model."""

from functools import cache
from pathlib import Path

import yaml

from inventory.base import Model
from netcfg.errors import PlatformUnknown

_FOLDER = Path(__file__).parent


class Commands(Model):
    """What is typed on the command line; braces stand for what a command is about."""

    paging: str
    running: str
    configure: str
    leave: str
    end: str
    save: str
    neighbour: str
    route: str


class ShellCommands(Model):
    """What the shell account is asked."""

    ping: str
    traffic: str


class Identity(Model):
    """A pattern, with one group, by which a configuration says whose it is; the prompt has the host's name."""

    router_id: str


class Order(Model):
    """Lines, with their sections, that come earlier or later than others; the lower the earlier, 500 is usual."""

    lines: tuple[str, ...]
    weight: int


class Dependents(Model):
    """Lines that stand and fall with another one, whose pattern refers to their groups."""

    lines: str
    base: str


class Difference(Model):
    """What turns the difference of two configurations into commands of this platform."""

    order: tuple[Order, ...]
    settings: tuple[tuple[str, ...], ...]
    dependents: tuple[Dependents, ...]
    emptied: str


class Platform(Model):
    """All that is particular to one kind of device."""

    name: str
    driver: str
    commands: Commands
    shell: ShellCommands
    rejected: str
    noise: str
    identity: Identity
    difference: Difference
    blocks: dict[str, str]
    timer: str

    def block(self, name: str, **values: object) -> str:
        """Return one of the platform's blocks of configuration, filled in."""
        return self.blocks[name].format(**values).rstrip("\n")

    def timer_script(self) -> str:
        """Return the script that keeps the timer on the device."""
        return (_FOLDER / self.timer).read_text()


@cache
def load_platform(name: str) -> Platform:
    """Return what is known about a platform; PlatformUnknown where there is no file about it."""
    path = _FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise PlatformUnknown(name, tuple(sorted(each.stem for each in _FOLDER.glob("*.yaml"))))
    return Platform.model_validate(yaml.safe_load(path.read_text()))
