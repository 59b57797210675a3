"""A web application in a cutover: its service is held, its folder sealed, and late comers are sent on."""

from __future__ import annotations

import contextlib
from typing import Any, Iterable

from ansible.module_utils.zhenghe_folder import Folder
from ansible.module_utils.zhenghe_site import Site

from playbooks.agents.kit import Refused


class Agent(Folder):
    """The application on one of its hosts."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.site = Site(self.component, self.entry)

    def open(self) -> dict[str, Any]:
        """Look at the folder's seal."""
        return {**super().open(), "service": self.site.service_active()}

    def ready(self, doubtful: Iterable[str] = ()) -> dict[str, Any]:
        """Make a pass; a service that was ended by an earlier move is started while its folder is still sealed."""
        facts = super().ready(doubtful)
        if self.side == "target":
            self.site.start_service()
            self.site.see_it_can_be_served()
        return facts

    def freeze(self, limit: float) -> dict[str, Any]:
        """Hold the service as it is and seal the folder."""
        if not self.store.sealed():
            with contextlib.suppress(Refused):
                self.site.signal("STOP")
        return super().freeze(limit)

    def promote(self) -> dict[str, Any]:
        """Serve from here; the folder may be written."""
        facts = super().promote()
        self.site.serve()
        return facts

    def seal(self) -> dict[str, Any]:
        """End the service; its folder can no longer be written, after a restart neither."""
        facts = super().seal()
        self.site.stop_service()
        return facts

    def after(self) -> dict[str, Any]:
        """Send late comers on to the new host, and follow it."""
        if self.side == "source":
            self.site.disable_service()
            self.site.forward(self.component["target_addresses"][0])
        return super().after()

    def abandon(self) -> dict[str, Any]:
        """Be what it was."""
        if self.side == "source":
            facts = super().abandon()
            self.site.start_service()
            self.site.signal("CONT")
            self.site.serve()
            return facts
        if self.direction == "back" and not (self._used or self.site.forwards()):
            self.site.forward(self.component["source_addresses"][0])
            self.site.stop_service()
            self.site.disable_service()
        return super().abandon()
