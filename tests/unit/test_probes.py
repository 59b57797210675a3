"""The arithmetic of what probes saw, on lines as the agent writes them."""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.worlds import CloudSettings, World
from inventory.loading import load_programme
from migrations.proof.probes import Probes, VantageUnreachable, Window, agent, probe_orders
from migrations.proof.probes.limits import Allowed, allowances, judged, told
from migrations.proof.probes.series import BUDGET, RESTS, Order, acknowledged, far_from_moves, parse, prefixes, result

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"


def order(kind: str = "write-http", every: float = 0.05) -> Order:
    return Order(unit="system:a", name="pay", kind=kind, vantage="v", target="t", every=every)


def line(kind: str, time: float, **what: Any) -> str:
    return json.dumps({"k": kind, "t": time, "m": time, **what})


def answers(*times: float) -> str:
    return "\n".join([line("begun", times[0] - 0.05, series="p"), *(line("ok", t, ms=3, n=0, r="r") for t in times)])


def steady(begin: float, end: float, every: float = 0.05) -> list[float]:
    return [round(begin + n * every, 3) for n in range(int((end - begin) / every) + 1)]


def test_a_steady_series_has_no_downtime() -> None:
    seen = result(order(), parse(answers(*steady(100, 110)), 0), Window(begin=101, end=109))
    assert seen.downtime == pytest.approx(0, abs=0.001)
    assert (seen.failed, seen.lost, seen.gaps, seen.blind) == (0, 0, (), False)


def test_a_pause_is_the_time_between_successes_less_the_pace() -> None:
    times = [*steady(100, 104), *steady(104.55, 110)]
    seen = result(order(), parse(answers(*times), 0), Window(begin=101, end=109))
    assert seen.downtime == pytest.approx(0.5)
    assert [gap.begin for gap in seen.gaps] == [104.0]
    assert [gap.seconds for gap in seen.gaps] == pytest.approx([0.5])


def test_one_request_too_late_at_a_slow_pace_is_told_too() -> None:
    times = [*steady(100, 104, 0.1), *steady(104.29, 110, 0.1)]
    seen = result(order(every=0.1), parse(answers(*times), 0), Window(begin=101, end=109))
    assert seen.downtime == pytest.approx(0.19)
    assert [gap.seconds for gap in seen.gaps] == pytest.approx([0.19])


def test_a_calm_probe_waits_on_purpose_and_only_what_is_beyond_that_is_a_pause() -> None:
    calm = [line("ok", 104.0 + n * agent.CALM + (2.0 if n > 2 else 0.0), ms=3, n=0, r="r", p=agent.CALM)
            for n in range(1, 6)]  # fmt: skip
    brisk = [line("ok", moment, ms=3, n=0, r="r") for moment in steady(156.05, 158)]
    text = "\n".join([answers(*steady(100, 104)), *calm, *brisk])
    seen = result(order(), parse(text, 0), Window(begin=101, end=157))
    assert [gap.seconds for gap in seen.gaps] == pytest.approx([2.0])
    assert seen.downtime == pytest.approx(2.0)


def test_nobody_says_that_he_waited_longer_than_a_calm_probe_does() -> None:
    with pytest.raises(ValidationError, match="less than or equal"):
        parse(line("ok", 100, ms=3, p=agent.CALM + 1), 0)


def test_a_probe_is_calm_as_long_as_it_is_told_and_brisk_soon_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 100.0}

    def sleep(seconds: float) -> None:
        clock["now"] += seconds
        if clock["now"] >= 115.2:
            (tmp_path / "calm").unlink(missing_ok=True)

    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])
    monkeypatch.setattr(time, "sleep", sleep)
    pace = agent.Pace({"every": 0.05, "log": str(tmp_path / "pay.jsonl")})
    ticks = agent.ticks(pace)

    def told() -> tuple[float, float]:
        waited = next(ticks)[1]
        pace.told(waited)
        return waited, round(clock["now"], 2)

    assert [told() for _ in range(3)] == [(0.05, 100.0), (0.05, 100.05), (0.05, 100.1)]
    (tmp_path / "calm").touch()
    assert told() == (0.05, 100.15)
    assert told() == (agent.CALM, 110.15)
    # It was told in the middle of its wait.
    waited, then = told()
    assert (waited, 115.2 <= then < 115.2 + 2 * agent.WAKES) == (agent.CALM, True)
    assert told() == (0.05, round(then + 0.05, 2))


def test_a_probe_looks_often_near_the_moves_that_its_users_may_feel_and_seldom_far_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "FOLDER", tmp_path)
    (tmp_path / "run").mkdir()
    moved_by = ["system:a", "line:b"]
    pace = agent.Pace({"every": 0.05, "seldom": 0.5, "moved_by": moved_by, "log": str(tmp_path / "run" / "pay.jsonl")})
    paces = []
    for moved, seconds in (("system:c", 60.0), ("line:b", 60.0), ("line:b", -1.0), ("system:a", 60.0)):
        agent.near({"series": "run", "moved": moved, "seconds": seconds})
        paces.append(pace.now())
    assert paces == [0.5, 0.05, 0.5, 0.05]
    assert pace.told(0.5) == {"p": 0.5}
    (tmp_path / "run" / "calm").touch()
    assert pace.told(0.05) == {"w": agent.CALM}


def test_nothing_is_left_where_no_probe_runs_when_something_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "FOLDER", tmp_path)
    agent.near({"series": "run", "moved": "system:a", "seconds": 60.0})
    assert list(tmp_path.iterdir()) == []


def test_what_a_probe_is_about_to_wait_on_purpose_is_no_pause_yet() -> None:
    last = line("ok", 104.05, ms=3, n=0, r="r", w=0.5)
    text = "\n".join([answers(*steady(100, 104)), last])
    window = Window(begin=101, end=104.5)
    assert result(order(), parse(text, 0), window).downtime == pytest.approx(0.0)
    assert result(order(), parse(text, 0), Window(begin=101, end=105.05)).downtime == pytest.approx(0.5)


def test_far_from_moves_all_probes_share_one_budget_of_requests() -> None:
    one, echo = order(), order("ping", 0.01)
    many = tuple(one.model_copy(update={"name": f"pay{n}"}) for n in range(60))
    assert far_from_moves(one, (one, echo)) == pytest.approx(RESTS * one.every)
    assert far_from_moves(one, (*many, echo)) == pytest.approx(60 / BUDGET)
    assert far_from_moves(echo, (*many, echo)) == pytest.approx(RESTS * echo.every)


def test_failures_do_not_end_a_pause() -> None:
    text = answers(*steady(100, 104), *steady(106, 110)) + "\n" + line("error", 105, n=1, ms=5, why="refused")
    seen = result(order(), parse(text, 0), Window(begin=101, end=109))
    assert seen.downtime == pytest.approx(1.95)
    assert (seen.failed, seen.reasons) == (1, ("refused",))


def test_while_a_probe_was_dead_it_saw_nothing_and_that_is_no_pause() -> None:
    text = answers(*steady(100, 104)) + "\n" + answers(*steady(107, 110))
    seen = result(order(), parse(text, 0), Window(begin=101, end=109))
    assert seen.downtime < 0.1
    assert seen.unseen == pytest.approx(2.95)
    late = result(order(), parse(text, 0), Window(begin=98, end=103))
    assert late.unseen == pytest.approx(1.95)


def test_what_users_felt_beyond_the_limits_is_told_and_nothing_else() -> None:
    text = answers(*steady(100, 104), *steady(106, 110)) + "\n" + line("error", 105, n=1, ms=5, why="HTTP 502")
    seen = result(order(), parse(text, 0), Window(begin=101, end=109))
    assert judged(seen, Allowed(downtime=2, failed=1)).breaches == ()
    wrong = judged(seen, Allowed(downtime=1, failed=0))
    assert [(breach.what, breach.seen, breach.allowed) for breach in wrong.breaches] == [
        ("downtime", 1.95, 1),
        ("failed", 1, 0),
    ]
    assert told(wrong)[1] == "system:a: 1 requests failed (HTTP 502), 0 are allowed"


def test_a_lost_packet_is_too_much_on_a_line_and_so_is_a_probe_that_did_not_look() -> None:
    allowed = allowances(load_programme(YUNHE))
    assert allowed["line:water-leased"] == Allowed(failed=0, lost=0)
    assert allowed["system:water-billing"] == Allowed(downtime=5, failed=0)
    blind = judged(result(order("ping"), (), Window(begin=101, end=109)), allowed["line:water-leased"])
    assert [breach.what for breach in blind.breaches] == ["unseen"]
    lines = [line("begun", 100), *(line("count", 100 + n, sent=n * 10, received=n * 10, ms=1) for n in range(10))]
    lost = [*lines, line("lost", 105.2, n=1, at=103.1)]
    seen = judged(result(order("ping"), parse("\n".join(lost), 0), Window(begin=101, end=109)), Allowed(lost=0))
    assert [(breach.what, breach.seen) for breach in seen.breaches] == [("lost", 1)]
    assert judged(seen, Allowed(lost=1)).breaches == ()


def test_a_pause_that_begins_before_the_window_counts_in_full() -> None:
    times = [*steady(100, 102), *steady(105, 110)]
    assert result(order(), parse(answers(*times), 0), Window(begin=104, end=109)).downtime == pytest.approx(2.95)


def test_a_pause_that_is_still_open_counts_until_the_end() -> None:
    text = answers(*steady(100, 102)) + "\n" + line("error", 108, n=1, ms=1, why="down")
    assert result(order(), parse(text, 0), Window(begin=101, end=109)).downtime == pytest.approx(6.95)


def test_no_success_at_all_is_a_pause_of_the_whole_window() -> None:
    text = "\n".join([line("begun", 100, series="p"), line("error", 105, n=0, ms=1, why="down")])
    seen = result(order(), parse(text, 0), Window(begin=101, end=109))
    assert seen.downtime >= 8 - 0.05
    assert seen.succeeded == 0


def test_a_probe_that_wrote_nothing_is_blind_and_not_content() -> None:
    assert result(order(), (), Window(begin=101, end=109)).blind
    assert result(order("ping"), (), Window(begin=101, end=109)).blind


def test_another_clock_is_put_right() -> None:
    times = [*steady(1100, 1104), *steady(1104.55, 1110)]
    seen = result(order(), parse(answers(*times), -1000), Window(begin=101, end=109))
    assert seen.gaps[0].begin == pytest.approx(104.0)


def echoes(*lost: float) -> str:
    counts = [line("count", 100 + n, sent=n * 100, received=n * 100, lost=0, ms=0.4) for n in range(12)]
    missing = [line("lost", at + 2, n=1, at=at, atm=at) for at in lost]
    return "\n".join([line("begun", 100), *counts, *missing])


def test_lost_echoes_count_where_they_were_sent_and_not_where_it_was_noticed() -> None:
    text = echoes(104.0, 104.01, 104.02, 108.99)
    inside = result(order("ping", 0.01), parse(text, 0), Window(begin=102, end=106))
    assert (inside.lost, inside.succeeded) == (3, 397)
    assert inside.downtime == pytest.approx(0.03)
    assert result(order("ping", 0.01), parse(text, 0), Window(begin=105, end=108)).lost == 0


def test_a_ping_that_was_started_anew_counts_on() -> None:
    text = echoes() + "\n" + line("begun", 112) + "\n" + line("count", 113, sent=50, received=50, lost=0, ms=0.4)
    assert result(order("ping", 0.01), parse(text, 0), Window(begin=100, end=113)).succeeded == 1150


def test_acknowledged_references_and_their_prefixes() -> None:
    text = "\n".join(
        [
            line("begun", 1, series="pay-1"),
            line("ok", 2, ms=1, n=0, r="pay-1-0"),
            line("error", 3, ms=1, n=1, r="pay-1-1", why="timed out"),
            line("begun", 4, series="pay-2"),
            line("ok", 5, ms=1, n=0, r="pay-2-0"),
        ]
    )
    assert acknowledged(parse(text, 0)) == ("pay-1-0", "pay-2-0")
    assert prefixes(parse(text, 0)) == ("pay-1", "pay-2")


@given(st.lists(st.floats(min_value=0, max_value=50), min_size=2, max_size=40, unique=True))
def test_downtime_is_never_less_than_any_pause_inside(times: list[float]) -> None:
    marks = sorted(times)
    seen = result(order(), parse(answers(*marks), 0), Window(begin=marks[0], end=marks[-1]))
    longest = max(b - a for a, b in pairwise(marks)) - 0.05
    assert seen.downtime >= longest - 0.002


def test_orders_take_hosts_addresses_from_the_inventory() -> None:
    orders = {o.name: o for o in probe_orders(load_programme(YUNHE), ["line:water-leased", "system:water-billing"])}
    assert set(orders) == {"counter-to-room", "pay", "bills"}
    assert orders["counter-to-room"].target == "10.11.0.10"
    assert orders["pay"].target.startswith("http://billing.yunhe.example")
    assert orders["pay"].key == "system-water-billing-pay"


def test_a_vantage_that_cannot_be_asked_is_an_error_or_has_seen_nothing(tmp_path: Path) -> None:
    cloud = CloudSettings(backend="twin", endpoint="none")
    world = World(name="w", kind="real", ssh_config=tmp_path / "missing", cloud=cloud)
    order = Order(unit="system:a", name="pay", kind="write-http", vantage="gone", target="http://a", every=0.1)
    needed, spared = (Probes(world, "trial", (order,), needed=needed) for needed in (True, False))
    for ask in (needed.start, needed.collect, needed.stop):
        with pytest.raises(VantageUnreachable):
            ask()
    spared.start()
    (sighting,) = spared.collect()
    assert spared.confirm((sighting,)) == ()
    spared.stop()
    seen = judged(sighting.within(Window(begin=0, end=30)), Allowed())
    assert told(seen) == ("system:a: its probe pay did not look for 30.0 s",)
