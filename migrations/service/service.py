"""The long-running service: takes orders at its door, carries them out, looks at what was moved, tells of troubles.

All that it knows is on the disk, so that after a kill or a reboot the next one goes on where this one was.
"""

import contextlib
import fcntl
import os
import pwd
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from infra.parent_death import killed_with_parent
from inventory.errors import ZhengheError
from inventory.words import _
from migrations.service.desk import Desk
from migrations.service.door import Door
from migrations.service.hook import tell
from migrations.service.messages import (
    AskOutcome,
    Order,
    PlaceOrder,
    Places,
    Reply,
    Request,
    ServiceSettings,
    ServiceState,
)
from migrations.service.orders import OrderKeeper
from migrations.service.troubles import Looked, changed

TURN = 0.2
"""Seconds between two looks at the processes."""
LONGEST_LOOK = 3600.0
"""Seconds after which a look that has not ended is ended."""


class AlreadyServed(ZhengheError):
    """Another service runs on this folder of state."""


class Service:
    """One service on one folder of state; make it by `serving`."""

    def __init__(
        self, places: Places, executor: Sequence[str], looker: Sequence[str], warn: Callable[[str], None]
    ) -> None:
        """`executor` is given an order's number; `looker` looks at everything once and writes what it saw."""
        self._places = places
        self._settings = settings_of(places)
        self._warn = warn
        self._looker = list(looker)
        self._since = datetime.now(UTC)
        self._desk = Desk(places.orders)
        self._orders = OrderKeeper(self._desk, executor, places.logs, self._hindered)
        self._looking: subprocess.Popen[bytes] | None = None
        self._look_begun = 0.0
        self._seen = looked_of(places)
        self._door = Door(places.door, self._answer)

    def carry_on(self) -> None:
        """See to all processes once; call it again and again from one thread."""
        self._orders.look_after()
        self._look()
        time.sleep(TURN)

    def close(self) -> None:
        """End everything; what was ordered is gone on with by the next service."""
        self._door.close()
        self._orders.close()
        if self._looking is not None:
            self._looking.kill()
            self._looking.wait()

    def _answer(self, request: Request, process: int) -> Reply:
        if isinstance(request, PlaceOrder):
            by = {**request.order.by, **_login_of(process)}
            return Reply(number=self._number_of(request.order.model_copy(update={"by": by})))
        if isinstance(request, AskOutcome):
            try:
                self._desk.order(request.number)
            except FileNotFoundError:
                return Reply(error=_("there is no order {number}").format(number=request.number))
            return Reply(
                number=request.number,
                outcome=self._desk.outcome(request.number),
                trouble=self._desk.trouble(request.number),
            )
        return Reply(state=self._state())

    def _number_of(self, order: Order) -> int:
        """Return the number of an order; the same one where a command that was stopped is called again."""
        for number, known in self._desk.outstanding():
            if (known.run, known.deed, known.units) == (order.run, order.deed, order.units):
                return number
        return self._desk.place(order)

    def _state(self) -> ServiceState:
        return ServiceState(
            process=os.getpid(),
            version=version("zhenghe"),
            since=self._since,
            under_way=self._orders.under_way(),
            looked=self._seen.time,
        )

    def _hindered(self, order: Order, trouble: str) -> None:
        self._warn(f"{order.run}: {trouble}")
        what = {"event": "hindered", "run": order.run, "deed": order.deed, "text": trouble}
        tell(self._settings.on_trouble, what, self._warn)

    def _look(self) -> None:
        now = time.monotonic()
        if self._looking is None:
            waiting = self._look_begun and now - self._look_begun < self._settings.every * 60
            # After a start orders come first: what they work on is not looked at.
            if waiting or (not self._look_begun and self._orders.busy):
                return
            self._look_begun = now
            self._looking = self._started()
        elif self._looking.poll() is not None:
            if self._looking.returncode:
                self._warn(_("a look ended with status {code}").format(code=self._looking.returncode))
            self._looking = None
            self._tell_changes()
        elif now - self._look_begun > LONGEST_LOOK:
            self._looking.kill()

    def _started(self) -> "subprocess.Popen[bytes]":
        self._places.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._places.logs / "look.log").open("wb") as log:
            return subprocess.Popen(
                killed_with_parent(self._looker),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _tell_changes(self) -> None:
        before, self._seen = self._seen, looked_of(self._places)
        for event, trouble in changed(before, self._seen):
            said = "{unit}: {text}" if event == "began" else _("{unit}: over: {text}")
            self._warn(said.format(unit=trouble.unit, text=trouble.text))
            tell(self._settings.on_trouble, {"event": event, **trouble.for_others()}, self._warn)


def settings_of(places: Places) -> ServiceSettings:
    """Read how the service works; as by default where nothing was said, or what is there cannot be read."""
    with contextlib.suppress(OSError, ValidationError):
        return ServiceSettings.model_validate_json(places.settings.read_bytes())
    return ServiceSettings()


def looked_of(places: Places) -> Looked:
    """Read what was seen last."""
    with contextlib.suppress(OSError, ValidationError):
        return Looked.model_validate_json(places.looked.read_bytes())
    return Looked()


@contextmanager
def serving(
    places: Places, executor: Sequence[str], looker: Sequence[str], warn: Callable[[str], None]
) -> Iterator[Service]:
    """Keep other services out and yield this one; AlreadyServed."""
    places.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with places.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise AlreadyServed(_("another service runs on {folder}").format(folder=places.state)) from exc
        service = Service(places, executor, looker, warn)
        try:
            yield service
        finally:
            service.close()


def _login_of(process: int) -> Mapping[str, str]:
    """Say who logged in, by the kernel's word about the process that asks: what it says itself is only its own word."""
    with contextlib.suppress(OSError, ValueError, KeyError, OverflowError):
        login = int(Path(f"/proc/{process}/loginuid").read_text())
        return {"login": pwd.getpwuid(login).pw_name}
    return {}
