"""A profile: what one plan obliges a programme to do, as data. A new plan is a new file of this form and no code."""

import datetime as dt
import re
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, model_validator

from inventory.base import Model, Name
from inventory.model import Record
from inventory.obligations.conditions import Condition, Things, about_achievements, uses
from inventory.obligations.dates import Cadence
from inventory.obligations.departments import (
    ASSETS,
    DEPARTMENTS,
    ROOMS,
    UNITS,
    AssetCondition,
    DepartmentCondition,
    RoomCondition,
    UnitCondition,
)
from inventory.obligations.lines import DOMAINS, LINES, DomainCondition, LineCondition
from inventory.obligations.sharing import (
    LINKS,
    PLATFORMS,
    REQUESTS,
    RESOURCES,
    SITES,
    LinkCondition,
    PlatformCondition,
    RequestCondition,
    ResourceCondition,
    SiteCondition,
)
from inventory.obligations.systems import SYSTEMS, SystemCondition
from inventory.words import _

C = TypeVar("C", bound=Condition)
RecordKind = Record.model_fields["kind"].annotation

THINGS: dict[str, Things] = {
    "systems": SYSTEMS, "lines": LINES, "domains": DOMAINS, "departments": DEPARTMENTS, "units": UNITS,
    "rooms": ROOMS, "assets": ASSETS, "resources": RESOURCES, "requests": REQUESTS, "platforms": PLATFORMS,
    "links": LINKS, "sites": SITES,
}  # fmt: skip
"""What measures count, by the word that a profile uses."""


def _id(text: str) -> str:
    if re.fullmatch(r"[A-Z][A-Z0-9]{0,9}(-[a-z0-9]{1,20}){1,4}", text) is None:
        raise ValueError(_("an id is capitals, a hyphen and small words, such as LN-cloud"))
    return text


class Words(Model):
    """A text in both languages."""

    zh: str
    en: str


class Share(Model):
    """How many of the things that fall under a measure must satisfy it."""

    target: Annotated[float, Field(gt=0, le=1, description="The share that must be reached.")] = 1.0
    at_least: Annotated[int | None, Field(ge=1, description="So many are enough, whatever their share.")] = None
    spare: Annotated[int, Field(ge=0, description="So many may fall short.")] = 0
    empty: Annotated[
        Literal["met", "missing"],
        Field(description="What it means that nothing falls under it: it is met, or the inventory lacks something."),
    ] = "met"


class Counted(Share, Generic[C]):
    """A share of the things of one kind that fall under it: all of them unless `where` says which."""

    where: C | None = None
    holds: C


class PlatformShare(Share):
    """A share of the platforms that a plan wants: one of each kind, or of the kinds together one on each topic."""

    kinds: Annotated[tuple[str, ...], Field(min_length=1)]
    topics: tuple[Name, ...] = ()
    holds: PlatformCondition


class Recorded(Model):
    """That a record is there; about the obligation itself unless another subject is named."""

    kind: RecordKind  # type: ignore[valid-type]
    subject: str = ""


class Ledger(Share):
    """A share of the profile's obligations that have tasks with an owner and a limit, signed off when this is over."""


class Measure(Model):
    """One measure; exactly one of its words is given."""

    systems: Counted[SystemCondition] | None = None
    lines: Counted[LineCondition] | None = None
    domains: Counted[DomainCondition] | None = None
    departments: Counted[DepartmentCondition] | None = None
    units: Counted[UnitCondition] | None = None
    rooms: Counted[RoomCondition] | None = None
    assets: Counted[AssetCondition] | None = None
    resources: Counted[ResourceCondition] | None = None
    requests: Counted[RequestCondition] | None = None
    platforms: PlatformShare | None = None
    links: Counted[LinkCondition] | None = None
    sites: Counted[SiteCondition] | None = None
    record: Recorded | None = None
    ledger: Ledger | None = None

    @model_validator(mode="after")
    def _one_word(self) -> "Measure":
        words = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(words) != 1:
            said = _("a measure has exactly one of: {words}")
            raise ValueError(said.format(words=", ".join(type(self).model_fields)))
        where = getattr(getattr(self, words[0]), "where", None)
        if isinstance(where, Condition) and (wrong := uses(where, about_achievements(type(where)))):
            said = _("'where' may not ask for what was achieved ({words}): things without it would not count at all")
            raise ValueError(said.format(words=", ".join(sorted(wrong))))
        return self

    @property
    def word(self) -> str:
        """Return what it counts, such as systems."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)


class After(Model):
    """A time that is counted for each thing by itself, from its own commit or that of its department's last system."""

    event: Literal["committed"]
    months: Annotated[int, Field(ge=0)] = 0


class Goal(Model):
    """What must hold by one time; exactly one of by, since, every and after says when."""

    by: Annotated[dt.date | None, Field(description="The last day; what holds then holds from then on.")] = None
    stretch: Annotated[dt.date | None, Field(description="The earlier day that the plan strives for.")] = None
    since: Annotated[dt.date | None, Field(description="From this day on it must hold on every day.")] = None
    every: Annotated[Cadence | None, Field(description="Again and again.")] = None
    after: After | None = None
    needs: Annotated[tuple[Measure, ...], Field(min_length=1, description="All of these measures.")]

    @model_validator(mode="after")
    def _one_time(self) -> "Goal":
        if sum(each is not None for each in (self.by, self.since, self.every, self.after)) != 1:
            raise ValueError(_("a goal has exactly one of: by, since, every, after"))
        words = [each.word for each in self.needs]
        if self.every is not None and words != ["record"]:
            raise ValueError(_("a thing that is due again and again takes one record and nothing else"))
        timeless = [word for word in words if word not in THINGS or THINGS[word].anchor is None]
        if self.after is not None and timeless:
            said = _("no event is known from which time could be counted for: {words}")
            raise ValueError(said.format(words=", ".join(timeless)))
        return self


class Obligation(Model):
    """What a clause of a plan asks for."""

    id: Annotated[str, AfterValidator(_id), Field(description="Such as LN-cloud: the plan in capitals, then words.")]
    clause: str
    text: Words
    goals: Annotated[tuple[Goal, ...], Field(min_length=1)]


class Profile(Model):
    """One plan."""

    profile: Name
    title: Words
    number: Annotated[str, Field(description="The number of the document.")] = ""
    date: Annotated[dt.date, Field(description="When it was issued; time is counted from here.")]
    obligations: Annotated[tuple[Obligation, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _unique(self) -> "Profile":
        ids = [each.id for each in self.obligations]
        if twice := sorted({each for each in ids if ids.count(each) > 1}):
            raise ValueError(_("obligations have the same id: {words}").format(words=", ".join(twice)))
        return self
