"""Computes the plan from the programme: pure, and the same whatever order its files were read in."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.declaration import declare_site
from inventory.derived.targets import component_hosts, entry_hosts, network_of, target_names
from inventory.derived.wired import host_addresses, names_of
from inventory.derived.wiring import Wires, resolver_of
from inventory.dispositions.decisions import MOVES, disposition_of, untouched_line
from inventory.kinds import Kind
from inventory.model import Component, Disposition, Programme, System
from inventory.words import _N, _
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, Untouched, digest
from netcfg.intent import line_steps


class MissingEntry(LookupError):
    """A component has an entry that nothing can serve; carries the system, the component and the reason."""

    def __init__(self, system: str, component: str, reason: str) -> None:
        self.system = system
        self.component = component
        self.reason = reason
        super().__init__(f"{system}, component {component}: {reason}")


SYSTEM_STEPS: tuple[tuple[str, Stage, StepKind, float], ...] = (
    ("prepare", Stage.PREPARE, StepKind.COMPENSATABLE, 300),
    ("replicate", Stage.PREPARE, StepKind.COMPENSATABLE, 300),
    ("front", Stage.PREPARE, StepKind.REVERSIBLE, 180),
    ("lag", Stage.CUTOVER, StepKind.GATE, 120),
    ("switch", Stage.CUTOVER, StepKind.REVERSIBLE, 180),
    ("verify", Stage.CUTOVER, StepKind.GATE, 300),
    ("retire", Stage.COMMIT, StepKind.PIVOT, 300),
)
"""Verb, stage, kind and timeout in seconds; where a step waits, the system's limit for catching up is added."""

NOT_MOVED: Mapping[Disposition, str] = {
    Disposition.LEAVE: _N("not moved by this plan: it stays where it is"),
    Disposition.MERGE: _N("not moved by this plan: it merges into another system"),
    Disposition.RELOCATE: _N("not moved by this plan: its hardware is relocated"),
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
WAITING = frozenset({"replicate", "lag", "switch"})
SINGLE = frozenset({"prepare", "replicate", "retire"})


def make_plan(programme: Programme, kinds: Mapping[str, Kind], content: str) -> Plan:
    """Compute the plan of a checked programme; `content` is the digest of the playbooks and programs that will run.

    KeyError for a kind that is not in `kinds`, LookupError where the programme does not hold together: both are found
    by the check of the inventory before. Nothing in a plan is translated, so that its digest is one in all languages.
    """
    programme = in_order(programme)
    drafts = [*_sites(programme), *_lines(programme), *_systems(programme, kinds)]
    return Plan(
        programme=programme.programme,
        inventory=digest(programme),
        content=content,
        units=_in_waves(drafts),
        untouched=tuple(sorted(_untouched(programme, kinds), key=lambda left: (left.kind, left.name))),
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


def _carried_out(system: System, kinds: Mapping[str, Kind]) -> Disposition | None:
    """Return what a plan does with a system: it moves or retires; none where it leaves it alone."""
    disposition = disposition_of(system, kinds).disposition
    moves = disposition in MOVES and any(part.to is not None for part in system.components)
    retires = disposition is Disposition.RETIRE and bool(system.components)
    return disposition if moves or retires else None


def _untouched(programme: Programme, kinds: Mapping[str, Kind]) -> Iterator[Untouched]:
    for system in programme.systems:
        if system.grading.classified:
            yield Untouched(name=system.system, kind="system", reason="classified: the intranet's own plan moves it")
        elif _carried_out(system, kinds) is None:
            reason = NOT_MOVED[disposition_of(system, kinds).disposition]
            yield Untouched(name=system.system, kind="system", reason=reason)
    for line in programme.network.lines:
        if line.golden_project is not None:
            yield Untouched(name=line.name, kind="line", reason=f"national golden project {line.golden_project}")
        elif (left := untouched_line(line)) is not None:
            yield Untouched(name=line.name, kind="line", reason=LEFT_LINES[left.rule])


def _unit(name: str, kind: Actuator, needs: set[str], steps: tuple[Step, ...]) -> Unit:
    return Unit(name=name, kind=kind, needs=tuple(sorted(needs)), wave=1, steps=steps)


def _sites(programme: Programme) -> Iterator[Unit]:
    for site in programme.sites:
        provision = Step(
            id=f"site:{site.name}/provision",
            verb="provision",
            stage=Stage.PREPARE,
            kind=StepKind.COMPENSATABLE,
            arguments={"site": declare_site(programme, site).model_dump(mode="json")},
            timeout=SITE_TIMEOUT,
        )
        yield _unit(site.name, Actuator.SITE, set(), (provision,))


def _lines(programme: Programme) -> Iterator[Unit]:
    wires = Wires(programme)
    for line in programme.network.lines:
        if untouched_line(line) is not None:
            continue
        steps = tuple(
            Step(
                id=f"line:{line.name}/{step.verb}",
                verb=step.verb,
                stage=Stage(step.stage),
                kind=StepKind(step.kind),
                arguments=step.arguments.model_dump(mode="json"),
                timeout=step.timeout,
            )
            for step in line_steps(programme, line, wires)
        )
        yield _unit(line.name, Actuator.LINE, set(), steps)


def _systems(programme: Programme, kinds: Mapping[str, Kind]) -> Iterator[Unit]:
    carried = {system.system: _carried_out(system, kinds) for system in programme.systems}
    ground = _Ground(programme, kinds)
    for system in programme.systems:
        if (course := carried[system.system]) is None:
            continue
        subject = _Subject(ground, system)
        if course in MOVES:
            needs = {f"system:{name}" for name in system.depends_on if carried.get(name) is not None}
            needs |= _sites_needed(programme, system) | ground.lines.get(system.department, set())
            yield _unit(system.system, Actuator.SYSTEM, needs, tuple(_moving_steps(subject)))
        else:
            yield _unit(system.system, Actuator.SYSTEM, set(), tuple(_retiring_steps(subject)))


def _sites_needed(programme: Programme, system: System) -> set[str]:
    direct = {part.to.site for part in system.components if part.to is not None}
    copies = {site.recovery.site for site in programme.sites if site.name in direct and site.recovery is not None}
    return {f"site:{name}" for name in direct | copies}


class _Ground:
    """What the steps of all systems are computed from, computed once: a programme may have thousands of them."""

    def __init__(self, programme: Programme, kinds: Mapping[str, Kind]) -> None:
        self.programme = programme
        self.kinds = kinds
        self.addresses = {name: str(address) for name, address in host_addresses(programme).items()}
        self.targets = component_hosts(programme)
        self.entries = {(host.site, host.network): host for host in entry_hosts(programme)}
        self.lines: dict[str, set[str]] = {}
        for line in programme.network.lines:
            if untouched_line(line) is None:
                self.lines.setdefault(line.department, set()).add(f"line:{line.name}")


class _Subject:
    """A system with all that its steps' arguments are computed from."""

    def __init__(self, ground: _Ground, system: System) -> None:
        self.system = system
        self._ground = ground

    def step(self, row: tuple[str, Stage, StepKind, float], part: Component | None = None) -> Step:
        """Return the step of one verb, for one component or for the whole system."""
        verb, stage, kind, timeout = row
        moving = tuple(each for each in self.system.components if each.to is not None) or self.system.components
        parts = moving if part is None else (part,)
        limits = self.system.limits
        waiting = limits.catch_up if verb in WAITING else 0
        return Step(
            id=f"system:{self.system.system}/{verb}" + ("" if part is None else f"/{part.name}"),
            verb=verb,
            stage=stage,
            kind=kind,
            arguments={
                "system": self.system.system,
                "verb": verb,
                "components": [self._component(each) for each in parts],
                "entries": [self._entry(each) for each in parts if each.entry is not None and each.to is not None],
                "names": self._names(),
                "limits": {"downtime": limits.downtime, "data_loss": limits.data_loss, "catch_up": limits.catch_up},
            },
            timeout=timeout + waiting,
        )

    def _component(self, part: Component) -> dict[str, Any]:
        return {
            "name": part.name,
            "kind": part.kind,
            "sources": list(part.on),
            "source_addresses": [self._ground.addresses[host] for host in part.on],
            "targets": list(target_names(self._ground.targets, part)),
            "target_addresses": [] if part.to is None else [str(address) for address in part.to.addresses],
            "settings": part.settings,
        }

    def _entry(self, part: Component) -> dict[str, Any]:
        assert part.entry is not None
        assert part.to is not None
        kind = self._ground.kinds[part.kind].entry
        if kind is None:
            raise MissingEntry(self.system.system, part.name, _("kind {kind} has no entry").format(kind=part.kind))
        network = network_of(self._ground.programme, part.to.site, part.to.addresses[0])
        host = self._ground.entries.get((part.to.site, network.name))
        if host is None:
            reason = _("network {network} has no host for entries").format(network=network.name)
            raise MissingEntry(self.system.system, part.name, reason)
        return {
            "component": part.name,
            "kind": kind,
            "name": part.entry.name,
            "port": part.entry.port,
            "host": host.name,
            "address": str(host.address),
        }

    def _names(self) -> dict[str, Any]:
        names = names_of(self._ground.programme)
        address = "" if self.system.domain is None else str(resolver_of(self._ground.programme, self.system.domain))
        return {"zone": names.zone, "server": names.server, "address": address, "ttl": names.ttl}


def _moving_steps(subject: _Subject) -> Iterator[Step]:
    moving = [part for part in subject.system.components if part.to is not None]
    for row in SYSTEM_STEPS:
        verb = row[0]
        if verb == "retire":
            # What is used by the others comes first in a system, so it is the last to stop.
            yield from (subject.step(row, part) for part in reversed(moving))
        elif verb in SINGLE:
            yield from (subject.step(row, part) for part in moving)
        elif verb == "front":
            yield from (subject.step(row, part) for part in moving if part.entry is not None)
        else:
            yield subject.step(row)


def _retiring_steps(subject: _Subject) -> Iterator[Step]:
    row = ("retire", Stage.COMMIT, StepKind.COMPENSATABLE, 300.0)
    yield from (subject.step(row, part) for part in reversed(subject.system.components))


def _in_waves(units: list[Unit]) -> tuple[Unit, ...]:
    """Number the waves by needs; the check of the inventory has refused circles, so the depth is finite."""
    by_key = {unit.key: unit for unit in units}
    waves: dict[str, int] = {}
    waiting = sorted(by_key)
    while waiting:
        ready = [key for key in waiting if all(need in waves for need in by_key[key].needs)]
        if not ready:
            raise LookupError(_("units wait for each other: {units}").format(units=", ".join(waiting)))
        for key in ready:
            waves[key] = 1 + max((waves[need] for need in by_key[key].needs), default=0)
        waiting = [key for key in waiting if key not in waves]
    numbered = (unit.model_copy(update={"wave": waves[unit.key]}) for unit in units)
    return tuple(
        sorted(
            numbered,
            key=lambda unit: (unit.wave, (Actuator.SITE, Actuator.LINE, Actuator.SYSTEM).index(unit.kind), unit.name),
        )
    )
