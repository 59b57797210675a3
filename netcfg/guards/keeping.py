"""The guard of devices that have none of their own: a keeper, sent to the shell account for each session."""

import json
import time
from collections.abc import Set
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from inventory.base import Model
from inventory.plain import one_line
from inventory.words import _
from netcfg.command_line import CommandLine
from netcfg.difference import commands_between
from netcfg.errors import DeviceUnreachable, NotHeld, TooLate
from netcfg.guards import Outcome, Settled, Standing, Ticket, Way
from netcfg.guards.lines import LinePath
from netcfg.platforms import Platform
from netcfg.sessions import Conversation, Shell, ShellLine

_FOLDER = Path(__file__).parent
_SENT = ("texts", "lines", "statements", "devices", "record", "keeper")
"""In the order in which they need each other."""
_MODULES = {f"netcfg.guards.{name}": (_FOLDER / f"{name}.py").read_text() for name in _SENT}
_START = """
import json, sys, types
for name, text in json.loads(sys.stdin.readline()).items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
module.main(sys.stdin)
"""
_OPENING = json.dumps(_MODULES) + "\n"
_SECONDS = 60.0
"""To take a change back may take a device so long."""


_Model = TypeVar("_Model", bound=Model)


class _Held(Model):
    state: Literal["held", "busy", "left", "changed", "failed", "rejected"]
    owner: str = ""
    why: str = ""


class KeptGuard:
    """The guard of one change on one device; its timer starts before the first command is typed."""

    def __init__(
        self, device: str, platform: Platform, line: CommandLine | ShellLine | None, shell: Shell, ticket: Ticket
    ) -> None:
        """Speak with a device; its command line is needed to push alone."""
        self._device = device
        self._platform = platform
        self._line = line
        self._shell = shell
        self._ticket = ticket
        self._armed_at: float | None = None

    def look(self) -> Standing:
        """Return whether a change is under way, and what the device starts with."""
        # In this order: what another change has done when the configuration is read is seen as that change.
        running = {"running": self._line.running()} if isinstance(self._line, CommandLine) else {}
        answer = self._ask("look")
        return self._read(Standing, {"state": answer.pop("is", None), **running, **answer})

    def settle(self, owner: str, stage: Set[LinePath]) -> Settled:  # noqa: ARG002 - the keeper knows it
        """Bring to an end what an attempt left undecided."""
        return self._read(Settled, self._ask("settle", owner=owner))

    def hold(self, way: Way) -> Literal["held", "busy", "left", "changed"]:
        """Hold the device and start the timer; NotHeld where the device cannot keep what takes the change back."""
        asked_at = time.monotonic()
        held = self._held(
            "hold",
            running=way.running,
            seconds=self._ticket.seconds,
            added=sorted(way.ours.added),
            removed=sorted(way.ours.removed),
            back=way.ours.back,
        )
        if held.state in {"failed", "rejected"}:
            raise NotHeld(self._device, self._platform.masked(held.why))
        if held.state == "held":
            self._armed_at = asked_at
        return held.state  # type: ignore[return-value]

    def push(self, way: Way) -> None:
        """Type what leads from one configuration to the other; TooLate where a third of the timer's time is left."""
        assert isinstance(self._line, CommandLine)

        def in_time(command: str) -> None:
            if time.monotonic() > self._limit:
                raise TooLate(self._device, self._platform.masked(command))

        self._line.configure(commands_between(self._platform, way.running, way.goal), in_time)

    def save(self) -> None:
        """Make the running configuration the one to start with."""
        assert isinstance(self._line, CommandLine)
        self._line.save()

    @property
    def _limit(self) -> float:
        # By the clock of ours that was read before the timer started: the device has at least as much time left.
        assert self._armed_at is not None
        return self._armed_at + self._ticket.seconds * 2 / 3

    def confirm(self, way: Way) -> Outcome:  # noqa: ARG002 - the keeper knows it
        """Keep the change."""
        return self._read(Settled, self._ask("confirm")).outcome

    def take_back(self, way: Way) -> Settled:  # noqa: ARG002 - the keeper knows it
        """Take the change back now, and compare."""
        return self._read(Settled, self._ask("take_back"))

    def release(self) -> None:
        """Let the device go for other changes."""
        self._ask("release")

    def _held(self, verb: str, **more: Any) -> _Held:
        answer = self._ask(verb, **more)
        return self._read(_Held, {"state": answer.pop("is", None), **answer})

    def _ask(self, verb: str, **more: Any) -> dict[str, Any]:
        knowledge = {
            **self._platform.keeping.model_dump(),
            "noise": self._platform.noise,
            "ambient": self._platform.ambient,
            "leave": self._platform.commands.leave,
            "negation": self._platform.difference.negation,
            "settings": self._platform.difference.settings,
            "dependents": self._platform.difference.depending,
        }
        own = {"verb": verb, "label": self._ticket.label, "token": self._ticket.token, "knowledge": knowledge}
        answer = self._keeper.ask(json.dumps(own | more), _SECONDS)
        try:
            found = dict(json.loads(answer))
        except (ValueError, TypeError, RecursionError) as error:
            raise self._strange() from error
        if "error" in found:
            raise DeviceUnreachable(self._device, self._platform.masked(one_line(str(found["error"]), 500)))
        return found

    @property
    def _keeper(self) -> Conversation:
        """The keeper, which is sent once for all that is asked of it in one session."""
        if self._shell.keeper is None:
            self._shell.keeper = self._shell.converse(("python3", "-I", "-S", "-c", _START), _OPENING)
        return self._shell.keeper

    def _read(self, model: type[_Model], answer: dict[str, Any]) -> _Model:
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            raise self._strange() from error

    def _strange(self) -> DeviceUnreachable:
        return DeviceUnreachable(self._device, _("its shell account answers something else than asked"))
