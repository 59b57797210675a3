"""Folds what Pulumi's engine tells while it works into what was seen of a site and what was changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi.automation import events

from infra.engine.state import Change, Resource, SiteState
from inventory.words import _

_QUIET = frozenset({"same", "refresh", "read", "discard", "create-replacement", "delete-replaced", "discard-replaced"})
_CREATES = frozenset({"create", "create-replacement"})

Progress = Callable[[str], None]
"""Is told in a line what is being done."""


class Journal:
    """Folds the engine's events into what was seen and what was changed."""

    def __init__(self, site: str, progress: Progress) -> None:
        self._site = site
        self._progress = progress
        self._before: set[str] = set()
        self._resources: dict[str, Resource] = {}
        self.changes: dict[str, Change] = {}
        self.failures: list[tuple[str, str]] = []
        self.doubtful: list[dict[str, Any]] = []
        """Creates that failed, as entries of a state without ids: the cloud may have made what it never told of."""
        self.inputs: dict[str, Mapping[str, Any]] = {}

    def note(self, event: events.EngineEvent) -> None:
        """Take in one event of the engine."""
        if event.resource_pre_event is not None:
            self._starts(event.resource_pre_event.metadata)
        elif event.res_outputs_event is not None:
            self._ends(event.res_outputs_event.metadata)
        elif event.res_op_failed_event is not None:
            self._fails(event.res_op_failed_event.metadata)
        elif event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            diagnostic = event.diagnostic_event
            self.failures.append((diagnostic.urn or "", diagnostic.message.strip()))

    def state(self, outcome: str) -> SiteState:
        """Return what the events tell."""
        return SiteState.model_validate(
            {
                "site": self._site,
                "state": outcome,
                "resources": tuple(self._resources[urn] for urn in sorted(self._resources)),
                "changes": tuple(self.changes[urn] for urn in sorted(self.changes)),
            }
        )

    def _starts(self, step: events.StepEventMetadata) -> None:
        if step.type.startswith("pulumi:"):
            return
        if step.op.value == "refresh":
            self._before.add(step.urn)
        if step.new is not None:
            self.inputs[step.urn] = step.new.inputs or {}
        if step.op.value not in _QUIET:
            change = Change.model_validate(
                {"op": step.op.value, "type": step.type, "name": name_of(step.urn), "why": self._why(step)}
            )
            self.changes[step.urn] = change
            self._progress(
                _("site {site}: {op} {name} ({why})").format(
                    site=self._site, op=_done_to(change), name=change.name, why=change.why
                )
            )

    def _ends(self, step: events.StepEventMetadata) -> None:
        if step.type.startswith("pulumi:"):
            return
        if step.new is not None and step.new.id:
            self._resources[step.urn] = Resource(urn=step.urn, name=name_of(step.urn), type=step.type, id=step.new.id)
        else:
            self._resources.pop(step.urn, None)

    def _fails(self, step: events.StepEventMetadata) -> None:
        if step.op.value in _CREATES and step.new is not None and not step.type.startswith("pulumi:"):
            entry = {"urn": step.urn, "type": step.type, "custom": True, "inputs": dict(step.new.inputs or {})}
            self.doubtful.append({**entry, "parent": step.new.parent, "provider": step.new.provider})

    def _why(self, step: events.StepEventMetadata) -> str:
        differing = ", ".join(step.diffs or step.keys or ())
        if step.op.value == "create":
            return _("it has gone") if step.urn in self._before else _("it is not there yet")
        if step.op.value == "delete":
            return _("it is not declared")
        return _("{fields}: not as declared").format(fields=differing)


def type_of(urn: str) -> str:
    """Return the type of the resource that a URN of Pulumi's names; empty where it names none."""
    return urn.split("::")[-2].rsplit("$", maxsplit=1)[-1] if "::" in urn else ""


def name_of(urn: str) -> str:
    """Return the name in the declaration of the resource that a URN of Pulumi's names."""
    return urn.rsplit("::", maxsplit=1)[-1]


def _done_to(change: Change) -> str:
    words = {"create": _("create"), "update": _("change"), "replace": _("replace"), "delete": _("delete")}
    return words[change.op]
