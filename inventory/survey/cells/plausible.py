"""Implausible cells: a number that is far too large, mostly because its unit is not the one above it."""

from collections.abc import Mapping
from decimal import Decimal

LIMITS: Mapping[str, Decimal] = {
    "money": Decimal(10**8),
    "memory": Decimal(16 * 1024),
    "storage": Decimal(20 * 1024 * 1024),
    "bandwidth": Decimal(400_000),
    "area": Decimal(20_000),
}
"""The largest value by type of column, in yuan, GiB, Mbit/s and square metres; beyond it the unit is asked for."""

LEAST_MONEY = Decimal(100)
"""Yuan below which an amount is asked about where a unit of whole yuan was given: it may be 万元."""


def too_large(kind: str, value: Decimal) -> bool:
    """Tell whether a value of a type of column (`columns.Type`) is beyond belief."""
    return kind in LIMITS and value >= LIMITS[kind]
