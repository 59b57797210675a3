"""Reports are computed from evidence alone: a made-up run is written as records, read, and told."""

import io
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from inventory.kinds import Kind, Title
from inventory.loading import load_programme
from migrations.evidence import chain as evidence_module
from migrations.evidence.chain import Evidence, verify_chain
from migrations.plan import Plan, StepKind, Unit
from migrations.planning.planner import make_plan
from migrations.proof.probes.limits import Allowed, judged
from migrations.report import RunSummary, print_summary, summarise, titles_of, write_pages
from migrations.states import Direction, UnitState
from tests.conftest import ENTRIES, YUNHE

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp()
TOOK = {
    "provision": 7.0, "attach": 3.1, "shift": 4.2, "drain": 3.4, "release": 3.0, "prepare": 2.4, "replicate": 4.6,
    "front": 1.8, "lag": 0.9, "switch": 1.35, "verify": 2.1, "retire": 2.2,
}  # fmt: skip


class Clock:
    """A clock that a test sets; it stands where the evidence asks for the time."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self, zone: Any) -> datetime:
        return datetime.fromtimestamp(self.moment, zone)


class MadeUpRun:
    """Writes the evidence of a rehearsal that never was, with figures that a test knows."""

    def __init__(self, plan: Plan, path: Path, clock: Clock) -> None:
        self.plan = plan
        self.evidence = Evidence(path)
        self.clock = clock
        self.pauses: dict[str, float] = {}

    def at(self, moment: float, kind: str, unit: str = "", step: str = "", /, **what: Any) -> None:
        self.rows.append((moment, kind, unit, step, what))

    def write(self, *, failing: bool = False) -> None:
        self.rows: list[tuple[float, str, str, str, dict[str, Any]]] = []
        now = self.stage("twin", NOON, 17.5)
        now = self.stage("probes", now, 1.2)
        now = self.passage(1, Direction.FORWARD, now, "forward", pause=0.31)
        now = self.verified("verify", now, 1, failing=failing)
        now = self.passage(2, Direction.BACK, now, "back", pause=0.42)
        now = self.verified("verify back", now, 2)
        now = self.passage(3, Direction.FORWARD, now, "again", pause=0.28)
        now = self.passage(4, Direction.COMMIT, now, "commit", pause=0.0)
        now = self.verified("verify all", now, 4)
        now = self.stage("probes off", now, 0.4)
        self.at(now, "rehearsal-ended", outcome="failed" if failing else "passed", reason="2 checks" if failing else "")
        for moment, kind, unit, step, what in sorted(self.rows, key=lambda row: row[0]):
            self.clock.moment = moment
            self.evidence.append(kind, unit=unit, step=step, what=what)

    def stage(self, name: str, begin: float, seconds: float) -> float:
        self.at(begin + seconds, "stage", name=name, begin=begin, end=begin + seconds, failure="")
        return begin + seconds

    def passage(self, number: int, direction: Direction, begin: float, stage: str, *, pause: float) -> float:
        self.at(begin, "passage-begun", number=number, direction=direction, units=[])
        ends: dict[str, float] = {}
        units = self.plan.units if direction is not Direction.BACK else tuple(reversed(self.plan.units))
        for unit in units:
            after = [ends[need] for need in unit.needs if need in ends] if direction is not Direction.BACK else []
            ends[unit.key] = self.unit(number, direction, unit, max(after, default=begin) + 0.3)
        end = max(ends.values()) + 0.2
        self.at(end, "passage-ended", number=number)
        for unit in units:
            self.felt(number, unit, begin, end, ends[unit.key], pause)
        return self.stage(stage, begin, end - begin)

    def unit(self, number: int, direction: Direction, unit: Unit, now: float) -> float:
        chosen, states = self.course(direction, unit)
        for step in chosen:
            state = states.get(step.stage.value, UnitState.SEEDING)
            deed = "undo" if direction is Direction.BACK else "apply"
            what = {"deed": deed, "passage": number, "attempt": 1}
            self.at(now, "step-begun", unit.key, step.id, **what, state=state)
            now += TOOK[step.verb] * (0.6 if number == 3 else 1)
            self.at(now, "step-done", unit.key, step.id, **what, seconds=TOOK[step.verb], state="done")
        final = states["end"]
        self.at(now, "unit-state", unit.key, state=final, reason="", passage=number)
        return now

    @staticmethod
    def course(direction: Direction, unit: Unit) -> tuple[list[Any], dict[str, UnitState]]:
        cutover = [step for step in unit.steps if step.stage == "cutover"]
        if direction is Direction.BACK:
            states = {"cutover": UnitState.ROLLING_BACK, "end": UnitState.ROLLED_BACK if cutover else UnitState.READY}
            return [step for step in reversed(cutover) if step.kind is not StepKind.GATE], states
        if direction is Direction.COMMIT:
            steps = [step for step in unit.steps if step.stage == "commit"]
            end = UnitState.DECOMMISSIONED if steps else UnitState.COMMITTED
            return steps, {"commit": UnitState.COMMITTED, "end": end}
        states = {"cutover": UnitState.CUTTING_OVER, "end": UnitState.ON_PROBATION if cutover else UnitState.READY}
        return [step for step in unit.steps if step.stage != "commit"], states

    def felt(self, number: int, unit: Unit, begin: float, end: float, unit_end: float, pause: float) -> None:
        if unit.kind == "site" or unit.name in {"identity", "notice-board"}:
            return
        line = unit.kind == "line"
        seen = 0.0 if line else pause * (0.5 if unit.name == "archive" else 1)
        switched = [
            row[0] for row in self.rows if row[3].endswith("/switch") and row[2] == unit.key and row[0] <= unit_end
        ]
        gaps = [{"begin": switched[-1] - 0.8, "seconds": seen}] if seen else []
        what = {
            "unit": unit.key, "name": "probe", "kind": "ping" if line else "write-http", "vantage": "counter-1",
            "target": "10.11.0.10", "every": 0.05, "window": {"begin": begin, "end": end},
            "succeeded": round((end - begin) * (100 if line else 20)), "failed": 0, "lost": 0, "downtime": seen,
            "gaps": gaps, "slowest": 0.2, "reasons": [], "blind": False, "passage": number,
        }  # fmt: skip
        self.at(end, "probe-result", unit.key, **what)

    def verified(self, stage: str, begin: float, number: int, *, failing: bool = False) -> float:
        for unit in self.plan.units:
            failures = [{"host": "water-app", "check": "water-app: running billing", "reason": "it does not run"}]
            bad = failing and unit.name == "water-billing"
            what = {"unit": unit.key, "passed": 6, "failed": int(bad), "failures": failures if bad else []}
            self.at(begin + 6, "verify-result", unit.key, **what, stage=stage)
            if unit.name in {"water-billing", "archive"}:
                verdict = {"unit": unit.key, "name": "pay", "acknowledged": 700 * number, "lost": [], "doubled": []}
                self.at(begin + 6.5, "writes-verdict", unit.key, **verdict, asked="list", passage=number)
        return self.stage(stage, begin, 7.1)


def _kind(name: str, entry: str | None) -> Kind:
    return Kind(name=name, title=Title(en=name, zh=name), entry=entry, settings={})


KINDS = {name: _kind(name, entry) for name, entry in ENTRIES.items()}


def made_up(folder: Path, monkeypatch: pytest.MonkeyPatch, *, failing: bool = False) -> RunSummary:
    programme = load_programme(YUNHE)
    plan = make_plan(programme, KINDS)
    clock = Clock()
    monkeypatch.setattr(evidence_module, "datetime", clock)
    path = folder / "evidence.jsonl"
    run = MadeUpRun(plan, path, clock)
    run.write(failing=failing)
    records, chain = run.evidence.records(), verify_chain(path)
    return summarise(plan, records, chain, world="twin", evidence=str(path), titles=titles_of(programme))


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSummary:
    return made_up(tmp_path, monkeypatch)


def unit_of(summary: RunSummary, name: str) -> Any:
    return next(unit for unit in summary.units if unit.name == name)


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


class Outside(HTMLParser):
    """Collects whatever a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {name}={value}" for name, value in attrs if name in {"src", "href", "data", "srcset"}]
        if tag in {"script", "link", "iframe", "img", "object"}:
            self.fetched.append(tag)
        if tag not in {"meta", "rect", "line"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"


def test_the_page_is_complete_in_itself_and_well_formed(summary: RunSummary, tmp_path: Path) -> None:
    for page in write_pages(summary, tmp_path):
        text = page.read_text().replace("/>", "></rect>").replace("</rect></rect>", "</rect>")
        reader = Outside()
        reader.feed(re.sub(r"<(rect|line)([^>]*)></rect>", r"<\1\2>", text).replace("</rect>", ""))
        assert reader.fetched == []
        assert reader.open == []
        assert not re.search(r"url\(|@import|https?://", text)


def test_the_strip_of_a_system_shows_the_move_that_its_users_felt_most(summary: RunSummary, tmp_path: Path) -> None:
    billing = unit_of(summary, "water-billing")
    felt = tuple(each.model_copy(update={"downtime": 0.9}) if each.passage == 3 else each for each in billing.felt)
    units = tuple(u.model_copy(update={"felt": felt}) if u.name == "water-billing" else u for u in summary.units)
    page = write_pages(summary.model_copy(update={"units": units}), tmp_path)[0].read_text()
    strips = page.partition('<div class="strips">')[2].partition("</section>")[0]
    of_billing = strips.partition("water-billing")[2]
    assert "900 ms" in of_billing
    assert "310 ms" not in of_billing


def test_a_run_without_stages_has_no_empty_table_of_them(summary: RunSummary, tmp_path: Path) -> None:
    console = Console(record=True, width=200, file=io.StringIO())
    alone = summary.model_copy(update={"stages": ()})
    print_summary(console, alone)
    assert "together" not in console.export_text()
    assert all(
        head not in page.read_text()
        for page, head in zip(write_pages(alone, tmp_path), ("Where the time went", "时间花在哪里"), strict=True)
    )


def test_what_people_wrote_is_text_and_never_markup(summary: RunSummary, tmp_path: Path) -> None:
    odd = summary.model_copy(update={"title": "<script>alert(1)</script>", "reason": '"><img src=x>'})
    for page in write_pages(odd, tmp_path):
        text = page.read_text()
        assert "<script" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text


def test_the_chinese_page_is_chinese(summary: RunSummary, tmp_path: Path) -> None:
    english, chinese = (page.read_text() for page in write_pages(summary, tmp_path))
    assert 'lang="zh-CN"' in chinese
    body = re.sub(r"<style>.*?</style>|<code>.*?</code>|<title>.*?</title>", "", chinese, flags=re.DOTALL)
    left = {words for words in re.findall(r">([^<>]*[A-Za-z]{3,} [A-Za-z]{2,}[^<>]*)<", body) if words in english}
    assert left == set()
    assert "毫秒" in chinese
    assert not re.search(r"\d (ms|s|min)\b", body)
