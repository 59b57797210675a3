"""What systems share: data resources of the catalogue, and requests for those that are shared on conditions."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import Model, Name


class DataResource(Model):
    """An entry of the resource catalogue: data that one unit provides, once, for all who need it."""

    name: Name
    title: str
    department: Name
    system: Annotated[Name | None, Field(description="The system that it comes from.")] = None
    provider: Annotated[str, Field(description="The office or unit that answers for it.")] = ""
    category: str = ""
    description: str = ""
    format: str = ""
    cycle: Annotated[
        Literal["real-time", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular"] | None,
        Field(description="How often it is brought up to date."),
    ] = None
    published: date | None = None
    sharing: Literal["unconditional", "conditional", "none"] | None = None
    basis: Annotated[str, Field(description="The law or rule that forbids sharing it; 'none' needs one.")] = ""
    conditions: Annotated[str, Field(description="Scope and conditions of use; 'conditional' needs them.")] = ""
    way: Literal["query", "bulk-download", "interface"] | None = None
    use: Annotated[str, Field(description="What for: basis of decisions, reference, check, cooperation.")] = ""
    open: Annotated[bool | None, Field(description="Whether the public may have it.")] = None
    items: Annotated[int, Field(ge=0, description="Information items that it has.")] = 0
    library: Annotated[Name | None, Field(description="The base or theme library that it feeds.")] = None


class DataRequest(Model):
    """What a department asked of another's conditionally shared data, and the answer."""

    name: Name
    title: Annotated[str, Field(description="What its department calls it, such as its number.")] = ""
    resource: Name
    department: Annotated[Name, Field(description="Who asks.")]
    asked: date
    answered: date | None = None
    granted: bool | None = None
    reason: Annotated[str, Field(description="A refusal gives its reason.")] = ""
