"""Laws of survey sheets: written and read back unchanged they change nothing, and they are the same bytes each time."""

import string
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inventory.files.dumping import dump
from inventory.model import Programme
from inventory.survey.cells.told import Setting
from inventory.survey.cells.values import GOLDEN, told_by
from inventory.survey.columns import catalogue
from inventory.survey.merging.folder import Folder
from inventory.survey.merging.memory import Memory
from inventory.survey.merging.merging import Merged, merge
from inventory.survey.reading import read_sheets
from inventory.survey.sheets import workbooks

TEXTS = st.one_of(
    st.text("水务局民政收费系统管理平台网站办公室一二三第级年月日万元", min_size=1, max_size=12),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.text(string.printable, min_size=1, max_size=20),
    st.sampled_from(
        ["无", "同上", "合计", "=1+1", "是", "2017年3月", "12.5万元", "a、b", " a ", "a\nb", "-", "0", "'a"]
    ),
)
DAYS = st.dates().map(str)
MONEY = st.floats(0, 1e9).map(lambda value: round(value, 2)) | st.integers(0, 10**9)
COUNTS = st.integers(0, 10**6)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


USAGE = some(cpus=st.integers(0, 64), memory=COUNTS, storage=COUNTS, cpu_load=st.floats(0, 100))
SURVEY = some(
    number=TEXTS, function=TEXTS, users=TEXTS, user_count=COUNTS, approved_by=TEXTS, approved=DAYS, funding=TEXTS,
    frequency=st.sampled_from(["daily", "weekly", "never"]), running_cost=MONEY, investment=MONEY, usage=USAGE,
    maintained=st.booleans(), in_process=st.booleans(), last_used=DAYS, obstacle=TEXTS, surveyed=DAYS,
)  # fmt: skip
EXEMPTION = st.fixed_dictionaries({"reason": TEXTS, "granted": DAYS}, optional={"until": DAYS, "granted_by": TEXTS})
SYSTEM = some(
    survey=SURVEY,
    grading=some(mlps=st.integers(1, 5), record=TEXTS) | st.just({"classified": True}),
    common=st.sampled_from(["office", "website"]),
    exemption=EXEMPTION,
    filing=st.fixed_dictionaries(
        {"number": TEXTS, "date": DAYS}, optional={"needed": st.lists(TEXTS, min_size=1, max_size=3)}
    ),
    wave=st.integers(1, 9),
)
HOST = some(title=TEXTS, cpus=COUNTS, memory=COUNTS, storage=COUNTS, software=TEXTS)
ASSET = st.fixed_dictionaries(
    {"title": TEXTS, "kind": st.sampled_from(["server", "power"])},
    optional={"count": st.integers(1, 99), "year": st.integers(1980, 2100), "disposed": DAYS},
)
ROOM = st.fixed_dictionaries(
    {"hosts": st.lists(HOST, max_size=2), "assets": st.lists(ASSET, max_size=2)},
    optional={"title": TEXTS, "area": st.floats(0.01, 5000).map(lambda value: round(value, 2)), "vacated": DAYS},
)
TITLED = st.fixed_dictionaries({"title": TEXTS})
DEPARTMENT = st.fixed_dictionaries(
    {"title": TEXTS, "offices": st.lists(TITLED, max_size=2), "rooms": st.lists(ROOM, max_size=2)},
    optional={"level": st.sampled_from(["city", "town"]), "units": st.lists(TITLED, max_size=2)},
)
LINE = st.fixed_dictionaries(
    {"kind": st.sampled_from(["leased", "internet-exit"])},
    optional={"title": TEXTS, "rent": MONEY, "bandwidth": MONEY, "carrier": TEXTS, "golden_project": st.just("金税")},
)
RESOURCE = st.fixed_dictionaries(
    {"title": TEXTS},
    optional={"format": TEXTS, "open": st.booleans(), "published": DAYS, "items": COUNTS, "conditions": TEXTS,
              "sharing": st.sampled_from(["none", "conditional"])},
)  # fmt: skip
PARTS = st.fixed_dictionaries({
    "departments": st.lists(DEPARTMENT, max_size=3),
    "systems": st.lists(st.tuples(TEXTS, SYSTEM), max_size=4),
    "lines": st.lists(LINE, max_size=2),
    "resources": st.lists(RESOURCE, max_size=2),
})  # fmt: skip


def named(parts: Any, what: str) -> None:
    for number, part in enumerate(parts):
        part["name"] = f"{what}-{number}"


def programme_of(parts: dict[str, Any]) -> Programme:
    """Give all parts names and an owner."""
    departments = parts["departments"]
    named(departments, "department")
    rooms = [room for department in departments for room in department["rooms"]]
    named(rooms, "room")
    named([each for department in departments for each in department["offices"]], "office")
    named([each for department in departments for each in department.get("units", ())], "unit")
    named([host for room in rooms for host in room["hosts"]], "host")
    named([asset for room in rooms for asset in room["assets"]], "asset")
    systems = [
        {"system": f"system-{number}", "title": title, **rest} for number, (title, rest) in enumerate(parts["systems"])
    ]
    for system in systems:
        if system.get("grading", {}).get("classified"):
            system.pop("survey", None)
    named(parts["lines"], "line")
    named(parts["resources"], "resource")
    owned = [*systems, *parts["lines"], *parts["resources"]]
    for number, part in enumerate(owned):
        part["department"] = departments[number % len(departments)]["name"] if departments else "nobody"
    return Programme.model_validate({
        "programme": "law", "title": "law", "profile": "jimo", "departments": departments, "systems": systems,
        "network": {"lines": parts["lines"]}, "resources": parts["resources"],
    })  # fmt: skip


def surveyed(folder: Path, sheets: Path) -> tuple[dict[str, bytes], Memory]:
    memory = Memory()
    written = {book.name: book.content for book in workbooks(Folder(folder), memory)}
    for name, content in written.items():
        (sheets / name).write_bytes(content)
    return written, memory


def imported(folder: Path, sheets: Path, memory: Memory) -> Merged:
    entries, _remarks = read_sheets([sheets])
    return merge(Folder(folder), memory, entries)


@given(PARTS)
@settings(
    max_examples=40, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
def test_sheets_that_are_read_back_unchanged_change_nothing(parts: dict[str, Any]) -> None:
    programme = programme_of(parts)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        dump(programme, Path(one))
        written, memory = surveyed(Path(one), Path(other))
        again, _memory = surveyed(Path(one), Path(other))
        assert again == written
        merged = imported(Path(one), Path(other), memory)
        assert [change.after for change in merged.files] == []


DENIALS = st.sampled_from(["非", "不属于", "不是", "未纳入", "没有纳入", "未达到", "不含"])


@given(DENIALS, st.sampled_from(GOLDEN), st.sampled_from(["", "工程", "工程（三期）"]))
def test_a_golden_project_that_is_denied_is_never_taken(denial: str, project: str, rest: str) -> None:
    column = catalogue().listing("line").column("golden_project")
    assert column is not None
    assert told_by(f"{denial}{project}{rest}", column, Setting()).value is None


@given(DENIALS, st.sampled_from("一二三四五12345"), st.sampled_from(["级", "级等保"]))
def test_a_level_that_is_denied_is_never_taken_and_always_asked_about(denial: str, level: str, rest: str) -> None:
    column = catalogue().listing("system").column("grading.mlps")
    assert column is not None
    told = told_by(f"{denial}{level}{rest}", column, Setting())
    assert told.value is None
    assert told.expected
