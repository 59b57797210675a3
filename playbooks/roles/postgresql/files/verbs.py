"""The verbs of a PostgreSQL database; the action is in the role's module_utils."""

from __future__ import annotations

from typing import Any

from ansible.module_utils import zhenghe_pg_accounts as accounts
from ansible.module_utils import zhenghe_pg_compare as comparing
from ansible.module_utils import zhenghe_pg_copy as copying
from ansible.module_utils import zhenghe_pg_hba as hba
from ansible.module_utils import zhenghe_pg_source as source
from ansible.module_utils import zhenghe_pg_target as target
from ansible.module_utils import zhenghe_pg_tls as tls
from ansible.module_utils.zhenghe_pg_clear import look
from ansible.module_utils.zhenghe_pg_place import Place, readable, side_of
from ansible.module_utils.zhenghe_pg_published import given_identities
from ansible.module_utils.zhenghe_pg_sessions import sharing
from psycopg2 import Error  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused, answer, seconds

Answer = dict[str, Any]


class Verbs:
    """Each method is a verb; `verifier` and `cluster` are parts of prepare, `admit` and `keyless` of others."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._mode: str = given["mode"]
        self._limit = seconds(given.get("limit", 0))
        self._downtime = seconds(given.get("downtime", 0))
        self._entry: dict[str, Any] = given.get("entry", {})
        self._verifier: str = given.get("verifier", "")
        """The SCRAM verifier of the other end's password."""
        self._server: dict[str, str] = given.get("server", {})
        """The certificate of the other end's server, and the name in it."""
        self._account: str = given.get("account", "")
        """The entry's own."""
        self._keyless: list[list[str]] = given.get("keyless", [])
        """Tables whose replica identity prepare changed."""
        self._place = Place(given["end"], given["system"], given["component"])
        self._end: Any = source if given["end"] == "source" else target

    def verifier(self) -> Answer:
        """Make this end's password; return what the other end has to know of it, and of this end's server."""
        return {"verifier": accounts.own_password(self._place), "server": tls.shown(self._place)}

    def cluster(self) -> Answer:
        """Ready the end for the other one: the target's cluster, the source itself."""
        with self._place.alone():
            tls.pin(self._place, self._server)
            if self._place.end == "source":
                source.prepare(self._place, self._verifier, self._entry)
            else:
                target.start_cluster(self._place)
                target.open_to_peer(self._place, self._verifier)
        return {}

    def prepare(self) -> Answer:
        """Build the target; tell how both ends are."""
        with self._place.alone():
            if self._mode == "undo":
                self._end.undo(self._place)
                return answer(done=False)
            if self._mode == "apply" and self._place.end == "target" and not target.prepared(self._place):
                target.build(self._place)
        done = self._end.prepared(self._place)
        return answer(done, **(self._end.facts(self._place) if done else {}))

    def admit(self) -> Answer:
        """Let the entry in at this end, or out; the source says what the entry has to hold."""
        with self._place.alone():
            if self._mode == "apply":
                held = self._admission() if self._place.end == "source" else {}
                older = tls.older_passwords(self._place)
                accounts.admit_entry(self._place, self._account, self._verifier, self._entry["address"], older)
                known = [*older.roles, *(["*"] if older.still_made else [])]
                return {"server": tls.shown(self._place), "older": known, **held}
            if self._mode == "undo" and side_of(self._place.connect(), self._place.database) != "absent":
                accounts.dismiss_entry(self._place)
        return {}

    def _admission(self) -> Answer:
        found = hba.of_source(self._place, self._entry)
        if found.refused:
            raise Refused("; ".join(found.refused), "mend what is said of each and run the step again")
        self._place.remember(admission=found.every)
        lines = [*found.near, *hba.with_moved(found.lines, self._entry.get("moved") or {})]
        connection = self._place.connect(self._place.database)
        shared = sharing(connection, self._place.pooling)
        seen = look(connection, self._entry["address"], self._place.remembered().get("seen"))
        self._place.remember(seen=seen)
        told = {"pooling": shared.pooling, "why": shared.why, "clients": shared.clients}
        return {"admission": {"lines": lines, "tls": seen.demanded(self._place.tls), "clear": seen.clear, **told}}

    def replicate(self) -> Answer:
        """Copy, and go on copying."""
        if self._mode == "undo":
            with self._place.alone():
                copying.forget(self._place)
            return answer(done=False)
        if not target.prepared(self._place):
            return answer(done=False, reason="the target is not prepared")
        if self._mode == "apply":
            found = copying.replicate(self._place, self._limit)
        elif side_of(self._place.connect(), self._place.database) == "serving":
            found = {"complete": True, "switched": True}
        else:
            found = copying.progress(self._place)
        return answer(found["complete"], **found)

    def lag(self) -> Answer:
        """Judge whether the switch may be made."""
        limit = self._limit if self._mode == "apply" else 0
        against = copying.gate(self._place, self._entry, limit, change=self._mode == "apply", downtime=self._downtime)
        if against and self._mode == "apply":
            raise Refused("; ".join(against), "mend it and run the step again; nothing was switched")
        return answer(not against, against=against)

    def verify(self) -> Answer:
        """Compare, from the end that follows."""
        if self._mode == "undo":
            return answer(done=False)
        if side_of(self._place.connect(), self._place.database) != "waiting":
            return {}
        different, facts = comparing.compare(self._place)
        if different and self._mode == "apply":
            raise Refused("the two ends differ: " + "; ".join(different), "return the system, then find out why")
        return answer(not different, **{**facts, "differences": different})

    def keyless(self) -> Answer:
        """Return the tables whose replica identity prepare changed."""
        # A source that was retired is stopped.
        if not self._place.running() or side_of(self._place.connect(), self._place.database) == "absent":
            return {"keyless": self._place.remembered().get("keyless", [])}
        return {"keyless": given_identities(self._place, self._place.connect(self._place.database))}

    def retire(self) -> Answer:
        """Give the way back up."""
        if self._mode == "undo":
            raise Refused("the way back was given up", "bring the data back by a migration in the other direction")
        facts: dict[str, Any] = {}
        if self._mode == "apply":
            with self._place.alone():
                facts = copying.retire(self._place, self._keyless)
        return answer(copying.retired(self._place), **facts)


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Do one verb at one end."""
    try:
        result: Answer = getattr(Verbs(given), given["verb"])()
    except Error as exc:
        raise Refused(f"PostgreSQL: {readable(str(exc).strip())}", "see the cluster's log on this host") from exc
    except Refused as exc:
        raise Refused(readable(exc.reason), readable(exc.mend)) from exc
    return {**_told(result), "changed": given["mode"] != "probe"}


def _told(found: Any) -> Any:
    """Return a result with texts that any reader takes."""
    if isinstance(found, str):
        return readable(found)
    if isinstance(found, dict):
        return {key: _told(each) for key, each in found.items()}
    return [_told(each) for each in found] if isinstance(found, (list, tuple)) else found
