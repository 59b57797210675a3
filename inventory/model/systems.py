"""Systems: what their departments reported of them, how they are protected, and how they move."""

from datetime import date
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal

from pydantic import Field

from inventory.base import DnsName, Duration, Model, Name, Port
from inventory.model.departments import Exemption
from inventory.model.network import Probe

Money = Annotated[float, Field(ge=0, description="Yuan.")]


class Disposition(StrEnum):
    """What becomes of a system; the words are those of the field."""

    REHOST = "rehost"
    REPLATFORM = "replatform"
    RELOCATE = "relocate"
    MERGE = "merge"
    RETIRE = "retire"
    LEAVE = "leave"


class Usage(Model):
    """What a system takes of its hosts."""

    cpus: Annotated[float, Field(ge=0)] = 0
    memory: Annotated[int, Field(ge=0, description="MiB")] = 0
    storage: Annotated[int, Field(ge=0, description="GiB")] = 0
    cpu_load: Annotated[float | None, Field(ge=0, le=100, description="Per cent, as a mean.")] = None
    memory_load: Annotated[float | None, Field(ge=0, le=100, description="Per cent, as a mean.")] = None


class Survey(Model):
    """What the department reported of a system."""

    number: Annotated[str, Field(description="The number under which the department keeps it.")] = ""
    function: str = ""
    users: Annotated[str, Field(description="Scope of use: office, department, district, city, public …")] = ""
    user_count: Annotated[int | None, Field(ge=0)] = None
    frequency: Literal["daily", "weekly", "monthly", "yearly", "never"] | None = None
    approved_by: str = ""
    approved: date | None = None
    funding: Annotated[str, Field(description="Where the money comes from.")] = ""
    channel: Annotated[str, Field(description="By which budget line it comes.")] = ""
    builder: Annotated[str, Field(description="Who built it.")] = ""
    investment: Money = 0
    running_cost: Annotated[float | None, Field(ge=0, description="Yuan a year.")] = None
    network: Annotated[str, Field(description="The network that carries it.")] = ""
    usage: Usage | None = None
    launched: date | None = None
    last_used: date | None = None
    maintained: Annotated[bool | None, Field(description="Whether it is still maintained and updated.")] = None
    in_process: Annotated[bool | None, Field(description="Whether the real work still goes through it.")] = None
    replaceable_by: Annotated[Name | None, Field(description="Another system that does the same.")] = None
    obstacle: Annotated[str, Field(description="Why the cloud cannot carry it, such as special hardware.")] = ""
    surveyed: Annotated[date | None, Field(description="When this was reported; idle time is counted up to it.")] = None


class Grading(Model):
    """How a system is protected: an MLPS level, or classified with only its existence recorded."""

    mlps: Annotated[int | None, Field(ge=1, le=5)] = None
    record: Annotated[str, Field(description="The number of its MLPS record.")] = ""
    classified: bool = False


class Filing(Model):
    """The registration of a project and its cost, with the two lists without which nothing is approved."""

    number: str
    date: date
    resources: Annotated[tuple[str, ...], Field(description="First list: the resources that it needs.")] = ()
    shared: Annotated[tuple[str, ...], Field(description="Second list: the data that it shares.")] = ()
    needed: Annotated[tuple[str, ...], Field(description="Second list: the data that it needs of others.")] = ()


class Exchange(Model):
    """A system's connection to the exchange platform."""

    reviewed: Annotated[date | None, Field(description="When the review or evaluation was passed.")] = None
    connected: Annotated[date | None, Field(description="When the connection was verified with real data.")] = None
    items: Annotated[int, Field(ge=0, description="Information items that go through it.")] = 0
    works_with: Annotated[tuple[Name, ...], Field(description="Systems that it works together with.")] = ()


class Target(Model):
    """Where a component goes: a site, a size, and one host for each address."""

    site: Name
    size: str
    addresses: Annotated[tuple[IPv4Address, ...], Field(min_length=1)]


class Entry(Model):
    """The name and port by which clients find a component, before and after its move."""

    name: DnsName
    port: Port


class Component(Model):
    """A part of a system that one Ansible role knows how to move; the kind is the name of that role."""

    name: Name
    kind: Name
    on: Annotated[tuple[Name, ...], Field(min_length=1)]
    to: Target | None = None
    entry: Entry | None = None
    settings: Annotated[dict[str, Any], Field(default_factory=dict)]


class Limits(Model):
    """What a move may cost at the most."""

    downtime: Duration = 5.0
    data_loss: Duration = 0.0
    failed_requests: Annotated[
        int, Field(ge=0, description="How many requests of users may fail in one passage of the move.")
    ] = 0
    catch_up: Annotated[
        Duration, Field(description="How long replication may take to catch up before the move is given up.")
    ] = 120.0


class Override(Model):
    """A disposition set by hand against the rule."""

    reason: str
    date: date


class System(Model):
    """An application that supports government work: the unit of migration."""

    system: Name
    title: str
    department: Name
    also_reported_by: Annotated[tuple[Name, ...], Field(description="Departments that reported the same one.")] = ()
    office: Annotated[Name | None, Field(description="The one office that it belongs to, if it does.")] = None
    common: Annotated[
        Literal["office", "approval", "enforcement", "service", "meeting", "video", "messaging", "website"] | None,
        Field(description="The common function that it has; such systems merge onto a shared platform."),
    ] = None
    survey: Survey | None = None
    grading: Grading = Grading()
    domain: Name | None = None
    disposition: Disposition | None = None
    into: Annotated[Name | None, Field(description="The system or platform that takes over what it does.")] = None
    override: Override | None = None
    exemption: Annotated[Exemption | None, Field(description="Why it is kept though it is a zombie.")] = None
    components: tuple[Component, ...] = ()
    depends_on: tuple[Name, ...] = ()
    limits: Limits = Limits()
    filing: Filing | None = None
    exchange: Exchange | None = None
    wave: Annotated[int | None, Field(ge=1, description="The wave in which it moves.")] = None
    probes: tuple[Probe, ...] = ()
