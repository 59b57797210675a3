"""`zhenghe approve | approvals`: who has signed for a plan, and whether that is enough."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from infra.twin.paths import TwinPaths, state_root
from infra.worlds import World
from inventory.base import Duration
from inventory.model import Programme
from inventory.words import _
from migrations.cli import saying
from migrations.cli.help import WrongUse
from migrations.cli.wanted import runs_folder, wanted_plan, world_at
from migrations.evidence.chain import Soundness
from migrations.evidence.kinds import Approved, FaultsWanted, RehearsalEnded
from migrations.home import RunHome, UnreadableRun
from migrations.plan import Plan
from migrations.run.runner import passages_of
from migrations.trust.approving import Act, Approvals, Deed, NotApproved
from migrations.trust.witness import person, testimony

DEEDS: tuple[Deed, ...] = ("apply", "commit", "declassify", "override")


def approve_plan(asked: str, world_file: Path, deed: str, key: Path, expires: str, note: str, *, as_json: bool) -> int:
    """Sign for a plan in a world."""
    wanted = wanted_plan(None, asked, _nothing)
    lasting = _lasting(expires)
    world = world_at(world_file)
    made = Approvals(state_root()).approve(wanted.digest, world.name, _deed(deed), key, lasting=lasting, note=note)
    if as_json:
        saying.say(made.model_dump_json())
    else:
        saying.say(made.statement.text, end="")
    return 0


def show_approvals(asked: str, world_file: Path, *, as_json: bool) -> int:
    """Tell who has signed for a plan and what is missing; 1 where something is."""
    wanted = wanted_plan(None, asked, _nothing)
    world, approvals = world_at(world_file), Approvals(state_root())
    seen = approvals.seen(wanted.digest, world.name, person(), datetime.now(UTC))
    deeds = ("apply", *acts_of(wanted.plan, wanted.programme), "commit")
    lacking = {deed: _missing(approvals, wanted.digest, world, deed) for deed in deeds}
    if as_json:
        signed = [each.model_dump(mode="json") for each in seen]
        told = {"plan": wanted.digest, "world": world.name, "missing": lacking, "approvals": signed}
        saying.say(json.dumps(told, ensure_ascii=False))
    else:
        for each in seen:
            says = each.statement
            line = _("{deed}: {person}, until {ends:%Y-%m-%d %H:%M}").format(**says.model_dump())
            saying.say(f"{line}: {each.against}" if each.against else line)
        for deed, missing in lacking.items():
            saying.say(f"{deed}: {'; '.join(missing) or _('approved')}")
    return 1 if any(lacking.values()) else 0


def see_approved(
    home: RunHome,
    digest: str,
    world: World,
    deed: Deed,
    by: Mapping[str, str] | None = None,
    acts: Iterable[Act] = (),
) -> None:
    """Refuse what is not approved; NotApproved says all that is missing. In a twin nothing is asked.

    What was begun under an approval may go on after a kill: it stands between two sides.
    """
    approvals = Approvals(state_root())
    missing = _missing(approvals, digest, world, deed, by)
    missing += tuple(f"{act}: {one}" for act in acts for one in _missing(approvals, digest, world, act, by))
    if missing and not _under_way(home, deed):
        raise NotApproved(deed, missing)


def acts_of(plan: Plan, programme: Programme) -> tuple[Act, ...]:
    """Return what a plan holds that is signed for by itself: what was declassified, what is not as the rules say."""
    moved = {unit.key for unit in plan.units}
    systems = [each for each in programme.systems if f"system:{each.system}" in moved]
    found: dict[Act, bool] = {
        "declassify": any(each.grading.declassified is not None for each in systems),
        "override": any(each.override is not None for each in systems),
    }
    return tuple(act for act, there in found.items() if there)


def is_twin(world: World) -> bool:
    """Say whether a world is a twin of this machine: its hosts are reached by the twin's own file, whatever it says."""
    with suppress(ValueError):
        return world.kind == "twin" and world.ssh_config.resolve() == TwinPaths.of(world.name).ssh_config.resolve()
    return False


def _under_way(home: RunHome, deed: Deed) -> bool:
    records = home.evidence.records()
    approved = any(approval.deed == deed for _record, approval in Approved.among(records))
    passages = passages_of(records)
    return approved and bool(passages) and passages[-1].is_open


def keep_approvals(
    home: RunHome, deed: Deed, world: World, by: Mapping[str, str] | None = None, acts: Iterable[Act] = ()
) -> None:
    """Write down, in a run's own folder and evidence, under which approvals something is done."""
    if is_twin(world):
        return
    approvals, digest = Approvals(state_root()), home.settings().plan
    seen = approvals.seen(digest, world.name, dict(by or person()), datetime.now(UTC))
    approvals.copy_to(digest, home.path / "approvals")
    for each in (deed, *acts):
        people = {one.statement.person for one in seen if not one.against and one.statement.deed == each}
        home.evidence.write(Approved(deed=each, by=tuple(sorted(people))))


def _missing(
    approvals: Approvals, digest: str, world: World, deed: str, by: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    if is_twin(world):
        return ()
    return approvals.missing(digest, world.name, _deed(deed), dict(by or person()), _rehearsed(digest))


def _rehearsed(digest: str) -> datetime | None:
    """Return when the newest rehearsal of a plan that passed has ended, where its evidence is sound."""
    found: list[datetime] = []
    for file in runs_folder().glob("*/run.json"):
        home = RunHome(file.parent)
        try:
            settings = home.settings()
        except (OSError, UnreadableRun):
            # What cannot be read proves nothing.
            continue
        if settings.plan == digest and settings.kind == "twin" and testimony(home).outcome is Soundness.SOUND:
            records = home.evidence.records()
            if any(FaultsWanted.among(records)):
                # A bad night proves something else: its way back was not taken on purpose.
                continue
            found += [record.time for record, end in RehearsalEnded.among(records) if end.outcome == "passed"]
    return max(found, default=None)


def _lasting(text: str) -> timedelta:
    try:
        return timedelta(seconds=TypeAdapter(Duration).validate_python(text))
    except (ValidationError, OverflowError) as exc:
        reason = _("'{text}' is no time that an approval can last").format(text=text)
        raise WrongUse(reason, _("a number and a unit, such as 12h or 7d")) from exc


def _deed(word: str) -> Deed:
    for deed in DEEDS:
        if word == deed:
            return deed
    raise WrongUse(_("'{word}' cannot be approved").format(word=word), _("it is one of {deeds}").format(
        deeds=", ".join(DEEDS)
    ))  # fmt: skip


def _nothing(_sentence: str) -> None:
    """Who signs for a plan signs for it as it was kept."""
