"""Starts, reads and stops probes on users' machines, all machines at once."""

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from pydantic import JsonValue

from infra.hearing import Heard, Unheard, hear, parsed, taken
from infra.ssh import client
from infra.sudo import as_root
from infra.worlds import World
from inventory.base import Model
from inventory.words import _
from migrations.evidence.seen import WritesVerdict
from migrations.proof.probes.answers import Answer, Collected, Confirmed, Done, Written
from migrations.proof.probes.errors import ProbeError, VantageRefused, VantageUnreachable
from migrations.proof.probes.series import Order, acknowledged, far_from_moves, prefixes
from migrations.proof.probes.sightings import Sighting

_S = TypeVar("_S")
_T = TypeVar("_T")
_Found = TypeVar("_Found", bound=Model)

AGENT = Path(__file__).with_name("agent.py")
LONGEST = 256 << 20
"""Bytes of one answer: what three probes write in a week."""


class Probes:
    """The probes of one series in one world; may be made anew at any time, in any process, for the same series.

    `series` is a word of lower-case letters, digits and hyphens that tells these probes from all others there. Where
    they are not `needed`, a vantage that cannot be asked is no error: its probes have seen nothing.
    """

    def __init__(
        self, world: World, series: str, orders: Iterable[Order], timeout: float = 300.0, *, needed: bool = True
    ) -> None:
        self._world = world
        self._series = series
        self._orders = tuple(sorted(orders, key=lambda order: (order.vantage, order.key)))
        self._timeout = timeout
        self._needed = needed

    def start(self, *, calm: bool = False, felt_by: Mapping[str, Sequence[str]] | None = None) -> None:
        """Start the probes that do not run, and wait until they look: as often as ordered, or `calm`.

        `felt_by` says for units whose moves their users may feel: far from these the probes look seldom (`near`).
        """

        def start(vantage: str, orders: Sequence[Order]) -> None:
            probes = [
                {
                    **order.model_dump(),
                    "key": order.key,
                    "seldom": order.every if felt_by is None else far_from_moves(order, self._orders),
                    "moved_by": () if felt_by is None else felt_by[order.unit],
                }
                for order in orders
            ]
            self._asked(vantage, "start", {"probes": probes, "calm": calm}, Done)

        self._everywhere(start, _nothing)

    def near(self, moved: str, seconds: float, felt_by: Mapping[str, Sequence[str]]) -> None:
        """Have the probes of all who may feel a unit's move look often for some seconds; who is silent is left out."""

        def near(vantage: str, orders: Sequence[Order]) -> None:
            if any(moved in felt_by.get(order.unit, ()) for order in orders):
                self._asked(vantage, "near", {"moved": moved, "seconds": seconds}, Done)

        self._everywhere(near, _nothing)

    def calm(self) -> None:
        """Have the probes look seldom until they are started again; those of a machine that is silent look on often."""

        def calm(vantage: str, _orders: Sequence[Order]) -> None:
            with suppress(ProbeError):
                self._asked(vantage, "calm", {"calm": True}, Done)

        self._everywhere(calm, _nothing)

    def collect(self, places: Mapping[str, int] | None = None) -> tuple[Sighting, ...]:
        """Return what all probes have written so far, by keys of orders from some places in their files on."""

        def collect(vantage: str, orders: Sequence[Order]) -> tuple[Sighting, ...]:
            return self._collect(vantage, orders, places or {})

        return tuple(sighting for found in self._everywhere(collect, _blind) for sighting in found)

    def confirm(self, sightings: Iterable[Sighting]) -> tuple[WritesVerdict, ...]:
        """Ask the services for every write that they acknowledged; who has seen nothing knows of none.

        A verdict counts apart what a service did not answer for: a later question may settle it.
        """
        writing = [sighting for sighting in sightings if sighting.order.kind == "write-http" and sighting.text]
        return tuple(verdict for verdict in self._mapped(self._confirm, writing) if verdict is not None)

    def stop(self, *, remove: bool = True) -> None:
        """Stop the probes, and remove what they wrote unless it is kept; nothing happens where none runs."""

        def stop(vantage: str, _orders: Sequence[Order]) -> None:
            self._asked(vantage, "stop", {"remove": remove}, Done)

        self._everywhere(stop, _nothing)

    def _collect(self, vantage: str, orders: Sequence[Order], places: Mapping[str, int]) -> tuple[Sighting, ...]:
        asked = time.time()
        offsets = {order.key: places.get(order.key, 0) for order in orders}
        found = self._asked(vantage, "collect", {"offsets": offsets}, Collected)
        offset = (asked + time.time()) / 2 - found.now
        # Within the time that the question took nobody can tell two clocks apart.
        offset = 0.0 if abs(offset) <= time.time() - asked else offset
        nothing = Written(lines="", active=False)
        seen = {order: found.probes.get(order.key, nothing) for order in orders}
        return tuple(
            Sighting(order=order, text=one.lines, begin=one.begin, offset=offset, active=one.active)
            for order, one in seen.items()
        )

    def _confirm(self, sighting: Sighting) -> WritesVerdict | None:
        return self.ask_after(sighting.order, acknowledged(sighting.lines), prefixes(sighting.lines))

    def ask_after(self, order: Order, references: Sequence[str], begun: Sequence[str] = ()) -> WritesVerdict | None:
        """Ask a service for writes of a probe that it acknowledged; None where a vantage that is not needed is silent.

        `begun` are beginnings of references beside theirs, of which doubles are looked for too.
        """
        series = tuple(dict.fromkeys((*begun, *(each.rpartition("-")[0] for each in references))))
        question = {"target": order.target, "references": references, "prefixes": series}
        try:
            found = self._asked(order.vantage, "confirm", question, Confirmed)
        except ProbeError:
            if self._needed:
                raise
            return None
        return WritesVerdict(
            unit=order.unit,
            name=order.name,
            acknowledged=len(references),
            lost=found.absent,
            doubled=found.twice,
            unanswered=found.unanswered,
            asked=found.how,
        )

    def _everywhere(
        self, ask: Callable[[str, Sequence[Order]], _T], otherwise: Callable[[Sequence[Order]], _T]
    ) -> tuple[_T, ...]:
        def asked(group: tuple[str, Sequence[Order]]) -> _T:
            try:
                return ask(*group)
            except ProbeError:
                if self._needed:
                    raise
                return otherwise(group[1])

        groups = [(vantage, tuple(orders)) for vantage, orders in groupby(self._orders, key=lambda o: o.vantage)]
        return self._mapped(asked, groups)

    @staticmethod
    def _mapped(deed: Callable[[_S], _T], things: Sequence[_S]) -> tuple[_T, ...]:
        if not things:
            return ()
        with ThreadPoolExecutor(max_workers=min(16, len(things))) as pool:
            return tuple(pool.map(deed, things))

    def _asked(self, vantage: str, verb: str, arguments: Mapping[str, Any], model: type[_Found]) -> _Found:
        try:
            return taken(self._ask(vantage, verb, arguments), model)
        except Unheard as wrong:
            raise VantageRefused(vantage, wrong.reason, _("see who answers on this host, and why so")) from None

    def _ask(self, vantage: str, verb: str, arguments: Mapping[str, Any]) -> dict[str, JsonValue]:
        text = AGENT.read_text()
        message = {"bootstrap": text, "how": "answer", "agent": text, "verb": verb, "series": self._series, **arguments}
        command = [*client(self._world.ssh_config), vantage, as_root()]
        try:
            heard = hear(command, json.dumps(message).encode() + b"\n", self._timeout, LONGEST)
            return self._result(vantage, heard)
        except Unheard as wrong:
            raise VantageRefused(vantage, wrong.reason, _("see who answers on this host, and why so")) from None
        except subprocess.TimeoutExpired as exc:
            reason = _("no answer in {seconds} s").format(seconds=self._timeout)
            raise VantageUnreachable(vantage, reason, _("look whether the machine is up")) from exc

    @staticmethod
    def _result(vantage: str, heard: Heard) -> dict[str, JsonValue]:
        said = heard.complained
        if heard.status == 255:
            raise VantageUnreachable(
                vantage, said or _("SSH failed"), _("try: ssh -F ssh_config {vantage}").format(vantage=vantage)
            )
        if not heard.said.startswith(b"{"):
            raise VantageRefused(vantage, said or _("it said nothing"), _("it needs python3 3.9 or later"))
        answer = parsed(heard.said, Answer)
        if answer.result is None:
            raise VantageRefused(vantage, answer.error, _("it needs systemd, and root over SSH"))
        return answer.result


def _blind(orders: Sequence[Order]) -> tuple[Sighting, ...]:
    return tuple(Sighting(order=order, text="", offset=0.0, active=False) for order in orders)


def _nothing(_orders: Sequence[Order]) -> None:
    """Make do without a vantage."""
