"""Titles of things that sheets give no name, titles that several things share, and cells that name several systems."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from inventory.survey.entries import Entry, Place, Remark, Weight
from inventory.survey.text import cleaned, folded, shortened
from inventory.words import _

_SYSTEM = re.compile(
    r"(?:系统|平台|网站|软件|数据库|信息库|小程序|公众号|APP|OA|门户|网)(?:[(（][^()（）]*[)）])?$", re.IGNORECASE
)
_BETWEEN = re.compile(
    r"[、,，;；/／+＋\n\r①-⑳]+|(?:^|(?<=[\s;,、；，。]))[(（]?\d{1,2}[)）.、](?!\d)|(?<=系统|平台|网站)[ \u3000\t]+"
)
_AND = re.compile(r"(?:系统|平台|网站)[和及与](?=.*(?:系统|平台|网站)$)")
_LATIN = re.compile(r"[A-Z][A-Za-z0-9]{1,9}")
_MORE = re.compile(r"等\s*(?:\d+|[一二三四五六七八九十两多数几]+)\s*[个套项]?(?:子?系统|平台|模块|网站)?$")
"""挂号系统等5个系统 names more than one."""
_NUMBER_BEFORE = re.compile(
    r"^(?:[(（]\d{1,2}[)）]|\d{1,2}[、.．](?!\d)|[①-⑳]|[一二三四五六七八九十]{1,2}、)\s*(?=[\u4e00-\u9fffA-Za-z])"
)
_WORDS = 3
"""A name of a system has so many characters at least."""


def several(text: str) -> tuple[str, ...]:
    """Return the systems that one cell names; none where it names one."""
    parts = [cleaned(part) for part in _BETWEEN.split(text)]
    names = tuple(dict.fromkeys(part for part in parts if part))
    whole = all(len(name) >= _WORDS and _SYSTEM.search(name) for name in names)
    return names if len(names) > 1 and whole else ()


def perhaps_several(text: str) -> bool:
    """Tell whether a title may name two systems that a word for 'and' joins."""
    parts = [cleaned(part) for part in _BETWEEN.split(text)]
    ends = sum(_SYSTEM.search(part) is not None for part in parts if part)
    if _MORE.search(cleaned(text)) or (len(parts) > 1 and all(map(_LATIN.fullmatch, parts))):
        return True
    return _AND.search(cleaned(text)) is not None or ends > 1 or re.search(r"[;；]\s*\S", text) is not None


def unnumbered(title: str) -> str:
    """Return a title without the number before it, such as 2、药房系统; a number alone is returned as it is."""
    return _NUMBER_BEFORE.sub("", title)


def untitled(kind: str, values: Mapping[str, object]) -> str:
    """Return a title for a host, a line or a room that has none: by what it is for, where it is, and its address."""
    if kind == "host":
        purpose = str(values.get("purpose", "")).rpartition("; ")[2]
        return " ".join(filter(None, (purpose, str(values.get("address", "")))))
    if kind == "line":
        purpose, route = str(values.get("purpose", "")), str(values.get("route", "")).replace("; ", "—")
        speed = f"{values['bandwidth']:g}M" if isinstance(values.get("bandwidth"), int | float) else ""
        name = f"{purpose}({route})" if purpose and route else purpose or route
        return name or f"{values.get('carrier', '')}{speed}"
    if kind == "room" and ("building" in values or "area" in values):
        return f"{values.get('building', '')}".removesuffix("机房") + "机房"
    return ""


def distinguished(entries: Sequence[Entry]) -> tuple[list[Entry], list[Remark]]:
    """Give what shares a title on one sheet titles of its own: hosts, lines, rooms, and batches of assets.

    Two hosts with one address are the same, and so are two rooms of which the same is said.
    """
    seen: dict[tuple[str, str, str, str], list[object]] = defaultdict(list)
    taken = {(entry.kind, folded(entry.department), folded(entry.title)) for entry in entries}
    found, remarks = [], []
    for entry in entries:
        if entry.kind not in {"host", "line", "room", "asset"} or entry.name:
            found.append(entry)
            continue
        address = _apart_by(entry)
        others = seen[entry.kind, folded(entry.department), folded(entry.holder), folded(entry.title)]
        if not others or (entry.kind != "asset" and address and address in others):
            others.append(address)
            found.append(entry)
            continue
        told = address and address not in others and entry.kind in {"host", "line", "asset"}
        title = f"{entry.title} {address}" if told else f"{entry.title}({len(others) + 1})"
        number = len(others) + 1
        while (entry.kind, folded(entry.department), folded(title)) in taken:
            number += 1
            title = f"{entry.title}({number})"
        others.append(address)
        taken.add((entry.kind, folded(entry.department), folded(title)))
        found.append(replace(entry, title=title))
        remarks.append(_shared(entry, title))
    return found, remarks


def _apart_by(entry: Entry) -> object:
    """Return what tells things of one title apart: an address, the year of a batch, all that is said of a room."""
    if entry.kind == "room":
        return tuple(sorted((field, str(value)) for field, value in entry.values.items()))
    return entry.values.get("year" if entry.kind == "asset" else "address")


def _shared(entry: Entry, title: str) -> Remark:
    expected = _("a title of its own: another row bears it too; it is called '{title}'").format(title=title)
    place: Place = entry.places.get("title", entry.places[""])
    return Remark(place=place, read=shortened(entry.title), expected=expected, severity=Weight.WARNING)
