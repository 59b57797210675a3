"""A PostgreSQL database in a cutover: the end that serves freezes and is sealed, the end that follows is promoted.

What the pause is made of: on the source one transaction that fences the database and one statement that ends the
sessions of clients; a mark; on the target the wait until that mark is applied, the sequences, one transaction that
lets clients in. Connections and the slot for the way back are made before, the new direction starts after.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from ansible.module_utils import zhenghe_pg_large as large
from ansible.module_utils import zhenghe_pg_sequences as sequences
from ansible.module_utils import zhenghe_pg_stream as stream
from ansible.module_utils.zhenghe_ended import see_ended
from ansible.module_utils.zhenghe_pg_beside import beside
from ansible.module_utils.zhenghe_pg_log import why_not
from ansible.module_utils.zhenghe_pg_place import Place, rows, side_of
from psycopg2 import Error  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents import loop
from playbooks.agents.kit import Refused, wait

_OTHERS = """
SELECT pid FROM pg_stat_activity JOIN pg_roles ON usename = rolname
WHERE datname = %s AND backend_type = 'client backend' AND NOT rolsuper AND pid <> pg_backend_pid()
"""
FOLLOWING = 20.0
"""Seconds in which the target has to show, before the pause, that it follows."""
_SOURCE_STATES = {"serving": "open", "frozen": "frozen", "waiting": "sealed"}


class Agent(loop.Agent):
    """One end of the database, of this move."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        end, component = self.as_surveyed()
        self._place = Place(end, self.system, component)
        self._held = contextlib.ExitStack()
        self._promoted = self._slot = False
        self._sequences: tuple[tuple[str, str], ...] = ()
        self._objects: dict[int, large.Large] = {}

    def open(self) -> dict[str, Any]:
        """Connect, and look which side this end is."""
        self._held.enter_context(self._place.alone(20))
        side = side_of(self._place.connect(), self._place.database)
        if side == "absent":
            return {"state": "waiting" if self.side == "target" else "open", "database": "absent"}
        self._connection = self._place.connect(self._place.database)
        if self.side == "source":
            # Without the way back a move is not done, though its source is sealed.
            one_way = side == "waiting" and stream.ought_to_follow(self._place, self._connection)
            # While a system is on probation every look at its move tells whether it could go back.
            if one_way or side != "waiting":
                return {"state": "frozen" if one_way else _SOURCE_STATES[side]}
            return {"state": _SOURCE_STATES[side], "way_back": stream.way_back(self._place, self._connection)}
        if self._promoted_in_vain(side):
            return {"state": "waiting", "promoted": "in vain"}
        return {"state": "promoted" if side == "serving" else "waiting"}

    def _promoted_in_vain(self, side: str) -> bool:
        # Promoted, and then the source was thawed instead of sealed: nobody was sent here. This end alone has still its
        # subscription, whichever way the next move goes; the other one may still be frozen.
        known = side == "serving" and stream.subscription(self._connection, self._place.base) is not None
        return known and stream.peer_side(self._place) in ("serving", "frozen")

    def watch(self) -> dict[str, Any]:
        """List the source's large objects: what is changed from now on it hands over in the pause."""
        if self.side == "source" and side_of(self._place.connect(), self._place.database) == "serving":
            self._objects = large.listed(self._connection)
        return {"objects": len(self._objects)}

    def ready(self) -> dict[str, Any]:
        """Mend what an earlier agent that was killed left half way; make the slot for the way back."""
        side = side_of(self._place.connect(), self._place.database)
        if side == "absent":
            raise Refused(f"there is no database {self._place.database}", "run the step prepare first")
        if side == "frozen":
            # Whoever froze it is gone: this agent has the lock.
            stream.lift_fence(self._connection, self._place.database)
        if self.side == "source":
            self._source_ready(side)
        elif side == "waiting" or self._promoted_in_vain(side):
            self._target_ready(side)
        return {}

    def _source_ready(self, side: str) -> None:
        if self._promoted_in_vain(side):
            self._wait_again()
        elif side == "serving":
            # The move that ended this was killed before it had tidied up.
            stream.drop_subscription(self._connection, self._place.base)
        self._sequences = sequences.uncalled(self._connection)

    def _wait_again(self) -> None:
        stream.demote(self._place, self._connection)
        # Nobody will read it: it must not hold back the disk's space.
        stream.drop_slots(self._place)

    def _target_ready(self, side: str) -> None:
        if stream.peer_side(self._place) == "waiting":
            return
        if side == "serving":
            stream.demote(self._place, self._connection)
        known = stream.subscription(self._connection, self._place.base)
        if known is not None or self._kept_for_this_end():
            # An earlier move may have come no further than the end of the old direction, or not as far as the new one.
            stream.follow(self._place)
            known = stream.subscription(self._connection, self._place.base)
        if known is None or known["left"]:
            raise Refused("the copy is not complete", "run the step replicate first")
        # A worker that was ended a moment ago starts again after seconds: those are not to fall into the pause.
        with self._peer() as peer:
            follows = stream.keeps_up(self._place, self._connection, peer, "ready", FOLLOWING)
        if not follows:
            mend = "repeat the step when it has caught up; if it never does, see the target's log"
            why = why_not(self._connection, self._place.base)
            raise Refused(f"the target does not follow the source closely{why}", mend)
        with self._peer() as peer:
            large.bring(self._connection, peer, self.limits["catch_up"])
        stream.make_slot(self._place, self._connection)
        self._slot = True

    def _kept_for_this_end(self) -> bool:
        with self._peer() as peer:
            return stream.kept_for_this_end(self._place, self._connection, peer)

    @contextlib.contextmanager
    def _peer(self) -> Iterator[Any]:
        peers: list[Any] = []

        def connected() -> bool:
            # An agent over there may just be lifting the fence of one that was killed.
            with contextlib.suppress(Error):
                peers.append(self._place.connect_peer())
            return bool(peers)

        if not wait(connected, 8, 0.1):
            raise Refused("the source does not let the target in", "see the source's log")
        with contextlib.closing(peers[0]) as peer:
            yield peer

    def freeze(self, limit: float) -> dict[str, Any]:
        """Fence the database and end the sessions of its clients; replication and superusers stay."""
        if side_of(self._connection, self._place.database) == "waiting":
            return {"ended": 0}
        see_ended(
            self._place.end, self.entry, lambda: beside(self._place, self._connection, self.entry, all_ended=True)
        )
        stream.raise_fence(self._connection, self._place.database, "frozen")
        ended: set[int] = set()

        def alone() -> bool:
            others = [row[0] for row in rows(self._connection, _OTHERS, (self._place.database,))]
            others = [pid for pid in others if not self._replicates(pid)]
            ended.update(others)
            rows(self._connection, "SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", (others,))
            return not others

        # Twice: a session that was let in just before the fence shows itself a moment later.
        for look in range(2):
            time.sleep(0.01 * look)
            self.until(alone, limit, "sessions of clients do not end", "look for one that ignores its termination")
        return {"ended": len(ended)}

    def _replicates(self, pid: int) -> bool:
        return bool(rows(self._connection, "SELECT 1 FROM pg_stat_replication WHERE pid = %s", (pid,)))

    def position(self) -> dict[str, Any]:
        """Answer what the target has to wait for, and where the sequences are."""
        if side_of(self._connection, self._place.database) == "waiting":
            # Sealed by an earlier move: the target was promoted before.
            return {"mark": None, "sequences": [], "objects": None}
        mark = stream.leave_mark(self._connection, "switch")
        found = sequences.sent(sequences.read(self._connection, self._sequences))
        return {"mark": mark, "sequences": found, "objects": large.handed_over(self._connection, self._objects)}

    def reached(self, positions: dict[str, Any], limit: float) -> dict[str, Any]:
        """Wait until every change before the source's mark is applied, then take over its sequences."""
        (given,) = positions.values()

        def applied() -> bool:
            if given["mark"] is None:
                return side_of(self._connection, self._place.database) == "serving"
            return stream.has_mark(self._connection, "switch", given["mark"])

        self.until(applied, limit, "the rest was not applied in time", "try when less is written")
        sequences.write(self._connection, sequences.received(given["sequences"]))
        objects = large.take(self._connection, given["objects"]) if given["objects"] else 0
        return {"sequences": len(given["sequences"]), "objects": objects}

    def promote(self) -> dict[str, Any]:
        """Let clients in; what they write from here on will flow back."""
        side = side_of(self._connection, self._place.database)
        if side == "frozen":
            # Clients were never sent away from here, whoever froze it for them is gone.
            stream.lift_fence(self._connection, self._place.database)
        if side in ("serving", "frozen"):
            return {}
        self._promoted = True
        return {"since": stream.promote(self._place, self._connection)}

    def seal(self) -> dict[str, Any]:
        """Make the fence of the freeze one that stays."""
        side = side_of(self._connection, self._place.database)
        if side == "serving":
            # Entries send to the other end already, so nobody has frozen this one: it was promoted in vain.
            self._wait_again()
        elif side != "waiting":
            stream.raise_fence(self._connection, self._place.database, "waiting")
        return {}

    def after(self) -> dict[str, Any]:
        """End the old direction and start the new one."""
        if self.side == "target":
            stream.drop_subscription(self._connection, self._place.base)
        elif side_of(self._connection, self._place.database) == "waiting":
            stream.follow(self._place)
        return {}

    def abandon(self) -> dict[str, Any]:
        """Thaw the source; let the target wait and follow as before."""
        side = side_of(self._connection, self._place.database)
        if self.side == "source" and side == "frozen":
            stream.lift_fence(self._connection, self._place.database)
        # A source that was sealed never comes back by itself: then this end is the only one that serves.
        if self.side == "target" and self._promoted and stream.peer_side(self._place) != "waiting":
            if side == "serving":
                stream.demote(self._place, self._connection)
            stream.go_on_following(self._place, self._connection)
            self._promoted = False
        if self._slot and not self._promoted:
            # Nobody will read it: it must not hold back the disk's space.
            stream.drop_slots(self._place)
            self._slot = False
        return {}
