"""Steps that people do: hardware is carried, an export is taken over, a department confirms.

A person says with `zhenghe done` that a step is done, or taken back; until then the step waits. In a rehearsal there
are no people: what they would do is taken as done, and said to be so.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from inventory.words import _N, _
from migrations.actuators.contract import Observation, ObservedState, Progress, Waiting
from migrations.calls import Task
from migrations.evidence.chain import Evidence, Record
from migrations.evidence.kinds import StepConfirmed, StepDone, StepFailed, UnitMoved
from migrations.plan import Step, StepKind
from migrations.states import Deed, UnitState

ASKED: Mapping[str, str] = {
    "announce": _N("whoever admits the department by its own public addresses admits {networks} too; what it offers "
                   "to the internet is published at the extranet's exit"),
    "let-in": _N("{networks} are taken from the extranet too, so that answers find that way once the line is down"),
    "let-go": _N("the far end speaks no BGP over the line any more and sends nothing for {networks} that way"),
    "cancel": _N("the line ({networks}) is cancelled and no rent is paid for it any more"),
}  # fmt: skip
"""What those are asked for who run the far end of a line, or know the department by it."""


class PeopleActuator:
    """Has people do steps."""

    def __init__(self, evidence: Evidence, *, played: bool = False) -> None:
        """`played` takes everything as done, as a rehearsal does."""
        self._evidence = evidence
        self._played = played

    def probe(self, step: Step, progress: Progress) -> Observation:  # noqa: ARG002
        """Look what the person said last."""
        records = self._evidence.records()
        said = confirmation(step, records)
        done = said is not None and said.deed is Deed.APPLY
        facts = {} if said is None else {"note": said.note, "by": said.login or said.user}
        if self._played and said is None:
            done = _last_deed(step, records) is Deed.APPLY
            facts = {"played": "a person would do this"}
        return Observation(state=ObservedState.DONE if done else ObservedState.NOT_DONE, facts=facts)

    def apply(self, step: Step, progress: Progress) -> Observation:
        """Wait until a person has said that it is done."""
        if self._played:
            return Observation(state=ObservedState.DONE, facts={"played": "a person would do this"})
        seen = self.probe(step, progress)
        if seen.state is not ObservedState.DONE:
            raise self._waiting(step, Deed.APPLY)
        return seen

    def undo(self, step: Step, progress: Progress) -> Observation:
        """Wait until a person has taken it back; what nobody has done needs no taking back."""
        if self._played:
            return Observation(state=ObservedState.NOT_DONE, facts={"played": "a person would take this back"})
        seen = self.probe(step, progress)
        if seen.state is ObservedState.DONE:
            raise self._waiting(step, Deed.UNDO)
        return seen

    def _waiting(self, step: Step, deed: Deed) -> Waiting:
        task = Task.model_validate(step.arguments)
        due = due_of(step, deed, self._evidence.records())
        until = "" if due is None else f"{due.astimezone():%Y-%m-%d}"
        what = _("{verb} is to be done by {who} until {until}")
        asked = _(ASKED[task.verb]).format(networks=", ".join(task.networks or ())) if task.verb in ASKED else ""
        if deed is Deed.UNDO:
            what = _("{verb} is to be taken back by {who} until {until}")
        mend = _("then say: zhenghe done {step}").format(step=step.id)
        if deed is Deed.UNDO:
            mend = _("then say: zhenghe done {step} --undone").format(step=step.id)
        said = what.format(verb=task.verb, who=task.who, until=until)
        return Waiting(step.id, f"{said}: {asked}" if asked else said, where=task.who, mend=mend)


def confirmation(step: Step, records: tuple[Record, ...]) -> StepConfirmed | None:
    """Return what a person said last of a step; a gate is to be passed anew once its unit has gone back."""
    said: StepConfirmed | None = None
    unit = step.id.partition("/")[0]
    for record in records:
        if record.step == step.id and (found := StepConfirmed.of(record)) is not None:
            said = found
        elif step.kind is StepKind.GATE and record.unit == unit and (moved := UnitMoved.of(record)) is not None:
            said = None if moved.state in {UnitState.ROLLED_BACK, UnitState.WITHDRAWN} else said
    return said


def asked_of(step: Step, records: tuple[Record, ...]) -> Deed | None:
    """Return what a person is asked for now: to do a step, or to take it back; nothing where nobody waits for him."""
    asked: Deed | None = None
    for record in (each for each in records if each.step == step.id):
        failed = StepFailed.of(record)
        if failed is not None or StepConfirmed.of(record) is not None:
            asked = failed.deed if failed is not None and failed.error == Waiting.__name__ else None
    return asked


def due_of(step: Step, deed: Deed, records: tuple[Record, ...]) -> datetime | None:
    """Return until when a person has time: so many days from when he was asked first since he spoke last."""
    asked: datetime | None = None
    for record in records:
        if record.step != step.id:
            continue
        if StepConfirmed.of(record) is not None:
            asked = None
        elif (failed := StepFailed.of(record)) is not None and failed.deed is deed and failed.error == Waiting.__name__:
            asked = asked or record.time
    days = timedelta(days=Task.model_validate(step.arguments).days)
    return (asked or datetime.now().astimezone()) + days


def _last_deed(step: Step, records: tuple[Record, ...]) -> Deed | None:
    done = [said.deed for record, said in StepDone.among(records) if record.step == step.id]
    return done[-1] if done else None
