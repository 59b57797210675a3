"""Rows of a sheet that are no entries: titles, who reports and when, totals, notes, numbering, headings of groups."""

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple

from inventory.survey.cells.dates import day_of
from inventory.survey.opening.grids import Cell, empty
from inventory.survey.tables.bodies import DATED, department_above, ends_as_office, is_department, is_numbered, signed
from inventory.survey.tables.guidance import guides
from inventory.survey.tables.headings import is_unit
from inventory.survey.tables.replies import is_bare_reply, is_reply
from inventory.survey.text import folded, plain

Role = Literal["data", "blank", "total", "note", "numbering", "group", "signature", "example", "none", "heading"]

_LABELS = (
    r"填报单位|填报部门|填表单位|填表部门|报送单位|报送部门|上报单位|单位名称|部门名称|主管部门|单位|部门"
    r"|填报日期|填报时间|填表日期|填表时间|报送日期|报送时间|调查日期|日期|金额单位|计量单位|金额"
    r"|制表单位|制表部门|编制单位|编制部门|汇总单位|汇总部门|统计单位|统计部门"
    r"|填表人|填报人|审核人|审核|联系人|联系电话|联系方式|电话|负责人|单位负责人|分管领导|制表人|制表|department|date"
)
_MEASURES = frozenset({"金额单位", "计量单位", "金额"})
"""Labels that only a unit stands beside."""
_LABELLED = re.compile(
    rf"(?P<label>{_LABELS})\s*(?:\([^)]*\))?\s*:\s*(?P<value>.{{0,80}}?)(?=[\s,;、(]*(?:{_LABELS})\s*(?:\([^)]*\))?\s*:|$)",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"(?:填表人|填报人|审核人|审批人|制表人|经办人|单位负责人|分管领导|主要领导|填报日期|填表日期|填报时间|填表时间)(?:\([^)]*\))?:?"
)
_BARE = re.compile(r"(?P<label>(?:填报|填表|报送|上报)(?:单位|部门|日期|时间))(?:名称)?\s*(?:\([^)]*\))*\s*:?")
_TOTAL = re.compile(
    r"^(?:本页|本表|本单位|全局|全区|全市|全县|各单位|部门|以上|总)?(?:合计|总计|小计|共计|累计|汇总|平均|均值|系统总数|总数|total|subtotal|sum)"
    r"(?:[(:].*|(?:金额|数|数量|投资|费用|经费|资金)?[\d一二三四五六七八九十百千个项台套条家户元万.,]*(?:信息|应用|业务)?(?:系统|平台|项目|网站|服务器|线路|专线|机房)?)$"
    r"|^[\u4e00-\u9fff]{2,14}(?:局|委|办|院|厅|会|中心|部|街道|镇|乡|单位|部门)(?:合计|小计|总计)[(:]?.{0,12}$",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"^(?:\*?注|备注|说明|填表说明|填报说明|填写说明|注意|note|notes|remark)s?\s*\d*\s*(?:[:.、]|$)", re.IGNORECASE
)
_PAGE = re.compile(
    r"[(\[【]?(?:(?:此[栏表处行])?以下(?:空白|无正文|无内容|为空|无)|无以下|表?完|下页续|接下页|转下页|续上页|空白)[)\]】。]*"
)
_COUNT = re.compile(r"^\(?(?:\d{1,2}|[一二三四五六七八九十]{1,3})[).、]?$")
_CHINESE_COUNT = re.compile(r"\(?[一二三四五六七八九十]{1,3}[).、]?")
_EXAMPLE = re.compile(
    r"^[(\[【<]?(?:(?:填写|填报|填表|参考)?(?:示例|样例|范例|举例|例子)|(?:样表|模板|样板|例如|如)$|例[:)\]】>]|例\s*\d*$|如:|example)"
    r"|.*[(\[【<](?:(?:填写|填报|填表|参考)?(?:示例|样例|范例|示范)|例)[)\]】>]$",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:(?:[xX×*]{2,}|〇〇|○○)[\u4e00-\u9fff]{0,8}|某某?(?:局|委|办|单位|部门|业务|管理|信息)*)(?:系统|平台|网站)"
)
"""Names that stand in forms for any name."""
_AS_EXAMPLE = re.compile(
    r"[(\[【]?(?:[此本该]行)?仅?[为是系作]?(?:填写|填报|填表)?(?:示例|样例|范例|举例|例子)"
    r"(?:[,。;]?.{0,16}(?:删除|删去|参考|覆盖).{0,4})?[)\]】。]*"
)
"""A remark that says of its row that it is an example."""
# Who put the sheets of others together is not who reports.
_COMPILER = re.compile(r"^(?:制表|编制|汇总|统计)")
_HEAVENLY = "甲乙丙丁戊己庚辛壬癸"


class Labelled(NamedTuple):
    """What rows around a table say about all of it."""

    department: str = ""
    surveyed: date | None = None
    units: tuple[str, ...] = ()


def labels_in(cells: Sequence[Cell]) -> Labelled:
    """Return what labelled words in a row say, such as 填报单位：水务局 or 单位：万元, also in cells of their own."""
    filled = [cell for cell in cells if not empty(cell)]
    found = _beside(filled)
    for index, text in enumerate(plain(str(cell))[:400] for cell in filled):
        for match in _LABELLED.finditer(text):
            label, value = match["label"].casefold(), match["value"].strip(" _,;、")
            beside = filled[index + 1 :] if match.end() == len(text) else []
            if not signed(value) and label.endswith(("单位", "部门", "名称")):
                # A seal may stand between a label and what it labels.
                beside = [cell for cell in beside if signed(str(cell))]
                value = ""
            found = _said(found, label, value or next(iter(beside), ""))
    return found


def _beside(filled: Sequence[Cell]) -> Labelled:
    """Return what stands in the cells to the right of labels without a colon."""
    found = Labelled()
    for label, value in pairwise(filled):
        match = _BARE.fullmatch(plain(str(label))) if isinstance(label, str) else None
        if match is None:
            continue
        if match["label"].endswith(("日期", "时间")):
            found = found._replace(surveyed=found.surveyed or day_of(value).value)
        elif not found.department and is_department(signed(str(value))):
            found = found._replace(department=signed(str(value)))
    return found


def _said(found: Labelled, label: str, value: Cell) -> Labelled:
    if empty(value):
        return found
    if label in {"单位", *_MEASURES} and (units := _units_in(str(value))):
        return found._replace(units=(*found.units, *units))
    if label in _MEASURES or _COMPILER.match(label):
        return found
    if label.endswith(("日期", "时间", "date")):
        return found._replace(surveyed=day_of(value).value or found.surveyed)
    if label.endswith(("单位", "部门", "单位名称", "部门名称", "department")) and not found.department:
        text = signed(str(value))
        whole = 1 < len(text) <= 40 and ":" not in plain(text) and re.search(r"[^\W\d_]", text) is not None
        return found._replace(department=text) if whole else found
    return found


def _units_in(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[、,;和及\s]+", text) if is_unit(part))


def style_of(text: str) -> str:
    """Return how a heading is numbered: those of one level are numbered in one way."""
    match = re.match(r"(\(?)(?:(\d+)|[一二三四五六七八九十]+)([).、]?)", plain(text))
    return f"{match[1]}{'1' if match[2] else '一'}{match[3]}" if match else ""


def role_of(cells: Sequence[Cell], titled: Cell, width: int) -> Role:
    """Return what a row below a header is; `titled` is its cell in the column of titles."""
    filled = [cell for cell in cells if not empty(cell)]
    first = plain(str(filled[0]))
    few = len(filled) <= max(2, width // 4)
    roles: tuple[tuple[Role, bool], ...] = (
        ("numbering", _numbers(filled)),
        (
            "total",
            any(isinstance(cell, str) and _TOTAL.match(plain(cell).replace(" ", "")) for cell in (first, titled)),
        ),
        ("example", any(_is_example(cell) for cell in (filled[0], titled)) or any(map(_says_example, filled))),
        ("signature", _signs(filled, few=few)),
        ("note", (few and (_NOTE.match(first) or _PAGE.fullmatch(first)) is not None) or guides(filled, titled)),
    )
    role = next((role for role, fits in roles if fits), None)
    if role is None and _strokes(filled):
        return "blank"
    if role in {None, "note"} and is_reply(cells, titled):
        return "none"
    if role is None and _heads(filled, titled) and width > 2:
        return "group"
    alone = _alone(first, titled) if role is None and len(filled) == 1 and width > 1 else "data"
    # Of two columns one alone may be all that is said of an entry, but neither a heading nor a group is.
    return role or ("data" if width == 2 and alone == "note" and not DATED.fullmatch(first) else alone)


def _strokes(filled: Sequence[Cell]) -> bool:
    """Tell whether a row holds nothing but strokes behind its number: nobody has filled it in."""
    texts = [plain(str(cell)) for cell in filled]
    return len(texts) > 1 and all(re.fullmatch(r"[-—–/\\.…·]+", text) for text in texts[1:]) and not folded(texts[-1])


def _signs(filled: Sequence[Cell], *, few: bool) -> bool:
    """Tell whether a row says who filled in the sheet, in one cell or with a label before each."""
    texts = [plain(str(cell))[:400] for cell in filled]
    labelled = sum(_LABELLED.match(text) is not None for text in texts)
    return (few and labelled > 0) or (labelled > 1 and labelled * 2 >= len(texts)) or bool(_PERSON.fullmatch(texts[0]))


def replying_department(cells: Sequence[Cell]) -> str:
    """Return the department that a row names only to say that it has nothing: 三 | 教育局 | 本单位无系统."""
    texts = [str(cell) for cell in cells if not empty(cell)]
    rest = [text for text in texts if not _counted(text) and not department_above(text)]
    named = [text for text in texts if department_above(text)]
    return department_above(named[0]) if len(named) == 1 and rest and all(map(is_bare_reply, rest)) else ""


def _is_example(cell: Cell) -> bool:
    text = plain(str(cell)) if not empty(cell) else ""
    return _EXAMPLE.match(text) is not None or _NOBODY.fullmatch(text) is not None


def _says_example(cell: Cell) -> bool:
    """Tell whether a remark says that its row is an example: 此行为填写示例，填报时请删除."""
    return isinstance(cell, str) and _AS_EXAMPLE.fullmatch(plain(cell)) is not None


def _heads(filled: Sequence[Cell], titled: Cell) -> bool:
    """Tell whether a row of few cells is a department with its number before it, or with sums behind it."""
    texts = [str(cell) for cell in filled]
    if len(filled) == 2 and _COUNT.match(plain(texts[0])):
        # In the column of titles only what can be no system: 数据中心 may be one, 民政局 is none.
        office = ends_as_office(texts[1])
        if empty(titled) or office:
            return bool(department_above(texts[1]))
    if len(texts) > 2 and len(set(texts)) == 1:
        # Cells that were merged once, each with the text of all.
        return bool(department_above(texts[0]))
    named = [text for text in texts if not _counted(text)]
    first = named[0] if len(named) == 1 else ""
    headed = is_numbered(first) or _CHINESE_COUNT.fullmatch(plain(texts[0])) is not None
    return len(filled) > 1 and headed and bool(department_above(first))


def _counted(text: str) -> bool:
    return (
        re.fullmatch(r"[\d.,]+\s*(?:[个项套台条家]|万?元)?(?:系统)?|\(?[一二三四五六七八九十]{1,3}[).、]?", plain(text))
        is not None
    )


def _alone(text: str, titled: Cell) -> Role:
    """Return what the only cell of a row is."""
    if department_above(text):
        return "group"
    if len(text) > 40 or DATED.fullmatch(text):
        return "note"
    if empty(titled) and _COUNT.match(text):
        # A form with its rows numbered beforehand.
        return "blank"
    if is_numbered(text) and (empty(titled) or re.match(r"\(?[一二三四五六七八九十]", text)):
        return "heading"
    return "data" if folded(text) and not empty(titled) else "note"


def group_in(cells: Sequence[Cell]) -> str:
    """Return the department that the row that heads a group names."""
    named = next((found for cell in cells if not empty(cell) and (found := department_above(str(cell)))), "")
    return named or labels_in(cells).department


def _numbers(cells: Sequence[Cell]) -> bool:
    """Tell whether cells only count columns: 1 2 3 or 甲 乙 1 2."""
    if len(cells) < 3:
        return False
    counted = [plain(str(cell)).strip("()") for cell in cells]
    letters = [text for text in counted if text in _HEAVENLY]
    rest = [text.removesuffix(".0") for text in counted[len(letters) :]]
    numbered = [str(number) for number in range(1, len(rest) + 1)]
    return counted[: len(letters)] == list(_HEAVENLY[: len(letters)]) and rest == numbered
