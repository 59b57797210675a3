"""Measures: pure functions over a programme and its evidence on one day.

Every measure is a number of things that satisfy it among those that fall under it. What falls under it never depends on
what was achieved, so evidence of one more success can only raise a measure.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from inventory.base import Model
from inventory.blanks import says_nothing
from inventory.obligations.conditions import Things, Truth, asked, lacking
from inventory.obligations.facts import Facts
from inventory.obligations.profile import THINGS, Measure, PlatformShare, Recorded, Share
from inventory.obligations.workdays import working_day_after
from inventory.words import _

_TWO = 2
SURVEYED = frozenset({"systems", "lines", "rooms"})
"""What departments report: where one is silent it may have more of them."""


class Short(Model):
    """Something that falls short of a measure."""

    name: str
    title: str = ""
    lacks: tuple[str, ...] = ()
    """The questions of the profile that are not answered as wanted."""
    since: date | None = None
    """The event from which its time is counted, where it has happened."""


class Measurement(Model):
    """What a measure says: so many of so many, how many are wanted, and what falls short."""

    counts: str
    """What is counted: the word of the profile."""
    numerator: int
    denominator: int
    enough: int
    """The number that is wanted; never more than there are, unless a plan wants more than the inventory has."""
    short: tuple[Short, ...] = ()
    missing: tuple[str, ...] = ()
    """What the inventory lacks; with it the measure says nothing."""
    notes: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    """What a person took out of account, by title, and did not carry out: it counts all the same, as falling short."""
    left_out: tuple[str, ...] = ()
    """What does not count by leave, by title."""

    @property
    def measurable(self) -> bool:
        """Return whether it says anything."""
        return not self.missing

    @property
    def reached(self) -> bool:
        """Return whether so many are there as are wanted."""
        return self.measurable and self.numerator >= self.enough

    @property
    def value(self) -> float | None:
        """Return the share that was reached; None where nothing falls under the measure."""
        return self.numerator / self.denominator if self.denominator else None

    @property
    def target(self) -> float | None:
        """Return the share that is wanted; None where nothing falls under the measure."""
        return self.enough / self.denominator if self.denominator else None

    @property
    def progress(self) -> float:
        """Return how much of what is wanted was reached, from 0 to 1."""
        return min(1.0, self.numerator / self.enough) if self.enough > 0 else 1.0


def called(word: str) -> str:
    """Return what a measure counts, in words."""
    return {
        "systems": _("systems"),
        "lines": _("lines"),
        "domains": _("domains"),
        "departments": _("departments"),
        "units": _("units of departments"),
        "rooms": _("machine rooms"),
        "assets": _("equipment"),
        "resources": _("data resources"),
        "requests": _("requests for data"),
        "platforms": _("platforms"),
        "links": _("links between platforms"),
        "sites": _("sites"),
        "record": _("records"),
        "ledger": _("obligations in the ledger"),
    }[word]


def measure(wanted: Measure, facts: Facts, obligation: str) -> Measurement:
    """Take one measure on the day of the facts; `obligation` is the id under which records are looked for."""
    word = wanted.word
    asked_for: Any = getattr(wanted, word)
    match word:
        case "record":
            return _recorded(asked_for, facts, obligation)
        case "ledger":
            return _ledger(asked_for, facts)
        case "platforms":
            return _platforms(asked_for, facts)
        case _:
            return _shared(word, asked_for, facts)


def _shared(word: str, share: Any, facts: Facts) -> Measurement:
    things = THINGS[word]
    every = tuple(each for each in things.of(facts.ground.programme) if things.begun(facts, each))
    if not every and word != "requests":
        return _unmeasured(word, _("the inventory has none: {things}").format(things=called(word)))
    selects, satisfies = asked(share.where, selecting=True), asked(share.holds)
    answers = [(each, selects(facts, each)) for each in every]
    selected = [each for each, answer in answers if answer]
    unknown = sum(answer is None for _each, answer in answers)
    by_hand = [each for each in selected if things.by_hand(facts, each, share.where)]
    judged = [
        (each, things.carried_out(facts, each) if each in by_hand else satisfies(facts, each)) for each in selected
    ]
    if missing := _missing(word, share, judged, unknown) or _all_secret(word, share, every):
        return _unmeasured(word, missing)
    notes = [_left_out(word, unknown)] if unknown else []
    if word == "requests":
        notes += _uncertain(share, selected, facts)
    titled = _titles(things, every, facts)
    found = _counted(word, share, facts, judged, titled).model_copy(update={"notes": tuple(notes)})
    silent = _silent(word, facts)
    unsure = [each for each in (*notes[: bool(unknown)], silent) if each]
    return found.model_copy(update={
        "by_hand": tuple(titled(each) for each, answer in judged if each in by_hand and not answer),
        "left_out": tuple(titled(each) for each, answer in answers
                          if answer is False and things.left_out(facts, each, share.where)),
        "notes": (*found.notes, *((silent,) if silent else ())),
        # What is not known may be what falls short: no figure is reached by silence.
        "missing": tuple(unsure) if found.reached and share.at_least is None else (),
    })  # fmt: skip


def _all_secret(word: str, share: Any, every: Sequence[Any]) -> str:
    """Say that nothing is left of which a plan could speak, where all systems are classified; nothing otherwise."""
    asks = word == "systems" and share.where is not None and share.where.classified is False
    return _("all systems of the inventory are classified") if asks and all(s.grading.classified for s in every) else ""


def _silent(word: str, facts: Facts) -> str:
    """Say how many departments have not answered, so that what they have is in no figure; nothing where all have."""
    if word not in SURVEYED:
        return ""
    programme = facts.ground.programme
    listed = {
        "lines": {each.department for each in programme.network.lines},
        "rooms": {each.name for each in programme.departments if each.rooms},
    }
    number = len(facts.silent - listed.get(word, set()))
    if not number:
        return ""
    told = _("departments that have not answered, whose {things} are not known: {number}")
    return told.format(things=called(word), number=number)


def _titles(things: Things, every: Iterable[Any], facts: Facts) -> Callable[[Any], str]:
    """Return how things are called: by their titles, with the department where several have the same one."""
    number = Counter(map(things.title, every))

    def titled(thing: Any) -> str:
        title = things.title(thing)
        owner = getattr(thing, "department", None)
        owner = facts.ground.departments.get(owner) if isinstance(owner, str) else owner
        if not title or number[title] < _TWO or owner is None:
            return title
        return _("{title} ({department})").format(title=title, department=owner.title)

    return titled


def _counted(
    word: str, share: Any, facts: Facts, judged: Sequence[tuple[Any, Truth]], titled: Callable[[Any], str]
) -> Measurement:
    things = THINGS[word]
    short = tuple(
        Short(
            name=things.name(each),
            title=titled(each),
            lacks=lacking(share.holds, facts, each),
            since=things.anchor(facts, each) if things.anchor is not None else None,
        )
        for each, answer in judged
        if not answer
    )
    count = len(judged)
    return Measurement(
        counts=word,
        numerator=count - len(short),
        denominator=count,
        enough=_enough(share, count),
        short=short,
    )


def _enough(share: Share, count: int) -> int:
    if share.at_least is not None:
        return share.at_least
    # A share such as 0.7 of 10 is 7, whatever binary fractions make of it.
    return max(0, math.ceil(share.target * count - 1e-9) - share.spare)


def _missing(word: str, share: Share, judged: Sequence[tuple[Any, Truth]], unknown: int) -> str:
    if not judged and unknown:
        return _left_out(word, unknown)
    if not judged and share.empty == "missing":
        return _("none in the inventory is of the sort that is meant: {things}").format(things=called(word))
    if judged and all(answer is None for _each, answer in judged):
        return _("the facts that decide it are known of none: {things}").format(things=called(word))
    return ""


def _left_out(word: str, unknown: int) -> str:
    return _("not known whether they fall under it: {number} ({things})").format(number=unknown, things=called(word))


def _unmeasured(word: str, missing: str) -> Measurement:
    return Measurement(counts=word, numerator=0, denominator=0, enough=0, missing=(missing,))


def _uncertain(share: Any, requests: Iterable[Any], facts: Facts) -> list[str]:
    days = share.holds.answered_within
    if days is None:
        return []
    years = {
        end.day.year
        for each in requests
        if not facts.past(each.answered) and not (end := working_day_after(each.asked, days)).certain
    }
    said = _("no holiday notice is known for {year}: every Monday to Friday counts as a working day")
    return [said.format(year=year) for year in sorted(years)]


def _platforms(share: PlatformShare, facts: Facts) -> Measurement:
    satisfies = asked(share.holds)
    short: list[Short] = []
    wanted = share.topics or share.kinds
    for word in wanted:
        of_word = [
            each
            for each in facts.ground.programme.platforms
            if each.kind in share.kinds and word == (each.topic if share.topics else each.kind)
        ]
        if not any(satisfies(facts, each) for each in of_word):
            lacks = lacking(share.holds, facts, of_word[0]) if of_word else ()
            short.append(Short(name=word, title=of_word[0].title if of_word else "", lacks=lacks))
    count = len(wanted)
    return Measurement(
        counts="platforms",
        numerator=count - len(short),
        denominator=count,
        enough=_enough(share, count),
        short=tuple(short),
    )


def _recorded(recorded: Recorded, facts: Facts, obligation: str) -> Measurement:
    subject = recorded.subject or obligation
    there = facts.shown(str(recorded.kind), "obligation", subject)
    short = () if there else (Short(name=subject, lacks=(str(recorded.kind),)),)
    return Measurement(counts="record", numerator=int(there), denominator=1, enough=1, short=short)


def _ledger(share: Share, facts: Facts) -> Measurement:
    kept: dict[str, bool] = {}
    for task in facts.ground.programme.tasks:
        # Whoever gives himself more time than the plan gives has no more of it.
        last = min(task.due, facts.ground.last_days.get(task.obligation, task.due))
        in_order = not says_nothing(task.owner) and (facts.past(task.signed_off) or facts.day <= last)
        kept[task.obligation] = kept.get(task.obligation, True) and in_order
    ids = facts.ground.obligations
    short = tuple(
        Short(name=each, lacks=("signed_off",) if each in kept else ("task",)) for each in ids if not kept.get(each)
    )
    return Measurement(
        counts="ledger",
        numerator=len(ids) - len(short),
        denominator=len(ids),
        enough=_enough(share, len(ids)),
        short=short,
    )
