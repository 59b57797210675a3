"""`zhenghe net path`: which way a packet goes, before lines have moved and after."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inventory.configured.folder import read_fetched
from inventory.loading import load_programme
from inventory.model import Line, Programme
from inventory.words import _
from migrations.actuators.devices import device_sessions
from migrations.cli import saying
from migrations.cli.help import WrongUse, inventory_folder
from migrations.cli.wanted import world_at
from netcfg.fetched.looking import look_along
from netcfg.fetched.ways import Extranet, Place, Route, place_of


def show_ways(folder: Path, start: str, target: str, world_file: Path | None, *, as_json: bool) -> int:
    """Show the way of a packet before and after, and now where a world is given; 1 where one does not arrive."""
    folder = inventory_folder(folder)
    programme = load_programme(folder)
    facts = {name: kept.facts for name, kept in read_fetched(folder).kept.items()}
    one, other = _place(programme, start), _place(programme, target)
    moving = frozenset(line.name for line in programme.network.lines if _moves(line))
    ways = {
        "before": Extranet(programme, facts).route(one, other),
        "after": Extranet(programme, facts, moving).route(one, other),
    }
    if world_file is not None:
        ways["now"] = look_along(programme, device_sessions(world_at(world_file)), one, other)
    if as_json:
        told: dict[str, Any] = {name: route.model_dump(mode="json") for name, route in ways.items()}
        saying.say(json.dumps({"fetched": sorted(facts), **told}, ensure_ascii=False))
    else:
        saying.say("\n".join(_said(ways, one, other)))
        lacking = sorted({device for route in ways.values() for device in route.devices} - facts.keys())
        if lacking:
            text = _("not fetched, so taken as the inventory has them: {devices}")
            saying.say(text.format(devices=", ".join(lacking)))
    return 0 if all(route.arrives for route in ways.values()) else 1


def _moves(line: Line) -> bool:
    return line.domain is not None and line.golden_project is None and line.released is None


def _place(programme: Programme, word: str) -> Place:
    found = place_of(programme, word)
    if found is None:
        reason = _("'{word}' is no host, users' machine, device or address of the inventory").format(word=word)
        raise WrongUse(reason, _("such as the name of a host in departments.yaml, or 10.11.0.10"))
    return found


def _said(ways: dict[str, Route], one: Place, other: Place) -> Iterable[str]:
    words = {"before": _("before"), "after": _("after"), "now": _("now, as the devices say")}
    for name, route in ways.items():
        yield f"{words[name]}:"
        yield f"  {one.name} ({one.address}) → {one.device}"
        for hop in route.hops:
            yield f"  {hop.device} → {hop.to}  {hop.why}"
        if route.arrives:
            yield f"  {other.device} → {other.name} ({other.address})"
        else:
            yield "  " + _("it does not arrive: {reason}").format(reason=route.reason)
