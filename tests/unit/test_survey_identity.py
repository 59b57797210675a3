"""Which system a row speaks of: numbers, titles, renames, new owners, and one that two departments report."""

from pathlib import Path

import pytest

from inventory.survey.entries import Entry, Weight
from tests.unit.merged import BILLING, SYSTEM, begun, billing, kinds, row, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begun(tmp_path)


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


def test_a_system_that_is_listed_no_more_and_another_that_does_the_same_are_asked_about(tmp_path: Path) -> None:
    run(tmp_path, row("system", "学籍系统", {"survey.function": "登记学生"}), row("system", "排课系统"))
    rows = (row("system", "学生信息平台", {"survey.function": "登记学生"}), row("system", "排课系统"))
    merged = run(tmp_path, *rows)
    assert [(each.before, each.after, each.accept) for each in merged.questions] == [
        ("学籍系统", "学生信息平台", "rename:xue-ji-xi-tong=学生信息平台")
    ]
    assert (merged.files, kinds(merged)) == ((), [])
    other = run(tmp_path, *rows, accept=["new:xue-ji-xi-tong=学生信息平台"])
    assert (other.added, other.questions) == ({"system": 1}, ())
    assert kinds(other) == [(Weight.WARNING, "no longer listed")]
    # By now it is one of its own: what has to be done before the answer can count is said.
    late = run(tmp_path, *rows, accept=["rename:xue-ji-xi-tong=学生信息平台"])
    assert (Weight.WARNING, "answered too late") in kinds(late)
    (tmp_path / "systems/xue-sheng-xin-xi-ping-tai.yaml").unlink()
    merged = run(tmp_path, *rows, accept=["rename:xue-ji-xi-tong=学生信息平台"])
    assert (merged.added, kinds(merged)) == ({}, [(Weight.NOTE, "renamed")])


@pytest.mark.parametrize("function", ["", "办公", "统计学生"])
def test_a_system_that_does_something_else_renames_none(tmp_path: Path, function: str) -> None:
    run(tmp_path, row("system", "学籍系统", {"survey.function": function and "办公"}), row("system", "排课系统"))
    merged = run(tmp_path, row("system", "学生平台", {"survey.function": function}), row("system", "排课系统"))
    assert (merged.added, merged.questions) == ({"system": 1}, ())


def test_a_system_that_was_added_before_two_departments_were_found_to_have_one_is_joined_by_hand(
    tmp_path: Path,
) -> None:
    rows = (row("system", "河长制系统"), row("system", "河长制系统", department="环保局"))
    assert kinds(run(tmp_path, *rows)) == [(Weight.WARNING, "perhaps reported twice")]
    late = run(tmp_path, *rows, accept=["join:he-zhang-zhi-xi-tong=huan-bao-ju"])
    (told,) = (remark for remark in late.remarks if remark.column == "answered too late")
    told.place.file.unlink()
    assert run(tmp_path, *rows, accept=["join:he-zhang-zhi-xi-tong=huan-bao-ju"]).added == {}
    assert "also_reported_by: [huan-bao-ju]" in (tmp_path / "systems/he-zhang-zhi-xi-tong.yaml").read_text()


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
