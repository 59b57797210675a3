"""The five criteria by which a system is a zombie; one that is met is enough.

All five plans name them: long out of the real process, replaceable by another, resources long idle, maintenance
stopped, small scope and low frequency of use. A survey that says nothing leaves a criterion open.
"""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from inventory.blanks import says_nothing
from inventory.model import Survey
from inventory.words import _N, Phrase, phrase

IDLE_YEARS = 2
"""A system that nobody has used for so many years counts as long idle."""
IDLE_LOAD = 1.0
"""Below so many per cent of processor time the hosts of a rarely used system count as idle."""
FEW_USERS = 10
"""So many users at the most are a small scope."""
ABOUT = timedelta(days=31)
"""Of many days only the month is known: so much later is not yet after a survey."""
SMALL_SCOPES = frozenset({"office", "section", "处室", "科室", "本处室", "本科室", "个人"})
RARE = frozenset({"monthly", "yearly", "never"})
VERY_RARE = frozenset({"yearly", "never"})


class Verdict(StrEnum):
    """Whether a rule applies, or whether the survey is silent on what it asks for."""

    APPLIES = "applies"
    NOT = "does-not-apply"
    OPEN = "not-known"


class Answer(NamedTuple):
    """What a rule answers, why, and the fields on which that rests, as paths inside the system or line."""

    verdict: Verdict
    reason: Phrase
    fields: tuple[str, ...]


class Criterion(NamedTuple):
    """One of the five criteria."""

    name: str
    test: Callable[[Survey], Answer]


def _detached(survey: Survey) -> Answer:
    fields = ("survey.in_process", "survey.frequency")
    if survey.in_process is False:
        return Answer(Verdict.APPLIES, phrase(_N("the real work no longer goes through it")), fields[:1])
    if survey.frequency == "never":
        return Answer(Verdict.APPLIES, phrase(_N("nobody uses it: long detached from the real process")), fields[1:])
    if survey.in_process is None and survey.frequency is None:
        return Answer(Verdict.OPEN, phrase(_N("whether the real work goes through it was not reported")), fields)
    return Answer(Verdict.NOT, phrase(_N("the real work goes through it")), fields)


def _replaceable(survey: Survey) -> Answer:
    fields = ("survey.replaceable_by",)
    if survey.replaceable_by is not None:
        return Answer(Verdict.APPLIES, phrase(_N("'{system}' does the same"), system=survey.replaceable_by), fields)
    return Answer(Verdict.NOT, phrase(_N("no other system was named that does the same")), fields)


def _idle(survey: Survey) -> Answer:
    used, reported = survey.last_used, survey.surveyed
    fields = ("survey.last_used", "survey.surveyed")
    if used is not None and reported is not None and reported - used > timedelta(days=IDLE_YEARS * 365):
        reason = phrase(_N("last used on {date}: its resources are long idle"), date=used.isoformat())
        return Answer(Verdict.APPLIES, reason, fields)
    load = survey.usage.cpu_load if survey.usage is not None else None
    if load is not None and load < IDLE_LOAD and survey.frequency in RARE:
        reason = phrase(_N("seldom used, and its hosts' processors are at {load} %: idle"), load=f"{load:g}")
        return Answer(Verdict.APPLIES, reason, ("survey.usage.cpu_load", "survey.frequency"))
    if load is None and used is not None and reported is not None and used - reported > ABOUT:
        return Answer(Verdict.OPEN, phrase(_N("its last use is said to be after the survey")), fields)
    if load is None and (used is None or reported is None):
        return Answer(Verdict.OPEN, phrase(_N("neither its last use nor its load was reported")), fields)
    return Answer(Verdict.NOT, phrase(_N("its resources are in use")), (*fields, "survey.usage.cpu_load"))


def _unmaintained(survey: Survey) -> Answer:
    fields = ("survey.maintained",)
    if survey.maintained is False:
        return Answer(Verdict.APPLIES, phrase(_N("its maintenance and updates have stopped")), fields)
    if survey.maintained is None:
        return Answer(Verdict.OPEN, phrase(_N("whether it is maintained was not reported")), fields)
    return Answer(Verdict.NOT, phrase(_N("it is maintained")), fields)


def _small(survey: Survey) -> Answer:
    fields = ("survey.users", "survey.user_count", "survey.frequency")
    small = survey.users in SMALL_SCOPES or (survey.user_count is not None and survey.user_count <= FEW_USERS)
    if small and survey.frequency in VERY_RARE:
        reason = phrase(_N("few use it, and once a year at the most: small scope and low frequency"))
        return Answer(Verdict.APPLIES, reason, fields)
    if survey.frequency is None or (says_nothing(survey.users) and survey.user_count is None):
        return Answer(Verdict.OPEN, phrase(_N("its scope or frequency of use was not reported")), fields)
    return Answer(Verdict.NOT, phrase(_N("its scope and frequency of use are not small")), fields)


CRITERIA = (
    Criterion("out-of-process", _detached),
    Criterion("replaceable", _replaceable),
    Criterion("idle", _idle),
    Criterion("unmaintained", _unmaintained),
    Criterion("small-and-rare", _small),
)
"""The five, in the order of the plans."""


def criteria_of(survey: Survey | None) -> tuple[tuple[str, Answer], ...]:
    """Return the answer of each of the five criteria by its name; all are open without a survey."""
    if survey is None:
        silent = Answer(Verdict.OPEN, phrase(_N("there is no survey")), ("survey",))
        return tuple((criterion.name, silent) for criterion in CRITERIA)
    return tuple((criterion.name, criterion.test(survey)) for criterion in CRITERIA)
