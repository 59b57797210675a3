"""Words that stand in a field and say nothing: 无, 暂无, 不详, 待补充, or a stroke.

Sheets hold them because no cell may stay empty; written by hand into the inventory they say no more than a blank.
"""

NOTHING = frozenset(
    {"/", "\\", "-", "--", "—", "——", "———", "–", "*", "n/a", "na", "nil", "无", "暂无", "没有", "不适用", "none"}
)
"""What says that there is nothing."""
UNSAID = frozenset({
    "不详", "未知", "待定", "不清楚", "待补充", "待填", "待确认", "待核实", "unknown", "tbd", "todo", "?", "？", "…",
})  # fmt: skip
"""What says that it is not known, or not yet."""


def says_nothing(text: str) -> bool:
    """Return whether a text is blank, or only says that there is nothing or that it is not known."""
    word = text.strip().strip("。.").casefold()
    return not word or word in NOTHING or word in UNSAID
