"""Reports are computed from evidence alone: a made-up run is written as records, read, and told."""

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from inventory.loading import load_programme
from migrations.evidence.chain import Evidence, verify_chain
from migrations.planning.planner import make_plan
from migrations.proof.probes.limits import Allowed, judged
from migrations.report import RunSummary, print_summary, summarise, write_pages
from migrations.states import UnitState
from tests.conftest import YUNHE
from tests.unit.made_up_run import KINDS, made_up, unit_of


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSummary:
    return made_up(tmp_path, monkeypatch)


def test_the_json_object_has_what_the_evidence_says(summary: RunSummary) -> None:
    told = json.loads(json.dumps(summary.as_json()))
    assert list(told) == ["plan", "world", "outcome", "units", "rollback", "evidence"]
    assert (told["world"], told["outcome"], told["evidence"]) == ("twin", "passed", summary.evidence)
    units = {unit["name"]: unit for unit in told["units"]}
    assert units["water-billing"] == {
        "name": "water-billing",
        "kind": "system",
        "state": "DECOMMISSIONED",
        "downtime_s": 0.31,
        "requests_failed": 0,
        "packets_lost": 0,
        "checks": {"passed": 18, "failed": 0},
        "seconds": pytest.approx(unit_of(summary, "water-billing").seconds),
    }
    assert units["identity"]["downtime_s"] is None
    assert units["water-leased"]["downtime_s"] == 0
    assert told["rollback"]["outcome"] == "passed"
    back = {unit["name"]: unit["downtime_s"] for unit in told["rollback"]["units"]}
    assert back["water-billing"] == 0.42
    whole = summary.as_whole_json()
    assert [stage["name"] for stage in whole["stages"]][:3] == ["twin", "probes", "forward"]
    assert {unit["name"]: unit["writes"] for unit in whole["units"]}["water-billing"] == {
        "acknowledged": 2800, "lost": 0, "doubled": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "state, breaches, outcome",
    [
        ("ROLLED_BACK", [], "passed"),
        ("ROLLED_BACK", [{"what": "downtime", "seen": 9, "allowed": 5}], "failed"),
        ("UNKNOWN", [], "failed"),
        (None, [], "unfinished"),
    ],
)
def test_a_way_back_outside_a_rehearsal_is_judged_by_where_units_came_to_and_what_users_felt(
    tmp_path: Path, state: str | None, breaches: list[Any], outcome: str
) -> None:
    plan = make_plan(load_programme(YUNHE), KINDS)
    evidence, key = Evidence(tmp_path / "evidence.jsonl"), "system:archive"
    evidence.append("passage-begun", what={"number": 1, "direction": "back", "units": [key]})
    if state is not None:
        evidence.append("unit-state", unit=key, what={"state": state, "reason": "", "passage": 1})
        result = {"units": [{"unit": key, "state": state, "reason": ""}]}
        evidence.append("passage-ended", what={"number": 1, "result": result})
        felt = {
            "unit": key, "name": "fetch", "kind": "read-http", "vantage": "reader-1", "target": "t", "every": 0.1,
            "window": {"begin": 0, "end": 90}, "succeeded": 80, "failed": 0, "lost": 0, "downtime": 9, "gaps": [],
            "slowest": 0.1, "breaches": breaches, "passage": 1,
        }  # fmt: skip
        evidence.append("probe-result", unit=key, what=felt)
    summary = summarise(
        plan, evidence.records(), verify_chain(evidence.path), world="real", evidence=str(evidence.path)
    )
    assert summary.as_json()["rollback"]["outcome"] == outcome
    if state is not None:
        last = unit_of(summary, "archive").felt_last
        assert (last["direction"], last["downtime_s"], last["breaches"]) == ("back", 9, breaches)


def test_a_classified_system_is_in_no_answer_of_the_report(summary: RunSummary, tmp_path: Path) -> None:
    console = Console(record=True, width=200, file=io.StringIO())
    print_summary(console, summary)
    said = [console.export_text(), *(page.read_text() for page in write_pages(summary, tmp_path))]
    assert all("case-files" not in text and "涉密案卷" not in text for text in said)
    assert all("tax-golden" in text for text in said)
    assert "case-files" not in json.dumps(summary.as_json())


def test_states_over_time_have_no_holes_and_end_with_the_run(summary: RunSummary) -> None:
    for unit in summary.units:
        assert all(a.end == b.begin for a, b in pairwise(unit.bars))
        assert unit.bars[-1].end == summary.end
    states = [bar.state for bar in unit_of(summary, "archive").bars]
    assert states[:3] == [UnitState.SEEDING, UnitState.CUTTING_OVER, UnitState.ON_PROBATION]
    assert UnitState.ROLLED_BACK in states
    assert states[-1] is UnitState.DECOMMISSIONED


def test_a_failed_check_fails_the_report_and_is_named_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = made_up(tmp_path, monkeypatch, failing=True)
    assert summary.as_json()["outcome"] == "failed"
    billing = next(unit for unit in summary.as_json()["units"] if unit["name"] == "water-billing")
    assert billing["checks"] == {"passed": 18, "failed": 1}
    english, chinese = (page.read_text() for page in write_pages(summary, tmp_path))
    assert "Not everything came through." in english
    assert all("water-app: running billing: it does not run" in page for page in (english, chinese))


def test_what_users_felt_beyond_the_limits_is_told_in_the_language_of_the_page(
    summary: RunSummary, tmp_path: Path
) -> None:
    billing = unit_of(summary, "water-billing")
    first = billing.felt[0]
    probe = judged(first.probes[0], Allowed(downtime=0.1))
    felt = (first.model_copy(update={"probes": (probe,)}), *billing.felt[1:])
    units = tuple(u.model_copy(update={"felt": felt}) if u.name == "water-billing" else u for u in summary.units)
    sentence = "system:water-billing: 0.31 s without service, 0.1 s are allowed"
    failed = summary.model_copy(update={"units": units, "outcome": "failed", "reason": f"a check; {sentence}"})
    english, chinese = (page.read_text() for page in write_pages(failed, tmp_path))
    assert f"a check; {sentence}" in english
    assert "a check; system:water-billing：中断 0.31 秒，允许 0.1 秒" in chinese


def test_evidence_that_was_changed_is_told_as_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(tmp_path, monkeypatch)
    path = tmp_path / "evidence.jsonl"
    path.write_text(path.read_text().replace('"downtime":0.31', '"downtime":0.01', 1))
    summary = summarise(
        make_plan(load_programme(YUNHE), KINDS),
        Evidence(path).records(),
        verify_chain(path),
        world="twin",
        evidence=str(path),
    )
    assert summary.chain.outcome == "broken"
    assert '<span class="wrong">broken</span>' in write_pages(summary, tmp_path)[0].read_text()


def test_a_run_that_has_not_ended_is_told_as_far_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made_up(tmp_path, monkeypatch)
    plan = make_plan(load_programme(YUNHE), KINDS)
    path = tmp_path / "evidence.jsonl"
    records = Evidence(path).records()
    for count in (0, 1, 7, len(records) // 2, len(records) - 1):
        summary = summarise(plan, records[:count], whole.chain, world="twin", evidence="e")
        assert summary.outcome == "unfinished"
        write_pages(summary, tmp_path)
        print_summary(Console(file=io.StringIO()), summary)


@pytest.mark.parametrize(
    "records, outcome",
    [
        ((), "unfinished"),
        ((("passage-begun", {"number": 1, "direction": "forward", "units": []}),), "unfinished"),
        (
            (("passage-begun", {"number": 1, "direction": "forward", "units": []}), ("passage-ended", {"number": 1})),
            "failed",
        ),
        (
            (
                ("passage-begun", {"number": 1, "direction": "forward", "units": ["line:water-leased"]}),
                ("unit-state", {"state": "ON_PROBATION", "reason": "", "passage": 1}),
                ("passage-ended", {"number": 1}),
            ),
            "passed",
        ),
        (
            (
                ("passage-begun", {"number": 1, "direction": "forward", "units": ["line:water-leased"]}),
                ("unit-state", {"state": "ON_PROBATION", "reason": "", "passage": 1}),
                (
                    "verify-result",
                    {"unit": "line:water-leased", "passed": 3, "failed": 1, "failures": [], "stage": "x"},
                ),
                ("passage-ended", {"number": 1}),
            ),
            "failed",
        ),
        (
            (
                ("passage-begun", {"number": 1, "direction": "back", "units": ["line:water-leased"]}),
                ("unit-state", {"state": "ON_PROBATION", "reason": "", "passage": 1}),
                ("passage-ended", {"number": 1}),
            ),
            "failed",
        ),
    ],
)
def test_a_run_in_the_real_world_is_judged_by_its_last_passage(
    records: tuple[tuple[str, dict[str, Any]], ...], outcome: str, tmp_path: Path
) -> None:
    evidence = Evidence(tmp_path / "evidence.jsonl")
    evidence.append("began")
    for kind, what in records:
        evidence.append(kind, unit="line:water-leased" if kind in {"unit-state", "verify-result"} else "", what=what)
    plan = make_plan(load_programme(YUNHE), KINDS)
    chain = verify_chain(evidence.path)
    assert summarise(plan, evidence.records(), chain, world="real", evidence="e").outcome == outcome
