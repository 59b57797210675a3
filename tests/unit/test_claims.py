"""Two commands that come at the same instant never both have one unit of a world."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from migrations.cli.claims import claimed
from migrations.cli.help import WrongUse
from migrations.home import RunBusy, RunHome, RunSettings
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest


def _home(folder: Path, *units: str, world: str = "/nowhere/world.json") -> RunHome:
    step = Step(id="x", verb="prepare", stage=Stage.PREPARE, kind=StepKind.REVERSIBLE, arguments={}, timeout=9)
    made = tuple(Unit(name=name, kind=Actuator.SYSTEM, needs=(), steps=(step,)) for name in units)
    plan = Plan(programme="claims", units=made, untouched=())
    home = RunHome(folder)
    home.create(plan, RunSettings(run=folder.name, plan=digest(plan), world=Path(world)))
    return home


def _nothing() -> None:
    """See nothing against it."""


def test_of_many_at_one_instant_one_has_a_unit(tmp_path: Path) -> None:
    homes = [_home(tmp_path / "runs" / f"run-{number}", "a", f"own-{number}") for number in range(6)]
    together, had, refused = threading.Barrier(len(homes)), list[str](), list[str]()
    over = threading.Event()

    def take(home: RunHome) -> None:
        together.wait()
        try:
            with claimed(home, (), _nothing):
                had.append(home.path.name)
                over.wait()
        except WrongUse as exc:
            refused.append(str(exc))
            if len(refused) == len(homes) - 1:
                over.set()

    threads = [threading.Thread(target=take, args=(home,)) for home in homes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(had) == 1
    assert all(f"run {had[0]} is being carried out and has these units: system:a" in text for text in refused)


def test_units_of_their_own_and_other_worlds_are_in_nobodys_way(tmp_path: Path) -> None:
    one, two = (_home(tmp_path / "runs" / name, "a", "b") for name in ("one", "two"))
    elsewhere = _home(tmp_path / "runs" / "elsewhere", "a", world="/another/world.json")
    with claimed(one, ("system:a",), _nothing), claimed(two, ("system:b",), _nothing), claimed(elsewhere, (), _nothing):
        with pytest.raises(RunBusy), claimed(one, ("system:b",), _nothing, patience=0):
            pass
        with pytest.raises(WrongUse, match="run one is being carried out"), claimed(
            _home(tmp_path / "runs" / "three", "a"), (), _nothing
        ):
            pass
    with claimed(two, (), _nothing):
        pass


def test_nobody_looks_while_another_one_looks_and_who_is_refused_has_nothing(tmp_path: Path) -> None:
    one, two = (_home(tmp_path / "runs" / name, name) for name in ("one", "two"))
    looking, most = list[str](), list[int]()

    def see(name: str) -> Callable[[], None]:
        def look() -> None:
            looking.append(name)
            most.append(len(looking))
            threading.Event().wait(0.02)
            looking.remove(name)

        return look

    def take(home: RunHome) -> None:
        for _ in range(5):
            with claimed(home, (), see(home.path.name)):
                pass

    threads = [threading.Thread(target=take, args=(home,)) for home in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 10

    def refuse() -> None:
        raise WrongUse("no", "mend")

    with pytest.raises(WrongUse, match="no"), claimed(one, (), refuse):
        pass
    with claimed(one, (), _nothing, patience=0):
        pass
