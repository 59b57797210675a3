"""The guard of devices that load a whole file and take it back by themselves unless it is confirmed in time."""

import time

from netcfg.difference import deeds_between
from netcfg.errors import CommandRejected, DeviceUnreachable, TooLate
from netcfg.guards import Way
from netcfg.guards.keeping import KeptGuard


class LoadedGuard(KeptGuard):
    """The guard of one change on one device; its timer is the device's own and starts when the file is loaded."""

    def push(self, way: Way) -> None:
        """Load the change; TooLate where less than a third of the timer's time is left."""
        if time.monotonic() > self._limit:
            raise TooLate(self._device, self._what)
        held = self._held("push", deeds=deeds_between(self._platform, way.running, way.goal))
        if held.state == "rejected":
            raise CommandRejected(self._device, self._what, self._platform.masked(held.why))
        if held.state != "held":
            raise DeviceUnreachable(self._device, self._platform.masked(held.why))

    def save(self) -> None:
        """Make the confirmed configuration the one to start with."""
        self._ask("save")

    @property
    def _what(self) -> str:
        return "configure"
