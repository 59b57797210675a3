"""Values that YAML, or the inventory, reads otherwise than people mean them: the mend says how they are written."""

import re
import unicodedata
from datetime import date
from functools import lru_cache
from pathlib import Path

from inventory.base import NAME_PATTERN
from inventory.files.gathering import Cursor
from inventory.files.reading import Scalar
from inventory.words import _

_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(万|亿)?(?:元|人|个|台|兆|m|M|%)?")
_DIGITS = 10
"""Longer numbers are no slips."""
_TIMES = {"万": 10_000, "亿": 100_000_000}
_QUOTES = "“”‘’「」『』＂＇"
_SEPARATORS = re.compile(r"[、，,；;]")


def mend_of_slip(kind: str, cursor: Cursor) -> str:
    """Return how a value is written that was refused with a kind of pydantic's error; empty where it is no slip."""
    value = cursor.node.value if isinstance(cursor.node, Scalar) else ""
    if value is None:
        return _of_nothing(_raw(cursor))
    if isinstance(value, str) and value[:1] in _QUOTES and value[:1]:
        return _("full-width quotes are part of the value: write '{word}', or ordinary quotes").format(
            word=value.strip(_QUOTES)
        )
    return _of_kind(kind, value, _raw(cursor))


def _of_kind(kind: str, value: object, raw: str) -> str:
    if kind == "string_type":
        return _of_word(value, raw)
    if kind.startswith("date"):
        return _of_day(_plain(str(value)))
    if not isinstance(value, str) or not value:
        return ""
    means = {"string_pattern_mismatch": _name, "tuple_type": _members}
    means |= dict.fromkeys(("int_type", "int_parsing", "float_type", "float_parsing", "finite_number"), _number)
    return _asked(means[kind](value)) if kind in means else ""


def _members(text: str) -> str:
    return "[" + ", ".join(word.strip() for word in _SEPARATORS.split(text.strip("[]［］【】")) if word.strip()) + "]"


UNMOVED = frozenset({
    "vrf", "vrfs", "ospf", "isis", "rip", "nat", "snat", "dnat", "vlan", "vlans", "acl", "acls", "ipv6", "mpls", "vpn",
    "routing", "static_routes",
})  # fmt: skip
"""What people write of lines and devices that this software does not move yet."""


def mend_of_key(key: str) -> str:
    """Return how a key is mended that has a full-width colon in it or is not done yet; empty for all others."""
    if key.lower() in UNMOVED:
        text = _("{what} is not moved by this software yet: leave it out, and the domain of a line that needs it")
        return text.format(what=key)
    name, colon, value = key.partition("：")
    if not colon:
        return ""
    told = _("a full-width colon stands behind the key: write '{key}: {value}'")
    return told.format(key=name.strip(), value=value.strip() or "…")


def _of_nothing(raw: str) -> str:
    if raw.startswith("#"):
        word = raw if "'" not in raw else raw.replace("'", "''")
        return _("'#' begins a comment: put the value in quotes, '{word}'").format(word=word)
    if raw.lower() in {"null", "~"}:
        return _("'{word}' means nothing: write a value, put the word in quotes, or remove the line").format(word=raw)
    return _("write a value behind the colon, or remove the line")


def _of_word(value: object, raw: str) -> str:
    if not isinstance(value, bool | int | float):
        return ""
    if re.match(r"[-+]?0\d", raw):
        return _('put it in quotes, "{word}": without them the zeros in front are lost').format(word=raw)
    return _('put it in quotes: "{word}"').format(word=raw) if raw else ""


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _number(text: str) -> str:
    found = _NUMBER.fullmatch(_plain(text).replace(",", ""))
    if found is None:
        return ""
    if len(found[1]) > _DIGITS:
        return ""
    return f"{float(found[1]) * _TIMES.get(found[2] or '', 1):.10g}"


def _of_day(text: str) -> str:
    text = f"{text[:4]}-{text[4:6]}-{text[6:]}" if re.fullmatch(r"\d{8}", text) else text
    found = _DATE.fullmatch(text)
    if found is None:
        return ""
    try:
        day = date(int(found[1]), int(found[2]), int(found[3] or 1))
    except ValueError:
        return _("there is no such day; such as 2017-08-16")
    if found[3] is None:
        return _("a date has a day too, such as {day}").format(day=day.isoformat())
    return _asked(day.isoformat())


def _name(text: str) -> str:
    word = re.sub(r"[\W_]+", "-", _plain(text.replace(" ", "-")).lower()).strip("-")
    return word if word != text and re.fullmatch(NAME_PATTERN, word) and len(word) <= 40 else ""


def _asked(word: str) -> str:
    return _("did you mean '{word}'?").format(word=word) if word else ""


def _raw(cursor: Cursor) -> str:
    """Return what stands behind a key, or behind the hyphen of a member, on its line; a comment behind it left out."""
    step, line = cursor.step, cursor.mark.line
    if isinstance(step, str) and cursor.holder is not None:
        line = cursor.holder.key(step).mark.line
    text = (*_lines(cursor.file), "")[line] if line < len(_lines(cursor.file)) else ""
    if isinstance(step, str):
        found = re.search(rf"(?:^|[\s{{,-])['\"]?{re.escape(step)}['\"]?\s*:\s*(.*)$", text)
        text = found[1] if found else ""
    else:
        text = text[cursor.mark.column :]
    if text.startswith("#"):
        return text.strip()
    return re.split(r"\s#|[,}\]]", text, maxsplit=1)[0].strip()


@lru_cache(8)
def _lines(file: Path) -> tuple[str, ...]:
    try:
        return tuple(file.read_bytes().decode("utf-8-sig", "replace").split("\n"))
    except OSError:
        return ()
