"""What is known about a kind of device: data in `NAME.yaml` beside this file, read into one model."""

import re
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
    literal: dict[str, str]
    """Characters that the command line would take as something else, each with what is typed for it."""
    neighbour: str
    route: str
    routes: str
    ways: str


class ShellCommands(Model):
    """What the shell account is asked."""

    ping: str
    traffic: str
    management: str


class Identity(Model):
    """Patterns by which a configuration says whose it is (the prompt has the host's name), and what it has by hand."""

    router_id: str
    static: str
    """The first group is the prefix, the words of the second one say which way."""


class Order(Model):
    """Lines, with their sections, that come earlier or later than others; the lower the earlier, 500 is usual."""

    lines: tuple[str, ...]
    weight: int


class Dependents(Model):
    """Lines that stand and fall with one of some others, whose first three words refer to their groups."""

    lines: str
    bases: tuple[str, ...]


class Alike(Model):
    """Other words for what a line says: a pattern that refers to its first group."""

    line: str
    also: str


class Policies(Model):
    """Where a configuration says which policy a neighbour has; braces stand for what a pattern is about."""

    used: tuple[str, ...]
    member: tuple[str, ...]
    called: tuple[str, ...]
    denied: tuple[str, ...]
    defined: tuple[str, ...]
    open: tuple[str, ...]


class Keeping(Model):
    """What the keeper of a guard does on the device, as commands of the shell account."""

    running: str
    header: str
    last: str
    startup: str
    parts: str
    configure: str
    save: str


class Difference(Model):
    """What turns the difference of two configurations into commands of this platform."""

    order: tuple[Order, ...]
    settings: tuple[tuple[str, ...], ...]
    dependents: tuple[Dependents, ...]
    alike: tuple[Alike, ...]
    emptied: str
    """Sections that go when their last line goes."""
    lasting: str
    """Sections that cannot be taken away as a whole."""
    negation: str


class Platform(Model):
    """All that is particular to one kind of device."""

    name: str
    driver: str
    commands: Commands
    shell: ShellCommands
    rejected: str
    noise: str
    ambient: str
    secret: str
    identity: Identity
    difference: Difference
    policies: Policies
    blocks: dict[str, str]
    keeping: Keeping

    def masked(self, line: str) -> str:
        """Return a line as people may read it, without the secret in it."""
        return re.sub(self.secret, r"\1 ***", line)

    def block(self, name: str, **values: object) -> str:
        """Return one of the platform's blocks of configuration, filled in."""
        return self.blocks[name].format(**values).rstrip("\n")


@cache
def load_platform(name: str) -> Platform:
    """Return what is known about a platform; PlatformUnknown where there is no file about it."""
    path = _FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise PlatformUnknown(name, tuple(sorted(each.stem for each in _FOLDER.glob("*.yaml"))))
    return Platform.model_validate(yaml.safe_load(path.read_text()))
