"""The obligations of a programme under a plan, and how they stand: profiles are data, measures are pure functions."""

from inventory.obligations.achievements import Achievements, achieved
from inventory.obligations.facts import Facts, Ground
from inventory.obligations.measures import Measurement, Short, called, measure
from inventory.obligations.profile import Goal, Measure, Obligation, Profile, Words
from inventory.obligations.profiles import load_profile, read_profile, shipped
from inventory.obligations.states import GoalStanding, Standing, State, ground_of, standing, standings

__all__ = [
    "Achievements",
    "Facts",
    "Goal",
    "GoalStanding",
    "Ground",
    "Measure",
    "Measurement",
    "Obligation",
    "Profile",
    "Short",
    "Standing",
    "State",
    "Words",
    "achieved",
    "called",
    "ground_of",
    "load_profile",
    "measure",
    "read_profile",
    "shipped",
    "standing",
    "standings",
]
