"""Who owns systems, and where these stand as surveyed: departments, their machine rooms, hosts and devices."""

from datetime import date
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import Model, Name

Count = Annotated[int, Field(ge=0)]


class Release(StrEnum):
    """The operating system generations that a host may run."""

    DEBIAN_11 = "debian-11"
    DEBIAN_12 = "debian-12"


class Exemption(Model):
    """Leave not to do what a plan asks for, and what it rests on."""

    reason: str
    granted_by: str = ""
    granted: date
    until: Annotated[date | None, Field(description="The day it ends; none: it lasts.")] = None


class Host(Model):
    """A server that stands in a department's machine room or at the extranet's centre."""

    name: Name
    title: Annotated[str, Field(description="What its department calls it.")] = ""
    address: Annotated[IPv4Address | None, Field(description="A host that takes part in a move has one.")] = None
    os: Release = Release.DEBIAN_11
    software: Annotated[str, Field(description="What was reported of its system and middleware, in words.")] = ""
    cpus: Count = 0
    memory: Annotated[int, Field(ge=0, description="MiB")] = 0
    storage: Annotated[int, Field(ge=0, description="GiB")] = 0


class Asset(Model):
    """A piece of equipment in a machine room, and what became of it when the room was vacated."""

    name: Name
    title: str
    kind: Literal["server", "storage", "network", "security", "power", "cooling", "other"]
    count: Annotated[int, Field(ge=1)] = 1
    year: Annotated[int | None, Field(ge=1980, le=2100, description="The year it was bought.")] = None
    disposal: Literal["keep", "transfer", "scrap"] | None = None
    disposed: Annotated[date | None, Field(description="When the disposal was approved and done.")] = None


class Room(Model):
    """A department's machine room: its servers, the network they share and the device that leads out of it."""

    name: Name
    title: str = ""
    building: Name | None = None
    area: Annotated[float | None, Field(gt=0, description="Floor area in square metres.")] = None
    prefix: Annotated[IPv4Network | None, Field(description="The network of its hosts.")] = None
    gateway: Annotated[Name | None, Field(description="The device that holds the first address of the prefix.")] = None
    hosts: tuple[Host, ...] = ()
    assets: tuple[Asset, ...] = ()
    vacated: Annotated[date | None, Field(description="When it was given up.")] = None
    exemption: Annotated[
        Exemption | None, Field(description="Why it stays: secrecy, security, or the building's layout.")
    ] = None


class Building(Model):
    """A building in which departments have their offices; those in one building may share a machine room."""

    name: Name
    title: str


class Office(Model):
    """A part of a department; a system that belongs to one office alone has to be merged."""

    name: Name
    title: str


class Unit(Model):
    """An institution that belongs to a department, or a town: the extranet has to reach it too."""

    name: Name
    title: str
    kind: Literal["institution", "town", "street"] = "institution"
    attached: Annotated[date | None, Field(description="When its access to the extranet was verified.")] = None


class Department(Model):
    """An owner of systems."""

    name: Name
    title: str
    level: Literal["province", "city", "district", "town"] = "district"
    building: Name | None = None
    offices: tuple[Office, ...] = ()
    units: tuple[Unit, ...] = ()
    rooms: tuple[Room, ...] = ()
    office_automation: Annotated[
        Literal["none", "own", "connected", "shared"] | None,
        Field(description="Its office system: none, its own, its own connected to the shared one, or the shared one."),
    ] = None
