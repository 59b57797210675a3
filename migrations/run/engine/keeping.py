"""Keeps a run's server and worker alive, and tells of everything that keeps them from their work.

Whoever ends before coming to work again and again, is silent for long, or cannot write, ends the command with a
sentence: nobody waits in front of a silent terminal.
"""

import time
from collections.abc import Callable, Sequence

from inventory.errors import ZhengheError
from inventory.words import _
from migrations.home import RunHome
from migrations.run.engine.children import Child, ChildFailed, namespaced
from migrations.run.engine.passing import Engine
from migrations.run.engine.temporal import Access, free_port, refusals, server_command
from migrations.run.engine.troubles import VARIABLE, Heard
from migrations.run.footing import needs_room, put_engine_aside

SILENT = 45.0
"""Seconds without a sign of life after which a process is ended and started again."""
STARTING = 180.0
"""Seconds until the first sign of life: a busy machine takes its time to start a worker."""
ASK_EVERY = 10.0
"""Seconds between two questions to the server whether it is well."""
HINDERED = 5
"""So many troubles in a row, with nothing done in between, and the command ends."""
TOLD_AGAIN = 60.0
"""Seconds after which the same trouble is told again."""


class Hindered(ZhengheError):
    """The worker cannot do its work, whatever it tries; says why and what to do next."""

    def __init__(self, trouble: str) -> None:
        self.trouble = trouble
        text = _("the run cannot go on: {trouble}; mend this, and call the same command again: it goes on")
        super().__init__(text.format(trouble=trouble))


class Keeper:
    """The processes of one run."""

    def __init__(self, home: RunHome, lock: int, worker: Sequence[str], warn: Callable[[str], None]) -> None:
        self._home = home
        self._warn = warn
        self._heard = Heard()
        self.access = Access(home)
        self.address = address = self.access.address
        server = server_command(home.database, free_port())
        self.server = Child("engine", server, home.logs / "engine.log", warn, keep=(lock,))
        command = ["env", f"{VARIABLE}={self._heard.descriptor}", *worker, str(home.path), address]
        keep = (lock, self._heard.descriptor)
        self.worker = Child("worker", namespaced(command), home.logs / "worker.log", warn, keep=keep)
        self.engine = Engine(self.access)
        self._answered = self._asked = time.monotonic()
        self._put_aside = False
        self._told: dict[str, float] = {}
        self._troubles = 0
        self._has_come = self._serves = False

    def close(self) -> None:
        """End both."""
        self.worker.end()
        self.engine.close()
        self.server.end()
        self._heard.close()

    def ensure(self) -> None:
        """Look after both; ChildFailed, NoRoom, Hindered where the run cannot go on."""
        needs_room(self._home.path)
        self.ensure_server()
        self._ensure_worker()

    def ensure_server(self) -> None:
        """Look after the server alone; a cluster is looked after by others."""
        if self.access.is_shared:
            return
        try:
            if self.server.ensure():
                self._begin_serving()
        except ChildFailed as exc:
            if self._put_aside or not self._home.database.exists():
                raise
            # It may be the file that it cannot live with, in a way that only the server sees.
            self._put_engine_aside(exc.how)
            self.server.ensure()
            self._begin_serving()

    def _put_engine_aside(self, why: str) -> None:
        self._put_aside = True
        self._troubles = 0
        self.worker.begin_anew()
        self.server.begin_anew()
        self._warn(put_engine_aside(self._home, why))

    def begin_anew(self, passage: str, reason: str) -> None:
        """End a passage's workflows, and the worker before, so that nobody is at a step when they begin anew."""
        self.worker.begin_anew()
        self.engine.end(passage, reason)

    def _begin_serving(self) -> None:
        self._answered = time.monotonic()
        self._serves = False

    def answered(self) -> None:
        """Say that the server has answered."""
        self._answered = time.monotonic()
        self._serves = True
        self.server.at_work()

    def progressed(self) -> None:
        """Say that something was done: the server handed it out, and whatever hinders the worker now is new."""
        self._troubles = 0
        self.answered()

    def ask_server(self) -> None:
        """Ask the server now and then whether it is well, and start it again where it is silent for long."""
        now = time.monotonic()
        if now - self._asked > 2 * ASK_EVERY:
            # This process was stopped itself.
            self._answered = now
        if now - self._asked > ASK_EVERY:
            self._asked = now
            if self.engine.is_well(ASK_EVERY / 2):
                self.answered()
        if time.monotonic() - self._answered > (SILENT if self._serves else STARTING):
            if self.access.is_shared:
                raise Hindered(_("the engine does not answer on {address}").format(address=self.address))
            self._end_silent(self.server)

    def _ensure_worker(self) -> None:
        if self.worker.ensure():
            self._begin_hearing()
        alive, troubles = self._heard.take()
        if alive:
            self._has_come = True
            self.worker.at_work()
        for trouble in troubles:
            self._hear(trouble)
        if self._heard.silence > (SILENT if self._has_come else STARTING):
            self._end_silent(self.worker)

    def _begin_hearing(self) -> None:
        self._heard.begin()
        self._has_come = False

    def _hear(self, trouble: str) -> None:
        self._troubles += 1
        if self._troubles >= HINDERED:
            if trouble not in refusals() or self._put_aside or self.access.is_shared:
                raise Hindered(trouble)
            self._put_engine_aside(trouble)
            return
        if time.monotonic() - self._told.get(trouble, -TOLD_AGAIN) >= TOLD_AGAIN:
            self._told[trouble] = time.monotonic()
            self._warn(trouble)

    def _end_silent(self, child: Child) -> None:
        silent = self._heard.silence if child is self.worker else time.monotonic() - self._answered
        text = _("the run's {name} has given no sign of life for {seconds:g} s; it is ended")
        self._warn(text.format(name=child.name, seconds=round(silent)))
        child.end()
        child.ensure()
        if child is self.worker:
            self._begin_hearing()
        else:
            self._begin_serving()
