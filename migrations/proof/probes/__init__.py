"""Looks from outside: probes that write, read and ping from users' machines while systems and lines move.

They run on the vantages themselves, so that they survive the death of everything here, and their files are read later.
"""

from migrations.evidence.seen import ProbeResult, Window, WritesVerdict
from migrations.proof.probes.errors import ProbeError, VantageRefused, VantageUnreachable
from migrations.proof.probes.probing import Probes
from migrations.proof.probes.series import Order
from migrations.proof.probes.sightings import Sighting, probe_orders

__all__ = [
    "Order",
    "ProbeError",
    "ProbeResult",
    "Probes",
    "Sighting",
    "VantageRefused",
    "VantageUnreachable",
    "Window",
    "WritesVerdict",
    "probe_orders",
]
