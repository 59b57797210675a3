"""A MariaDB server in a cutover: the end that serves freezes and is sealed, the end that follows is promoted.

What the pause is made of: on the source the department's accounts are locked and sessions ended, each between its
transactions; the position of its binary log; on the target the wait until that is applied, accounts unlocked, writes
taken. The new direction starts after, from the position at which the target was promoted.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ansible.module_utils import zhenghe_my_fence as fence
from ansible.module_utils import zhenghe_my_moved as moved
from ansible.module_utils import zhenghe_my_own as own
from ansible.module_utils import zhenghe_my_stream as stream
from ansible.module_utils.zhenghe_ended import see_ended
from ansible.module_utils.zhenghe_my_beside import beside
from ansible.module_utils.zhenghe_my_place import Place, side_of

from playbooks.agents import loop
from playbooks.agents.kit import Refused

FOLLOWING = 20.0
"""Seconds in which the target has to show, before the pause, that it follows."""
_SOURCE_STATES = {"serving": "open", "frozen": "frozen", "waiting": "sealed", "absent": "open"}


class Agent(loop.Agent):
    """One end of the server, of this move."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        end, component = self.as_surveyed()
        self._place = Place(end, self.system, component)
        self._held = contextlib.ExitStack()
        self._promoted = False
        self._stay_locked: tuple[tuple[str, str], ...] = ()

    @property
    def _side(self) -> str:
        return side_of(self._connection, self._place.base)

    def open(self) -> dict[str, Any]:
        """Connect, and look which side this end is."""
        self._held.enter_context(self._place.alone(20))
        self._connection = self._place.connect()
        side = self._side
        if self.side == "source":
            if side != "waiting":
                return {"state": _SOURCE_STATES[side]}
            if stream.status(self._connection) is None and stream.peer_side(self._place) == "serving":
                # Without the way back a move is not done, though its source is sealed.
                return {"state": "frozen"}
            return {"state": "sealed", "way_back": stream.way_back(self._place, self._connection)}
        if side == "absent":
            return {"state": "waiting", "server": "not prepared"}
        if self._promoted_in_vain(side):
            return {"state": "waiting", "promoted": "in vain"}
        return {"state": "promoted" if side == "serving" else "waiting"}

    def _promoted_in_vain(self, side: str) -> bool:
        # Promoted, and then the source was thawed instead of sealed: nobody was sent here. This end alone knows still
        # how it followed, whichever way the next move goes; the other one may still be frozen.
        followed = side == "serving" and stream.status(self._connection) is not None
        return followed and stream.peer_side(self._place) in ("serving", "frozen")

    def ready(self) -> dict[str, Any]:
        """Mend what an earlier agent that was killed left half way; see that the target follows."""
        side = self._side
        if side == "absent":
            raise Refused("this end is not prepared", "run the step prepare first")
        if side == "frozen":
            # Whoever froze it is gone: this agent has the lock.
            self._thaw()
        elif self.side == "source":
            if self._promoted_in_vain(side):
                self._wait_again()
            elif side == "serving":
                stream.forget(self._connection)
                if self.direction == "forward" and self.entry:
                    # Accounts may have come since the entry was set up.
                    moved.admit_moved(self._place, self._connection, self.entry)
        elif side == "waiting" or self._promoted_in_vain(side):
            self._target_ready(side)
        return {}

    def _target_ready(self, side: str) -> None:
        with contextlib.closing(self._place.connect_peer()) as peer:
            if side_of(peer, self._place.base) == "waiting":
                return
            if side == "serving":
                self._demote()
            else:
                # Whoever was killed while he promoted this end has let in some already.
                fence.raise_fence(self._place, self._connection, "waiting")
                fence.take_no_writes(self._connection)
                fence.keep_fenced(self._place)
            if stream.trouble(self._connection):
                self._follow_again(peer)
            wanted = stream.written(peer)
            if not stream.reaches(self._connection, wanted, FOLLOWING):
                why = stream.trouble(self._connection) or "it is behind"
                raise Refused(f"the target does not follow the source closely: {why}", "repeat when it has caught up")
            stream.same_events(self._connection, peer)
            self._stay_locked = fence.locked_by_department(peer, self._place.base)
            own.note(self._place, self._connection, **fence.as_clients_have_it(self._place, peer))

    def _follow_again(self, peer: Any) -> None:
        if stream.status(self._connection) is None:
            since = own.noted(self._place, peer, "since")
            if since == own.NEVER:
                raise Refused("the target does not follow the source", "run the step replicate first")
            stream.begin_at(self._connection, since)
        stream.follow(self._place, self._connection)

    def freeze(self, limit: float) -> dict[str, Any]:
        """Fence the server and end the sessions of its clients; replication stays."""
        if self._side == "waiting":
            return {"ended": 0}
        see_ended(
            self._place.end, self.entry, lambda: beside(self._place, self._connection, self.entry, all_ended=True)
        )
        fence.wait_no_longer(self._connection, limit)
        fence.raise_fence(self._place, self._connection, "frozen")
        ended, holding = fence.empty(self._place, self._connection, limit)
        if holding:
            raise Refused(f"transactions have not ended in time: {', '.join(holding[:10])}",
                          "wait for their end, or raise limits.downtime")  # fmt: skip
        fence.take_no_writes(self._connection)
        return {"ended": ended}

    def position(self) -> dict[str, Any]:
        """Answer what the target has to come to."""
        if self._side == "waiting":
            # Sealed by an earlier move: the target was promoted before.
            return {"position": None}
        return {"position": stream.written(self._connection)}

    def reached(self, positions: dict[str, Any], limit: float) -> dict[str, Any]:
        """Wait until every change before the source's position is applied."""
        (given,) = positions.values()
        if given["position"] is None:
            if self._side != "serving":
                raise Refused("the source is sealed and this end was not promoted", "run the step lag to see why")
            return {}
        if not stream.reaches(self._connection, given["position"], limit):
            why = stream.trouble(self._connection)
            raise Refused(f"the rest was not applied in time{': ' if why else ''}{why}", "try when less is written")
        return {}

    def promote(self) -> dict[str, Any]:
        """Let clients in; what they write from here on will flow back."""
        side = self._side
        if side == "frozen":
            # Clients were never sent away from here, whoever froze it for them is gone.
            self._thaw()
        if side in ("serving", "frozen"):
            return {}
        self._promoted = True
        stream.stop(self._connection)
        own.note(self._place, self._connection, since=stream.here(self._connection))
        fence.lift_fence(self._place, self._connection, stay_locked=self._stay_locked)
        return {}

    def seal(self) -> dict[str, Any]:
        """Make the fence of the freeze one that stays."""
        side = self._side
        if side == "serving":
            # Entries send to the other end already, so nobody has frozen this one: it was promoted in vain.
            self._wait_again()
        elif side != "waiting":
            own.note(self._place, self._connection, side="waiting")
            fence.keep_fenced(self._place)
        return {}

    def after(self) -> dict[str, Any]:
        """End the old direction and start the new one; events run where clients are."""
        if self.side == "target":
            stream.forget(self._connection)
            fence.start_events(self._place, self._connection)
        elif self._side == "waiting" and stream.trouble(self._connection):
            with contextlib.closing(self._place.connect_peer()) as peer:
                self._follow_again(peer)
        return {}

    def abandon(self) -> dict[str, Any]:
        """Thaw the source; let the target wait and follow as before."""
        side = self._side
        if self.side == "source" and side == "frozen":
            self._thaw()
        # A source that was sealed never comes back by itself: then this end is the only one that serves.
        if self.side == "target" and self._promoted and stream.peer_side(self._place) != "waiting":
            self._wait_again()
            self._promoted = False
        return {}

    def _thaw(self) -> None:
        fence.lift_fence(self._place, self._connection)
        fence.start_events(self._place, self._connection)

    def _wait_again(self) -> None:
        self._demote()
        stream.follow(self._place, self._connection)

    def _demote(self) -> None:
        fence.raise_fence(self._place, self._connection, "waiting")
        fence.empty(self._place, self._connection, 2)
        fence.take_no_writes(self._connection)
        fence.keep_fenced(self._place)
