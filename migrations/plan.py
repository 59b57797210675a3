"""The plan: a value with one digest over cloud resources, playbooks with their variables, and device configurations."""

import hashlib
import json
from enum import StrEnum
from typing import Any, Literal

from inventory.base import Model


class Actuator(StrEnum):
    """Who carries a step out: Pulumi for sites, Ansible for systems, netmiko for lines."""

    SITE = "site"
    SYSTEM = "system"
    LINE = "line"


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


class Unit(Model):
    """A site, a system or a line, with its steps in order; its cutover waits for the units that it needs.

    Sites and lines that it needs have come through before it begins at all.
    """

    name: str
    kind: Actuator
    needs: tuple[str, ...]
    """Keys of units, sorted."""
    wave: int
    """One more than the highest wave of what it needs; the first is 1."""
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


class Plan(Model):
    """Units in waves; what is not in it is not done."""

    programme: str
    inventory: str
    """SHA-256 of the programme that it was computed from."""
    content: str
    """SHA-256 of the playbooks, of the Pulumi program and of the devices' platforms that it will run."""
    units: tuple[Unit, ...]
    """In the order of waves, sites before lines before systems, then by name."""
    untouched: tuple[Untouched, ...]


def digest(value: Model) -> str:
    """Return the SHA-256 of a model's canonical JSON, in hexadecimal."""
    text = json.dumps(value.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
