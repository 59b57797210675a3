"""Titles that say which common function a system has, such as 办公系统 or 门户网站, where nobody wrote it down."""

import re

_WHOSE = r"(?:[\u4e00-\u9fff]{1,12}?(?:局|委|办|部|院|县|区|市|镇|乡|中心|单位))?"
_HOW = r"(?:综合|内部|机关|移动|电子|协同|网上|在线|行政|政务|政府|智慧|智能|统一|信息|管理|业务|自动化|服务)*"
_TITLES = {
    "office": r"办公|OA|公文(?:流转|处理|交换|传输)?",
    "approval": r"审批",
    "enforcement": r"执法",
    "meeting": r"会议|视频会议",
    "video": r"视频会议|视频监控",
    "messaging": r"短信|即时通[讯信]",
    "website": r"门户|门户网站|官网|官方网站|网站",
}
_KNOWN = {
    function: re.compile(rf"{_WHOSE}{_HOW}(?:{words}){_HOW}(?:系统|平台|软件)?(?:V?[\d.]+)?", re.IGNORECASE)
    for function, words in _TITLES.items()
}


def named_functions(title: str) -> frozenset[str]:
    """Return the common functions that a title names and nothing else beside them; none of 水费审批系统."""
    bare = re.sub(r"[\s()（）]+", "", title)
    return frozenset(function for function, known in _KNOWN.items() if known.fullmatch(bare))
