"""Faults in a rehearsal: what breaks at which step, and that it is mended again; only ever in a twin of this machine.

    zhenghe rehearse --fault cut:water-leased --fault kill:water-db@system:water-billing/switch
    zhenghe rehearse --fault fill:water-db --fault silence:ns1@system:archive/switch
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Literal

from infra.twin import client
from infra.twin.layout import lay_out
from inventory.base import Model
from inventory.derived.targets import target_hosts
from inventory.errors import ZhengheError
from inventory.model import Programme
from inventory.words import _
from migrations.actuators.progress import Told
from migrations.evidence.chain import Evidence, Record
from migrations.evidence.kinds import FaultMended, FaultStruck, FaultsWanted, StepBegun
from migrations.plan import Plan, Stage, StepKind
from migrations.run.runner import Listener
from migrations.states import Deed


class Fault(Model):
    """Something that breaks when a step begins, and stays broken until the passage has ended."""

    what: Literal["cut", "kill", "silence", "fill"]
    """A segment is cut, a host or device loses its power, a host stops answering, a host's disk has no room left."""
    part: str
    at: str
    """The step's id."""

    def __str__(self) -> str:
        return f"{self.what}:{self.part}@{self.at}"


_BREAKS: dict[str, Callable[[str, str], None]] = {
    "cut": client.cut,
    "kill": partial(client.stop, at_once=True),
    "silence": client.silence,
    "fill": client.fill,
}
_MENDS: dict[str, Callable[[str, str], None]] = {
    "cut": client.restore,
    "kill": client.start,
    "silence": client.wake,
    "fill": client.empty,
}


class WrongFault(ZhengheError):
    """A fault cannot be understood; carries it, the reason, and what may be written instead."""

    def __init__(self, text: str, reason: str, mend: str) -> None:
        super().__init__(_("--fault {text}: {reason}; {mend}").format(text=text, reason=reason, mend=mend))


def fault_of(text: str, plan: Plan, programme: Programme) -> Fault:
    """Read a fault as a user writes it, WHAT:PART[@STEP]; WrongFault.

    Where no step is named, it is the cutover of the first unit that has to do with the part.
    """
    order, _at, step = text.partition("@")
    what, _colon, part = order.partition(":")
    if what not in _BREAKS:
        ways = _("write cut:LINE, kill:HOST, silence:HOST or fill:HOST")
        raise WrongFault(text, _("there is no fault {what}").format(what=what), ways)
    known = _parts(programme)[what]
    if what == "cut":
        part = next((each for each in known if each == part or each.partition(":")[2] == part), part)
    if part not in known:
        reason = _("the twin has no {part}").format(part=part)
        raise WrongFault(text, reason, _("there are: {parts}").format(parts=", ".join(sorted(known))))
    steps = {each.id for unit in plan.units for each in unit.steps}
    step = step or _first_that_meets(plan, part)
    if step not in steps:
        reason = _("the plan has no step {step}").format(step=step) if step else _("no cutover has to do with it")
        raise WrongFault(text, reason, _("name a step of zhenghe plan: @system:NAME/switch"))
    return Fault.model_validate({"what": what, "part": part, "at": step})


def _parts(programme: Programme) -> dict[str, set[str]]:
    layout = lay_out(programme)
    here = {host.name for host in layout.hosts}
    there = {host.name for site in programme.sites for host in target_hosts(programme, site.name)}
    hosts, devices = here | there, {device.name for device in layout.devices}
    return {"cut": set(layout.segments), "kill": hosts | devices, "silence": hosts, "fill": hosts}


def _first_that_meets(plan: Plan, part: str) -> str:
    """Return the first step of a cutover whose arguments, or whose unit, name a part; nothing where there is none."""
    name = part.partition(":")[2] or part
    for unit in plan.units:
        for step in unit.steps:
            changes = step.stage is Stage.CUTOVER and step.kind is not StepKind.GATE
            if changes and (unit.name == name or json.dumps(name) in json.dumps(step.arguments)):
                return step.id
    return ""


class Striking(Listener):
    """Listens to a run in a twin, passes on all that it hears, and breaks what is to break when its step begins."""

    def __init__(self, twin: str, evidence: Evidence, faults: Sequence[Fault], listener: Listener) -> None:
        self._twin = twin
        self._evidence = evidence
        self._inner = listener
        self._left = [each for each in faults if str(each) not in _struck(evidence.records())]

    def recorded(self, record: Record) -> None:
        """Strike where a step begins for which something was ordered; TwinError."""
        self._inner.recorded(record)
        begun = StepBegun.of(record)
        if begun is None or begun.deed is not Deed.APPLY:
            return
        for fault in [each for each in self._left if each.at == record.step]:
            self._left.remove(fault)
            _BREAKS[fault.what](self._twin, fault.part)
            self._evidence.write(FaultStruck(fault=str(fault)), unit=record.unit, step=record.step)
            self._inner.warned(_("fault: {fault}").format(fault=fault))

    def told(self, told: Told) -> None:
        """Pass on what an actuator says."""
        self._inner.told(told)

    def warned(self, text: str) -> None:
        """Pass on what keeps the run from going on."""
        self._inner.warned(text)


def wanted(evidence: Evidence, faults: Iterable[Fault]) -> None:
    """Write down at a rehearsal's beginning what will break in it, so that it goes on with the same after a kill."""
    if faults and not any(FaultsWanted.among(evidence.records())):
        evidence.write(FaultsWanted(faults=tuple(map(str, faults))))


def ordered(records: Iterable[Record]) -> tuple[str, ...]:
    """Return the faults that a rehearsal was begun with, none for any other run."""
    return next((said.faults for _record, said in FaultsWanted.among(records)), ())


def mend(twin: str, evidence: Evidence, faults: Sequence[Fault]) -> str:
    """Restore whatever was broken, and return which faults never came about because nobody reached their step."""
    struck = _struck(evidence.records())
    mended = {said.fault for _record, said in FaultMended.among(evidence.records())}
    for fault in faults:
        if str(fault) in struck and str(fault) not in mended:
            _MENDS[fault.what](twin, fault.part)
            evidence.write(FaultMended(fault=str(fault)))
    never = [str(fault) for fault in faults if str(fault) not in struck]
    return _("never came about: {faults}").format(faults=", ".join(never)) if never else ""


def to_be_filled(faults: Iterable[Fault]) -> tuple[str, ...]:
    """Return the hosts whose disks the twin has to be built small for."""
    return tuple(sorted({fault.part for fault in faults if fault.what == "fill"}))


def _struck(records: Iterable[Record]) -> frozenset[str]:
    return frozenset(said.fault for _record, said in FaultStruck.among(records))
