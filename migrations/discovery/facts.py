"""Hosts' answers about what runs on them: closed models with bounds, because a host's word is data."""

from typing import Annotated, Literal

from pydantic import Field

from infra.hearing import Sentence
from inventory.base import Model, Port

Amount = Annotated[int, Field(ge=0, le=2**63)]


class Service(Model):
    """A running service that is none of the operating system's."""

    name: Sentence
    user: Sentence
    folder: Sentence


class Listener(Model):
    """A program that takes connections."""

    port: Port
    address: Sentence
    program: Sentence


class Database(Model):
    """A database with its size in bytes."""

    engine: Literal["postgresql"]
    port: Port
    name: Sentence
    bytes: Amount


class Site(Model):
    """A folder that a web server publishes."""

    site: Sentence
    root: Sentence


class Peer(Model):
    """Who was connected, and in how many looks: `in` to a port of the host, or from it `out` to a port elsewhere."""

    way: Literal["in", "out"]
    address: Annotated[str, Field(pattern=r"^[0-9a-fA-F.:%\w]{1,80}$")]
    port: Port
    program: Sentence
    looks: Amount


class Discovered(Model):
    """All that was seen on one host; `looks` is how often connections were looked at."""

    services: Annotated[tuple[Service, ...], Field(max_length=400)]
    listening: Annotated[tuple[Listener, ...], Field(max_length=400)]
    databases: Annotated[tuple[Database, ...], Field(max_length=400)]
    sites: Annotated[tuple[Site, ...], Field(max_length=400)]
    packages: Annotated[tuple[Sentence, ...], Field(max_length=400)]
    peers: Annotated[tuple[Peer, ...], Field(max_length=1000)]
    looks: Amount
