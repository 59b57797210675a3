"""Merging sheets into an inventory: what is new, what a person changed, what two departments report."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from inventory.findings import InventoryErrors
from inventory.survey.entries import Entry, Kind, Place, Weight
from inventory.survey.merging.folder import Folder
from inventory.survey.merging.identity import may_be
from inventory.survey.merging.memory import FILE, Memory
from inventory.survey.merging.merging import Merged, merge
from inventory.survey.merging.writing import held, write

Row = Callable[..., Entry]

DEPARTMENTS = """\
# by hand
departments:
  - name: water-bureau
    title: 水务局   # the bureau
    rooms:
      - name: water-room
        hosts:
          - {name: water-db, address: 10.11.0.10}
"""
SYSTEM = """\
system: water-billing
title: 水费征收系统
department: water-bureau
survey:
  # what the department says
  number: W-01
  function: 征收水费
  running_cost: 120000
"""


def row(kind: Kind, title: str, values: Mapping[str, object] | None = None, **more: str) -> Entry:
    holding = {"department": "水务局", "name": "", **more}
    values = values or {}
    file = Path(f"{holding['department']}.xlsx")
    places = {key: Place(file=file, sheet=kind, cell=f"B{n}") for n, key in enumerate(("", *values), 2)}
    return Entry(kind=kind, title=title, values=values, places=places, **holding)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "departments.yaml").write_text(DEPARTMENTS)
    (tmp_path / "systems").mkdir()
    (tmp_path / "systems" / "water-billing.yaml").write_text(SYSTEM)
    return tmp_path


def run(folder: Path, *rows: Entry, accept: Sequence[str] = ()) -> Merged:
    with held(folder):
        merged = merge(Folder(folder), Memory.read(folder), rows, accept)
        write(folder, merged.files)
    return merged


def kinds(merged: Merged) -> list[tuple[Weight, str]]:
    return [(remark.severity, remark.column) for remark in merged.remarks]


BILLING = {"survey.number": "W-01", "survey.function": "征收水费", "survey.running_cost": 120000}


def billing(**values: object) -> Entry:
    return row("system", "水费征收系统", {**BILLING, **{f"survey.{key}": value for key, value in values.items()}})


def test_an_empty_folder_becomes_an_inventory(tmp_path: Path) -> None:
    merged = run(
        tmp_path / "new",
        row("department", "水务局", department=""),
        row("room", "一楼机房", {"area": 36}),
        row("host", "water-db", {"address": "10.11.0.10", "cpus": 4}, holder="一楼机房"),
        billing(),
        row("line", "营业厅专线", {"kind": "leased", "rent": 96000}),
        row("resource", "用水户", {"system": "水费征收系统", "sharing": "unconditional"}),
        row("request", "", {"resource": "用水户", "asked": "2018-03-01"}, department="民政局"),
    )
    assert kinds(merged) == []
    assert merged.added == {"department": 2, "room": 1, "host": 1, "system": 1, "line": 1, "resource": 1, "request": 1}
    assert (tmp_path / "new" / "departments.yaml").read_text() == (
        "# yaml-language-server: $schema=./.zhenghe.schema.json\n"
        "departments:\n"
        "  - name: shui-wu-ju\n"
        "    title: 水务局\n"
        "    rooms:\n"
        "      - name: shui-wu-ju-yi-lou-ji-fang\n"
        "        title: 一楼机房\n"
        "        area: 36\n"
        "        hosts:\n"
        "          - {name: water-db, title: water-db, address: 10.11.0.10, cpus: 4}\n"
        "\n"
        "  - name: min-zheng-ju\n"
        "    title: 民政局\n"
    )


def test_importing_again_changes_no_byte(tmp_path: Path) -> None:
    rows = (row("department", "水务局", department=""), billing(), row("host", "db", {"cpus": 2}))
    run(tmp_path, *rows)
    again = run(tmp_path, *rows)
    assert again.files == ()
    assert kinds(again) == []


def test_what_the_sheet_says_anew_is_taken_and_all_else_stays(folder: Path) -> None:
    run(folder, billing())
    merged = run(folder, billing(running_cost=90000, users="city"))
    assert kinds(merged) == []
    assert [change.file for change in merged.changes] == [Path("systems/water-billing.yaml")]
    assert (folder / "systems/water-billing.yaml").read_text() == SYSTEM.replace("120000", "90000").replace(
        "  function: 征收水费\n", "  function: 征收水费\n  users: city\n"
    )
    assert (folder / "departments.yaml").read_text() == DEPARTMENTS


def edit(folder: Path, old: str, new: str) -> str:
    file = folder / "systems" / "water-billing.yaml"
    text = file.read_text().replace(old, new)
    file.write_text(text)
    return text


def test_what_a_person_changed_stays_and_is_told(folder: Path) -> None:
    run(folder, billing())
    text = edit(folder, "120000", "110000  # seen in the contract")
    merged = run(folder, billing())
    assert kinds(merged) == [(Weight.NOTE, "kept by hand")]
    assert (folder / "systems/water-billing.yaml").read_text() == text


def test_that_two_systems_are_no_shadows_stays_whatever_the_sheets_say(folder: Path) -> None:
    decided = "no_shadow_of:\n  - {system: meters, reason: one only reads meters, date: 2018-03-05}   # agreed\n"
    file = folder / "systems" / "water-billing.yaml"
    run(folder, billing())
    file.write_text(SYSTEM + decided)
    run(folder, billing(running_cost=90000), row("system", "抄表系统", {"survey.function": "抄表"}, name="meters"))
    assert file.read_text().endswith(decided)
    assert "90000" in file.read_text()


def test_what_both_changed_is_a_conflict_once_and_stays_with_the_person(folder: Path) -> None:
    run(folder, billing())
    text = edit(folder, "120000", "110000")
    merged = run(folder, billing(running_cost=90000))
    assert kinds(merged) == [(Weight.ERROR, "conflict")]
    assert merged.remarks[0].read == "90000"
    assert kinds(run(folder, billing(running_cost=90000))) == [(Weight.NOTE, "kept by hand")]
    assert (folder / "systems/water-billing.yaml").read_text() == text


def test_what_both_changed_alike_is_no_conflict(folder: Path) -> None:
    run(folder, billing())
    edit(folder, "120000", "90000")
    assert kinds(run(folder, billing(running_cost=90000))) == []


def test_what_a_person_removed_stays_removed(folder: Path) -> None:
    run(folder, billing())
    edit(folder, "  running_cost: 120000\n", "")
    assert kinds(run(folder, billing())) == [(Weight.NOTE, "kept by hand")]


def test_without_a_memory_every_difference_is_a_conflict(folder: Path) -> None:
    merged = run(folder, billing(running_cost=90000))
    assert kinds(merged) == [(Weight.ERROR, "conflict")]
    assert merged.changes == ()


def test_what_sheets_no_longer_say_stays_and_is_told(folder: Path) -> None:
    other = row("system", "水质监测系统", {"survey.function": "监测水质"})
    run(folder, billing(), other)
    merged = run(folder, row("system", "水质监测系统"))
    assert kinds(merged) == [(Weight.NOTE, "no longer said"), (Weight.WARNING, "no longer listed")]
    assert merged.changes == ()


def test_a_system_that_is_known_by_its_number_is_renamed_if_a_person_agrees(folder: Path) -> None:
    run(folder, billing())
    renamed = row("system", "水费征收管理系统", BILLING)
    merged = run(folder, renamed)
    (question,) = merged.questions
    assert (question.before, question.after) == ("水费征收系统", "水费征收管理系统")
    assert question.accept == "rename:water-billing=水费征收管理系统"
    assert (merged.files, kinds(merged)) == ((), [])
    merged = run(folder, renamed, accept=[question.accept])
    assert (merged.added, merged.questions, merged.unheard) == ({}, (), ())
    assert "title: 水费征收管理系统" in (folder / "systems/water-billing.yaml").read_text()


def test_a_number_that_was_given_to_another_system_renames_none_where_a_person_says_so(folder: Path) -> None:
    run(folder, billing())
    other = row("system", "水质监测系统", {"survey.number": "W-01"})
    (question,) = run(folder, other).questions
    merged = run(folder, other, accept=[question.otherwise])
    assert merged.added == {"system": 1}
    assert (folder / "systems/water-billing.yaml").read_text() == SYSTEM
    assert run(folder, other).files == ()


def test_an_identifier_left_in_a_row_for_another_system_is_asked_about(folder: Path) -> None:
    merged = run(folder, row("system", "防汛系统", {"survey.function": "防汛"}, name="water-billing"))
    assert [each.accept for each in merged.questions] == ["rename:water-billing=防汛系统"]
    assert merged.files == ()


@pytest.mark.parametrize("number", ["1", "01", "1.", "（一）", "第3"])
def test_a_running_number_is_no_identity(tmp_path: Path, number: str) -> None:
    first = {"survey.number": number, "survey.function": "学籍", "survey.running_cost": 1}
    run(tmp_path, row("system", "学籍系统", first))
    known = next((tmp_path / "systems").iterdir())
    text = known.read_text() + "filing: {number: F-1, date: 2018-01-01}   # by hand\n"
    known.write_text(text)
    row_2 = row("system", "食堂监管平台", {"survey.number": number, "survey.function": "明厨亮灶"})
    merged = run(tmp_path, row_2)
    assert merged.added == {"system": 1}
    assert kinds(merged) == [(Weight.WARNING, "number taken"), (Weight.WARNING, "no longer listed")]
    assert "--accept 'rename:xue-ji-xi-tong=食堂监管平台'" in merged.remarks[0].expected
    assert known.read_text() == text
    assert run(tmp_path, row_2).files == ()


def test_a_running_number_renames_where_a_person_says_so(tmp_path: Path) -> None:
    run(tmp_path, row("system", "学籍系统", {"survey.number": "1"}))
    renamed = row("system", "学籍管理系统", {"survey.number": "1"})
    merged = run(tmp_path, renamed, accept=["rename:xue-ji-xi-tong=学籍管理系统"])
    assert (merged.added, kinds(merged)) == ({}, [(Weight.NOTE, "renamed")])
    assert "title: 学籍管理系统" in (tmp_path / "systems/xue-ji-xi-tong.yaml").read_text()


@pytest.mark.parametrize("title", ["办公系统", "OA", "门户网站", "视频会议系统", "财务管理系统"])
def test_generic_titles_of_several_departments_are_several_systems(tmp_path: Path, title: str) -> None:
    said = {
        "survey.function": "公文流转和内部信息的发布、办公",
        "survey.builder": "云和软件公司",
        "survey.approved": "2012-01-01",
    }
    rows = [
        row("system", title, {**said, "survey.running_cost": cost}, department=department)
        for cost, department in enumerate(("水务局", "教育局", "卫计局"), 1)
    ]
    merged = run(tmp_path, *rows)
    assert (merged.added["system"], merged.questions) == (3, ())
    assert kinds(merged) == [(Weight.WARNING, "perhaps reported twice")] * 2
    texts = [file.read_text() for file in (tmp_path / "systems").iterdir()]
    assert sorted(text[-16:] for text in texts) == [f"running_cost: {cost}\n" for cost in (1, 2, 3)]
    assert run(tmp_path, *rows).files == ()


def swapped(tmp_path: Path) -> tuple[Entry, ...]:
    run(
        tmp_path,
        row("system", "河长制系统", {"survey.running_cost": 1}),
        row("system", "水费征收系统"),
        row("system", "排污监测", {"survey.running_cost": 5}, department="环保局"),
    )
    return (
        row("system", "排污监测", {"survey.running_cost": 5}),
        row("system", "水费征收系统"),
        row("system", "河长制系统", {"survey.running_cost": 9}, department="环保局"),
    )


def test_two_departments_that_swap_a_system_are_asked_once_each(tmp_path: Path) -> None:
    rows = swapped(tmp_path)
    merged = run(tmp_path, *rows)
    assert [(each.before, each.after, each.accept) for each in merged.questions] == [
        ("环保局", "水务局", "owner:pai-wu-jian-ce=shui-wu-ju"),
        ("水务局", "环保局", "owner:he-zhang-zhi-xi-tong=huan-bao-ju"),
    ]
    assert (merged.files, kinds(merged)) == ((), [])
    merged = run(tmp_path, *rows, accept=[each.accept for each in merged.questions])
    assert (merged.questions, merged.added) == ((), {})
    text = (tmp_path / "systems/he-zhang-zhi-xi-tong.yaml").read_text()
    assert "department: huan-bao-ju\nsurvey:\n  running_cost: 9\n" in text
    again = run(tmp_path, *rows)
    assert (again.files, again.questions, kinds(again)) == ((), (), [])


def test_an_owner_stays_where_a_person_says_so_and_what_else_changed_is_taken(tmp_path: Path) -> None:
    rows = swapped(tmp_path)
    one, other = run(tmp_path, *rows).questions
    merged = run(tmp_path, *rows, accept=[one.accept, other.otherwise])
    assert merged.added == {"system": 1}
    assert "department: shui-wu-ju" in (tmp_path / "systems/he-zhang-zhi-xi-tong.yaml").read_text()
    assert run(tmp_path, *rows).questions == ()


def test_a_generic_system_that_one_gives_up_and_another_begins_has_no_new_owner(tmp_path: Path) -> None:
    run(tmp_path, row("system", "OA系统"), row("system", "水费征收系统"), row("system", "学籍", department="教育局"))
    merged = run(tmp_path, row("system", "水费征收系统"), row("system", "OA系统", department="教育局"))
    assert (merged.questions, merged.added) == ((), {"system": 1})


def test_words_that_answer_nothing_are_told(folder: Path) -> None:
    assert run(folder, billing(), accept=["rename:nobody=x"]).unheard == ("rename:nobody=x",)


def test_a_system_is_known_by_its_title_when_numbers_are_given_anew(folder: Path) -> None:
    run(folder, billing())
    merged = run(folder, row("system", "水质监测系统", {"survey.number": "W-01"}), billing(number="W-02"))
    assert merged.added == {"system": 1}
    text = (folder / "systems/water-billing.yaml").read_text()
    assert ("title: 水费征收系统" in text, "number: W-02" in text) == (True, True)


def test_a_title_that_a_person_mended_still_finds_its_row(folder: Path) -> None:
    rows = (row("line", "营业厅专线", {"kind": "leased"}),)
    run(folder, *rows)
    file = folder / "network.yaml"
    file.write_text(file.read_text().replace("title: 营业厅专线", "title: 水务局营业厅专线"))
    merged = run(folder, *rows)
    assert (merged.added, kinds(merged)) == ({}, [(Weight.NOTE, "kept by hand")])


def test_two_systems_of_one_title_and_two_numbers_are_two(tmp_path: Path) -> None:
    rows = [row("system", "网站", {"survey.number": number}) for number in ("1", "2")]
    assert run(tmp_path, *rows).added["system"] == 2
    assert run(tmp_path, *rows).files == ()


def test_one_system_that_two_departments_report_is_kept_once_if_a_person_agrees(folder: Path) -> None:
    said = {"survey.function": "向全区居民征收水费并开具票据", "survey.running_cost": 5, "survey.users": "city"}
    report = row("system", "水费征收系统", said, department="财政局")
    rows = (billing(function=said["survey.function"]), report)
    merged = run(folder, *rows)
    assert [each.accept for each in merged.questions] == ["join:water-billing=cai-zheng-ju"]
    assert not list((folder / "systems").glob("shui-fei*"))
    merged = run(folder, *rows, accept=["join:water-billing=cai-zheng-ju"])
    assert [each.column for each in merged.remarks].count("reported twice") == 3
    text = (folder / "systems/water-billing.yaml").read_text()
    assert "also_reported_by: [cai-zheng-ju]\n" in text
    assert ("  users: city\n" in text, "120000" in text) == (True, True)
    alone = run(folder, report)
    assert (alone.files, alone.questions) == ((), ())


def test_two_systems_of_one_title_in_two_departments_are_two_unless_more_agrees(folder: Path) -> None:
    merged = run(folder, billing(), row("system", "水费征收系统", {"survey.function": "收费"}, department="财政局"))
    assert merged.added == {"department": 1, "system": 1}
    assert kinds(merged) == [(Weight.WARNING, "perhaps reported twice")]


def test_of_a_classified_system_only_its_existence_is_kept(tmp_path: Path) -> None:
    secret = {"grading.classified": True, "survey.function": "绝密的功能", "survey.number": "X-1"}
    run(tmp_path, row("system", "某系统", secret))
    assert all("绝密" not in file.read_text() for file in tmp_path.rglob("*") if file.is_file())
    assert "grading: {classified: true}" in (tmp_path / "systems" / "mou-xi-tong.yaml").read_text()


def test_a_value_that_the_model_refuses_is_left_out_alone(folder: Path) -> None:
    merged = run(folder, billing(user_count=-3, users="city"), row("system", "丙", {"filing.number": "F-1"}))
    assert kinds(merged) == [(Weight.ERROR, "left out"), (Weight.ERROR, "left out")]
    assert "filing.date is missing" in merged.remarks[1].expected
    assert "users: city" in (folder / "systems/water-billing.yaml").read_text()


def test_a_row_that_lacks_what_every_such_thing_has_is_left_out_and_told(folder: Path) -> None:
    merged = run(folder, row("line", "营业厅专线", {"rent": 1}), row("system", "乙", department=""))
    assert kinds(merged) == [(Weight.ERROR, "left out")] * 2
    assert merged.changes == ()


def test_references_become_names(folder: Path) -> None:
    merged = run(
        folder,
        row("system", "甲", {"depends_on": ["水费征收系统", "没有的系统"], "office": "规划科"}),
    )
    assert kinds(merged) == [(Weight.WARNING, "unknown reference")]
    text = (folder / "systems" / "jia.yaml").read_text()
    assert ("depends_on: [water-billing]" in text, "office: water-bureau-gui-hua-ke" in text) == (True, True)
    assert (
        "    offices:\n      - {name: water-bureau-gui-hua-ke, title: 规划科}\n"
        in (folder / "departments.yaml").read_text()
    )


@pytest.mark.parametrize("title", ["云和区水务局", "区水务局", "水利事务局", "水务办", "云和水务局"])
def test_a_department_that_may_be_a_known_one_is_added_and_asked_about(folder: Path, title: str) -> None:
    merged = run(folder, row("system", "防汛系统", department=title))
    assert merged.added["department"] == 1
    assert kinds(merged) == [(Weight.WARNING, "perhaps the same department")]
    assert f"departments: {{{title}: 水务局}}" in merged.remarks[0].expected


@pytest.mark.parametrize(
    "one, other",
    [
        ("城市管理局", "区城市管理局"),
        ("市场监督管理局", "区市场监管局"),
        ("市政管理局", "县市政局"),
        ("卫计局", "区卫计委"),
        ("区发展和改革局", "发改委"),
        ("公安分局", "云和公安分局"),
        ("社区矫正局", "区社区矫正局"),
    ],
)
def test_titles_that_may_be_one_departments(one: str, other: str) -> None:
    assert (may_be(one, other), may_be(other, one)) == (True, True)


@pytest.mark.parametrize(
    "one, other", [("城市管理局", "市场监督管理局"), ("云和县城市管理局", "景宁县城市管理局"), ("税务局", "水务局")]
)
def test_titles_that_are_two_departments(one: str, other: str) -> None:
    assert not may_be(one, other)


@pytest.mark.parametrize("title", ["财政局", "水利局", "市水文站"])
def test_a_department_of_another_title_is_another_one(folder: Path, title: str) -> None:
    assert kinds(run(folder, row("system", "防汛系统", department=title))) == []


def test_departments_of_two_places_are_two(tmp_path: Path) -> None:
    titles = ("云和县水务局", "景宁县水务局", "市水务局")
    rows = [row("system", f"{title}防汛系统", department=title) for title in titles]
    assert kinds(run(tmp_path, *rows)) == []


def test_a_room_that_only_its_hosts_name_is_added_and_told(folder: Path) -> None:
    merged = run(folder, row("host", "前置机", holder="省厅"))
    assert (merged.added["room"], kinds(merged)) == (1, [(Weight.NOTE, "added")])


def test_a_row_that_lacks_what_its_reference_means_is_left_out_with_that_reason(folder: Path) -> None:
    merged = run(folder, row("request", "", {"resource": "户籍人口", "asked": "2018-03-01"}))
    left = [remark.expected for remark in merged.remarks if remark.column == "left out"]
    assert left == ["the whole row is left out: nothing of the name '户籍人口' is known"]


def test_departments_are_called_by_their_titles(folder: Path) -> None:
    merged = run(folder, row("system", "水费征收系统", department="财政局"))
    (told,) = (remark.expected for remark in merged.remarks if remark.column == "perhaps reported twice")
    assert told.startswith("水务局 reports one of this title too ('water-billing')")


def test_a_host_is_known_by_its_address(folder: Path) -> None:
    merged = run(folder, row("host", "数据库服务器", {"address": "10.11.0.10", "cpus": 8}))
    assert merged.added == {}
    assert (
        "{name: water-db, address: 10.11.0.10, title: 数据库服务器, cpus: 8}"
        in (folder / "departments.yaml").read_text()
    )


def test_a_broken_inventory_or_memory_is_refused(folder: Path) -> None:
    (folder / FILE).write_text(json.dumps({"a": 1}))
    with pytest.raises(InventoryErrors):
        Memory.read(folder)
    (folder / "departments.yaml").write_text("departments: [")
    with pytest.raises(InventoryErrors):
        Folder(folder)


def test_a_reply_that_there_is_no_system_is_recorded_once_and_not_where_systems_are_known(tmp_path: Path) -> None:
    replied = row("department", "统计局", department="", reported_none="统计局.xlsx [系统] B3")
    merged = merge(Folder(tmp_path), Memory(), (replied,))
    (change,) = (each for each in merged.changes if each.file.name == "departments.yaml")
    assert "统计局.xlsx [系统] B3" in change.after
    (tmp_path / "departments.yaml").write_text(change.after)
    assert merge(Folder(tmp_path), Memory(), (replied,)).changes == ()
    both = (replied, row("system", "统计系统", department="统计局"))
    merged = merge(Folder(tmp_path), Memory(), both)
    assert any("not recorded" in remark.expected for remark in merged.remarks)


def test_demands_for_data_stand_in_their_department(tmp_path: Path) -> None:
    asked = row("demand", "人口信息", {"provider": "公安局", "use": "核验"}, department="水务局")
    merged = merge(Folder(tmp_path), Memory(), (asked,))
    (change,) = (each for each in merged.changes if each.file.name == "departments.yaml")
    assert "demands:" in change.after
    assert "provider: 公安局" in change.after


def test_fields_are_named_in_chinese_to_who_reads_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    merged = merge(Folder(tmp_path), Memory(), (row("request", "R-1", {"resource": "人口信息"}),))
    assert any("申请日期（asked）" in remark.expected for remark in merged.remarks)


def test_departments_that_sound_alike_get_names_that_differ_by_sense(tmp_path: Path) -> None:
    rows = [row("system", f"{title}系统", department=title) for title in ("水务局", "税务局")]
    run(tmp_path, *rows)
    departments = (tmp_path / "departments.yaml").read_text()
    assert ("name: shui-wu-ju\n" in departments, "name: shui-wu-ju-tax\n" in departments) == (True, True)
    assert {file.name for file in (tmp_path / "systems").iterdir()} == {
        "shui-wu-ju-xi-tong.yaml",
        "shui-wu-ju-xi-tong-tax.yaml",
    }
