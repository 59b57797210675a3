"""Titles of departments: whether a text is one, which one a heading or a file's name holds, what stands beside it."""

import re

from inventory.survey.text import cleaned, plain

_NUMBERED = re.compile(r"^\(?(?:\d{1,2}|[一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾]{1,2}|[IVX]{1,4}|[A-Za-z])[).、]")
_EVERYBODY = re.compile(r"(?!(?:[区市县镇乡]委办)$)(?:[各全区市县直乡镇街道办事处部门委局机关单位所有]|有关|相关)+")
"""Words for all of some bodies, which are the title of none."""
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
DATED = re.compile(
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


def signed(text: str) -> str:
    """Return what stands beside a label without the seal and the date that were put there too."""
    return DATED.sub("", _SEALED.sub("", cleaned(text))).strip(" _,;，；、.。-—:：")


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
    whole = cleaned(text)
    bare = _SEALED.sub("", _PART.sub("", whole))
    bare = bare if bare == whole else bare.strip(" _,;，；、.。-—:：")
    alone = _COUNTED_OFF.sub("", _REACHED.sub("", bare)).strip(" _,;，；、.。-—:：*＊【】[]〔〕")
    # Only of what looks like a department otherwise: a title may have signs of its own.
    return alone if is_department(alone) else bare or text


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


def names_body(text: str) -> bool:
    """Tell whether a short line speaks of a body, though not of which department is meant."""
    text = plain(text)
    body = (
        _OFFICES.search(text, 2) is not None and re.search(r"[,。;:!?]|^(?:注|说明|备注|以上|以下|其中)", text) is None
    )
    return len(text) <= 20 and body


def ends_as_office(text: str) -> bool:
    """Tell whether a heading ends as titles of departments do and those of systems never, such as 民政局（3个）."""
    return _OFFICE.search(_TAILED.sub("", plain(text))) is not None
