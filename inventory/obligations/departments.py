"""What a measure may ask of departments, their units, their machine rooms and the equipment in these."""

from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from inventory.base import Model
from inventory.dispositions.decisions import MOVES
from inventory.model import Asset, Department, Programme, Room, Unit
from inventory.obligations.conditions import Things, Truth, asked, every, flag
from inventory.obligations.facts import Facts
from inventory.obligations.systems import SYSTEMS, SystemCondition, exempt


class DepartmentCondition(Model):
    """What is asked of a department; everything that is given must hold."""

    level: tuple[Literal["province", "city", "district", "town"], ...] = ()
    moves: Annotated[bool | None, Field(description="One of its systems moves.")] = None
    surveyed: Annotated[bool | None, Field(description="It reported its systems, or that it has none.")] = None
    systems: Annotated[SystemCondition | None, Field(description="What all its systems must be.")] = None
    attached: Annotated[bool | None, Field(description="Its access to the extranet was verified.")] = None
    office_automation: tuple[Literal["none", "own", "connected", "shared"], ...] = ()
    served_by: Annotated[tuple[str, ...], Field(description="Kinds of platform, each of which must serve it.")] = ()
    rooms_at_most: Annotated[int | None, Field(ge=0, description="Machine rooms that it keeps without leave.")] = None
    ready: Annotated[bool | None, Field(description="It passed the check of its readiness.")] = None
    handed_over: Annotated[int | None, Field(ge=1, description="Parties in the record of its hand-over.")] = None


class UnitCondition(Model):
    """What is asked of an institution or a town."""

    kind: tuple[Literal["institution", "town", "street"], ...] = ()
    attached: Annotated[bool | None, Field(description="Its access to the extranet was verified.")] = None


class RoomCondition(Model):
    """What is asked of a machine room; everything that is given must hold."""

    vacated: bool | None = None
    area_at_most: Annotated[float | None, Field(ge=0, description="Square metres.")] = None
    exempt: Annotated[bool | None, Field(description="It has leave to stay.")] = None
    any: Annotated[tuple["RoomCondition", ...], Field(description="One of these must hold.")] = ()


class AssetCondition(Model):
    """What is asked of a piece of equipment."""

    disposed: Annotated[bool | None, Field(description="It is kept by decision, or its disposal is done.")] = None


class Owned(NamedTuple):
    """A part of a department, and whose it is."""

    department: Department
    part: Any


def _moves(facts: Facts, department: Department) -> Truth:
    systems = facts.ground.systems.get(department.name, ())
    return any(facts.ground.disposition[each.system] in MOVES for each in systems)


def _surveyed(facts: Facts, department: Department) -> Truth:
    systems = facts.ground.systems.get(department.name, ())
    whole = bool(systems) and all(each.survey is not None or each.grading.classified for each in systems)
    return whole or facts.shown("report", "department", department.name)


def _systems(facts: Facts, department: Department, condition: SystemCondition) -> Truth:
    ask = asked(condition, SYSTEMS.tests)
    return every(ask(facts, each) for each in facts.ground.systems.get(department.name, ()))


def _attached(facts: Facts, department: Department) -> Truth:
    return facts.past(department.attached) or facts.shown("verified", "department", department.name)


def _unit_attached(facts: Facts, owned: Owned) -> Truth:
    unit: Unit = owned.part
    return facts.past(unit.attached) or facts.shown("verified", "unit", unit.name)


def _office_automation(_facts: Facts, department: Department, words: tuple[str, ...]) -> Truth:
    return None if department.office_automation is None else department.office_automation in words


def _served_by(facts: Facts, department: Department, kinds: tuple[str, ...]) -> Truth:
    return all((kind, department.name) in facts.ground.serving for kind in kinds)


def _rooms_at_most(facts: Facts, department: Department, most: int) -> Truth:
    kept = [each for each in department.rooms if not facts.past(each.vacated) and not exempt(facts, each.exemption)]
    return len(kept) <= most


def _area_at_most(_facts: Facts, owned: Owned, most: float) -> Truth:
    room: Room = owned.part
    return None if room.area is None else room.area <= most


def _disposed(facts: Facts, owned: Owned) -> Truth:
    asset: Asset = owned.part
    if asset.disposal is None:
        return facts.shown("disposed", "asset", asset.name)
    return asset.disposal == "keep" or facts.past(asset.disposed) or facts.shown("disposed", "asset", asset.name)


def _after_move(facts: Facts, owned: Owned) -> date | None:
    return facts.ground.moved.get(owned.department.name)


def _units(programme: Programme) -> list[Owned]:
    return [Owned(each, unit) for each in programme.departments for unit in each.units]


def _rooms(programme: Programme) -> list[Owned]:
    return [Owned(each, room) for each in programme.departments for room in each.rooms]


def _assets(programme: Programme) -> list[Owned]:
    return [Owned(owned.department, asset) for owned in _rooms(programme) for asset in owned.part.assets]


DEPARTMENTS = Things(
    of=lambda programme: programme.departments,
    name=lambda department: str(department.name),
    title=lambda department: str(department.title),
    tests={
        "level": lambda _facts, department, words: department.level in words,
        "moves": flag(_moves),
        "surveyed": flag(_surveyed),
        "systems": _systems,
        "attached": flag(_attached),
        "office_automation": _office_automation,
        "served_by": _served_by,
        "rooms_at_most": _rooms_at_most,
        "ready": flag(lambda facts, department: facts.shown("ready", "department", department.name)),
        "handed_over": lambda facts, department, least: (
            facts.parties("handed-over", "department", department.name) >= least
        ),
    },
    evidence=frozenset({"surveyed", "systems", "attached", "served_by", "rooms_at_most", "ready", "handed_over"}),
    anchor=lambda facts, department: facts.ground.moved.get(department.name),
)

UNITS = Things(
    of=_units,
    name=lambda owned: str(owned.part.name),
    title=lambda owned: str(owned.part.title),
    tests={
        "kind": lambda _facts, owned, words: owned.part.kind in words,
        "attached": flag(_unit_attached),
    },
    evidence=frozenset({"attached"}),
)

ROOMS = Things(
    of=_rooms,
    name=lambda owned: str(owned.part.name),
    title=lambda owned: str(owned.part.title or owned.part.name),
    tests={
        "vacated": flag(lambda facts, owned: facts.past(owned.part.vacated)),
        "area_at_most": _area_at_most,
        "exempt": flag(lambda facts, owned: exempt(facts, owned.part.exemption)),
    },
    evidence=frozenset({"vacated"}),
    anchor=_after_move,
)

ASSETS = Things(
    of=_assets,
    name=lambda owned: str(owned.part.name),
    title=lambda owned: str(owned.part.title),
    tests={"disposed": flag(_disposed)},
    evidence=frozenset({"disposed"}),
    anchor=_after_move,
)
