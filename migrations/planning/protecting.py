"""Hosts at sites that carry something: no plan may replace or delete them."""

from collections.abc import Iterator, Mapping
from typing import Any

from inventory.errors import ZhengheError
from inventory.words import _
from migrations.ledger import NOTHING_DONE, Account, Ledger
from migrations.plan import Actuator, Plan, Unit

KEPT = ("image", "cpus", "memory", "network", "address")
"""What cannot be changed of a host without making it anew."""
_Server = Mapping[str, Any]


class HostInUse(ZhengheError, LookupError):
    """A plan would replace or delete hosts that carry systems; says which, and what to do next."""


def protect(plan: Plan, ledger: Ledger) -> None:
    """Refuse a plan that would replace or delete a host that carries a copy or a system; HostInUse."""
    if wrong := list(_endangered(plan, ledger)):
        mend = _("declare them as they were, or withdraw those systems first")
        raise HostInUse(f"{'; '.join(wrong)}; {mend}")


def _endangered(plan: Plan, ledger: Ledger) -> Iterator[str]:
    changed = {
        unit.key: unit
        for unit in plan.units
        if unit.kind is Actuator.SITE
        and ledger.state(unit.key) not in NOTHING_DONE
        and ledger.accounts[unit.key].unit.digest != unit.digest
    }
    if not changed:
        return
    carrying = _carrying(ledger)
    for account in ledger.with_steps(ledger.accounts[key] for key in changed):
        site = changed[account.unit.key]
        now = _servers(site)
        for name, server in _servers(account.unit).items():
            if name in carrying and (text := _danger(server, now.get(name))):
                user = carrying[name]
                yield text.format(site=site.key, host=name, system=user.unit.key, state=user.state, run=user.run)


def _danger(server: _Server, now: _Server | None) -> str:
    """Return the sentence for a server that would lose data if it became another one; empty where it would not."""
    if now is None:
        return _("{site} would delete host {host}, which carries {system} ({state} in run {run})")
    if any(now[field] != server[field] for field in KEPT):
        return _("{site} would replace host {host}, which carries {system} ({state} in run {run})")
    # A plan that was kept by an earlier version knows no volumes.
    if now.get("volume", 0) < server.get("volume", 0):
        return _("{site} would delete or shrink {host}'s volume, which carries {system} ({state} in run {run})")
    return ""


def _servers(site: Unit) -> Mapping[str, _Server]:
    return {str(server["name"]): server for step in site.steps for server in step.arguments["site"]["servers"]}


def _carrying(ledger: Ledger) -> Mapping[str, Account]:
    """Map hosts to the system that is, or is being, copied to them or is found through them."""
    found: dict[str, Account] = {}
    done = (each for each in ledger.accounts.values() if each.state not in NOTHING_DONE)
    for account in ledger.with_steps(each for each in done if each.unit.kind is Actuator.SYSTEM):
        for step in account.unit.steps:
            hosts = {host for part in step.arguments.get("components", ()) for host in part["targets"]}
            hosts |= {entry["host"] for entry in step.arguments.get("entries", ())}
            for host in hosts:
                found.setdefault(host, account)
    return found
