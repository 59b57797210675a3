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

    kind: Literal[
        "committed", "verified", "merged", "retired", "relocated", "handed-over", "disposed", "drill", "copy",
        "guide", "catalogue", "report", "evaluation", "signed-off", "ready",
    ]  # fmt: skip
    subject: Annotated[str, Field(description="The name of the system, line, site, department or obligation.")] = ""
    date: date
    by: Annotated[tuple[str, ...], Field(description="The parties, by office.")] = ()
    passed: bool = True
    note: str = ""


class Programme(Model):
    """The whole inventory as read and validated."""

    programme: Name
    title: str
    profile: str
    buildings: tuple[Building, ...] = ()
    departments: tuple[Department, ...] = ()
    sites: tuple[Site, ...] = ()
    sizes: tuple[Size, ...] = ()
    platforms: tuple[Platform, ...] = ()
    network: Network = Network()
    systems: tuple[System, ...] = ()
    resources: tuple[DataResource, ...] = ()
    requests: tuple[DataRequest, ...] = ()
    records: tuple[Record, ...] = ()
