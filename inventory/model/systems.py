"""Systems: what their departments reported of them, how they are protected, and how they move."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from inventory.base import Address, DnsName, Duration, Model, Name, Port
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

    cpus: Annotated[float, Field(ge=0, description="Processors.")] = 0
    memory: Annotated[int, Field(ge=0, description="Memory in MiB.")] = 0
    storage: Annotated[int, Field(ge=0, description="Storage in GiB.")] = 0
    cpu_load: Annotated[float | None, Field(ge=0, le=100, description="Per cent, as a mean.")] = None
    memory_load: Annotated[float | None, Field(ge=0, le=100, description="Per cent, as a mean.")] = None


class YearCost(Model):
    """What a system cost to run in one year."""

    year: Annotated[int, Field(ge=1990, le=2100, description="The year.")]
    amount: Annotated[Money, Field(description="Yuan in that year.")]


class Survey(Model):
    """What the department reported of a system."""

    number: Annotated[str, Field(description="The number under which the department keeps it.")] = ""
    function: Annotated[str, Field(description="What the system is for.")] = ""
    users: Annotated[str, Field(description="Scope of use: office, department, district, city, public …")] = ""
    user_count: Annotated[int | None, Field(ge=0, description="How many people use it.")] = None
    frequency: Annotated[
        Literal["daily", "weekly", "monthly", "yearly", "never"] | None, Field(description="How often it is used.")
    ] = None
    approved_by: Annotated[str, Field(description="The department that approved it.")] = ""
    approved: Annotated[date | None, Field(description="The day of the approval.")] = None
    funding: Annotated[str, Field(description="Where the money comes from.")] = ""
    channel: Annotated[str, Field(description="By which budget line it comes.")] = ""
    builder: Annotated[str, Field(description="Who built it.")] = ""
    investment: Annotated[Money, Field(description="What it cost to build, in yuan.")] = 0
    running_cost: Annotated[float | None, Field(ge=0, description="Yuan a year.")] = None
    costs: Annotated[tuple[YearCost, ...], Field(description="What it cost to run, year by year.")] = ()
    network: Annotated[str, Field(description="The network that carries it.")] = ""
    placement: Annotated[str, Field(description="Where it is installed, in its department's words.")] = ""
    servers: Annotated[int | None, Field(ge=0, description="How many servers it takes.")] = None
    os: Annotated[str, Field(description="The operating systems of its servers, in words.")] = ""
    database: Annotated[str, Field(description="Its database software, in words.")] = ""
    middleware: Annotated[str, Field(description="Its middleware, in words.")] = ""
    url: Annotated[str, Field(description="The name or address under which users open it.")] = ""
    state: Annotated[
        Literal["running", "trial", "building", "planned", "suspended", "closed"] | None,
        Field(description="What its department says of its state."),
    ] = None
    in_cloud: Annotated[bool | None, Field(description="Whether it runs in a cloud already.")] = None
    cloud_ready: Annotated[
        bool | None, Field(description="Whether the cloud can carry it, in its department's opinion.")
    ] = None
    reported_zombie: Annotated[
        bool | None, Field(description="Whether its department itself calls it a zombie; decides nothing.")
    ] = None
    usage: Annotated[Usage | None, Field(description="What it takes of its hosts.")] = None
    launched: Annotated[date | None, Field(description="The day on which it went into service.")] = None
    last_used: Annotated[date | None, Field(description="The day on which it was last used.")] = None
    maintained: Annotated[bool | None, Field(description="Whether it is still maintained and updated.")] = None
    in_process: Annotated[bool | None, Field(description="Whether the real work still goes through it.")] = None
    replaceable_by: Annotated[Name | None, Field(description="Another system that does the same.")] = None
    obstacle: Annotated[str, Field(description="Why the cloud cannot carry it, such as special hardware.")] = ""
    surveyed: Annotated[date | None, Field(description="When this was reported; idle time is counted up to it.")] = None


class Declassified(Model):
    """That a person found a system that was called classified to be open; no sheet does that."""

    by: Annotated[str, Field(description="The person or office that decided it.")]
    date: Annotated[date, Field(description="The day on which it was decided.")]
    reason: Annotated[str, Field(description="What it rests on, such as the number of the decision.")]


class Grading(Model):
    """How a system is protected: an MLPS level, or classified with only its existence recorded."""

    mlps: Annotated[int | None, Field(ge=1, le=5, description="Its MLPS level, from 1 to 5.")] = None
    record: Annotated[str, Field(description="The number of its MLPS record.")] = ""
    classified: Annotated[
        bool, Field(description="Whether it is classified: then only that it exists is recorded here.")
    ] = False
    declassified: Annotated[
        Declassified | None, Field(description="Who decided that it is not classified, where a sheet said so before.")
    ] = None


class Filing(Model):
    """The registration of a project and its cost, with the two lists without which nothing is approved."""

    number: Annotated[str, Field(description="The number under which it was filed.")]
    date: Annotated[date, Field(description="The day on which it was filed.")]
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

    site: Annotated[Name, Field(description="The site.")]
    size: Annotated[str, Field(description="The size of each host.")]
    addresses: Annotated[
        tuple[Address, ...],
        Field(min_length=1, description="The address of each host; components of one system may share one."),
    ]
    volume: Annotated[
        int, Field(ge=0, description="GiB of a volume of its own for the data of each host; 0: the flavor's disk.")
    ] = 0


class Entry(Model):
    """The name and port by which clients find a component, before and after its move."""

    name: Annotated[DnsName, Field(description="The name that clients look up.")]
    port: Annotated[Port, Field(description="The TCP port that they connect to.")]


class Component(Model):
    """A part of a system that one Ansible role knows how to move; the kind is the name of that role."""

    name: Annotated[Name, Field(description="Its name, unique in its system.")]
    kind: Annotated[
        Name, Field(description="What it is, such as postgresql, web or files: the name of an Ansible role.")
    ]
    on: Annotated[tuple[Name, ...], Field(min_length=1, description="The hosts that it runs on, as surveyed.")]
    to: Annotated[Target | None, Field(description="Where it goes; left out while nothing is planned.")] = None
    entry: Annotated[
        Entry | None, Field(description="How clients find it; left out where they know its address only.")
    ] = None
    settings: Annotated[
        dict[str, Any], Field(default_factory=dict, description="What its kind has to know, such as a database's name.")
    ]


class Limits(Model):
    """What a move may cost at the most."""

    downtime: Annotated[
        Duration, Field(description="How long users may be without the system while it is switched over, such as 2s.")
    ] = 5.0
    data_loss: Annotated[Duration, Field(description="How much of what was written last may be lost, such as 0s.")] = (
        0.0
    )
    failed_requests: Annotated[
        int, Field(ge=0, description="How many requests of users may fail in one passage of the move.")
    ] = 0
    catch_up: Annotated[
        Duration, Field(description="How long replication may take to catch up before the move is given up.")
    ] = 120.0


class Override(Model):
    """A disposition set by hand against the rule."""

    reason: Annotated[str, Field(description="Why the rule does not fit.")]
    date: Annotated[date, Field(description="The day on which it was decided.")]


class NoShadow(Model):
    """That a person looked at two systems and found that they do not do the same."""

    system: Annotated[Name, Field(description="The other system.")]
    reason: Annotated[str, Field(description="What tells the two apart.")]
    date: Annotated[date, Field(description="The day on which it was decided.")]


class System(Model):
    """An application that supports government work: the unit of migration."""

    system: Annotated[Name, Field(description="Its name, unique among systems and platforms.")]
    title: Annotated[str, Field(description="What it is called.")]
    department: Annotated[Name, Field(description="The department that owns it.")]
    also_reported_by: Annotated[tuple[Name, ...], Field(description="Departments that reported the same one.")] = ()
    office: Annotated[Name | None, Field(description="The one office that it belongs to, if it does.")] = None
    common: Annotated[
        Literal["office", "approval", "enforcement", "service", "meeting", "video", "messaging", "website", "exchange"]
        | None,
        Field(description="The common function that it has; such systems merge onto a shared platform."),
    ] = None
    survey: Annotated[Survey | None, Field(description="What the department reported of it.")] = None
    grading: Annotated[Grading, Field(description="How it is protected.")] = Grading()
    domain: Annotated[
        Name | None, Field(description="The domain of the extranet that its users are in; a system that moves has one.")
    ] = None
    disposition: Annotated[
        Disposition | None, Field(description="What becomes of it; by rule where it is left out.")
    ] = None
    into: Annotated[Name | None, Field(description="The system or platform that takes over what it does.")] = None
    override: Annotated[Override | None, Field(description="Why the disposition is not that of the rule.")] = None
    exemption: Annotated[Exemption | None, Field(description="Why it is kept though it is a zombie.")] = None
    no_shadow_of: Annotated[
        tuple[NoShadow, ...],
        Field(description="Systems that look alike and are none of its shadows; one of two says so."),
    ] = ()
    components: Annotated[tuple[Component, ...], Field(description="Its parts, each of a kind that can be moved.")] = ()
    depends_on: Annotated[tuple[Name, ...], Field(description="The systems that it needs to work.")] = ()
    limits: Annotated[Limits, Field(description="What its move may cost at the most.")] = Limits()
    filing: Annotated[Filing | None, Field(description="The registration of its project.")] = None
    exchange: Annotated[Exchange | None, Field(description="Its connection to the exchange platform.")] = None
    wave: Annotated[int | None, Field(ge=1, description="The wave in which it moves.")] = None
    probes: Annotated[tuple[Probe, ...], Field(description="Looks from outside while it moves.")] = ()
