"""Sharing between systems: data resources of the catalogue, and requests for those that are shared on conditions."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import Model, Name


class DataResource(Model):
    """An entry of the resource catalogue: data that one unit provides, once, for all who need it."""

    name: Annotated[Name, Field(description="Its name, unique among data resources.")]
    title: Annotated[str, Field(description="What the catalogue calls it.")]
    department: Annotated[Name, Field(description="The department that provides it.")]
    system: Annotated[Name | None, Field(description="The system that it comes from.")] = None
    provider: Annotated[str, Field(description="The office or unit that answers for it.")] = ""
    category: Annotated[str, Field(description="The category of the catalogue that it belongs to.")] = ""
    description: Annotated[str, Field(description="What the data says.")] = ""
    format: Annotated[str, Field(description="How it is held, such as a database, a table or a picture.")] = ""
    cycle: Annotated[
        Literal["real-time", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular"] | None,
        Field(description="How often it is brought up to date."),
    ] = None
    published: Annotated[date | None, Field(description="The day on which it was published in the catalogue.")] = None
    updated: Annotated[
        date | None, Field(description="When the entry was last brought up to date, as after its system's move.")
    ] = None
    sharing: Annotated[
        Literal["unconditional", "conditional", "none"] | None,
        Field(description="Whether others may have it: without conditions, on conditions, or not at all."),
    ] = None
    basis: Annotated[str, Field(description="The law or rule that forbids sharing it; 'none' needs one.")] = ""
    conditions: Annotated[str, Field(description="Scope and conditions of use; 'conditional' needs them.")] = ""
    way: Annotated[
        Literal["query", "bulk-download", "interface"] | None,
        Field(description="How others get it: by query, as a bulk download, or over an interface."),
    ] = None
    use: Annotated[str, Field(description="What for: basis of decisions, reference, check, cooperation.")] = ""
    open: Annotated[bool | None, Field(description="Whether the public may have it.")] = None
    items: Annotated[int, Field(ge=0, description="Information items that it has.")] = 0
    library: Annotated[Name | None, Field(description="The base or theme library that it feeds.")] = None


class DataDemand(Model):
    """Data of others that a department says it needs, before it asks for it: an entry of the list of demands."""

    name: Annotated[Name, Field(description="Its name, unique in its department.")]
    title: Annotated[str, Field(description="What data is needed.")]
    provider: Annotated[str, Field(description="The department that has it, in words.")] = ""
    items: Annotated[str, Field(description="The information items that are needed, in words.")] = ""
    use: Annotated[str, Field(description="What it is needed for.")] = ""
    way: Annotated[str, Field(description="How it is wanted, in words.")] = ""
    cycle: Annotated[str, Field(description="How often it has to be brought up to date, in words.")] = ""


class DataRequest(Model):
    """What a department asked of another's conditionally shared data, and the answer."""

    name: Annotated[Name, Field(description="Its name, unique among requests.")]
    title: Annotated[str, Field(description="What its department calls it, such as its number.")] = ""
    resource: Annotated[Name, Field(description="The data resource that is asked for.")]
    department: Annotated[Name, Field(description="Who asks.")]
    asked: Annotated[date, Field(description="The day it was asked.")]
    answered: Annotated[date | None, Field(description="The day of the answer.")] = None
    granted: Annotated[bool | None, Field(description="Whether the data is given.")] = None
    reason: Annotated[str, Field(description="A refusal gives its reason.")] = ""
