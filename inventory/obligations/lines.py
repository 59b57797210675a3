"""Questions that a measure may ask of lines, and of the domains that take their traffic over."""

from typing import Annotated, Literal

from pydantic import Field

from inventory.derived.exits import uplinks
from inventory.dispositions.decisions import GOLDEN_PROJECTS
from inventory.model import Domain, Line
from inventory.obligations.conditions import Condition, Question, Things, Truth, achieved, given, known
from inventory.obligations.facts import Facts


def _released(facts: Facts, line: Line) -> Truth:
    return facts.past(line.released) or facts.shown("committed", "line", line.name)


def golden(line: Line) -> bool:
    """Return whether a line is a business network of a national golden project; an internet exit is none."""
    return line.golden_project in GOLDEN_PROJECTS and line.kind != "internet-exit"


def _decided(facts: Facts, line: Line) -> Truth:
    settled = golden(line) or line.domain is not None
    return settled or facts.exempt(line.exemption) or _released(facts, line)


def _for_a_time(facts: Facts, line: Line) -> Truth:
    return facts.exempt(line.exemption) and line.exemption is not None and line.exemption.until is not None


def _cost_lowered(facts: Facts, line: Line) -> Truth:
    recorded = facts.cost("line", line.name)
    if _released(facts, line) or recorded == 0:
        return True
    if not given(line, "rent"):
        return None  # a rent that nobody wrote is not one of nothing
    return line.rent == 0 if recorded is None else recorded < line.rent


def _left_out(facts: Facts, line: Line, where: "LineCondition | None") -> bool:
    if where is None or (where.kind and line.kind not in where.kind):
        return False
    return (where.golden is False and golden(line)) or (where.exempt is False and facts.exempt(line.exemption))


def _used(facts: Facts, domain: Domain) -> Truth:
    return any(each.domain == domain.name for each in facts.ground.programme.network.attachments)


class LineCondition(Condition):
    """What is asked of a line; everything that is given must hold."""

    kind: Annotated[
        tuple[Literal["leased", "private-network", "internet-exit"], ...],
        Question(lambda _facts, line, words: line.kind in words),
    ] = ()
    golden: Annotated[
        bool | None,
        known(lambda _facts, line: golden(line)),
        Field(description="It belongs to a national golden project."),
    ] = None
    released: Annotated[bool | None, achieved(_released), Field(description="It was given back.")] = None
    untouched: Annotated[
        bool | None,
        achieved(lambda facts, line: not _released(facts, line)),
        Field(description="Nothing was done to it."),
    ] = None
    decided: Annotated[bool | None, achieved(_decided), Field(description="It is known what becomes of it.")] = None
    exempt: Annotated[
        bool | None,
        known(lambda facts, line: facts.exempt(line.exemption)),
        Field(description="It has leave to stay."),
    ] = None
    exempt_for_a_time: Annotated[
        bool | None, known(_for_a_time), Field(description="It has leave to stay until a day that is named.")
    ] = None
    cost_lowered: Annotated[
        bool | None, achieved(_cost_lowered), Field(description="Its rent is nothing, or less than surveyed.")
    ] = None


class DomainCondition(Condition):
    """What is asked of a domain of the extranet."""

    used: Annotated[bool | None, achieved(_used), Field(description="Somebody's access circuit leads into it.")] = None


LINES = Things(
    asks=LineCondition,
    # What the extranet itself reaches the internet by is no department's.
    of=lambda programme: tuple(line for line in programme.network.lines if line.name not in uplinks(programme.network)),
    title=lambda line: str(line.title or line.name),
    left_out=_left_out,
)

DOMAINS = Things(asks=DomainCondition, of=lambda programme: programme.network.domains)
