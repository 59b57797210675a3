"""How states, questions and records are said to people."""

from collections.abc import Iterator, Sequence

from inventory.obligations.measures import Measurement, Short, called
from inventory.obligations.states import State
from inventory.words import _


def _marked(message: str) -> str:
    """Return a message as it is; the name tells the extraction of catalogues that it is translated later."""
    return message


_N = _marked
STATES = {
    State.MISSED: _N("missed"),
    State.AT_RISK: _N("at risk"),
    State.NOT_MEASURABLE: _N("not measurable"),
    State.OPEN: _N("open"),
    State.MET: _N("met"),
}
LACKS = {
    "task": _N("no task in the ledger"),
    "signed_off": _N("a task is overdue or has no owner"),
    "guide": _N("no record of the guide"),
    "catalogue": _N("no record of the published catalogue"),
    "report": _N("no record of the report"),
    "evaluation": _N("no record of the evaluation"),
    "committed": _N("not committed"),
    "verified": _N("not verified"),
    "done": _N("its disposition is not carried out"),
    "disposition": _N("something else was settled for it"),
    "decided": _N("not settled what becomes of it"),
    "scheduled": _N("no wave"),
    "handed_over": _N("no hand-over record that names both parties"),
    "untouched": _N("something was done to it or is planned"),
    "catalogued": _N("its catalogue entries are older than its move"),
    "connected": _N("not connected"),
    "reviewed": _N("no review passed before it was connected"),
    "filed": _N("no filing with number and both lists"),
    "not_filed_since": _N("a project was filed for it"),
    "cost_at_most": _N("it still costs money, or its cost is not known"),
    "cost_lowered": _N("its cost was not lowered, or is not known"),
    "released": _N("not released"),
    "attached": _N("not attached"),
    "used": _N("nobody is attached to it"),
    "surveyed": _N("its survey is not complete"),
    "systems": _N("not settled for all its systems"),
    "office_automation": _N("its office system is not connected, or not known"),
    "served_by": _N("not served by the platform"),
    "rooms_at_most": _N("it keeps too many machine rooms"),
    "ready": _N("its readiness was not checked"),
    "disposed": _N("no disposal"),
    "grounded": _N("its legal basis or its conditions are not named"),
    "single_source": _N("another department offers the same"),
    "answered_within": _N("not answered in time"),
    "reasoned": _N("refused without a reason"),
    "deployed": _N("not in service"),
    "linked": _N("its links are not verified"),
    "fed": _N("no resource feeds it"),
    "provisioned": _N("not provisioned"),
    "reachable": _N("not verified to be reachable"),
    "paired": _N("not paired with another site"),
    "copied": _N("no copy was seen there"),
    "drilled": _N("no drill passed"),
    "exempt": _N("no exemption in force"),
    "exempt_for_a_time": _N("no exemption that ends on a day"),
    "vacated": _N("not vacated"),
    "area_at_most": _N("larger than allowed, or its area is not known"),
    "sharing": _N("how it is shared is not said, or is to be another"),
    "recovers_in": _N("its copies are not where they must be"),
}
PLATFORMS = {
    "exchange": _N("exchange platform"),
    "sharing-site": _N("sharing website"),
    "open-data": _N("open-data platform"),
    "portal": _N("one-stop service platform"),
    "identity": _N("user identity platform"),
    "site-cluster": _N("site cluster"),
    "trading": _N("trading platform"),
    "project-approval": _N("project approval platform"),
    "credit": _N("credit platform"),
}


FIRST = 3
"""So many names are told beside a figure."""


def state_word(state: State) -> str:
    """Return a state in words."""
    return _(STATES[state])


def name_of(short: Short, counts: str) -> str:
    """Return how something that falls short is named to people: by its title where it has one."""
    if counts == "platforms" and not short.title:
        return _(PLATFORMS[short.name]) if short.name in PLATFORMS else short.name
    if counts == "record" and len(short.lacks) == 1 and not short.name[:1].isdigit():
        return lack_word(short.lacks[0])
    return short.title or short.name


def lack_word(lack: str, label: str = "") -> str:
    """Return in words what a thing lacks; what is no question of a profile is a field, which may have a label."""
    return _(LACKS[lack]) if lack in LACKS else _("{field} is missing").format(field=label or lack)


def value_words(measurement: Measurement) -> str:
    """Return how far a measure is, such as '7 of 10 systems (9 needed)', and what people took out of account."""
    beside = _beside(measurement)
    if measurement.missing:
        return "; ".join((*measurement.missing, *beside))
    return "; ".join((_value(measurement), *beside))


def _beside(measurement: Measurement) -> Iterator[str]:
    if measurement.by_hand:
        said = _("by hand otherwise, and not carried out yet: {names}")
        yield said.format(names=_named(measurement.by_hand))
    if measurement.left_out:
        yield _("left out by leave: {names}").format(names=_named(measurement.left_out))


def _named(names: Sequence[str]) -> str:
    rest = len(names) - FIRST
    return _(", ").join(names[:FIRST]) + (_(" and {number} more").format(number=rest) if rest > 0 else "")


def _value(measurement: Measurement) -> str:
    things = called(measurement.counts)
    if measurement.denominator == 0 and measurement.enough == 0:
        return _("nothing falls under it ({things})").format(things=things)
    said = _("{numerator} of {denominator} {things}").format(
        numerator=measurement.numerator, denominator=measurement.denominator, things=things
    )
    if measurement.enough != measurement.denominator:
        said += _(" ({enough} needed)").format(enough=measurement.enough)
    return said
