"""Observations of probes and checks, as they are kept: values only, for those who look and for those who read."""

from typing import Literal

from inventory.base import Model


class Window(Model):
    """A span of time on the controller's clock, in seconds since 1970."""

    begin: float
    end: float


class Gap(Model):
    """A time in which nothing succeeded: when it began and how long it lasted beyond the pace, in seconds."""

    begin: float
    seconds: float


Limited = Literal["downtime", "failed", "lost", "unseen"]
"""Seconds without service, requests that failed, packets lost, seconds in which nobody looked."""


class Breach(Model):
    """A limit that was not kept: what was seen, and what is allowed."""

    what: Limited
    seen: float
    allowed: float


class ProbeResult(Model):
    """What one probe saw in one window."""

    unit: str
    name: str
    kind: str
    vantage: str
    target: str
    every: float
    window: Window
    succeeded: int
    """Requests answered with success, or echoes that came back."""
    failed: int
    """Requests that failed; none for ping."""
    lost: int
    """Echoes that did not come back; none for requests."""
    downtime: float
    """The longest time without success beyond the pace, in seconds."""
    gaps: tuple[Gap, ...]
    """The times without success beyond the pace, of a pace and 100 ms at the least, longest first; ten at the most."""
    slowest: float
    """The longest answer, in seconds."""
    reasons: tuple[str, ...] = ()
    """Why requests failed, each reason once; ten at the most."""
    blind: bool = False
    """Whether the probe saw nothing at all in the window: its figures then say nothing."""
    unseen: float = 0.0
    """Seconds of the window in which the probe did not run, because it or its machine was ended."""
    breaches: tuple[Breach, ...] = ()
    """The limits that were not kept."""


class WritesVerdict(Model):
    """Whether every write that was acknowledged is there, and there once."""

    unit: str
    name: str
    acknowledged: int
    lost: tuple[str, ...]
    """References that were acknowledged and are not there."""
    doubled: tuple[str, ...]
    """References that are there more than once."""
    unanswered: int = 0
    """How many references the service said nothing of: they are not known to be there, nor to be lost."""
    asked: str
    """list: the service told all it has; each: it was asked for every reference, which shows no doubles."""


class Failure(Model):
    """A check that did not hold, or could not be made."""

    host: str
    check: str
    reason: str


class UnitChecks(Model):
    """The checks of one unit."""

    unit: str
    """Key of the unit of the plan, such as system:archive."""
    passed: int
    failed: int
    failures: tuple[Failure, ...] = ()
    unknown: int = 0
    """How many could not be made because the host did not answer: nobody knows whether they hold."""
    unknowns: tuple[Failure, ...] = ()
