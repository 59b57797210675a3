"""Looks at all hosts of the systems that are asked about, side by side, and has what they say judged."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from inventory.base import Model
from inventory.derived.substitutions import substitutions
from inventory.derived.wired import host_addresses
from inventory.dispositions.decisions import MOVES, disposition_of
from inventory.kinds import Kind
from inventory.model import Component, Programme, System
from migrations.preflight.asking import Answer
from migrations.preflight.findings import Finding
from migrations.preflight.judging import Judge

AT_ONCE = 16
"""Hosts that are asked side by side."""
PROGRAMS = ("rsync", "runuser", "systemctl")
"""What the steps of a move call on a host."""


class Asking(Protocol):
    """Who puts questions to hosts."""

    def knows(self, kind: str) -> bool:
        """Say whether a kind has a look of its own."""

    def ask(self, host: str, kind: str, given: Mapping[str, Any]) -> Answer:
        """Ask a host one question."""


class PreflightResult(Model):
    """All findings, the heaviest of each system first, and the facts that they rest on, by host and question."""

    systems: tuple[str, ...]
    hosts: int
    findings: tuple[Finding, ...]
    facts: dict[str, dict[str, Any]]


class _Question(NamedTuple):
    system: System
    component: Component | None
    host: str
    kind: str
    given: Mapping[str, Any]


class Preflight:
    """The look at a programme's systems before they move."""

    def __init__(
        self, programme: Programme, kinds: Mapping[str, Kind], hosts: Asking, *, declared: bool = False
    ) -> None:
        self._programme = programme
        self._declared = declared
        self._kinds = kinds
        self._hosts = hosts
        self._addresses = {name: str(address) for name, address in host_addresses(programme).items()}

    def moving(self) -> tuple[System, ...]:
        """Return the systems that move and have a component with somewhere to go, never a classified one."""
        return tuple(
            system
            for system in self._programme.systems
            if not system.grading.classified
            and disposition_of(system, self._kinds).disposition in MOVES
            and any(part.to is not None for part in system.components)
        )

    def look(self, systems: Sequence[System]) -> PreflightResult:
        """Ask every host of some systems once, each database and site once, and judge the answers."""
        questions = [question for system in systems for question in self._questions(system)]
        once = {(each.host, each.kind, _named(each)): each for each in questions}
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            asked = pool.map(lambda each: self._hosts.ask(each.host, each.kind, each.given), once.values())
            answers = dict(zip(once, asked, strict=True))
        judge = Judge(self._programme, declared=self._declared)
        for each in questions:
            judge.take(each.system, each.component, each.host, each.kind, answers[each.host, each.kind, _named(each)])
        facts: dict[str, dict[str, Any]] = {}
        for (host, kind, name), answer in answers.items():
            facts.setdefault(host, {})[f"{kind} {name}".strip()] = answer.said.facts if answer.said else None
        names = tuple(system.system for system in systems)
        return PreflightResult(systems=names, hosts=len(facts), findings=judge.findings(), facts=facts)

    def _questions(self, system: System) -> list[_Question]:
        moving = [part for part in system.components if part.to is not None]
        found = []
        for host in sorted({host for part in moving for host in part.on}):
            folders = sorted({part.settings["root"] for part in moving if host in part.on and "root" in part.settings})
            given = {"programs": PROGRAMS, "folders": folders}
            found.append(_Question(system, None, host, "host", given))
        for part in moving:
            if self._hosts.knows(part.kind):
                found += [_Question(system, part, host, part.kind, self._given(system, part)) for host in part.on]
        return found

    def _given(self, system: System, part: Component) -> dict[str, Any]:
        component: dict[str, Any] = {
            "name": part.name,
            "kind": part.kind,
            "settings": part.settings,
            "source_addresses": [self._addresses[host] for host in part.on],
            "target_addresses": [] if part.to is None else [str(address) for address in part.to.addresses],
        }
        if self._kinds[part.kind].substitutes:
            rows = substitutions(self._programme, system, part)
            component["substitutions"] = [row.model_dump(mode="json") for row in rows]
        entry = {} if part.entry is None else {"name": part.entry.name, "port": part.entry.port}
        return {"system": system.system, "component": component, "entry": entry}


def _named(question: _Question) -> str:
    if question.component is None:
        return " ".join(question.given["folders"])
    return f"{question.system.system}/{question.component.name}"
