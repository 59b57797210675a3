"""In a real world a plan says what comes along with its components, so that what is approved is what comes over.

Files that root's programs obey on the new host, and accounts that are made there, are declared with their digests and
numbers (`settings.sha256`, `settings.accounts`, where a kind has them); hosts refuse whatever else there is. A twin is
asked for nothing: its hosts are ours.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from infra.hearing import Unheard, parsed
from infra.worlds import World
from inventory.kinds import Kind, load_kinds, playbooks_folder
from inventory.words import _
from migrations.calls import RoleCall, SystemArguments, as_kept
from migrations.cli.approve import is_twin
from migrations.cli.help import WrongUse
from migrations.ledger import NOTHING_DONE, Ledger
from migrations.plan import Actuator, Plan, Unit
from migrations.preflight.asking import Hosts
from migrations.preflight.facts import Unread
from migrations.preflight.judging import lines_of

DECLARATIONS = ("sha256", "accounts")


class Undeclared(NamedTuple):
    """A component of a plan that does not say all that comes along with it."""

    arguments: SystemArguments
    component: RoleCall
    lacking: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"{self.arguments.system}/{self.component.name}"


def undeclared(units: Iterable[Unit], kinds: Mapping[str, Kind]) -> tuple[Undeclared, ...]:
    """Return the components of units that go to another host and do not say all that comes along."""
    return tuple(each for unit in units for each in _of_unit(unit, kinds))


def see_declared(plan: Plan, units: Iterable[str], ledger: Ledger, world: World, hosts: Hosts | None = None) -> None:
    """Refuse, in a real world, to begin with units that do not say what comes along; WrongUse names all of them.

    Their `hosts`, where given, are asked for the lines that are lacking. What has begun goes on: its hosts have agreed.
    """
    if is_twin(world):
        return
    taken = set(units) or {unit.key for unit in plan.units}
    begun = (unit for unit in plan.units if unit.key in taken and ledger.state(unit.key) in NOTHING_DONE)
    if found := undeclared(begun, load_kinds(playbooks_folder() / "roles")):
        told = "; ".join(f"{each.name}: {', '.join(f'settings.{one}' for one in each.lacking)}" for each in found)
        reason = _("the plan does not say what comes along, so nobody can have approved it: {told}").format(told=told)
        lines = [line for each in found for line in _lines(each, hosts)] if hosts is not None else []
        mend = _("read what zhenghe preflight tells of it, write it into the inventory, and plan anew")
        raise WrongUse(reason, "\n  ".join([mend, *lines]))


def _of_unit(unit: Unit, kinds: Mapping[str, Kind]) -> Iterator[Undeclared]:
    if unit.kind is not Actuator.SYSTEM:
        return
    seen = set()
    for step in unit.steps:
        if step.by not in {None, Actuator.SYSTEM}:
            continue
        arguments = SystemArguments.of(step.arguments)
        for call in arguments.components:
            known = kinds[call.kind].settings.get("properties", {}) if call.kind in kinds else {}
            lacking = tuple(word for word in DECLARATIONS if word in known and word not in call.settings)
            if call.targets and lacking and call.name not in seen:
                seen.add(call.name)
                yield Undeclared(arguments, call, lacking)


def _lines(each: Undeclared, hosts: Hosts) -> Iterator[str]:
    """Yield the lines to copy, as the component's hosts tell them; nothing of a host that does not."""
    entry = next((one for one in each.arguments.entries if one.component == each.component.name), None)
    given = {
        "system": each.arguments.system,
        "component": as_kept(each.component),
        "entry": {} if entry is None else {"name": entry.name, "port": entry.port},
    }
    for host in each.component.sources if hosts.knows(each.component.kind) else ():
        answer = hosts.ask(host, each.component.kind, given)
        with suppress(Unheard):
            told = answer.said.facts.get("unread") if answer.said is not None else None
            for line in lines_of(parsed(json.dumps(told or {}), Unread)):
                yield f"{each.name} ({host}): {line}"
