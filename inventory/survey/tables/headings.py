"""Headers of columns: what they say without brackets and numbering, their unit, and the field that they mean."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

from rapidfuzz import fuzz, process

from inventory.survey.cells.denials import denials_in
from inventory.survey.cells.quantities import Amount, counted, gibibytes, megabits, money, square_metres
from inventory.survey.columns import Catalogue, Column, Listing
from inventory.survey.text import folded, plain

How = Literal["known", "guessed", "aside", "unkept", "ignored", "unknown", "measure", "part"]

_NUMBERED = re.compile(
    r"^(?:0\d(?=[\u4e00-\u9fff])|1\d(?=[\u4e00-\u9fff])(?!\d?[年月日])|\(?\d{1,2}[).、]\s*|\(?[一二三四五六七八九十]{1,2}[).、]\s*|[*#]+\s*)+"
)
_BRACKETS = re.compile(r"[\(\[【{]([^\(\)\[\]【】{}]*)[\)\]】}]")
_MONEY_TAIL = re.compile(r"(?<=[^\s\d])((?:百|千|万|亿)元(?:/[年月])?)$")
_SAID = re.compile(r"(?:单位\s*[:为是]?\s*|以|按)?(.+?)(?:计算?|填写?|填报|为单位)?")
"""A unit in the words of a header, such as 以万元计."""
_TAIL = re.compile(r"(?:[/:,，;]\s*|\s+|(?=单位:))(?:单位:?\s*)?([^\s/:,]+(?:/[年月])?)$")
_GENERIC = frozenset(
    map(
        folded,
        [
            "名称",
            "时间",
            "日期",
            "编号",
            "类型",
            "级别",
            "单位",
            "部门",
            "面积",
            "地址",
            "数量",
            "类别",
            "分类",
            "内容",
            "说明",
            "等级",
            "方式",
            "情况",
        ],
    )
)
_BASIC = re.compile(r"基本|概况|情况$|信息$|^系统|总体|basic|general")
_ABOUT = re.compile(r"(?:基本)?(?:情况|信息|内容)$")
"""What a group of columns is about, such as 建设情况: 单位 below it is 建设单位."""
_CODED = re.compile(r"(?<![0-9A-Za-z.])([0-9A-Z])\s*[-—–.、=:]?\s*([^0-9A-Z,;、/\s]+)")
_GUESS = 76.0
_MARGIN = 6.0
_ONE = Decimal(1)


class Match(NamedTuple):
    """What a header means."""

    column: Column | None
    how: How


_MONEY = re.compile(r"元|圆|^[万亿]$|yuan|rmb|cny")
_UNITS: Mapping[str, Callable[[Amount, str], object | None]] = {
    "money": lambda amount, unit: money(amount, unit, "年") if _MONEY.search(unit) else None,
    "memory": gibibytes,
    "storage": gibibytes,
    "bandwidth": megabits,
    "area": square_metres,
    "count": lambda amount, unit: counted(amount, unit) if unit else None,
}


def measures(unit: str, kind: str) -> bool:
    """Tell whether a column of a type (`columns.Type`) may hold numbers in a unit."""
    unit = plain(unit).casefold()
    return kind in _UNITS and _UNITS[kind](Amount(_ONE, "", about=False), unit) is not None


@lru_cache(maxsize=4096)
def is_unit(text: str) -> bool:
    """Tell whether text is a unit of something that columns hold."""
    unit = plain(text).removeprefix("单位:").casefold()
    if unit in {"%", "百分比"}:
        return True
    return bool(unit) and len(unit) < 12 and any(measures(unit, kind) for kind in _UNITS)


def _units_said(content: str) -> Iterator[str]:
    """Yield the units that brackets in a header hold, also among other words: 万元，保留两位小数."""
    for part in (content, *re.split(r"[,;、]\s*", content)):
        said = _SAID.fullmatch(part.strip())
        if said is not None and is_unit(said[1]):
            yield said[1]


@lru_cache(maxsize=16384)
def taken_apart(text: str) -> tuple[str, str]:
    """Return what a header says without brackets and numbering, and its unit; both may be empty."""
    words = plain(text)
    units = [unit for content in _BRACKETS.findall(words) for unit in _units_said(content)]
    bare = _NUMBERED.sub("", _BRACKETS.sub("", words)).strip(" *:：")
    match = _TAIL.search(bare) or _MONEY_TAIL.search(bare)
    if not units and match is not None and is_unit(match[1]):
        units, bare = [match[1]], bare[: match.start()]
    return bare or words, units[0] if units else ""


@lru_cache(maxsize=4096)
def legend_of(text: str) -> Mapping[str, str]:
    """Return the codes that a header explains in brackets, such as 1 and 2 in 是否涉密（1是 2否）, with their words."""
    for content in _BRACKETS.findall(plain(text)):
        found = dict(_CODED.findall(content))
        codes = sorted(map(ord, found))
        if len(codes) > 1 and codes == list(range(codes[0], codes[0] + len(codes))):
            return found
    return {}


class Matcher:
    """Finds the field that a header means; remembers what it has found."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.aside = {folded(word) for word in catalogue.aside}
        self.unkept = {folded(word) for words in catalogue.unkept for word in words}
        self.words = {str(listing.kind): _words(listing) for listing in catalogue.kinds}
        self.options = _options(catalogue)
        self._found: dict[tuple[str, tuple[str, ...]], Match] = {}
        self._kinds: dict[str, frozenset[str]] = {}

    def kinds_of(self, text: str) -> frozenset[str]:
        """Return the kinds that have a column of this header; `aside` and `unkept` count as kinds."""
        if text not in self._kinds:
            keys = {folded(text), folded(taken_apart(text)[0])}
            kinds: set[str] = {kind for kind, words in self.words.items() if not keys.isdisjoint(words)}
            kinds |= {"aside"} if keys & self.aside else set()
            kinds |= {"unkept"} if keys & self.unkept else set()
            self._kinds[text] = frozenset(kinds)
        return self._kinds[text]

    def match(self, kind: str, parts: tuple[str, ...]) -> Match:
        """Return what the header of a column means, given its words from the top row to the lowest."""
        key = (kind, parts)
        if key not in self._found:
            self._found[key] = self._exact(kind, parts) or self._guess(kind, parts)
        return self._found[key]

    def _exact(self, kind: str, parts: tuple[str, ...]) -> Match | None:
        leaf = parts[-1]
        above = parts[-2] if len(parts) > 1 else ""
        bare = folded(taken_apart(leaf)[0])
        # "Funds" above "building" may be written either way round.
        over = folded(taken_apart(above)[0])
        about = _ABOUT.sub("", over)
        ways = (above + leaf, over + bare, bare + over, about + bare, bare + about) if above and about else ()
        if found := next(filter(None, (self._look(kind, way) for way in ways)), None):
            return found
        if above and bare in _GENERIC and not _BASIC.search(taken_apart(above)[0]):
            # "Name" below "builder" is the builder's name and not the system's.
            found = self._look(kind, above) or self._look(kind, leaf)
            return found if found is None or found.column is None else found._replace(how="guessed")
        # Of a group that is not kept no part is, such as 自建 below 建设方式.
        return self._look(kind, leaf) or (Match(None, "unkept") if over in self.unkept else None)

    def _look(self, kind: str, text: str) -> Match | None:
        for key in (folded(text), folded(taken_apart(text)[0])):
            if key in self.words[kind]:
                return Match(self.words[kind][key], "known")
            if key in self.aside:
                return Match(None, "aside")
            if key in self.unkept:
                return Match(None, "unkept")
        return None

    def _guess(self, kind: str, parts: tuple[str, ...]) -> Match:
        words = self.words[kind]
        best: dict[str, tuple[float, Column | None]] = {}
        for text in dict.fromkeys(
            (folded("".join(taken_apart(part)[0] for part in parts)), folded(taken_apart(parts[-1])[0]))
        ):
            for word, score in _near(text, (*words, *self.unkept)):
                column = words.get(word)
                field = column.field if column is not None else ""
                best[field] = max(best.get(field, (0.0, None)), (score, column), key=lambda pair: pair[0])
        ranked = sorted(best.values(), key=lambda pair: -pair[0])
        if not ranked or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _MARGIN):
            return Match(None, "unknown")
        column = ranked[0][1]
        return Match(column, "guessed") if column is not None else Match(None, "unkept")


def _options(catalogue: Catalogue) -> frozenset[str]:
    """Return the words that are answers to choose from, folded."""
    chosen = {
        folded(word)
        for listing in catalogue.kinds
        for column in listing.columns
        for words in (*column.choices.values(), column.yes, column.no)
        for word in words
    }
    levels = {f"{mark}{level}级" for mark in ("", "第") for level in "一二三四五12345"}
    return frozenset(chosen | levels | {"是", "否", "有", "无"})


def _words(listing: Listing) -> Mapping[str, Column]:
    words: dict[str, Column] = {}
    for column in listing.columns:
        for word in column.words:
            words.setdefault(folded(word), column)
    return words


def _near(text: str, words: Iterable[str]) -> list[tuple[str, float]]:
    """Return the words that are near to a text, with a score up to 100."""
    if len(text) < 2:
        return []
    # 是否无人维护 is near to 是否维护 in its letters only.
    usable = [word for word in words if len(word) > 1 and denials_in(word) == denials_in(text)]
    near = {
        word: score for word, score, _ in process.extract(text, usable, scorer=fuzz.ratio, score_cutoff=_GUESS, limit=8)
    }
    for word in usable:
        short, long = sorted((word, text), key=len)
        if len(short) > 1 and short in long and len(short) * 2 >= len(long):
            near[word] = max(near.get(word, 0.0), 70.0 + 30.0 * len(short) / len(long))
    return list(near.items())
