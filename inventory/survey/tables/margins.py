"""Rows of a sheet that are no entries: titles, who reports and when, totals, notes, numbering, headings of groups."""

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple

from inventory.survey.cells.dates import day_of
from inventory.survey.opening.grids import Cell, empty
from inventory.survey.tables.guidance import guides
from inventory.survey.tables.headings import is_unit
from inventory.survey.tables.replies import is_bare_reply, is_reply
from inventory.survey.text import cleaned, folded, plain

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
    r"^(?:本页|本表|本单位|全局|全区|全市|全县|各单位|部门|以上|总)?(?:合计|总计|小计|共计|累计|汇总|total|subtotal|sum)"
    r"(?:[(:].*|(?:金额|数|数量)?[\d一二三四五六七八九十百千个项台套条家户元万.,]*(?:信息|应用|业务)?(?:系统|平台|项目|网站|服务器|线路|专线|机房)?)$"
    r"|^[\u4e00-\u9fff]{2,14}(?:局|委|办|院|厅|会|中心|部|街道|镇|乡|单位|部门)(?:合计|小计|总计)[(:]?.{0,12}$",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"^(?:\*?注|备注|说明|填表说明|填报说明|填写说明|注意|note|notes|remark)s?\s*\d*\s*(?:[:.、]|$)", re.IGNORECASE
)
_PAGE = re.compile(r"[(\[【]?(?:以下(?:空白|无正文|无内容|为空)|下页续|接下页|转下页|续上页|空白)[)\]】。]*")
_NUMBERED = re.compile(r"^\(?(?:\d{1,2}|[一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾]{1,2}|[IVX]{1,4}|[A-Za-z])[).、]")
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
_EVERYBODY = re.compile(r"(?!(?:[区市县镇乡]委办)$)(?:[各全区市县直乡镇街道办事处部门委局机关单位所有]|有关|相关)+")
"""Words for all of some bodies, which are the title of none."""
# Who put the sheets of others together is not who reports.
_COMPILER = re.compile(r"^(?:制表|编制|汇总|统计)")
_HEAVENLY = "甲乙丙丁戊己庚辛壬癸"
_BODIES = (
    "局|委|委员会|办|办公室|厅|院|中心|馆|部|会|站|所|队|镇|乡|街道|街道办|办事处|街道办事处|政府|公安局|法院|检察院|"
    "分局|总队|支队|联合会|总工会|学校|医院|管委会|指挥部|大队|公司|集团|供销社|党校|电视台|广播台|开发区|新区|园区|管理处|事务处|分校|大学|学院|幼儿园|图书馆|支行"
)
_PEOPLES = "残联|妇联|侨联|文联|工商联|台联|科协|社科联|记协|团委"
_DEPARTMENT = re.compile(rf"^(?:[\u4e00-\u9fff·]{{1,24}}?(?:{_BODIES})|[\u4e00-\u9fff]{{0,8}}(?:{_PEOPLES}))$")
_BODY = re.compile(rf"(?:{_BODIES}|{_PEOPLES})")
_OFFICES = re.compile(r"(?<!全)局(?![域部限面域网])|委员会|人民政府|街道|法院|检察院")
"""Words inside of a line that no kind of system has in its name, unlike 办公, 部署 and 会议."""
_OFFICE = re.compile(r"(?:局|委|委员会|办公室|厅|法院|检察院|政府|街道|街道办|办事处|联合会|总工会)$")
"""How titles of departments end that no system has."""
_DAY = re.compile(
    r"\d{4}\s*年度?(?:\s*\d{1,2}\s*月(?:\s*\d{1,2}\s*[日号])?)?|(?<!\d)\d{1,2}\s*月\s*\d{1,2}\s*[日号]|\d{1,2}月份?"
)
_DIGITS = r"[\d一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾]"
_PREFIXED = re.compile(
    rf"^(?:附件|附表|表|第)?\s*[★☆◆◇●■▲△※*#○]*[(\[【]?\s*(?:{_DIGITS}*|[IVX]{{1,4}}(?![A-Za-z])|[A-Za-z](?=[.、:)\s]))"
    r"\s*(?:部分|类)?[-_.:、,)\]】\s]*[(\[【]*"
)
_TAILED = re.compile(
    r"(?:\s*(?:\([^()]{0,20}\)|\[[^\[\]]{0,20}\]|[:\])】]|共?计?\d+\s*[个项套台条]?(?:系统|平台|合计)?"
    r"|[及和与、](?:其|所)?(?:下属|直属|所属|二级)(?:事业|基层|二级)?(?:单位|机构)|(?:机关)?本级"
    r"|[(,;\s]*(?:填报人|填表人|联系人|负责人|经办人|联系电话|电话|联系方式|手机)\s*[:：]?[^:：]{0,20}))+$"
)
"""What stands behind a department in a heading: how many systems it has, the bodies below it, whom to ask."""
_LABEL = re.compile(r"^(?:填报|责任|主管|所属|报送|建设)?(?:单位|部门)(?:名称)?\s*:\s*")
_ITSELF = re.compile(
    r"[本我](?:单位|部门|局|委|办|院|厅|会|中心|机关|处|站|所|镇|乡|街道)(?:机关|本级)?|本级|(?:局|委|院|厅)机关"
)
_NO_BODY = re.compile(r"(?:统建|自建|代建|共建|租用|下发|统一建设)$|^同第|^同\d")
"""What stands under 部门 and is none: how something was built, or a reference to another row."""
_PART = re.compile(
    r"\s*[(（\[【](?:共?计?\s*\d+\s*[个家套项]?(?:系统|平台)?|[区县市]级|(?:机关)?本级|机关|原[^()（）]{2,30}|牵头|主办|协办|配合|主管|责任|主责|负责|使用|建设)(?:单位|部门)?[)）\]】]$"
)
_REACHED = re.compile(r"\s*(?:电话|联系电话|手机)?\s*[:：]?\s*(?:\d{3,4}[-—－ ]?)?\d{7,8}$|\s*1\d{10}$")
"""A telephone behind a title."""
_COUNTED_OFF = re.compile(r"^(?:\d{1,3}[.、)）]\s*|[①-⑳]\s*|[(（]\d{1,3}[)）]\s*)")
_PERSON_IN = re.compile(
    r"([\u4e00-\u9fff]{2,20}(?:局|委|办|厅|会|院|中心|政府|街道|镇|乡))([\u4e00-\u9fff]{2,3})"
    r"(?<![科室股处组队所站部门会级])"
)
_ROLE = re.compile(r"(?:牵头|配合|共建|主办|协办|负责|主管|联合建设|共同建设)$")
_AND_MORE = re.compile(
    r"等\s*(?:\d+|[一二三四五六七八九十多数几]+)\s*[个家].{0,6}$|等(?:多个)?(?:单位|部门|委办局|有关部门|相关部门)?$"
)
"""石堡镇等12个乡镇 names more than one."""
_SEALED = re.compile(
    r"[(（\[【]\s*(?:请?加?盖?(?:单位)?(?:公章|印章|盖章|签章|章)|签字|签名|代章|盖章处|公章处)[^)）\]】]{0,8}[)）\]】]"
    r"|(?:请?加?盖(?:单位)?(?:公章|章)|公章|签章)(?:处)?\s*$"
)
_DATED = re.compile(
    r"(?:\d{4}|[〇零○一二三四五六七八九]{4})\s*[年./-]\s*(?:[\d一二三四五六七八九十]{1,3}\s*[月./-]?\s*)?(?:[\d一二三四五六七八九十]{1,3}\s*[日号]?)?"
    r"(?:\s*\d{1,2}:\d{2}(?::\d{2})?)?"
)
_LEADING = re.compile(
    r"^(?:关于|复件|副本|新建|最终|给|致|发|来自|回复|答复|复函|报送|上报|填报|呈报|转报|反馈|提交|提供|印发|转发|征求|请|对|我们|我|贵|的|由|各|及|和|与|落实|开展|做好|组织)+"
)
_SUBJECTS = re.compile(
    r"(?:政务|信息|业务|应用|数据|机房|设备|线路|专线|专网|系统|资产|网络|服务器|各|全|所属|下属"
    r"|报送|上报|填报|填写|反馈|回复|报表|清单|台账|汇总|自查|普查|调查|摸底|统计|情况|目录|定级|备案|等保|等级保护|网站|门户"
    r"|附件|附表|关于|的|云|上云|迁移|整合|共享|需求|责任|负面|登记|申请|申报|运维|经费|涉密|非涉密|软件|硬件|存储|安全|基本|年度|最新"
    r"|修改|补充|最终|终版|终稿|定稿|初稿|草稿|新版|副本|复本|盖章|扫描|回复|复函|回函|函|报|表|自建|在用|资源|办公|视频|现有|已建|在建|拟建|互联网|接入|无)"
)


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


def signed(text: str) -> str:
    """Return what stands beside a label without the seal and the date that were put there too."""
    return _DATED.sub("", _SEALED.sub("", cleaned(text))).strip(" _,;，；、.。-—:：")


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


def is_department(text: str) -> bool:
    """Tell whether text looks like the title of a department."""
    text = cleaned(text)
    return _DEPARTMENT.match(text) is not None and _EVERYBODY.fullmatch(text) is None


def is_office(text: str) -> bool:
    """Tell whether text is the title of an office, which orders systems and builds none."""
    return is_department(text) and _OFFICE.search(cleaned(text)) is not None


def names_several(text: str) -> bool:
    """Tell whether text names several departments, or all of some, and so none."""
    parts = [_ROLE.sub("", part) for part in re.split(r"[、/,，;；+和与及]", cleaned(text)) if part]
    if _AND_MORE.search(cleaned(text)):
        return True
    return _EVERYBODY.fullmatch(cleaned(text)) is not None or (len(parts) > 1 and all(map(is_department, parts)))


def without_notes(text: str) -> str:
    """Return the title of a department without the seal or the part that was noted behind it: 民政局（牵头）."""
    bare = _SEALED.sub("", _PART.sub("", cleaned(text)))
    bare = _COUNTED_OFF.sub("", _REACHED.sub("", bare)).strip(" _,;，；、.。-—:：*＊【】[]〔〕")
    return bare or text


def with_person(text: str) -> str:
    """Return the title of the department before the name of a person in it, such as 教育局李四; empty elsewhere."""
    match = _PERSON_IN.fullmatch(text)
    return match[1] if match and not is_department(text) and is_office(match[1]) else ""


def former_of(text: str) -> str:
    """Return the title that a department had before a reform, where it is noted behind: 卫健局（原卫计局）."""
    match = re.search(r"\(原([^()]{2,30})\)$", plain(text))
    return match[1] if match else ""


def speaks_of_itself(text: str) -> bool:
    """Tell whether text stands for the department that fills in the sheet, such as 本单位."""
    return _ITSELF.fullmatch(plain(text)) is not None


def may_name(text: str) -> bool:
    """Tell whether text may be the title of a department: neither a number nor a sign, nor how something was built."""
    return re.search(r"[^\W\d_]", text) is not None and _NO_BODY.search(text) is None


def is_numbered(text: str) -> bool:
    """Tell whether text begins with a number of its own, such as 二、."""
    return _NUMBERED.match(plain(text)) is not None


def department_in(text: str) -> str:
    """Return the department that a sheet's title or a file's name begins with; empty if none does."""
    text = cleaned(_PREFIXED.sub("", _DAY.sub(" ", plain(text))))
    for part in map(_unled, re.split(r"[-_:\s()（）【】\[\]《》“”+—.]+|\d+|[A-Za-z]+", text)):
        if is_department(part):
            return part
        # "water bureau" in "water bureau's information systems": what follows must be what sheets are about.
        for end in (match.end() for match in _BODY.finditer(part) if match.end() > 2):
            if is_department(part[:end]) and _SUBJECTS.match(part[end:]):
                return part[:end]
    return ""


def _unled(text: str) -> str:
    """Return a title without the words that lead up to who it is about."""
    return _LEADING.sub("", text)


def department_above(text: str) -> str:
    """Return the department that a group's heading names, such as 四、市场监管局（2个系统）; empty if it names none."""
    words = plain(text)
    bare = _LABEL.sub("", _TAILED.sub("", _PREFIXED.sub("", words)).strip())
    bare = _TAILED.sub("", bare).strip()
    if is_department(bare):
        return bare
    return department_in(bare) if is_numbered(words) else ""


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
    return role or ("data" if width == 2 and alone == "note" and not _DATED.fullmatch(first) else alone)


def _strokes(filled: Sequence[Cell]) -> bool:
    """Tell whether a row holds nothing but strokes behind its number: nobody has filled it in."""
    texts = [plain(str(cell)) for cell in filled]
    return len(texts) > 2 and all(re.fullmatch(r"[-—–/\\]+", text) for text in texts[1:])


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
        office = _OFFICE.search(_TAILED.sub("", plain(texts[1]))) is not None
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
    if len(text) > 40 or _DATED.fullmatch(text):
        return "note"
    if empty(titled) and _COUNT.match(text):
        # A form with its rows numbered beforehand.
        return "blank"
    if _NUMBERED.match(text) and (empty(titled) or re.match(r"\(?[一二三四五六七八九十]", text)):
        return "heading"
    return "data" if folded(text) and not empty(titled) else "note"


def group_in(cells: Sequence[Cell]) -> str:
    """Return the department that the row that heads a group names."""
    named = next((found for cell in cells if not empty(cell) and (found := department_above(str(cell)))), "")
    return named or labels_in(cells).department


def names_body(text: str) -> bool:
    """Tell whether a short line speaks of a body, though not of which department is meant."""
    text = plain(text)
    body = (
        _OFFICES.search(text, 2) is not None and re.search(r"[,。;:!?]|^(?:注|说明|备注|以上|以下|其中)", text) is None
    )
    return len(text) <= 20 and body


def _numbers(cells: Sequence[Cell]) -> bool:
    """Tell whether cells only count columns: 1 2 3 or 甲 乙 1 2."""
    if len(cells) < 3:
        return False
    counted = [plain(str(cell)).strip("()") for cell in cells]
    letters = [text for text in counted if text in _HEAVENLY]
    rest = [text.removesuffix(".0") for text in counted[len(letters) :]]
    numbered = [str(number) for number in range(1, len(rest) + 1)]
    return counted[: len(letters)] == list(_HEAVENLY[: len(letters)]) and rest == numbered
