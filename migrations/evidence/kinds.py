"""Every kind of record that evidence holds, as a model: nobody else knows by which words they are kept.

    evidence.write(UnitMoved(state=..., passage=1), unit="system:archive")
    for record in evidence.records():
        if (moved := UnitMoved.of(record)) is not None: ...

A field is never taken out and never changes its meaning; what a later version adds has a default, so that runs of
earlier ones stay readable. `RunBegun.schema_version` says by which version a run is written.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Literal, Self

from pydantic import ConfigDict, Field, ValidationError

from inventory.errors import ZhengheError
from inventory.words import _
from migrations.evidence.chain import Fact, Head, Record
from migrations.evidence.seen import ProbeResult, UnitChecks, WritesVerdict
from migrations.states import Deed, Direction, PassageResult, UnitState

SCHEMA = 1
"""The version of all that stands here; it grows when a reader of before would misunderstand a record."""


class UnknownRecord(ZhengheError):
    """A record is not as this version writes its kind."""

    def __init__(self, record: Record) -> None:
        self.record = record
        text = _("record {number} ({kind}) is not as this version writes it: read it with the one that began the run")
        super().__init__(text.format(number=record.seq, kind=record.kind))


class Kind(Fact):
    """One kind of record: its fields are what stands in `what`."""

    model_config = ConfigDict(populate_by_name=True)

    @classmethod
    def of(cls, record: Record) -> Self | None:
        """Return what a record says where it is of this kind, and None where it is of another; UnknownRecord."""
        if record.kind != cls.KIND:
            return None
        try:
            return cls.model_validate(record.what)
        except ValidationError as exc:
            raise UnknownRecord(record) from exc

    @classmethod
    def among(cls, records: Iterable[Record]) -> Iterator[tuple[Record, Self]]:
        """Yield the records of this kind with what they say; UnknownRecord."""
        for record in records:
            if (said := cls.of(record)) is not None:
                yield record, said


class Person(Kind):
    """Who called a command, as far as this machine knows."""

    user: str = ""
    login: str = ""
    """The login of the audit, which outlasts su and sudo."""
    sudo: str = ""
    came_from: str = Field("", alias="from")
    """The address of the SSH session."""
    machine: str = ""
    ssh_key: str = ""
    """Fingerprint of the key that let them in."""


class RunBegun(Person):
    """The first record: it binds the run to its plan, its world, the version that began it and a person."""

    KIND: ClassVar[str] = "run-begun"
    run: str
    plan: str
    programme: str
    world: str
    version: str
    key: str
    """The public half of the run's own key."""
    world_file: str = ""
    images: Mapping[str, str] = {}
    """Of each image of hosts that a twin was built of, the SHA-256 of the list of its packages (packages/NAME)."""
    schema_version: int = Field(SCHEMA, alias="schema")


class CommandBegun(Person):
    """Somebody called a command on the run."""

    KIND: ClassVar[str] = "command-begun"
    deed: str
    command: tuple[str, ...] = ()


class CommandEnded(Kind):
    """How that command ended."""

    KIND: ClassVar[str] = "command-ended"
    deed: str
    result: str


class WitnessRenewed(Kind):
    """The key that signed for the run was lost, and another one signs from here on."""

    KIND: ClassVar[str] = "witness-renewed"
    key: str


class HeadSigned(Kind):
    """The run's key signed all records before this one."""

    KIND: ClassVar[str] = "head-signed"
    records: int
    hash: str
    bytes: int
    sha256: str
    signature: str
    sent: str = ""
    """Where it was sent, or why it was not; empty where there is no sink."""
    stamp: str = ""
    """An authority's time stamp of it (RFC 3161), in base64; empty where none was asked for."""

    @property
    def head(self) -> Head:
        """Return what was signed: where the evidence ended before this record."""
        return Head(self.records, self.hash, self.bytes, self.sha256)
    sm2: str = ""
    """A signature of it by SM2 over SM3, in base64, and the public key; empty where none was asked for."""
    sm2_key: str = ""
    missing: str = ""
    """Why a proof that was asked for is missing."""


class Approved(Kind):
    """Under whose approvals something is done in a real world."""

    KIND: ClassVar[str] = "approved"
    deed: str
    by: tuple[str, ...]


class StageBegun(Kind):
    """A rehearsal took up a stage; `begin` in seconds since 1970."""

    KIND: ClassVar[str] = "stage-begun"
    name: str
    begin: float


class StageEnded(Kind):
    """A stage of a rehearsal has ended; times in seconds since 1970, `failure` empty where nothing failed."""

    KIND: ClassVar[str] = "stage"
    name: str
    begin: float
    end: float
    failure: str = ""


class TwinBuilt(Kind):
    """A rehearsal's twin was built; devices that booted as they are really configured, with the digests of that."""

    KIND: ClassVar[str] = "twin-built"
    configured: dict[str, str] = Field(default={})
    """SHA-256 of the kept configuration that each was fetched with."""


class RehearsalEnded(Kind):
    """How a rehearsal came out."""

    KIND: ClassVar[str] = "rehearsal-ended"
    outcome: Literal["passed", "failed"]
    reason: str = ""


class FaultsWanted(Kind):
    """What will break in this rehearsal, as it was written on the command line with its step."""

    KIND: ClassVar[str] = "faults-wanted"
    faults: tuple[str, ...]


class FaultStruck(Kind):
    """Something was broken at the beginning of a step."""

    KIND: ClassVar[str] = "fault-struck"
    fault: str


class FaultMended(Kind):
    """It was restored."""

    KIND: ClassVar[str] = "fault-mended"
    fault: str


class PassageBegun(Kind):
    """A passage of units was begun; all of the plan's where none is named."""

    KIND: ClassVar[str] = "passage-begun"
    number: int
    direction: Direction
    units: tuple[str, ...] = ()


class PassageEnded(Kind):
    """A passage has ended; without a result it was abandoned where it stood, because another one was asked for."""

    KIND: ClassVar[str] = "passage-ended"
    number: int
    result: PassageResult | None = None
    abandoned: bool = False
    reason: str = ""


class UnitMoved(Kind):
    """A unit came to a state."""

    KIND: ClassVar[str] = "unit-state"
    state: UnitState
    reason: str = ""
    passage: int = 0


class StateRefused(UnitMoved):
    """A unit was to be noted in a state, and nobody had seen what that takes of a step."""

    KIND: ClassVar[str] = "state-refused"


class _Attempt(Kind):
    """One attempt at one deed for one step."""

    deed: Deed
    passage: int
    attempt: int = 1


class StepBegun(_Attempt):
    """An attempt began; the state is that of the unit meanwhile."""

    KIND: ClassVar[str] = "step-begun"
    state: UnitState
    ticket: str = ""
    """The engine's own name of the attempt, which is given out once; empty in runs of earlier versions."""


class StepSeen(Kind):
    """What was seen of a step that was not as it should be after the deed."""

    KIND: ClassVar[str] = "step-seen"
    state: str
    detail: str = ""
    facts: Mapping[str, object] = {}


class StepDone(_Attempt):
    """An attempt came to its end, and this was seen then."""

    KIND: ClassVar[str] = "step-done"
    seconds: float = 0.0
    state: str = ""
    detail: str = ""
    facts: Mapping[str, object] = {}


class StepFailed(_Attempt):
    """An attempt failed: the name of the error, the reason, where, and what a person can do."""

    KIND: ClassVar[str] = "step-failed"
    error: str = ""
    reason: str = ""
    where: str = ""
    mend: str = ""


class ProbeSaw(Kind, ProbeResult):
    """What one probe saw in one passage."""

    KIND: ClassVar[str] = "probe-result"
    passage: int


class WritesJudged(Kind, WritesVerdict):
    """Whether every acknowledged write of a probe was there after a passage."""

    KIND: ClassVar[str] = "writes-verdict"
    passage: int


class UnitChecked(Kind, UnitChecks):
    """How the checks of one unit came out at a stage."""

    KIND: ClassVar[str] = "verify-result"
    stage: str


class EngineBegun(Kind):
    """A new file of the engine was begun; the mark tells which key seals what is in it."""

    KIND: ClassVar[str] = "engine-begun"
    key: str


class EnginePutAside(Kind):
    """A damaged file of the engine was put aside; the run goes on from the evidence."""

    KIND: ClassVar[str] = "engine-put-aside"
    why: str
    kept: str


class WorkflowFailed(Kind):
    """A workflow did not get past an error in it, however often the engine had it tried; the last one is kept."""

    KIND: ClassVar[str] = "workflow-failed"
    workflow: str
    attempts: int
    why: str


class TroubleSeen(Kind):
    """A look saw for the first time that something is not as a step left it."""

    KIND: ClassVar[str] = "trouble-seen"
    what: str
    text: str


class TroubleGone(Kind):
    """What a look had seen is well again."""

    KIND: ClassVar[str] = "trouble-gone"
    what: str


class StepConfirmed(Person):
    """A person said that a step of people's was done, or taken back."""

    KIND: ClassVar[str] = "step-confirmed"
    deed: Deed
    note: str = ""
