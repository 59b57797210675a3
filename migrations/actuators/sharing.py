"""Things that steps of several units change together: devices at which several lines end, and hosts of entries.

Who changes one of these holds a lock for it, in whatever run of the world.
"""

from collections.abc import Callable, Iterator, Mapping

from migrations.plan import Actuator, Step


def shared_by(actuator: Actuator, step: Step) -> tuple[str, ...]:
    """Return the names of all that a step changes and others may change as well, sorted."""
    names = _SHARED.get(actuator)
    return () if names is None else tuple(sorted(set(names(step))))


def _of_lines(step: Step) -> Iterator[str]:
    yield from (f"device:{change['device']}" for change in step.arguments.get("devices", ()))


def _of_systems(step: Step) -> Iterator[str]:
    if step.verb in {"front", "switch"}:
        yield from (f"entry:{entry['host']}" for entry in step.arguments.get("entries", ()))


_SHARED: Mapping[Actuator, Callable[[Step], Iterator[str]]] = {
    Actuator.LINE: _of_lines,
    Actuator.SYSTEM: _of_systems,
}
