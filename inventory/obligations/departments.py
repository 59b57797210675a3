"""Questions that a measure may ask of departments, their units, their machine rooms and the equipment in these."""

from datetime import date
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from inventory.dispositions.decisions import MOVES
from inventory.model import Asset, Department, Programme, Room, Unit
from inventory.obligations.conditions import Condition, Question, Things, Truth, achieved, asked, every, given, known
from inventory.obligations.facts import Facts
from inventory.obligations.systems import SystemCondition


class Owned(NamedTuple):
    """A part of a department, and whose it is."""

    department: Department
    part: Any


def _moves(facts: Facts, department: Department) -> Truth:
    systems = facts.ground.systems.get(department.name, ())
    if not systems and not _answered(facts, department):
        return None
    settled = ((facts.ground.disposition[each.system], facts.ground.ruled[each.system]) for each in systems)
    return any(each in MOVES for both in settled for each in both)


def _answered(facts: Facts, department: Department) -> bool:
    """Return whether a department without systems of its own has said so."""
    return facts.answered_none(department) or any(
        department.name in each.also_reported_by for each in facts.ground.programme.systems
    )


def _surveyed(facts: Facts, department: Department) -> Truth:
    systems = facts.ground.systems.get(department.name, ())
    whole = bool(systems) and all(given(each, "survey") or each.grading.classified for each in systems)
    return whole or (not systems and _answered(facts, department))


def _systems(facts: Facts, department: Department, condition: SystemCondition) -> Truth:
    ask = asked(condition)
    systems = facts.ground.systems.get(department.name, ())
    # Nothing can be settled for the systems of who never answered.
    return every(ask(facts, each) for each in systems) if systems else _answered(facts, department)


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
    if not department.rooms and department.name in facts.silent:
        return None
    kept = [each for each in department.rooms if not facts.past(each.vacated) and not facts.exempt(each.exemption)]
    return len(kept) <= most


def _area_at_most(_facts: Facts, owned: Owned, most: float) -> Truth:
    room: Room = owned.part
    return None if room.area is None else room.area <= most


def _disposed(facts: Facts, owned: Owned) -> Truth:
    asset: Asset = owned.part
    # An opinion alone, to keep it too, is no record: that has its day.
    settled = asset.disposal is not None and facts.past(asset.disposed)
    return settled or facts.shown("disposed", "asset", asset.name)


def _after_move(facts: Facts, owned: Owned) -> date | None:
    return facts.ground.moved.get(owned.department.name)


def _units(programme: Programme) -> list[Owned]:
    return [Owned(each, unit) for each in programme.departments for unit in each.units]


def _rooms(programme: Programme) -> list[Owned]:
    return [Owned(each, room) for each in programme.departments for room in each.rooms]


def _assets(programme: Programme) -> list[Owned]:
    return [Owned(owned.department, asset) for owned in _rooms(programme) for asset in owned.part.assets]


def _handed_over(facts: Facts, department: Department, least: int) -> Truth:
    return facts.parties("handed-over", "department", department.name) >= least


def _part_name(owned: Owned) -> str:
    return str(owned.part.name)


def _part_title(owned: Owned) -> str:
    return str(owned.part.title or owned.part.name)


class DepartmentCondition(Condition):
    """What is asked of a department; everything that is given must hold."""

    level: Annotated[
        tuple[Literal["province", "city", "district", "town"], ...],
        Question(lambda _facts, department, words: department.level in words),
    ] = ()
    moves: Annotated[bool | None, known(_moves), Field(description="One of its systems moves.")] = None
    surveyed: Annotated[
        bool | None, achieved(_surveyed), Field(description="It reported its systems, or that it has none.")
    ] = None
    systems: Annotated[
        SystemCondition | None,
        Question(_systems, achieved=True),
        Field(description="What all its systems must be."),
    ] = None
    attached: Annotated[
        bool | None, achieved(_attached), Field(description="Its access to the extranet was verified.")
    ] = None
    office_automation: Annotated[
        tuple[Literal["none", "own", "connected", "shared"], ...], Question(_office_automation)
    ] = ()
    served_by: Annotated[
        tuple[str, ...],
        Question(_served_by, achieved=True),
        Field(description="Kinds of platform, each of which must serve it."),
    ] = ()
    rooms_at_most: Annotated[
        int | None,
        Question(_rooms_at_most, achieved=True),
        Field(ge=0, description="Machine rooms that it keeps without leave."),
    ] = None
    ready: Annotated[
        bool | None,
        achieved(lambda facts, department: facts.shown("ready", "department", department.name)),
        Field(description="It passed the check of its readiness."),
    ] = None
    handed_over: Annotated[
        int | None,
        Question(_handed_over, achieved=True),
        Field(ge=1, description="Parties in the record of its hand-over."),
    ] = None


class UnitCondition(Condition):
    """What is asked of an institution or a town."""

    kind: Annotated[
        tuple[Literal["institution", "town", "street"], ...],
        Question(lambda _facts, owned, words: owned.part.kind in words),
    ] = ()
    attached: Annotated[
        bool | None, achieved(_unit_attached), Field(description="Its access to the extranet was verified.")
    ] = None


class RoomCondition(Condition):
    """What is asked of a machine room; everything that is given must hold."""

    vacated: Annotated[bool | None, achieved(lambda facts, owned: facts.past(owned.part.vacated))] = None
    area_at_most: Annotated[float | None, Question(_area_at_most), Field(ge=0, description="Square metres.")] = None
    exempt: Annotated[
        bool | None,
        known(lambda facts, owned: facts.exempt(owned.part.exemption)),
        Field(description="It has leave to stay."),
    ] = None


class AssetCondition(Condition):
    """What is asked of a piece of equipment."""

    disposed: Annotated[
        bool | None, achieved(_disposed), Field(description="Its disposal, to keep it too, is done and has its day.")
    ] = None


DEPARTMENTS = Things(
    asks=DepartmentCondition,
    of=lambda programme: programme.departments,
    anchor=lambda facts, department: facts.ground.moved.get(department.name),
)

UNITS = Things(asks=UnitCondition, of=_units, name=_part_name, title=_part_title)

ROOMS = Things(asks=RoomCondition, of=_rooms, name=_part_name, title=_part_title, anchor=_after_move)

ASSETS = Things(asks=AssetCondition, of=_assets, name=_part_name, title=_part_title, anchor=_after_move)
