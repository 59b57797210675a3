"""How a twin comes up: wires, hosts and devices at once, then routes and seeds at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path

from infra.twin import names
from infra.twin.commands import run
from infra.twin.errors import CannotBuild, TwinError
from infra.twin.fleet import Fleet, Furniture, reaches
from infra.twin.hosts import mount_overlay
from infra.twin.layout import Check, HostLayout, TwinLayout
from infra.twin.namespaces import NAMES
from infra.twin.spec import TwinSpec
from inventory.derived.wiring import MANAGEMENT
from inventory.words import _

AT_ONCE = 6
"""How many parts start at the same time: more would only wait for each other's disk and processor."""
ROUTES_SECONDS = 90.0

Tell = Callable[[str], None]


def build(spec: TwinSpec, layout: TwinLayout, fleet: Fleet, tell: Tell) -> None:
    """Make all of a twin; CannotBuild names every part that did not come up."""
    with _stage(tell, _("rights and kernel")):
        make_private()
        make_room(fleet.disks, next(iter(spec.images.values())), tell)
    with _stage(tell, _("namespaces and wires")):
        lay_wires(spec, layout, fleet)
    with _stage(tell, _("hosts and devices")):
        _all_at_once(fleet.start, (*fleet.hosts, *fleet.devices))
    with _stage(tell, _("routes and seeds")), ThreadPoolExecutor(1) as beside:
        routes = beside.submit(await_routes, layout.checks)
        _all_at_once(lambda name: fleet.host(name).seed(), fleet.hosts)
        routes.result()


def make_private() -> None:
    """Give this process its own names of namespaces and of machines, and see that the kernel filters packets."""
    for folder in (NAMES, Path("/run/systemd/nspawn")):
        folder.mkdir(parents=True, exist_ok=True)
        run(("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder))
    run(("ip", "link", "set", "lo", "up"))
    try:
        run(("nft", "list", "tables"))
    except CannotBuild as error:
        mend = _("install nftables and load the kernel module nf_tables (modprobe nf_tables)")
        raise CannotBuild(_("security groups"), error.why, mend) from error


def make_room(disks: Path, image: Path, tell: Tell) -> None:
    """See that hosts' disks can be overlays here; where the file system refuses, keep them in memory."""
    trial = disks / ".trial"
    for part in ("upper", "work", "root"):
        (trial / part).mkdir(parents=True, exist_ok=True)
    try:
        mount_overlay(image, trial, trial / "root")
    except CannotBuild as error:
        tell(_("hosts' disks are kept in memory: {why}").format(why=error.why))
        run(("mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", disks))
    else:
        run(("umount", trial / "root"))


def lay_wires(spec: TwinSpec, layout: TwinLayout, fleet: Fleet) -> None:
    """Make all segments, and hosts and devices plugged into them."""
    fleet.wires.make((*layout.segments, MANAGEMENT))
    management = layout.management
    fleet.join_management(IPv4Interface((management[-2], management.prefixlen)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = [pool.submit(fleet.add_host, host, furniture(spec, layout, host)) for host in layout.hosts]
        made += [pool.submit(fleet.add_device, device, spec.boots[device.name]) for device in layout.devices]
    _raise_all(made)


def furniture(spec: TwinSpec, layout: TwinLayout, host: HostLayout) -> Furniture:
    """Return what one host of the survey is furnished with."""
    seed = None if spec.seeds is None or not (spec.seeds / host.name).is_dir() else spec.seeds / host.name
    if host.name != layout.names.host:
        return Furniture(seed=seed)
    return Furniture(files=names.files(layout.names), services=(names.SERVICE,), seed=seed)


def await_routes(checks: tuple[Check, ...]) -> None:
    """Return once every path of the programme carries packets both ways; CannotBuild names those that do not."""
    until = time.monotonic() + ROUTES_SECONDS
    left = list(checks)
    while left and time.monotonic() < until:
        left = [check for check in left if not reaches(NAMES / check.host, check.target)]
        time.sleep(0.2 if left else 0)
    if left:
        paths = ", ".join(f"{check.host} -> {check.target}" for check in left)
        why = _("no way within {limit:.0f} s: {paths}").format(limit=ROUTES_SECONDS, paths=paths)
        raise CannotBuild(_("routes"), why, _("look at the devices' BGP sessions: zhenghe twin shell DEVICE"))


@contextmanager
def _stage(tell: Tell, name: str) -> Iterator[None]:
    started = time.monotonic()
    tell(_("{stage} …").format(stage=name))
    yield
    tell(_("{stage}: {seconds:.1f} s").format(stage=name, seconds=time.monotonic() - started))


def _all_at_once(act: Callable[[str], None], names_of_parts: tuple[str, ...]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(act, name) for name in names_of_parts]
    _raise_all(futures)


def _raise_all(futures: list[Future[None]]) -> None:
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in errors:
        if not isinstance(error, TwinError):
            raise error
    if len(errors) == 1:
        raise errors[0]
    if errors:
        why = "\n".join(str(error) for error in errors)
        raise CannotBuild(_("{count} parts of the twin").format(count=len(errors)), why, _("mend each of them"))
