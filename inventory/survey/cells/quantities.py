"""Numbers with units as people write them into sheets: money, memory, bandwidth, area, counts."""

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from inventory.survey.opening.grids import Cell
from inventory.survey.text import plain

_NUMBER = re.compile(
    r"(约|大约|近|≈|~|¥|rmb|cny)*\s*([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)\s*(\D.*)?", re.IGNORECASE
)
_SCALES = {
    "": 1,
    "百": 100,
    "千": 1_000,
    "万": 10_000,
    "w": 10_000,
    "十万": 100_000,
    "百万": 1_000_000,
    "千万": 10_000_000,
    "亿": 10**8,
    "thousand": 1_000,
    "10k": 10_000,
    "10,000": 10_000,
    "10000": 10_000,
    "ten thousand": 10_000,
    "million": 1_000_000,
}
_SCALED = re.compile(rf"({'|'.join(sorted(filter(None, _SCALES), key=len, reverse=True))})?(.*)")
_ABOUT = re.compile(r"(?:^|(?<=[百千万亿]))[余多几+]|(?:左右|上下|以上|以内)$")
_MONEY = re.compile(r"(?:人民币)?(元|圆|rmb|cny|yuan)?(整)?\s*[/每(]?\s*(年|月|季度|季|year|month)?\)?(?:人民币)?")
_PERIODS = {"月": 12, "month": 12, "季": 4, "季度": 4}
_TIMES = r"\s*[×xX*✕]\s*"
_PRODUCT = re.compile(
    rf"(\d{{1,3}})(?:{_TIMES}|\s*[颗路块个条台根]\s*(?:cpu)?[,:]?\s*(?:每颗)?)(\d+(?:\.\d+)?)\s*(核|[kmgtp]i?b?)?(?:\s*(?:sas|sata|ssd|硬盘|内存|ddr\d?))?"
    rf"|(\d+(?:\.\d+)?)\s*(核|[kmgtp]i?b?){_TIMES}(\d{{1,3}})\s*[颗路块个条台根]?(?:\s*(?:sas|sata|ssd))?"
)
_BYTES: Mapping[str, Decimal] = {
    "k": Decimal(1) / 1024 / 1024, "m": Decimal(1) / 1024, "g": Decimal(1), "t": Decimal(1024), "p": Decimal(1024**2),
}  # fmt: skip
_BITS: Mapping[str, Decimal] = {"k": Decimal("0.001"), "m": Decimal(1), "兆": Decimal(1), "g": Decimal(1000)}
_COUNTED = frozenset(
    [
        "人",
        "个",
        "台",
        "套",
        "项",
        "核",
        "次",
        "家",
        "户",
        "条",
        "批",
        "名",
        "台套",
        "台/套",
        "台(套)",
        "用户",
        "颗",
        "c",
        "core",
        "cores",
        "张",
        "块",
        "件",
        "组",
        "年",
    ]
)
_WORDED: Mapping[str, str] = {"百兆": "100兆", "千兆": "1000兆", "万兆": "10000兆"}
"""Amounts that are always written in words."""
_SQUARE = frozenset({"m2", "m²", "平方米", "平米", "平方", "平", "sqm"})


class Amount(NamedTuple):
    """A number with what stood behind it."""

    number: Decimal
    unit: str
    about: bool


def amount_of(cell: Cell) -> Amount | None:
    """Return number and unit of a cell such as 12.5万元 or 1,200.00; None where it is not one number."""
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, int | float):
        number = Decimal(repr(cell))
        return Amount(number, "", about=False) if number.is_finite() and abs(number) < 10**15 else None
    text = _WORDED.get(plain(cell), plain(cell)) if isinstance(cell, str) and len(cell) < 40 else ""
    match = _NUMBER.fullmatch(text)
    if match is None or len(match[2]) > 15:
        return None
    about = (match[1] or "").casefold() not in {"", "¥", "rmb", "cny"}
    unit, vague = _ABOUT.subn("", (match[3] or "").strip().casefold())
    return Amount(Decimal(match[2].replace(",", "")), unit.strip(), about or vague > 0)


def product_of(cell: Cell) -> Amount | None:
    """Return what several equal parts have together, as 2×8, 2颗8核 or 2块600G SAS say; None where it is one number."""
    match = _PRODUCT.fullmatch(plain(cell).casefold()) if isinstance(cell, str) and len(cell) < 40 else None
    if match is None:
        return None
    one, unit, many = (match[2], match[3], match[1]) if match[1] else (match[4], match[5], match[6])
    return Amount(Decimal(one) * Decimal(many), (unit or "").strip(), about=False)


def number(value: Decimal) -> int | float:
    """Return a number as YAML holds it: whole if it is whole."""
    return int(value) if value == value.to_integral_value() else float(value)


def _money_unit(unit: str) -> tuple[Decimal, str] | None:
    """Return how many yuan a unit of money is, and the period that it names, such as 月."""
    scaled = _SCALED.fullmatch(unit)
    match = _MONEY.fullmatch(scaled[2].strip()) if scaled else None
    return (Decimal(_SCALES[scaled[1] or ""]), match[3] or "") if scaled and match else None


def money(amount: Amount, unit: str, period: str = "") -> Decimal | None:
    """Return yuan, a year's where the column speaks of a period (年, 月); None where the unit is none of money.

    The period that counts is the one beside the number, else that of `unit`, else that of the column.
    """
    given = _money_unit(plain(unit).casefold())
    own = _money_unit(amount.unit) if amount.unit else given
    if own is None or amount.number < 0:
        return None
    factor, written = own
    written = written or (given[1] if given else "")
    if written and not period:
        return None
    return (amount.number * factor * _PERIODS.get(written or period, 1)).quantize(Decimal("0.01"))


def gibibytes(amount: Amount, unit: str) -> Decimal | None:
    """Return GiB; None where the unit is none of memory."""
    match = re.fullmatch(r"([kmgtp])(?:i?b)?|([kmgtp])(?:i?bytes?)", amount.unit or plain(unit).casefold())
    if match is None or amount.number < 0:
        return None
    return amount.number * _BYTES[match[1] or match[2]]


def megabits(amount: Amount, unit: str) -> Decimal | None:
    """Return Mbit/s; None where the unit is none of bandwidth."""
    match = re.fullmatch(r"(k|m|g|兆)(?:bps|bit/s|bits|b/s|bit|b)?", amount.unit or plain(unit).casefold())
    return None if match is None or amount.number < 0 else amount.number * _BITS[match[1]]


def square_metres(amount: Amount, unit: str) -> Decimal | None:
    """Return square metres; None where the unit is none of area."""
    fits = (amount.unit or plain(unit).casefold()) in _SQUARE
    return amount.number if fits and amount.number > 0 else None


def counted(amount: Amount, unit: str) -> Decimal | None:
    """Return a number of things; None where the unit counts nothing."""
    scaled = _SCALED.fullmatch(amount.unit or plain(unit).casefold())
    if scaled is None or (scaled[2].strip() not in _COUNTED and scaled[2].strip()) or amount.number < 0:
        return None
    return amount.number * _SCALES[scaled[1] or ""]


def rounded_up(value: Decimal) -> int:
    """Return the next whole number."""
    return int(value.to_integral_value(rounding=ROUND_CEILING))
