"""Questions that a measure may ask of data resources, requests for them, platforms with their links, and sites."""

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from inventory.base import Model
from inventory.blanks import says_nothing
from inventory.model import DataRequest, DataResource, Link, Platform, Programme, Site
from inventory.obligations.conditions import (
    FIELDS_GIVEN,
    Condition,
    Question,
    Things,
    Truth,
    achieved,
    known,
    paths_of,
)
from inventory.obligations.facts import Facts, plain
from inventory.obligations.workdays import working_day_after

if TYPE_CHECKING:
    Paths = tuple[str, ...]
else:
    Paths = paths_of(DataResource)

Level = Literal["national", "province", "city", "district"]
Role = Literal["primary", "same-city", "remote-recovery"]


class Partner(Model):
    """The site that keeps another one's copies."""

    level: tuple[Literal["province", "city", "district"], ...] = ()
    role: tuple[Role, ...] = ()


class Linked(NamedTuple):
    """A link, and the platform that has it."""

    platform: Platform
    link: Link


def _grounded(_facts: Facts, resource: DataResource) -> Truth:
    match resource.sharing:
        case "none":
            return not says_nothing(resource.basis)
        case "conditional":
            return not says_nothing(resource.conditions)
        case _:
            return resource.sharing is not None


def _single_source(facts: Facts, resource: DataResource) -> Truth:
    return len(facts.ground.sources[plain(resource.title)]) == 1


def _answered_within(facts: Facts, request: DataRequest, days: int) -> Truth:
    last = working_day_after(request.asked, days).day
    answered = request.answered
    if answered is not None and answered < request.asked:
        return None  # one of the two days is wrong
    return answered <= last if answered is not None and facts.past(answered) else facts.day <= last


def _reasoned(facts: Facts, request: DataRequest) -> Truth:
    if not facts.past(request.answered) or not says_nothing(request.reason):
        return True
    return None if request.granted is None else request.granted


def _asked_of(facts: Facts, request: DataRequest, words: tuple[str, ...]) -> Truth:
    sharing = facts.ground.sharing.get(request.resource)
    return None if sharing is None else sharing in words


def _linked(facts: Facts, platform: Platform) -> Truth:
    return bool(platform.links) and all(facts.past(each.verified) for each in platform.links)


def _fed_once(facts: Facts, platform: Platform) -> Truth:
    return all(_single_source(facts, each) for each in facts.ground.feeding.get(platform.name, ()))


def _paired(facts: Facts, site: Site) -> Truth:
    others = facts.ground.programme.sites
    return site.recovery is not None or any(each.recovery and each.recovery.site == site.name for each in others)


def _recovers_in(facts: Facts, site: Site, partner: Partner) -> Truth:
    other = facts.ground.sites.get(site.recovery.site) if site.recovery is not None else None
    if other is None:
        return False
    return (not partner.level or other.level in partner.level) and (not partner.role or other.role in partner.role)


def _links(programme: Programme) -> list[Linked]:
    return [Linked(platform, link) for platform in programme.platforms for link in platform.links]


def _reachable(facts: Facts, site: Site) -> Truth:
    links = [each.name for each in facts.ground.links if site.name in {end.site for end in each.ends}]
    if not links:
        return facts.shown("verified", "site", site.name)
    return all(facts.shown("verified", "link", name) for name in links)


def _site_shown(kind: str) -> Question:
    return achieved(lambda facts, site: facts.shown(kind, "site", site.name))


class ResourceCondition(Condition):
    """What is asked of an entry of the catalogue; everything that is given must hold."""

    sharing: Annotated[
        tuple[Literal["unconditional", "conditional", "none"], ...],
        Question(lambda _facts, resource, words: resource.sharing in words),
    ] = ()
    grounded: Annotated[
        bool | None,
        achieved(_grounded),
        Field(description="What is not shared names its legal basis, what is shared on conditions these."),
    ] = None
    single_source: Annotated[
        bool | None, known(_single_source), Field(description="No other department offers the same.")
    ] = None
    fields: Annotated[Paths, FIELDS_GIVEN, Field(description="Fields that must be given.")] = ()


class RequestCondition(Condition):
    """What is asked of a request for shared data; everything that is given must hold."""

    sharing: Annotated[
        tuple[Literal["unconditional", "conditional", "none"], ...],
        Question(_asked_of),
        Field(description="How the resource that is asked for is shared."),
    ] = ()
    answered_within: Annotated[
        int | None,
        Question(_answered_within, achieved=True),
        Field(ge=0, description="Working days; an open request may not be older."),
    ] = None
    reasoned: Annotated[
        bool | None, achieved(_reasoned), Field(description="Where it was refused, the refusal gives its reason.")
    ] = None


class PlatformCondition(Condition):
    """What is asked of a platform; everything that is given must hold."""

    deployed: Annotated[
        bool | None,
        achieved(lambda facts, platform: facts.past(platform.deployed)),
        Field(description="It is in service."),
    ] = None
    linked: Annotated[
        bool | None, achieved(_linked), Field(description="It has links and all of them are verified.")
    ] = None
    fed: Annotated[
        bool | None,
        achieved(lambda facts, platform: platform.name in facts.ground.feeding),
        Field(description="A resource of the catalogue feeds it."),
    ] = None
    single_source: Annotated[
        bool | None, known(_fed_once), Field(description="No two departments feed it with the same.")
    ] = None


class LinkCondition(Condition):
    """What is asked of a platform's link to another one."""

    platform: Annotated[
        tuple[str, ...],
        Question(lambda _facts, linked, kinds: linked.platform.kind in kinds),
        Field(description="The platform is of one of these kinds."),
    ] = ()
    level: Annotated[
        tuple[Level, ...],
        Question(lambda _facts, linked, words: linked.link.level in words),
        Field(description="The other platform is at one of these levels."),
    ] = ()
    verified: Annotated[bool | None, achieved(lambda facts, linked: facts.past(linked.link.verified))] = None


class SiteCondition(Condition):
    """What is asked of a site; everything that is given must hold."""

    role: Annotated[tuple[Role, ...], Question(lambda _facts, site, words: site.role in words)] = ()
    level: Annotated[
        tuple[Literal["province", "city", "district"], ...],
        Question(lambda _facts, site, words: site.level in words),
    ] = ()
    provisioned: Annotated[bool | None, _site_shown("committed"), Field(description="It was built and taken over.")] = (
        None
    )
    reachable: Annotated[
        bool | None,
        achieved(_reachable),
        Field(description="It was seen to be reached over the extranet; its links, where it has any, from both ends."),
    ] = None
    paired: Annotated[
        bool | None, known(_paired), Field(description="It keeps copies of a site, or one keeps its.")
    ] = None
    copied: Annotated[
        bool | None, _site_shown("copy"), Field(description="A copy within the limit of data loss was seen there.")
    ] = None
    drilled: Annotated[bool | None, _site_shown("drill"), Field(description="A drill with it was passed.")] = None
    recovers_in: Annotated[
        Partner | None, Question(_recovers_in), Field(description="Which site must keep its copies.")
    ] = None


RESOURCES = Things(asks=ResourceCondition, of=lambda programme: programme.resources)

REQUESTS = Things(
    asks=RequestCondition,
    of=lambda programme: programme.requests,
    begun=lambda facts, request: facts.past(request.asked),
    title=lambda request: str(request.title or request.resource),
)

PLATFORMS = Things(asks=PlatformCondition, of=lambda programme: programme.platforms)

LINKS = Things(
    asks=LinkCondition,
    of=_links,
    name=lambda linked: f"{linked.platform.name} → {linked.link.to}",
    title=lambda linked: f"{linked.platform.title} → {linked.link.to}",
)

SITES = Things(asks=SiteCondition, of=lambda programme: programme.sites)
