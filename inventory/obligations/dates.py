"""Days on which something is due again and again, months after an event, and which day it is."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import Model

CHINA = timezone(timedelta(hours=8))
"""The whole country has one time, without summer time; days of deadlines are its days."""
_MONTHS = {"month": 1, "half-year": 6, "year": 12}


class Cadence(Model):
    """How often something is due: each week, month, half-year or year, on one day of it."""

    period: Literal["week", "month", "half-year", "year"]
    day: Annotated[int, Field(ge=1, le=31, description="Of the week (1 is Monday) or of the month; its last at most.")]
    month: Annotated[int, Field(ge=1, le=12, description="The month of a year, or the first one of the two.")] = 1
    since: Annotated[date, Field(description="Nothing is due before this day.")]


def today() -> date:
    """Return the day that it is in China now."""
    return datetime.now(CHINA).date()


def add_months(day: date, months: int) -> date:
    """Return the day so many months later; the last day of the month where it has no such day."""
    number = day.year * 12 + day.month - 1 + months
    return _in_month(number, day.day)


def _in_month(number: int, day: int) -> date:
    year, month = divmod(number, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day, monthrange(year, month + 1)[1]))


def due_days(cadence: Cadence) -> Iterator[date]:
    """Yield the days on which something is due, from the first on, without end but that of the calendar."""
    if cadence.period == "week":
        day = cadence.since + timedelta(days=(min(cadence.day, 7) - cadence.since.isoweekday()) % 7)
        while day < date.max - timedelta(days=7):
            yield day
            day += timedelta(days=7)
        return
    step = _MONTHS[cadence.period]
    number = cadence.since.year * 12 + (cadence.since.month - 1 if step == 1 else (cadence.month - 1) % step)
    while number < date.max.year * 12:
        day = _in_month(number, cadence.day)
        if day >= cadence.since:
            yield day
        number += step


def due_until(cadence: Cadence, day: date) -> tuple[tuple[date, ...], date]:
    """Return the due days up to and with a day, and the next one after it."""
    passed: list[date] = []
    for due in due_days(cadence):
        if due > day:
            return tuple(passed), due
        passed.append(due)
    return tuple(passed), date.max
