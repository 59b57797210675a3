"""What users feel while a unit is on probation is judged by what probes saw since they were judged last."""

import json
from collections.abc import Sequence

import pytest

from migrations.evidence.seen import WritesVerdict
from migrations.proof.probes import Order, Sighting
from migrations.proof.probes.limits import Allowed
from migrations.service.users import Heard, judge

NOW = 1_500_000_000.0
LIMITS = Allowed(downtime=5.0, failed=0)
LINE = Allowed(failed=0, lost=0)


def _order(kind: str = "write-http") -> Order:
    return Order(unit="system:a", name="pay", kind=kind, vantage="pc", target="http://a/payments", every=1.0)


def _line(kind: str, ago: float, **fields: object) -> str:
    return json.dumps({"k": kind, "t": NOW - ago, "m": NOW - ago, **fields})


def _pays(*agos: float, bad: Sequence[float] = ()) -> str:
    rows = {ago: _line("ok", ago, ms=2, n=int(abs(ago)), r=f"pay-1-{ago:.0f}") for ago in agos}
    rows |= {ago: _line("error", ago, ms=2, n=int(abs(ago)), why="HTTP 502") for ago in bad}
    return "".join(rows[ago] + "\n" for ago in sorted(rows, reverse=True))


def _sighting(text: str, kind: str = "write-http", *, active: bool = True) -> Sighting:
    return Sighting(order=_order(kind), text=text, offset=0.0, active=active)


class _Service:
    """Has stored all writes but those that a test names."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.asked: list[str] = []
        self.silent = 0

    def __call__(self, order: Order, references: Sequence[str]) -> WritesVerdict:
        self.asked += references
        return WritesVerdict(
            unit=order.unit, name=order.name, acknowledged=len(references), doubled=(), asked="each",
            lost=tuple(each for each in references if each in self.gone), unanswered=self.silent,
        )  # fmt: skip


@pytest.fixture
def service() -> _Service:
    return _Service()


STEADY = tuple(range(900, -1, -1))


def test_a_steady_service_is_no_trouble_and_is_read_on_from_there_the_next_time(service: _Service) -> None:
    text = _pays(*STEADY)
    found, heard = judge(_sighting(text), Heard(), NOW - 600, LIMITS, service, NOW - 12)
    assert found == {}
    # Only what was written in the time that is judged is asked after.
    assert len(service.asked) == 588
    rest = Sighting(order=_order(), text=text[heard.place :], begin=heard.place, offset=0.0, active=True)
    service.asked.clear()
    found, again = judge(rest, heard, heard.until, LIMITS, service, NOW - 12)
    assert found == {}
    assert service.asked == []
    assert again.place >= heard.place
    assert len(rest.lines) < 20


def test_requests_that_fail_and_a_pause_are_told_with_their_probe(service: _Service) -> None:
    good = [ago for ago in STEADY if not 200 <= ago <= 220]
    found, _heard = judge(_sighting(_pays(*good, bad=(210, 205))), Heard(), NOW - 600, LIMITS, service, NOW - 12)
    assert list(found) == ["users"]
    assert "2 requests failed (HTTP 502), 0 are allowed" in found["users"]
    assert "without service, 5 s are allowed (probe pay on pc, from" in found["users"]


def test_what_goes_on_at_the_end_counts_while_the_probe_runs_and_is_not_known_where_it_died(service: _Service) -> None:
    text = _pays(*[ago for ago in STEADY if ago > 100])
    found, _heard = judge(_sighting(text), Heard(), NOW - 600, LIMITS, service, NOW - 12)
    assert list(found) == ["users"]
    found, heard = judge(_sighting(text, active=False), Heard(), NOW - 600, LIMITS, service, NOW - 12)
    assert found == {"not known": "its probe pay on pc does not run, or its machine does not answer"}
    # Begun again, it did not look in between: that is told of the time after.
    more = text + _line("begun", 50, series="pay-2") + "\n" + _pays(*range(49, -1, -1))
    found, _heard = judge(_sighting(more), heard, heard.until, LIMITS, service, NOW - 12)
    assert list(found) == ["not known"]
    assert "did not look for 51.0 s" in found["not known"]


def test_a_machine_that_is_silent_is_not_known_and_nothing_of_it_is_passed_over(service: _Service) -> None:
    before = Heard(until=NOW - 300, place=77, absent=("pay-1-1",))
    found, heard = judge(_sighting("", active=False), before, NOW - 300, LIMITS, service, NOW - 12)
    assert list(found) == ["not known"]
    assert heard == before


def test_a_write_that_is_gone_is_a_trouble_until_it_is_there(service: _Service) -> None:
    text = _pays(*STEADY)
    service.gone = {"pay-1-300"}
    found, heard = judge(_sighting(text), Heard(), NOW - 600, LIMITS, service, NOW - 12)
    assert found == {"users": "1 acknowledged writes lost, 0 doubled"}
    # Of some seconds nobody can say that all is well again.
    found, heard = judge(_sighting(text), heard, heard.until, LIMITS, service, NOW - 5)
    assert list(found) == ["users"]
    text += _pays(*(-ago for ago in range(1, 121)))
    found, heard = judge(_sighting(text), heard, heard.until, LIMITS, service, NOW + 50)
    assert list(found) == ["users"]
    service.gone = set()
    found, heard = judge(_sighting(text), heard, heard.until, LIMITS, service, NOW + 110)
    assert (found, heard.absent) == ({}, ())


def test_writes_of_which_a_service_says_nothing_are_asked_after_again(service: _Service) -> None:
    text = _pays(*STEADY)
    service.silent = 4
    found, heard = judge(_sighting(text), Heard(), NOW - 600, LIMITS, service, NOW - 12)
    assert list(found) == ["not known"]
    assert heard == Heard()
    _found, heard = judge(_sighting(text), Heard(), NOW - 90000, LIMITS, service, NOW - 12)
    assert heard.until == NOW - 12


def test_a_line_may_lose_a_packet_in_a_thousand_in_daily_work(service: _Service) -> None:
    counts = [_line("count", ago, sent=(900 - ago) * 100, received=0, lost=0, ms=1) for ago in STEADY]
    rows = [*counts, *(_line("lost", 100, n=1, at=NOW - 100 - number / 10) for number in range(30))]
    found, _heard = judge(_sighting("\n".join(rows), "ping"), Heard(), NOW - 600, LINE, service, NOW - 12)
    assert found == {}
    rows += [_line("lost", 100, n=1, at=NOW - 100 - number / 10) for number in range(30)]
    found, _heard = judge(_sighting("\n".join(rows), "ping"), Heard(), NOW - 600, LINE, service, NOW - 12)
    assert list(found) == ["users"]
    assert "60 packets were lost, 58 are allowed" in found["users"]
