"""The state of systems that the heading of a group or the title of a list says, such as 二、已停用系统."""

import re
from collections.abc import Iterable

from inventory.survey.cells.told import Setting
from inventory.survey.cells.values import told_by
from inventory.survey.columns import Column
from inventory.survey.text import plain

_WORDS = "在用|已?停用|停运|闲置|在建|拟建|待建|已?下线|已?关停|已?注销|试运行|报废"
_STATED = re.compile(
    rf"(?<![非不未])({_WORDS})的?"
    r"(?:政务|信息|应用|业务|自建|管理)*(?:系统|平台|项目|网站)"
)
_LONGEST = 30
"""A heading has so many characters at most; what is longer tells a story."""


def state_in(texts: Iterable[str], column: Column | None) -> str:
    """Return the state that the first of some headings says which says one; empty where none does."""
    for text in texts:
        one = len(text) <= _LONGEST and len(re.findall(_WORDS, text)) == 1
        match = _STATED.search(plain(text)) if one else None
        if match is not None and column is not None:
            return str(told_by(match[1], column, Setting()).value or "")
    return ""
