"""In which words a value is refused: what pydantic calls an error by its type is a sentence of ours, in every language.

The sentences are data. What an error says of its own limits ({ge}, {max_length} …) is filled in from its context.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network
from typing import NamedTuple

from pydantic_core import ErrorDetails

from inventory.base import DNS_PATTERN, INTERFACE_PATTERN, NAME_PATTERN, SIZE_PATTERN
from inventory.files.reading import Node, Scalar
from inventory.words import _N, _


class Wording(NamedTuple):
    """What is said of a value, and how it is mended; both are messages for `_`."""

    reason: str
    mend: str = ""


_WORD = Wording(_N("must be a word"), _N("put it in quotes if it is meant to be one"))
_WHOLE = Wording(_N("must be a whole number"), _N("digits alone and no quotes, such as 12"))
_NUMBER = Wording(_N("must be a number"), _N("digits alone and no quotes, such as 120000 or 12.5"))
_TRUTH = Wording(_N("must be true or false"), _N("write one of these words without quotes"))
_LIST = Wording(_N("must be a list"), _N("write [a, b] or one line with '- ' for each member"))
_MAPPING = Wording(_N("must be a mapping"), _N("write {key: value} or one line 'key: value' for each"))
_DATE = Wording(_N("must be a date"), _N("such as 2017-08-16"))
_CORRECT = _N("correct the number, or remove the line where it is not known")
_FEW = Wording(_N("must be one of a few words"))

WORDINGS: Mapping[str, Wording] = {
    "string_type": _WORD,
    "string_too_short": Wording(_N("is too short: it needs {min_length} characters or more"), _N("write it out")),
    "string_too_long": Wording(_N("is too long: it may have {max_length} characters"), _N("shorten it")),
    "string_pattern_mismatch": Wording(_N("is not written as such a name must be")),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": Wording(_N("is out of range: no number here is that large")),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than": Wording(_N("is out of range: it must be more than {gt}"), _CORRECT),
    "greater_than_equal": Wording(_N("is out of range: it must be {ge} or more"), _CORRECT),
    "less_than_equal": Wording(_N("is out of range: it must be {le} or less"), _CORRECT),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "duration": Wording(_N("must be a number and a unit"), _N("such as 500ms, 2s, 15m, 4h or 1d")),
    "ip_v4_address": Wording(_N("must be an IPv4 address"), _N("such as 10.11.0.10")),
    "ip_v4_network": Wording(_N("must be an IPv4 prefix"), _N("such as 10.11.0.0/24, without bits of a host")),
    "ip_v6": Wording(
        _N("IPv6 is not moved by this software yet"),
        _N("give the IPv4 address or prefix; what needs IPv6 is moved by hand"),
    ),
    "literal_error": _FEW,
    "enum": _FEW,
    "tuple_type": _LIST,
    "too_short": Wording(_N("has too few members: it needs {min_length} or more")),
    "too_long": Wording(_N("has too many members: it may have {max_length}")),
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "path_type": Wording(_N("must be the path of a file")),
    "json_invalid": Wording(_N("is not JSON: {error}")),
    "missing": Wording(_N("is missing")),
    "extra_forbidden": Wording(_N("there is no such field")),
}
"""By the type of pydantic's error. What our own validators raise (`value_error`) they say in words of their own."""

WRITTEN: Mapping[str, str] = {
    NAME_PATTERN: _N("lower-case letters, digits and single hyphens, such as water-db"),
    DNS_PATTERN: _N("lower-case words with dots between them, such as billing.yunhe.example"),
    INTERFACE_PATTERN: _N("at most 15 letters, digits, dots, hyphens and underscores, such as eth3 or bond0.110"),
    SIZE_PATTERN: _N("processors and memory, such as 2c4g"),
}
"""How a word is written, by the pattern that it must match."""


TRUTHS: Mapping[str, str] = {
    **dict.fromkeys(("yes", "y", "on", "是", "有", "√"), "true"),
    **dict.fromkeys(("no", "n", "off", "否", "无", "×"), "false"),
}
"""What people write for true and false."""


def meant(word: str, known: Iterable[str]) -> str:
    """Return a mend that names the nearest known words; empty where nothing is near and nothing is known."""
    words = tuple(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return _("did you mean '{word}'?").format(word=near[0])
    if 0 < len(words) <= 12:
        return _("one of: {words}").format(words=", ".join(words))
    return ""


def reason_of(error: ErrorDetails) -> str:
    """Return why a value was refused, for one of pydantic's errors."""
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    if error["type"] not in WORDINGS:
        return _("is not as it must be: {said}").format(said=error["msg"])
    return _(WORDINGS[error["type"]].reason).format(**{name: _figure(value) for name, value in context.items()})


def _figure(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def mend_of(error: ErrorDetails, node: Node) -> str:
    """Return how a value is mended that was refused with one of pydantic's errors; empty where nobody can say."""
    wording, context = WORDINGS.get(error["type"], Wording("")), error.get("ctx", {})
    value = node.value if isinstance(node, Scalar) else None
    if wording is _FEW:
        words = re.findall("'([^']*)'", str(context["expected"]))
        return meant(str(value or ""), words) or _("one of: {words}").format(words=", ".join(words))
    if wording is _TRUTH and str(value).lower() in TRUTHS:
        return _("did you mean '{word}'?").format(word=TRUTHS[str(value).lower()])
    if wording is _WORD and value is None:
        return "" if isinstance(node, Scalar) else _("write one word behind the colon")
    if "pattern" in context:
        return _(WRITTEN.get(str(context["pattern"]), ""))
    if wording is WORDINGS["ip_v4_network"] and (whole := _without_host_bits(value)):
        return _("did you mean '{word}'?").format(word=whole)
    return _(wording.mend)


def _without_host_bits(value: object) -> str:
    try:
        return str(IPv4Network(value, strict=False)) if isinstance(value, str) and "/" in value else ""
    except ValueError:
        return ""
