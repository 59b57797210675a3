"""The folder of a run: its plan, its settings, its evidence, and the files of the engine that carries it out."""

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Literal, TypeVar

from pydantic import Field, StringConstraints, ValidationError
from pydantic_core import from_json

from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.files.gathering import uncollected
from inventory.model import Programme
from inventory.regular import content_of
from inventory.secrecy import SecretReference
from inventory.words import _
from migrations.evidence.chain import DamagedEvidence, Evidence, Record
from migrations.evidence.standing import standings_of
from migrations.plan import Plan, digest, digest_of_unit, digest_of_units
from migrations.states import UnitState

AnyModel = TypeVar("AnyModel", bound=Model)
KEY_BYTES = 32


class TemporalCluster(Model):
    """A cluster of Temporal's, or its cloud, that carries a run's workflows in the place of the run's own server."""

    address: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}$", max_length=300)]
    """Host and port."""
    namespace: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=200)] = "default"
    tls: bool = False
    api_key: SecretReference | None = None
    """Where its key is kept."""


class RunSettings(Model):
    """What a run is bound to; none of it changes while it lives."""

    run: str
    plan: str
    """Digest of the plan."""
    programme: str = ""
    """SHA-256 of the file programme.json, which probes and reports read; empty where there is none."""
    world: Path
    """The file world.json."""
    kind: Literal["twin", "real"] = "real"
    """Whether the world is a twin; kept here because a twin's own file goes with it."""
    rehearsal: bool = False
    """Whether it is a rehearsal: there are no people in it."""
    temporal: TemporalCluster | None = None
    """The cluster that carries it; none where it has an engine of its own."""
    heartbeat: float = 10.0
    """Seconds after which a silent worker is taken for dead."""
    history: Annotated[int, Field(ge=100)] = 8000
    """Events of a passage's workflow after which it goes on as a new one; a server keeps some ten thousand."""


class RunBusy(ZhengheError):
    """Another command carries this run out at the moment."""


class StalePlan(ZhengheError):
    """The plan in a run's folder is not the one that the run is bound to."""

    def __init__(self, file: Path) -> None:
        self.file = file
        super().__init__(_("{file} was changed after the run began; put it back as it was").format(file=file))


class UnreadableRun(ZhengheError):
    """A file in a run's folder is not one that this version writes, or is damaged."""

    def __init__(self, file: Path, *, damaged: bool = False) -> None:
        self.file = file
        self.damaged = damaged
        another = _("{file} is not as this version writes it; end the run with the version that began it")
        noise = _("{file} is damaged; put it back from a copy, or call zhenghe rehearse or apply with the same plan")
        super().__init__((noise if damaged else another).format(file=file))


class RunHome:
    """A run's folder; all of it belongs to root alone, because what lies there is obeyed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plan_file = path / "plan.json"
        self.outline_file = path / "outline.json"
        self.programme_file = path / "programme.json"
        self.settings_file = path / "run.json"
        self.logs = path / "logs"
        self.locks = path / "locks"
        self.playbooks = path / "playbooks"
        self.progress_file = path / "progress.jsonl"
        self.database = path / "temporal.db"
        self.key_file = path / "payload.key"
        self.configurations = path / "configurations"
        self.sealing_key = path.parent.with_name("keys") / path.name
        """Seals what devices have of secrets; apart from the run's folder, so that a copy of that tells nothing."""
        self.evidence = Evidence(path / "evidence.jsonl")
        self.witness_key = path / "witness.key"
        """Signs the evidence."""
        self.head_file = path.parent.with_name("heads") / path.name
        """How many records were signed; apart from the run's folder, so that it tells what is gone of the evidence."""
        self._known: tuple[tuple[int, int], Plan] | None = None

    @property
    def world_locks(self) -> Path:
        """Return where locks lie on what several runs of one world change; a run that lies by itself has its own."""
        if self.path.parent.name != "runs":
            return self.locks
        world = hashlib.sha256(os.fsencode(self.settings().world.resolve())).hexdigest()[:24]
        return self.path.parent.parent / "locks" / world

    def create(self, plan: Plan, settings: RunSettings, programme: Programme | None = None) -> None:
        """Make the folder, or leave it as it is where the run exists already; RunBusy as for `held`.

        A file of it that is damaged is written again: all of them can be told from the arguments.
        """
        if self.settings_file.exists() and not self._damaged():
            return
        files = {
            self.key_file: secrets.token_bytes(KEY_BYTES),
            self.outline_file: outlined(plan).model_dump_json().encode(),
            self.plan_file: plan.model_dump_json(indent=1).encode(),
        }
        if programme is not None:
            text = programme.model_dump_json(indent=1).encode()
            files[self.programme_file] = text
            settings = settings.model_copy(update={"programme": hashlib.sha256(text).hexdigest()})
        # Last, because with it the run exists.
        files[self.settings_file] = settings.model_dump_json(indent=1).encode()
        # Two first commands at once must not take each other's key for their own.
        with self.held():
            for folder in (self.logs, self.locks):
                folder.mkdir(exist_ok=True, mode=0o700)
            for file, content in files.items():
                if not file.exists() or file in self._damaged():
                    _publish(file, content)

    def _damaged(self) -> tuple[Path, ...]:
        """Return the files that hold something, such as nothing at all, that nobody ever wrote."""
        files = (self.plan_file, self.programme_file, self.settings_file)
        return tuple(file for file in files if file.exists() and not _is_json(content_of(file)))

    def renew_key(self) -> bool:
        """Make a new key where there is none, and say whether that had to be: whatever the old one sealed is lost."""
        if self.key_file.exists() and self.key_file.stat().st_size == KEY_BYTES:
            return False
        _publish(self.key_file, secrets.token_bytes(KEY_BYTES))
        return True

    def settings(self) -> RunSettings:
        """Read what the run is bound to; FileNotFoundError where there is no run, UnreadableRun."""
        return _read(self.settings_file, RunSettings)

    def plan(self) -> Plan:
        """Read the plan; StalePlan where it is not the one that the run is bound to, UnreadableRun."""
        seen = self.plan_file.stat()
        mark = (seen.st_mtime_ns, seen.st_size)
        if self._known is None or self._known[0] != mark:
            with uncollected():
                plan = _read(self.plan_file, Plan)
                found = [digest_of_unit(unit) for unit in plan.units]
                told = all(unit.digest in {"", known} for unit, known in zip(plan.units, found, strict=True))
                if not told or digest_of_units(plan, found) != self.settings().plan:
                    raise StalePlan(self.plan_file)
            self._known = (mark, plan)
        return self._known[1]

    def outline(self) -> Plan:
        """Read the plan without its steps, which takes a hundredth of the time; the errors of `plan`."""
        try:
            plan = _read(self.outline_file, Plan)
        except (OSError, UnreadableRun):
            return self.plan()
        if digest_of_units(plan, (unit.digest for unit in plan.units)) != self.settings().plan:
            # A plan whose units have no digests of their own, or another one: the whole plan says.
            return self.plan()
        return plan

    def programme(self) -> Programme:
        """Read the programme that the plan was computed from; StalePlan where it was changed since, UnreadableRun."""
        programme = _read(self.programme_file, Programme)
        bound = self.settings().programme
        if bound and hashlib.sha256(content_of(self.programme_file)).hexdigest() != bound:
            raise StalePlan(self.programme_file)
        return programme

    def keep_head(self, records: int) -> None:
        """Remember how many records of the evidence are signed by now."""
        self.head_file.parent.mkdir(exist_ok=True, mode=0o700)
        _publish(self.head_file, f"{records} {self._mark()}".encode())

    def see_whole(self) -> None:
        """Raise DamagedEvidence where records are gone that were signed: what was done then is not known any more."""
        try:
            number, mark = self.head_file.read_text().split()
            signed = int(number)
        except (OSError, ValueError):
            return
        # A folder that was taken away and made anew is another run of this name.
        if mark == self._mark() and (found := self.evidence.count()) < signed:
            text = _("it has {found} records, and {signed} were signed: all after that are gone")
            raise DamagedEvidence(self.evidence.path, text.format(found=found, signed=signed))

    def _mark(self) -> str:
        """Tell this run from others that had its name: by its own key."""
        public = self.witness_key.with_suffix(".key.pub")
        return hashlib.sha256(public.read_bytes()).hexdigest() if public.is_file() else "-"

    def is_busy(self) -> bool:
        """Say whether a command carries the run out at the moment."""
        if not (self.path / "lock").exists():
            return False
        with (self.path / "lock").open("rb") as file:
            return not _locked(file)

    @contextmanager
    def held(self, patience: float = 15.0) -> Iterator[int]:
        """Keep other commands out and yield the lock's descriptor; RunBusy where one stays longer than `patience` s.

        Children inherit the descriptor, so that the lock is free only when the last of them is gone too.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.path / "lock").open("a+b") as file:
            deadline = time.monotonic() + patience
            while not _locked(file):
                if time.monotonic() > deadline:
                    raise RunBusy(_("another command is carrying this run out; wait for it or stop it"))
                time.sleep(0.1)
            yield file.fileno()


def outlined(plan: Plan) -> Plan:
    """Return a plan without the steps of its units."""
    return plan.model_copy(update={"units": tuple(unit.model_copy(update={"steps": ()}) for unit in plan.units)})


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: Path, model: type[AnyModel]) -> AnyModel:
    content = content_of(file)
    try:
        return model.model_validate_json(content)
    except ValidationError as exc:
        raise UnreadableRun(file, damaged=not _is_json(content)) from exc


def _is_json(content: bytes) -> bool:
    try:
        from_json(content)
    except ValueError:
        return False
    return True


def _publish(path: Path, content: bytes) -> None:
    scratch = path.with_name(path.name + ".new")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def states_of(plan: Plan, records: Iterable[Record]) -> dict[str, UnitState]:
    """Compute from the evidence how far each unit of a plan has come."""
    return {key: standing.state for key, standing in standings_of(plan, records).items()}


def run_id(plan: Plan, world: str, known: str = "") -> str:
    """Return the name of the run of a plan in a world: the same for the same two; `known` is the plan's digest."""
    return f"{plan.programme}-{(known or digest(plan))[:12]}-{world}"
