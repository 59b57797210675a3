"""The programme: the whole inventory of a government as read and validated."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import Model, Name
from inventory.model.departments import Building, Department
from inventory.model.network import Network
from inventory.model.sharing import DataRequest, DataResource
from inventory.model.sites import Platform, Site, Size
from inventory.model.systems import System


class Record(Model):
    """That something happened which no run can see, such as a hand-over; it is what an obligation is measured by."""

    kind: Annotated[
        Literal[
            "committed",
            "verified",
            "merged",
            "retired",
            "relocated",
            "handed-over",
            "disposed",
            "drill",
            "copy",
            "guide",
            "catalogue",
            "report",
            "evaluation",
            "signed-off",
            "ready",
            "cost",
        ],
        Field(description="What happened."),
    ]
    subject: Annotated[
        str,
        Field(description="The system, line, site, department or obligation by name; line:NAME where names collide."),
    ] = ""
    date: Annotated[date, Field(description="The day on which it happened.")]
    by: Annotated[tuple[str, ...], Field(description="The parties, by office.")] = ()
    passed: Annotated[bool, Field(description="Whether it went well.")] = True
    amount: Annotated[float | None, Field(ge=0, description="Yuan a year from this day on, of a cost.")] = None
    note: Annotated[str, Field(description="What else is to be said.")] = ""


class Task(Model):
    """An entry of the ledger: who sees to an obligation, by when, and when the work was signed off."""

    obligation: Annotated[str, Field(description="The id in the profile, such as GX-merge.")]
    title: Annotated[str, Field(description="What is to be done.")]
    owner: Annotated[str, Field(description="The office that answers for it.")]
    due: Annotated[date, Field(description="The last day for it.")]
    signed_off: Annotated[date | None, Field(description="When its completion was signed off.")] = None


class Programme(Model):
    """The whole inventory as read and validated."""

    programme: Annotated[Name, Field(description="The programme's name.")]
    title: Annotated[str, Field(description="What it is called.")]
    profile: Annotated[str, Field(description="The plan document that it follows, such as jimo.")]
    buildings: Annotated[tuple[Building, ...], Field(description="The buildings of departments.")] = ()
    departments: Annotated[
        tuple[Department, ...], Field(description="The departments with their offices, machine rooms and hosts.")
    ] = ()
    sites: Annotated[
        tuple[Site, ...], Field(description="The government cloud and the sites for its disaster recovery.")
    ] = ()
    sizes: Annotated[tuple[Size, ...], Field(description="The sizes that hosts of the cloud may have.")] = ()
    platforms: Annotated[tuple[Platform, ...], Field(description="What all departments share.")] = ()
    network: Annotated[Network, Field(description="The extranet, and the lines that are consolidated into it.")] = (
        Network()
    )
    systems: Annotated[
        tuple[System, ...], Field(description="The systems; mostly each has a file of its own instead.")
    ] = ()
    resources: Annotated[tuple[DataResource, ...], Field(description="The resource catalogue.")] = ()
    requests: Annotated[tuple[DataRequest, ...], Field(description="What was asked of conditionally shared data.")] = ()
    records: Annotated[tuple[Record, ...], Field(description="What happened and no run can see.")] = ()
    tasks: Annotated[tuple[Task, ...], Field(description="The ledger: the tasks that obligations are split into.")] = ()
