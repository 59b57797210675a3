"""Probes on users' machines of the twin, while the services that they look at are stalled, cut off and damaged."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.twin import client
from infra.worlds import World
from inventory.model import Programme
from migrations.proof.probes import Probes, Sighting, VantageRefused, VantageUnreachable, Window, probe_orders
from migrations.proof.probes.series import Order, acknowledged

RunOn = Callable[..., "object"]
UNITS = ("system:water-billing", "line:water-leased")
pytestmark = pytest.mark.real


@pytest.fixture
def probes(twin: World, programme: Programme, request: pytest.FixtureRequest) -> Iterator[Probes]:
    series = f"trial-{abs(hash(request.node.name)) % 10**6}"
    running = Probes(twin, series, probe_orders(programme, UNITS))
    running.start()
    yield running
    running.stop()


def seen(probes: Probes) -> dict[str, Sighting]:
    return {sighting.order.name: sighting for sighting in probes.collect()}


def until(probes: Probes, fulfilled: Callable[[dict[str, Sighting]], bool]) -> dict[str, Sighting]:
    """Collect until something has been seen; a minute is long enough for anything that will ever come."""
    for _attempt in range(120):
        found = seen(probes)
        if fulfilled(found):
            return found
        time.sleep(0.5)
    pytest.fail(f"not seen in a minute: { {name: sighting.text[-300:] for name, sighting in found.items()} }")


def written(found: dict[str, Sighting], least: int) -> bool:
    return len(acknowledged(found["pay"].lines)) >= least


def test_a_stalled_service_shows_as_a_pause_and_no_write_is_lost(probes: Probes, on: RunOn) -> None:
    until(probes, lambda found: written(found, 20))
    begun = time.time()
    on("water-app", "systemctl kill --signal=STOP billing && sleep 1.5 && systemctl kill --signal=CONT billing")
    before = len(acknowledged(seen(probes)["pay"].lines))
    found = until(probes, lambda later: written(later, before + 20))
    window = Window(begin=begun, end=time.time())
    pay, ping = found["pay"].within(window), found["counter-to-room"].within(window)
    assert pay.downtime >= 1.4
    # Who waited was served in the end: nothing failed, and the line had no part in it.
    assert (pay.failed, pay.blind) == (0, False)
    assert (ping.lost, ping.blind) == (0, False)
    verdict = probes.confirm(found.values())[0]
    assert (verdict.lost, verdict.doubled, verdict.asked) == ((), (), "list")
    assert verdict.acknowledged >= 40


def test_probes_look_on_when_who_started_them_is_gone(probes: Probes, twin: World, programme: Programme) -> None:
    until(probes, lambda found: written(found, 5))
    again = Probes(twin, probes._series, probe_orders(programme, UNITS))
    again.start()
    found = until(again, lambda later: written(later, 30))
    begins = [line for line in found["pay"].lines if line.kind == "begun"]
    assert len(begins) == 1
    assert all(sighting.active for sighting in found.values())
    # While nothing moves they look seldom, which is no pause, and soon often again when something is about to.
    again.calm()
    calm_since = time.time()
    found = until(again, lambda later: any("p" in line.what for line in later["pay"].lines))
    again.start()
    count = len(acknowledged(found["pay"].lines))
    found = until(again, lambda later: written(later, count + 10))
    seldom = [line for line in found["pay"].lines if line.kind == "ok" and "p" in line.what]
    assert 1 <= len(seldom) <= 3
    assert found["pay"].within(Window(begin=calm_since, end=time.time())).downtime < 5


def test_a_probe_that_is_killed_goes_on_with_references_of_its_own(probes: Probes, on: RunOn) -> None:
    until(probes, lambda found: written(found, 5))
    on("counter-1", "systemctl kill --signal=KILL 'zhenghe-probe-*pay*'")
    count = len(acknowledged(seen(probes)["pay"].lines))
    found = until(probes, lambda later: written(later, count + 10))
    references = acknowledged(found["pay"].lines)
    assert len(set(references)) == len(references)
    assert len([line for line in found["pay"].lines if line.kind == "begun"]) == 2
    assert probes.confirm(found.values())[0].lost == ()


def test_an_acknowledged_write_that_is_gone_is_told(probes: Probes, on: RunOn) -> None:
    found = until(probes, lambda found: written(found, 10))
    victim = acknowledged(found["pay"].lines)[3]
    on("water-db", f"runuser -u postgres -- psql -d billing -c \"DELETE FROM payments WHERE reference = '{victim}'\"")
    assert probes.confirm(found.values())[0].lost == (victim,)


def test_lost_packets_are_counted_where_they_were_sent(probes: Probes, twin: World) -> None:
    until(probes, lambda found: written(found, 5))
    begun = time.time()
    client.cut(twin.name, "line:water-leased")
    time.sleep(1)
    client.restore(twin.name, "line:water-leased")
    ended = time.time()
    found = until(
        probes, lambda later: len([line for line in later["counter-to-room"].lines if line.kind == "lost"]) >= 50
    )
    ping = found["counter-to-room"].within(Window(begin=begun, end=ended))
    assert ping.lost > 0
    assert ping.downtime >= 0.5
    assert found["counter-to-room"].within(Window(begin=begun - 2, end=begun)).lost == 0


def test_stopping_leaves_nothing_behind_and_may_be_repeated(probes: Probes, on: RunOn) -> None:
    probes.stop()
    probes.stop()
    left = on("counter-1", "systemctl list-units --plain --no-legend 'zhenghe-probe-*'; ls /var/lib/zhenghe-probes")
    assert getattr(left, "stdout", None) == ""


def test_a_vantage_that_is_not_there_and_one_that_is_no_host(twin: World, programme: Programme) -> None:
    order = Order(unit="line:x", name="x", kind="ping", vantage="nobody", target="10.11.0.10", every=0.1)
    with pytest.raises(VantageUnreachable) as unreachable:
        Probes(twin, "trial", (order,)).start()
    assert unreachable.value.vantage == "nobody"
    with pytest.raises(VantageRefused):
        Probes(twin, "trial", (order.model_copy(update={"vantage": "pe1"}),)).start()


def test_another_machine_behind_the_name_is_not_believed(twin: World, tmp_path: Path, programme: Programme) -> None:
    text = twin.ssh_config.read_text()
    known = next(line.split()[1] for line in text.splitlines() if "UserKnownHostsFile" in line)
    keys = {line.split()[0]: line.split(" ", 1)[1] for line in Path(known).read_text().splitlines()}
    (tmp_path / "known").write_text(f"counter-1 {keys['hall-1']}\n")
    (tmp_path / "config").write_text(text.replace(known, str(tmp_path / "known")))
    liar = twin.model_copy(update={"ssh_config": tmp_path / "config"})
    with pytest.raises(VantageUnreachable):
        Probes(liar, "trial", probe_orders(programme, UNITS)).start()


def test_messages_to_a_vantage_are_no_arguments(twin: World, programme: Programme) -> None:
    odd = Order(unit="system:a", name="odd", kind="read-http", vantage="counter-1", target="http://x/'$(id)", every=0.1)
    probes = Probes(twin, "trial-odd", (odd,))
    probes.start()
    try:
        found = until(probes, lambda later: any(line.kind == "error" for line in later["odd"].lines))
        assert found["odd"].within(Window(begin=0, end=time.time())).succeeded == 0
        assert json.loads(found["odd"].text.splitlines()[0])["k"] == "begun"
    finally:
        probes.stop()
