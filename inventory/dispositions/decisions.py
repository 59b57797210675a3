"""The disposition of a system or a line by rule, each answer with the clause of the plans that it rests on.

The rules are two ordered tables; the first that applies decides, and a disposition set by hand, with its reason and
date, overrules it. A programme's own plan only decides which clause is cited: clauses are ids of obligations, LN those
of Liaoning (2017), GX Guangxi (2017), HE Hebei (2017), TS Tianshui (2017), JM Jimo (2018).
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from inventory.base import Model
from inventory.blanks import says_nothing
from inventory.dispositions.zombies import Answer, Verdict, criteria_of
from inventory.kinds import Kind
from inventory.model import Disposition, Exemption, Line, System
from inventory.words import _N, Phrase, _, phrase

MOVES = frozenset({Disposition.REHOST, Disposition.REPLATFORM})
"""The dispositions that a plan carries out by moving components to a site."""
CONSOLIDATE = "consolidate"
"""What becomes of a line whose traffic the extranet takes over."""

Kinds = Mapping[str, Kind]

GOLDEN_PROJECTS = (
    "金税", "金关", "金财", "金审", "金盾", "金宏", "金保", "金土", "金农", "金水", "金质", "金安", "金信",
)  # fmt: skip
"""The national golden projects that plans name."""
LOCAL_PARTS_MERGE = frozenset({"jimo"})
"""The profiles of plans that merge the local parts of the state's own networks too."""

PREFIXES = {"liaoning": "LN", "guangxi": "GX", "hebei": "HE", "tianshui": "TS", "jimo": "JM"}
"""How the clauses of a profile begin."""
CLAUSES: Mapping[str, tuple[str, ...]] = {
    "classified": ("LN-classified", "JM-intranet", "TS-net"),
    "zombie": ("LN-zombie", "GX-zombie", "HE-zombie", "TS-lists", "JM-zombie"),
    "office-level": ("LN-big-system", "GX-merge", "HE-big-system", "TS-lists", "JM-big-system"),
    "common-function": ("JM-common", "TS-lists"),
    "common-function/office": ("LN-oa", "JM-common", "TS-lists"),
    "common-function/website": ("LN-web", "TS-lists"),
    "not-for-the-cloud": ("LN-physical",),
    "new-platform": ("LN-cloud", "TS-cloud", "JM-all"),
    "as-it-is": ("LN-cloud", "TS-cloud", "JM-all"),
    "golden-project": ("LN-golden", "JM-lines"),
    "exempt-line": ("JM-lines",),
    "line-into-extranet": ("LN-private-nets", "GX-net", "HE-net", "TS-net", "JM-lines"),
    "line-into-extranet/internet-exit": ("LN-internet-lines", "JM-exit"),
}
"""The clauses of each rule, the fullest first; after the slash stands what a rule distinguishes."""


class Opinion(Model):
    """What one rule says of one system or line, and on which fields that rests."""

    rule: str
    disposition: str
    """What becomes of it if this rule decides; for lines also `consolidate`."""
    verdict: Verdict
    reason: str
    fields: tuple[str, ...]
    clause: str
    """The id of the obligation; empty where no plan has one."""


class Decision(Model):
    """What becomes of a system or a line, why, and the clause that says so."""

    disposition: Disposition
    reason: str
    clause: str
    rule: str = ""
    by_hand: bool = False


class SystemRule(NamedTuple):
    """A rule for systems: its name, the test whether it applies, and what becomes of the system then."""

    name: str
    disposition: Disposition
    test: Callable[[System, Kinds], Answer]


class LineRule(NamedTuple):
    """A rule for lines."""

    name: str
    disposition: str
    test: Callable[[Line, str], Answer]
    """Takes the line, and the name of the programme's profile."""


def clause_for(rule: str, profile: str, detail: str = "") -> str:
    """Return the clause of a rule: that of the programme's own profile where it has one, otherwise the fullest."""
    candidates = CLAUSES.get(f"{rule}/{detail}") or CLAUSES.get(rule, ())
    own = PREFIXES.get(profile, profile)
    return next((clause for clause in candidates if clause.startswith(f"{own}-")), candidates[0] if candidates else "")


def _either(applies: object, then: Phrase, otherwise: Phrase, *fields: str) -> Answer:
    return Answer(Verdict.APPLIES, then, fields) if applies else Answer(Verdict.NOT, otherwise, fields)


def _classified(system: System, _kinds: Kinds) -> Answer:
    yes = phrase(_N("classified: only its existence is recorded, the intranet's own plan moves it"))
    return _either(system.grading.classified, yes, phrase(_N("it is not classified")), "grading.classified")


def _zombie(system: System, _kinds: Kinds) -> Answer:
    answers = criteria_of(system.survey)
    for _name, answer in answers:
        if answer.verdict is Verdict.APPLIES and system.exemption is not None and _founded(system.exemption):
            reason = phrase(
                _N("{criterion}; but exempt: {leave}"), criterion=answer.reason, leave=_leave(system.exemption)
            )
            return Answer(Verdict.NOT, reason, (*answer.fields, "exemption"))
        if answer.verdict is Verdict.APPLIES:
            return answer
    silent = [answer for _name, answer in answers if answer.verdict is Verdict.OPEN]
    if not silent:
        fields = tuple(dict.fromkeys(field for _name, answer in answers for field in answer.fields))
        return Answer(Verdict.NOT, phrase(_N("it meets none of the five criteria")), fields)
    reason = phrase(_N("criteria that the survey leaves open: {count} of five"), count=len(silent))
    return Answer(Verdict.OPEN, reason, tuple(dict.fromkeys(field for answer in silent for field in answer.fields)))


def _founded(exemption: Exemption) -> bool:
    """Return whether leave rests on something: an exemption without a reason does not count."""
    return not says_nothing(exemption.reason)


def _leave(exemption: Exemption) -> Phrase:
    if exemption.until is None:
        return phrase(_N("{reason} ({date})"), reason=exemption.reason, date=exemption.granted.isoformat())
    words = {"reason": exemption.reason, "date": exemption.granted.isoformat(), "until": exemption.until.isoformat()}
    return phrase(_N("{reason} ({date}, until {until})"), **words)


def _office_level(system: System, _kinds: Kinds) -> Answer:
    yes = phrase(_N("it belongs to the office '{office}' alone"), office=system.office)
    return _either(system.office, yes, phrase(_N("it is not named as a single office's")), "office")


def _common(system: System, _kinds: Kinds) -> Answer:
    yes = phrase(
        _N("'{function}' is a common function, for which there is one shared platform"), function=system.common
    )
    return _either(system.common, yes, phrase(_N("it is not named as a common function's")), "common")


def _obstacle(system: System, _kinds: Kinds) -> Answer:
    obstacle = system.survey.obstacle if system.survey is not None else ""
    yes = phrase(_N("the cloud cannot carry it: {obstacle}"), obstacle=obstacle)
    no = phrase(_N("nothing was reported that the cloud could not carry"))
    return _either(not says_nothing(obstacle), yes, no, "survey.obstacle")


def _changes(system: System, kinds: Kinds) -> Answer:
    changed = sorted({c.kind for c in system.components if c.kind in kinds and kinds[c.kind].moves == "replatform"})
    yes = phrase(_N("components change their platform as they move: {kinds}"), kinds=", ".join(changed))
    return _either(changed, yes, phrase(_N("no component changes its platform")), "components")


def _as_it_is(_system: System, _kinds: Kinds) -> Answer:
    return Answer(Verdict.APPLIES, phrase(_N("what no other rule takes moves as it is")), ("components",))


SYSTEM_RULES = (
    SystemRule("classified", Disposition.LEAVE, _classified),
    SystemRule("zombie", Disposition.RETIRE, _zombie),
    SystemRule("office-level", Disposition.MERGE, _office_level),
    SystemRule("common-function", Disposition.MERGE, _common),
    SystemRule("not-for-the-cloud", Disposition.RELOCATE, _obstacle),
    SystemRule("new-platform", Disposition.REPLATFORM, _changes),
    SystemRule("as-it-is", Disposition.REHOST, _as_it_is),
)
"""In the order in which they decide; the last one always applies."""


def _golden(line: Line, profile: str) -> Answer:
    if line.golden_project and line.kind == "internet-exit":
        no = phrase(_N("golden projects have business networks; an internet exit is none of them"))
        return Answer(Verdict.NOT, no, ("golden_project", "kind"))
    if line.golden_project and profile in LOCAL_PARTS_MERGE:
        told = _N("belongs to the national golden project {project}; its local part merges, or has leave until a day")
        local = phrase(told, project=line.golden_project)
        return Answer(Verdict.APPLIES, local, ("golden_project", "exemption"))
    yes = phrase(_N("belongs to the national golden project {project}"), project=line.golden_project)
    return _either(line.golden_project, yes, phrase(_N("it belongs to no golden project")), "golden_project")


def _released(line: Line, _profile: str) -> Answer:
    date = line.released.isoformat() if line.released else ""
    yes = phrase(_N("it was given back on {date}"), date=date)
    return _either(line.released, yes, phrase(_N("it was not given back yet")), "released")


def _exempt(line: Line, _profile: str) -> Answer:
    leave = line.exemption if line.exemption is not None and _founded(line.exemption) else None
    yes = phrase(_N("exempt: {leave}"), leave=_leave(leave) if leave is not None else Phrase(""))
    return _either(leave, yes, phrase(_N("it has no exemption")), "exemption")


def _homeless(line: Line, _profile: str) -> Answer:
    yes = phrase(_N("no domain of the extranet takes its traffic"))
    return _either(line.domain is None, yes, phrase(_N("a domain of the extranet takes its traffic")), "domain")


def _into_extranet(line: Line, _profile: str) -> Answer:
    yes = phrase(_N("the domain '{domain}' of the extranet takes its traffic over"), domain=line.domain)
    return _either(line.domain, yes, phrase(_N("no domain of the extranet takes its traffic")), "domain")


LINE_RULES = (
    LineRule("golden-project", Disposition.LEAVE, _golden),
    LineRule("released-line", Disposition.LEAVE, _released),
    LineRule("exempt-line", Disposition.LEAVE, _exempt),
    LineRule("line-without-domain", Disposition.LEAVE, _homeless),
    LineRule("line-into-extranet", CONSOLIDATE, _into_extranet),
)
"""In the order in which they decide; one of the last two always applies."""


def _opinion(rule: SystemRule | LineRule, answer: Answer, clause: str) -> Opinion:
    return Opinion(
        rule=rule.name,
        disposition=str(rule.disposition),
        verdict=answer.verdict,
        reason=answer.reason.said(),
        fields=answer.fields,
        clause=clause,
    )


def opinions(system: System, kinds: Kinds, profile: str = "") -> tuple[Opinion, ...]:
    """Return what every rule says of a system, in the order in which they decide."""
    detail = system.common or ""
    return tuple(
        _opinion(rule, rule.test(system, kinds), clause_for(rule.name, profile, detail)) for rule in SYSTEM_RULES
    )


def line_opinions(line: Line, profile: str = "") -> tuple[Opinion, ...]:
    """Return what every rule says of a line, in the order in which they decide."""
    return tuple(
        _opinion(rule, rule.test(line, profile), clause_for(rule.name, profile, line.kind)) for rule in LINE_RULES
    )


def rule_for(system: System, kinds: Kinds, profile: str = "") -> Decision:
    """Return what the rule makes of a system, whatever is written in it by hand."""
    for rule in SYSTEM_RULES:
        answer = rule.test(system, kinds)
        if answer.verdict is Verdict.APPLIES:
            clause = clause_for(rule.name, profile, system.common or "")
            return Decision(disposition=rule.disposition, reason=answer.reason.said(), clause=clause, rule=rule.name)
    raise AssertionError(system.system)  # the last rule always applies


def disposition_of(system: System, kinds: Kinds, profile: str = "") -> Decision:
    """Return what becomes of a system: its override where it has one, otherwise what the rule says."""
    return settled(system, rule_for(system, kinds, profile))


def settled(system: System, rule: Decision) -> Decision:
    """Return what becomes of a system of which is known what the rule makes of it."""
    if system.disposition is None or system.disposition == rule.disposition or system.grading.classified:
        return rule
    override = system.override
    reason = _("by hand, without a reason and a date")
    if override is not None:
        reason = _("by hand: {reason} ({date})").format(reason=override.reason, date=override.date.isoformat())
    return rule.model_copy(update={"disposition": system.disposition, "reason": reason, "by_hand": True})


def untouched_line(line: Line, profile: str = "") -> Decision | None:
    """Return why a line is left alone; None where it is consolidated."""
    for rule in LINE_RULES:
        answer = rule.test(line, profile)
        if answer.verdict is not Verdict.APPLIES:
            continue
        if rule.disposition == CONSOLIDATE:
            return None
        clause = clause_for(rule.name, profile, line.kind)
        return Decision(disposition=Disposition.LEAVE, reason=answer.reason.said(), clause=clause, rule=rule.name)
    raise AssertionError(line.name)  # one of the last two always applies
