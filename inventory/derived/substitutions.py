"""New words for the addresses that stand in a service's configuration, computed from the inventory alone.

A service names its database by the address of the host on which that ran as surveyed. Behind the move clients find it
by the name of its entry, so each old word is replaced by that name; the service's own address becomes its new one.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

from inventory.base import Model
from inventory.derived.targets import entry_hosts, network_of
from inventory.derived.wired import host_addresses
from inventory.model import Component, Programme, System


class Substitution(Model):
    """One word of configuration, what it becomes, and of which component it speaks."""

    found: str
    becomes: str
    of: str
    """SYSTEM/COMPONENT; `declared` where a person wrote it."""
    kind: Literal["address", "host", "local", "word"]
    """How it is found: wherever it stands, where a text uses it as a host, with its port, or as it is written."""
    address: str = ""
    """The address of the entry behind the name; nothing where there is none."""
    port: int = 0
    """The port of the entry."""
    before: str = ""
    """The old address behind a host's name."""


class Beside(Model):
    """A folder of another component that lies on the same target."""

    name: str
    root: str


def substitutions(programme: Programme, system: System, part: Component) -> tuple[Substitution, ...]:
    """Return what is replaced in a component's configuration; the first row of a word counts."""
    rows: dict[tuple[str, str], Substitution] = {}
    for row in _rows(programme, system, part):
        rows.setdefault((row.found, row.kind), row)
    return tuple(rows.values())


def ambiguous(systems: Iterable[System], system: System, part: Component) -> dict[str, tuple[str, ...]]:
    """Map each host to the used components that cannot be told apart there: one word, several names."""
    meant: dict[str, dict[str, str]] = {}
    for other, component in used(systems, system, part):
        assert component.entry is not None
        for host in component.on:
            word = f"{host}:{_old_port(component)}" if host in part.on else host
            meant.setdefault(word, {})[f"{other.system}/{component.name}"] = component.entry.name
    return {word: tuple(sorted(those)) for word, those in sorted(meant.items()) if len(set(those.values())) > 1}


def beside(system: System, part: Component) -> tuple[Beside, ...]:
    """Return the folders of the system's other components on the same targets: the service may write there."""
    places = set() if part.to is None else set(part.to.addresses)
    return tuple(
        Beside(name=f"{system.system}-{other.name}", root=str(other.settings["root"]))
        for other in system.components
        if other.name != part.name and other.to is not None and places & set(other.to.addresses)
        if "root" in other.settings
    )


def used(systems: Iterable[System], system: System, part: Component) -> Iterator[tuple[System, Component]]:
    """Yield the components that one connects to: those that it says, or those with an entry that it may need."""
    said = part.settings.get("uses")
    near = {system.system, *system.depends_on}
    for other in systems:
        for component in other.components:
            name = f"{other.system}/{component.name}"
            itself = other.system == system.system and component.name == part.name
            if itself or component.entry is None or component.to is None:
                continue
            if name in said if said is not None else other.system in near:
                yield other, component


def _rows(programme: Programme, system: System, part: Component) -> Iterator[Substitution]:
    for word in part.settings.get("replace", ()):
        yield Substitution(found=word["found"], becomes=word["becomes"], of="declared", kind="word")
    addresses = {name: str(address) for name, address in host_addresses(programme).items()}
    entries = {(host.site, host.network): str(host.address) for host in entry_hosts(programme)}
    for other, component in used(programme.systems, system, part):
        assert component.entry is not None
        assert component.to is not None
        network = network_of(programme, component.to.site, component.to.addresses[0]).name
        row = Substitution(
            found=component.entry.name,
            becomes=component.entry.name,
            of=f"{other.system}/{component.name}",
            kind="address",
            address=entries.get((component.to.site, network), ""),
            port=component.entry.port,
        )
        yield from _of_hosts(part, component, row, addresses)
    yield from _own(part, addresses)


def _of_hosts(
    part: Component, component: Component, row: Substitution, addresses: dict[str, str]
) -> Iterator[Substitution]:
    for host in component.on:
        if host in part.on:
            # On one host they find each other by any word for it; only the port says that the other one is meant.
            for near in ("localhost", "127.0.0.1", addresses[host], host):
                yield row.model_copy(update={**_with_port(near, component, row), "kind": "local"})
            continue
        if _old_port(component) != row.port:
            # The entry listens at another port than the server did.
            for word in (addresses[host], host):
                yield row.model_copy(update={**_with_port(word, component, row), "kind": "address"})
        yield row.model_copy(update={"found": addresses[host], "kind": "address"})
        yield row.model_copy(update={"found": host, "kind": "host", "before": addresses[host]})


def _with_port(word: str, component: Component, row: Substitution) -> dict[str, str]:
    return {"found": f"{word}:{_old_port(component)}", "becomes": f"{row.becomes}:{row.port}"}


def _old_port(component: Component) -> int:
    """Return the port at which a component is found today: its own setting, or that of its entry."""
    assert component.entry is not None
    return int(component.settings.get("port", component.entry.port))


def _own(part: Component, addresses: dict[str, str]) -> Iterator[Substitution]:
    targets = () if part.to is None else part.to.addresses
    for host, address in zip(part.on, targets, strict=False):
        yield Substitution(found=addresses[host], becomes=str(address), of="its own host", kind="address")
