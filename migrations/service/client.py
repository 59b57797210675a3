"""What a command does where a service runs: it leaves the order there, follows the run's evidence, and may be ended."""

import time
from collections.abc import Callable

from inventory.errors import ZhengheError
from inventory.words import _
from migrations.run.home import RunHome
from migrations.run.progress import follow_progress
from migrations.run.runner import Listener
from migrations.service.desk import Desk
from migrations.service.door import Absent, ask
from migrations.service.messages import AskState, Order, Outcome, Places, PlaceOrder, ServiceState

LOOK_EVERY = 0.3
TOLD_AFTER = 15.0
"""Seconds of silence of the service after which the command says that it waits."""


class OrderFailed(ZhengheError):
    """The service could not carry an order out; says why."""


class LeftToService(KeyboardInterrupt):
    """The command was ended; what it ordered is gone on with."""


def service_state(places: Places) -> ServiceState | None:
    """Return what the service is at; nothing where none runs."""
    try:
        return ask(places.door, AskState()).state
    except Absent:
        return None


def carried_by_service(
    places: Places, home: RunHome, order: Order, listener: Listener, tell: Callable[[str], object]
) -> Outcome:
    """Leave an order with the service and follow the run until it has ended; Absent before it was taken, OrderFailed."""
    seen = home.evidence.path.stat().st_size if home.evidence.path.exists() else 0
    heard = home.progress_file.stat().st_size if home.progress_file.exists() else 0
    reply = ask(places.door, PlaceOrder(order=order))
    if reply.error or not reply.number:
        raise OrderFailed(reply.error or _("the service gave the order no number"))
    tell(_("order {number} is with the service: ending this command does not end it").format(number=reply.number))
    desk, alive, trouble = Desk(places.orders), time.monotonic(), ""
    while True:
        # The outcome first: what was written before it is told before this returns.
        outcome = desk.outcome(reply.number)
        records, seen = home.evidence.follow(seen)
        for record in records:
            listener.recorded(record)
        tellings, heard = follow_progress(home.progress_file, heard)
        for told in tellings:
            listener.told(told)
        if outcome is not None:
            if outcome.error:
                raise OrderFailed(outcome.error)
            return outcome
        if (now := desk.trouble(reply.number)) != trouble:
            trouble = now
            if now:
                listener.warned(now)
        alive = _silent(places, alive, listener)
        time.sleep(LOOK_EVERY)


def _silent(places: Places, alive: float, listener: Listener) -> float:
    """Look now and then whether the service lives, and say so where it does not: the order waits for the next one."""
    if time.monotonic() - alive < TOLD_AFTER:
        return alive
    if service_state(places) is None:
        listener.warned(_("the service does not answer; the order waits until it runs again: zhenghe serve"))
    return time.monotonic()
