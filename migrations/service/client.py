"""What a command does where a service runs: it leaves the order there, follows the run's evidence, and may be ended."""

import time
from collections.abc import Callable

from inventory.errors import ZhengheError
from inventory.words import _
from migrations.actuators.progress import follow_progress
from migrations.home import RunHome
from migrations.run.runner import Listener
from migrations.service.desk import Desk
from migrations.service.door import Absent, ask
from migrations.service.messages import AskState, Order, Outcome, PlaceOrder, Places, ServiceState

LOOK_EVERY = 0.3
TOLD_AFTER = 15.0
"""Seconds of silence of the service after which the command says that it waits."""


class OrderFailed(ZhengheError):
    """The service could not carry an order out; says why."""


def service_state(places: Places) -> ServiceState | None:
    """Return what the service is at; nothing where none runs."""
    try:
        return ask(places.door, AskState()).state
    except Absent:
        return None


def carried_by_service(
    places: Places, home: RunHome, order: Order, listener: Listener, tell: Callable[[str], object]
) -> Outcome:
    """Leave an order with the service and follow the run until it has ended; OrderFailed, Absent."""
    following = _Following(places, home, listener)
    reply = ask(places.door, PlaceOrder(order=order))
    if reply.error or not reply.number:
        raise OrderFailed(reply.error or _("the service gave the order no number"))
    tell(_("order {number} is with the service: ending this command does not end it").format(number=reply.number))
    outcome = None
    while outcome is None:
        outcome = following.look(reply.number)
        time.sleep(0 if outcome else LOOK_EVERY)
    if outcome.error:
        raise OrderFailed(outcome.error)
    return outcome


class _Following:
    """Tells what a run writes while somebody else carries it out."""

    def __init__(self, places: Places, home: RunHome, listener: Listener) -> None:
        self._places = places
        self._desk = Desk(places.orders)
        self._home = home
        self._listener = listener
        self._seen = home.evidence.path.stat().st_size if home.evidence.path.exists() else 0
        self._heard = home.progress_file.stat().st_size if home.progress_file.exists() else 0
        self._alive = time.monotonic()
        self._trouble = ""

    def look(self, number: int) -> Outcome | None:
        """Tell what is new, and return how an order came out, nothing while it is under way."""
        # The outcome first: what was written before it is told before this returns.
        outcome = self._desk.outcome(number)
        records, self._seen = self._home.evidence.follow(self._seen)
        for record in records:
            self._listener.recorded(record)
        tellings, self._heard = follow_progress(self._home.progress_file, self._heard)
        for told in tellings:
            self._listener.told(told)
        if outcome is None:
            self._warn(number)
        return outcome

    def _warn(self, number: int) -> None:
        trouble, self._trouble = self._trouble, self._desk.trouble(number)
        if self._trouble and self._trouble != trouble:
            self._listener.warned(self._trouble)
        if time.monotonic() - self._alive > TOLD_AFTER:
            self._alive = time.monotonic()
            if service_state(self._places) is None:
                text = _("the service does not answer; the order waits until it runs again: zhenghe serve")
                self._listener.warned(text)
