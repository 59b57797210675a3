"""Carries the orders on the desk out, each in a process of its own, one after the other for each run.

A process that is killed is started again; one that says that this machine must be mended is tried again later.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.parent_death import killed_with_parent
from inventory.words import _
from migrations.service.desk import Desk
from migrations.service.messages import Order, Outcome, UnderWay

HINDERED = 75
"""The status by which a process says that it was kept from its order, and why; sysexits(3) calls it EX_TEMPFAIL."""
VAIN = 5
"""So many ends in a row without an outcome, and an order is given up."""
LATER = 60.0
"""Seconds after which an order that was kept from going on is tried again."""
LASTS = 30.0
"""Seconds after which a process counts as having come to work."""


class _Carried:
    """An order whose process lives, or is to be started again."""

    def __init__(self, number: int, order: Order) -> None:
        self.number = number
        self.order = order
        self.process: subprocess.Popen[bytes] | None = None
        self.begun = 0.0
        self.vain = 0
        self.not_before = 0.0


def _gives_way(before: _Carried, order: Order) -> bool:
    """Say whether an order ends the one before it: a way back does always, and any where that one is kept waiting.

    What is under way then is ended where it stands, as it is when a person stops a command and calls another one.
    """
    hindered = before.process is None and before.begun > 0
    return hindered or (order.deed == "rollback" and before.order.deed != "rollback")


class OrderKeeper:
    """The processes that carry orders out; all calls from one thread, which outlives them."""

    def __init__(
        self, desk: Desk, executor: Sequence[str], logs: Path, trouble: Callable[[Order, str], object]
    ) -> None:
        """`executor` is a command that is given an order's number; `trouble` hears of what keeps one."""
        self._desk = desk
        self._executor = list(executor)
        self._logs = logs
        self._trouble = trouble
        self._of: dict[str, _Carried] = {}

    def look_after(self) -> None:
        """Start what is outstanding, and see to what has ended; call it again and again."""
        for number, order in self._desk.outstanding():
            before = self._of.get(order.run)
            if before is not None and before.number < number and _gives_way(before, order):
                self._end(before, _("order {number} took its place").format(number=number))
                before = None
            if before is None:
                self._of[order.run] = _Carried(number, order)
        for run, carried in list(self._of.items()):
            if carried.process is not None and carried.process.poll() is not None:
                self._ended(carried, carried.process.returncode)
            if self._desk.outcome(carried.number) is not None:
                del self._of[run]
            elif carried.process is None and time.monotonic() >= carried.not_before:
                self._start(carried)

    @property
    def busy(self) -> bool:
        """Say whether anything is being carried out, or waits for its turn."""
        return bool(self._of)

    def under_way(self) -> tuple[UnderWay, ...]:
        """Return what has not ended."""
        return tuple(
            UnderWay(number=number, run=order.run, deed=order.deed, trouble=self._desk.trouble(number))
            for number, order in self._desk.outstanding()
        )

    def close(self) -> None:
        """End all processes; their orders are gone on with by the next service."""
        for carried in self._of.values():
            if carried.process is not None:
                carried.process.kill()
                carried.process.wait()

    def _end(self, carried: _Carried, why: str) -> None:
        if carried.process is not None:
            carried.process.kill()
            carried.process.wait()
        if self._desk.outcome(carried.number) is None:
            self._desk.end(carried.number, Outcome(error=why))

    def _start(self, carried: _Carried) -> None:
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._logs / f"{carried.number:08d}.log").open("ab") as log:
            carried.process = subprocess.Popen(
                killed_with_parent([*self._executor, str(carried.number)]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        carried.begun = time.monotonic()

    def _ended(self, carried: _Carried, code: int) -> None:
        carried.process = None
        if self._desk.outcome(carried.number) is not None:
            return
        if code == HINDERED:
            carried.not_before = time.monotonic() + LATER
            self._trouble(carried.order, self._desk.trouble(carried.number))
            return
        carried.vain = 1 if time.monotonic() - carried.begun > LASTS else carried.vain + 1
        carried.not_before = time.monotonic() + 0.2 * carried.vain
        if carried.vain >= VAIN:
            text = _("its process ends again and again (status {code}); its log is {log}")
            error = text.format(code=code, log=self._logs / f"{carried.number:08d}.log")
            self._desk.end(carried.number, Outcome(error=error))
            self._trouble(carried.order, error)
