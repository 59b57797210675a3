"""The picture of the network before and after: which links carry, stand ready or are gone."""

from inventory.model import Programme
from migrations.report.picture import MOST, Picture, pictures
from migrations.states import UnitState

STATES = {
    "water-leased": UnitState.COMMITTED,
    "water-exit": UnitState.ON_PROBATION,
    "civil-private": UnitState.ROLLED_BACK,
    "archives-leased": UnitState.SEEDING,
}


def roles(picture: Picture, kind: str) -> dict[str, str]:
    return {link.hint.partition(":")[0]: link.role for link in picture.links if link.kind == kind}


def test_before_all_lines_carry_and_circuits_stand_ready(programme: Programme) -> None:
    before, _after = pictures(programme, STATES)
    assert set(roles(before, "line").values()) == {"carries"}
    assert set(roles(before, "circuit").values()) == set(roles(before, "backbone").values()) == {"stands"}


def test_after_what_came_through_goes_over_circuits_and_backbone_and_all_else_as_before(programme: Programme) -> None:
    _before, after = pictures(programme, STATES)
    assert roles(after, "line") == {
        "water-leased": "gone",
        "water-exit": "stands",
        "civil-private": "carries",
        "archives-leased": "carries",
    }
    circuits = roles(after, "circuit")
    carrying = {hint.split(" – ")[0] for hint, role in circuits.items() if role == "carries"}
    assert carrying == {"water-ce", "water-hub", "exit"}
    assert roles(after, "backbone") == {"pe1 – pe2, administrative": "carries", "pe1 – pe2, public": "stands"}


def test_every_link_ends_at_a_device_that_is_drawn_and_no_two_devices_lie_on_each_other(programme: Programme) -> None:
    for picture in pictures(programme, STATES):
        places = [(node.x, node.y) for node in picture.nodes]
        assert len(set(places)) == len(places)
        assert all(0 <= x <= picture.width and 0 <= y <= picture.height for x, y in places)
        edges = {node.name for node in picture.nodes if node.role == "pe"}
        assert edges == {"pe1", "pe2"}


def test_a_plan_without_lines_has_no_picture_and_many_lines_are_counted(programme: Programme) -> None:
    assert pictures(programme, {}) == ()
    line = next(each for each in programme.network.lines if each.name == "water-leased")
    lines = tuple(line.model_copy(update={"name": f"line-{number}"}) for number in range(MOST + 3))
    network = programme.network.model_copy(update={"lines": lines})
    many = programme.model_copy(update={"network": network})
    before, _after = pictures(many, {each.name: UnitState.COMMITTED for each in lines})
    assert (len(roles(before, "line")), before.hidden) == (MOST, 3)
