"""Turns cells into plain values of the inventory, by the type of their column."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache, partial

from inventory.base import NAME_PATTERN
from inventory.blanks import NOTHING, UNSAID
from inventory.survey.cells import ticks
from inventory.survey.cells.addresses import address_told, prefix_told
from inventory.survey.cells.dates import day_of, has_come
from inventory.survey.cells.denials import Stance, denies, ended, stance_at, stance_on, unsure
from inventory.survey.cells.plausible import LEAST_MONEY, too_large
from inventory.survey.cells.quantities import (
    Amount,
    amount_of,
    counted,
    gibibytes,
    megabits,
    money,
    number,
    product_of,
    rounded_up,
    square_metres,
)
from inventory.survey.cells.told import Setting, Told, misread, shown
from inventory.survey.columns import Column
from inventory.survey.entries import Weight
from inventory.survey.opening.grids import Cell
from inventory.survey.text import cleaned, folded, plain
from inventory.words import _

DITTO = frozenset({"同上", "〃", '"', "″", "''", "“", "”", "同前", "ditto", "“”", '""', "″″", "同左上"})
_DITTO = re.compile(
    r"[(\[]?(?:(?:同|与)(?:上|前)(?:一?[行栏列格条项]|面|列)?(?:相同|一致)?|同左上|ditto|[〃↑]|['\"“”′]{1,2})[)\]]?[.。]?",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"[(\[]?(?:同|见|参见)第?\s*[\d一二三四五六七八九十]{1,3}\s*[行项号条栏]?[)\]]?[.。]?")
"""What sends the reader to another row."""
_NOT_YET = re.compile(r"(?:尚未|暂未|还未|还没|没有|未)[^\d]{1,6}")
"""In the place of a date: it has not happened, such as 未接入."""
_TRUE_MARKS = frozenset("√✓✔☑■●vV")
_FALSE_MARKS = frozenset("×✗✘╳xX✖")
_TRUE = ("是", "有", "对", "已", "yes", "y", "true", "t", "1", "1.0")
_FALSE = ("否", "无", "没有", "未", "不", "非", "no", "n", "false", "f", "0", "0.0")
_LEVELS = {**dict(zip("一二三四五", range(1, 6), strict=True)), **{str(level): level for level in range(1, 6)}}
_LEVEL = re.compile(
    r"第?\s*([一二三四五1-5])\s*级|^(?:(?:等保|等级保护|s\d?a\d?g)\s*([一二三四五1-5])|([一二三四五1-5])(?:\.0)?)(?:\s*\(.*\))?$",
    re.IGNORECASE,
)
_BESIDE_LEVEL = re.compile(
    r"等保(?:2\.0)?|信息系统|安全|等级|保护|级别|定级|测评|备案|已|完成|通过|为|系统|s\da\dg\d|s\da\d|[第级()\s:、,.;-]",
    re.IGNORECASE,
)
"""What may stand beside a level without saying more than it."""
_UNGRADED = re.compile(
    r"(?:目前|现|暂|暂时|尚|还|均|从)*(?:未|没有?|无需|无须|不用|不需要?|不|无)(?:进行|开展|完成|做|作)?过?(?:安全)?"
    r"(?:等级保护|等保|定级|评级|分级|备案|测评|申报|定|做|开展)?(?:等级|级别|定级|备案|测评|工作)?"
    r"|否|不(?:属于|涉及|适用)|(?:正在|拟|待|准备)定级(?:备案)?(?:中)?|定级中"
)
_TAXED = re.compile(r"\s*\((?:不?含税|未税|合同价|中标价|决算|预算|估算|暂估|约)\)$")
"""What may stand behind an amount of money without changing it much."""
_PAST = frozenset({"survey.surveyed", "survey.last_used"})
"""Days that cannot be still to come: by them it is reckoned how long a system has lain idle."""
_NO_OBSTACLE = re.compile(
    r"(?:无|没有|不存在|暂无)(?:任何|特殊|其他|上云|明显)*(?:障碍|困难|问题|限制|要求|硬件|设备|原因|情况|影响)"
    r"|(?:可以?|能够?)(?:直接)?(?:上云|迁移)"
)
_YEARLY = re.compile(r"((?:19|20)\d{2})\s*年?度?\s*:?\s*(\S+)")
_RECORDED = frozenset({"grading.record", "filing.number"})
"""Numbers under which something is recorded."""
_EXACT = 10**15
"""A spreadsheet does not keep numbers from here on exactly."""
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+\d{2,3}")
_NUMBERING = re.compile(r"(?:^|(?<=[\s;,、；，]))\(?\d{1,2}(?:\)|[、.](?!\d))\s*")
_SEPARATORS = re.compile(r"[、,，;；\n\r]+")
GOLDEN = ("金税", "金关", "金财", "金审", "金盾", "金宏", "金保", "金土", "金农", "金水", "金质", "金安", "金信")


def _text(cell: Cell, _column: Column, _setting: Setting) -> Told:
    if isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= _EXACT:
        return misread(_("the number as text: a spreadsheet keeps its first 15 digits only"))
    text = cleaned(shown(cell))
    if _SCIENTIFIC.fullmatch(text):
        return misread(_("the number in full and as text, not as 1.2E+17"))
    options = ticks.ticked(text)
    if options is None:
        return Told(text)
    if not options and ticks.open_boxes(text) > 1:
        return misread(_("one ticked box"))
    return Told("、".join(options) or text)


def _name(cell: Cell, _column: Column, _setting: Setting) -> Told:
    text = plain(shown(cell))
    if re.fullmatch(NAME_PATTERN, text) and len(text) <= 40:
        return Told(text)
    return misread(_("a name of lower-case letters, digits and hyphens, at most 40"))


def _list(cell: Cell, _column: Column, _setting: Setting) -> Told:
    text = _NUMBERING.sub("\n", shown(cell))
    items = [cleaned(item) for item in _SEPARATORS.split(text)]
    return Told(list(dict.fromkeys(item for item in items if item)))


def _one_of(text: str) -> str | None:
    """Return the one ticked option, or the text where there are no boxes; None where not one is ticked."""
    options = ticks.ticked(text)
    if options is None:
        return text
    return options[0] if len(options) == 1 else None


def _meant(text: str, column: Column) -> bool | None:
    key = folded(text)
    if key in {folded(word) for word in column.yes} or text in _TRUE_MARKS or key in _TRUE:
        return True
    if key in {folded(word) for word in column.no} or text in _FALSE_MARKS or key in _FALSE:
        return False
    return None


def _truth(cell: Cell, column: Column, _setting: Setting) -> Told:
    text = _one_of(plain(shown(cell)))
    if text is None:
        return misread(_("one ticked box"))
    meant = _meant(text, column)
    if meant is not None:
        return Told(meant != column.negated)
    own = _beginning(text, (*column.no, *column.yes))
    under_way = bool(own) and text[len(own) :].startswith("中")
    if under_way or (unsure(text) and not own):
        return misread(_("yes or no (是 or 否, √ or ×)"))
    first = own or ("否" if ended(text) else _beginning(text, (*_FALSE[:6], *_TRUE[:4])))
    if not first:
        return misread(_("yes or no (是 or 否, √ or ×)"))
    value = first in {*_TRUE, *column.yes}
    answer = _("guessed from its beginning: yes") if value else _("guessed from its beginning: no")
    return Told(value != column.negated, answer, Weight.WARNING)


def _beginning(text: str, words: tuple[str, ...]) -> str:
    """Return the longest of some words that a text begins with; empty where it begins with none."""
    return next((word for word in sorted(words, key=len, reverse=True) if text.startswith(word)), "")


@lru_cache(maxsize=512)
def _dictionary(choices: tuple[tuple[str, tuple[str, ...]], ...]) -> Mapping[str, str]:
    return {folded(word): value for value, words in choices for word in (*words, value)}


def choices_of(column: Column) -> Mapping[str, str]:
    """Map the folded words of a column's choices to their values."""
    return _dictionary(tuple((value, words) for value, words in column.choices.items()))


def _mentioned(text: str, known: Mapping[str, str]) -> set[str]:
    """Return the values whose words a text contains: no word inside of a longer one, and none that is denied.

    Where a word is said with a reserve, such as 部分在用, there is none.
    """
    found = set()
    for word in sorted(known, key=len, reverse=True):
        if len(word) > 1 and word in text:
            stance = stance_on(text, word)
            if stance is Stance.RESERVED:
                return set()
            if stance is not Stance.DENIED:
                found.add(known[word])
            text = text.replace(word, "·" * len(word))
    return found


def _choice(cell: Cell, column: Column, _setting: Setting) -> Told:
    text = _one_of(cleaned(shown(cell)))
    known = choices_of(column)
    if text is None:
        return misread(_("one ticked box"))
    if (key := folded(text)) in known:
        return Told(known[key])
    if column.open:
        return Told(text)
    inside = _mentioned(plain(text).casefold().replace(" ", ""), known)
    if len(inside) == 1:
        value = inside.pop()
        return Told(value, _("guessed: {value}").format(value=column.choices[value][0]), Weight.WARNING)
    return misread(_("one of: {words}").format(words="、".join(words[0] for words in column.choices.values())))


def _date(cell: Cell, column: Column, _setting: Setting) -> Told:
    day = day_of(cell)
    if day.value is not None and column.field in _PAST and not has_come(day.value):
        return misread(_("a day that has come already"))
    if day.value is None:
        return misread(_("a date such as 2017-03-05, 2017年3月5日 or 2017年3月"))
    return Told(day.value.isoformat(), day.assumed, Weight.WARNING if day.weighty else Weight.NOTE)


def _year(cell: Cell, _column: Column, _setting: Setting) -> Told:
    day = day_of(cell)
    if day.value is None or not day.value.year >= 1980:
        return misread(_("a year such as 2017"))
    return Told(day.value.year)


def _unit_of(amount: Amount, setting: Setting, column: Column) -> tuple[str, str]:
    """Return the unit of a number that names none, and what is remarked where nobody names one."""
    if amount.unit or setting.unit:
        return setting.unit or column.unit, ""
    return column.unit, _("no unit is given: {unit} is taken").format(unit=column.unit)


def _measured(
    convert: Callable[[Amount, str], Decimal | None],
    expected: Callable[[], str],
    written: Callable[[Decimal], int | float] = number,
    *,
    doubtful: bool = True,
) -> Callable[[Cell, Column, Setting], Told]:
    """Return the reader of a number whose unit is that of its cell, its header or its column, in this order."""

    def told(cell: Cell, column: Column, setting: Setting) -> Told:
        several = product_of(cell) if column.type in {"memory", "storage"} or column.unit == "核" else None
        amount = several or amount_of(cell)
        if amount is None:
            return misread(expected())
        unit, assumed = _unit_of(amount, setting, column)
        value = convert(amount, unit)
        if value is None:
            return misread(expected())
        if too_large(column.type, value) and (column.type != "money" or not amount.unit):
            return misread(
                _("the number or its unit again: {value} cannot be meant").format(
                    value=f"{number(amount.number)}{amount.unit or unit}"
                )
            )
        if several is not None:
            said = _("taken as {value}, all of them together").format(value=written(value))
            return Told(written(value), said, Weight.NOTE)
        if assumed and doubtful and amount.number:
            return Told(written(value), assumed, Weight.WARNING)
        return Told(written(value), _("an approximate number, taken as it is") if amount.about else "")

    return told


def _whole(amount: Amount, unit: str) -> Decimal | None:
    value = counted(amount, unit)
    return value if value is not None and value == value.to_integral_value() else None


def _money(cell: Cell, column: Column, setting: Setting) -> Told:
    convert = partial(money, period=column.unit.partition("/")[2])
    read = _measured(convert, lambda: _("an amount of money such as 12.5万元"))
    told = read(cell, column, setting)
    bare = _TAXED.sub("", plain(cell)) if isinstance(cell, str) else cell
    if told.severity is Weight.ERROR and bare != cell and (told := read(bare, column, setting)).value is not None:
        said = _("taken as {value} yuan; what else is said is not kept").format(value=told.value)
        return Told(told.value, said, Weight.WARNING)
    small = isinstance(told.value, int | float) and 0 < told.value < LEAST_MONEY
    amount = amount_of(cell)
    if small and not setting.unit and amount is not None and not amount.unit:
        return misread(_("the amount with its unit, such as 5万元: no unit is given, and so few yuan are not meant"))
    if small and setting.unit and not told.expected:
        said = _("only {value} yuan: is the unit right?").format(value=told.value)
        return Told(told.value, said, Weight.WARNING)
    return told


def _mebibytes(gibibytes: Decimal) -> int:
    return rounded_up(gibibytes * 1024)


def _percent(cell: Cell, _column: Column, setting: Setting) -> Told:
    amount = amount_of(cell)
    if amount is None or amount.unit not in {"", "%"} or not amount.number >= 0:
        return misread(_("per cent, from 0 to 100"))
    small = setting.percent is None and amount.number <= 1
    share = not amount.unit and not isinstance(cell, str) and (setting.percent or small)
    value = amount.number * 100 if share else amount.number
    if value > 100:
        return misread(_("per cent, from 0 to 100"))
    if not amount.unit and not setting.percent and 0 < amount.number <= 1:
        return Told(number(value), _("taken as {value} %").format(value=number(value)), Weight.WARNING)
    return Told(number(value))


def _level(cell: Cell, _column: Column, _setting: Setting) -> Told:
    written = plain(shown(cell)).replace("級", "级").replace("III", "三").replace("IV", "四").replace("II", "二")
    text = _one_of(written)
    found = list(_LEVEL.finditer(text or ""))
    levels = {_LEVELS[match[1] or match[2] or match[3]] for match in found}
    if text and len(levels) == 1:
        if any(stance_at(text, match.start(), match.end()) is not Stance.SAID for match in found):
            return misread(_("the level that it has now, such as 第二级, or 未定级 where it has none"))
        level = levels.pop()
        more = re.sub(r"[一二三四五1-5]", "", _BESIDE_LEVEL.sub("", _LEVEL.sub("", text)))
        if more:
            return Told(
                level, _("taken as level {level}; what else is said is not kept").format(level=level), Weight.WARNING
            )
        return Told(level)
    if text and _UNGRADED.fullmatch(folded(text)):
        return Told(None, _("not graded: no level is taken"))
    return misread(_("a level from 1 to 5, such as 第二级"))


def _golden(cell: Cell, column: Column, _setting: Setting) -> Told:
    text = plain(shown(cell))
    stances = {project: stance_on(text, project) for project in GOLDEN if project in text}
    said = [project for project, stance in stances.items() if stance is not Stance.DENIED]
    first = re.split(r"[(,。;]", text)[0]
    if stances and (_meant(first, column) is False or first in {"不是", "不属于", "并非"}):
        # 否（属金保二期配套） says both.
        return misread(_("the project's name, one of: {words}").format(words="、".join(GOLDEN)))
    if len(said) == 1 and stances[said[0]] is Stance.SAID:
        return Told(said[0])
    if not said and (_meant(text, column) is False or (denies(text) and not unsure(text))):
        return Told(None, _("taken as: of no golden project") if stances or _meant(text, column) is None else "")
    return misread(_("the project's name, one of: {words}").format(words="、".join(GOLDEN)))


def _costs(cell: Cell, column: Column, setting: Setting) -> Told:
    found = []
    for part in re.split(r"[;,、\n]+", plain(shown(cell)).replace("\n", ";")):
        match = _YEARLY.fullmatch(part.strip())
        amount = amount_of(match[2]) if match else None
        yuan = money(amount, setting.unit or column.unit) if amount is not None else None
        if match is None or yuan is None:
            return misread(_("amounts by year such as 2016年3万元；2017年4万元"))
        found.append({"year": int(match[1]), "amount": number(yuan)})
    return Told(found)


def _tally(cell: Cell, column: Column, setting: Setting) -> Told:
    told = _list(cell, column, setting)
    return Told(len(told.value)) if isinstance(told.value, list) and told.value else told


_READERS: Mapping[str, Callable[[Cell, Column, Setting], Told]] = {
    "text": _text,
    "name": _name,
    "list": _list,
    "truth": _truth,
    "choice": _choice,
    "date": _date,
    "year": _year,
    "percent": _percent,
    "level": _level,
    "address": address_told,
    "prefix": prefix_told,
    "golden": _golden,
    "count": _measured(_whole, lambda: _("a whole number"), doubtful=False),
    "number": _measured(counted, lambda: _("a number"), doubtful=False),
    "money": _money,
    "costs": _costs,
    "tally": _tally,
    "memory": _measured(gibibytes, lambda: _("a size such as 16GB"), _mebibytes),
    "storage": _measured(gibibytes, lambda: _("a size such as 500GB or 2TB"), rounded_up),
    "bandwidth": _measured(megabits, lambda: _("a bandwidth such as 100Mbps")),
    "area": _measured(square_metres, lambda: _("an area such as 36㎡"), doubtful=False),
}


def _says_no_more(cell: Cell, column: Column) -> Told | None:
    """Tell that a cell only says that there is nothing to say; none where it says something."""
    word = plain(shown(cell)).casefold()
    if word in UNSAID or (column.type in {"date", "year"} and _NOT_YET.fullmatch(word)):
        return Told(None, _("taken as not stated"))
    if column.field == "survey.obstacle" and _NO_OBSTACLE.fullmatch(word.rstrip("。")):
        return Told(None, _("taken as not stated"))
    if word not in NOTHING or (column.type in {"truth", "golden"} and word.isalpha()):
        return None
    if column.type == "choice" and folded(word) in choices_of(column):
        return None
    doubtful = word.isalpha() and column.type not in {"text", "list", "level", "choice"}
    return Told(None, _("taken as not stated") if doubtful else "")


def is_ditto(cell: Cell) -> bool:
    """Tell whether a cell says no more than that it holds what the one above it does."""
    return isinstance(cell, str) and (cell in DITTO or _DITTO.fullmatch(plain(cell)) is not None)


def told_by(cell: Cell, column: Column, setting: Setting) -> Told:
    """Return what a cell that is not empty tells under its column."""
    if isinstance(cell, str) and column.field != "department" and _ELSEWHERE.fullmatch(plain(cell)):
        return misread(_("the value itself: what stands in another row is not copied"))
    if column.field in _RECORDED and not re.search(r"\d", plain(shown(cell))):
        # 未备案 is no number of a record, and no two systems are one by it.
        return Told(None, _("taken as not stated"))
    return _says_no_more(cell, column) or _READERS[column.type](cell, column, setting)
