"""How a text speaks of a thing: it says it, denies it, or says it with a reserve. Whoever looks for words asks here.

非金税工程 is no 金税工程, 未达到二级 is no 二级, and 拟定三级 is not yet 三级: a word that is denied is not the
word, and one with a reserve is asked about.
"""

import re
from enum import StrEnum
from functools import lru_cache

from inventory.survey.text import plain

REACH = 4
"""So many characters may stand between what denies a word and the word."""

_COMPOUNDS = re.compile(
    r"无线|无人机|无纸化|无障碍|无偿|无条件|无极|不动产|不定期|不良|不锈|非税|非遗|非公有|非营利|未成年|未来|未检|无党派|没收|免疫|否决"
)
_DENYING = "[不未没无非勿否免莫毋]"
_LOOSELY = re.compile(rf"{_DENYING}[^,。;:!]{{0,{REACH}}}$")
_ACTS = (
    "录入|上传|发布|接入|连接|储存|保存"
    "|办理|出现|接触|涉及|处理|存储|传输|承载|产生|使用|包含|包括|含有|含|属于|是|存在|得|有"
)
_STRICTLY = re.compile(
    rf"(?:非|不|未|没|无|勿|严禁|禁止)(?:(?:{_ACTS})[和或、]?)*(?:任何|有关|相关|国家|的|信息|数据)*$"
)
_DENIED_AFTER = re.compile(r"^(?:系统|信息|工程|网络|内容|数据)?\s*[:(]?\s*(?:否|×|✗|无$|不是)")
_RESERVED = re.compile(
    r"(?:拟|原|待|将|计划|准备|预计|申请|申报|参照|比照|接近|相当于|类似|可能|或许?|争取|目标|曾|疑似|部分|基本|超过|高于|低于|至少|最高|按)"
    r"[^,。;:!]{0,3}$"
)
_RESERVED_AFTER = re.compile(
    r"^(?:工程|系统|项目)?\s*[(]?\s*(?:以上|以下|以内|左右|及以上|及以下|或|拟|待定|待评|待审|待批|暂定|预定|申报|申请|标准|要求|除外|以外|之外|已?退出|\?)"
)
_ENDED = re.compile(
    r"^(?:现|目前|均|都)?已(?:经|被)?(?:停|下线|关|废|撤|拆|取消|注销|终止|结束|过期|过保|到期|报废|不|无|脱)"
)
_BRIEF = 40
_OVER = re.compile(
    r"停用|停止使用|停运|下线|注销|报废|废弃|关停|撤销|拆除|作废|不再使用|无人使用|(?:^|已|应|请|此行|建议)删除|与.{1,12}重复|重复(?:填报|上报|项)?$"
)
_UNSURE = re.compile(
    r"不确定|不清楚|不好说|不一定|不明|不详|不知|未知|未定|未确定|未明确|无法|待定|待|部分|有时|有的|有些|视|看情况|可能|基本|大概|或|拟|"
    r"计划|准备|将|未必|不完全|不全|不尽|疑似|争议|正在|尚在|[?]"
)


class Stance(StrEnum):
    """How a text speaks of a word."""

    ABSENT = "absent"
    SAID = "said"
    DENIED = "denied"
    RESERVED = "reserved"


def stance_at(text: str, start: int, end: int, *, strictly: bool = False) -> Stance:
    """Tell how a text speaks of the word that stands in it from start to end; the text is `text.plain`.

    Where a wrong denial would do harm, `strictly` hears only those that are certainly about the word.
    """
    before = _COMPOUNDS.sub(lambda match: "·" * len(match[0]), text[:start])
    after = text[end:]
    if (_STRICTLY if strictly else _LOOSELY).search(before) or _DENIED_AFTER.match(after):
        return Stance.DENIED
    if _RESERVED.search(before) or _RESERVED_AFTER.match(after):
        return Stance.RESERVED
    return Stance.SAID


def stance_on(text: str, word: str) -> Stance:
    """Tell how a text speaks of a word; where it does so several times the last one that is not denied counts."""
    text = plain(text)
    found = [stance_at(text, match.start(), match.end()) for match in re.finditer(re.escape(word), text)]
    if not found:
        return Stance.ABSENT
    return next((stance for stance in reversed(found) if stance is not Stance.DENIED), Stance.DENIED)


def uncompounded(text: str) -> str:
    """Return a text without the words in which a sign of denial denies nothing, such as 无人机."""
    return _COMPOUNDS.sub("·", text)


def denies(text: str) -> bool:
    """Tell whether a text begins by denying, as 非金税工程 and 不属于 do."""
    return re.match(_DENYING, uncompounded(text)) is not None


def ended(text: str) -> bool:
    """Tell whether a text says that something is over, as 已停用 does."""
    return _ENDED.match(text) is not None


def over(text: str, *, titled: bool = False) -> bool:
    """Tell whether a short text says that something is over or listed twice; of a title only the brackets behind it."""
    text = plain(text)
    if titled:
        text = "".join(re.findall(r"[(\[]([^()\[\]]*)[)\]]$", text))
    found = list(_OVER.finditer(text)) if len(text) <= _BRIEF else []
    return any(stance_at(text, match.start(), match.end()) is not Stance.DENIED for match in found)


def unsure(text: str) -> bool:
    """Tell whether the first words of an answer leave open whether it is yes or no."""
    return _UNSURE.search(re.split(r"[,。;!]", text, maxsplit=1)[0]) is not None


@lru_cache(maxsize=16384)
def denials_in(text: str) -> int:
    """Count what denies in a text: two headers that differ in it do not ask the same."""
    return len(re.findall(r"[不未没无非停]", _COMPOUNDS.sub("", text)))
