"""The owners of systems, and where these stand as surveyed: departments, machine rooms, hosts and devices."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import Address, Model, Name, Prefix
from inventory.model.sharing import DataDemand

Count = Annotated[int, Field(ge=0)]


class Release(StrEnum):
    """The operating system generations that a host may run."""

    DEBIAN_11 = "debian-11"
    DEBIAN_12 = "debian-12"


class Exemption(Model):
    """Leave not to do what a plan asks for, and what it rests on."""

    reason: Annotated[str, Field(description="What it rests on.")]
    granted_by: Annotated[str, Field(description="Who granted it.")] = ""
    granted: Annotated[date, Field(description="The day on which it was granted.")]
    until: Annotated[date | None, Field(description="The day it ends; none: it lasts.")] = None


class Host(Model):
    """A server that stands in a department's machine room or at the extranet's centre."""

    name: Annotated[Name, Field(description="Its name, unique among all hosts and devices.")]
    title: Annotated[str, Field(description="What its department calls it.")] = ""
    address: Annotated[Address | None, Field(description="A host that takes part in a move has one.")] = None
    os: Annotated[Release, Field(description="Its operating system, where a plan has to know it.")] = Release.DEBIAN_11
    purpose: Annotated[str, Field(description="The systems that it carries, and its part in them.")] = ""
    software: Annotated[str, Field(description="What was reported of its system and middleware, in words.")] = ""
    cpus: Annotated[Count, Field(description="How many processors it has; 0 where that is not known.")] = 0
    memory: Annotated[int, Field(ge=0, description="Its memory in MiB; 0 where that is not known.")] = 0
    storage: Annotated[int, Field(ge=0, description="Its storage in GiB; 0 where that is not known.")] = 0


class Asset(Model):
    """A piece of equipment in a machine room, and what became of it when the room was vacated."""

    name: Annotated[Name, Field(description="Its name, unique in its room.")]
    title: Annotated[str, Field(description="What it is called.")]
    kind: Annotated[
        Literal["server", "storage", "network", "security", "power", "cooling", "other"],
        Field(description="What sort of equipment it is."),
    ]
    count: Annotated[int, Field(ge=1, description="How many of them there are.")] = 1
    year: Annotated[int | None, Field(ge=1980, le=2100, description="The year it was bought.")] = None
    disposal: Annotated[
        Literal["keep", "transfer", "scrap"] | None,
        Field(description="The opinion on it: keep, transfer to others, or scrap."),
    ] = None
    disposed: Annotated[date | None, Field(description="When the disposal was approved and done.")] = None


class Room(Model):
    """A department's machine room: its servers, the network they share and the device that leads out of it."""

    name: Annotated[Name, Field(description="Its name, unique among machine rooms.")]
    title: Annotated[str, Field(description="What it is called.")] = ""
    building: Annotated[Name | None, Field(description="The building that it is in.")] = None
    area: Annotated[float | None, Field(gt=0, description="Floor area in square metres.")] = None
    prefix: Annotated[Prefix | None, Field(description="The network of its hosts.")] = None
    gateway: Annotated[Name | None, Field(description="The device that holds the first address of the prefix.")] = None
    hosts: Annotated[tuple[Host, ...], Field(description="Its servers.")] = ()
    assets: Annotated[tuple[Asset, ...], Field(description="Its equipment.")] = ()
    vacated: Annotated[date | None, Field(description="When it was given up.")] = None
    exemption: Annotated[
        Exemption | None, Field(description="Why it stays: secrecy, security, or the building's layout.")
    ] = None


class Building(Model):
    """A building in which departments have their offices; those in one building may share a machine room."""

    name: Annotated[Name, Field(description="Its name, unique among buildings.")]
    title: Annotated[str, Field(description="What it is called.")]


class Office(Model):
    """A part of a department; a system that belongs to one office alone has to be merged."""

    name: Annotated[Name, Field(description="Its name, unique in its department.")]
    title: Annotated[str, Field(description="What it is called.")]


class Unit(Model):
    """An institution that belongs to a department, or a town: the extranet has to reach it too."""

    name: Annotated[Name, Field(description="Its name, unique among institutions and towns.")]
    title: Annotated[str, Field(description="What it is called.")]
    kind: Annotated[Literal["institution", "town", "street"], Field(description="What it is.")] = "institution"
    attached: Annotated[date | None, Field(description="When its access to the extranet was verified.")] = None


class ReportedNone(Model):
    """That a department answered and has no system."""

    date: Annotated[date, Field(description="The day on which the answer was taken in.")]
    source: Annotated[str, Field(description="Where it says so: a sheet with its cell, or a letter.")]


class Department(Model):
    """An owner of systems."""

    name: Annotated[Name, Field(description="Its name, unique among departments.")]
    title: Annotated[str, Field(description="What it is called.")]
    level: Annotated[
        Literal["province", "city", "district", "town"],
        Field(description="The level of government that it belongs to."),
    ] = "district"
    building: Annotated[Name | None, Field(description="The building where it has its offices.")] = None
    attached: Annotated[date | None, Field(description="When its access to the extranet was verified.")] = None
    offices: Annotated[tuple[Office, ...], Field(description="Its offices.")] = ()
    units: Annotated[tuple[Unit, ...], Field(description="The institutions and towns that belong to it.")] = ()
    rooms: Annotated[tuple[Room, ...], Field(description="Its machine rooms.")] = ()
    demands: Annotated[tuple[DataDemand, ...], Field(description="The data of others that it says it needs.")] = ()
    also_called: Annotated[tuple[str, ...], Field(description="Other titles under which its sheets come.")] = ()
    reported_none: Annotated[ReportedNone | None, Field(description="That it answered and has no system.")] = None
    office_automation: Annotated[
        Literal["none", "own", "connected", "shared"] | None,
        Field(description="Its office system: none, its own, its own connected to the shared one, or the shared one."),
    ] = None
