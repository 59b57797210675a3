"""The service is killed at several points, the machine rebooted, two commands come at once: all is done once.

A reboot is played: everything ends at once, and the service is started again as systemd would start it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrations.evidence.chain import Soundness, verify_chain
from migrations.home import RunHome, states_of
from migrations.run.runner import Listener
from migrations.service.client import carried_by_service, service_state
from migrations.service.desk import Desk
from migrations.service.door import ask
from migrations.service.messages import Deed, Order, PlaceOrder, Places
from migrations.service.service import AlreadyServed, serving
from migrations.states import UnitState
from tests.chaos.commands import Halting
from tests.real.plans import CHAIN, COMMIT, FORWARD, chain_home
from tests.real.recorder import WORKER, Recorder

pytestmark = [pytest.mark.chaos, pytest.mark.real]

EXECUTOR = f"""
import sys
from pathlib import Path
from migrations.home import RunHome
from migrations.run.runner import Listener, running
from migrations.service.desk import Desk
from migrations.service.messages import Outcome, Places
from migrations.states import Direction

WAYS = dict(apply=Direction.FORWARD, commit=Direction.COMMIT, rollback=Direction.BACK, withdraw=Direction.WITHDRAW)
state, number = Path(sys.argv[1]), int(sys.argv[2])
desk = Desk(Places(state).orders)
order = desk.order(number)
with running(RunHome(state / "runs" / order.run), Listener(), {WORKER!r}) as runner:
    result = runner.take(WAYS[order.deed], order.units)
desk.end(number, Outcome(result=result))
"""
SERVICE = f"""
import sys
from pathlib import Path
from migrations.service.messages import Places
from migrations.service.service import serving

state = sys.argv[1]
executor = (sys.executable, "-c", {EXECUTOR!r}, state)
with serving(Places(Path(state)), executor, ("true",), lambda text: print(text, flush=True)) as service:
    while True:
        service.carry_on()
"""


class _Machine:
    """A machine on which the service runs, and is started again whenever it has ended, as systemd does."""

    def __init__(self, state: Path) -> None:
        self.places = Places(state)
        self.home = chain_home(state / "runs" / "run")
        self.halting = Halting(self.home)
        self.service = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        with (self.places.state / "service.log").open("ab") as log:
            service = subprocess.Popen([sys.executable, "-c", SERVICE, str(self.places.state)], stdout=log, stderr=log)
        while service_state(self.places) is None:
            assert service.poll() is None, (self.places.state / "service.log").read_text()
            time.sleep(0.05)
        return service

    def kill_service(self) -> None:
        self.service.kill()
        self.service.wait()
        self.service = self._started()

    def reboot(self) -> None:
        """End everything at one instant; who was stopped first starts nobody in between."""
        processes = list(self._processes())
        for blow in (signal.SIGSTOP, signal.SIGKILL):
            for process in (self.service.pid, *processes):
                try:
                    os.kill(process, blow)
                except ProcessLookupError:
                    continue
        self.service.wait()
        while any(self._processes()):
            time.sleep(0.02)
        self.service = self._started()

    def _processes(self) -> Iterator[int]:
        mark = str(self.places.state).encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                    yield int(folder.name)
            except OSError:
                continue

    def order(self, deed: Deed, *units: str) -> Order:
        return Order(run="run", deed=deed, units=units)

    def states(self) -> set[UnitState]:
        return set(states_of(CHAIN, self.home.evidence.records()).values())


@contextmanager
def _machine(state: Path) -> Iterator[_Machine]:
    machine = _Machine(state)
    try:
        yield machine
    finally:
        machine.service.kill()
        machine.service.wait()


def test_whatever_befalls_the_service_an_order_is_carried_out_once(tmp_path: Path) -> None:
    with _machine(tmp_path) as machine:
        machine.halting.at(f"after {FORWARD[0]}")
        number = ask(machine.places.door, PlaceOrder(order=machine.order("apply"))).number
        # Before its engine lives, in a preparation, and in a switch.
        machine.kill_service()
        machine.halting.wait(f"after {FORWARD[0]}")
        machine.kill_service()
        machine.halting.at(f"before {FORWARD[3]}")
        machine.halting.wait(f"before {FORWARD[3]}")
        machine.reboot()
        machine.halting.wait(f"before {FORWARD[3]}")
        machine.halting.off()
        desk = Desk(machine.places.orders)
        while (outcome := desk.outcome(number)) is None:
            time.sleep(0.1)
        assert (outcome.error, outcome.failure) == ("", "")
        assert machine.states() == {UnitState.READY, UnitState.ON_PROBATION}
        # With nothing to do it comes back as well, and takes what comes then; two commands at once are both answered.
        machine.reboot()
        both = [
            subprocess.Popen([sys.executable, "-c", COMMANDS, str(tmp_path), "commit", *units])
            for units in ((), ("site:a",))
        ]
        assert [each.wait(120) for each in both] == [0, 0]
        assert Recorder(machine.home).deeds() == [*FORWARD, *COMMIT]
        assert machine.states() == {UnitState.COMMITTED, UnitState.DECOMMISSIONED}
        assert desk.outstanding() == ()
        assert verify_chain(machine.home.evidence.path).outcome is Soundness.SOUND


COMMANDS = """
import sys
from pathlib import Path
from migrations.home import RunHome
from migrations.run.runner import Listener
from migrations.service.client import carried_by_service
from migrations.service.messages import Order, Places

state = Path(sys.argv[1])
order = Order(run="run", deed=sys.argv[2], units=tuple(sys.argv[3:]))
outcome = carried_by_service(Places(state), RunHome(state / "runs" / "run"), order, Listener(), print)
assert outcome.result is not None and not outcome.failure
"""


def test_a_second_service_on_the_same_state_is_kept_out(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with (
        serving(places, ("false",), ("true",), print),
        pytest.raises(AlreadyServed),
        serving(places, ("false",), ("true",), print),
    ):
        pass


def test_what_a_command_follows_it_hears_though_the_service_does_it(tmp_path: Path) -> None:
    class Hears(Listener):
        heard: list[str] = []  # noqa: RUF012

        def recorded(self, record: object) -> None:
            self.heard.append(getattr(record, "kind", ""))

    with _machine(tmp_path) as machine:
        told: list[str] = []
        hears = Hears()
        home = RunHome(machine.home.path)
        outcome = carried_by_service(machine.places, home, machine.order("apply", "site:a"), hears, told.append)
        assert outcome.result is not None
        assert [unit.state for unit in outcome.result.units] == [UnitState.READY]
        assert {"passage-begun", "step-done", "unit-state", "passage-ended"} <= set(hears.heard)
        assert "order 1 is with the service" in told[0]
