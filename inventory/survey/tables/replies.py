"""Replies that there is nothing to list: 本单位没有自建系统, 我单位无政务信息系统, 无, 零报告."""

import re
from collections.abc import Sequence

from inventory.survey.cells.denials import uncompounded
from inventory.survey.opening.grids import Cell, empty
from inventory.survey.text import plain

_BARE = re.compile(
    r"(?:\(?(?:无|没有|暂无|均无|全无|零|〇|空)\)?(?:\([空无]\))?|无此(?:项|类|情况)|此项无|此表无|不涉及|nil|none|n/a|[-—/\\]+)"
    r"[。.!;]?",
    re.IGNORECASE,
)
_WHO = r"(?:本|我|该)?(?:单位|部门|局|委|办|院|厅|会|中心|机关|处|镇|乡|街道)?(?:系统内)?"
_NOW = r"(?:目前|现|暂|尚|均|也|并|确|暂时|截至.{0,14}?|经(?:自查|排查|统计|核实)[,:]?)*"
_NO = r"(?:无|没有|未建|未建设|未开发|未使用|未部署|不存在|不涉及|暂无|尚无|未拥有|无任何)"
_THINGS = r"(?:系统|平台|机房|服务器|专线|专网|线路|设备|网站|资源|数据|应用|软件)"
_ELSEWHERE = r"(?:[^,。;其他它另]{0,30}(?:统建|统一|上级|省|市|国家|部委)[^,。;其他它另]{0,20}[,。;])?"
"""What a department uses of others is none of its own."""
_SENTENCE = re.compile(
    rf"{_ELSEWHERE}{_WHO}{_NOW}{_WHO}{_NOW}{_NO}(?:[^,。;,其他它另]{{0,12}}){_THINGS}(?:(?:及|和|、|或)[^,。;]{{0,12}})?"
    r"(?:建设|使用|运行)?(?:情况|项目|需(?:要)?(?:填报|上报|报送))?(?:[,。;!].{0,30})?"
)
_OTHERS = re.compile(
    rf"{_WHO}{_NOW}(?:(?:无|没有|未)(?:自建|自行建设|自主建设)(?:[,。;].{{0,30}})?"
    r"|(?:统一|均|全部|直接|只|仅)?(?:使用|采用|依托|利用|应用)[^,。;]{0,10}(?:上级|省|市|国家|部|厅|局)[^,。;]{0,10}(?:系统|平台)"
    r"|(?:均|全部|都)?(?:由|为|系)?(?:上级|省|市|国家)[^,。;]{0,8}(?:统建|统一建设)(?:系统|平台)?)[。!]?"
)
"""Replies that only systems of others are used."""
_CONCERN = re.compile(
    rf"{_WHO}{_NOW}{_WHO}(?:不涉及|无此(?:项|类)|没有此(?:项|类)|无相关)(?:此项|此类)?(?:情况|内容|工作|业务)?[。!]?"
)
_ZERO = re.compile(rf"{_WHO}(?:实行|特此|按)?零(?:报告|填报|上报|申报).{{0,8}}")


def says_none(text: str) -> bool:
    """Tell whether a sentence says that there is nothing to list; 无 alone does not."""
    text = uncompounded(plain(text).replace(" ", ""))
    return len(text) <= 60 and any(pattern.fullmatch(text) for pattern in (_SENTENCE, _OTHERS, _CONCERN, _ZERO))


def is_bare_reply(text: str) -> bool:
    """Tell whether a text is a word or a sentence that says that there is nothing to list."""
    word = plain(text)
    return (_BARE.fullmatch(word) is not None and re.fullmatch(r"[-—/\\]+", word) is None) or says_none(text)


def is_reply(cells: Sequence[Cell], titled: Cell) -> bool:
    """Tell whether a row lists nothing but says that there is nothing; `titled` is its cell in the column of titles."""
    texts = [plain(str(cell)) for cell in cells if not empty(cell) and not _counts(cell)]
    said = [text for text in texts if not _BARE.fullmatch(text)]
    if any(not says_none(text) for text in said):
        return False
    # A row of strokes is a form that nobody filled in; 无 in the place of a title is an answer.
    word = "" if empty(titled) else plain(str(titled))
    return bool(said) or (_BARE.fullmatch(word) is not None and re.fullmatch(r"[-—/\\]+", word) is None)


def _counts(cell: Cell) -> bool:
    return isinstance(cell, int | float) or re.fullmatch(r"\(?\d{1,3}[).、]?", plain(str(cell))) is not None
