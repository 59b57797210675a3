"""Shadow candidates: what is alike, what is not, what is settled already, and that the work grows with the systems."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.shadows import DEPARTMENTS, programme
from inventory.checks.checking import ADVISERS, check
from inventory.dispositions import shadows
from inventory.dispositions.shadows import NEIGHBOURS, SMALL, TOLD, Candidate, advise_shadows, shadow_candidates
from inventory.explaining import explain
from inventory.findings import Severity
from inventory.model import Department, Programme, System

OWNERS = {"water": "水务局", "civil": "民政局"}


def system(name: str, title: str, function: str = "", department: str = "water", **fields: Any) -> System:
    survey = {"function": function, **fields.pop("survey", {})}
    return System.model_validate({"system": name, "title": title, "department": department, "survey": survey, **fields})


# So that the words of the pairs below are as rare as in a real inventory.
REST = tuple(programme(300, seed=1)[0])


def found(*systems: System) -> dict[tuple[str, str], Candidate]:
    names = {each.system for each in systems}
    candidates = shadow_candidates((*systems, *REST), {**OWNERS, **DEPARTMENTS})
    return {each.systems: each for each in candidates if names & set(each.systems)}


ALIKE = {
    "the same system of two departments": (
        system("a", "水务局公文流转系统", "收文发文的拟稿、签批、归档"),
        system("b", "民政局公文流转平台", "公文拟稿、签批和归档", "civil"),
    ),
    "another title, the same function": (
        system("a", "智慧档管通", "保存城市建设图纸和许可，供查阅"),
        system("b", "城建图档库", "保存城市建设图纸及许可，供查阅"),
    ),
    "titles alone": (system("a", "渔船北斗监控系统"), system("b", "渔船北斗监控平台")),
    "full width, capitals and punctuation": (
        system("a", "ＧＩＳ－管网巡检（二期）"), system("b", "gis 管网巡检【二期】"),
    ),
    "english words in another order": (
        system("a", "Water Fee Billing System", "bills and collects the fees for water"),
        system("b", "billing of water fees", "collects and bills fees for water", "civil"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("one, other", ALIKE.values(), ids=ALIKE)
def test_what_does_the_same_in_other_words_is_a_candidate(one: System, other: System) -> None:
    candidate = found(one, other)["a", "b"]
    assert shadows.THRESHOLD <= candidate.score <= 1
    assert candidate.shared


UNLIKE = {
    "other functions": (
        system("a", "水费征收系统", "按户计量收取水费"), system("b", "婚姻登记系统", "登记结婚和离婚", "civil")),
    "nothing but generic words": (
        system("a", "业务综合管理信息系统", "渔港泊位分配"), system("b", "综合业务信息管理平台", "古树名木养护")),
    "no words at all": (system("a", "？"), system("b", "！！")),
    "one deed for two groups of people": (
        system("a", "城镇低保审批系统", "负责城镇低保审批的登记、审核与汇总"),
        system("b", "农村低保审批平台", "负责农村低保审批的登记、审核与汇总", "civil"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("one, other", UNLIKE.values(), ids=UNLIKE)
def test_what_does_something_else_is_none(one: System, other: System) -> None:
    assert ("a", "b") not in found(one, other)


APART = {"reason": "one is for paper, one for plans", "date": "2018-03-05"}
SETTLED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one goes into the other": ({"into": "b"}, {}),
    "the other goes into the one": ({}, {"into": "a"}),
    "both go into a third": ({"into": "portal"}, {"into": "portal"}),
    "a substitute was named": ({"survey": {"replaceable_by": "b"}}, {}),
    "the one is no shadow of the other": ({"no_shadow_of": [APART | {"system": "b"}]}, {}),
    "the other is no shadow of the one": ({}, {"no_shadow_of": [APART | {"system": "a"}]}),
    "one is classified": ({"grading": {"classified": True}}, {}),
}


@pytest.mark.parametrize("one, other", SETTLED.values(), ids=SETTLED)
def test_what_a_person_has_written_down_is_no_candidate_any_more(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = ("公文流转系统", "收文发文的拟稿、签批、归档")
    assert ("a", "b") in found(system("a", *same), system("b", *same))
    assert found(system("a", *same, **one), system("b", *same, **other)) == {}


def test_a_candidate_says_what_both_have_and_where_they_stand() -> None:
    pair = (system("b", "渔船北斗监控", "看渔船在哪里"), system("a", "渔船北斗监控平台", "渔船位置"))
    places = {"a": "systems/a.yaml:1", "b": "systems/b.yaml:4"}
    (candidate,) = shadow_candidates(pair, OWNERS, places)
    assert candidate.systems == ("a", "b")
    assert candidate.places == ("systems/a.yaml:1", "systems/b.yaml:4")
    assert candidate.shared[0] == "渔船北斗监控"


def test_candidates_are_suggestions_of_the_check(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "programme: p\ntitle: t\nprofile: jimo\n"
        "departments: [{name: water, title: 水务局}, {name: civil, title: 民政局}]\n"
        "systems:\n"
        "  - {system: a, title: 水务局公文流转系统, department: water, survey: {function: 收文发文}}\n"
        "  - {system: b, title: 民政局公文流转平台, department: civil, survey: {function: 收文发文}}\n"
    )
    notes = [each for each in check(tmp_path, advisers=ADVISERS).findings if each.severity is Severity.NOTE]
    (note,) = notes
    assert (note.line, note.field) == (6, "systems[0].title")
    assert "b (" in note.reason


def test_that_two_are_no_shadows_holds_for_these_two_alone() -> None:
    same = ("公文流转系统", "收文发文的拟稿、签批、归档")
    apart = system("a", *same, no_shadow_of=[APART | {"system": "b"}])
    assert set(found(apart, system("b", *same), system("c", *same))) == {("a", "c"), ("b", "c")}


def test_the_check_tells_the_best_pairs_and_counts_the_others() -> None:
    systems, planted = programme(1_000, seed=2)
    whole = Programme(
        programme="p",
        title="t",
        profile="jimo",
        systems=tuple(systems),
        departments=tuple(Department(name=name, title=title) for name, title in DEPARTMENTS.items()),
    )
    *told, last = advise_shadows(whole)
    pairs = {
        (each.system, other.split()[0])
        for each in told
        for other in each.reason.removeprefix("may do the same as ").split("; ")
    }
    assert len(pairs) == TOLD
    assert pairs <= planted
    number = len(shadow_candidates(systems, DEPARTMENTS)) - TOLD
    assert last.system == ""
    assert last.reason.startswith(f"{number} more pairs")


INVENTORY = """programme: p
title: t
profile: jimo
departments: [{name: water, title: 水务局}]
systems:
  - {system: a, title: 公文流转系统, department: water, survey: {function: 收文发文}}
  - system: b
    title: 公文流转平台
    department: water
    survey: {function: 收文发文}
    no_shadow_of: [{system: a, reason: one is for paper, date: 2018-03-05}]
"""


def test_a_record_of_no_shadows_is_checked_and_told(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(INVENTORY)
    assert [each for each in check(tmp_path, advisers=ADVISERS).findings if each.rule == "suggestion"] == []
    for name, other in ("a", "b"), ("b", "a"):
        told = explain(tmp_path, name, {})
        assert told.shadows == ()
        (apart,) = told.apart
        assert (apart.system, apart.reason, apart.date) == (other, "one is for paper", "2018-03-05")
        assert apart.place == f"{file}:11"


@pytest.mark.parametrize(
    "old, new, field",
    [
        ("{system: a,", "{system: aa,", "systems[1].no_shadow_of[0].system"),
        ("one is for paper", "' '", "systems[1].no_shadow_of[0].reason"),
        (", date: 2018-03-05", "", "systems[1].no_shadow_of[0].date"),
    ],
)
def test_what_is_wrong_with_such_a_record_is_told(tmp_path: Path, old: str, new: str, field: str) -> None:
    head, record = INVENTORY.split("no_shadow_of")
    (tmp_path / "all.yaml").write_text(f"{head}no_shadow_of{record.replace(old, new)}")
    wrong = [each for each in check(tmp_path).findings if each.severity is Severity.ERROR]
    assert [(each.field, each.line) for each in wrong] == [(field, 11)]


def test_the_order_of_systems_does_not_matter() -> None:
    systems, _planted = programme(600, seed=3)
    first = shadow_candidates(systems, DEPARTMENTS)
    random.Random(5).shuffle(systems)
    assert shadow_candidates(systems, DEPARTMENTS) == first
    assert [each.score for each in first] == sorted((each.score for each in first), reverse=True)


@pytest.mark.parametrize("seed", [2, 6])
def test_planted_pairs_are_found_and_are_most_of_what_is_told(seed: int) -> None:
    systems, planted = programme(1_000, seed)
    candidates = {each.systems for each in shadow_candidates(systems, DEPARTMENTS)}
    assert len(candidates & planted) >= 0.95 * len(planted)
    assert len(candidates & planted) >= 0.75 * len(candidates)


@pytest.mark.parametrize("copies", [SMALL, 200])
def test_many_copies_of_one_system_cost_no_square(copies: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    whole = shadows._score

    def counting(*arguments: Any) -> float:
        nonlocal compared
        compared += 1
        return whole(*arguments)

    monkeypatch.setattr(shadows, "_score", counting)
    systems = [system(f"s{number:03}", "公文流转系统", "收文发文的拟稿、签批、归档") for number in range(copies)]
    candidates = shadow_candidates(systems)
    assert compared <= copies * max(NEIGHBOURS, SMALL)
    # Each of them is told of at least once all the same.
    assert {name for each in candidates for name in each.systems} == {each.system for each in systems}


TEXTS = st.text("水务局办公系统管理平台 billing fee（）、", max_size=24)
ANY = st.lists(st.tuples(TEXTS.filter(str.strip), TEXTS), max_size=12)


@given(texts=ANY, data=st.data())
def test_law_candidates_are_pairs_of_given_systems_in_any_order(
    texts: list[tuple[str, str]], data: st.DataObject
) -> None:
    systems = [system(f"s{number}", *each) for number, each in enumerate(texts)]
    candidates = shadow_candidates(systems, OWNERS)
    assert shadow_candidates(data.draw(st.permutations(systems)), OWNERS) == candidates
    names = {each.system for each in systems}
    for candidate in candidates:
        one, other = candidate.systems
        assert one < other
        assert {one, other} <= names
        assert shadows.THRESHOLD <= candidate.score <= 1
    assert len({each.systems for each in candidates}) == len(candidates)
