"""Estimates of a database's move: copy, pause, connections, held against the limits of its system."""

from collections.abc import Iterator

from inventory.model.systems import Limits
from inventory.words import _
from migrations.preflight.facts import DatabaseFacts
from migrations.preflight.findings import Severity

BYTES_PER_SECOND = 30 << 20
"""What a first copy was measured to take over, indexes included, on two slow cores; most hosts are faster."""
TABLE, INDEX, OBJECT = 0.02, 0.005, 0.0005
"""Seconds that a table, an index and a large object cost beside their bytes."""
IN_EVERY_PAUSE = 0.5
"""Seconds of a pause that do not depend on the database."""


def copying(facts: DatabaseFacts) -> float:
    """Return about how many seconds the first copy will take."""
    things = facts.tables * TABLE + facts.indexes * INDEX + facts.large_objects * OBJECT
    return facts.bytes / BYTES_PER_SECOND + things


def pausing(facts: DatabaseFacts) -> float:
    """Return about how many seconds the pause of a switch will take: what was read once is read and set in it."""
    return IN_EVERY_PAUSE + 2 * facts.reading


def estimates(facts: DatabaseFacts, limits: Limits) -> Iterator[tuple[Severity, str, str]]:
    """Say what the move will take, and what of it is beyond the limits."""
    copy, pause = copying(facts), pausing(facts)
    said = _("the first copy takes about {copy}, the pause about {pause} s")
    yield Severity.NOTE, said.format(copy=_duration(copy), pause=f"{pause:.1f}"), ""
    if copy > limits.catch_up:
        why = _("the first copy takes about {copy}, and limits.catch_up is {limit}")
        told = why.format(copy=_duration(copy), limit=_duration(limits.catch_up))
        yield Severity.ATTENTION, told, _("raise limits.catch_up: the copy is given up after that time")
    if pause > limits.downtime:
        why = _("the pause takes about {pause} s, and limits.downtime is {limit} s")
        told = why.format(pause=f"{pause:.1f}", limit=f"{limits.downtime:g}")
        yield Severity.ATTENTION, told, _("raise limits.downtime, or have fewer sequences and large objects")
    if facts.pooling:
        yield from _connections(facts, limits)


def _connections(facts: DatabaseFacts, limits: Limits) -> Iterator[tuple[Severity, str, str]]:
    reasons = "; ".join(facts.sessions)
    if facts.pooling == "transaction":
        yield Severity.NOTE, _("the entry shares connections by transaction: {why}").format(why=reasons), ""
        return
    why = _("each client has a session of its own ({why}): the switch closes {clients} connections").format(
        why=reasons, clients=facts.clients
    )
    mend = _("see that clients connect again by themselves; the entry cannot pass on `options` of a connection")
    beyond = facts.clients > limits.failed_requests
    yield (Severity.ATTENTION if beyond and facts.clients else Severity.NOTE), why, mend


def _duration(seconds: float) -> str:
    if seconds < 120:
        return _("{number} s").format(number=f"{seconds:.0f}")
    if seconds < 7200:
        return _("{number} min").format(number=f"{seconds / 60:.0f}")
    return _("{number} h").format(number=f"{seconds / 3600:.1f}")
