"""Laws of the plan: one digest whatever order the inventory was read in and whatever language is spoken.

And of the digests of its units: what changes nothing that is done changes none of them; what changes something changes
those of the units for which it is done, and no other.
"""

import random
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from inventory.kinds import Kind, Title
from inventory.loading import load_programme
from inventory.model import Programme, Record, System
from migrations.plan import Plan, digest
from migrations.planning.content import ROOT, Contents
from migrations.planning.planner import make_plan
from tests.conftest import ENTRIES, YUNHE

KINDS = {
    name: Kind(name=name, title=Title(en=name, zh=name), entry=entry, settings={}) for name, entry in ENTRIES.items()
}


def _shuffled(programme: Programme, chance: random.Random) -> Programme:
    def mixed(things: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(things, len(things)))

    network = programme.network
    return programme.model_copy(
        update={
            "departments": mixed(programme.departments),
            "sites": mixed(programme.sites),
            "sizes": mixed(programme.sizes),
            "systems": mixed(programme.systems),
            "network": network.model_copy(
                update={
                    name: mixed(getattr(network, name))
                    for name in ("domains", "devices", "attachments", "lines", "backbone", "vantages")
                }
            ),
        }
    )


@pytest.mark.parametrize("seed", range(20))
def test_plan_does_not_depend_on_the_order_of_the_files(seed: int) -> None:
    programme = load_programme(YUNHE)
    mixed = _shuffled(programme, random.Random(seed))
    assert digest(make_plan(mixed, KINDS)) == digest(make_plan(programme, KINDS))


def test_plan_does_not_depend_on_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    programme = load_programme(YUNHE)
    digests = set()
    for language in ("en", "zh"):
        monkeypatch.setenv("LANGUAGE", language)
        digests.add(digest(make_plan(programme, KINDS)))
    assert len(digests) == 1


def _units(plan: Plan) -> dict[str, str]:
    return {unit.key: unit.digest for unit in plan.units}


def _changed(before: Plan, after: Plan) -> set[str]:
    one, two = _units(before), _units(after)
    return {key for key in one.keys() | two.keys() if one.get(key) != two.get(key)}


def _with_system(programme: Programme, name: str, change: Callable[[System], System]) -> Programme:
    systems = tuple(change(each) if each.system == name else each for each in programme.systems)
    return programme.model_copy(update={"systems": systems})


def _titled(programme: Programme) -> Programme:
    departments = tuple(each.model_copy(update={"title": each.title + "改"}) for each in programme.departments)
    return programme.model_copy(update={"title": "another", "departments": departments})


def _recorded(programme: Programme) -> Programme:
    record = Record(kind="verified", subject="system:archive", date=date(2018, 1, 2), note="by hand")
    return programme.model_copy(update={"records": (*programme.records, record)})


def _surveyed(programme: Programme) -> Programme:
    def change(system: System) -> System:
        survey = system.survey
        return system if survey is None else system.model_copy(
            update={"survey": survey.model_copy(update={"builder": "another", "maintained": True})}
        )  # fmt: skip

    return _with_system(programme, "water-billing", change)


def _unprobed(programme: Programme) -> Programme:
    return _with_system(programme, "archive", lambda system: system.model_copy(update={"probes": ()}))


def _planned(programme: Programme) -> Programme:
    return _with_system(programme, "archive", lambda system: system.model_copy(update={"wave": 7}))


@pytest.mark.parametrize("change", [_titled, _recorded, _surveyed, _unprobed, _planned])
def test_what_changes_nothing_that_is_done_changes_no_digest(change: Callable[[Programme], Programme]) -> None:
    programme = load_programme(YUNHE)
    before, after = make_plan(programme, KINDS), make_plan(change(programme), KINDS)
    assert change(programme) != programme
    assert _changed(before, after) == set()
    assert digest(after) == digest(before)


def test_other_arguments_change_the_digests_of_the_units_that_have_them_and_no_other() -> None:
    programme = load_programme(YUNHE)

    def change(system: System) -> System:
        return system.model_copy(update={"limits": system.limits.model_copy(update={"catch_up": 77.0})})

    before = make_plan(programme, KINDS)
    after = make_plan(_with_system(programme, "archive", change), KINDS)
    assert _changed(before, after) == {"system:archive"}
    assert digest(after) != digest(before)


def test_another_order_of_needs_changes_the_plan_and_only_the_unit_whose_entry_knows_its_clients() -> None:
    programme = load_programme(YUNHE)
    freed = _with_system(programme, "water-billing", lambda system: system.model_copy(update={"depends_on": ()}))
    before, after = make_plan(programme, KINDS), make_plan(freed, KINDS)
    # Its entry lets the hosts of those that need it in from where they move to.
    assert _changed(before, after) == {"system:identity"}
    assert digest(after) != digest(before)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("content")
    for name in ("infra", "netcfg", "playbooks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


LINES = {"line:archives-leased", "line:civil-private", "line:water-exit", "line:water-leased"}
SITES = {"site:cloud-a", "site:dr-b"}


@pytest.mark.parametrize(
    "file, concerned",
    [
        ("playbooks/roles/nobody/tasks/prepare.yml", set()),
        ("playbooks/roles/postgresql/files/verbs.py", "postgresql"),
        ("playbooks/roles/postgresql/module_utils/zhenghe_pg_schema.py", "postgresql"),
        ("playbooks/roles/pgbouncer/tasks/front.yml", "postgresql"),
        ("playbooks/roles/haproxy/module_utils/zhenghe_haproxy.py", "haproxy"),
        ("playbooks/plugins/module_utils/zhenghe_tree.py", "copied"),
        ("playbooks/plugins/action/on_host.py", "systems"),
        ("playbooks/agents/coordinator.py", "systems"),
        ("netcfg/platforms/frr.yaml", LINES - {"line:archives-leased"}),
        ("netcfg/guards/keeper.py", LINES),
        ("netcfg/platforms/nobody.yaml", set()),
        ("netcfg/transaction.py", LINES),
        ("infra/program.py", SITES),
        ("infra/backends/twin.py", SITES),
        ("infra/twin/cloud.py", set()),
    ],
)
def test_another_file_changes_the_digests_of_the_units_for_which_it_acts_and_no_other(
    copied: Path, file: str, concerned: str | set[str]
) -> None:
    programme = load_programme(YUNHE)
    before = make_plan(programme, KINDS, Contents(copied, copied / "playbooks").digest)
    place = copied / file
    text = place.read_bytes() if place.exists() else None
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes((text or b"") + b"\n# a comment\n")
    try:
        after = make_plan(programme, KINDS, Contents(copied, copied / "playbooks").digest)
    finally:
        place.write_bytes(text) if text is not None else place.unlink()
    assert _changed(before, after) == (_using(before, concerned) if isinstance(concerned, str) else concerned)


def _using(plan: Plan, what: str) -> set[str]:
    """Return the systems with a component or an entry of a kind; `copied` are kinds whose files are copied by tree."""
    kinds = {"copied": {"web", "files", "service"}, "systems": set(ENTRIES)}.get(what, {what})
    found = {
        unit.key
        for unit in plan.units
        for step in unit.steps
        for part in (*step.arguments.get("components", ()), *step.arguments.get("entries", ()))
        if part["kind"] in kinds
    }
    assert found
    return found
