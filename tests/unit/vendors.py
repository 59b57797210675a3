"""Doubles of vendors' devices with a line between them, reached without SSH: what is typed is all that counts here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.twin.routers import surveyed_configuration
from inventory.model import Programme
from netcfg.doubles.device import Double, Dropped, Full, Session
from netcfg.doubles.ios import Ios
from netcfg.doubles.vrp8 import Vrp8
from netcfg.errors import DeviceUnreachable
from netcfg.intent import LineArguments, line_steps
from netcfg.platforms import Platform
from netcfg.terminals import Terminal
from netcfg.transaction import Extranet

CE, HUB = "water-ce", "water-hub"
ENDS = (CE, HUB)
LINE = "water-leased"


class Wire:
    """Carries bytes to a session of a double."""

    def __init__(self, name: str, device: Double) -> None:
        self._name = name
        try:
            self._session: Session = device.open("zhenghe")
        except (Dropped, Full) as error:
            raise DeviceUnreachable(name, str(error)) from error
        self._shown = self._session.greeting()

    def send(self, data: bytes) -> None:
        try:
            self._shown += self._session.feed(data)
        except Dropped as error:
            self._session.close()
            raise DeviceUnreachable(self._name, str(error)) from error

    def heard(self, seconds: float) -> bytes:  # noqa: ARG002 - it waits for nothing
        # In pieces, as a network has it.
        shown, self._shown = self._shown[:4096], self._shown[4096:]
        return shown

    def close(self) -> None:
        self._session.close()


class Wired:
    """Opens command lines of doubles by their names."""

    def __init__(self, devices: Mapping[str, Double]) -> None:
        self.devices = devices

    def terminal(self, device: str, platform: Platform) -> Terminal:
        return Terminal(device, platform, Wire(device, self.devices[device]))


class Nowhere:
    ssh_config = Path("/nowhere")


def extranet(devices: Mapping[str, Double], home: Path, timer: float = 60.0) -> Extranet:
    made = Extranet(Nowhere(), home, timer=timer, within=0.1)
    made._sessions = Wired(devices)  # type: ignore[assignment]
    return made


def played_by(programme: Programme, platform: str, *names: str) -> Programme:
    """Return a programme with that platform at the devices of some names, or at both ends of the line."""
    devices = tuple(
        each.model_copy(update={"platform": platform}) if each.name in (names or ENDS) else each
        for each in programme.network.devices
    )
    return programme.model_copy(update={"network": programme.network.model_copy(update={"devices": devices})})


def steps(programme: Programme, platform: str) -> tuple[dict[str, Any], ...]:
    """Return the four stages of the line, without checks: a double has no neighbours."""
    played = played_by(programme, platform)
    line = next(line for line in played.network.lines if line.name == LINE)
    found = (step.arguments for step in line_steps(played, line))
    return tuple(LineArguments.model_copy(each, update={"checks": ()}).model_dump(mode="json") for each in found)


def surveyed(programme: Programme, platform: str, name: str) -> str:
    """Return what a device had before anything was moved, with a policy of the operator's that does something too."""
    return re.sub(
        r"(?m)^( if-match ip-prefix EXTRANET| match ip address prefix-list EXTRANET)$",
        lambda line: f"{line[0]}\n {'apply' if platform == 'vrp8' else 'set'} community 65000:1",
        surveyed_configuration(played_by(programme, platform), name),
    )


def vrp8_pair(programme: Programme) -> dict[str, Double]:
    return {name: Vrp8(name, surveyed(programme, "vrp8", name)) for name in ENDS}


def ios_pair(programme: Programme) -> dict[str, Double]:
    return {name: Ios(name, surveyed(programme, "ios", name)) for name in ENDS}


@dataclass(frozen=True)
class Kind:
    """What differs from one vendor to the other, as far as tests say it."""

    platform: str
    pair: Callable[[Programme], dict[str, Double]]
    timer: float
    middle: str
    """A word in a line in the middle of a change."""
    refusal: str
    confirms: str
    holds: str
    colleague: tuple[str, ...]
    """Configures something that is none of ours."""
    saves: tuple[str, ...]
    trial: tuple[str, ...]
    """A colleague's change that is not confirmed yet."""
    chatter: str
    copied: tuple[str, ...]
    """Lines of the operator's policy, which stand behind ours."""
    used: str
    looking: str

    def lines(self, device: Any) -> tuple[set[Any], set[Any]]:
        return set(device.running.paths), set(device.saved.paths)

    def has(self, device: Any, word: str) -> bool:
        return any(word in path[-1] for path in device.running.paths)

    def looks(self, line: str) -> bool:
        return re.fullmatch(self.looking, line) is not None

    def policies(self, device: Any) -> tuple[tuple[str, ...], set[str]]:
        """Return which policies are used where packets come in, and the lines of ours."""
        used = (re.fullmatch(self.used, path[-1]) for path in device.running.paths)
        lines = {path[-1] for path in device.running.paths if "ZH-" in path[0] and len(path) > 1}
        return tuple(found[1] for found in used if found), lines

    def reboot(self, device: Any) -> None:
        device.reboot()


_VRP8 = Kind(
    platform="vrp8",
    pair=vrp8_pair,
    timer=60.0,
    middle="apply local-preference 50",
    refusal="              ^\nError: Wrong parameter found at '^' position.",
    confirms="commit persist",
    holds="configuration exclusive",
    colleague=("system-view", "interface lan", "description by a colleague", "commit", "return"),
    saves=("save", "Y"),
    trial=("system-view", "interface lan", "description by a colleague", "commit trial 60 persist mine"),
    chatter="Nov 27 2026 18:00:00 ce %%01IFNET/4/IF_STATE(l)[0]:Interface Eth0 has turned into UP state.",
    copied=("apply community 65000:1", "if-match ip-prefix EXTRANET", "description continues EXTRANET-IN"),
    used=r"peer \S+ route-policy (\S+) import",
    looking=r"(display|dir|screen-|undo terminal|configuration exclusive|undo configuration).*|Y|",
)


_IOS = Kind(
    platform="ios",
    pair=ios_pair,
    timer=60.0,
    middle="set local-preference 50",
    refusal="               ^\n% Invalid input detected at '^' marker.",
    confirms="configure confirm",
    holds="configure terminal revert",
    colleague=("configure terminal", "interface lan", "description by a colleague", "end"),
    saves=("write memory",),
    trial=("configure terminal revert timer 1", "interface lan", "description by a colleague", "end"),
    chatter="*Nov 27 18:00:00.123: %LINK-3-UPDOWN: Interface GigabitEthernet1, changed state to up",
    copied=("set community 65000:1", "match ip address prefix-list EXTRANET", "description continues EXTRANET-IN"),
    used=r"neighbor \S+ route-map (\S+) in",
    looking=r"(show|dir|terminal) .*|",
)


def kinds() -> dict[str, Kind]:
    return {kind.platform: kind for kind in (_VRP8, _IOS)}
