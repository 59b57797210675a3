"""The three counts and one rate by which plans judge the work: 三数一率."""

from inventory.base import Model
from inventory.model import Disposition, System
from inventory.obligations.facts import Facts
from inventory.obligations.systems import carried_out

SHARED = frozenset({"unconditional", "conditional"})
STAYING = frozenset({Disposition.REHOST, Disposition.REPLATFORM, Disposition.RELOCATE})


class KeyFigures(Model):
    """Systems integrated, items shared, applications working together, and the rate of systems connected."""

    integrated: int
    """Systems that were merged into others."""
    shared: int
    """Information items of resources that are shared, with or without conditions."""
    cooperating: int
    """Connected systems that work together with others."""
    connected: int
    connectable: int
    """Systems that stay and are not classified."""


def _stays(facts: Facts, system: System) -> bool:
    # What a person keeps from staying stays until that is carried out.
    if facts.ground.disposition[system.system] in STAYING:
        return True
    return facts.ground.ruled[system.system] in STAYING and not carried_out(facts, system)


def key_figures(facts: Facts) -> KeyFigures:
    """Return the figures as they were on the day of the facts."""
    ground = facts.ground
    staying = [each for each in ground.programme.systems if not each.grading.classified and _stays(facts, each)]
    connected = [each for each in staying if each.exchange is not None and facts.past(each.exchange.connected)]
    return KeyFigures(
        integrated=sum(facts.shown("merged", "system", each.system) for each in ground.programme.systems),
        shared=sum(each.items for each in ground.programme.resources if each.sharing in SHARED),
        cooperating=sum(bool(each.exchange and each.exchange.works_with) for each in connected),
        connected=len(connected),
        connectable=len(staying),
    )
