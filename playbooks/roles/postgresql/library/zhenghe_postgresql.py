"""One verb of a PostgreSQL database's move, on the host where this runs; the action is in the module's utilities.

Answers with `answer: {state, facts}`; what cannot be done fails with `msg` (why) and `mend` (what to do next).
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils import zhenghe_pg_accounts as accounts
from ansible.module_utils import zhenghe_pg_compare as comparing
from ansible.module_utils import zhenghe_pg_copy as copying
from ansible.module_utils import zhenghe_pg_source as source
from ansible.module_utils import zhenghe_pg_target as target
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.zhenghe_pg_place import Place, Refused, side_of
from psycopg2 import Error  # type: ignore[import-untyped, import-not-found, unused-ignore]

DOCUMENTATION = """
module: zhenghe_postgresql
short_description: Carries out one verb of a PostgreSQL database's move at one of its two ends
options:
  verb: {description: A verb of the plan; verifier and cluster are parts of prepare., required: true, type: str}
  mode: {description: probe, apply or undo., required: true, type: str}
  end: {description: source or target., required: true, type: str}
  system: {description: The system's name., required: true, type: str}
  component: {description: The component as the step carries it., required: true, type: dict}
  entry: {description: The component's entry; empty where it has none., type: dict}
  limit: {description: How long waiting may take., type: str}
  verifier: {description: The SCRAM verifier of the other end's password., type: str}
  account: {description: The entry's own account., type: str}
  keyless: {description: Tables whose replica identity prepare changed., type: list}
author: [zhenghe]
"""
EXAMPLES = "- zhenghe_postgresql: {verb: lag, mode: probe, end: target, system: tax, component: '{{ component }}'}"
RETURN = "answer: {description: state and facts, type: dict}"

Answer = dict[str, Any]
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(written: str) -> float:
    """Return a duration in seconds, written as a number or as a number with a unit."""
    number = written.rstrip("dhms")
    return float(number) * _UNITS[written[len(number) :] or "s"]


def said(done: bool, facts: dict[str, Any] | None = None) -> Answer:  # noqa: FBT001
    """Return an answer as step.yml collects it."""
    return {"answer": {"state": "done" if done else "not-done", "facts": facts or {}}}


class Verbs:
    """Each method is a verb; the module's parameters are its arguments."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._mode: str = parameters["mode"]
        self._limit = seconds(parameters["limit"])
        self._entry: dict[str, Any] = parameters["entry"] or {}
        self._verifier: str = parameters["verifier"] or ""
        self._account: str = parameters["account"] or ""
        self._keyless: list[list[str]] = parameters["keyless"] or []
        self._place = Place(parameters["end"], parameters["system"], parameters["component"])
        self._end: Any = source if parameters["end"] == "source" else target

    def verifier(self) -> Answer:
        """Make this end's password; return what the other end has to know of it."""
        return {"verifier": accounts.own_password(self._place)}

    def cluster(self) -> Answer:
        """Ready the end for the other one: the target's cluster, the source itself."""
        with self._place.alone():
            if self._place.end == "source":
                source.prepare(self._place, self._verifier)
            else:
                target.start_cluster(self._place)
                target.open_to_peer(self._place, self._verifier)
        return {}

    def prepare(self) -> Answer:
        """Build the target; tell how both ends are."""
        with self._place.alone():
            if self._mode == "undo":
                self._end.undo(self._place)
                return said(done=False)
            if self._mode == "apply" and self._place.end == "target" and not target.prepared(self._place):
                target.build(self._place)
        done = self._end.prepared(self._place)
        return said(done, self._end.facts(self._place) if done else {})

    def admit(self) -> Answer:
        """Let the entry in at this end, or out."""
        with self._place.alone():
            if self._mode == "apply":
                accounts.admit_entry(self._place, self._account, self._verifier, self._entry["address"])
            elif self._mode == "undo" and side_of(self._place.connect(), self._place.database) != "absent":
                accounts.dismiss_entry(self._place)
        return {}

    def replicate(self) -> Answer:
        """Copy, and go on copying."""
        if self._mode == "undo":
            with self._place.alone():
                copying.forget(self._place)
            return said(done=False)
        if not target.prepared(self._place):
            return said(done=False, facts={"reason": "the target is not prepared"})
        if self._mode == "apply":
            found = copying.replicate(self._place, self._limit)
        elif side_of(self._place.connect(), self._place.database) == "serving":
            found = {"complete": True, "switched": True}
        else:
            found = copying.progress(self._place)
        return said(found["complete"], found)

    def lag(self) -> Answer:
        """Judge whether the switch may be made."""
        limit = self._limit if self._mode == "apply" else 0
        addresses = [self._entry["address"]] if self._entry else []
        against = copying.gate(self._place, addresses, limit, change=self._mode == "apply")
        if against and self._mode == "apply":
            raise Refused("; ".join(against), "mend it and run the step again; clients have noticed nothing")
        return said(not against, {"against": against})

    def verify(self) -> Answer:
        """Compare, from the end that follows."""
        if self._mode == "undo":
            return said(done=False)
        if side_of(self._place.connect(), self._place.database) != "waiting":
            return {}
        different, facts = comparing.compare(self._place)
        if different and self._mode == "apply":
            raise Refused("the two ends differ: " + "; ".join(different), "return the system, then find out why")
        return said(not different, {**facts, "differences": different})

    def keyless(self) -> Answer:
        """Return the tables whose replica identity prepare changed."""
        return {"keyless": self._place.remembered().get("keyless", [])}

    def retire(self) -> Answer:
        """Give the way back up."""
        if self._mode == "undo":
            raise Refused("the way back was given up", "bring the data back by a migration in the other direction")
        facts: dict[str, Any] = {}
        if self._mode == "apply":
            with self._place.alone():
                facts = copying.retire(self._place, self._keyless)
        return said(copying.retired(self._place), facts)


def main() -> None:
    """Carry out the verb and answer."""
    module = AnsibleModule(
        argument_spec={
            "verb": {"required": True},
            "mode": {"required": True, "choices": ["probe", "apply", "undo"]},
            "end": {"required": True, "choices": ["source", "target"]},
            "system": {"required": True},
            "component": {"required": True, "type": "dict"},
            "entry": {"type": "dict"},
            "limit": {"default": "0"},
            "verifier": {"no_log": True},
            "account": {},
            "keyless": {"type": "list", "elements": "list"},
        }
    )
    verb = module.params["verb"]
    try:
        result = getattr(Verbs(module.params), verb)()
    except Refused as refused:
        module.fail_json(msg=refused.reason, mend=refused.mend)
    except Error as exc:
        module.fail_json(msg=f"PostgreSQL: {str(exc).strip()}", mend="see the cluster's log on this host")
    else:
        module.exit_json(changed=module.params["mode"] != "probe", **result)


if __name__ == "__main__":
    main()
