"""A service in a cutover: it ends at the source before anything is sealed, and starts at the target at the end."""

from __future__ import annotations

import time
from typing import Any, Iterable

from ansible.module_utils.zhenghe_folder import Folder
from ansible.module_utils.zhenghe_service import Service
from ansible.module_utils.zhenghe_service_notes import Configuration, Notes
from ansible.module_utils.zhenghe_store import Store
from ansible.module_utils.zhenghe_trial import Trial

from playbooks.agents.kit import wait

COMING_BACK = 25.0
"""Seconds that the service may take to run again where it was."""


class Agent(Folder):
    """The service on one of its hosts."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.service = Service(f"{self.system}-{self.component['name']}", self.component)
        self.configuration = Configuration(self.component, Notes(self.store.name))
        self._stamps: dict[str, Any] = {}
        self._started = False

    def open(self) -> dict[str, Any]:
        """Look at the folder's seal and at the service."""
        return {**super().open(), "service": self.service.active(), "jobs": self.service.jobs()}

    def ready(self, doubtful: Iterable[str] = ()) -> dict[str, Any]:
        """Make a pass; see that each side can be barred and configured, which the pause has no time for."""
        facts = super().ready(doubtful)
        if self.side == "source":
            if not self.store.sealed():
                self.service.be_here(here=True)
            self.service.gate()
        else:
            Trial(self.service, self.component, "").clean_up()
            self.service.gate()
            self.configuration.computed(str(self.store.raw))
        return facts

    def quiet(self, limit: float) -> dict[str, Any]:
        """Have no job begin, and end the service in its own way: what it still has to write is written now."""
        began = time.monotonic()
        if self.store.sealed():
            return {}
        self.service.jobs_off()
        self.service.jobs_at_rest(limit)
        self.service.stop(max(0.1, limit - (time.monotonic() - began)))
        return {"ended_seconds": round(time.monotonic() - began, 3)}

    def freeze(self, limit: float) -> dict[str, Any]:
        """Seal the folder; the service cannot start here any more."""
        self.service.be_here(here=False)
        return super().freeze(limit)

    def position(self) -> dict[str, Any]:
        """Answer what has changed, and when each timer was last due."""
        return {**super().position(), "stamps": self.service.stamps()}

    def reached(self, positions: dict[str, Any], limit: float) -> dict[str, Any]:
        """Bring over what has changed."""
        self._stamps = dict(next(iter(positions.values())).get("stamps") or {})
        return super().reached(positions, limit)

    def promote(self) -> dict[str, Any]:
        """Substitute the addresses and start here; what it connects to may answer only once all entries have turned."""
        facts = super().promote()
        self._started = True
        root = self.store.root
        changed = self.configuration.write(root) if self.direction == "forward" else self.configuration.write_back(root)
        self.service.set_stamps(self._stamps)
        self.until(self._writable, self.limits["downtime"], "a folder beside it is still sealed")
        self.service.be_here(here=True)
        self.service.start()
        if not self._needs_own_system():
            self._see_it_listens()
        return {**facts, "substituted": changed}

    def serve(self) -> dict[str, Any]:
        """Return when the service takes connections."""
        began = time.monotonic()
        self._see_it_listens()
        return {"waited_seconds": round(time.monotonic() - began, 3)}

    def seal(self) -> dict[str, Any]:
        """Be a copy, after a restart too."""
        facts = super().seal()
        self.service.enable(on=False)
        return facts

    def after(self) -> dict[str, Any]:
        """Have jobs run here, and the service start at boot; at the old side neither does."""
        facts = super().after()
        if self.side == "target":
            self.service.enable(on=True)
            self.service.jobs_on()
        return facts

    def abandon(self) -> dict[str, Any]:
        """Be what it was."""
        if self.side == "source":
            facts = super().abandon()
            self.service.be_here(here=True)
            self.service.enable(on=True)
            if not self.service.active():
                self.service.start()
                # The entries let requests through next.
                wait(self.service.listens, COMING_BACK, 0.02)
            self.service.jobs_on()
            return facts
        if self._started and not self._used:
            # Nobody was let in: what it wrote is nobody's, and the next pass brings the copy back to the source's.
            self.service.be_here(here=False)
            self.service.end_at_once()
            self.store.seal(for_good=True)
            self.puller.note_pass()
            self._started = False
        return super().abandon()

    def _see_it_listens(self) -> None:
        limit = max(self.limits["downtime"], 1.0)
        name = self.service.main
        self.until(self.service.listens, limit, f"{name} does not listen at port {self.service.port} after {limit:g} s",
                   f"see journalctl --unit {name} on this host")  # fmt: skip

    def _writable(self) -> bool:
        return not any(Store(one["name"]).sealed() for one in self.component.get("beside", ()))

    def _needs_own_system(self) -> bool:
        rows = self.component.get("substitutions", ())
        return any(row["of"].startswith(f"{self.system}/") for row in rows)
