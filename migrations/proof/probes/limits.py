"""What a move may cost its users, and whether what a probe saw is within it; pure."""

from collections.abc import Callable, Mapping

from inventory.base import Model
from inventory.model import Programme
from inventory.words import _
from migrations.evidence.seen import Breach, Limited, ProbeResult

UNSEEN = 2.0
"""Seconds in which a probe may not have looked: one that was killed is started again in less."""

LOSS = 0.001
"""The share of packets that a line may lose in daily work; in its move none may be."""


class Allowed(Model):
    """What users of one unit may feel in one passage; none where a figure is not limited."""

    downtime: float | None = None
    """Seconds without service."""
    failed: int | None = None
    lost: int | None = None


def allowances(programme: Programme) -> Mapping[str, Allowed]:
    """Return what each system and line may cost, by the keys of their units: on a line no packet may be lost."""
    systems = {
        f"system:{system.system}": Allowed(
            downtime=system.limits.downtime,
            failed=system.limits.failed_requests,
        )
        for system in programme.systems
    }
    return systems | {f"line:{line.name}": Allowed(failed=0, lost=0) for line in programme.network.lines}


def at_rest(allowed: Allowed, result: ProbeResult) -> Allowed:
    """Return what users may feel while nothing is moved: for weeks no line is without any loss."""
    sent = result.succeeded + result.lost
    return allowed if allowed.lost is None else allowed.model_copy(update={"lost": int(LOSS * sent)})


def judged(result: ProbeResult, allowed: Allowed) -> ProbeResult:
    """Return what a probe saw together with the limits that were not kept."""
    unseen = result.window.end - result.window.begin if result.blind else result.unseen
    figures: tuple[tuple[Limited, float, float | None], ...] = (
        ("downtime", result.downtime, allowed.downtime),
        ("failed", result.failed, allowed.failed),
        ("lost", result.lost, allowed.lost),
        ("unseen", unseen, UNSEEN),
    )
    breaches = tuple(
        Breach(what=what, seen=seen, allowed=limit)
        for what, seen, limit in figures
        if limit is not None and seen > limit
    )
    return result.model_copy(update={"breaches": breaches})


def told(result: ProbeResult, say: Callable[[str], str] = _) -> tuple[str, ...]:
    """Say in words which limits were not kept."""
    sentences: Mapping[Limited, str] = {
        "downtime": say("{unit}: {seen:.2f} s without service, {allowed:g} s are allowed"),
        "failed": say("{unit}: {seen:.0f} requests failed ({reason}), {allowed:.0f} are allowed"),
        "lost": say("{unit}: {seen:.0f} packets were lost, {allowed:.0f} are allowed"),
        "unseen": say("{unit}: its probe {name} did not look for {seen:.1f} s"),
    }
    reason = result.reasons[0] if result.reasons else ""
    return tuple(
        sentences[breach.what].format(unit=result.unit, name=result.name, reason=reason, **breach.model_dump())
        for breach in result.breaches
    )
