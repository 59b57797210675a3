"""Logs in at every name of a world once: with which key, as whom, with which rights; changes nothing."""

import shlex
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Literal

from infra.hearing import Unheard, hear
from infra.ssh import client, said_of
from infra.sudo import may_sudo
from infra.worlds import World
from inventory.base import Model
from inventory.words import _

AT_ONCE = 16
"""Names that are asked side by side."""
PATIENCE = 40.0
"""Seconds for one name."""
LOOK = f"id -un; id -u; {may_sudo()} && echo 0 || echo no"
"""Who a login is, and whether it may become root without being asked for a password."""


class Rights(StrEnum):
    """What a login may do."""

    ROOT = "root"
    SUDO = "root by sudo"
    ORDINARY = "an ordinary user"
    DEVICE = "a device's own command line"
    NOT_KNOWN = "not known"


class Reached(Model):
    """How one name of a world was reached, or why it was not."""

    name: str
    kind: Literal["host", "device"]
    user: str = ""
    key: str = ""
    """Fingerprint of the key that is known for it; empty where none is."""
    rights: Rights = Rights.NOT_KNOWN
    reason: str = ""


def look(world: World, hosts: Sequence[str], devices: Sequence[str]) -> tuple[Reached, ...]:
    """Log in at every name once, change nothing, and say how it came out, in the order of the names."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        found = [*pool.map(lambda name: _host(world, name), hosts)]
        found += pool.map(lambda name: _device(world, name), devices)
    return tuple(found)


def _host(world: World, name: str) -> Reached:
    reached = Reached(name=name, kind="host", key=_known_key(world, name))
    said, reason = _asked(world, name, LOOK)
    words = said.split()
    if reason or len(words) < 3:
        return reached.model_copy(update={"reason": reason or _("its answer is no login's")})
    rights = Rights.ROOT if words[1] == "0" else Rights.SUDO if words[2] == "0" else Rights.ORDINARY
    return reached.model_copy(update={"user": words[0], "rights": rights})


def _device(world: World, name: str) -> Reached:
    reached = Reached(
        name=name, kind="device", key=_known_key(world, name), user=said_of(world.ssh_config, name).get("user", "")
    )
    _said, reason = _asked(world, name, "show version")
    return reached.model_copy(update={"reason": reason} if reason else {"rights": Rights.DEVICE})


def _asked(world: World, name: str, command: str) -> tuple[str, str]:
    """Return what a name says to a command, or why it says nothing."""
    try:
        heard = hear([*client(world.ssh_config), name, command], b"", PATIENCE, 1 << 20)
    except Unheard as exc:
        return "", exc.reason
    except subprocess.TimeoutExpired:
        return "", _("it gave no answer within {seconds} s").format(seconds=f"{PATIENCE:g}")
    if heard.status == 255:
        return "", (heard.complained.splitlines() or [_("no answer")])[-1]
    return heard.said.decode(errors="replace"), ""


def _known_key(world: World, name: str) -> str:
    settings = said_of(world.ssh_config, name)
    for file in shlex.split(settings.get("userknownhostsfile", "")):
        for wanted in (settings.get("hostkeyalias", ""), settings.get("hostname", ""), name):
            command = ["ssh-keygen", "-l", "-F", wanted, "-f", file]
            found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
            prints = [word for line in found for word in line.split() if word.startswith("SHA256:")]
            if wanted and prints:
                return prints[0]
    return ""
