"""Working days of the People's Republic of China, with weekends that are worked and workdays that are free.

The days are those of the State Council's yearly notices as chinesecalendar holds them; only this module imports it. For
a year without a notice every day from Monday to Friday counts as worked, and the answer says that it is not certain.
"""

from datetime import date, timedelta
from functools import cache

import chinese_calendar

from inventory.base import Model

SATURDAY = 5


class Reckoned(Model):
    """A day that was counted to; uncertain where a year without an official notice lies on the way."""

    day: date
    certain: bool


@cache
def known_years() -> range:
    """Return the years whose days off are known."""
    years = {day.year for day in chinese_calendar.holidays}
    return range(min(years), max(years) + 1)


def is_working_day(day: date) -> bool:
    """Return whether offices work on a day; by the weekday alone in a year that is not known."""
    if day.year not in known_years():
        return day.weekday() < SATURDAY
    return day in chinese_calendar.workdays or (day.weekday() < SATURDAY and day not in chinese_calendar.holidays)


def working_day_after(day: date, number: int) -> Reckoned:
    """Return the working day of that number after a day, which itself does not count; 0 is the day itself."""
    certain = day.year in known_years()
    while number > 0 and day < date.max:
        day += timedelta(days=1)
        certain = certain and day.year in known_years()
        number -= is_working_day(day)
    return Reckoned(day=day, certain=certain)
