"""Laws of obligations: what is achieved only helps, time alone undoes nothing, and each can be met and be missed."""

import re
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.model import Disposition, Override, Programme, Record, Survey
from inventory.obligations import (
    Achievements,
    Facts,
    Ground,
    Measure,
    Standing,
    State,
    ground_of,
    measure,
    shipped,
    standings,
)
from inventory.obligations.conditions import uses
from inventory.obligations.measures import Measurement
from tests.laws.obliging import BEGIN, EVERY, IDS, LATE, Size, fallen, profile, successes, whole

SIZES = st.builds(Size, departments=st.integers(1, 3), systems=st.integers(1, 3))
"""Sizes of programmes."""


def stood(name: str, programme: Programme, records: tuple[Record, ...], day: date = LATE) -> dict[str, Standing]:
    plan = profile(name)
    ground = ground_of(plan, programme, Achievements(records=records))
    return {each.id: each for each in standings(plan, ground, day)}


def states(name: str, programme: Programme, records: tuple[Record, ...], day: date = LATE) -> dict[str, State]:
    return {each.id: each.state for each in stood(name, programme, records, day).values()}


@pytest.mark.parametrize("name", sorted(IDS))
def test_the_shipped_profiles_have_the_obligations_of_their_plans(name: str) -> None:
    assert [each.id for each in profile(name).obligations] == IDS[name].split()
    assert set(shipped()) == set(IDS)


@cache
def extremes(name: str, size: Size) -> tuple[dict[str, Standing], ...]:
    """How obligations stand where all is done, where nothing is, and where the moves are all that is."""
    met = whole(size)
    bare = fallen(met)
    moves = tuple(each for each in successes(met) if each.kind == "committed" and each.subject.startswith("system:"))
    return stood(name, met, tuple(successes(met))), stood(name, bare, ()), stood(name, bare, moves)


@pytest.mark.parametrize("name, obligation", EVERY)
@settings(max_examples=9)
@given(size=SIZES)
def test_every_obligation_can_be_met_and_be_missed(name: str, obligation: str, size: Size) -> None:
    best, nothing, moved = extremes(name, size)
    assert best[obligation].state is State.MET
    # What is due after a move is missed where the move is all that was done; the others where nothing was.
    assert State.MISSED in {nothing[obligation].state, moved[obligation].state}


@pytest.mark.parametrize("name, obligation", EVERY)
def test_every_measure_counts_something_and_can_fall_short(name: str, obligation: str) -> None:
    # Otherwise an obligation could be met because nothing falls under it, and be missed by another measure alone.
    best, nothing, moved = (each[obligation] for each in extremes(name, Size()))
    for good, bad, half in zip(best.goals, nothing.goals, moved.goals, strict=True):
        assert all(each.numerator > 0 for each in good.measurements)
        for ends in zip(bad.measurements, half.measurements, strict=True):
            assert any(each.measurable and not each.reached for each in ends)


@st.composite
def evidence(draw: st.DrawFn) -> tuple[Programme, tuple[Record, ...]]:
    """A programme of which some is done, on any days."""
    programme = whole(draw(SIZES))
    every = tuple(successes(programme))
    kept = draw(st.lists(st.sampled_from(range(len(every))), max_size=60, unique=True))
    days = st.dates(date(2017, 8, 1), LATE)
    # Records of what is due again and again keep their days; the others are spread.
    return programme, tuple(
        every[each]
        if every[each].kind in {"report", "evaluation"}
        else every[each].model_copy(update={"date": draw(days)})
        for each in kept
    )


def upright(wanted: Measure) -> bool:
    """Whether a measure asks for something done, not that nothing was."""
    holds = getattr(getattr(wanted, wanted.word), "holds", None)
    return holds is None or not uses(holds, frozenset({"untouched"}))


def taken(name: str, programme: Programme, records: tuple[Record, ...], day: date) -> list[tuple[int, int]]:
    plan = profile(name)
    facts = Facts(Ground(programme, Achievements(records=records)), day)
    found = [
        measure(each, facts, obligation.id)
        for obligation in plan.obligations
        for goal in obligation.goals
        for each in goal.needs
        if upright(each)
    ]
    return [(each.numerator, each.denominator) for each in found]


@pytest.mark.parametrize("name", sorted(IDS))
@settings(max_examples=30)
@given(seen=evidence(), day=st.dates(date(2017, 8, 1), LATE), data=st.data())
def test_no_measure_rises_when_a_success_is_taken_away(
    name: str, seen: tuple[Programme, tuple[Record, ...]], day: date, data: st.DataObject
) -> None:
    programme, records = seen
    if not records:
        return
    lost = data.draw(st.sampled_from(records))
    before, after = (
        taken(name, programme, kept, day) for kept in (records, tuple(each for each in records if each is not lost))
    )
    for (more, of_many), (less, of_as_many) in zip(before, after, strict=True):
        assert less <= more
        assert of_many == of_as_many


def blanked(programme: Programme, kind: str, which: int) -> Programme:
    """The same programme where one thing of a kind says nothing of what it need not say."""
    if kind == "departments":
        department = programme.departments[which % len(programme.departments)]
        kept = tuple(each for each in programme.systems if each.department != department.name)
        return programme.model_copy(update={"systems": kept})
    network, kind, blank = kind == "lines", {"sources": "resources"}.get(kind, kind), BLANK[kind]
    members = list(programme.network.lines if network else getattr(programme, kind))
    if not members:
        return programme
    thing = members[which % len(members)]
    members[which % len(members)] = thing.model_copy(update=blank)
    if not network:
        return programme.model_copy(update={kind: tuple(members)})
    return programme.model_copy(update={"network": programme.network.model_copy(update={"lines": tuple(members)})})


BLANK: dict[str, dict[str, Any]] = {
    "systems": {"survey": Survey(), "filing": None, "exchange": None, "office": None, "common": None, "wave": None},
    "lines": {"released": None, "rent": 0.0, "golden_project": "", "exemption": None, "domain": None},
    "resources": {"sharing": None, "conditions": " ", "provider": " ", "updated": None, "published": None},
    "requests": {"answered": None, "granted": None, "reason": ""},
    "sources": {"system": None},
    "tasks": {"owner": " ", "signed_off": None},
    "departments": {},
}
"""What people leave out, by the kind of thing."""


def overridden(programme: Programme, which: int, disposition: Disposition) -> Programme:
    """The same programme where something else is written of a system than the rule says."""
    systems = list(programme.systems)
    reason = Override(reason="so", date=BEGIN)
    systems[which] = systems[which].model_copy(update={"disposition": disposition, "override": reason})
    return programme.model_copy(update={"systems": tuple(systems)})


def measured(name: str, programme: Programme, records: tuple[Record, ...], day: date) -> list[Measurement]:
    facts = Facts(Ground(programme, Achievements(records=records)), day)
    return [
        measure(each, facts, obligation.id)
        for obligation in profile(name).obligations
        for goal in obligation.goals
        for each in goal.needs
        if upright(each)
    ]


def never_better(before: list[Measurement], after: list[Measurement]) -> None:
    for one, other in zip(before, after, strict=True):
        assert one.reached or not other.reached
        if one.measurable and other.measurable:
            assert other.denominator - other.numerator >= one.denominator - one.numerator or not other.reached


def ruled(programme: Programme) -> Programme:
    """The same programme without a word of any person on what becomes of systems."""
    bare = tuple(each.model_copy(update={"disposition": None, "override": None}) for each in programme.systems)
    return programme.model_copy(update={"systems": bare})


@pytest.mark.parametrize("name", sorted(IDS))
@settings(max_examples=40)
@given(
    seen=evidence(),
    day=st.dates(date(2017, 8, 1), LATE),
    which=st.sets(st.integers(0, 200), min_size=1),
    every=st.booleans(),
    disposition=st.sampled_from(Disposition),
)
def test_no_override_raises_a_measure(
    name: str, seen: tuple[Programme, tuple[Record, ...]], day: date, which: set[int], every: bool,
    disposition: Disposition,
) -> None:  # fmt: skip
    programme, records = seen
    # A deed that was done is one, whatever was decided first: only what was decided is looked at here.
    records = tuple(each for each in records if each.kind not in {"relocated", "merged", "retired"})
    open_ = ruled(programme)
    other = open_
    for each in range(len(open_.systems)) if every else {number % len(open_.systems) for number in which}:
        if disposition is Disposition.LEAVE or open_.systems[each].disposition != disposition:
            other = overridden(other, each, disposition)
    before, after = (measured(name, each, records, day) for each in (open_, other))
    never_better(before, after)


@pytest.mark.parametrize("name", sorted(IDS))
@pytest.mark.parametrize("kind", sorted(BLANK))
@settings(max_examples=15)
@given(seen=evidence(), day=st.dates(date(2017, 8, 1), LATE), which=st.integers(0, 200))
def test_no_blank_raises_a_measure(
    name: str, kind: str, seen: tuple[Programme, tuple[Record, ...]], day: date, which: int
) -> None:
    programme, records = seen
    never_better(measured(name, programme, records, day), measured(name, blanked(programme, kind, which), records, day))


PROMISED = frozenset({"until", "due", "asked"})
"""Days that may lie ahead, or before which a thing is not there."""


def postponed(value: Any, which: int, day: str, *, left: list[int], step: str = "") -> Any:
    """The same JSON where one of its days, by its number, is another one."""
    if isinstance(value, dict):
        return {key: postponed(each, which, day, left=left, step=key) for key, each in value.items()}
    if isinstance(value, list):
        return [postponed(each, which, day, left=left, step=step) for each in value]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) and step not in PROMISED:
        left[0] += 1
        return day if left[0] == which else value
    return value


@pytest.mark.parametrize("name", sorted(IDS))
@settings(max_examples=20)
@given(seen=evidence(), day=st.dates(date(2017, 8, 1), LATE), which=st.integers(0, 10_000))
def test_no_day_that_is_still_to_come_raises_a_measure(
    name: str, seen: tuple[Programme, tuple[Record, ...]], day: date, which: int
) -> None:
    programme, records = seen
    written = programme.model_dump(mode="json", by_alias=True)
    count = [0]
    postponed(written, 0, "", left=count)
    if not count[0]:
        return
    other = Programme.model_validate(postponed(written, which % count[0] + 1, "2099-12-31", left=[0]))
    never_better(measured(name, programme, records, day), measured(name, other, records, day))


@pytest.mark.parametrize("name", sorted(IDS))
@settings(max_examples=30)
@given(seen=evidence(), day=st.dates(date(2017, 8, 1), LATE), days=st.integers(0, 500))
def test_what_is_met_by_a_day_stays_met(
    name: str, seen: tuple[Programme, tuple[Record, ...]], day: date, days: int
) -> None:
    once = {each.id for each in profile(name).obligations if all(goal.by is not None for goal in each.goals)}
    assert once
    before, after = (states(name, *seen, each) for each in (day, day + timedelta(days=days)))
    for each in once:
        if before[each] is State.MET:
            assert after[each] is State.MET


@pytest.mark.parametrize("name", sorted(IDS))
@settings(max_examples=30)
@given(seen=evidence(), day=st.dates(date(2017, 8, 1), LATE))
def test_what_comes_later_does_not_count_yet(name: str, seen: tuple[Programme, tuple[Record, ...]], day: date) -> None:
    programme, records = seen
    until = tuple(each for each in records if each.date <= day)
    assert states(name, programme, records, day) == states(name, programme, until, day)
