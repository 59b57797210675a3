"""The lock that Pulumi's engine puts beside a state: its holder, and whether he is proven dead.

The engine's lock is a file that names its maker; a run that was killed leaves it there for ever.
"""

from __future__ import annotations

import re
import socket
from datetime import datetime
from typing import NamedTuple

_HOLDER = re.compile(r"created by (\S+)@(\S+) \(pid \d+\) at (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\S*?(Z|[+-]\d\d:\d\d)")


class Holder(NamedTuple):
    """Who made a lock, on which machine and when."""

    user: str
    host: str
    since: datetime

    def dead(self, killed: float | None) -> bool:
        """Say whether he is proven dead, by whoever holds the lock of this machine for the site.

        All processes of a run hold that lock, so none of them lives. `killed` is when a run began here that did not
        end: of another machine of the same name there is no such mark.
        """
        begun_here = killed is not None and self.since.timestamp() >= int(killed)
        return begun_here and self.host == socket.gethostname()


def holders(complaint: str) -> tuple[Holder, ...]:
    """Return the holders that the engine complains of; none where it complains of something else."""
    found = _HOLDER.findall(complaint)
    return tuple(Holder(user, host, datetime.fromisoformat(since + zone)) for user, host, since, zone in found)
