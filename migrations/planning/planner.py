"""Computes the plan from the programme and from the files that will act: the same in whatever order they are read."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from infra.declaration import declare_site
from inventory.derived.links import linked_sites
from inventory.derived.wiring import Wires
from inventory.dispositions.decisions import MOVES, disposition_of, untouched_line
from inventory.kinds import Kind
from inventory.model import Disposition, Line, Programme, System
from inventory.words import _N
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, Untouched
from migrations.planning.content import ContentOf, Contents
from migrations.planning.far_end import after_line, before_line, between
from migrations.planning.itineraries import BY_PEOPLE, ITINERARIES
from migrations.planning.placing import placed
from migrations.planning.systems import PlanIndex, SystemSteps
from netcfg.intent import line_steps

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
LINK_TIMEOUT = 300.0


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
        *_links(programme, content),
        *_lines(programme, content),
        *_systems(programme, kinds, courses, content),
    ]
    return Plan(
        programme=programme.programme,
        units=placed(drafts, {f"system:{system.system}": system.wave for system in programme.systems}),
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


def _links(programme: Programme, content: ContentOf) -> Iterator[Unit]:
    acting = content(Actuator.LINK, frozenset())
    for link in linked_sites(programme):
        reach = Step(
            id=f"link:{link.name}/reach",
            verb="reach",
            stage=Stage.PREPARE,
            kind=StepKind.REVERSIBLE,
            arguments={"link": link.model_dump(mode="json")},
            timeout=LINK_TIMEOUT,
        )
        needs = tuple(sorted(f"site:{end.site}" for end in link.ends))
        yield Unit(name=link.name, kind=Actuator.LINK, needs=needs, content=acting, steps=(reach,))


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
    index = PlanIndex(programme, kinds)
    lines: dict[str, set[str]] = {}
    for line in filter(_consolidated, programme.network.lines):
        lines.setdefault(line.department, set()).add(f"line:{line.name}")
    for system in programme.systems:
        course = courses[system.system]
        if not course.carried_out:
            continue
        steps = SystemSteps(index, system)
        yield Unit(
            name=system.system,
            kind=Actuator.SYSTEM,
            needs=tuple(sorted(_needs(system, courses, index, lines.get(system.department, set())))),
            content="" if course.disposition in BY_PEOPLE else content(Actuator.SYSTEM, steps.roles),
            steps=tuple(steps.along(ITINERARIES[course.disposition])),
        )


def _needs(system: System, courses: Mapping[str, _Course], index: PlanIndex, lines: set[str]) -> set[str]:
    """Return the units that must come before a system; `lines` are those of its department that move."""
    disposition = courses[system.system].disposition
    others: tuple[str, ...] = system.depends_on if disposition in MOVES else ()
    if disposition is Disposition.MERGE and system.into is not None:
        others = (system.into,)
    needs = {f"system:{name}" for name in others if name in courses and courses[name].carried_out}
    if disposition in MOVES:
        needs |= lines | {f"site:{name}" for name in index.sites_needed(system)}
    return needs
