"""Measures that could be tricked: by what is written by hand, by what is left blank, by who never answers."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from inventory.model import Programme, Record
from inventory.obligations import Achievements, Standing, State, ground_of, load_profile, standings
from inventory.obligations.wording import value_words
from tests.unit.obliged import judged, programme, record, systems


def measured_by(name: str, obligation: str, on: Programme, day: str, *records: Record) -> Standing:
    plan = load_profile(name, Path())
    ground = ground_of(plan, on, Achievements(records=records))
    return next(each for each in standings(plan, ground, date.fromisoformat(day)) if each.id == obligation)


SURVEYED = {"function": "f", "users": "district", "frequency": "daily"}


@pytest.mark.parametrize(
    "name, obligation", [("liaoning", "LN-cloud"), ("jimo", "JM-70"), ("jimo", "JM-all"), ("jimo", "JM-intranet")]
)
def test_what_is_left_alone_by_hand_counts_and_stands_beside_the_figure(name: str, obligation: str) -> None:
    override = {"reason": "so", "date": "2018-01-01"}
    on = programme(systems=systems(3, survey=SURVEYED, disposition="leave", override=override))
    found = measured_by(name, obligation, on, "2019-01-02")
    assert found.state is State.MISSED
    (taken,) = found.deciding.measurements
    assert (taken.numerator, taken.denominator) == (0, 3)
    if obligation != "JM-intranet":
        assert len(taken.by_hand) == 3
        assert "by hand otherwise, and not carried out yet: " in value_words(taken)


def test_what_was_merged_instead_of_moved_no_longer_holds_the_cloud_up() -> None:
    on = programme(systems=systems(1, survey=SURVEYED, disposition="merge", into="x"))
    assert measured_by("jimo", "JM-all", on, "2019-01-02").state is State.MISSED
    assert measured_by("jimo", "JM-all", on, "2019-01-02", record("merged", "s0")).state is State.MET


def test_departments_that_never_answered_have_no_plan() -> None:
    five: list[dict[str, Any]] = [{"name": f"d{number}", "title": f"{number}"} for number in range(5)]
    found = measured_by("liaoning", "LN-plan", programme(departments=five), "2018-04-01")
    assert (found.state, len(found.short)) == (State.MISSED, 5)
    five[0] |= {"reported_none": {"date": "2017-09-01", "source": "letter"}}
    five[1] |= {"reported_none": {"date": "2018-09-01", "source": "letter"}}
    five[2] |= {"reported_none": {"date": "2017-09-01", "source": " "}}
    on = programme(departments=five, systems=systems(1, department="d3", survey=SURVEYED, wave=1))
    assert [each.name for each in measured_by("liaoning", "LN-plan", on, "2018-04-01").short] == ["d1", "d2", "d4"]


def test_no_figure_of_systems_is_reached_while_departments_are_silent() -> None:
    two: list[dict[str, Any]] = [{"name": "d", "title": "d"}, {"name": "silent", "title": "silent"}]
    done = (record("committed", "s0"), record("verified", "s0"))
    on = programme(departments=two, systems=systems(1, survey=SURVEYED))
    found = measured_by("liaoning", "LN-cloud", on, "2018-04-01", *done)
    assert found.state is State.NOT_MEASURABLE
    assert "departments that have not answered, whose systems are not known: 1" in value_words(
        found.deciding.measurements[0]
    )
    two[1]["reported_none"] = {"date": "2017-09-01", "source": "letter"}
    assert measured_by("liaoning", "LN-cloud", programme(departments=two, systems=systems(1, survey=SURVEYED)),
                       "2018-04-01", *done).state is State.MET  # fmt: skip


def test_a_survey_of_blanks_makes_no_system_a_living_one() -> None:
    for survey in ({}, {"function": " "}, {"frequency": "daily", "users": "city"}):
        found = measured_by("hebei", "HE-zombie", programme(systems=systems(2, survey=survey)), "2018-01-02")
        assert found.state is State.NOT_MEASURABLE, survey


@pytest.mark.parametrize("project", ["金税", "是"])
def test_an_internet_exit_is_no_golden_line(project: str) -> None:
    lines = [
        {"name": "l1", "department": "d", "kind": "internet-exit", "rent": 1, "golden_project": project},
        {"name": "l2", "department": "d", "kind": "internet-exit", "rent": 1, "golden_project": project},
        {"name": "l3", "department": "d", "kind": "internet-exit", "rent": 1, "released": "2017-12-31"},
    ]
    on = programme(network={"lines": lines})
    assert [each.name for each in measured_by("liaoning", "LN-internet-lines", on, "2018-01-02").short] == ["l1", "l2"]
    assert measured_by("jimo", "JM-exit", on, "2019-01-02").state is State.MISSED
    assert not measured_by("liaoning", "LN-golden", on, "2018-01-02").short


def test_a_project_that_nobody_knows_makes_no_line_golden() -> None:
    lines = [
        {"name": "l1", "title": "甲", "department": "d", "kind": "leased", "golden_project": "是"},
        {"name": "l2", "title": "乙", "department": "d", "kind": "leased", "golden_project": "金税"},
    ]
    found = measured_by("liaoning", "LN-private-nets", programme(network={"lines": lines}), "2019-01-02")
    assert [each.name for each in found.short] == ["l1"]
    assert value_words(found.deciding.measurements[0]).endswith("left out by leave: 乙")


def test_equipment_that_is_kept_has_the_day_on_which_that_was_decided() -> None:
    def on(**asset: object) -> Programme:
        assets = [{"name": "ups", "title": "ups", "kind": "power", **asset}]
        departments = [{"name": "d", "title": "d", "rooms": [{"name": "r", "assets": assets}]}]
        return programme(departments=departments, systems=systems(1, survey=SURVEYED))

    moved = record("committed", "s0")
    for asset in ({}, {"disposal": "keep"}, {"disposal": "keep", "disposed": "2019-01-01"}):
        assert measured_by("liaoning", "LN-assets", on(**asset), "2018-09-01", moved).state is State.MISSED, asset
    kept = on(disposal="keep", disposed="2018-02-01")
    assert measured_by("liaoning", "LN-assets", kept, "2018-09-01", moved).state is State.MET


def test_only_requests_for_conditional_data_have_ten_days() -> None:
    def on(sharing: str | None) -> Programme:
        data = [{"name": "r", "title": "r", "department": "d", "sharing": sharing}]
        asked = [{"name": "q", "resource": "r", "department": "d", "asked": "2018-02-09"}]
        return programme(resources=data, requests=asked)

    assert measured_by("liaoning", "LN-answer", on("unconditional"), "2018-09-01").state is State.MET
    assert measured_by("liaoning", "LN-answer", on("conditional"), "2018-09-01").state is State.MISSED
    assert measured_by("liaoning", "LN-answer", on(None), "2018-09-01").state is State.NOT_MEASURABLE


def test_private_networks_of_hebei_merge_step_by_step() -> None:
    line = {"name": "l", "department": "d", "kind": "leased", "rent": 1}
    here = [{"name": "d", "title": "d", "attached": "2018-01-01"}]

    def on(**more: object) -> Programme:
        domains = [{"name": "one", "title": "1"}]
        return programme(departments=here, network={"domains": domains, "lines": [{**line, **more}]})

    assert measured_by("hebei", "HE-net", on(), "2018-07-02").state is State.MISSED
    assert measured_by("hebei", "HE-net", on(domain="one"), "2018-07-02").state is State.MET


def test_a_rent_that_nobody_wrote_is_not_lowered() -> None:
    goal = {"since": "2018-01-01", "needs": [{"lines": {"holds": {"cost_lowered": True}}}]}
    line = {"name": "l", "department": "d", "kind": "leased"}
    assert judged([goal], programme(network={"lines": [line]}), "2018-02-01").state is State.NOT_MEASURABLE
    assert judged([goal], programme(network={"lines": [{**line, "rent": 0}]}), "2018-02-01").state is State.MET


ALWAYS = "2018-01-01"


def test_who_says_none_in_the_future_is_silent_until_then() -> None:
    two = [
        {"name": "d", "title": "d"},
        {"name": "silent", "title": "s", "reported_none": {"date": "2099-01-01", "source": "letter"}},
    ]
    done = (record("committed", "s0"), record("verified", "s0"))
    on = programme(departments=two, systems=systems(1, survey=SURVEYED))
    assert measured_by("liaoning", "LN-cloud", on, "2018-04-01", *done).state is State.NOT_MEASURABLE


@pytest.mark.parametrize("silent, state", [(True, State.NOT_MEASURABLE), (False, State.MET)])
def test_a_silent_department_may_have_lines_and_rooms(silent: bool, state: State) -> None:
    none = {} if silent else {"reported_none": {"date": "2018-01-01", "source": "letter"}}
    departments: list[dict[str, Any]] = [
        {"name": "d", "title": "d", "rooms": [{"name": "r", "vacated": "2018-01-02"}]},
        {"name": "e", "title": "e", **none},
    ]  # fmt: skip
    line = {"name": "l", "department": "d", "kind": "leased", "released": "2018-01-02"}
    on = programme(departments=departments, systems=systems(1), network={"lines": [line]})
    for needs in ({"lines": {"holds": {"released": True}}}, {"rooms": {"holds": {"vacated": True}}}):
        assert judged([{"since": ALWAYS, "needs": [needs]}], on, "2018-03-01").state is state


def test_a_silent_department_without_rooms_is_not_known_to_have_few() -> None:
    departments = [{"name": "d", "title": "d"}, {"name": "e", "title": "e"}]
    goal = {"since": ALWAYS, "needs": [{"departments": {"holds": {"rooms_at_most": 0}}}]}
    found = judged([goal], programme(departments=departments, systems=systems(1)), "2018-03-01")
    assert [each.name for each in found.short] == ["e"]


def test_a_request_that_was_answered_before_it_was_made_is_not_in_time() -> None:
    goal = {"since": ALWAYS, "needs": [{"requests": {"holds": {"answered_within": 10}}}]}
    asked = {"name": "q", "resource": "r", "department": "d", "asked": "2018-02-09", "answered": "2018-01-09"}
    later = {"name": "p", "resource": "r", "department": "d", "asked": "2019-02-09"}
    assert judged([goal], programme(requests=[asked]), "2018-03-01").state is State.NOT_MEASURABLE
    # What is asked for later neither helps nor harms.
    found = judged([goal], programme(requests=[asked, later]), "2018-03-01").goals[0].measurements[0]
    assert found.missing


def test_a_task_that_gives_itself_more_time_than_the_plan_is_late() -> None:
    goals = [{"by": "2018-03-01", "needs": [{"ledger": {}}]}]
    task = {"obligation": "X-one", "title": "t", "owner": "office", "due": "2099-01-01"}
    assert judged(goals, programme(tasks=[task]), "2018-03-01").state is State.MET
    assert judged(goals, programme(tasks=[task]), "2018-03-02").state is State.MISSED
    nobody = {**task, "owner": " ", "due": "2018-03-01"}
    assert judged(goals, programme(tasks=[nobody]), "2018-02-01").short[0].lacks == ("signed_off",)


def test_data_that_nobody_says_from_where_they_come_leave_no_system_out() -> None:
    goal = {"since": ALWAYS, "needs": [{"systems": {"where": {"feeds": True}, "holds": {"catalogued": True}}}]}
    fresh = {"name": "a", "title": "a", "department": "d", "system": "s0", "updated": "2018-01-05"}
    stale = {"name": "b", "title": "b", "department": "d", "system": "s1", "updated": "2017-01-05"}
    done = (record("committed", "s0"), record("committed", "s1"))
    on = programme(departments=[{"name": "d", "title": "d"}], systems=systems(2), resources=[fresh, stale])
    assert judged([goal], on, "2018-03-01", *done).state is State.MISSED
    blank = programme(
        departments=[{"name": "d", "title": "d"}], systems=systems(2), resources=[fresh, {**stale, "system": None}]
    )
    assert judged([goal], blank, "2018-03-01", *done).state is State.NOT_MEASURABLE


@pytest.mark.parametrize("word", ["", " ", "无", "/", "待补充", "不详。"])
def test_a_word_that_says_nothing_raises_no_figure(word: str) -> None:
    granted = {"reason": word, "granted_by": "o", "granted": "2017-09-01"}
    lines = [{"name": "l", "department": "d", "kind": "leased", "rent": 1, "exemption": granted}]
    here: list[dict[str, Any]] = [
        {"name": "d", "title": "d", "rooms": [{"name": "r", "area": 90, "exemption": granted}]}
    ]
    idle = systems(1, survey={**SURVEYED, "maintained": False}, exemption=granted, disposition="retire")
    on = programme(departments=here, systems=idle, network={"lines": lines})
    for name, obligation in (("liaoning", "LN-private-nets"), ("liaoning", "LN-zombie"), ("jimo", "JM-lines")):
        assert measured_by(name, obligation, on, "2019-01-02").state is State.MISSED, obligation
    moved = record("committed", "s0")
    assert "r" in [each.name for each in measured_by("liaoning", "LN-rooms", programme(
        departments=here, systems=systems(1, survey=SURVEYED)), "2019-01-02", moved).short]  # fmt: skip

    data = {"name": "q", "title": "q", "department": "d", "sharing": "none", "basis": word}
    grounded = {"since": ALWAYS, "needs": [{"resources": {"holds": {"grounded": True}}}]}
    assert judged([grounded], programme(resources=[data]), "2018-03-01").state is State.MISSED

    filing = {"number": word, "date": "2017-09-01", "resources": ["x"], "shared": ["y"]}
    filed = {"since": ALWAYS, "needs": [{"systems": {"holds": {"filed": True}}}]}
    for more in (filing, {**filing, "number": "1", "resources": [word]}, {**filing, "number": "1", "shared": [word]}):
        assert judged([filed], programme(systems=systems(1, filing=more)), "2018-03-01").state is State.MISSED, more

    archive = {"since": ALWAYS, "needs": [{"systems": {"holds": {"fields": ["survey.function"]}}}]}
    blank = systems(1, survey={"function": word, "frequency": "daily"})
    assert judged([archive], programme(systems=blank), "2018-03-01").state is State.MISSED


@pytest.mark.parametrize("word", [" ", "无", "/", "待定"])
def test_an_obstacle_that_is_none_takes_nothing_out_of_the_cloud(word: str) -> None:
    on = programme(systems=systems(1, survey={**SURVEYED, "obstacle": word}, disposition=None))
    found = measured_by("jimo", "JM-all", on, "2019-01-02").deciding.measurements[0]
    assert (found.numerator, found.denominator) == (0, 1)


def test_users_of_whom_nothing_is_said_make_no_system_bigger_than_an_office() -> None:
    on = programme(systems=systems(1, survey={**SURVEYED, "users": "不详"}))
    assert measured_by("liaoning", "LN-big-system", on, "2018-01-02").state is State.NOT_MEASURABLE
