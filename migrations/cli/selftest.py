"""`zhenghe net selftest`: whether a device is what its platform's file says."""

import json
from pathlib import Path

from inventory.loading import read_programme
from inventory.words import _
from migrations.actuators.devices import device_sessions
from migrations.cli import saying
from migrations.cli.help import WrongUse, inventory_folder
from migrations.cli.wanted import world_at
from netcfg.errors import ExtranetError
from netcfg.selftest import look_at, try_change


def try_device(folder: Path, world_file: Path, name: str, seconds: float, *, as_json: bool, change: bool) -> int:
    """Look at a device, then try one harmless change where that is wanted; 1 where something is not so."""
    devices = {
        device.name: device
        for device in read_programme(inventory_folder(folder)).network.devices
        if not device.operated_by
    }
    if name not in devices:
        reason = _("'{name}' is no device of the inventory").format(name=name)
        raise WrongUse(reason, _("they are: {known}").format(known=", ".join(sorted(devices))))
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        if not as_json:
            saying.say(sentence)

    failed, sessions = "", device_sessions(world_at(world_file))
    try:
        look_at(sessions, devices[name], tell)
        if change:
            try_change(sessions, devices[name], seconds, tell)
    except ExtranetError as error:
        failed = str(error)
    if as_json:
        saying.say(json.dumps({"device": name, "told": told, "failed": failed}, ensure_ascii=False))
    else:
        _say_end(failed, change=change)
    return 1 if failed else 0


def _say_end(failed: str, *, change: bool) -> None:
    if failed:
        saying.say(failed, error=True)
    elif not change:
        saying.say(_("nothing was changed; with --change one harmless change is tried under the device's timer"))
