"""The plan of the example: what is in it, in which order, and what is in no action."""

import json
from pathlib import Path

import pytest

from inventory.derived.wired import prefix_of
from inventory.kinds import Kind, Title
from inventory.loading import load_programme
from inventory.model import Programme
from migrations.plan import Actuator, Plan, Stage, StepKind, Unit, digest, digest_of_unit
from migrations.planning.planner import make_plan
from migrations.planning.systems import MissingEntry

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"


def _kind(name: str, entry: str | None, moves: str = "rehost") -> Kind:
    return Kind.model_validate(
        {"name": name, "title": Title(en=name, zh=name), "entry": entry, "moves": moves, "settings": {}}
    )


KINDS = {
    "postgresql": _kind("postgresql", "pgbouncer", "replatform"),
    "mariadb": _kind("mariadb", "haproxy_tcp", "replatform"),
    "service": _kind("service", "haproxy").model_copy(update={"substitutes": True}),
    "web": _kind("web", "haproxy"),
    "files": _kind("files", None),
}


@pytest.fixture(scope="module")
def programme() -> Programme:
    return load_programme(YUNHE)


@pytest.fixture(scope="module")
def plan(programme: Programme) -> Plan:
    return make_plan(programme, KINDS)


def _unit(plan: Plan, key: str) -> Unit:
    return next(unit for unit in plan.units if unit.key == key)


def test_depths_follow_needs(plan: Plan) -> None:
    depths = {unit.key: unit.depth for unit in plan.units}
    assert depths == {
        "site:cloud-a": 1,
        "site:dr-b": 1,
        "line:archives-leased": 1,
        "line:civil-private": 1,
        "line:water-exit": 1,
        "line:water-leased": 1,
        "system:notice-board": 1,
        "link:cloud-a-dr-b": 2,
        "system:allowance": 2,
        "system:archive": 2,
        "system:identity": 2,
        "system:water-billing": 3,
    }
    for unit in plan.units:
        assert all(depths[need] < unit.depth for need in unit.needs)


def test_system_needs_its_sites_lines_and_what_it_depends_on(plan: Plan) -> None:
    needs = _unit(plan, "system:water-billing").needs
    assert needs == ("line:water-exit", "line:water-leased", "site:cloud-a", "site:dr-b", "system:identity")


def test_steps_of_a_system_come_in_the_order_of_its_journey(plan: Plan) -> None:
    steps = [step.id.removeprefix("system:water-billing/") for step in _unit(plan, "system:water-billing").steps]
    assert steps == [
        "prepare/db", "prepare/app", "replicate/db", "replicate/app", "front/db", "front/app",
        "lag", "switch", "verify", "retire/app", "retire/db",
    ]  # fmt: skip


def test_zombie_is_only_retired_and_only_when_the_move_is_committed(plan: Plan) -> None:
    (step,) = _unit(plan, "system:notice-board").steps
    assert (step.verb, step.stage, step.kind) == ("retire", Stage.COMMIT, StepKind.COMPENSATABLE)
    assert step.arguments["components"][0]["sources"] == ["civil-old"]


def test_classified_system_and_golden_line_are_in_no_action(programme: Programme, plan: Plan) -> None:
    assert {(left.kind, left.name) for left in plan.untouched} == {("system", "case-files"), ("line", "tax-golden")}
    actions = json.dumps([unit.model_dump(mode="json") for unit in plan.units], ensure_ascii=False)
    golden = next(line for line in programme.network.lines if line.name == "tax-golden")
    for word in ("case-files", "涉密", "tax-golden", "tax-ce", "tax-hub", str(prefix_of(golden).network_address)):
        assert word not in actions


def test_entry_is_of_the_kind_that_fronts_the_component(plan: Plan) -> None:
    switch = next(step for step in _unit(plan, "system:water-billing").steps if step.verb == "switch")
    assert [(entry["component"], entry["kind"], entry["host"]) for entry in switch.arguments["entries"]] == [
        ("db", "pgbouncer", "cloud-a-admin-entry"),
        ("app", "haproxy", "cloud-a-admin-entry"),
    ]
    assert switch.arguments["limits"] == {"downtime": 5.0, "data_loss": 0.0, "catch_up": 120.0}
    assert switch.arguments["names"]["address"] == "10.50.1.53"


def test_entry_that_nothing_can_serve_is_refused(programme: Programme) -> None:
    kinds = {**KINDS, "web": _kind("web", None)}
    with pytest.raises(MissingEntry) as refusal:
        make_plan(programme, kinds)
    assert refusal.value.component in {"app", "site"}


def test_step_that_waits_is_given_the_time_that_the_system_allows(plan: Plan) -> None:
    timeouts = {step.verb: step.timeout for step in _unit(plan, "system:identity").steps}
    assert timeouts["replicate"] - timeouts["prepare"] == 120


def test_nothing_can_be_taken_back_after_a_pivot(plan: Plan) -> None:
    for unit in plan.units:
        kinds = [step.kind for step in unit.steps]
        if StepKind.PIVOT in kinds:
            assert set(kinds[kinds.index(StepKind.PIVOT) :]) == {StepKind.PIVOT}
            assert unit.steps[kinds.index(StepKind.PIVOT)].stage is Stage.COMMIT
        if unit.kind is Actuator.SITE:
            assert [step.stage for step in unit.steps] == [Stage.PREPARE]


def test_names_of_steps_are_unique(plan: Plan) -> None:
    steps = [step.id for unit in plan.units for step in unit.steps]
    assert len(steps) == len(set(steps))


def test_digest_covers_the_files_that_act(programme: Programme, plan: Plan) -> None:
    def other(kind: Actuator, _names: frozenset[str]) -> str:
        return "other" if kind is Actuator.LINE else ""

    changed, usual = make_plan(programme, KINDS, other), make_plan(programme, KINDS, lambda _kind, _names: "")
    assert digest(changed) != digest(usual)
    differ = {one.key for one, two in zip(changed.units, usual.units, strict=True) if one.digest != two.digest}
    assert differ == {unit.key for unit in plan.units if unit.kind is Actuator.LINE}


def test_wave_of_a_system_is_that_of_the_inventory_and_sites_and_lines_go_with_the_first(programme: Programme) -> None:
    waves = {"archive": 2, "water-billing": 1}
    systems = tuple(s.model_copy(update={"wave": waves.get(s.system)}) for s in programme.systems)
    plan = make_plan(programme.model_copy(update={"systems": systems}), KINDS)
    found = {unit.key: unit.wave for unit in plan.units}
    assert found["system:archive"] == 2
    assert found["system:water-billing"] == found["line:water-leased"] == found["site:cloud-a"] == 1
    assert found["line:archives-leased"] == 2
    assert found["system:identity"] is found["line:civil-private"] is None
    assert digest(plan) == digest(make_plan(programme, KINDS))


def test_plan_survives_being_written_and_read(plan: Plan) -> None:
    again = Plan.model_validate_json(plan.model_dump_json())
    assert again == plan
    assert digest(again) == digest(plan)
    assert [digest_of_unit(unit) for unit in again.units] == [unit.digest for unit in plan.units]


def test_an_entry_knows_the_hosts_of_services_that_end_in_its_switch(plan: Plan) -> None:
    entries = {
        (unit.name, entry["component"]): entry.get("ending")
        for unit in plan.units
        for step in unit.steps
        if step.verb == "front"
        for entry in step.arguments["entries"]
    }
    # No service of the kind that ends by itself is beside the others.
    assert {key: hosts for key, hosts in entries.items() if hosts} == {("allowance", "db"): ["10.12.0.12"]}
    assert ("water-billing", "db") in entries
