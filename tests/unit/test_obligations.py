"""Obligations: how each kind of measure and of deadline is judged."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from inventory.model import Programme, Record
from inventory.obligations import (
    Achievements,
    State,
)
from inventory.obligations.facts import Facts, Ground
from inventory.obligations.figures import key_figures
from tests.unit.obliged import judged, programme, record, systems

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"


CLOUD = {"by": "2018-12-31", "needs": [{"systems": {"where": {"classified": False}, "holds": {"committed": True}}}]}
SEVENTY = {"by": "2018-12-31", "needs": [{"systems": {"holds": {"committed": True}, "target": 0.7}}]}


def committed(count: int, day: str = "2018-01-02") -> tuple[Record, ...]:
    return tuple(record("committed", f"system:s{number}", day) for number in range(count))


@pytest.mark.parametrize(
    "day, done, state",
    [
        ("2018-03-01", 0, State.OPEN),
        # Half of the time is 2 July: until then nothing is at risk, afterwards what is behind the time is.
        ("2018-07-02", 0, State.OPEN),
        ("2018-07-03", 0, State.AT_RISK),
        ("2018-07-03", 3, State.AT_RISK),
        ("2018-07-03", 4, State.OPEN),
        ("2018-12-16", 6, State.AT_RISK),
        ("2018-12-31", 6, State.AT_RISK),
        ("2018-12-31", 7, State.MET),
        ("2019-01-01", 6, State.MISSED),
        ("2019-01-01", 7, State.MET),
    ],
)
def test_a_share_is_met_open_at_risk_or_missed(day: str, done: int, state: State) -> None:
    found = judged([SEVENTY], programme(systems=systems(10)), day, *committed(done))
    assert found.state is state
    taken = found.goals[0].measurements[0]
    assert (taken.numerator, taken.denominator, taken.enough) == (done, 10, 7)
    assert taken.value == done / 10
    assert taken.target == 0.7
    assert [short.name for short in taken.short] == [f"s{number}" for number in range(done, 10)]
    assert all(short.lacks == ("committed",) for short in taken.short)


def test_fourteen_days_before_the_end_everything_that_is_open_is_at_risk() -> None:
    on = programme(systems=systems(10))
    states = [judged([CLOUD], on, day, *committed(9)).state for day in ("2018-11-20", "2018-12-16", "2018-12-17")]
    assert states == [State.OPEN, State.AT_RISK, State.AT_RISK]


def test_what_was_due_before_the_plan_was_issued_is_open_until_shortly_before() -> None:
    early = {"since": "2017-06-30", "needs": CLOUD["needs"]}
    on = programme(systems=systems(1))
    states = [judged([early], on, day).state for day in ("2017-01-01", "2017-06-15", "2017-06-16", "2017-06-30")]
    assert states == [State.OPEN, State.OPEN, State.AT_RISK, State.MISSED]


def test_what_is_done_after_the_last_day_is_met_and_late() -> None:
    on = programme(systems=systems(2))
    late = judged([CLOUD], on, "2019-02-01", *committed(1), record("committed", "s1", "2019-01-15"))
    assert (late.state, late.late) == (State.MET, True)
    in_time = judged([CLOUD], on, "2019-02-01", *committed(1), record("committed", "s1", "2018-12-31"))
    assert (in_time.state, in_time.late) == (State.MET, False)


def test_a_record_that_did_not_pass_or_is_of_later_or_of_another_kind_of_thing_shows_nothing() -> None:
    on = programme(systems=systems(1))
    for useless in (
        record("committed", "s0", passed=False),
        record("committed", "s0", "2018-06-02"),
        record("committed", "line:s0"),
        record("verified", "s0"),
    ):
        assert judged([CLOUD], on, "2018-06-01", useless).state is State.OPEN


def test_what_the_inventory_lacks_is_named() -> None:
    nothing = judged([CLOUD], programme(), "2019-06-01")
    assert (nothing.state, nothing.deciding.measurements[0].missing) == (
        State.NOT_MEASURABLE,
        ("the inventory has none: systems",),
    )
    office = {"by": "2018-12-31", "needs": [{"departments": {"holds": {"office_automation": ["shared"]}}}]}
    two = [{"name": "d", "title": "d"}, {"name": "e", "title": "e"}]
    unknown = judged([office], programme(departments=two), "2019-06-01")
    assert unknown.deciding.measurements[0].missing == ("the facts that decide it are known of none: departments",)
    # As soon as it is known of one, the others count as falling short.
    known = judged([office], programme(departments=[{**two[0], "office_automation": "shared"}, two[1]]), "2019-06-01")
    assert (known.state, [each.name for each in known.short]) == (State.MISSED, ["e"])


def test_nothing_that_falls_under_it_is_met_or_missing_as_the_profile_says() -> None:
    on = programme(systems=systems(1))
    share = {"where": {"classified": True}, "holds": {"untouched": True}}
    for empty, state in (("met", State.MET), ("missing", State.NOT_MEASURABLE)):
        goal = {"by": "2018-12-31", "needs": [{"systems": {**share, "empty": empty}}]}
        assert judged([goal], on, "2018-02-01").state is state


def test_zombies_cannot_be_told_without_a_survey() -> None:
    goal = {"by": "2018-12-31", "needs": [{"systems": {"where": {"zombie": True}, "holds": {"done": True}}}]}
    found = judged([goal], programme(systems=systems(2)), "2018-02-01")
    assert found.state is State.NOT_MEASURABLE
    survey = {"frequency": "never"}
    on = programme(systems=[*systems(1), *systems(1, system="z", survey=survey, disposition="retire")])
    open_still = judged([goal], on, "2018-02-01")
    assert [each.name for each in open_still.short] == ["z"]
    assert open_still.goals[0].measurements[0].notes == ("not known whether they fall under it: 1 (systems)",)
    # What is not known may be what falls short.
    assert judged([goal], on, "2018-02-01", record("retired", "z")).state is State.NOT_MEASURABLE
    known = programme(systems=systems(1, system="z", survey=survey, disposition="retire"))
    assert judged([goal], known, "2018-02-01", record("retired", "z")).state is State.MET


def test_an_obligation_is_as_its_worst_goal_and_shows_the_one_that_is_due_first() -> None:
    on = programme(systems=systems(2))
    guide = {"by": "2018-02-01", "needs": [{"record": {"kind": "guide"}}]}
    goals = [{**CLOUD, "by": "2018-03-31"}, {**CLOUD, "by": "2018-06-30"}, guide]
    found = judged(goals, on, "2018-08-01", record("guide", "X-one"))
    assert (found.state, found.due) == (State.MISSED, date(2018, 3, 31))
    assert [goal.state for goal in found.goals] == [State.MISSED, State.MISSED, State.MET]


def test_a_hand_over_is_due_with_the_commit_of_each_system() -> None:
    share = {"holds": {"committed": True, "handed_over": 2}}
    goal = {"after": {"event": "committed", "months": 6}, "needs": [{"systems": share}]}
    on = programme(systems=systems(2))
    assert judged([goal], on, "2018-02-01").state is State.OPEN
    moved = committed(1, "2018-03-31")
    assert judged([goal], on, "2018-09-15", *moved).state is State.OPEN
    soon = judged([goal], on, "2018-09-16", *moved)
    assert (soon.state, soon.due) == (State.AT_RISK, date(2018, 9, 30))
    assert judged([goal], on, "2018-09-30", *moved).state is State.AT_RISK
    assert judged([goal], on, "2018-10-01", *moved).state is State.MISSED
    alone = record("handed-over", "s0", by=("water bureau", "water bureau"))
    assert judged([goal], on, "2018-10-01", *moved, alone).state is State.MISSED
    both = record("handed-over", "s0", by=("water bureau", "information centre"))
    assert judged([goal], on, "2018-10-01", *moved, both).state is State.OPEN


def test_rooms_are_judged_once_the_department_has_moved() -> None:
    leave = {"reason": "secrecy", "granted": "2018-01-01", "until": "2018-06-30"}
    rooms = [
        {"name": "large", "area": 60},
        {"name": "small", "area": 20},
        {
            "name": "secret",
            "area": 50,
            "exemption": leave,
        },
    ]
    on = programme(departments=[{"name": "d", "title": "d", "rooms": rooms}], systems=systems(2))
    holds = {"any": [{"vacated": True}, {"area_at_most": 20}, {"exempt": True}]}
    goal = {"after": {"event": "committed"}, "needs": [{"rooms": {"holds": holds}}]}
    half = judged([goal], on, "2018-04-01", *committed(1))
    assert (half.state, half.due) == (State.OPEN, None)
    moved = judged([goal], on, "2018-04-01", *committed(2))
    assert (moved.state, [each.name for each in moved.short]) == (State.MISSED, ["large"])
    # The exemption ends on its last day.
    days = ("2018-06-30", "2018-07-01")
    names = [[each.name for each in judged([goal], on, day, *committed(2)).short] for day in days]
    assert names == [["large"], ["large", "secret"]]


MONTHLY: dict[str, Any] = {
    "every": {"period": "month", "day": 1, "since": "2018-01-01"},
    "needs": [{"record": {"kind": "report"}}],
}


def test_what_is_due_each_month_is_judged_by_the_last_day_it_was_due() -> None:
    on = programme()
    first, third = record("report", "X-one", "2018-01-01"), record("report", "X-one", "2018-02-20")
    before = judged([{**MONTHLY, "every": {**MONTHLY["every"], "since": "2018-03-01"}}], on, "2018-02-01")
    assert (before.state, before.due) == (State.OPEN, date(2018, 3, 1))
    met = judged([MONTHLY], on, "2018-01-15", first)
    assert (met.state, met.due) == (State.MET, date(2018, 2, 1))
    missed = judged([MONTHLY], on, "2018-02-10", first)
    assert (missed.state, missed.due) == (State.MISSED, date(2018, 2, 1))
    caught_up = judged([MONTHLY], on, "2018-03-02", first, third)
    taken = caught_up.goals[0].measurements[0]
    assert (caught_up.state, taken.numerator, taken.denominator) == (State.MET, 2, 3)
    assert [each.name for each in taken.short] == ["2018-02-01"]
    # Of another obligation, or a day too late: it is no report of this month.
    for useless in (record("report", "X-two", "2018-02-01"), record("report", "X-one", "2018-02-02")):
        assert judged([MONTHLY], on, "2018-02-10", first, useless).state is State.MISSED


def request(**more: object) -> Programme:
    return programme(requests=[{"name": "q", "resource": "r", "department": "d", "asked": "2018-02-09", **more}])


def test_requests_are_answered_within_ten_working_days_over_the_new_year() -> None:
    goal = {"since": "2018-01-01", "needs": [{"requests": {"holds": {"answered_within": 10, "reasoned": True}}}]}
    # Two weekend days are worked and seven days are off: the tenth working day is 28 February.
    assert judged([goal], request(), "2018-02-28").state is State.MET
    assert judged([goal], request(), "2018-03-01").state is State.MISSED
    given = {"granted": True}
    assert judged([goal], request(answered="2018-02-28", **given), "2018-03-01").state is State.MET
    # An answer that came too late was not in time, however long ago that is.
    assert judged([goal], request(answered="2018-03-01", **given), "2018-08-01").short[0].lacks == ("answered_within",)
    assert judged([goal], request(answered="2018-02-12"), "2018-02-12").state is State.NOT_MEASURABLE
    refused = {"answered": "2018-02-12", "granted": False}
    assert judged([goal], request(**refused), "2018-02-12").short[0].lacks == ("reasoned",)
    assert judged([goal], request(**refused, reason="statistics law"), "2018-02-12").state is State.MET
    assert judged([goal], programme(), "2018-02-12").state is State.MET


def test_a_year_without_a_notice_is_told_with_the_measure() -> None:
    goal = {"since": "2018-01-01", "needs": [{"requests": {"holds": {"answered_within": 10}}}]}
    asked = [{"name": "q", "resource": "r", "department": "d", "asked": "2071-02-09"}]
    found = judged([goal], programme(requests=asked), "2071-02-10")
    assert [note[:37] for note in found.goals[0].measurements[0].notes] == ["no holiday notice is known for 2071: "]


def test_libraries_are_fed_by_one_source_for_each_datum() -> None:
    platform = {"name": "people", "title": "t", "kind": "base-library", "topic": "population", "deployed": "2018-01-01"}
    base = {"kinds": ["base-library"], "topics": ["population", "credit"]}
    holds = {"deployed": True, "fed": True, "single_source": True}
    goal = {"by": "2018-12-31", "needs": [{"platforms": {**base, "holds": holds}}]}
    ids = {"name": "ids", "title": "居民 身份", "department": "police", "library": "people"}
    fed = judged([goal], programme(platforms=[platform], resources=[ids]), "2018-02-01")
    assert [each.name for each in fed.short] == ["credit"]
    twice = [ids, {"name": "ids-2", "title": "居民身份", "department": "civil"}]
    doubled = judged([goal], programme(platforms=[platform], resources=twice), "2018-02-01")
    assert [(each.name, each.lacks) for each in doubled.short] == [("population", ("single_source",)), ("credit", ())]


def test_one_line_may_be_spared_and_a_dated_exemption_ends() -> None:
    lines = [
        {"name": f"l{number}", "department": "d", "kind": "internet-exit", "released": released}
        for number, released in enumerate(["2018-02-01", None, None])
    ]
    goal = {"by": "2018-06-30", "needs": [{"lines": {"holds": {"released": True}, "spare": 1}}]}
    on = programme(network={"lines": lines})
    assert judged([goal], on, "2018-07-01").state is State.MISSED
    assert judged([goal], on, "2018-07-01", record("committed", "line:l1")).state is State.MET
    leave = {"reason": "r", "granted": "2018-01-01"}
    dated = programme(network={"lines": [{**lines[1], "exemption": {**leave, "until": "2018-12-31"}}]})
    lasting = programme(network={"lines": [{**lines[1], "exemption": leave}]})
    either = {"any": [{"released": True}, {"exempt_for_a_time": True}]}
    goal = {"by": "2018-06-30", "needs": [{"lines": {"holds": either}}]}
    assert [judged([goal], each, "2018-12-31").state for each in (dated, lasting)] == [State.MET, State.MISSED]
    assert judged([goal], dated, "2019-01-01").state is State.MISSED


def test_the_ledger_wants_tasks_with_owners_that_are_signed_off_in_time() -> None:
    goal = {"since": "2018-01-01", "needs": [{"ledger": {}}]}
    task = {"obligation": "X-one", "title": "t", "owner": "office", "due": "2018-03-01"}
    assert judged([goal], programme(), "2018-02-01").short[0].lacks == ("task",)
    assert judged([goal], programme(tasks=[task]), "2018-03-01").state is State.MET
    assert judged([goal], programme(tasks=[task]), "2018-03-02").state is State.MISSED
    assert judged([goal], programme(tasks=[{**task, "signed_off": "2018-02-20"}]), "2018-03-02").state is State.MET


def test_costs_are_lowered_by_what_was_recorded_last() -> None:
    goal = {"since": "2018-01-01", "needs": [{"systems": {"holds": {"cost_lowered": True}}}]}
    on = programme(systems=systems(1, survey={"running_cost": 100}))
    assert judged([goal], on, "2018-03-01").state is State.MISSED
    lower, higher = record("cost", "s0", "2018-01-10", amount=80), record("cost", "s0", "2018-02-10", amount=120)
    assert judged([goal], on, "2018-03-01", lower).state is State.MET
    assert judged([goal], on, "2018-03-01", lower, higher).state is State.MISSED


def test_the_three_counts_and_one_rate() -> None:
    two = systems(3, exchange={"connected": "2018-02-01", "works_with": ["s1"]})
    two[2] = {**two[2], "exchange": None, "disposition": "merge"}
    resource = {"title": "t", "department": "d", "items": 7}
    data = [{**resource, "name": name, "sharing": sharing} for name, sharing in (("a", "unconditional"), ("b", "none"))]
    ground = Ground(programme(systems=two, resources=data), Achievements(records=(record("merged", "s2"),)))
    assert key_figures(Facts(ground, date(2018, 3, 1))).model_dump() == {
        "integrated": 1, "shared": 7, "cooperating": 2, "connected": 2, "connectable": 2,
    }  # fmt: skip
    assert key_figures(Facts(ground, date(2018, 1, 1))).connected == 0
