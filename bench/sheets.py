"""Writes the survey workbooks of many departments, each filled in differently, from a seed."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import xlsxwriter

_AREAS = (
    "水务",
    "民政",
    "教育",
    "财政",
    "交通",
    "农业",
    "文化",
    "卫生",
    "司法",
    "统计",
    "审计",
    "商务",
    "林业",
    "人社",
    "住建",
)
_KINDS = ("业务", "审批", "监管", "统计", "档案", "公文", "收费", "执法", "服务", "查询")
_FREQUENCIES = ("每天", "每日", "每周", "每月", "每年", "从不")


class Known(NamedTuple):
    """A system that was written, as it must be read."""

    title: str
    department: str
    running_cost: float
    approved: str
    frequency: str
    mlps: int


class Wording(NamedTuple):
    """A column: the words one department has for it, and how it writes a value."""

    headers: Sequence[str]
    write: Callable[[random.Random, Known], object]


def _day(chance: random.Random, known: Known) -> object:
    day = date.fromisoformat(known.approved)
    forms: tuple[object, ...] = (
        day, f"{day.year}年{day.month}月{day.day}日", f"{day.year}/{day.month}/{day.day}", f"{day:%Y.%m.%d}",
        (day - date(1899, 12, 30)).days,
    )  # fmt: skip
    return chance.choice(forms)


def _level(chance: random.Random, known: Known) -> object:
    return chance.choice((known.mlps, f"{known.mlps}级", f"第{'一二三四五'[known.mlps - 1]}级"))


_COLUMNS = (
    Wording(("功能描述", "主要功能", "系统功能"), lambda c, k: f"{k.title}的{c.choice(_KINDS)}功能"),
    Wording(("使用范围", "用户范围"), lambda c, _: c.choice(("全市", "全区", "部门内部", "社会公众"))),
    Wording(("使用频度", "使用频率"), lambda _, k: k.frequency),
    Wording(("审批部门", "批准部门"), lambda c, _: c.choice(("发展改革局", "同上"))),
    Wording(("审批时间", "立项时间", "批复时间"), _day),
    Wording(("经费来源", "资金来源"), lambda c, _: c.choice(("区财政", "市财政"))),
    Wording(("建设单位", "承建单位"), lambda c, _: f"{c.choice(_AREAS)}软件公司"),
    Wording(("承载网络", "所在网络"), lambda c, _: c.choice(("电子政务外网", "业务专网", "互联网"))),
    Wording(("是否涉密", "涉密情况"), lambda c, _: c.choice(("否", "×", "不涉密"))),
    Wording(("等保级别", "等级保护级别"), _level),
    Wording(("内存(GB)", "内存容量（GB）"), lambda c, _: c.choice((8, "16", "３２ＧＢ"))),
    Wording(("CPU核数", "CPU"), lambda c, _: c.choice((4, 8, "16核"))),
    Wording(("是否仍在维护", "是否维护"), lambda c, _: c.choice(("是", "√", "否"))),
    Wording(("联系人", "负责人"), lambda *_: "见通讯录"),
    Wording(("备注", "说明"), lambda c, _: c.choice((None, None, "待核实"))),
)


def systems_of(chance: random.Random, department: str, count: int) -> Iterator[Known]:
    """Yield the systems of a department."""
    for number in range(count):
        day = date(2005, 1, 1) + timedelta(days=chance.randrange(4400))
        yield Known(
            title=f"{department}{chance.choice(_KINDS)}管理系统{number + 1}号",
            department=department,
            running_cost=chance.randrange(1, 400) * 1000,
            approved=day.isoformat(),
            frequency=chance.choice(_FREQUENCIES),
            mlps=chance.randint(1, 3),
        )


class Sheet:
    """One workbook while it is written."""

    def __init__(self, file: Path, chance: random.Random, systems: Sequence[Known]) -> None:
        self.chance = chance
        self.systems = systems
        self.book = xlsxwriter.Workbook(str(file))
        self.days = self.book.add_format({"num_format": "yyyy-mm-dd"})
        self.page = self.book.add_worksheet(chance.choice(("附件1", "系统清单", "Sheet1")))

    def write(self) -> None:
        """Write title, header, rows, total and note, and perhaps a sheet beside them."""
        department = self.systems[0].department
        self.page.merge_range(0, 0, 0, 9, f"{department}政务信息系统调查表")
        self.page.write(1, 0, f"填报单位（盖章）：{department}")
        thousands = self.chance.random() < 0.5
        columns = [(self.chance.choice(column.headers), column.write) for column in _COLUMNS]
        self.chance.shuffle(columns)
        cost = "运维费用（万元/年）" if thousands else "年运维费(元)"
        top = 2 + self.header(
            ["序号", self.chance.choice(("系统名称", "信息系统名称", "名  称")), cost, *(h for h, _ in columns)]
        )
        for number, known in enumerate(self.systems):
            money: object = known.running_cost / 10000 if thousands else f"{known.running_cost:,.2f}"
            cells = [number + 1, self.spaced(known.title), money, *(write(self.chance, known) for _, write in columns)]
            for column, value in enumerate(cells):
                # The first row has nothing above it that could be meant.
                self.cell(top + number, column, "发展改革局" if value == "同上" and not number else value)
        self.page.write(top + len(self.systems), 1, "合计")
        self.page.write(top + len(self.systems) + 1, 0, "注：运维费用以上年度决算为准")
        self.book.close()

    def header(self, words: Sequence[str]) -> int:
        """Write a header over one row, or over two with merged cells; return how many rows it took."""
        if self.chance.random() < 0.5:
            self.page.write_row(2, 0, words)
            return 1
        for column, word in enumerate(words):
            if column not in {1, 2}:
                self.page.merge_range(2, column, 3, column, word)
        self.page.merge_range(2, 1, 2, 2, "基本情况")
        self.page.write_row(3, 1, words[1:3])
        return 2

    def spaced(self, title: str) -> str:
        """Return a title as a hurried hand writes it."""
        return self.chance.choice((title, f" {title}", title[:3] + "\n" + title[3:], title[:2] + " " + title[2:]))

    def cell(self, row: int, column: int, value: object) -> None:
        """Write one cell; dates as real dates."""
        if isinstance(value, date):
            self.page.write_datetime(row, column, datetime.combine(value, datetime.min.time()), self.days)
        elif value is not None:
            self.page.write(row, column, value)


def write_all(folder: Path, workbooks: int, systems: int, seed: int) -> tuple[Known, ...]:
    """Write so many workbooks and return every system that is in them."""
    written: list[Known] = []
    for number in range(workbooks):
        chance = random.Random(f"{seed}/{number}")
        department = f"{_AREAS[number % len(_AREAS)]}第{_number(number // len(_AREAS))}局"
        found = tuple(systems_of(chance, department, systems))
        Sheet(folder / f"{number:03}-{department}.xlsx", chance, found).write()
        written.extend(found)
    return tuple(written)


def _number(value: int) -> str:
    return "".join("〇一二三四五六七八九"[int(digit)] for digit in str(value + 1))
