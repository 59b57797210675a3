"""Plans are kept by their digest, each with the programme that it was computed from: who acts later needs no folder."""

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.files.gathering import uncollected
from inventory.model import Programme
from inventory.regular import content_of
from inventory.words import _
from migrations.home import RunHome, UnreadableRun
from migrations.plan import Plan, digest

AnyModel = TypeVar("AnyModel", bound=Model)
SHORTEST = 12
"""So many characters of a digest name a plan at the least."""


class NoPlan(ZhengheError, LookupError):
    """No plan is kept under a digest, or more than one begins like it."""


class DamagedPlan(ZhengheError):
    """A file of a kept plan is gone or not as it was written; carries it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        text = _("{file} is not as it was written: call zhenghe plan once more, which writes it anew")
        super().__init__(text.format(file=file))


FORGOTTEN_AFTER = 30 * 24 * 3600.0
"""Seconds after which a plan that was never approved is not kept any more; a run has its own copy."""


class KeptPlan(Model):
    """A plan with its digest and its programme."""

    digest: str
    plan: Plan
    programme: Programme


class KeptPlans:
    """The plans that were computed, and those of runs, below the folder of all state."""

    def __init__(self, state: Path) -> None:
        self._plans = state / "plans"
        self._runs = state / "runs"
        self._approvals = state / "approvals"

    def keep(self, known: str, plan: Plan, programme: Programme) -> Path:
        """Write a plan down under its digest and return its folder; OSError where that is refused.

        What is written again may have other records and titles, and does the same.
        """
        folder = self._plans / known
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(folder / "programme.json", [programme.model_dump_json()])
        # Last, because with it the plan is there.
        _write(folder / "plan.json", plan_as_json(plan))
        self._forget_the_old(known)
        return folder

    def _forget_the_old(self, newest: str) -> None:
        """Remove plans to which nothing refers any more: no approval, and nobody who planned in the last weeks."""
        oldest = time.time() - FORGOTTEN_AFTER
        for place in self._plans.iterdir():
            approved = (self._approvals / place.name).exists()
            # What is there without a plan was left by a kill.
            with suppress(OSError):
                if place.name != newest and not approved and _changed(place) < oldest:
                    shutil.rmtree(place)

    def find(self, beginning: str) -> KeptPlan:
        """Return the plan whose digest begins so; NoPlan, DamagedPlan."""
        every = self._places() if len(beginning) >= SHORTEST else ()
        found = {name: place for name, place in every if name.startswith(beginning)}
        if len(found) != 1:
            text = _("no plan {digest} is kept") if not found else _("several plans begin with {digest}")
            raise NoPlan(text.format(digest=beginning))
        ((name, place),) = found.items()
        with uncollected():
            plan = _read(place / "plan.json", Plan)
            if digest(plan) != name:
                raise DamagedPlan(place / "plan.json")
            return KeptPlan(digest=name, plan=plan, programme=_read(place / "programme.json", Programme))

    def _places(self) -> Iterator[tuple[str, Path]]:
        for place in self._plans.glob("*/plan.json"):
            yield place.parent.name, place.parent
        for settings in self._runs.glob("*/run.json"):
            home = RunHome(settings.parent)
            try:
                bound = home.settings().plan
            except (OSError, UnreadableRun):
                continue
            if home.programme_file.exists() and not (self._plans / bound / "plan.json").exists():
                yield bound, home.path


def plan_as_json(plan: Plan) -> Iterator[str]:
    """Yield a plan's JSON object piece by piece: in one piece that of a whole city would fill the memory."""
    yield f'{{"programme":{json.dumps(plan.programme)},"scope":{plan.scope.model_dump_json()},"units":['
    for number, unit in enumerate(plan.units):
        yield ("," if number else "") + unit.model_dump_json()
    yield f'],"untouched":[{",".join(left.model_dump_json() for left in plan.untouched)}]}}\n'


def _changed(place: Path) -> float:
    file = place / "plan.json"
    return (file if file.exists() else place).stat().st_mtime


def _read(file: Path, model: type[AnyModel]) -> AnyModel:
    try:
        return model.model_validate_json(content_of(file))
    except PermissionError:
        raise
    except (OSError, ValidationError) as exc:
        raise DamagedPlan(file) from exc


def _write(path: Path, pieces: Iterable[str]) -> None:
    """Put a file in place whole; two commands that write the same at once do no harm to each other."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
