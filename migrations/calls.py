"""The arguments of systems' steps: the planner writes them, they are kept as JSON, and roles on hosts read that.

Sites are called with a SiteDeclaration (`infra/declaration.py`), lines with LineArguments (`netcfg/intent.py`).
"""

import json
from collections.abc import Mapping
from typing import Any

from inventory.base import Model
from inventory.derived.substitutions import Beside, Substitution


class RoleCall(Model):
    """One component, as the role of its kind is called for it on each of its hosts."""

    name: str
    kind: str
    sources: tuple[str, ...]
    source_addresses: tuple[str, ...]
    targets: tuple[str, ...]
    """Empty where the system ends and moves nowhere."""
    target_addresses: tuple[str, ...]
    settings: Mapping[str, Any]
    """What its kind asks for (kind.yaml), checked with the inventory."""
    substitutions: tuple[Substitution, ...] | None = None
    """What changes in its configuration, where its kind has any."""
    beside: tuple[Beside, ...] | None = None
    """Folders that other components of its system bring to the same hosts, where its kind has configuration."""


class EntryCall(Model):
    """The entry by which clients come to a component, as the role of the entry's kind is called for it."""

    component: str
    kind: str
    name: str
    port: int
    host: str
    """The entry host of the target's network."""
    address: str
    moved: Mapping[str, tuple[str, ...]]
    """The new addresses of clients' hosts by the old, so that they are let in from there too."""
    ending: tuple[str, ...] | None = None
    """Addresses of hosts with services that use the component by its old address, and end in its switch; if any."""


class NameService(Model):
    """Where the name of an entry is changed."""

    zone: str
    server: str
    """Its host."""
    address: str
    """Its address in the system's domain; empty where the system has none."""
    ttl: float
    """Seconds."""


class Limits(Model):
    """What a system may feel of its move, in seconds."""

    downtime: float
    data_loss: float
    catch_up: float


class SystemArguments(Model):
    """All that a step of a system is called with."""

    system: str
    verb: str
    components: tuple[RoleCall, ...]
    """One, or all of the system in the order in which they are moved."""
    entries: tuple[EntryCall, ...]
    names: NameService
    limits: Limits

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "SystemArguments":
        """Read what a plan keeps; pydantic's ValidationError where another version wrote it."""
        return cls.model_validate_json(json.dumps(arguments))


class Task(Model):
    """What a person has to do: the arguments of a step of people's."""

    system: str | None = None
    line: str | None = None
    verb: str
    who: str
    """The department whose people do it, or whoever runs the far end of a line."""
    networks: tuple[str, ...] | None = None
    """What a line's step is about: networks, or public addresses."""
    into: str = ""
    """The system that takes over what it does, where it merges."""
    days: int
    """How long it may take, from the day on which it was asked for."""


def as_kept(call: Model) -> dict[str, Any]:
    """Return a call as a plan keeps it; None is left out."""
    return {name: value for name, value in call.model_dump(mode="json").items() if value is not None}
