"""What users feel of units on probation: at each look the probes are read on from where they were read before.

A look of the service keeps how far it has come; whoever looks beside it sees the same once more and keeps nothing.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from infra.worlds import load_world
from inventory.base import Model
from inventory.words import _
from migrations.evidence.kinds import PassageEnded
from migrations.evidence.seen import ProbeResult, Window, WritesVerdict
from migrations.home import RunHome
from migrations.ledger import Account
from migrations.proof.probes import Order, Probes, Sighting, probe_orders
from migrations.proof.probes.limits import Allowed, allowances, at_rest, judged
from migrations.proof.probes.limits import told as told_of
from migrations.proof.probes.series import acknowledged
from migrations.proof.proof import AFTERMATH, series_of
from migrations.service.desk import publish
from migrations.service.troubles import Trouble, What
from migrations.states import UnitState

ASKED_FOR = 86400.0
"""Seconds after which writes are given up of which a service says nothing."""
LEAST = 30.0
"""Seconds that are judged at once, at least: of less nobody can say that all is well again."""
KEPT = 1000
"""So many writes that are not there are asked after again."""

Ask = Callable[[Order, Sequence[str]], WritesVerdict | None]
"""Asks a service after writes; None where the machine of its users is silent."""


class Heard(Model):
    """How far one probe was heard."""

    until: float = 0.0
    """What it saw before was judged; seconds since 1970."""
    place: int = 0
    """Where in its file to read on, in bytes."""
    absent: tuple[str, ...] = ()
    """Writes that were acknowledged and were not there when they were asked after."""
    found: Mapping[What, str] = {}
    """What was not as it must be when it was judged last."""


class HeardProbes(Model):
    """How far the probes of a run were heard, by their keys."""

    probes: Mapping[str, Heard] = {}


class Users:
    """Judges what the probes of runs saw since they were judged last."""

    def __init__(self, *, keeping: bool) -> None:
        """`keeping` is for the one who looks again and again: what it has judged is not judged again."""
        self._keeping = keeping

    def __call__(self, home: RunHome, accounts: Iterable[Account]) -> tuple[Trouble, ...]:
        """Return what users of units on probation feel beyond what is allowed, and which probes do not look."""
        units = [each.unit.key for each in accounts if each.state is UnitState.ON_PROBATION]
        programme = home.programme() if units and home.programme_file.exists() else None
        orders = () if programme is None else probe_orders(programme, units)
        if programme is None or not orders:
            return ()
        kept, moved, allowed = _read(home), _moved(home), allowances(programme)
        probes = Probes(load_world(home.settings().world), series_of(home), orders, needed=False)
        heard = dict(kept.probes)
        settled = time.time() - AFTERMATH
        troubles: list[Trouble] = []
        for sighting in probes.collect({key: each.place for key, each in kept.probes.items()}):
            order = sighting.order
            before = heard.get(order.key, Heard())
            since = max(before.until, moved)
            found, heard[order.key] = judge(
                sighting, before, since, allowed.get(order.unit, Allowed()), probes.ask_after, settled
            )
            about = f"{order.unit}/{order.name}"
            troubles += (
                Trouble(run=home.path.name, unit=order.unit, what=what, about=about, text=text)
                for what, text in found.items()
            )
        if self._keeping:
            publish(_file(home), HeardProbes(probes=heard))
        return tuple(troubles)


def judge(
    sighting: Sighting, before: Heard, since: float, allowed: Allowed, ask: Ask, settled: float
) -> tuple[Mapping[What, str], Heard]:
    """Judge what a probe saw since a moment; return what is beyond the limits or not known, and how far it was heard.

    What was under way at the moment `settled` has been answered or given up: later times are judged the next time, and
    so is what could not be judged now.
    """
    # Where no probe runs, nothing is known of the time after its last word.
    last = sighting.lines[-1].time if sighting.text else 0.0
    heard, window = before, Window(begin=since, end=settled if sighting.active else last)
    found = {what: [text] for what, text in before.found.items() if before.until >= since}
    if window.end - window.begin >= LEAST:
        result = sighting.within(window)
        verdict = _asked(sighting, window, before.absent, ask)
        found = {}
        for what, text in (*_felt(judged(result, at_rest(allowed, result))), *_lost(verdict)):
            found.setdefault(what, []).append(text)
        if verdict is not None and (verdict.unanswered == 0 or window.end - window.begin > ASKED_FOR):
            told = {what: "; ".join(texts) for what, texts in found.items()}
            place = sighting.settled(window.end)
            heard = Heard(until=window.end, place=place, absent=verdict.lost[:KEPT], found=told)
    if not sighting.active:
        text = _("its probe {name} on {vantage} does not run, or its machine does not answer")
        said = text.format(name=sighting.order.name, vantage=sighting.order.vantage)
        found["not known"] = [said, *found.get("not known", ())]
    return {what: "; ".join(texts) for what, texts in found.items()}, heard


def _asked(sighting: Sighting, window: Window, absent: tuple[str, ...], ask: Ask) -> WritesVerdict | None:
    """Ask after the writes that were acknowledged in a window, and once more after those that were not there."""
    order = sighting.order
    inside = (line for line in sighting.lines if window.begin < line.time <= window.end)
    if references := (*absent, *acknowledged(inside)):
        return ask(order, references)
    return WritesVerdict(unit=order.unit, name=order.name, acknowledged=0, lost=(), doubled=(), asked="list")


def _felt(result: ProbeResult) -> Iterator[tuple[What, str]]:
    begin, end = (datetime.fromtimestamp(each).astimezone() for each in (result.window.begin, result.window.end))
    for breach, text in zip(result.breaches, told_of(result), strict=True):
        what: What = "not known" if breach.what == "unseen" else "users"
        said = _("{what} (probe {name} on {vantage}, from {begin:%H:%M} to {end:%H:%M})")
        felt = text.removeprefix(result.unit).lstrip(":： ")
        yield what, said.format(what=felt, name=result.name, vantage=result.vantage, begin=begin, end=end)


def _lost(verdict: WritesVerdict | None) -> Iterator[tuple[What, str]]:
    if verdict is not None and (verdict.lost or verdict.doubled):
        text = _("{lost} acknowledged writes lost, {doubled} doubled")
        yield "users", text.format(lost=len(verdict.lost), doubled=len(verdict.doubled))
    if verdict is not None and verdict.unanswered:
        text = _("{count} of {writes} acknowledged writes could not be asked after")
        yield "not known", text.format(count=verdict.unanswered, writes=verdict.acknowledged)


def _moved(home: RunHome) -> float:
    """Return since when nothing is moved any more: what users felt in a passage was judged with it."""
    ended = [record.time.timestamp() for record in home.evidence.records_of(PassageEnded)]
    return max(ended, default=0.0) + AFTERMATH


def _file(home: RunHome) -> Path:
    return home.path / "probes-heard.json"


def _read(home: RunHome) -> HeardProbes:
    try:
        return HeardProbes.model_validate_json(_file(home).read_bytes())
    except (OSError, ValidationError):
        return HeardProbes()
