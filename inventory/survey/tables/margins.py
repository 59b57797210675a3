"""Rows of a sheet that are no entries: titles, who reports and when, totals, notes, numbering, headings of groups."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from inventory.survey.cells.dates import day_of
from inventory.survey.opening.grids import Cell, empty
from inventory.survey.tables.headings import is_unit
from inventory.survey.text import cleaned, folded, plain

Role = Literal["data", "total", "note", "numbering", "group", "signature", "example"]

_LABELS = (
    r"填报单位|填报部门|填表单位|填表部门|报送单位|报送部门|上报单位|单位名称|部门名称|主管部门|单位|部门"
    r"|填报日期|填报时间|填表日期|填表时间|报送日期|报送时间|调查日期|日期|金额单位"
    r"|制表单位|制表部门|编制单位|编制部门|汇总单位|汇总部门|统计单位|统计部门"
    r"|填表人|填报人|审核人|审核|联系人|联系电话|联系方式|电话|负责人|单位负责人|分管领导|制表人|制表|department|date"
)
_LABELLED = re.compile(
    rf"(?P<label>{_LABELS})\s*(?:\([^)]*\))?\s*:\s*(?P<value>.{{0,80}}?)(?=[\s,;、(]*(?:{_LABELS})\s*(?:\([^)]*\))?\s*:|$)",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"^(?:合计|总计|小计|共计|累计|汇总|total|subtotal|sum)(?:[(:].*|[\d一二三四五六七八九十百千个项台套家户元万.,]*)$",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"^(?:\*?注|备注|说明|填表说明|填报说明|填写说明|注意|note|notes|remark)s?\s*\d*\s*(?:[:.、]|$)", re.IGNORECASE
)
_NUMBERED = re.compile(r"^\(?(?:\d{1,2}|[一二三四五六七八九十]{1,2})[).、]")
_COUNT = re.compile(r"^\(?(?:\d{1,2}|[一二三四五六七八九十]{1,3})[).、]?$")
_EXAMPLE = re.compile(r"^[(]?(?:示例|样例|例如|例:|例\d*$|填写示例|example)", re.IGNORECASE)
# Who put the sheets of others together is not who reports.
_COMPILER = re.compile(r"^(?:制表|编制|汇总|统计)")
_HEAVENLY = "甲乙丙丁戊己庚辛壬癸"
_BODIES = (
    "局|委|委员会|办|办公室|厅|院|中心|馆|部|会|站|所|队|镇|乡|街道|街道办|办事处|街道办事处|政府|公安局|法院|检察院|"
    "分局|总队|支队|联合会|总工会|学校|医院|管委会|指挥部|大队|公司|集团"
)
_DEPARTMENT = re.compile(rf"^[\u4e00-\u9fff·]{{1,24}}?(?:{_BODIES})$")
_BODY = re.compile(rf"(?:{_BODIES})")
_PREFIXED = re.compile(r"^(?:附件|附表|表)?\s*[\d一二三四五六七八九十]*\s*[-_.:、()\s]*")
_SUBJECTS = re.compile(
    r"(?:政务|信息|业务|应用|数据|机房|设备|线路|专线|专网|系统|资产|网络|服务器|各|全|所属|下属"
    r"|报送|上报|填报|填写|反馈|回复|报表|清单|台账|汇总|自查|普查|调查|摸底|统计|情况|目录)"
)


class Labelled(NamedTuple):
    """What rows around a table say about all of it."""

    department: str = ""
    surveyed: date | None = None
    units: tuple[str, ...] = ()


def labels_in(cells: Sequence[Cell]) -> Labelled:
    """Return what labelled words in a row say, such as 填报单位：水务局 or 单位：万元."""
    found = Labelled()
    texts = [plain(str(cell))[:400] for cell in cells if not empty(cell)]
    for index, text in enumerate(texts):
        following = cells_after(cells, index)
        for match in _LABELLED.finditer(text):
            value: Cell = match["value"].strip(" _,;、(") or (following if match.end() == len(text) else "")
            found = _said(found, match["label"].casefold(), value)
    return found


def cells_after(cells: Sequence[Cell], index: int) -> Cell:
    """Return the cell that follows the one counted by index among those that are not empty."""
    filled = [cell for cell in cells if not empty(cell)]
    return filled[index + 1] if index + 1 < len(filled) else ""


def _said(found: Labelled, label: str, value: Cell) -> Labelled:
    if empty(value):
        return found
    if label in {"单位", "金额单位"} and (units := _units_in(str(value))):
        return found._replace(units=(*found.units, *units))
    if label == "金额单位" or _COMPILER.match(label):
        return found
    if label.endswith(("日期", "时间", "date")):
        return found._replace(surveyed=day_of(value).value or found.surveyed)
    if label.endswith(("单位", "部门", "单位名称", "部门名称", "department")) and not found.department:
        text = cleaned(str(value))
        return found._replace(department=text) if len(text) <= 40 and ":" not in plain(text) else found
    return found


def _units_in(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[、,;和及\s]+", text) if is_unit(part))


def is_department(text: str) -> bool:
    """Tell whether text looks like the title of a department."""
    return _DEPARTMENT.match(cleaned(text)) is not None


def is_numbered(text: str) -> bool:
    """Tell whether text begins with a number of its own, such as 二、."""
    return _NUMBERED.match(plain(text)) is not None


def department_in(text: str) -> str:
    """Return the department that a sheet's title or a file's name begins with; empty if none does."""
    text = cleaned(_PREFIXED.sub("", text.strip()))
    for part in re.split(r"[-_\s()（）【】\[\]+—.]+|\d+", text):
        if is_department(part):
            return part
        # "water bureau" in "water bureau's information systems": what follows must be what sheets are about.
        for end in (match.end() for match in _BODY.finditer(part) if match.end() > 2):
            if is_department(part[:end]) and _SUBJECTS.match(part[end:]):
                return part[:end]
    return ""


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
        ("example", _EXAMPLE.match(first) is not None),
        ("signature", few and any(_LABELLED.match(plain(str(cell))[:400]) for cell in filled)),
        ("note", few and _NOTE.match(first) is not None),
    )
    role = next((role for role, fits in roles if fits), None)
    if role is None and len(filled) == 2 and width > 2 and empty(titled) and _COUNT.match(first):
        return "group" if is_department(str(filled[1])) else "data"
    return role or (_alone(first, titled) if len(filled) == 1 and width > 2 else "data")


def _alone(text: str, titled: Cell) -> Role:
    """Return what the only cell of a row is."""
    if is_department(_PREFIXED.sub("", text)):
        return "group"
    if len(text) > 40 or (_NUMBERED.match(text) and empty(titled)):
        return "note"
    return "data" if folded(text) and not empty(titled) else "note"


def group_in(cells: Sequence[Cell]) -> str:
    """Return the department that the row that heads a group names."""
    named = [cell for cell in cells if not empty(cell)][-1]
    return cleaned(_PREFIXED.sub("", str(named)))


def _numbers(cells: Sequence[Cell]) -> bool:
    """Tell whether cells only count columns: 1 2 3 or 甲 乙 1 2."""
    if len(cells) < 3:
        return False
    counted = [plain(str(cell)).strip("()") for cell in cells]
    letters = [text for text in counted if text in _HEAVENLY]
    rest = [text.removesuffix(".0") for text in counted[len(letters) :]]
    numbered = [str(number) for number in range(1, len(rest) + 1)]
    return counted[: len(letters)] == list(_HEAVENLY[: len(letters)]) and rest == numbered
