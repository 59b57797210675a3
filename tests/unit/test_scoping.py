"""A plan of a wave or of some units, the ledger of a world, plans that are kept, and what tells two of them apart."""

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from infra.twin.paths import TwinPaths
from infra.twin.world import Access, WorldFiles
from inventory.kinds import Kind, Title
from inventory.loading import load_programme
from inventory.model import Programme
from migrations.evidence import snapshot
from migrations.evidence.kinds import UnitMoved
from migrations.evidence.standing import RunView, standings_of
from migrations.home import RunHome, RunSettings, run_id
from migrations.ledger import Ledger, ledger_of
from migrations.plan import Plan, Scope, digest
from migrations.planning.differing import difference_from_ledger, difference_of, in_words
from migrations.planning.plan_store import DamagedPlan, KeptPlans, NoPlan
from migrations.planning.planner import in_order, make_plan
from migrations.planning.protecting import HostInUse
from migrations.planning.scoping import UnknownScope, choose, needed_first
from migrations.states import UnitState
from tests.conftest import ENTRIES, YUNHE

KINDS = {
    name: Kind(name=name, title=Title(en=name, zh=name), entry=entry, settings={}) for name, entry in ENTRIES.items()
}
WAVES = {"archive": 1, "identity": 2, "water-billing": 2}


@pytest.fixture(scope="module")
def programme() -> Programme:
    loaded = load_programme(YUNHE)
    systems = tuple(each.model_copy(update={"wave": WAVES.get(each.system)}) for each in loaded.systems)
    return in_order(loaded.model_copy(update={"systems": systems}))


@pytest.fixture(scope="module")
def plan(programme: Programme) -> Plan:
    return make_plan(programme, KINDS)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "world.json").write_text("{}")
    return tmp_path / "world.json"


class Runs:
    """Runs with made-up evidence in one world."""

    def __init__(self, folder: Path, world: Path) -> None:
        self.folder = folder
        self.world = world

    def add(self, plan: Plan, states: Iterable[tuple[str, UnitState]]) -> RunHome:
        """Add to the run of a plan that units came to these states."""
        known = digest(plan)
        home = RunHome(self.folder / run_id(plan, "hall", known))
        home.create(plan, RunSettings(run=home.path.name, plan=known, world=self.world))
        for unit, state in states:
            home.evidence.append("unit-state", unit=unit, what={"state": state, "reason": "", "passage": 1})
        return home

    def ledger(self, plan: Plan) -> Ledger:
        """Return the ledger of this world."""
        return ledger_of(self.folder, plan.programme, self.world)


@pytest.fixture
def runs(tmp_path: Path, world: Path) -> Runs:
    return Runs(tmp_path / "runs", world)


def _keys(plan: Plan) -> set[str]:
    return {unit.key for unit in plan.units}


def test_a_wave_takes_its_systems_with_the_sites_and_lines_under_them(plan: Plan) -> None:
    first = choose(plan, Scope(wave=1)).plan
    assert _keys(first) == {"system:archive", "line:archives-leased", "site:cloud-a", "site:dr-b"}
    second = choose(plan, Scope(wave=2)).plan
    assert {"system:identity", "system:water-billing", "line:water-exit", "site:cloud-a"} <= _keys(second)
    assert len({digest(each) for each in (plan, first, second)}) == 3


def test_units_by_name_are_the_same_plan_as_their_wave(plan: Plan) -> None:
    by_name = choose(plan, Scope(units=("archive",))).plan
    assert digest(by_name) == digest(choose(plan, Scope(wave=1)).plan)
    assert by_name.scope.units == ("system:archive",)


def test_a_system_that_must_come_first_is_named_and_not_taken(plan: Plan) -> None:
    chosen = choose(plan, Scope(units=("water-billing",)))
    assert "system:identity" not in _keys(chosen.plan)
    assert needed_first(chosen.plan, None) == {"system:water-billing": ("system:identity",)}
    assert any("system:identity" in note for note in chosen.notes)


@pytest.mark.parametrize(
    "scope, said", [(Scope(wave=9), "waves are: 1, 2"), (Scope(units=("nobody",)), "system:archive")]
)
def test_what_is_not_there_is_told_with_what_there_is(plan: Plan, scope: Scope, said: str) -> None:
    with pytest.raises(UnknownScope, match=said):
        choose(plan, scope)


def test_what_is_done_in_a_world_is_left_out_and_what_is_moved_stays_with_its_run(plan: Plan, runs: Runs) -> None:
    first = choose(plan, Scope(wave=1)).plan
    home = runs.add(
        first,
        [
            ("site:cloud-a", UnitState.READY),
            ("line:archives-leased", UnitState.ON_PROBATION),
            ("system:archive", UnitState.DECOMMISSIONED),
        ],
    )
    chosen = choose(plan, Scope(), runs.ledger(plan))
    assert {each.unit for each in chosen.left_out} == {"site:cloud-a", "line:archives-leased", "system:archive"}
    assert _keys(chosen.plan) == _keys(plan) - {each.unit for each in chosen.left_out}
    assert all(home.path.name in each.reason for each in chosen.left_out)


def test_a_site_that_is_declared_differently_is_made_again(programme: Programme, plan: Plan, runs: Runs) -> None:
    runs.add(plan, [("site:cloud-a", UnitState.READY), ("site:dr-b", UnitState.READY)])
    fewer = tuple(each for each in programme.systems if each.system != "archive")
    changed = make_plan(programme.model_copy(update={"systems": fewer}), KINDS)
    chosen = choose(changed, Scope(), runs.ledger(plan))
    assert "site:cloud-a" in _keys(chosen.plan)
    assert "site:dr-b" not in _keys(chosen.plan)


def with_volumes(programme: Programme, size: int) -> Programme:
    """Return a programme in which every component that moves has a volume of so many GiB."""
    document = programme.model_dump(mode="json")
    for system in document["systems"]:
        for component in system["components"]:
            if component["to"] is not None:
                component["to"]["volume"] = size
    return Programme.model_validate(document)


def test_a_volume_that_carries_a_system_s_data_is_neither_deleted_nor_shrunk(programme: Programme, runs: Runs) -> None:
    plan = make_plan(with_volumes(programme, 200), KINDS)
    runs.add(plan, [("site:cloud-a", UnitState.READY), ("system:archive", UnitState.SYNCED)])
    for size in (0, 199):
        less = make_plan(with_volumes(programme, size), KINDS)
        with pytest.raises(HostInUse, match=r"would delete or shrink archive-.*'s volume, which carries"):
            choose(less, Scope(), runs.ledger(plan))
    grown = make_plan(with_volumes(programme, 201), KINDS)
    assert "site:cloud-a" in _keys(choose(grown, Scope(), runs.ledger(plan)).plan)


def test_a_host_that_carries_a_system_is_neither_deleted_nor_replaced(
    programme: Programme, plan: Plan, runs: Runs
) -> None:
    runs.add(plan, [("site:cloud-a", UnitState.READY), ("system:archive", UnitState.SYNCED)])
    fewer = tuple(each for each in programme.systems if each.system != "archive")
    gone = make_plan(programme.model_copy(update={"systems": fewer}), KINDS)
    with pytest.raises(HostInUse, match=r"would delete host archive-.*system:archive"):
        choose(gone, Scope(), runs.ledger(plan))
    sizes = tuple(each.model_copy(update={"cpus": each.cpus + 1}) for each in programme.sizes)
    larger = make_plan(programme.model_copy(update={"sizes": sizes}), KINDS)
    with pytest.raises(HostInUse, match=r"would replace host archive-.*SYNCED"):
        choose(larger, Scope(), runs.ledger(plan))
    runs.add(plan, [("system:archive", UnitState.WITHDRAWN)])
    assert "site:cloud-a" in _keys(choose(larger, Scope(), runs.ledger(plan)).plan)


def test_what_was_prepared_goes_on_where_it_is_the_same_and_is_told_where_it_is_not(
    programme: Programme, plan: Plan, runs: Runs
) -> None:
    runs.add(plan, [("system:archive", UnitState.SYNCED), ("system:identity", UnitState.SYNCED)])
    systems = tuple(
        each.model_copy(update={"limits": each.limits.model_copy(update={"catch_up": 9.0})})
        if each.system == "identity"
        else each
        for each in programme.systems
    )
    notes = choose(
        make_plan(programme.model_copy(update={"systems": systems}), KINDS), Scope(), runs.ledger(plan)
    ).notes
    assert any("system:archive" in note and "goes on" in note for note in notes)
    (changed,) = [note for note in notes if "system:identity" in note and "has changed since" in note]
    assert "limits.catch_up was 120.0 and is 9.0" in changed


def test_the_last_run_that_did_anything_for_a_unit_says_what_it_came_to(plan: Plan, runs: Runs) -> None:
    whole = runs.add(plan, [("system:archive", UnitState.SYNCED), ("system:identity", UnitState.SYNCED)])
    wave = runs.add(choose(plan, Scope(wave=1)).plan, [("system:archive", UnitState.ON_PROBATION)])
    ledger = runs.ledger(plan)
    assert ledger.accounts["system:archive"].run == wave.path.name
    assert ledger.accounts["system:identity"].run == whole.path.name
    held = [each.unit.key for each in ledger.held_elsewhere(plan.units, whole.path.name)]
    assert held == ["system:archive"]
    assert not list(ledger.held_elsewhere(plan.units, wave.path.name))


def test_runs_of_other_worlds_and_programmes_and_of_twins_that_are_gone_do_not_count(
    plan: Plan, runs: Runs, tmp_path: Path
) -> None:
    home = runs.add(plan, [("system:archive", UnitState.COMMITTED)])
    assert runs.ledger(plan).state("system:archive") is UnitState.COMMITTED
    assert not ledger_of(runs.folder, "another", runs.world).accounts
    assert not ledger_of(runs.folder, plan.programme, tmp_path / "other.json").accounts
    settings = home.settings().model_copy(update={"kind": "twin"})
    home.settings_file.write_text(settings.model_dump_json())
    assert runs.ledger(plan).accounts
    # Built anew: what was done in the twin before is not there any more.
    runs.world.unlink()
    runs.world.write_text("{}")
    assert not runs.ledger(plan).accounts


def test_a_run_that_cannot_be_read_is_told_and_not_taken_for_nothing(plan: Plan, runs: Runs) -> None:
    home = runs.add(plan, [("system:archive", UnitState.COMMITTED)])
    home.outline_file.unlink()
    home.plan_file.write_text("{}")
    ledger = runs.ledger(plan)
    assert not ledger.accounts
    assert home.path.name in ledger.left_out[0]


def test_folding_piece_by_piece_comes_to_the_same_as_folding_at_once(plan: Plan, runs: Runs) -> None:
    home = runs.add(plan, [("system:archive", UnitState.SYNCED)])
    step = next(each for unit in plan.units if unit.name == "archive" for each in unit.steps if each.verb == "switch")
    what = {"state": UnitState.CUTTING_OVER, "deed": "apply", "passage": 1, "attempt": 1}
    home.evidence.append("step-begun", unit="system:archive", step=step.id, what=what)
    view, offset = RunView(plan.units), 0
    view.take(home.evidence.records()[:1])
    assert not view.of("system:archive").entered
    records, offset = home.evidence.follow(0)
    view = RunView(plan.units)
    for record in records:
        view.take([record])
    assert view.standings == standings_of(plan, records)
    assert view.of("system:archive").entered
    home.evidence.append(
        "unit-state", unit="system:archive", what={"state": UnitState.ROLLED_BACK, "reason": "", "passage": 2}
    )
    view.take(home.evidence.follow(offset)[0])
    assert view.of("system:archive").prepared
    assert not view.of("system:archive").entered


def test_a_kept_plan_is_found_by_the_beginning_of_its_digest(plan: Plan, programme: Programme, tmp_path: Path) -> None:
    kept = KeptPlans(tmp_path)
    known = digest(plan)
    place = kept.keep(known, plan, programme)
    found = kept.find(known[:12])
    assert (found.digest, found.plan, found.programme) == (known, plan, programme)
    assert {file.name for file in place.iterdir()} == {"plan.json", "programme.json"}
    with pytest.raises(NoPlan):
        kept.find(known[:11])
    with pytest.raises(NoPlan):
        kept.find("0" * 12)
    (place / "plan.json").write_text((place / "plan.json").read_text().replace("replicate", "replicated", 1))
    with pytest.raises(DamagedPlan):
        kept.find(known)


def test_plans_to_which_nothing_refers_are_forgotten(plan: Plan, programme: Programme, tmp_path: Path) -> None:
    kept = KeptPlans(tmp_path)
    names = ("approved", "left-by-a-kill", "old", "young")
    for name in names:
        kept.keep(name, plan, programme)
    (tmp_path / "approvals" / "approved").mkdir(parents=True)
    (tmp_path / "plans" / "left-by-a-kill" / "plan.json").unlink()
    for name in names[:3]:
        for file in (*(tmp_path / "plans" / name).iterdir(), tmp_path / "plans" / name):
            os.utime(file, (1, 1))
    kept.keep("new", plan, programme)
    assert {place.name for place in (tmp_path / "plans").iterdir()} == {"approved", "young", "new"}


def test_a_plan_that_only_a_run_has_is_found_there(plan: Plan, programme: Programme, tmp_path: Path) -> None:
    known = digest(plan)
    home = RunHome(tmp_path / "runs" / "r")
    home.create(plan, RunSettings(run="r", plan=known, world=tmp_path / "w"), programme)
    assert KeptPlans(tmp_path).find(known).plan == plan


def test_difference_names_units_and_the_arguments_that_changed(programme: Programme, plan: Plan) -> None:
    systems = tuple(
        each.model_copy(update={"limits": each.limits.model_copy(update={"downtime": 9.0})})
        if each.system == "identity"
        else each
        for each in programme.systems
        if each.system != "archive"
    )
    found = difference_of(plan, make_plan(programme.model_copy(update={"systems": systems}), KINDS))
    assert [each.what for each in found if each.unit == "system:archive"] == ["gone"]
    (changed,) = (each for each in found if each.unit == "system:identity" and each.what == "changed")
    assert (changed.field, changed.before, changed.after) == ("prepare/db: limits.downtime", "5.0", "9.0")
    assert any("limits.downtime was 5.0 and is 9.0" in sentence for sentence in in_words(found))
    assert {each.unit for each in found if each.what == "wave"} >= {"line:archives-leased"}
    assert difference_of(plan, plan) == ()
    assert json.loads(found[0].model_dump_json())


def test_difference_from_what_was_done_tells_what_is_new_and_where_the_rest_is(plan: Plan, runs: Runs) -> None:
    home = runs.add(choose(plan, Scope(wave=1)).plan, [("system:archive", UnitState.COMMITTED)])
    found = difference_from_ledger(plan, runs.ledger(plan))
    assert ("system:identity", "new") in {(each.unit, each.what) for each in found}
    assert [(each.what, each.after, each.field) for each in found if each.unit == "system:archive"] == [
        ("state", "COMMITTED", home.path.name)
    ]


def test_what_was_folded_is_kept_and_only_what_is_new_is_read(
    plan: Plan, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "WORTH_KEEPING", 1)
    home = runs.add(plan, [("system:archive", UnitState.SYNCED), ("system:identity", UnitState.SYNCED)])
    assert snapshot.standings_in(home.evidence.path, plan) == standings_of(plan, home.evidence.records())
    kept = home.path / "standings.json"
    first = snapshot.Snapshot.model_validate_json(kept.read_bytes())
    assert first.offset == home.evidence.path.stat().st_size
    assert first.last == home.evidence.records()[-1].hash
    # What is before that place is not read again: a record there that says something else is not heard.
    text = home.evidence.path.read_text()
    home.evidence.path.write_text(text.replace("SYNCED", "READYY", 1))
    what = {"state": "ON_PROBATION", "reason": "", "passage": 1}
    home.evidence.append("unit-state", unit="system:identity", what=what)
    found = snapshot.standings_in(home.evidence.path, plan)
    assert (found["system:archive"].state, found["system:identity"].state) == (
        UnitState.SYNCED, UnitState.ON_PROBATION,
    )  # fmt: skip
    # A record may be longer than what is looked at first.
    last = home.evidence.append("passage-ended", what={"number": 1, "result": {"units": [], "note": "x" * 400_000}})
    snapshot.standings_in(home.evidence.path, plan)
    assert snapshot.Snapshot.model_validate_json(kept.read_bytes()).last == last.hash
    # Another evidence in its place: nothing that was kept counts.
    home.evidence.path.unlink()
    assert snapshot.standings_in(home.evidence.path, plan)["system:archive"].state is UnitState.PLANNED
    home.evidence.append("unit-state", unit="system:archive", what={"state": "HELD", "reason": "x", "passage": 1})
    for _each in range(9):
        home.evidence.append("passage-begun", what={"number": 1})
    found = snapshot.standings_in(home.evidence.path, plan)
    assert (found["system:archive"].state, found["system:identity"].state) == (UnitState.HELD, UnitState.PLANNED)


@pytest.mark.parametrize("tail", [b"noise", b'{"seq":3', b"\0\0\n"])
def test_what_a_kill_left_is_passed_over_and_noise_between_records_is_told(plan: Plan, runs: Runs, tail: bytes) -> None:
    home = runs.add(plan, [("system:archive", UnitState.SYNCED)])
    text = home.evidence.path.read_bytes()
    home.evidence.path.write_bytes(text + tail)
    assert runs.ledger(plan).state("system:archive") is UnitState.SYNCED
    home.evidence.path.write_bytes(text + tail + b"\n" + text)
    ledger = runs.ledger(plan)
    assert home.path.name in ledger.left_out[0]
    assert not ledger.accounts


def test_a_twin_keeps_its_past_when_hosts_are_made_in_it_and_loses_it_when_it_is_built_anew(
    plan: Plan, tmp_path: Path
) -> None:
    paths = TwinPaths(state=tmp_path / "twins" / "t", run=tmp_path / "run")
    paths.state.mkdir(parents=True)
    access = Access(name="one", user="root", socket=tmp_path / "one", key="ssh-ed25519 AAAA")
    world = WorldFiles(paths)
    world.add(access)
    home = RunHome(tmp_path / "runs" / "r")
    home.create(plan, RunSettings(run="r", plan=digest(plan), world=paths.world, kind="twin"))
    home.evidence.write(UnitMoved(state=UnitState.ON_PROBATION, passage=1), unit="system:archive")
    os.utime(paths.world, (1, 1))
    world.add(replace(access, name="two"))
    world.remove("one")
    assert set(ledger_of(tmp_path / "runs", plan.programme, paths.world).accounts) == {"system:archive"}
    WorldFiles(paths).add(access)
    later = home.settings_file.stat().st_mtime + 9
    os.utime(paths.world, (later, later))
    assert not ledger_of(tmp_path / "runs", plan.programme, paths.world).accounts
