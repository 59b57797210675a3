"""The run that a command means: by its name, by its units, or the one that was worked on last; its world and ledger."""

from collections.abc import Iterable
from pathlib import Path

from infra.worlds import World, load_world
from inventory.words import _
from migrations.cli.help import WrongUse
from migrations.cli.wanted import living, runs_folder
from migrations.home import RunHome
from migrations.ledger import Ledger, ledger_of


class NoRun(WrongUse):
    """There is no run to speak of."""

    def __init__(self, run: str, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known))
        mend = _("there are: {names}").format(names=names) if names else _("begin one with zhenghe rehearse or apply")
        super().__init__(_("there is no run '{run}'").format(run=run) if run else _("there is no run yet"), mend)


def chosen(name: str) -> RunHome:
    """Return the run of a name, or the one that was worked on last; NoRun."""
    every = [path for path in _runs() if (path / "run.json").is_file()]
    found = [path for path in every if name in {"", path.name}]
    if not found:
        raise NoRun(name, (path.name for path in every))
    return RunHome(max(found, key=_last_work))


def run_of(units: tuple[str, ...], run: str) -> RunHome:
    """Return the run of a name; without one that which moved the units last, or that which was worked on last."""
    home = chosen(run)
    if run or not units:
        return home
    accounts = ledger_here(home).accounts.values()
    runs = {each.run for each in accounts if {each.unit.key, each.unit.name} & set(units)}
    if len(runs) > 1:
        reason = _("these units are in several runs: {runs}").format(runs=", ".join(sorted(runs)))
        raise WrongUse(reason, _("name one with --run, and the units of each by themselves"))
    return RunHome(runs_folder() / runs.pop()) if runs else home


def world_of(home: RunHome) -> World:
    """Return the world of a run; WrongUse where it is gone."""
    file = home.settings().world
    if not file.is_file():
        reason = _("the world of run {run} is gone: {file} is not there").format(run=home.path.name, file=file)
        twin = _("a rehearsal takes its twin down unless --keep is given; name another run with --run")
        real = _("put the file back where it was, or name another run with --run")
        raise WrongUse(reason, twin if home.settings().kind == "twin" else real)
    return living(load_world(file))


def ledger_here(home: RunHome) -> Ledger:
    """Return the ledger of a run's programme in its world."""
    return ledger_of(runs_folder(), home.outline().programme, home.settings().world)


def _runs() -> list[Path]:
    """Return the folders of all runs; PermissionError where they are not this user's, and not silence."""
    return list(runs_folder().iterdir()) if runs_folder().exists() else []


def _last_work(path: Path) -> float:
    evidence = path / "evidence.jsonl"
    return (evidence if evidence.exists() else path / "run.json").stat().st_mtime
