"""The base of every model of the inventory."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Interface
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

NAME_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
DNS_PATTERN = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$"
INTERFACE_PATTERN = r"^[A-Za-z][A-Za-z0-9_.-]{0,14}$"
SIZE_PATTERN = r"^\d+c\d+g$"

Name = Annotated[
    str,
    Field(
        pattern=NAME_PATTERN, max_length=40, description="Lower-case words joined by hyphens; unique among its kind."
    ),
]
DnsName = Annotated[
    str,
    Field(pattern=DNS_PATTERN, max_length=253),
]
Port = Annotated[int, Field(ge=1, le=65535)]

DURATION_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h|d)$"
_UNITS = {"s": 1.0, "ms": 0.001, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: object) -> object:
    seconds = _read(value) if isinstance(value, str) else None
    if seconds is None:
        raise PydanticCustomError("duration", "a duration is a number and a unit, such as 500ms, 2s, 15m, 4h or 1d")
    return seconds


def _read(text: str) -> float | None:
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)", text)
    return None if match is None else float(match[1]) * _UNITS[match[2]]


def _written(seconds: float) -> str:
    """Return the first text that is read as the very same number: in the greatest unit that fits, else in parts."""
    whole = [unit for unit in "dhms" if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0]
    parts = [unit for unit, length in _UNITS.items() if seconds >= length or unit != "s"]
    texts = [f"{seconds / _UNITS[unit]:.9f}".rstrip("0").rstrip(".") + unit for unit in (*whole, *parts, "s")]
    readable = [text for text in texts if _read(text) is not None]
    return next((text for text in readable if _read(text) == seconds), readable[0])


Duration = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=Annotated[str, Field(pattern=DURATION_PATTERN)]),
    PlainSerializer(_written, return_type=str),
    Field(description="A number and a unit: 500ms, 2s, 15m, 4h, 1d; held in seconds."),
]


def _refuse_ipv6(value: object) -> None:
    try:
        IPv6Interface(str(value))
    except ValueError:
        return
    raise PydanticCustomError("ip_v6", "IPv6 is not moved yet")


def _address(value: object) -> object:
    # A number would be read as an address too: 10 as 0.0.0.10.
    try:
        return value if isinstance(value, IPv4Address) else str(IPv4Address(str(value)))
    except ValueError:
        _refuse_ipv6(value)
        raise PydanticCustomError("ip_v4_address", "an address is written as 10.11.0.10") from None


def _prefix(value: object) -> object:
    # Without its length a prefix would be one single address.
    try:
        if isinstance(value, IPv4Network) or ("/" in str(value) and IPv4Network(str(value))):
            return value
    except ValueError:
        pass
    _refuse_ipv6(value)
    raise PydanticCustomError("ip_v4_network", "a prefix is written as 10.11.0.0/24, without bits of a host")


Address = Annotated[IPv4Address, BeforeValidator(_address)]
Prefix = Annotated[IPv4Network, BeforeValidator(_prefix)]


class Model(BaseModel):
    """A frozen and closed value: unknown fields are errors and nothing changes after validation."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False, allow_inf_nan=False)
