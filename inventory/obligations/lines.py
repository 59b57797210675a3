"""What a measure may ask of lines, and of the domains that take their traffic over."""

from typing import Annotated, Literal

from pydantic import Field

from inventory.base import Model
from inventory.model import Line
from inventory.obligations.conditions import Things, Truth, flag
from inventory.obligations.facts import Facts
from inventory.obligations.systems import exempt


class LineCondition(Model):
    """What is asked of a line; everything that is given must hold."""

    kind: tuple[Literal["leased", "private-network", "internet-exit"], ...] = ()
    golden: Annotated[bool | None, Field(description="It belongs to a national golden project.")] = None
    released: Annotated[bool | None, Field(description="It was given back.")] = None
    untouched: Annotated[bool | None, Field(description="Nothing was done to it.")] = None
    decided: Annotated[bool | None, Field(description="It is known what becomes of it.")] = None
    exempt: Annotated[bool | None, Field(description="It has leave to stay.")] = None
    exempt_for_a_time: Annotated[bool | None, Field(description="It has leave to stay until a day that is named.")] = (
        None
    )
    cost_lowered: Annotated[bool | None, Field(description="Its rent is nothing, or less than surveyed.")] = None
    any: Annotated[tuple["LineCondition", ...], Field(description="One of these must hold.")] = ()


class DomainCondition(Model):
    """What is asked of a domain of the extranet."""

    used: Annotated[bool | None, Field(description="Somebody's access circuit leads into it.")] = None


def _released(facts: Facts, line: Line) -> Truth:
    return facts.past(line.released) or facts.shown("committed", "line", line.name)


def _decided(facts: Facts, line: Line) -> Truth:
    known = (line.golden_project, line.domain, line.exemption)
    return any(each is not None for each in known) or bool(_released(facts, line))


def _for_a_time(facts: Facts, line: Line) -> Truth:
    return line.exemption is not None and line.exemption.until is not None and exempt(facts, line.exemption)


def _cost_lowered(facts: Facts, line: Line) -> Truth:
    known = [
        each.amount
        for each in facts.ground.achievements.of("cost", "line", line.name)
        if each.date <= facts.day and each.amount is not None
    ]
    now = 0.0 if _released(facts, line) else known[-1] if known else line.rent
    return now == 0 or now < line.rent


LINES = Things(
    of=lambda programme: programme.network.lines,
    name=lambda line: str(line.name),
    title=lambda line: str(line.title or line.name),
    tests={
        "kind": lambda _facts, line, words: line.kind in words,
        "golden": flag(lambda _facts, line: line.golden_project is not None),
        "released": flag(_released),
        "untouched": flag(lambda facts, line: not _released(facts, line)),
        "decided": flag(_decided),
        "exempt": flag(lambda facts, line: exempt(facts, line.exemption)),
        "exempt_for_a_time": flag(_for_a_time),
        "cost_lowered": flag(_cost_lowered),
    },
    evidence=frozenset({"released", "untouched", "decided", "cost_lowered"}),
)

DOMAINS = Things(
    of=lambda programme: programme.network.domains,
    name=lambda domain: str(domain.name),
    title=lambda domain: str(domain.title),
    tests={
        "used": flag(
            lambda facts, domain: any(each.domain == domain.name for each in facts.ground.programme.network.attachments)
        )
    },
    evidence=frozenset({"used"}),
)
