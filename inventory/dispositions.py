"""What becomes of a system by rule, each answer with the clause of the plans that it rests on.

Clauses are those of the plan documents of 2017 and 2018: LN (Liaoning, 辽政办发〔2017〕88号), JM (Jimo district).
"""

from collections.abc import Mapping
from datetime import timedelta

from inventory.base import Model
from inventory.kinds import Kind
from inventory.model import Disposition, Line, Survey, System
from inventory.words import _

MOVES = frozenset({Disposition.REHOST, Disposition.REPLATFORM})
"""The dispositions that a plan carries out by moving components to a site."""

IDLE_YEARS = 2
"""A system that nobody has used for so many years counts as long idle."""


class Decision(Model):
    """What becomes of a system or a line, why, and the clause that says so."""

    disposition: Disposition
    reason: str
    clause: str


def zombie_criterion(survey: Survey | None) -> str | None:
    """Return the criterion by which a system is a zombie, in words; none where it is none.

    Of the five criteria (long detached from the real process; replaceable by another; long idle; maintenance stopped;
    small scope and low frequency) a survey shows those of use; the others are recorded as an override with its reason.
    """
    if survey is None:
        return None
    if survey.frequency == "never":
        return _("nobody uses it: long detached from the real process")
    idle = survey.surveyed - survey.last_used if survey.surveyed and survey.last_used else timedelta(0)
    if survey.last_used is not None and idle > timedelta(days=IDLE_YEARS * 365):
        return _("last used on {date}: its resources are long idle").format(date=survey.last_used.isoformat())
    if survey.frequency == "yearly" and survey.users == "office":
        return _("one office uses it once a year: small scope and low frequency")
    return None


def rule_for(system: System, kinds: Mapping[str, Kind]) -> Decision:
    """Return what the rule makes of a system, whatever is written in it by hand."""
    if system.grading.classified:
        reason = _("classified: only its existence is recorded, the intranet's own plan moves it")
        return Decision(disposition=Disposition.LEAVE, reason=reason, clause="LN-classified 二(二)1, 三(四)3")
    criterion = zombie_criterion(system.survey)
    if criterion is not None:
        return Decision(disposition=Disposition.RETIRE, reason=criterion, clause="LN-zombie 二(二)1; JM-zombie 二(二)")
    changed = sorted({c.kind for c in system.components if c.kind in kinds and kinds[c.kind].moves == "replatform"})
    if changed:
        reason = _("{kinds} change their platform when they move").format(kinds=", ".join(changed))
        return Decision(disposition=Disposition.REPLATFORM, reason=reason, clause="LN-cloud 二(二)1; JM-all 二(一)")
    reason = _("its components run in the cloud as they are")
    return Decision(disposition=Disposition.REHOST, reason=reason, clause="LN-cloud 二(二)1; JM-all 二(一)")


def disposition_of(system: System, kinds: Mapping[str, Kind]) -> Decision:
    """Return what becomes of a system: its override where it has one, otherwise what the rule says."""
    rule = rule_for(system, kinds)
    if system.disposition is None or system.disposition == rule.disposition or system.grading.classified:
        return rule
    override = system.override
    reason = _("by hand: {reason} ({date})").format(
        reason=override.reason if override else "", date=override.date.isoformat() if override else ""
    )
    return rule.model_copy(update={"disposition": system.disposition, "reason": reason})


def untouched_line(line: Line) -> Decision | None:
    """Return why a line is left alone; none where it is consolidated."""
    if line.golden_project is not None:
        reason = _("belongs to the national golden project {project}").format(project=line.golden_project)
        return Decision(disposition=Disposition.LEAVE, reason=reason, clause="LN-golden 三(四)3")
    if line.domain is None:
        reason = _("no domain of the extranet takes its traffic")
        return Decision(disposition=Disposition.LEAVE, reason=reason, clause="")
    return None
