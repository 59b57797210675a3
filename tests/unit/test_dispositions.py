"""What becomes of systems and lines by rule: each rule, their order, the clause that is cited, and what a plan says."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.dispositions.decisions import (
    CLAUSES,
    LINE_RULES,
    PREFIXES,
    SYSTEM_RULES,
    clause_for,
    disposition_of,
    line_opinions,
    opinions,
    rule_for,
    untouched_line,
)
from inventory.dispositions.zombies import CRITERIA, Verdict, criteria_of
from inventory.kinds import load_kinds, playbooks_folder
from inventory.loading import load_programme
from inventory.model import Disposition, Line, Programme, Survey, System
from inventory.words import words_in
from migrations.planning.planner import make_plan

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
KINDS = load_kinds(playbooks_folder() / "roles")
ON = {"on": ["old-1"], "to": {"site": "cloud-a", "size": "1c1g", "addresses": ["10.60.1.99"]}}
WEB = {"name": "app", "kind": "web", **ON, "settings": {"root": "/srv/app"}}
DATABASE = {"name": "db", "kind": "postgresql", **ON, "settings": {"database": "db"}}
LEAVE = {"reason": "a court keeps it", "granted": "2017-09-01"}


def system(**fields: Any) -> System:
    return System.model_validate({"system": "ledger", "title": "账簿", "department": "finance", **fields})


def line(**fields: Any) -> Line:
    return Line.model_validate({"name": "rented", "department": "finance", "kind": "leased", **fields})


SYSTEMS: dict[str, tuple[dict[str, Any], str, Disposition]] = {
    "classified": ({"grading": {"classified": True}}, "classified", Disposition.LEAVE),
    "out of the real process": ({"survey": {"in_process": False}}, "zombie", Disposition.RETIRE),
    "used by nobody": ({"survey": {"frequency": "never"}}, "zombie", Disposition.RETIRE),
    "another does the same": ({"survey": {"replaceable_by": "portal"}}, "zombie", Disposition.RETIRE),
    "idle for years": (
        {"survey": {"last_used": "2014-06-30", "surveyed": "2017-09-01"}}, "zombie", Disposition.RETIRE),
    "idle hosts": (
        {"survey": {"frequency": "monthly", "usage": {"cpu_load": 0.2}}}, "zombie", Disposition.RETIRE),
    "not maintained": ({"survey": {"maintained": False}}, "zombie", Disposition.RETIRE),
    "few and seldom": ({"survey": {"users": "office", "frequency": "yearly"}}, "zombie", Disposition.RETIRE),
    "seven users once a year": (
        {"survey": {"users": "district", "user_count": 7, "frequency": "yearly"}}, "zombie", Disposition.RETIRE),
    "one office": ({"office": "fees"}, "office-level", Disposition.MERGE),
    "common": ({"common": "meeting"}, "common-function", Disposition.MERGE),
    "special hardware": ({"survey": {"obstacle": "a fax card"}}, "not-for-the-cloud", Disposition.RELOCATE),
    "database": ({"components": [WEB, DATABASE]}, "new-platform", Disposition.REPLATFORM),
    "web alone": ({"components": [WEB]}, "as-it-is", Disposition.REHOST),
    "nothing is known": ({}, "as-it-is", Disposition.REHOST),
    "used last month": (
        {"survey": {"last_used": "2017-08-01", "surveyed": "2017-09-01"}}, "as-it-is", Disposition.REHOST),
    "used long before an unknown day": ({"survey": {"last_used": "2009-08-01"}}, "as-it-is", Disposition.REHOST),
    "idle hosts in daily use": (
        {"survey": {"frequency": "daily", "usage": {"cpu_load": 0.2}}}, "as-it-is", Disposition.REHOST),
    "few and daily": ({"survey": {"users": "office", "frequency": "daily"}}, "as-it-is", Disposition.REHOST),
    "exempt zombie": (
        {"survey": {"maintained": False}, "exemption": LEAVE, "components": [DATABASE]},
        "new-platform", Disposition.REPLATFORM),
    # the order of the rules
    "zombie of one office": ({"survey": {"in_process": False}, "office": "fees"}, "zombie", Disposition.RETIRE),
    "one office with an obstacle": (
        {"survey": {"obstacle": "a fax card"}, "office": "fees"}, "office-level", Disposition.MERGE),
    "common with a database": ({"common": "approval", "components": [DATABASE]}, "common-function", Disposition.MERGE),
    "obstacle with a database": (
        {"survey": {"obstacle": "a fax card"}, "components": [DATABASE]}, "not-for-the-cloud", Disposition.RELOCATE),
}  # fmt: skip


@pytest.mark.parametrize("fields, rule, disposition", SYSTEMS.values(), ids=SYSTEMS)
def test_the_first_rule_that_applies_decides(fields: dict[str, Any], rule: str, disposition: Disposition) -> None:
    decision = rule_for(system(**fields), KINDS)
    assert (decision.rule, decision.disposition) == (rule, disposition)
    first = next(each for each in opinions(system(**fields), KINDS) if each.verdict is Verdict.APPLIES)
    assert (first.rule, first.disposition, first.reason) == (rule, disposition, decision.reason)


def test_a_criterion_that_the_survey_is_silent_on_is_open() -> None:
    assert {answer.verdict for _name, answer in criteria_of(None)} == {Verdict.OPEN}
    silent = system(survey={"function": "fees"})
    verdicts = {name: answer.verdict for name, answer in criteria_of(silent.survey)}
    # That nobody named a substitute is what a survey without one says.
    assert verdicts.pop("replaceable") is Verdict.NOT
    assert set(verdicts.values()) == {Verdict.OPEN}
    zombie = next(each for each in opinions(silent, KINDS) if each.rule == "zombie")
    assert zombie.verdict is Verdict.OPEN
    assert "survey.maintained" in zombie.fields


def test_an_exemption_is_told_with_the_criterion_that_it_is_from() -> None:
    exempt = system(survey={"maintained": False}, exemption={**LEAVE, "until": "2018-09-01"})
    zombie = next(each for each in opinions(exempt, KINDS) if each.rule == "zombie")
    assert zombie.verdict is Verdict.NOT
    for word in ("have stopped", "a court keeps it", "2017-09-01", "2018-09-01"):
        assert word in zombie.reason
    assert zombie.fields == ("survey.maintained", "exemption")


def test_a_disposition_by_hand_carries_its_reason_and_the_rules_clause() -> None:
    override = {"reason": "the vendor moves it", "date": "2017-09-12"}
    decision = disposition_of(system(office="fees", disposition="rehost", override=override), KINDS, "jimo")
    assert (decision.disposition, decision.by_hand) == (Disposition.REHOST, True)
    assert (decision.rule, decision.clause) == ("office-level", "JM-big-system")
    assert "the vendor moves it" in decision.reason
    assert "2017-09-12" in decision.reason


def test_a_disposition_by_hand_without_an_override_says_what_is_lacking() -> None:
    decision = disposition_of(system(disposition="retire"), KINDS)
    assert (decision.by_hand, decision.reason) == (True, "by hand, without a reason and a date")


def test_nothing_by_hand_moves_a_classified_system() -> None:
    override = {"reason": "urgent", "date": "2017-09-12"}
    subject = system(grading={"classified": True}, disposition="rehost", override=override)
    assert disposition_of(subject, KINDS).disposition is Disposition.LEAVE


LINES: dict[str, tuple[dict[str, Any], str | None]] = {
    "golden": ({"golden_project": "金税", "domain": "administrative"}, "golden-project"),
    "given back": ({"released": "2017-06-01", "domain": "administrative"}, "released-line"),
    "exempt": ({"exemption": LEAVE, "domain": "administrative"}, "exempt-line"),
    "nowhere to go": ({}, "line-without-domain"),
    "consolidated": ({"domain": "administrative"}, None),
}


@pytest.mark.parametrize("fields, rule", LINES.values(), ids=LINES)
def test_a_line_is_consolidated_unless_a_rule_leaves_it(fields: dict[str, Any], rule: str | None) -> None:
    left = untouched_line(line(**fields))
    assert (left.rule if left is not None else None) == rule
    first = next(each for each in line_opinions(line(**fields)) if each.verdict is Verdict.APPLIES)
    assert first.rule == (rule or "line-into-extranet")


@pytest.mark.parametrize("profile", [*PREFIXES, "elsewhere"])
def test_the_profile_decides_on_the_clause_and_on_nothing_else(profile: str) -> None:
    for fields, rule, disposition in SYSTEMS.values():
        decision = rule_for(system(**fields), KINDS, profile)
        assert (decision.rule, decision.disposition) == (rule, disposition)
        own = PREFIXES.get(profile)
        known = {clause.partition("-")[0] for clause in CLAUSES[rule]}
        assert own not in known or decision.clause.startswith(f"{own}-")
        assert decision.clause


def test_clauses_by_what_a_rule_distinguishes() -> None:
    assert clause_for("common-function", "liaoning", "website") == "LN-web"
    assert clause_for("common-function", "liaoning", "office") == "LN-oa"
    assert clause_for("common-function", "liaoning", "video") == "JM-common"
    assert clause_for("line-into-extranet", "jimo", "internet-exit") == "JM-exit"
    assert clause_for("line-into-extranet", "jimo", "leased") == "JM-lines"
    assert clause_for("released-line", "jimo") == ""


def test_names_of_rules_are_unique_and_each_has_its_clauses() -> None:
    names = [rule.name for rule in (*SYSTEM_RULES, *LINE_RULES)]
    assert len(names) == len(set(names))
    assert {rule.partition("/")[0] for rule in CLAUSES} == set(names) - {"released-line", "line-without-domain"}
    assert len(CRITERIA) == 5


def test_answers_are_said_in_the_language_that_is_asked_for() -> None:
    answer = dict(criteria_of(system(survey={"replaceable_by": "portal"}).survey))["replaceable"]
    assert answer.reason.said(words_in("en")) == "'portal' does the same"
    assert "portal" in answer.reason.said(words_in("zh"))
    assert answer.reason.said(words_in("zh")) != answer.reason.said(words_in("en"))


def test_what_a_plan_does_not_move_is_named_in_it_with_the_reason() -> None:
    programme = load_programme(YUNHE)
    changes: dict[str, dict[str, Any]] = {
        "archive": {"office": "drawings", "into": "identity"},
        "identity": {"survey": {"obstacle": "a reader of cards in the room"}},
        "notice-board": {"components": []},
    }
    plan = make_plan(_changed(programme, changes), KINDS)
    steps = {unit.name: [(step.verb, step.arguments.get("who")) for step in unit.steps] for unit in plan.units}
    assert steps["identity"] == [
        (verb, "civil-affairs") for verb in ("agree", "shut-down", "carry", "rack", "readdress", "accept")
    ]
    assert steps["archive"] == [
        ("export", "archives-office"),
        ("take-over", "civil-affairs"),
        ("redirect", "archives-office"),
        ("accept", "civil-affairs"),
        ("close-down", "archives-office"),
    ]
    assert {left.name: left.reason for left in plan.untouched if left.kind == "system"} == {
        "case-files": "classified: the intranet's own plan moves it",
        "notice-board": "not stopped by this plan: none of its components is recorded",
    }


def _changed(programme: Programme, changes: dict[str, dict[str, Any]]) -> Programme:
    document = programme.model_dump(mode="json")
    for each in document["systems"]:
        each.update(changes.get(each["system"], {}))
    return Programme.model_validate(document)


SURVEYS = st.fixed_dictionaries({}, optional={
    "in_process": st.booleans(),
    "maintained": st.booleans(),
    "frequency": st.sampled_from(["daily", "weekly", "monthly", "yearly", "never"]),
    "users": st.sampled_from(["office", "department", "city"]),
    "user_count": st.integers(0, 5000),
    "replaceable_by": st.just("portal"),
    "obstacle": st.sampled_from(["", "a fax card"]),
    "last_used": st.dates(date(2005, 1, 1), date(2018, 1, 1)),
    "surveyed": st.dates(date(2017, 1, 1), date(2018, 1, 1)),
    "usage": st.fixed_dictionaries({"cpu_load": st.floats(0, 100)}),
})  # fmt: skip
SUBJECTS = st.builds(system, survey=SURVEYS, grading=st.just({}), components=st.sampled_from([[], [WEB], [DATABASE]]))


@given(subject=SUBJECTS)
def test_law_every_system_has_exactly_one_decision_and_every_rule_an_opinion(subject: System) -> None:
    said = opinions(subject, KINDS)
    assert [each.rule for each in said] == [rule.name for rule in SYSTEM_RULES]
    assert all(each.reason and each.fields for each in said)
    assert rule_for(subject, KINDS).rule == next(each.rule for each in said if each.verdict is Verdict.APPLIES)


@given(subject=SUBJECTS, profile=st.sampled_from([*PREFIXES, ""]))
def test_law_a_zombie_is_retired_unless_exempt_and_never_without_a_criterion(subject: System, profile: str) -> None:
    met = any(answer.verdict is Verdict.APPLIES for _name, answer in criteria_of(subject.survey))
    assert (rule_for(subject, KINDS, profile).disposition is Disposition.RETIRE) == met
    exempt = System.model_validate({**subject.model_dump(mode="json", exclude_none=True), "exemption": LEAVE})
    assert rule_for(exempt, KINDS, profile).disposition is not Disposition.RETIRE


@pytest.mark.parametrize("used, verdict", [("2099-01-01", "not-known"), ("2018-03-20", "does-not-apply")])
def test_a_last_use_after_the_survey_shows_no_use(used: str, verdict: str) -> None:
    survey = Survey.model_validate({"last_used": used, "surveyed": "2018-03-01"})
    assert dict(criteria_of(survey))["idle"].verdict == verdict
