"""Rows and lines of a form that tell how it is filled in: 必填, 文本, 填写全称, 不超过100字, 是/否."""

import re
from collections.abc import Sequence

from inventory.survey.opening.grids import Cell, empty
from inventory.survey.text import plain

_WORD = re.compile(
    r"\(?(?:(?:必|选|可不?|非必)填项?|可选|必选|可空|(?:不能|不可|不得)为空|自动生成|下拉(?:选择|菜单|列表)?|[单多]选"
    r"|打[√勾✓]|[长短]?文本[型框]?|字符[型串]?|数[值字]型?|整数型?|小数|日期型?|时间型|布尔型?|[YMD年月日/.-]{6,}"
    r"|(?:填[写报表])?(?:说明|要求|规则|格式|提示))\)?",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"(?:请|按|须|需|应)?(?:如实|准确|详细|简要|据实|规范)?(?:填写?|选择|注明|勾选|描述|输入|写明).{0,30}"
    r"|(?:不(?:超过|少于|多于|得超过)|限|控制在)\s*\d+\s*个?字.{0,10}|\d+\s*个?字(?:以内|左右|以下)"
)
_NAMED = re.compile(r"(?:系统|平台|网站|软件|库|APP|网)(?:\([^()]*\))?$", re.IGNORECASE)
"""How names of systems end: 填报系统 asks for nothing."""
_CHOICES = re.compile(r"[^/\d]{1,8}(?:/[^/\d]{1,8}){1,9}")
_HEADED = re.compile(r"\(?(?:[一二三四五六七八九十]{1,2}、)?(?:\*?注|备注|(?:填[表写报])?(?:说明|要求)|注意事项)\)?:?")


def guides(cells: Sequence[Cell], titled: Cell) -> bool:
    """Tell whether a row says nothing but how its columns are filled in; `titled` is its cell for the title."""
    texts = [plain(cell) for cell in cells if isinstance(cell, str) and not empty(cell)]
    if len(texts) < 2 or len(texts) < sum(not empty(cell) for cell in cells):
        return False
    return all(_guides(text) or (empty(titled) and _CHOICES.fullmatch(text) is not None) for text in texts)


def _guides(text: str) -> bool:
    asked = _ASKED.fullmatch(text) is not None and _NAMED.search(text) is None
    return asked or _WORD.fullmatch(text) is not None


def heads_notes(cells: Sequence[Cell]) -> bool:
    """Tell whether a row is the heading of notes in the rows below it: 填表说明 alone."""
    texts = [plain(str(cell)) for cell in cells if not empty(cell)]
    return len(texts) == 1 and _HEADED.fullmatch(texts[0]) is not None
