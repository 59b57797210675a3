"""Computes the steps of each system: one for each stop of its itinerary, with all its arguments."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from inventory.derived.substitutions import beside, substitutions, used
from inventory.derived.targets import component_hosts, entry_hosts, target_names
from inventory.derived.wired import host_addresses, names_of
from inventory.derived.wiring import resolver_of
from inventory.errors import ZhengheError
from inventory.kinds import Kind
from inventory.model import Component, Programme, System
from inventory.words import _
from migrations.calls import EntryCall, Limits, NameService, RoleCall, Task, as_kept
from migrations.plan import Step
from migrations.planning.itineraries import Stop, actuator_of


class MissingEntry(ZhengheError, LookupError):
    """A component has an entry that nothing can serve; carries the system, the component and the reason."""

    def __init__(self, system: str, component: str, reason: str) -> None:
        self.system = system
        self.component = component
        self.reason = reason
        super().__init__(f"{system}, component {component}: {reason}")


NAME_SERVICE = "names"
"""The role that gives an entry's name to the entry."""


class PlanIndex:
    """What the steps of all systems are computed from, computed once: a programme may have thousands of them."""

    def __init__(self, programme: Programme, kinds: Mapping[str, Kind]) -> None:
        self.programme = programme
        self.kinds = kinds
        self.addresses = {name: str(address) for name, address in host_addresses(programme).items()}
        self.targets = component_hosts(programme)
        self.entries = {(host.site, host.network): host for host in entry_hosts(programme)}
        self.copies = {site.name: site.recovery.site for site in programme.sites if site.recovery is not None}
        self.departments = {system.system: system.department for system in programme.systems}
        self.names = cache(self._names)
        self.moved = cache(self._moved)
        self._dependents: dict[str, set[str]] = {}
        for system in programme.systems:
            for needed in system.depends_on:
                self._dependents.setdefault(needed, set()).add(system.department)

    def sites_needed(self, system: System) -> set[str]:
        """Return the sites that a system moves to, and those that keep their copies."""
        direct = {part.to.site for part in system.components if part.to is not None}
        return direct | {self.copies[name] for name in direct if name in self.copies}

    def near(self, system: System) -> frozenset[str]:
        """Return the departments whose hosts may be clients of a system: its own, and those that need it."""
        return frozenset({system.department, *self._dependents.get(system.system, ())})

    def _moved(self, departments: frozenset[str]) -> dict[str, tuple[str, ...]]:
        """Return the new addresses of the hosts of some departments, by the old: an entry lets them in from there."""
        moved: dict[str, set[str]] = {}
        for system in self.programme.systems:
            for part in system.components if system.department in departments else ():
                news = {str(address) for address in part.to.addresses} if part.to is not None else set()
                for host in part.on:
                    moved.setdefault(self.addresses[host], set()).update(news)
        return {old: tuple(sorted(news)) for old, news in sorted(moved.items()) if news}

    def _names(self, domain: str | None) -> dict[str, Any]:
        """Return what a system in a domain must know of the name service."""
        names = names_of(self.programme)
        address = "" if domain is None else str(resolver_of(self.programme, domain))
        return as_kept(NameService(zone=names.zone, server=names.server, address=address, ttl=names.ttl))


class SystemSteps:
    """A system with all that its steps' arguments are computed from; what steps have in common they share."""

    def __init__(self, index: PlanIndex, system: System) -> None:
        self.system = system
        self._index = index
        moving = tuple(part for part in system.components if part.to is not None)
        self.parts = moving or system.components
        self._components = {part.name: self._component(part) for part in self.parts}
        self._entries = {part.name: self._entry(part) for part in moving if part.entry is not None}
        self._names = index.names(system.domain)
        limits = system.limits
        self._limits = as_kept(Limits(downtime=limits.downtime, data_loss=limits.data_loss, catch_up=limits.catch_up))

    @property
    def roles(self) -> frozenset[str]:
        """Return the roles that act for it: those of its components, of their entries, and of the name service."""
        entries = {str(entry["kind"]) for entry in self._entries.values()}
        return frozenset({part.kind for part in self.parts} | entries | ({NAME_SERVICE} if entries else set()))

    def along(self, itinerary: Iterable[Stop]) -> Iterator[Step]:
        """Yield the steps of an itinerary: one for the system, or one for each component that the stop is for."""
        for stop in itinerary:
            if stop.per == "system":
                yield self._step(stop)
                continue
            parts = reversed(self.parts) if stop.backwards else self.parts
            yield from (self._step(stop, part) for part in parts if stop.per != "entry" or part.entry is not None)

    def _step(self, stop: Stop, part: Component | None = None) -> Step:
        """Return the step of one stop, for one component or for the whole system."""
        return Step(
            id=f"system:{self.system.system}/{stop.verb}" + ("" if part is None else f"/{part.name}"),
            verb=stop.verb,
            stage=stop.stage,
            kind=stop.kind,
            arguments=self._task(stop) if stop.people else self._arguments(stop, part),
            timeout=stop.timeout + (self.system.limits.catch_up if stop.waits else 0),
            by=actuator_of(stop),
        )

    def _arguments(self, stop: Stop, part: Component | None) -> dict[str, Any]:
        """Return SystemArguments as a plan keeps them; a system's steps share their parts."""
        parts = self.parts if part is None else (part,)
        return {
            "system": self.system.system,
            "verb": stop.verb,
            "components": [self._components[each.name] for each in parts],
            "entries": [self._entries[each.name] for each in parts if each.name in self._entries],
            "names": self._names,
            "limits": self._limits,
        }

    def _task(self, stop: Stop) -> dict[str, Any]:
        """Return what a person has to do, as the actuator of people reads it."""
        into = self.system.into or ""
        who = self._index.departments.get(into) if stop.people == "taking" else None
        department = who or self.system.department
        return as_kept(Task(system=self.system.system, verb=stop.verb, into=into, days=stop.days, who=department))

    def _component(self, part: Component) -> dict[str, Any]:
        configured = self._index.kinds[part.kind].substitutes
        call = RoleCall(
            name=part.name,
            kind=part.kind,
            sources=tuple(part.on),
            source_addresses=tuple(self._index.addresses[host] for host in part.on),
            targets=tuple(target_names(self._index.targets, part)),
            target_addresses=() if part.to is None else tuple(str(address) for address in part.to.addresses),
            settings=part.settings,
            substitutions=substitutions(self._index.programme, self.system, part) if configured else None,
            beside=beside(self.system, part) if configured else None,
        )
        return as_kept(call)

    def _entry(self, part: Component) -> dict[str, Any]:
        assert part.entry is not None
        assert part.to is not None
        kind = self._index.kinds[part.kind].entry
        if kind is None:
            raise MissingEntry(self.system.system, part.name, _("kind {kind} has no entry").format(kind=part.kind))
        network = self._index.targets[part.to.site, part.to.addresses[0]].network
        host = self._index.entries.get((part.to.site, network))
        if host is None:
            reason = _("network {network} has no host for entries").format(network=network)
            raise MissingEntry(self.system.system, part.name, reason)
        call = EntryCall(
            component=part.name,
            kind=kind,
            name=part.entry.name,
            port=part.entry.port,
            host=host.name,
            address=str(host.address),
            moved=self._index.moved(self._index.near(self.system)),
            ending=self._ending(part) or None,
        )
        return as_kept(call)

    def _ending(self, part: Component) -> tuple[str, ...]:
        """Return the hosts, by address, on which services that use a component end by themselves in its switch.

        They name it by its old address until then, so nobody could have them come by the entry before.
        """
        hosts = {
            host
            for other in self.parts
            if self._index.kinds[other.kind].substitutes and other.to is not None
            if any(component.name == part.name for _, component in used((self.system,), self.system, other))
            for host in other.on
        }
        return tuple(sorted(self._index.addresses[host] for host in hosts))
