"""Computes the plan from the programme and from the files that will act: the same in whatever order they are read."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from infra.declaration import declare_site
from inventory.derived.substitutions import beside, substitutions, used
from inventory.derived.targets import component_hosts, entry_hosts, target_names
from inventory.derived.wired import host_addresses, names_of
from inventory.derived.wiring import Wires, resolver_of
from inventory.dispositions.decisions import MOVES, disposition_of, untouched_line
from inventory.errors import ZhengheError
from inventory.kinds import Kind
from inventory.model import Component, Disposition, Line, Programme, System
from inventory.words import _N, _
from migrations.calls import EntryCall, Limits, NameService, RoleCall, Task, as_kept
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, Untouched, digest_of_unit
from migrations.planning.content import ContentOf, Contents
from migrations.planning.itineraries import BY_PEOPLE, ITINERARIES, Stop, actuator_of
from migrations.planning.otherside import after_line, before_line, between
from netcfg.intent import line_steps


class MissingEntry(ZhengheError, LookupError):
    """A component has an entry that nothing can serve; carries the system, the component and the reason."""

    def __init__(self, system: str, component: str, reason: str) -> None:
        self.system = system
        self.component = component
        self.reason = reason
        super().__init__(f"{system}, component {component}: {reason}")


NOT_MOVED: Mapping[Disposition, str] = {
    Disposition.LEAVE: _N("not moved by this plan: it stays where it is"),
    Disposition.RETIRE: _N("not stopped by this plan: none of its components is recorded"),
    Disposition.REHOST: _N("no component has anywhere to go"),
    Disposition.REPLATFORM: _N("no component has anywhere to go"),
}
"""What is said of a system that is in no unit, by its disposition."""
LEFT_LINES: Mapping[str, str] = {
    "released-line": _N("it was given back already"),
    "exempt-line": _N("it is exempt"),
    "line-without-domain": _N("no domain takes its traffic over"),
}
"""What is said of a line that is in no unit, by the rule that leaves it alone."""

SITE_TIMEOUT = 900.0
NAME_SERVICE = "names"
"""The role that gives an entry's name to the entry."""
RANKS: Mapping[Actuator, int] = {Actuator.SITE: 0, Actuator.LINE: 1, Actuator.SYSTEM: 2}
"""Which kinds come first among units of one depth."""


def make_plan(programme: Programme, kinds: Mapping[str, Kind], content: ContentOf | None = None) -> Plan:
    """Compute the plan of a checked programme.

    `content` tells the digest of the files that act for a unit; those that are installed where it is left out.

    KeyError for a kind that is not in `kinds`, LookupError where the programme does not hold together: both are found
    by the check of the inventory before. Nothing in a plan is translated, so that its digest is one in all languages.
    """
    programme = in_order(programme)
    content = content or Contents().digest
    courses = {system.system: _course(system, kinds) for system in programme.systems}
    drafts = [
        *_sites(programme, kinds, content),
        *_lines(programme, content),
        *_systems(programme, kinds, courses, content),
    ]
    return Plan(
        programme=programme.programme,
        units=_placed(drafts, {f"system:{system.system}": system.wave for system in programme.systems}),
        untouched=tuple(sorted(_untouched(programme, courses), key=lambda left: (left.kind, left.name))),
    )


def in_order(programme: Programme) -> Programme:
    """Return the programme with everything that files may list in any order sorted by name."""
    network = programme.network
    return programme.model_copy(
        update={
            "departments": tuple(sorted(programme.departments, key=lambda each: each.name)),
            "sites": tuple(sorted(programme.sites, key=lambda each: each.name)),
            "sizes": tuple(sorted(programme.sizes, key=lambda each: each.name)),
            "systems": tuple(sorted(programme.systems, key=lambda each: each.system)),
            "network": network.model_copy(
                update={
                    "devices": tuple(sorted(network.devices, key=lambda each: each.name)),
                    "domains": tuple(sorted(network.domains, key=lambda each: each.name)),
                    "lines": tuple(sorted(network.lines, key=lambda each: each.name)),
                    "attachments": tuple(sorted(network.attachments, key=lambda each: str(each.prefix))),
                    "backbone": tuple(sorted(network.backbone, key=lambda each: str(each.prefix))),
                    "vantages": tuple(sorted(network.vantages, key=lambda each: each.name)),
                }
            ),
        }
    )


class _Course(NamedTuple):
    """What becomes of a system, and whether a plan does it."""

    disposition: Disposition
    carried_out: bool


def _course(system: System, kinds: Mapping[str, Kind]) -> _Course:
    disposition = disposition_of(system, kinds).disposition
    moves = disposition in MOVES and any(part.to is not None for part in system.components)
    retires = disposition is Disposition.RETIRE and bool(system.components)
    return _Course(disposition, moves or retires or disposition in BY_PEOPLE)


def carried_out(programme: Programme, kinds: Mapping[str, Kind]) -> Mapping[str, int | None]:
    """Return the systems that a whole plan carries out, with the waves that the inventory gives them."""
    return {
        system.system: system.wave
        for system in programme.systems
        if not system.grading.classified and _course(system, kinds).carried_out
    }


def _untouched(programme: Programme, courses: Mapping[str, _Course]) -> Iterator[Untouched]:
    for system in programme.systems:
        course = courses[system.system]
        if system.grading.classified:
            yield Untouched(name=system.system, kind="system", reason="classified: the intranet's own plan moves it")
        elif not course.carried_out:
            yield Untouched(name=system.system, kind="system", reason=NOT_MOVED[course.disposition])
    for line in programme.network.lines:
        if line.golden_project is not None:
            yield Untouched(name=line.name, kind="line", reason=f"national golden project {line.golden_project}")
        elif (left := untouched_line(line)) is not None:
            yield Untouched(name=line.name, kind="line", reason=LEFT_LINES[left.rule])


def _sites(programme: Programme, kinds: Mapping[str, Kind], content: ContentOf) -> Iterator[Unit]:
    for site in programme.sites:
        provision = Step(
            id=f"site:{site.name}/provision",
            verb="provision",
            stage=Stage.PREPARE,
            kind=StepKind.COMPENSATABLE,
            arguments={"site": declare_site(programme, site, kinds).model_dump(mode="json")},
            timeout=SITE_TIMEOUT,
        )
        acting = content(Actuator.SITE, frozenset())
        yield Unit(name=site.name, kind=Actuator.SITE, needs=(), content=acting, steps=(provision,))


def _consolidated(line: Line) -> bool:
    """Say whether a plan takes a line's traffic over: never while it is called a golden project's, rightly or not."""
    return untouched_line(line) is None and line.golden_project is None


def _lines(programme: Programme, content: ContentOf) -> Iterator[Unit]:
    wires = Wires(programme)
    for line in programme.network.lines:
        if not _consolidated(line):
            continue
        found = line_steps(programme, line, wires)
        steps = tuple(
            Step(
                id=f"line:{line.name}/{step.verb}",
                verb=step.verb,
                stage=Stage(step.stage),
                kind=StepKind(step.kind),
                arguments=step.arguments.model_dump(mode="json"),
                timeout=step.timeout,
            )
            for step in found
        )
        acting = content(
            Actuator.LINE, frozenset(change.platform for step in found for change in step.arguments.devices)
        )
        every = (*before_line(line, wires), *steps[:-1], *between(line, wires), *steps[-1:], *after_line(line, wires))
        yield Unit(name=line.name, kind=Actuator.LINE, needs=(), content=acting, steps=every)


def _systems(
    programme: Programme, kinds: Mapping[str, Kind], courses: Mapping[str, _Course], content: ContentOf
) -> Iterator[Unit]:
    ground = _Ground(programme, kinds)
    for system in programme.systems:
        course = courses[system.system]
        if not course.carried_out:
            continue
        subject = _Subject(ground, system)
        needs: set[str] = set()
        if course.disposition in MOVES:
            needs = {f"system:{name}" for name in system.depends_on if name in courses and courses[name].carried_out}
            needs |= {f"site:{name}" for name in ground.sites_needed(system)}
            needs |= ground.lines.get(system.department, set())
        elif course.disposition is Disposition.MERGE and (into := system.into) in courses:
            needs = {f"system:{into}"} if into is not None and courses[into].carried_out else set()
        yield Unit(
            name=system.system,
            kind=Actuator.SYSTEM,
            needs=tuple(sorted(needs)),
            content="" if course.disposition in BY_PEOPLE else content(Actuator.SYSTEM, subject.roles),
            steps=tuple(_steps(subject, ITINERARIES[course.disposition])),
        )


class _Ground:
    """What the steps of all systems are computed from, computed once: a programme may have thousands of them."""

    def __init__(self, programme: Programme, kinds: Mapping[str, Kind]) -> None:
        self.programme = programme
        self.kinds = kinds
        self.addresses = {name: str(address) for name, address in host_addresses(programme).items()}
        self.targets = component_hosts(programme)
        self.entries = {(host.site, host.network): host for host in entry_hosts(programme)}
        self.copies = {site.name: site.recovery.site for site in programme.sites if site.recovery is not None}
        self.lines: dict[str, set[str]] = {}
        for line in programme.network.lines:
            if _consolidated(line):
                self.lines.setdefault(line.department, set()).add(f"line:{line.name}")
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


class _Subject:
    """A system with all that its steps' arguments are computed from; what steps have in common they share."""

    def __init__(self, ground: _Ground, system: System) -> None:
        self.system = system
        self._ground = ground
        moving = tuple(part for part in system.components if part.to is not None)
        self.parts = moving or system.components
        self._components = {part.name: self._component(part) for part in self.parts}
        self._entries = {part.name: self._entry(part) for part in moving if part.entry is not None}
        self._names = ground.names(system.domain)
        limits = system.limits
        self._limits = as_kept(Limits(downtime=limits.downtime, data_loss=limits.data_loss, catch_up=limits.catch_up))

    @property
    def roles(self) -> frozenset[str]:
        """Return the roles that act for it: those of its components, of their entries, and of the name service."""
        entries = {str(entry["kind"]) for entry in self._entries.values()}
        return frozenset({part.kind for part in self.parts} | entries | ({NAME_SERVICE} if entries else set()))

    def step(self, stop: Stop, part: Component | None = None) -> Step:
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
        who = self._ground.departments.get(into) if stop.people == "taking" else None
        department = who or self.system.department
        return as_kept(Task(system=self.system.system, verb=stop.verb, into=into, days=stop.days, who=department))

    def _component(self, part: Component) -> dict[str, Any]:
        configured = self._ground.kinds[part.kind].substitutes
        call = RoleCall(
            name=part.name,
            kind=part.kind,
            sources=tuple(part.on),
            source_addresses=tuple(self._ground.addresses[host] for host in part.on),
            targets=tuple(target_names(self._ground.targets, part)),
            target_addresses=() if part.to is None else tuple(str(address) for address in part.to.addresses),
            settings=part.settings,
            substitutions=substitutions(self._ground.programme, self.system, part) if configured else None,
            beside=beside(self.system, part) if configured else None,
        )
        return as_kept(call)

    def _entry(self, part: Component) -> dict[str, Any]:
        assert part.entry is not None
        assert part.to is not None
        kind = self._ground.kinds[part.kind].entry
        if kind is None:
            raise MissingEntry(self.system.system, part.name, _("kind {kind} has no entry").format(kind=part.kind))
        network = self._ground.targets[part.to.site, part.to.addresses[0]].network
        host = self._ground.entries.get((part.to.site, network))
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
            moved=self._ground.moved(self._ground.near(self.system)),
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
            if self._ground.kinds[other.kind].substitutes and other.to is not None
            if any(component.name == part.name for _, component in used((self.system,), self.system, other))
            for host in other.on
        }
        return tuple(sorted(self._ground.addresses[host] for host in hosts))


def _steps(subject: _Subject, itinerary: Iterable[Stop]) -> Iterator[Step]:
    for stop in itinerary:
        if stop.per == "system":
            yield subject.step(stop)
            continue
        parts = reversed(subject.parts) if stop.backwards else subject.parts
        yield from (subject.step(stop, part) for part in parts if stop.per != "entry" or part.entry is not None)


def _placed(units: list[Unit], waves: Mapping[str, int | None]) -> tuple[Unit, ...]:
    """Give units their depth by needs, their wave and their digest, and put them in order.

    The check of the inventory has refused circles, so the depth is finite; LookupError where it is not.
    """
    depths = _depths(units)
    first = _first_waves(units, waves)
    placed = (
        unit.model_copy(update={"depth": depths[unit.key], "wave": first.get(unit.key), "digest": digest_of_unit(unit)})
        for unit in units
    )
    return tuple(sorted(placed, key=lambda unit: (unit.depth, RANKS[unit.kind], unit.name)))


def _depths(units: Iterable[Unit]) -> Mapping[str, int]:
    needs = {unit.key: set(unit.needs) for unit in units}
    needed_by: dict[str, list[str]] = {}
    for key, before in needs.items():
        for need in before:
            needed_by.setdefault(need, []).append(key)
    depths: dict[str, int] = {}
    ready, depth = [key for key, before in needs.items() if not before], 1
    while ready:
        depths |= dict.fromkeys(ready, depth)
        for key in ready:
            for waiting in needed_by.get(key, ()):
                needs[waiting].discard(key)
        ready = [waiting for key in ready for waiting in needed_by.get(key, ()) if not needs[waiting]]
        ready, depth = list(dict.fromkeys(ready)), depth + 1
    if left := sorted(needs.keys() - depths.keys()):
        raise LookupError(_("units wait for each other: {units}").format(units=", ".join(left)))
    return depths


def _first_waves(units: Iterable[Unit], waves: Mapping[str, int | None]) -> dict[str, int]:
    """Return the wave of each system that has one; sites and lines go with the first system that needs them."""
    first = {key: wave for key, wave in waves.items() if wave is not None}
    for unit in units:
        wave = waves.get(unit.key)
        if wave is not None:
            first |= {need: min(wave, first.get(need, wave)) for need in unit.needs if need not in waves}
    return first
