"""Merging sheets into an inventory: what is new, what a person changed, what two departments report."""

import json
from pathlib import Path

import pytest

from inventory.findings import InventoryErrors
from inventory.survey.entries import Weight
from inventory.survey.merging.folder import Folder
from inventory.survey.merging.memory import FILE, Memory
from inventory.survey.merging.merging import merge
from tests.unit.merged import DEPARTMENTS, SYSTEM, begun, billing, kinds, row, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return begun(tmp_path)


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


def test_a_room_that_only_its_hosts_name_is_added_and_told(folder: Path) -> None:
    merged = run(folder, row("host", "前置机", holder="省厅"))
    assert (merged.added["room"], kinds(merged)) == (1, [(Weight.NOTE, "added")])


def test_a_row_that_lacks_what_its_reference_means_is_left_out_with_that_reason(folder: Path) -> None:
    merged = run(folder, row("request", "", {"resource": "户籍人口", "asked": "2018-03-01"}))
    left = [remark.expected for remark in merged.remarks if remark.column == "left out"]
    assert left == ["the whole row is left out: nothing of the name '户籍人口' is known"]


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


def test_fields_are_named_in_chinese_to_who_reads_chinese(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "zh")
    merged = merge(Folder(tmp_path), Memory(), (row("request", "R-1", {"resource": "人口信息"}),))
    assert any("申请日期（asked）" in remark.expected for remark in merged.remarks)
