"""The verbs of a MariaDB server; the action is in the role's module_utils."""

from __future__ import annotations

from typing import Any

from ansible.module_utils import zhenghe_my_accounts as accounts
from ansible.module_utils import zhenghe_my_compare as comparing
from ansible.module_utils import zhenghe_my_copy as copying
from ansible.module_utils import zhenghe_my_moved as moved
from ansible.module_utils import zhenghe_my_proxied as proxied
from ansible.module_utils import zhenghe_my_seed as seed
from ansible.module_utils import zhenghe_my_source as source
from ansible.module_utils import zhenghe_my_target as target
from ansible.module_utils import zhenghe_my_tls as tls
from ansible.module_utils import zhenghe_readers as readers
from ansible.module_utils.zhenghe_my_place import SOCKET, Place, side_of
from pymysql.err import MySQLError  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused, answer, seconds

Answer = dict[str, Any]
_NOT_LET_IN = "let root@localhost in by the socket: ALTER USER ... IDENTIFIED VIA unix_socket OR what it has now"
_MENDS = {
    1045: _NOT_LET_IN,
    1698: _NOT_LET_IN,
    2002: f"see that the server runs and has its socket at {SOCKET}",
    2003: f"see that the server runs and has its socket at {SOCKET}",
}
"""What to do about an error, by its number."""


class Verbs:
    """Each method is a verb; `meet`, `ready` and `handed` are parts of prepare, `admit` of others."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._mode: str = given["mode"]
        self._limit = seconds(given.get("limit", 0))
        self._entry: dict[str, Any] = given.get("entry", {})
        self._verifier: str = given.get("verifier", "")
        """The double hash of the other end's password."""
        self._offer: dict[str, Any] = given.get("offer") or {}
        """The other end's keys of SSH."""
        self._server: dict[str, Any] = given.get("server") or {}
        """By what the other end's server is known."""
        self._peer: str = (given["component"]["targets"] or [""])[0]
        self._place = Place(given["end"], given["system"], given["component"])
        self._end: Any = source if given["end"] == "source" else target

    def meet(self) -> Answer:
        """Make this end's password, key and certificate; return what the other end has to know of them."""
        ours = self._place.end == "target"
        offer = {
            "public_key": seed.public_key(self._place) if ours else "",
            "host_keys": [] if ours else readers.host_keys(),
            "accounts": {"users": [], "groups": []},
            "gives": [],
        }
        certificate = tls.shown(self._place)
        known = {"server": {"certificate": certificate, "name": self._place.address}} if certificate else {}
        return {"verifier": accounts.own_password(self._place), "offer": offer, **known}

    def ready(self) -> Answer:
        """Ready the end for the other one: the source's log and copy; the target must be empty."""
        with self._place.alone():
            tls.pin(self._place, self._server)
            if self._place.end == "target":
                target.see_empty(self._place)
                return {}
            source.prepare(self._place, self._verifier)
        # Long, and nothing else is kept waiting: a copy that lies there is not taken again.
        seed.take(self._place)
        if self._place.remembered().get("seed") == "taken":
            seed.let_target_fetch(self._place, self._peer, self._offer["public_key"])
        return {}

    def prepare(self) -> Answer:
        """Build the target; tell how both ends are."""
        with self._place.alone():
            if self._mode == "undo":
                self._end.undo(self._place)
                return answer(done=False)
            if self._mode == "apply" and self._place.end == "target" and not target.prepared(self._place):
                target.build(self._place, self._offer["host_keys"], self._verifier)
            if self._mode == "apply" and self._place.end == "source":
                seed.hand_over(self._place)
        done = self._end.prepared(self._place)
        return answer(done, **(self._end.facts(self._place) if done else {}))

    def admit(self) -> Answer:
        """Believe the entry on where a client comes from, and let hosts that move in from there; or no more."""
        with self._place.alone():
            proxied.believe(self._place, self._entry["address"] if self._mode == "apply" else "")
            connection = self._place.connect()
            if self._place.end == "source" and side_of(connection, self._place.base) == "serving":
                if self._mode == "apply":
                    moved.admit_moved(self._place, connection, self._entry)
                else:
                    moved.dismiss_moved(self._place, connection)
        return {}

    def replicate(self) -> Answer:
        """Follow, or no more."""
        if self._mode == "undo":
            with self._place.alone():
                target.stop_following(self._place)
            return answer(done=False)
        if not target.prepared(self._place):
            return answer(done=False, reason="the target is not prepared")
        connection = self._place.connect()
        found = (
            copying.replicate(self._place, self._limit)
            if self._mode == "apply"
            else copying.progress(self._place, connection)
        )
        return answer(found["complete"], **found)

    def lag(self) -> Answer:
        """Judge whether the switch may be made."""
        against = copying.gate(self._place, self._entry, self._limit if self._mode == "apply" else 0)
        if against and self._mode == "apply":
            raise Refused("; ".join(against), "mend it and run the step again; nothing was switched")
        return answer(not against, against=against)

    def verify(self) -> Answer:
        """Compare, from the end that waits."""
        if self._mode == "undo":
            return answer(done=False)
        with self._place.alone():
            connection = self._place.connect()
            if side_of(connection, self._place.base) != "waiting":
                return {}
            different, facts = comparing.compare(self._place, connection)
        if different and self._mode == "apply":
            raise Refused("the two ends differ: " + "; ".join(different), "return the system, then find out why")
        return answer(not different, **{**facts, "differences": different})

    def retire(self) -> Answer:
        """Give the way back up."""
        if self._mode == "undo":
            raise Refused("the way back was given up", "bring the data back by a migration in the other direction")
        facts: dict[str, Any] = {}
        if self._mode == "apply":
            with self._place.alone():
                facts = copying.retire(self._place)
        return answer(copying.retired(self._place), **facts)


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Do one verb at one end."""
    try:
        result: Answer = getattr(Verbs(given), given["verb"])()
    except MySQLError as exc:
        raise Refused(f"MariaDB: {exc}", _MENDS.get(exc.args[0], "see journalctl -u mariadb on this host")) from exc
    return {**result, "changed": given["mode"] != "probe"}
