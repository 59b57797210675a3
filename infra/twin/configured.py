"""Configurations that the twin's routers boot with: devices' real ones where these were fetched, else generated ones.

A real configuration stays as it is but for what a twin cannot have: its interfaces bear the names of the twin's wires,
its hidden secrets are secrets of the twin, equal where they are equal in reality, and interfaces that lead to nothing
that the inventory knows lead to nothing in the twin either, but are up, so that what is announced there is announced.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Interface

from infra.twin.routers import surveyed_configuration
from inventory.base import Model
from inventory.configured.facts import BESIDE, HIDDEN_SECRET, Configured, Port
from inventory.configured.folder import Kept
from inventory.derived.wiring import LONGEST_NAME, MANAGEMENT, Interface, interfaces
from inventory.model import Programme

_PLATFORMS = {"frr", "bird", "vrp8", "ios"}
"""The twin's routers are of these; what was fetched of others cannot boot them."""
_CIPHERED = {"vrp8", "ios"}
"""They show each secret otherwise than the next device shows it, so nobody can say which are equal."""
_ELSEWHERE = re.compile(r'^\s*(?:log\s[^;"]*"|mrtdump\s+")[^"]*"[^;]*;\s*$')
"""Lines by which BIRD writes to files that a twin does not have; it would not start with them."""
_WITHOUT_ADDRESS = {"lo"}


class Spare(Model):
    """An interface of a device that leads to nothing that the inventory knows."""

    name: str
    vrf: str | None


class Boot(Model):
    """What one router of a twin boots with."""

    configuration: str
    spares: tuple[Spare, ...] = ()
    addresses: tuple[tuple[str, IPv4Interface], ...] = ()
    """Of interfaces that lead nowhere, where the configuration does not give them any."""
    real: bool = False
    """It was fetched from the device."""


def boots(programme: Programme, kept: Mapping[str, Kept]) -> dict[str, Boot]:
    """Return what each device of a programme's twin boots with."""
    wires: dict[str, list[Interface]] = {}
    for wire in interfaces(programme):
        wires.setdefault(wire.device, []).append(wire)
    usable = {name: each for name, each in kept.items() if _can_boot(each)}
    secret = _Secrets(each.facts for each in usable.values())
    found: dict[str, Boot] = {}
    for device in programme.network.devices:
        own = wires.get(device.name, [])
        if device.name in usable and device.platform == usable[device.name].facts.platform:
            found[device.name] = _real(usable[device.name], own, secret)
        else:
            generated = surveyed_configuration(programme, device.name)
            found[device.name] = Boot(configuration=_matched(generated, own, usable, secret))
    return found


def _can_boot(kept: Kept) -> bool:
    # What a configuration includes from other files was not fetched.
    included = any(each.kind == "include" for each in kept.facts.foreign)
    return kept.facts.platform in _PLATFORMS and kept.facts.understood and not included


class _Secrets:
    """Gives secrets of the twin for hidden ones."""

    def __init__(self, facts: Iterable[Configured]) -> None:
        # Tags of different keys cannot be compared: then all secrets are one, so that both ends of a link agree.
        every = tuple(facts)
        self._one = len({each.key for each in every}) > 1 or any(each.platform in _CIPHERED for each in every)

    def shown(self, text: str) -> str:
        """Return a text with secrets of the twin in place of the hidden ones."""
        return HIDDEN_SECRET.sub(lambda tag: "twin-secret" if self._one else f"twin-{tag[1]}", text)


def _real(kept: Kept, wires: Iterable[Interface], secrets: _Secrets) -> Boot:
    ports, own = kept.facts.ports, tuple(wires)
    names, spares = _names(ports, own)
    configured, beside, _interfaces = secrets.shown(kept.text).partition(BESIDE)
    lines = (_renamed(line, names) for line in configured.splitlines() if not _ELSEWHERE.match(line))
    led = {wire.address for wire in own}
    addresses = ((names.get(port.name, port.name), each) for port in ports if not port.shut for each in port.addresses)
    return Boot(
        configuration="".join(f"{line}\n" for line in lines),
        spares=spares,
        addresses=tuple(pair for pair in addresses if pair[1] not in led) if beside else (),
        real=True,
    )


def _names(ports: Iterable[Port], wires: tuple[Interface, ...]) -> tuple[dict[str, str], tuple[Spare, ...]]:
    """Return what interfaces are called in the twin, and those that have no wire there."""
    of_address = {wire.address: wire for wire in wires}
    names: dict[str, str] = {}
    spares: list[Spare] = []
    taken = {MANAGEMENT, *(wire.name for wire in wires)}
    for port in ports:
        wire = next((of_address[address] for address in port.addresses if address in of_address), None)
        if wire is not None:
            names[port.name] = wire.name
        elif port.name not in _WITHOUT_ADDRESS:
            names[port.name] = _free(port.name, taken)
            taken.add(names[port.name])
            if port.addresses and not port.shut:
                spares.append(Spare(name=names[port.name], vrf=port.vrf or None))
    return names, tuple(spares)


def _free(name: str, taken: set[str]) -> str:
    """Return a name that Linux allows and nobody on the device has."""
    short = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:LONGEST_NAME]
    number = 1
    while short in taken:
        number += 1
        short = f"{re.sub(r'[^A-Za-z0-9_.-]', '-', name)[: LONGEST_NAME - 1 - len(str(number))]}.{number}"
    return short


def _renamed(line: str, names: Mapping[str, str]) -> str:
    """Return a line with its interfaces' names in the twin; what people wrote stays."""
    words = line.split(" ")
    if "description" in words or not names:
        return line
    line = re.sub(r'"([^"]+)"', lambda name: f'"{names.get(name[1], name[1])}"', line)
    return line if not names.keys() & set(words) else " ".join(names.get(word, word) for word in words)


def _matched(generated: str, wires: Iterable[Interface], kept: Mapping[str, Kept], secrets: _Secrets) -> str:
    """Return a generated configuration with the passwords that fetched neighbours ask for."""
    lines = generated.splitlines()
    for wire in wires:
        if wire.peer is not None and wire.peer in kept:
            password = _password(kept[wire.peer].facts, str(wire.address.ip))
            forms = (
                (f" neighbor {wire.peer_address} remote-as ", f" neighbor {wire.peer_address} password {{}}"),
                (f" peer {wire.peer_address} as-number ", f" peer {wire.peer_address} password cipher {{}}"),
                (f"\tneighbor {wire.peer_address} as ", '\tpassword "{}";'),
            )
            for at, form in forms if password else ():
                where = next((number for number, line in enumerate(lines) if line.startswith(at)), None)
                if where is not None:
                    lines.insert(where + 1, form.format(secrets.shown(password)))
    return "".join(f"{line}\n" for line in lines)


def _password(facts: Configured, neighbour: str) -> str:
    """Return the hidden password that a device asks of a neighbour."""
    return next((each.password for each in facts.neighbours if each.peer == neighbour), "")
