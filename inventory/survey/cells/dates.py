"""Dates as people write them into sheets."""

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple

from inventory.survey.opening.grids import Cell
from inventory.survey.text import plain
from inventory.words import _

_DIGITS = {**dict.fromkeys("〇零○0Oo", 0), **{sign: value for value, sign in enumerate("一二三四五六七八九", 1)}}
_CHINESE_YEAR = re.compile(r"([一二][〇零○0Oo一二三四五六七八九]{3})年")
_CHINESE_TENS = re.compile(r"([一二三]?)十([一二三四五六七八九]?)(?=[月日])")
_CHINESE_ONE = re.compile(r"([一二三四五六七八九])(?=[月日])")
_FULL = re.compile(
    r"(\d{4})\s*[年./·。-]\s*(\d{1,2})\s*[月./·。-]\s*(\d{1,2})\s*[日号]?(?:[ T]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
)
_MONTH = re.compile(r"(\d{4})\s*[年./·。-]\s*(\d{1,2})\s*月?份?")
_YEAR = re.compile(r"(\d{4})\s*年?度?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})?")
_SHORT = re.compile(r"(\d{2})\s*年\s*(\d{1,2})\s*月(?:\s*(\d{1,2})\s*[日号])?")
_PART_OF_YEAR = (
    (re.compile(r"(?<=年)[底末]$"), "12月"),
    (re.compile(r"(?<=年)初$"), "1月"),
    (re.compile(r"(?<=月)(?:份)?(?:初|中|底|末|[上中下]旬)$"), ""),
)
"""What says of a day only roughly when it was, with the month that it means."""
_EPOCH = date(1899, 12, 30)
_YEARS = range(1950, 2101)
_AHEAD = 10
"""Years that sheets look ahead, as with the end of a contract."""
_SERIALS = range(18264, 73415)
"""Serial numbers of the days from 1950 to 2100; 201703 is none of them."""


class Day(NamedTuple):
    """A date, and what was assumed to get it."""

    value: date | None
    assumed: str = ""
    weighty: bool = False
    """Whether another reading is just as likely."""


def _arabic(text: str) -> str:
    text = _CHINESE_YEAR.sub(lambda match: "".join(str(_DIGITS[sign]) for sign in match[1]) + "年", text)
    text = _CHINESE_TENS.sub(lambda m: str(_DIGITS.get(m[1], 1) * 10 + _DIGITS.get(m[2], 0)), text)
    return _CHINESE_ONE.sub(lambda match: str(_DIGITS[match[1]]), text)


def _day(year: str, month: str = "1", day: str = "1") -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _first_of(year: str, month: str | None) -> Day:
    if month is None:
        return Day(_day(year), _("only a year: its first day is taken"))
    return Day(_day(year, month), _("only a month: its first day is taken"))


def _serial(value: float) -> Day | None:
    if int(value) not in _SERIALS:
        return None
    return Day(_EPOCH + timedelta(days=int(value)), _("a serial number of a spreadsheet, taken as its day"))


def _from_number(value: float) -> Day:
    if (day := _serial(value)) is not None:
        return day
    if value == int(value):
        return _from_text(str(int(value)))
    text = f"{value:.10g}"
    if re.fullmatch(r"\d{4}\.1", text):
        # A sheet shows 2017.10 and holds the number 2017.1.
        return Day(_day(text[:4]), _("January is taken; write 2017年10月 if October is meant"), weighty=True)
    return _from_text(text)


def day_of(cell: Cell) -> Day:
    """Return the date that a cell means; none where it is not one."""
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, date):
        return Day(cell if cell.year in _YEARS else None)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _from_number(cell) if abs(cell) < 1e9 else Day(None)
    return _from_text(_arabic(plain(cell))) if isinstance(cell, str) and len(cell) < 60 else Day(None)


def has_come(day: date) -> bool:
    """Tell whether a day has come; one more is granted, for clocks differ."""
    return day <= date.today() + timedelta(days=1)  # noqa: DTZ011 - a day here


def _whole_year(year: int) -> int:
    """Return the year that two digits mean: of this century, unless that is far from having come."""
    return year + (2000 if 2000 + year <= date.today().year + _AHEAD else 1900)  # noqa: DTZ011 - a year here


def _from_text(text: str) -> Day:
    for vague, month in _PART_OF_YEAR:
        text = vague.sub(month, text)
    if match := _FULL.fullmatch(text):
        return Day(_day(match[1], match[2], match[3]))
    if match := _COMPACT.fullmatch(text):
        return Day(_day(match[1], match[2], match[3])) if match[3] else _first_of(match[1], match[2])
    if match := _MONTH.fullmatch(text) or _YEAR.fullmatch(text):
        return _first_of(match[1], match[2] if match.re is _MONTH else None)
    if match := _SHORT.fullmatch(text):
        year = _whole_year(int(match[1]))
        assumed = _("a year of two digits: {year} is taken").format(year=year)
        return Day(_day(str(year), match[2], match[3] or "1"), assumed, weighty=True)
    if text.isascii() and text.isdigit() and len(text) == 5:
        return _serial(int(text)) or Day(None)
    return Day(None)
