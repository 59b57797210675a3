"""What is known about a kind of device: data in `NAME.yaml` beside this file, read into one model."""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from inventory.base import Model
from netcfg.errors import PlatformRefused, PlatformUnknown
from netcfg.guards.texts import legible

_FOLDER = Path(__file__).parent
_REFUSED = _FOLDER / "refused" / "platforms.yaml"


class Commands(Model):
    """What is typed on the command line; braces stand for what a command is about."""

    paging: str = ""
    running: str
    configure: str = ""
    leave: str = ""
    end: str = ""
    save: str = ""
    literal: dict[str, str] = Field(default={})
    """Characters that the command line would take as something else, each with what is typed for it."""
    neighbour: str
    bfd: str = ""
    """Asks for sessions of BFD, where the answer about a neighbour does not tell of its own."""
    route: str
    routes: str
    ways: str


class ShellCommands(Model):
    """What the shell account is asked."""

    ping: str
    traffic: str
    management: str
    line: str = ""
    """How it asks the command line, where nobody else does."""
    kernel: str = ""
    """Asks for routes that the command line does not show with those of its own."""
    route_back: str = ""
    """Asks for the way to the one who asks, where `management` does not tell it."""
    hostname: str = ""


class Question(Model):
    """Something that a command line asks back, and what it is told."""

    asks: str
    answer: str


class Dialogue(Model):
    """How a command line speaks that has no shell account beside it; patterns, over all that it has said so far."""

    greeting: str
    """The first prompt; the group `name` is what the device calls itself."""
    prompt: str
    """Any later one, where `{name}` stands for that."""
    begin: tuple[str, ...]
    """What is typed first, so that answers come whole and without messages in between."""
    more: str
    asking: str
    questions: tuple[Question, ...]
    log: str
    """A line that the device says by itself."""


class FactPatterns(Model):
    """What the answers of a command line say, as patterns with named groups."""

    neighbour: str
    """`state` of the session with `{address}`."""
    silence: str = ""
    """Seconds since a neighbour was `heard`, and how often it is to be (`every`)."""
    hold: str
    limit: str = ""
    """How many networks a neighbour has `told`, and how many at `most` it may tell before its session is ended."""
    bfd: str = ""
    way: str
    """A valid path with its next `hop`."""
    route: str
    """`prefix`, `hop` and `interface`, with `protocol` where it is told; further ways of a route have no prefix."""
    out: str = ""
    """The same for one route alone, where a device tells that in another form, without the prefix."""
    attached: str
    """Protocols of a device's own networks."""
    reached: str
    clock: str
    clock_format: str
    packets: str
    """Unicast packets `come` in and `gone` out."""
    client: str
    """The `address` whence the session that asks comes."""


class Identity(Model):
    """Patterns by which a configuration says whose it is (the prompt has the host's name), and what it has by hand."""

    router_id: str
    static: str
    """The first group is the prefix, the words of the second one say which way."""
    sends: tuple[str, ...] = ()
    """What sends packets to a neighbour at `{address}` by itself, whether BGP speaks with it or not."""


class Order(Model):
    """Lines, with their sections, that come earlier or later than others; the lower the earlier, 0 without a rule."""

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


class Copied(Model):
    """How the operator's policy goes on after ours where no policy can call another: by copies of its clauses.

    The first group of a clause's head is what becomes of a route, the second one its number.
    """

    clause: str
    copy_of: str
    """The head of a copy, with `{action}` and `{number}`."""
    above: int
    """Is added to a clause's number; ours are lower."""
    most: int
    bound: str
    """Lines of a clause that refer to other clauses by their numbers, and so cannot be copied."""


class Policies(Model):
    """Where a configuration says which policy a neighbour has; braces stand for what a pattern is about."""

    used: tuple[str, ...]
    member: tuple[str, ...]
    called: tuple[str, ...]
    denied: tuple[str, ...]
    defined: tuple[str, ...]
    open: tuple[str, ...]
    inherited: tuple[str, ...] = ()
    """The policy of the group that a neighbour belongs to, where it is not written like a neighbour's."""
    refused: tuple[str, ...] = ()
    """A policy of the operator's that ours cannot call."""
    explicit: bool = False
    """A neighbour without a policy cannot be: where none is seen it stands elsewhere."""
    copied: Copied | None = None
    everything: str = ""
    """What our policy calls where the operator's accepts everything by a word that cannot be called."""


class Keeping(Model):
    """What the keeper of a guard does on a device that is configured by typing, as commands of the shell account."""

    kind: Literal["typed"]
    running: str
    header: str
    last: str
    startup: str
    elsewhere: str
    """Matches a line of the configuration that says that it is saved in other files than the one to start with."""
    parts: str
    configure: str
    save: str


class Loading(Model):
    """What the keeper does on a device that loads whole files, and takes them back by itself unless confirmed."""

    kind: Literal["loaded"]
    startup: str
    parts: str
    status: str
    started: str
    loaded: str
    """Where the status says since when the configuration is in force."""
    clock: str
    busy: str
    load: str
    taken: str
    confirm: str
    undo: str
    reload: str
    last: str
    """Sections that refer to others, so that they come last."""


class Trial(Model):
    """A device that commits a candidate on trial, and takes it back by itself unless it is committed for good.

    All of it is typed on its command line, for there is no shell account; during a trial nobody else can configure.
    """

    kind: Literal["trial"]
    header: str
    last: str
    startup: str
    status: str
    active: str
    owner: str
    least: int
    """Seconds that a trial lasts at least."""
    lock: str
    unlock: str
    locked: str
    attempt: str
    tried: str
    keep: str
    abandon: str
    discard: str
    free: str
    """Asks how much room the disk has."""
    room: str
    """Where the answer says so, in `bytes` or `kilobytes`."""


class Timed(Model):
    """A device that goes back to what it had when a timer runs out that was set before the first command.

    All of it is typed on its command line, for there is no shell account.
    """

    kind: Literal["timed"]
    header: str
    last: str
    startup: str
    status: str
    idle: str
    arm: str
    copied: str
    """Where the device says into which `copy` it has put what it had."""
    show_copy: str
    keep: str
    abandon: str
    mark: str
    marked: str
    unmark: str
    free: str
    room: str


class Negated(Model):
    """A line that is taken away in other words than itself with the negation before it."""

    line: str
    command: str


class Located(Model):
    """How a section is found of which the plan knows a line only: `head` has the line's words in its first group."""

    head: str
    sections: str
    line: str


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
    opens: str = ""
    """Lines that open a section, where the next line of another section is not taken before that one is left."""
    negation: str
    negated: tuple[Negated, ...] = ()
    located: Located | None = None

    @property
    def depending(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The patterns of lines that stand and fall with others, as plain values."""
        return tuple((each.lines, each.bases) for each in self.dependents)


class Platform(Model):
    """All that is particular to one kind of device."""

    name: str
    syntax: Literal["indented", "braces"]
    """Whether sections are told by how far lines are indented, or stand in braces."""
    answers: Literal["vtysh", "birdc", "patterns"]
    """In whose words it answers what it is asked."""
    driver: str
    """The driver of netmiko that its command line is like; empty where the shell account asks for it."""
    commands: Commands
    shell: ShellCommands
    rejected: str
    noise: str = ""
    ambient: str
    secret: str
    identity: Identity
    difference: Difference
    policies: Policies
    blocks: dict[str, str]
    keeping: Annotated[Keeping | Loading | Trial | Timed, Field(discriminator="kind")]
    dialogue: Dialogue | None = None
    """Where the vendor's command line is all that there is."""
    facts: FactPatterns | None = None

    def masked(self, line: str) -> str:
        """Return a line as people may read it, without the secret in it."""
        return legible(re.sub(self.secret, r"\1 ***", line))

    def block(self, name: str, **values: object) -> str:
        """Return one of the platform's blocks of configuration, filled in."""
        return self.blocks[name].format(**values).rstrip("\n")


@cache
def load_platform(name: str) -> Platform:
    """Return what is known about a platform.

    PlatformUnknown where there is no file about it, PlatformRefused where it is known that it cannot be changed safely.
    """
    path = _FOLDER / f"{name}.yaml"
    if not path.is_file():
        refused: dict[str, str] = yaml.safe_load(_REFUSED.read_text())
        if name in refused:
            raise PlatformRefused(name, refused[name])
        raise PlatformUnknown(name, tuple(sorted(each.stem for each in _FOLDER.glob("*.yaml"))))
    return Platform.model_validate(yaml.safe_load(path.read_text()))
