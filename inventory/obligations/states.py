"""How obligations stand on a day.

met             all that is wanted is there on that day; `late` where it was not there yet on the last day
missed          the last day is over, or of what must hold always something does not
at risk         still open, and no more than 14 days remain; or more than half of the time between the plan's date and
                the last day is over, and the share of it that is over is greater than the share of what is wanted that
                was reached
open            still open otherwise
not measurable  the inventory lacks what a measure needs, and nothing else is missed or at risk already

What is due again and again is met where it was done for the last day on which it was due: after the due day before, and
on the day itself at the latest. What is due after an event is missed for a thing whose time is over; it is met when all
things are through. An obligation of several goals is as its worst goal, in the order missed, at risk, not measurable,
open, met.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

from inventory.base import Model
from inventory.model import Programme
from inventory.obligations.achievements import Achievements
from inventory.obligations.dates import Cadence, add_months, due_until
from inventory.obligations.facts import Facts, Ground
from inventory.obligations.measures import Measurement, Short, measure
from inventory.obligations.profile import Goal, Obligation, Profile, Recorded, Words

WARNING = timedelta(days=14)


class State(StrEnum):
    """How an obligation stands, the worst first."""

    MISSED = "missed"
    AT_RISK = "at-risk"
    NOT_MEASURABLE = "not-measurable"
    OPEN = "open"
    MET = "met"


WORST_FIRST = tuple(State)


class GoalStanding(Model):
    """How one goal stands."""

    state: State
    due: date | None
    """The last day, the day from which it must always hold, the next due day; none where no time runs yet."""
    lasting: bool = False
    """Whether it must hold on every day from `due` on."""
    stretch: date | None = None
    late: bool = False
    measurements: tuple[Measurement, ...]


class Standing(Model):
    """How an obligation stands."""

    id: str
    clause: str
    text: Words
    state: State
    due: date | None
    """That of the goal that decides."""
    late: bool
    goals: tuple[GoalStanding, ...]

    @property
    def deciding(self) -> GoalStanding:
        """Return the goal that makes the obligation what it is: the worst, of several such the first that is due."""
        met = self.state is State.MET
        same = [each for each in self.goals if each.state is self.state]
        return (max if met else min)(same, key=lambda each: each.due or (date.min if met else date.max))

    @property
    def short(self) -> tuple[Short, ...]:
        """Return what falls short of the deciding goal."""
        return tuple(short for each in self.deciding.measurements for short in each.short)


def standings(profile: Profile, ground: Ground, day: date) -> tuple[Standing, ...]:
    """Return how all obligations of a profile stand on a day, in the order of the plan."""
    facts = Facts(ground, day)
    return tuple(standing(each, profile, facts) for each in profile.obligations)


def ground_of(profile: Profile, programme: Programme, achievements: Achievements) -> Ground:
    """Return what the measures of a profile stand on."""
    ids = tuple(each.id for each in profile.obligations)
    last = {each.id: max(days) for each in profile.obligations if (days := [g.by for g in each.goals if g.by])}
    return Ground(programme=programme, achievements=achievements, obligations=ids, last_days=last)


def standing(obligation: Obligation, profile: Profile, facts: Facts) -> Standing:
    """Return how one obligation stands on the day of the facts."""
    goals = tuple(_goal(goal, obligation.id, profile, facts) for goal in obligation.goals)
    state = min((each.state for each in goals), key=WORST_FIRST.index)
    found = Standing(
        id=obligation.id, clause=obligation.clause, text=obligation.text, state=state, due=None, late=False, goals=goals
    )
    return found.model_copy(update={"due": found.deciding.due, "late": any(each.late for each in goals)})


def _goal(goal: Goal, obligation: str, profile: Profile, facts: Facts) -> GoalStanding:
    if goal.every is not None and (recorded := goal.needs[0].record) is not None:
        return _again_and_again(goal.every, recorded, obligation, facts)
    taken = _taken(goal, obligation, facts)
    if goal.after is not None:
        return _after(goal.after.months, taken, facts.day)
    due = goal.by or goal.since or profile.date
    over = facts.day > due if goal.by is not None else facts.day >= due
    late = (
        goal.by is not None
        and over
        and _all_reached(taken)
        and not _all_reached(_taken(goal, obligation, facts.at(due)))
    )
    state = _state(taken, over=over, risky=_at_risk(taken, profile.date, due, facts.day))
    lasting = goal.by is None
    return GoalStanding(state=state, due=due, lasting=lasting, stretch=goal.stretch, late=late, measurements=taken)


def _taken(goal: Goal, obligation: str, facts: Facts) -> tuple[Measurement, ...]:
    return tuple(measure(each, facts, obligation) for each in goal.needs)


def _all_reached(taken: Iterable[Measurement]) -> bool:
    return all(each.reached for each in taken)


def _state(taken: Iterable[Measurement], *, over: bool, risky: bool) -> State:
    every = tuple(taken)
    if _all_reached(every):
        return State.MET
    if (over or risky) and any(each.measurable and not each.reached for each in every):
        return State.MISSED if over else State.AT_RISK
    return State.OPEN if all(each.measurable for each in every) else State.NOT_MEASURABLE


def _at_risk(taken: Iterable[Measurement], begin: date, due: date, day: date) -> bool:
    if due - day <= WARNING:
        return True
    # What was due when the plan was issued has no time of which a part could be over.
    time = (day - begin) / (due - begin) if due > begin else 0.0
    return time > 0.5 and time > min(each.progress for each in taken)


def _after(months: int, taken: tuple[Measurement, ...], day: date) -> GoalStanding:
    dues = [
        add_months(short.since, months)
        for each in taken
        for short in each.short
        if short.since is not None and short.since <= day
    ]
    due = min(dues, default=None)
    over = due is not None and day > due
    risky = due is not None and due - day <= WARNING
    return GoalStanding(state=_state(taken, over=over, risky=risky), due=due, measurements=taken)


def _again_and_again(cadence: Cadence, recorded: Recorded, obligation: str, facts: Facts) -> GoalStanding:
    subject = recorded.subject or obligation
    days = [each.date for each in facts.ground.achievements.of(str(recorded.kind), "obligation", subject)]
    passed, coming = due_until(cadence, facts.day)
    begins = (date.min, *passed)
    served = [any(begin < day <= due for day in days) for begin, due in zip(begins, passed, strict=False)]
    short = tuple(
        Short(name=due.isoformat(), lacks=(str(recorded.kind),))
        for due, done in zip(passed, served, strict=True)
        if not done
    )
    taken = Measurement(
        counts="record", numerator=sum(served), denominator=len(passed), enough=len(passed), short=short[::-1]
    )
    if served:
        state = State.MET if served[-1] else State.MISSED
        return GoalStanding(state=state, due=coming if served[-1] else passed[-1], measurements=(taken,))
    early = any(day <= facts.day for day in days)
    risky = coming - facts.day <= WARNING
    state = State.MET if early else State.AT_RISK if risky else State.OPEN
    return GoalStanding(state=state, due=coming, measurements=(taken,))
