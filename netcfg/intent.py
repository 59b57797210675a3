"""From a line of the programme to what its devices must be configured with at each stage; acts on nothing."""

from functools import partial
from typing import Literal

from inventory.derived.wired import ends_of
from inventory.derived.wiring import Wires
from inventory.model import Line, Programme
from netcfg.ends import End, end_at, entries, policies, shared, spelled
from netcfg.exits import exit_blocks, exit_checks
from netcfg.expected import checks
from netcfg.platforms import load_platform
from netcfg.steps import (
    Check,
    CheckKind,
    CircuitPolicy,
    DeviceChange,
    LineArguments,
    LineStage,
    LineStep,
    Policy,
    When,
)

__all__ = (
    "Check",
    "CheckKind",
    "CircuitPolicy",
    "DeviceChange",
    "LineArguments",
    "LineStage",
    "LineStep",
    "Policy",
    "When",
    "line_steps",
    "spelled",
)


def line_steps(programme: Programme, line: Line, wires: Wires | None = None) -> tuple[LineStep, ...]:
    """Compute the steps that move a line's traffic into its domain and give the line back, in order.

    `wires` are those of the programme, given where steps of many lines are computed. No steps for a line that stays:
    one without a domain, or one that a national golden project owns. NoCircuit where an end has no way into the domain,
    NoExit where the domain has none to the internet, NoDefaultRoute where a platform has no words for one.
    """
    if line.domain is None or line.golden_project is not None:
        return ()
    domain = line.domain
    known = wires or Wires(programme)
    # The far end before the near end; at a device that others run nothing is changed and nothing looked at.
    own = tuple(mine for mine in (1, 0) if ends_of(line)[mine] not in known.foreign)
    ends = tuple(end_at(line, domain, mine, known) for mine in own)
    stages: tuple[tuple[LineStage, Literal["prepare", "cutover", "commit"], Literal["reversible", "pivot"]], ...] = (
        (LineStage.ATTACH, "prepare", "reversible"),
        (LineStage.SHIFT, "cutover", "reversible"),
        # On probation the line stays up as the second way: a circuit that dies falls back to it by itself.
        (LineStage.DRAIN, "commit", "reversible"),
        (LineStage.RELEASE, "commit", "pivot"),
    )
    return tuple(
        LineStep(verb=verb, stage=stage, kind=kind, arguments=_arguments(line, domain, verb, ends), timeout=300.0)
        for verb, stage, kind in stages
    )


def _arguments(line: Line, domain: str, stage: LineStage, ends: tuple[End, ...]) -> LineArguments:
    return LineArguments(
        line=line.name,
        domain=domain,
        stage=stage,
        devices=tuple(_change(line, stage, end, push) for push, end in enumerate(ends)),
        checks=tuple(check for end in ends for check in (checks if end.exit is None else exit_checks)(stage, end)),
    )


def _change(line: Line, stage: LineStage, end: End, push: int) -> DeviceChange:
    platform = load_platform(end.device.platform)
    common = partial(
        DeviceChange,
        device=end.device.name,
        platform=platform.name,
        router_id=end.device.router_id,
        push=push,
    )
    if end.exit is not None:
        blocks = exit_blocks(line, stage, end)
        return common(before=blocks.before, after=blocks.after, policies=blocks.policies)
    session = {"asn": end.device.asn, "address": end.line_peer}
    interface = {"interface": end.wire.name, "own": end.wire.address}
    match stage:
        case LineStage.ATTACH:
            both = (*shared(end, "accept", "accepted"), *policies(end))
            return common(after=entries(line, end, "accept"), policies=both)
        case LineStage.SHIFT:
            return common(after=entries(line, end, "prefer"), policies=shared(end, "prefer", "preferred"))
        case LineStage.DRAIN:
            return common(after=(platform.block("drained", **session),))
        case LineStage.RELEASE:
            # All that hangs on the neighbour goes with it, and comes back from what was saved of the device.
            neighbour = platform.block("session", **session, peer_asn=end.peer_asn)
            before = (platform.block("interface", **interface), neighbour, platform.block("drained", **session))
            after = (platform.block("interface_shut", **interface),)
            # Not every platform configures interfaces.
            return common(before=tuple(filter(None, before)), after=tuple(filter(None, after)))
