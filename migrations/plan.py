"""The plan: a value with one digest over cloud resources, playbooks with their variables, and device configurations."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Literal

from inventory.base import Model


class Actuator(StrEnum):
    """Who carries a step out: Pulumi for sites, Ansible for systems, netmiko for lines, people what no program can."""

    SITE = "site"
    LINK = "link"
    """Of two sites: nobody makes it, it is looked at from both ends."""
    SYSTEM = "system"
    LINE = "line"
    PEOPLE = "people"
    """Of no unit the kind: units of other kinds have steps of people's."""


class StepKind(StrEnum):
    """How a step can be taken back; a gate only looks, so nothing is, and it is passed anew every time."""

    GATE = "gate"
    REVERSIBLE = "reversible"
    COMPENSATABLE = "compensatable"
    PIVOT = "pivot"


class Stage(StrEnum):
    """When a step runs: before the cutover, in it, or when the move is committed."""

    PREPARE = "prepare"
    CUTOVER = "cutover"
    COMMIT = "commit"


class Step(Model):
    """One deed of a unit: its verb is a word of the field, its arguments are all it needs beside the world."""

    id: str
    verb: str
    stage: Stage
    kind: StepKind
    arguments: dict[str, Any]
    timeout: float
    by: Actuator | None = None
    """Who carries it out, where that is not its unit's kind."""


class Unit(Model):
    """A site, a link, a system or a line, with its steps in order; its cutover waits for the units that it needs.

    Sites and lines that it needs have come through before it begins at all.
    """

    name: str
    kind: Actuator
    needs: tuple[str, ...]
    """Keys of units, sorted; those that are not in the same plan have come through before it is carried out."""
    wave: int | None = None
    """The wave in which the inventory has it moved; a site's or line's is the first of those that need it."""
    depth: int = 1
    """One more than the greatest depth of what it needs; the first is 1."""
    content: str = ""
    """SHA-256 of the files that act for it: roles with what they import, platforms, the Pulumi program."""
    digest: str = ""
    """What `digest_of_unit` returned for it when it was planned; empty in a plan that nobody keeps."""
    steps: tuple[Step, ...]

    @property
    def key(self) -> str:
        """Return what names the unit in the whole plan, such as system:archive: a line may be named like a system."""
        return f"{self.kind}:{self.name}"


class Untouched(Model):
    """What the plan leaves alone, only named, with the reason."""

    name: str
    kind: Literal["system", "line"]
    reason: str


class Scope(Model):
    """Which units of a programme a plan is about: all of them, those of a wave, or some by their keys."""

    wave: int | None = None
    units: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Say whether it leaves nothing out."""
        return self.wave is None and not self.units


class Plan(Model):
    """Units in the order of their needs; what is not in it is not done."""

    programme: str
    scope: Scope = Scope()
    units: tuple[Unit, ...]
    """By depth, sites before links before lines before systems, then by name."""
    untouched: tuple[Untouched, ...]


STANDING = frozenset({Actuator.SITE, Actuator.LINK})
"""Kinds of units that no cutover moves: once they are ready they stand, and are gone through again when they change."""


def needed_by(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """Return for each unit of a plan itself and all units that it needs, theirs included, by their keys."""
    found: dict[str, tuple[str, ...]] = {}
    for unit in plan.units:
        # Whatever a unit needs comes before it.
        every = (one for need in unit.needs for one in found.get(need, ()))
        found[unit.key] = tuple(dict.fromkeys((unit.key, *every)))
    return found


def digest_of_unit(unit: Unit) -> str:
    """Return the SHA-256 of what is done for a unit: its steps with their arguments, and the files that act."""
    steps = [
        {
            "id": step.id,
            "verb": step.verb,
            "stage": step.stage,
            "kind": step.kind,
            "timeout": step.timeout,
            "arguments": step.arguments,
            **({} if step.by is None else {"by": step.by}),
        }
        for step in unit.steps
    ]
    return _hashed({"unit": unit.key, "content": unit.content, "steps": steps})


def digest(plan: Plan) -> str:
    """Return the SHA-256 of what a plan does, in hexadecimal, computed from its units' steps.

    Which of its units wait for which is in it; what things are called, waves and what is left alone are not: none of
    that changes what is done.
    """
    return digest_of_units(plan, (digest_of_unit(unit) for unit in plan.units))


def digest_of_units(plan: Plan, digests: Iterable[str]) -> str:
    """Return a plan's digest where those of its units, in its order, are known."""
    taken = {unit.key for unit in plan.units}
    listed = [
        (unit.key, known, sorted(taken & set(unit.needs))) for unit, known in zip(plan.units, digests, strict=True)
    ]
    return _hashed([plan.programme, sorted(listed)])


def _hashed(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
