"""Fetches the configurations of devices over the sessions that a change would use; types and changes nothing there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inventory.base import Model
from inventory.configured.facts import BESIDE
from inventory.model import Device
from netcfg.errors import DeviceError, PlatformUnknown
from netcfg.fetched.language import load_language
from netcfg.guards import Ticket
from netcfg.guards.lines import normal
from netcfg.intent import DeviceChange
from netcfg.platforms import load_platform
from netcfg.reading import body, paths
from netcfg.sessions import Sessions
from netcfg.visits import each, visits

_LOOK = Ticket(label="fetch", token="fetch", seconds=0)  # noqa: S106 - it names an attempt, and this is none


@dataclass(frozen=True)
class Full:
    """A device's two configurations as they are, with their secrets: to be hidden or sealed, never shown."""

    device: str
    platform: str
    running: str
    startup: str
    beside: str = ""
    """The interfaces with their addresses, where they are no part of its configuration."""

    @property
    def told(self) -> str:
        """What the device runs with, with its interfaces."""
        return self.running + self.beside

    @property
    def saved(self) -> bool:
        """Say whether the device would start with what it runs with."""
        platform, language = load_platform(self.platform), load_language(self.platform)
        ambient = platform.ambient if language is None else f"{platform.ambient}|{language.volatile}"
        running, startup = (normal(paths(platform, text), ambient) for text in (self.running, self.startup))
        return running == startup


class Unfetched(Model):
    """A device whose configuration could not be fetched."""

    device: str
    reason: str


def fetch(sessions: Sessions, devices: Sequence[Device], tell: Callable[[str], None]) -> tuple[Full | Unfetched, ...]:
    """Return what each device is configured with, or why that is not known; `tell` hears of each when it is through."""

    def one(device: Device) -> Full | Unfetched:
        try:
            found: Full | Unfetched = _full(sessions, device)
        except (DeviceError, PlatformUnknown) as error:
            found = Unfetched(device=device.name, reason=str(error))
        tell(device.name)
        return found

    return each(devices, one)


def _full(sessions: Sessions, device: Device) -> Full:
    look = DeviceChange(device=device.name, platform=device.platform, router_id=device.router_id, push=0)
    platform = load_platform(device.platform)
    with visits(sessions, (look,), _LOOK, {}) as (visit,):

        def wait(owner: str) -> None:
            raise visit.busy(owner)

        found = visit.find(wait)
        language = load_language(device.platform)
        beside = "" if language is None or not language.beside else interfaces_told(visit.ask(language.beside))
    running = body(platform, found.running)
    return Full(device=device.name, platform=device.platform, running=running, startup=found.startup, beside=beside)


def interfaces_told(answer: str) -> str:
    """Return interfaces with their addresses as sections, from what Linux answers in brief."""
    told: list[str] = []
    for line in answer.splitlines():
        name, state, *addresses = line.split()
        own = [each for each in addresses if "/" in each]
        if own:
            inside = [*(f"address {each};" for each in own), *(["down;"] if state == "DOWN" else [])]
            lines = [f'interface "{name.partition("@")[0]}" {{', *(f"\t{each}" for each in inside), "}"]
            told += lines
    return "".join(f"{line}\n" for line in (BESIDE, *told)) if told else ""
