"""Turns titles into names of the inventory: Chinese by its pinyin, without tones."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from inventory.survey.text import cleaned

LIMIT = 40
_WORD = re.compile(r"[a-z]+|[0-9]+")
_SENSES = {
    "水": "water", "税": "tax", "林": "forest", "临": "provisional", "民": "civil", "警": "police", "经": "economy",
    "教": "education", "交": "transport", "审": "audit", "渔": "fishery", "育": "training", "商": "trade",
    "司": "justice", "食": "food", "药": "medicine", "医": "medical", "环": "environment", "城": "city",
    "农": "farming", "粮": "grain", "地": "land", "财": "finance", "材": "material", "才": "talent", "人": "people",
    "信": "information", "文": "culture", "旅": "travel", "侨": "overseas", "桥": "bridge", "气": "weather",
    "期": "term", "权": "right", "全": "whole", "公": "public", "工": "industry", "功": "function", "宫": "palace",
    "市": "town", "事": "affair", "室": "room", "史": "history", "统": "statistics", "港": "port", "岗": "post",
}  # fmt: skip
"""What characters mean that sound like others in titles of departments and systems."""
_CHINESE = re.compile(r"[\u3400-\u9fff]+")


def _words(title: str) -> list[str]:
    """Return the words of a title in Latin letters: each Chinese character is one."""
    # Imported late: its dictionary takes a while, and most commands name nothing.
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415

    text = unicodedata.normalize("NFKC", cleaned(title)).casefold()
    words: list[str] = []
    for part in lazy_pinyin(text, style=Style.NORMAL, errors=lambda letters: letters):
        plain = unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode()
        words.extend(_WORD.findall(plain))
    return words


def _joined(words: list[str], text: str) -> str:
    """Return words as a name that is short enough: hyphens are given up first, then all letters but the first."""
    if words and words[0][0].isdigit():
        words = ["n" + words[0], *words[1:]]
    ways = ["-".join(words), "".join(words)]
    if _CHINESE.search(text):
        ways.append("".join(word if word.isdigit() else word[0] for word in words))
    return next((way for way in ways if len(way) <= LIMIT), ways[-1][:LIMIT].rstrip("-"))


def name_for(title: str, taken: Collection[str], otherwise: str = "unnamed") -> str:
    """Return a name for a title that is not taken yet; `otherwise` is where one without letters and digits begins."""
    words = _words(title)
    name = _joined(words, title) if words else otherwise
    if name in taken and (sense := _sense(title, name)) not in {name, *taken}:
        return sense
    number, free = 1, name
    while free in taken:
        number += 1
        tail = f"-{number}"
        free = name[: LIMIT - len(tail)].rstrip("-") + tail
    return free


def _sense(title: str, name: str) -> str:
    """Return a name with a word for the first character of a title whose sense is known; the name alone without one."""
    word = next((_SENSES[letter] for letter in cleaned(title) if letter in _SENSES), "")
    return f"{name}-{word}" if word and len(name) + len(word) < LIMIT else name


def names_for(titles: Iterable[str], existing: Mapping[str, str], otherwise: str = "unnamed") -> dict[str, str]:
    """Map titles to names; titles that have a name keep it, and no two titles get the same one."""
    names = dict(existing)
    taken = set(existing.values())
    for title in titles:
        if title not in names:
            names[title] = name_for(title, taken, otherwise)
            taken.add(names[title])
    return names
