"""`zhenghe serve`: the service that outlives commands, and how it is installed."""

import json
import os
import pwd
import shlex
import signal
import sys
from collections.abc import Mapping
from types import FrameType

from infra.twin.paths import state_root
from inventory.words import _
from migrations.cli import saying
from migrations.cli.help import WrongUse
from migrations.service.desk import publish
from migrations.service.messages import Places, ServiceSettings
from migrations.service.service import serving, settings_of
from migrations.service.unit_file import install, unit_text

EXECUTOR = (sys.executable, "-m", "migrations.cli.deeds")
LOOKER = (sys.executable, "-m", "migrations.cli.look")


def serve(every: float | None, on_trouble: str | None, *, installing: bool, as_json: bool) -> int:
    """Serve until the process is ended, or have systemd do so from now on and after each start of the machine."""
    places = Places(state_root())
    changed: dict[str, object] = {}
    if every is not None:
        changed["every"] = every
    if on_trouble is not None:
        changed["on_trouble"] = _words(on_trouble)
    settings = ServiceSettings.model_validate({**settings_of(places).model_dump(), **changed})
    publish(places.settings, settings)
    if installing:
        text = unit_text([sys.executable, "-m", "migrations.cli.main", "serve"], _environment(places), _user())
        place = install(text)
        said = _("{place} is installed: the service runs, and starts with this machine").format(place=place)
        saying.say(json.dumps({"unit": str(place)}) if as_json else said)
        return 0
    return _serve(places)


def _serve(places: Places) -> int:
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    state = str(places.state)
    with serving(places, (*EXECUTOR, state), (*LOOKER, state), _warn) as service:
        _warn(_("the service listens at {door}").format(door=places.door))
        while not stopping:
            service.carry_on()
    return 0


def _warn(text: str) -> None:
    saying.say(text, error=True)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as exc:
        reason = _("'{text}' is no command: {why}").format(text=text, why=exc)
        mend = _("give the command with its words, such as '/usr/local/bin/alarm --team cloud'")
        raise WrongUse(reason, mend) from exc


def _environment(places: Places) -> Mapping[str, str]:
    return {**os.environ, "ZHENGHE_STATE": str(places.state)}


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
