"""Questions that a measure may ask of systems."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from inventory.blanks import says_nothing
from inventory.dispositions.common import named_functions
from inventory.dispositions.decisions import MOVES
from inventory.dispositions.zombies import SMALL_SCOPES
from inventory.model import Disposition, System
from inventory.obligations.conditions import (
    FIELDS_GIVEN,
    Condition,
    Question,
    Things,
    Truth,
    achieved,
    given,
    known,
    paths_of,
)
from inventory.obligations.facts import Facts

if TYPE_CHECKING:
    Paths = tuple[str, ...]
else:
    Paths = paths_of(System)

Common = Literal["office", "approval", "enforcement", "service", "meeting", "video", "messaging", "website", "exchange"]


def _decided(_facts: Facts, system: System) -> Truth:
    # A disposition by hand settles nothing where nobody knows what the system is.
    return system.grading.classified or given(system, "survey")


def _scheduled(facts: Facts, system: System) -> Truth:
    # What a person keeps from moving has a wave in which that is seen to, as what moves has.
    both = {facts.ground.disposition[system.system], facts.ground.ruled[system.system]}
    return system.wave is not None or not both & MOVES


def _shown(facts: Facts, system: System, *kinds: str) -> bool:
    return any(facts.shown(kind, "system", system.system) for kind in kinds)


def _done(facts: Facts, system: System) -> Truth:
    match facts.ground.disposition[system.system]:
        case Disposition.RETIRE:
            return _shown(facts, system, "retired")
        case Disposition.MERGE:
            return _shown(facts, system, "merged")
        case Disposition.RELOCATE:
            return _shown(facts, system, "relocated", "committed")
        case Disposition.LEAVE:
            return facts.ground.ruled[system.system] is Disposition.LEAVE
        case _:
            return _shown(facts, system, "committed")


def _untouched(facts: Facts, system: System) -> Truth:
    planned = system.disposition not in {None, Disposition.LEAVE} or any(
        part.to is not None for part in system.components
    )
    return not planned and not _shown(facts, system, "committed", "relocated", "merged", "retired")


def _catalogued(facts: Facts, system: System) -> Truth:
    moved = facts.ground.achievements.first("committed", "system", system.system)
    if moved is None or not facts.past(moved):
        return False
    entries = (each.updated or each.published for each in facts.ground.resources.get(system.system, ()))
    return all(day is not None and moved <= day <= facts.day for day in entries)


def _feeds(facts: Facts, system: System) -> Truth:
    if system.system in facts.ground.resources:
        return True
    # Data of which nobody wrote from where they come may come from here.
    return None if system.department in facts.ground.sourceless else False


def _connected(facts: Facts, system: System) -> Truth:
    return system.exchange is not None and facts.past(system.exchange.connected)


def _reviewed(facts: Facts, system: System) -> Truth:
    link = system.exchange
    if link is None or link.reviewed is None or not facts.past(link.reviewed):
        return False
    return link.connected is None or link.reviewed <= link.connected


def _filed(facts: Facts, system: System) -> Truth:
    filing = system.filing
    if filing is None or not facts.past(filing.date):
        return False
    lists = (filing.resources, (*filing.shared, *filing.needed))
    return not says_nothing(filing.number) and all(any(not says_nothing(each) for each in one) for one in lists)


def _not_filed_since(_facts: Facts, system: System, since: date) -> Truth:
    return system.filing is None or system.filing.date < since


def _cost(facts: Facts, system: System) -> float | None:
    recorded = facts.cost("system", system.system)
    return recorded if recorded is not None or system.survey is None else system.survey.running_cost


def _cost_at_most(facts: Facts, system: System, most: float) -> Truth:
    cost = _cost(facts, system)
    return None if cost is None else cost <= most


def _cost_lowered(facts: Facts, system: System) -> Truth:
    before, now = system.survey.running_cost if system.survey is not None else None, _cost(facts, system)
    if now is None:
        return None
    return now == 0 or (before is not None and now < before)


def _shadow(_facts: Facts, system: System) -> Truth:
    if not given(system, "survey") or system.survey is None:
        return None
    return system.survey.replaceable_by is not None


def _office_level(_facts: Facts, system: System) -> Truth:
    if system.office is not None:
        return True
    scope = system.survey.users.strip() if system.survey is not None else ""
    # Who uses it tells whether it is one office's, where no office is named.
    return None if says_nothing(scope) else scope in SMALL_SCOPES


def _common(_facts: Facts, system: System, words: tuple[str, ...]) -> Truth:
    if system.common is None and (not given(system, "survey.function") or named_functions(system.title) & set(words)):
        return None
    return system.common in words


def _becomes(facts: Facts, system: System, words: tuple[Disposition, ...]) -> Truth:
    return facts.ground.disposition[system.system] in words


def _falls_under(facts: Facts, system: System, words: tuple[Disposition, ...]) -> Truth:
    """Whether the rule or a person puts a system under a disposition: a person alone takes none out of account."""
    return facts.ground.disposition[system.system] in words or facts.ground.ruled[system.system] in words


def _by_hand(facts: Facts, system: System, where: "SystemCondition | None") -> bool:
    words = where.disposition if where is not None else ()
    return bool(words) and facts.ground.disposition[system.system] not in words


def carried_out(facts: Facts, system: System) -> Truth:
    """Return whether that which a person wrote in place of the rule was done; that it is left alone is no deed."""
    return facts.ground.disposition[system.system] is not Disposition.LEAVE and _done(facts, system)


class SystemCondition(Condition):
    """What is asked of a system; everything that is given must hold."""

    classified: Annotated[bool | None, known(lambda _facts, system: bool(system.grading.classified))] = None
    disposition: Annotated[
        tuple[Disposition, ...],
        Question(_becomes, selects=_falls_under),
        Field(description="What becomes of it is one of these; where it is asked what counts, by hand or by rule."),
    ] = ()
    decided: Annotated[bool | None, achieved(_decided), Field(description="What becomes of it is known.")] = None
    scheduled: Annotated[bool | None, achieved(_scheduled), Field(description="It has a wave, if it moves at all.")] = (
        None
    )
    done: Annotated[bool | None, achieved(_done), Field(description="Its disposition has been carried out.")] = None
    committed: Annotated[
        bool | None,
        achieved(lambda facts, system: _shown(facts, system, "committed")),
        Field(description="It moved and its way back was given up."),
    ] = None
    verified: Annotated[
        bool | None,
        achieved(lambda facts, system: _shown(facts, system, "verified")),
        Field(description="What it does was checked after its move."),
    ] = None
    handed_over: Annotated[
        int | None,
        Question(
            lambda facts, system, least: facts.parties("handed-over", "system", system.system) >= least, achieved=True
        ),
        Field(ge=1, description="Parties in the record of its hand-over."),
    ] = None
    untouched: Annotated[
        bool | None, achieved(_untouched), Field(description="Nothing moves it and nothing was done to it.")
    ] = None
    zombie: Annotated[
        bool | None,
        known(lambda facts, system: facts.ground.zombies[system.system]),
        Field(description="One of the five criteria holds."),
    ] = None
    shadow: Annotated[bool | None, known(_shadow), Field(description="Another system does the same.")] = None
    office_level: Annotated[
        bool | None,
        known(_office_level),
        Field(description="It belongs to a single office."),
    ] = None
    common: Annotated[
        tuple[Common, ...],
        Question(_common),
        Field(description="Its common function is one of these."),
    ] = ()
    exempt: Annotated[
        bool | None,
        known(lambda facts, system: facts.exempt(system.exemption)),
        Field(description="It has leave to stay as it is."),
    ] = None
    feeds: Annotated[
        bool | None,
        known(_feeds),
        Field(description="The catalogue has resources that come from it."),
    ] = None
    catalogued: Annotated[
        bool | None,
        achieved(_catalogued),
        Field(description="Its resources were brought up to date in the catalogue since its move."),
    ] = None
    connected: Annotated[
        bool | None, achieved(_connected), Field(description="Its connection to the exchange platform is verified.")
    ] = None
    reviewed: Annotated[
        bool | None, achieved(_reviewed), Field(description="A review was passed, and before it was connected.")
    ] = None
    filed: Annotated[bool | None, achieved(_filed), Field(description="It has a filing number and both lists.")] = None
    not_filed_since: Annotated[
        date | None,
        Question(_not_filed_since),
        Field(description="No project for it was filed from this day on."),
    ] = None
    cost_at_most: Annotated[
        float | None, Question(_cost_at_most, achieved=True), Field(ge=0, description="Yuan a year to run it.")
    ] = None
    cost_lowered: Annotated[
        bool | None, achieved(_cost_lowered), Field(description="Running it costs nothing, or less than surveyed.")
    ] = None
    fields: Annotated[Paths, FIELDS_GIVEN, Field(description="Fields that must be given.")] = ()


SYSTEMS = Things(
    asks=SystemCondition,
    of=lambda programme: programme.systems,
    name=lambda system: str(system.system),
    by_hand=_by_hand,
    carried_out=carried_out,
    anchor=lambda facts, system: facts.ground.achievements.first("committed", "system", system.system),
)
