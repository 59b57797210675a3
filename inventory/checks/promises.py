"""Impossible things written by hand: overrides, exemptions, answers, mergers, and dates in the wrong order."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from inventory.checks.decided import Decided
from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.findings import Finding, Severity
from inventory.model import Disposition
from inventory.words import _N, _

TAKEN_OVER = frozenset({Disposition.MERGE, Disposition.RETIRE})
"""The dispositions with which another system or platform may take over what a system does."""


class Order(NamedTuple):
    """That one date of a member does not lie after another."""

    holder: str
    first: tuple[str, ...]
    then: tuple[str, ...]
    severity: Severity = Severity.ERROR


ORDERS = (
    Order("rooms", ("exemption", "granted"), ("exemption", "until")),
    Order("lines", ("exemption", "granted"), ("exemption", "until")),
    Order("systems", ("exemption", "granted"), ("exemption", "until")),
    Order("requests", ("asked",), ("answered",)),
    # What departments reported is not ours to refuse; that a connection came before its review is an obligation missed.
    Order("systems", ("exchange", "reviewed"), ("exchange", "connected"), Severity.WARNING),
    Order("systems", ("survey", "launched"), ("survey", "last_used"), Severity.WARNING),
    Order("systems", ("survey", "last_used"), ("survey", "surveyed"), Severity.WARNING),
    Order("systems", ("survey", "approved"), ("survey", "surveyed"), Severity.WARNING),
)


REASONED = (
    ("rooms", ("exemption", "reason")),
    ("lines", ("exemption", "reason")),
    ("systems", ("exemption", "reason")),
    ("systems", ("override", "reason")),
    ("no shadows", ("reason",)),
)
"""What a person decides against a rule, and where its reason stands."""


def dates(index: Index) -> Iterator[Finding]:
    """Dates that lie before what must come before them."""
    for order in ORDERS:
        for holder in index.parts(order.holder):
            first, then = _date(holder, order.first), _date(holder, order.then)
            if first is not None and then is not None and then < first:
                reason = _("{then} lies before {key} ({first})").format(
                    then=then, key=".".join(order.first), first=first
                )
                place = holder.down(*order.then) or holder
                yield place.finding(reason, _("mend one of the two dates"), order.severity)


LAPSED: Mapping[str, tuple[str, str]] = {
    "rooms": ("vacated", _N("the exemption ended on {until}: the room counts again among those that must go")),
    "lines": (
        "released",
        _N("the exemption ended on {until}: the line is due, and no plan takes it while this stands"),
    ),
    "systems": ("", _N("the exemption ended on {until}: the zombie is due, and the rule spares it while this stands")),
}
"""By what a holder of an exemption is through with it, and what is said of an exemption that is over."""


def lapsed(index: Index, day: date) -> Iterator[Finding]:
    """Exemptions whose last day is over: obligations do not count them any more.

    A plan goes by an exemption for as long as it is written down: no clock cuts a line or stops a system, a person does
    by taking it out. So the end of one is told here.
    """
    for kind, (through, reason) in LAPSED.items():
        for holder in index.parts(kind):
            until = _date(holder, ("exemption", "until"))
            if until is None or day <= until or (through and holder.text(through) is not None):
                continue
            place = holder.down("exemption", "until") or holder
            mend = _("have it granted anew, or take the exemption out")
            yield place.finding(_(reason).format(until=until), mend, Severity.WARNING)


def _date(holder: Cursor, keys: tuple[str, ...]) -> date | None:
    try:
        return date.fromisoformat(holder.text(*keys) or "")
    except ValueError:
        return None


def reasons(index: Index) -> Iterator[Finding]:
    """Exemptions, overrides and the like that give no reason, refusals without one, and answers half written."""
    for kind, keys in REASONED:
        for holder in index.parts(kind):
            written = holder.text(*keys)
            if written is not None and not written.strip():
                place = holder.down(*keys) or holder
                yield place.finding(_("the reason is empty"), _("say what it rests on"))
    for request in index.parts("requests"):
        yield from _answer(request)


def _answer(request: Cursor) -> Iterator[Finding]:
    node = request.below(("granted",))
    granted = node.plain if node is not None else None
    answered = request.text("answered") is not None
    if granted is False and not (request.text("reason") or "").strip():
        yield request.key("reason").finding(_("a refusal gives its reason"), _("add reason:"))
    if answered and granted is None:
        reason = _("it was answered, and nothing says how")
        yield request.key("granted").finding(reason, _("add granted: true, or granted: false with its reason"))
    if granted is not None and not answered:
        yield request.key("answered").finding(_("there is an answer without its date"), _("add answered: and the date"))


def overrides(each: Decided) -> Iterator[Finding]:
    """A disposition against the rule without its reason, an override of nothing, a successor where none can be."""
    place, system, rule, decision = each
    if system.disposition not in {None, rule.disposition} and system.override is None:
        reason = _("by rule the disposition is '{rule}' ({reason})").format(rule=rule.disposition, reason=rule.reason)
        yield place.key("disposition").finding(reason, _("remove it, or add override: {reason: …, date: …}"))
    if system.override is not None and system.disposition is None:
        mend = _("add disposition: and what becomes of the system, or remove the override")
        yield place.key("override").finding(_("an override says what becomes of the system"), mend)
    elif system.override is not None and system.disposition == rule.disposition:
        reason = _("the rule says '{rule}' too: nothing is overridden").format(rule=rule.disposition)
        yield place.key("override").finding(reason, _("remove disposition and override"), Severity.NOTE)
    if system.into is not None and decision.disposition not in TAKEN_OVER:
        reason = _("its disposition is '{disposition}': nothing takes over what it does").format(
            disposition=decision.disposition
        )
        mend = _("remove 'into', or add disposition: merge with an override")
        yield place.key("into").finding(reason, mend)
