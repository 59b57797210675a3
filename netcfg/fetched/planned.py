"""What the moves of lines make of devices' fetched configurations; pure."""

from collections.abc import Mapping, Sequence

from inventory.derived.wiring import Wires
from inventory.model import Line, Programme
from netcfg.difference import deeds_between, intended
from netcfg.guards.statements import edited
from netcfg.intent import LineStage, line_steps
from netcfg.platforms import Platform, load_platform


def planned(
    programme: Programme, lines: Sequence[Line], configurations: Mapping[str, str], until: LineStage
) -> dict[str, str]:
    """Return the configurations of the devices that the lines' moves touch, up to a stage; others are left out.

    A device whose configuration is not given is left out too.
    """
    wires = Wires(programme)
    stages = tuple(LineStage)[: tuple(LineStage).index(until) + 1]
    after: dict[str, str] = {}
    for stage in stages:
        for line in lines:
            for step in line_steps(programme, line, wires):
                for change in step.arguments.devices if step.verb is stage else ():
                    running = after.get(change.device, configurations.get(change.device))
                    if running is not None:
                        platform = load_platform(change.platform)
                        goal = intended(platform, running, change.before, change.after, change.policies)
                        after[change.device] = _become(platform, running, goal)
    return after


def _become(platform: Platform, running: str, goal: str) -> str:
    """Return what a device has once it was brought to a goal: a file that is edited keeps its order and comments."""
    if platform.keeping.kind != "loaded":
        return goal
    return edited(running, deeds_between(platform, running, goal), platform.keeping.last)
