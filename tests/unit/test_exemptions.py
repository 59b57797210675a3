"""An exemption has a last day: until then obligations count it, afterwards the check tells that it is over."""

from datetime import date
from pathlib import Path

import pytest

from inventory.checks.checking import check
from inventory.dispositions.decisions import untouched_line
from inventory.explaining import explain
from inventory.findings import Severity
from inventory.model import Line
from inventory.obligations import Achievements, Facts, Ground
from inventory.obligations.conditions import questions
from inventory.obligations.lines import LINES

LEAVE = "exemption: {reason: a court keeps it, granted: 2017-09-01, until: 2018-06-30}"
INVENTORY = f"""
programme: p
title: t
profile: jimo
departments:
  - name: water
    title: 水务局
    rooms: [{{name: cellar, area: 40, {LEAVE}}}]
network:
  lines: [{{name: rented, department: water, kind: leased, {LEAVE}}}]
systems:
  - {{system: ledger, title: 账簿, department: water, survey: {{maintained: false}}, {LEAVE}}}
"""
LAST = date(2018, 6, 30)
AFTER = date(2018, 7, 1)
HOLDERS = {"departments[0].rooms[0]": 8, "network.lines[0]": 10, "systems[0]": 12}


def lapsed(folder: Path, text: str, day: date | None) -> dict[str, int]:
    (folder / "all.yaml").write_text(text)
    found = check(folder, day=day).findings
    told = [each for each in found if each.field.endswith("exemption.until")]
    assert all((each.severity, each.rule) == (Severity.WARNING, "disposition") for each in told)
    assert all("2018-06-30" in each.reason for each in told)
    return {each.field.removesuffix(".exemption.until"): each.line for each in told}


@pytest.mark.parametrize("day", [date(2017, 8, 31), date(2018, 6, 29), LAST, None])
def test_until_its_last_day_nothing_is_said(tmp_path: Path, day: date | None) -> None:
    assert lapsed(tmp_path, INVENTORY, day) == {}


@pytest.mark.parametrize("day", [AFTER, date(2026, 1, 1)])
def test_from_the_next_day_on_each_holder_is_told(tmp_path: Path, day: date) -> None:
    assert lapsed(tmp_path, INVENTORY, day) == HOLDERS


def test_what_is_given_back_or_vacated_needs_none_any_more(tmp_path: Path) -> None:
    through = INVENTORY.replace("area: 40", "area: 40, vacated: 2018-05-01").replace(
        "kind: leased", "kind: leased, released: 2018-05-01"
    )
    assert set(lapsed(tmp_path, through, AFTER)) == {"systems[0]"}


def test_one_without_a_last_day_lasts(tmp_path: Path) -> None:
    assert lapsed(tmp_path, INVENTORY.replace(", until: 2018-06-30", ""), AFTER) == {}


@pytest.mark.parametrize("day", [date(2018, 6, 29), LAST, AFTER])
def test_the_check_tells_what_obligations_no_longer_count(tmp_path: Path, day: date) -> None:
    told = lapsed(tmp_path, INVENTORY, day)
    programme = check(tmp_path).programme
    assert programme is not None
    (line,) = programme.network.lines
    facts = Facts(Ground(programme, Achievements()), day)
    for asked in ("exempt", "exempt_for_a_time", "decided"):
        assert questions(LINES.asks)[asked].test(facts, line, True) is ("network.lines[0]" not in told)


def test_no_clock_changes_what_a_plan_does() -> None:
    exemption = {"reason": "a court keeps it", "granted": "2017-09-01", "until": "2017-09-02"}
    fields = {"name": "rented", "department": "water", "kind": "leased", "domain": "public", "exemption": exemption}
    left = untouched_line(Line.model_validate(fields))
    assert left is not None
    # Until when it is exempt is said; taking the exemption out is a person's decision.
    assert "until 2017-09-02" in left.reason
    assert untouched_line(Line.model_validate({**fields, "exemption": None})) is None


@pytest.mark.parametrize("name", ["rented", "ledger"])
def test_an_explanation_tells_it_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "all.yaml").write_text(INVENTORY)
    told = {day: {each.field for each in explain(tmp_path, name, {}, day).missing} for day in (LAST, AFTER)}
    assert [field.rpartition("]")[2] for field in told[AFTER] - told[LAST]] == [".exemption.until"]
