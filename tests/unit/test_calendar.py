"""Working days and due days, checked against the State Council's notices on days off.

Notices: 国办发明电〔2016〕17号 for 2017, 国办发明电〔2017〕12号 for 2018, 国办发明电〔2024〕12号 for 2025.
The notice for 2019 shifts the last days of 2018 too.
"""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.obligations.dates import Cadence, add_months, due_until
from inventory.obligations.workdays import is_working_day, known_years, working_day_after


def span(first: str, last: str) -> set[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return {begin + timedelta(days=number) for number in range((end - begin).days + 1)}


OFF = {
    2017: span("2017-01-01", "2017-01-02") | span("2017-01-27", "2017-02-02") | span("2017-04-02", "2017-04-04")
    | span("2017-05-01", "2017-05-01") | span("2017-05-28", "2017-05-30") | span("2017-10-01", "2017-10-08"),
    2018: span("2018-01-01", "2018-01-01") | span("2018-02-15", "2018-02-21") | span("2018-04-05", "2018-04-07")
    | span("2018-04-29", "2018-05-01") | span("2018-06-18", "2018-06-18") | span("2018-09-24", "2018-09-24")
    | span("2018-10-01", "2018-10-07") | span("2018-12-30", "2018-12-31"),
    2025: span("2025-01-01", "2025-01-01") | span("2025-01-28", "2025-02-04") | span("2025-04-04", "2025-04-06")
    | span("2025-05-01", "2025-05-05") | span("2025-05-31", "2025-06-02") | span("2025-10-01", "2025-10-08"),
}  # fmt: skip
WORKED = {
    2017: {"2017-01-22", "2017-02-04", "2017-04-01", "2017-05-27", "2017-09-30"},
    2018: {"2018-02-11", "2018-02-24", "2018-04-08", "2018-04-28", "2018-09-29", "2018-09-30", "2018-12-29"},
    2025: {"2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"},
}


@pytest.mark.parametrize("year", sorted(OFF))
def test_every_day_of_a_year_is_as_the_notice_says(year: int) -> None:
    worked = {date.fromisoformat(day) for day in WORKED[year]}
    for day in sorted(span(f"{year}-01-01", f"{year}-12-31")):
        assert is_working_day(day) == (day in worked or (day.weekday() < 5 and day not in OFF[year])), day


@pytest.mark.parametrize(
    "asked, number, answer",
    [
        # 25 to 29 September and Saturday the 30th are worked, then eight days are off, then come 9 to 12 October.
        ("2017-09-22", 10, "2017-10-12"),
        ("2017-09-30", 10, "2017-10-20"),
        # New Year of the moon: Sunday 11 and Saturday 24 February are worked, 15 to 21 are off.
        ("2018-02-09", 10, "2018-02-28"),
        ("2018-03-05", 10, "2018-03-19"),
        ("2018-03-05", 0, "2018-03-05"),
        ("2025-01-24", 10, "2025-02-13"),
    ],
)
def test_working_days_are_counted_over_shifted_days(asked: str, number: int, answer: str) -> None:
    found = working_day_after(date.fromisoformat(asked), number)
    assert (found.day.isoformat(), found.certain) == (answer, True)


def test_a_year_without_a_notice_is_counted_by_weekdays_and_told() -> None:
    year = known_years().stop + 1
    monday = date(year, 3, 1) + timedelta(days=-date(year, 3, 1).weekday() % 7)
    found = working_day_after(monday, 10)
    assert (found.day, found.certain) == (monday + timedelta(days=14), False)


@given(st.dates(), st.integers(0, 30))
def test_no_day_is_too_far(day: date, number: int) -> None:
    assert working_day_after(day, number).day >= day


@given(st.dates(date(2005, 1, 1), date(2025, 6, 1)), st.integers(0, 60))
def test_so_many_working_days_lie_between(day: date, number: int) -> None:
    end = working_day_after(day, number).day
    assert sum(is_working_day(day + timedelta(days=each + 1)) for each in range((end - day).days)) == number


@pytest.mark.parametrize(
    "day, months, wanted",
    [
        ("2018-03-31", 6, "2018-09-30"),
        ("2017-08-31", 6, "2018-02-28"),
        ("2018-03-15", 0, "2018-03-15"),
        ("2017-12-31", 14, "2019-02-28"),
        ("9999-12-01", 6, "9999-12-31"),
    ],
)
def test_months_end_where_a_month_ends(day: str, months: int, wanted: str) -> None:
    assert add_months(date.fromisoformat(day), months).isoformat() == wanted


@pytest.mark.parametrize(
    "cadence, day, passed, coming",
    [
        ({"period": "month", "day": 1, "since": "2017-10-01"}, "2017-12-31",
            ["2017-10-01", "2017-11-01", "2017-12-01"], "2018-01-01"),
        ({"period": "month", "day": 25, "since": "2018-02-06"}, "2018-02-24", [], "2018-02-25"),
        ({"period": "month", "day": 31, "since": "2018-02-06"}, "2018-03-01", ["2018-02-28"], "2018-03-31"),
        ({"period": "half-year", "month": 6, "day": 30, "since": "2018-02-06"}, "2019-01-01",
            ["2018-06-30", "2018-12-30"], "2019-06-30"),
        ({"period": "year", "month": 1, "day": 15, "since": "2018-01-01"}, "2019-01-15",
            ["2018-01-15", "2019-01-15"], "2020-01-15"),
        ({"period": "year", "month": 1, "day": 15, "since": "2018-01-16"}, "2018-12-31", [], "2019-01-15"),
        ({"period": "week", "day": 7, "since": "2017-11-01"}, "2017-11-12", ["2017-11-05", "2017-11-12"], "2017-11-19"),
    ],
)  # fmt: skip
def test_due_days(cadence: dict[str, object], day: str, passed: list[str], coming: str) -> None:
    found, after = due_until(Cadence.model_validate(cadence), date.fromisoformat(day))
    assert ([each.isoformat() for each in found], after.isoformat()) == (passed, coming)
