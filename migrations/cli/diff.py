"""`zhenghe diff`: what tells two plans apart, or a plan and what was done in a world."""

import json
from pathlib import Path

from infra.twin.paths import state_root
from inventory.words import _
from migrations.cli import saying
from migrations.cli.help import WrongUse
from migrations.cli.wanted import ledger_in
from migrations.plan import Plan
from migrations.planning.differing import difference_from_ledger, difference_of, in_words
from migrations.planning.plan_store import KeptPlans, NoPlan
from migrations.planning.preparing import prepare


def show_difference(one: str, two: str, world: Path | None, *, as_json: bool) -> int:
    """Print what differs between two plans, given by digest or folder; 1 where anything does.

    Without a second plan the first is held against what was done in a world.
    """
    if bool(two) == (world is not None):
        raise WrongUse(_("give a second plan, or a world to compare with"), _("see: zhenghe diff --help"))
    plan = _plan(one)
    if world is not None:
        found = difference_from_ledger(plan, ledger_in(world)(plan.programme))
    else:
        found = difference_of(plan, _plan(two))
    if as_json:
        saying.say(json.dumps({"differences": [each.model_dump() for each in found]}, ensure_ascii=False))
    else:
        saying.say("\n".join(in_words(found)) or _("nothing differs"))
    return 1 if any(each.what != "state" for each in found) else 0


def _plan(named: str) -> Plan:
    if Path(named).is_dir():
        return prepare(Path(named)).plan
    try:
        return KeptPlans(state_root()).find(named).plan
    except NoPlan as exc:
        raise WrongUse(str(exc), _("give the digest of a plan that was computed here, or a folder")) from exc
