"""The actuators of a real world or a twin: sites by Pulumi, systems by Ansible, lines by netmiko."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from infra.declaration import SiteDeclaration
from infra.engine import EngineFailed, ProvisionError, SitesAlone
from infra.engine.places import states_of
from infra.engine.state import SiteState
from infra.ssh import trusted
from infra.worlds import load_world
from inventory.words import _
from migrations.actuators.ansible.runner import (
    Answer,
    HalfMoved,
    HostKeyMismatch,
    HostUnreachable,
    PlaybookError,
    PlaybookKilled,
    Playbooks,
)
from migrations.actuators.contract import (
    Busy,
    HalfDone,
    Observation,
    ObservedState,
    Progress,
    Refused,
    StepActuator,
    StepError,
    Unreachable,
)
from migrations.actuators.devices import device_passwords
from migrations.actuators.links import LinkActuator
from migrations.actuators.people import PeopleActuator
from migrations.calls import SystemArguments
from migrations.home import RunHome
from migrations.plan import Actuator, Step
from netcfg.errors import (
    DeviceBusy,
    DeviceError,
    DeviceIncomplete,
    DeviceUnreachable,
    ExtranetError,
    NotConfirmed,
    NotSaved,
    TooLate,
)
from netcfg.transaction import Extranet, LineState

_Found = TypeVar("_Found")
_DEVICE_ERRORS: Mapping[type[ExtranetError], type[StepError]] = {
    DeviceUnreachable: Unreachable,
    DeviceIncomplete: Unreachable,
    NotConfirmed: Unreachable,
    # Done again it only saves.
    NotSaved: Unreachable,
    TooLate: Unreachable,
    DeviceBusy: Busy,
}
"""What may be tried again; everything else that goes wrong with devices stays wrong until somebody mends it."""


def real_actuators(home: RunHome, playbooks: Path | None = None) -> Mapping[Actuator, StepActuator]:
    """Return who acts for each kind of unit in the world that a run is bound to.

    Playbooks work in a folder of the run's own; whoever only looks beside the run needs another one.
    """
    world = load_world(home.settings().world)
    devices = world.model_copy(update={"ssh_config": trusted(world.ssh_config)})
    return {
        Actuator.SITE: SiteActuator(SitesAlone(world, states_of(world, home.path))),
        Actuator.SYSTEM: SystemActuator(Playbooks(world, playbooks or home.playbooks)),
        Actuator.LINK: LinkActuator(world),
        Actuator.LINE: LineActuator(
            Extranet(devices, home.configurations, key_file=home.sealing_key, passwords=device_passwords(world.secrets))
        ),
        Actuator.PEOPLE: PeopleActuator(home.evidence, played=home.settings().rehearsal),
    }


class SiteActuator:
    """Has sites provided."""

    def __init__(self, engine: SitesAlone) -> None:
        self._engine = engine

    def probe(self, step: Step, progress: Progress) -> Observation:  # noqa: ARG002
        """Compare the site with its declaration."""
        return self._call(step, self._engine.observe)

    def apply(self, step: Step, progress: Progress) -> Observation:
        """Make the site as declared; what an earlier attempt left unfinished is mended before."""
        return self._call(step, lambda site: self._engine.provide(site, progress))

    def undo(self, step: Step, progress: Progress) -> Observation:
        """Delete what was provided."""
        seen = self._call(step, lambda site: self._engine.withdraw(site, progress))
        return seen.model_copy(update={"state": ObservedState.NOT_DONE})

    def _call(self, step: Step, deed: Callable[[SiteDeclaration], SiteState]) -> Observation:
        try:
            seen = deed(SiteDeclaration.model_validate_json(json.dumps(step.arguments["site"])))
        except EngineFailed as exc:
            # The cloud may have been busy or silent: what was made is found again by its name.
            raise Unreachable(step.id, exc.reason, where=exc.resource, mend=exc.mend) from exc
        except ProvisionError as exc:
            raise Refused(step.id, exc.reason, where=exc.resource, mend=exc.mend) from exc
        changes = [change.model_dump(mode="json") for change in seen.changes]
        facts = {"resources": len(seen.resources), "changes": changes}
        return Observation(state=ObservedState(seen.state), facts=facts, detail=seen.why)


class SystemActuator:
    """Has systems moved."""

    def __init__(self, playbooks: Playbooks) -> None:
        self._playbooks = playbooks

    def probe(self, step: Step, progress: Progress) -> Observation:
        """Look on the hosts."""
        return self._call(step, "probe", progress)

    def apply(self, step: Step, progress: Progress) -> Observation:
        """Have the verb done on the hosts."""
        return self._call(step, "apply", progress)

    def undo(self, step: Step, progress: Progress) -> Observation:
        """Have the verb taken back on the hosts."""
        return self._call(step, "undo", progress)

    def _call(self, step: Step, mode: Literal["probe", "apply", "undo"], progress: Progress) -> Observation:
        try:
            SystemArguments.of(step.arguments)
            answer: Answer = self._playbooks.call(step.arguments, mode, step.timeout, progress)
        except ValidationError as exc:
            mend = _("plan the system again with this version")
            raise Refused(step.id, _("the plan is another version's"), mend=mend) from exc
        except HostKeyMismatch as exc:
            raise _translated(step, exc, Refused) from exc
        except (HostUnreachable, PlaybookKilled) as exc:
            raise _translated(step, exc, Unreachable) from exc
        except HalfMoved as exc:
            raise _translated(step, exc, HalfDone) from exc
        except PlaybookError as exc:
            raise _translated(step, exc, Refused) from exc
        return Observation(state=ObservedState(answer.state), facts=answer.facts)


class LineActuator:
    """Has lines' devices changed."""

    def __init__(self, extranet: Extranet) -> None:
        self._extranet = extranet

    def probe(self, step: Step, progress: Progress) -> Observation:  # noqa: ARG002
        """Look where the devices stand, and after a shift whether traffic could go back."""
        seen = self._call(step, self._extranet.observe)
        if step.verb != "shift" or seen.state is not ObservedState.DONE:
            return seen
        against = self._asked(step, self._extranet.way_back)
        return seen.model_copy(update={"facts": {**seen.facts, "way_back": list(against)}})

    def apply(self, step: Step, progress: Progress) -> Observation:
        """Change the devices in one guarded transaction."""
        return self._call(step, lambda arguments: self._extranet.change(arguments, progress))

    def undo(self, step: Step, progress: Progress) -> Observation:
        """Change them back: the same transaction with its two configurations swapped."""
        return self._call(step, lambda arguments: self._extranet.change(arguments, progress, forward=False))

    def _call(self, step: Step, deed: Callable[[Mapping[str, Any]], LineState]) -> Observation:
        seen = self._asked(step, deed)
        return Observation(state=ObservedState(seen.state), facts=seen.facts)

    @staticmethod
    def _asked(step: Step, deed: Callable[[Mapping[str, Any]], _Found]) -> _Found:
        try:
            return deed(step.arguments)
        except ExtranetError as exc:
            where = exc.device if isinstance(exc, DeviceError) else ""
            raise _DEVICE_ERRORS.get(type(exc), Refused)(step.id, str(exc), where=where) from exc


def _translated(step: Step, error: PlaybookError, into: type[StepError]) -> StepError:
    return into(step.id, error.reason, where=error.host, mend=error.mend)
