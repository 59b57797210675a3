"""Sightings: what one probe wrote so far, and which probes there are to look with."""

from collections.abc import Iterable

from inventory.base import Model
from inventory.derived.wired import host_addresses
from inventory.model import Programme
from migrations.evidence.seen import ProbeResult, Window
from migrations.proof.probes.series import (
    Line,
    Order,
    pace_after,
    parse,
    result,
)

LATE = 1.5
"""Seconds: a ping tells what it has seen once a second."""


class Sighting(Model):
    """What one probe wrote so far, from some place in its file on."""

    order: Order
    text: str
    begin: int = 0
    """The place, in bytes."""
    offset: float
    """Seconds to be added to the vantage's clock to get the controller's."""
    active: bool

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return the lines in order."""
        return parse(self.text, self.offset)

    def is_current(self, now: float) -> bool:
        """Return whether the probe told something of late: one that waits for an answer does not."""
        return bool(self.lines) and self.lines[-1].time >= now - pace_after(self.order, self.lines[-1]) - LATE

    def within(self, window: Window) -> ProbeResult:
        """Return what the probe saw in a window."""
        return result(self.order, self.lines, window)

    def settled(self, moment: float) -> int:
        """Return the place in its file from which the times after a moment can be told: the last success before it."""
        place = found = self.begin
        rows = [row for row in self.text.split("\n") if row]
        for row, line in zip(rows, self.lines, strict=True):
            if line.time > moment:
                break
            found = place if line.kind in {"ok", "count"} else found
            place += len(row.encode()) + 1
        return found


def probe_orders(programme: Programme, units: Iterable[str]) -> tuple[Order, ...]:
    """Return the probes of some units, by their keys; hosts that a ping names are turned into addresses."""
    wanted = set(units)
    addresses = {name: str(address) for name, address in host_addresses(programme).items()}
    addresses |= {vantage.name: str(vantage.address) for vantage in programme.network.vantages}
    holders = [
        *((f"system:{system.system}", system.probes) for system in programme.systems),
        *((f"line:{line.name}", line.probes) for line in programme.network.lines),
    ]
    return tuple(
        Order(
            unit=unit,
            name=probe.name,
            kind=probe.kind,
            vantage=probe.vantage,
            target=addresses.get(probe.target, probe.target),
            every=probe.every,
        )
        for unit, probes in holders
        if unit in wanted
        for probe in probes
    )
