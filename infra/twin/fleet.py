"""Hosts and devices of a running twin by their names: made, started, stopped, reached."""

import subprocess
import threading
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket

from infra.twin.cgroups import Groups
from infra.twin.commands import run
from infra.twin.configured import Boot
from infra.twin.filters import translate
from infra.twin.hosts import HostSpec, TwinHost
from infra.twin.layout import DeviceLayout, HostLayout
from infra.twin.namespaces import drop_namespace, make_namespace, stream_in
from infra.twin.paths import TwinPaths
from infra.twin.relay import Dial, Relay
from infra.twin.routers import RouterSpec, host_key, start_router, stop_router
from infra.twin.wires import Plug, Wires, add_address, add_dummy, address_host, raise_links
from infra.twin.world import DEVICE_USER, HOST_USER, SHELL_USER, Access, WorldFiles
from infra.worlds import CloudSettings
from inventory.derived.wiring import MANAGEMENT

SSH = 22
SMALL_DISK = 512 << 20
"""Bytes of a disk that can be filled: more than the systems of an example need, and little of the machine's memory."""


@dataclass(frozen=True)
class Furniture:
    """What a host has beside its image: files of root, units that start with it, and a seed."""

    files: dict[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    seed: Path | None = None


@dataclass
class _Device:
    spec: RouterSpec
    init: subprocess.Popen[bytes] | None = None
    changing: threading.Lock = field(default_factory=threading.Lock)


class Fleet:
    """Every host and device of a twin; calls for different names may come at once."""

    def __init__(
        self,
        paths: TwinPaths,
        images: dict[str, Path],
        small_disks: tuple[str, ...] = (),
        cloud: CloudSettings | None = None,
    ) -> None:
        """Write a world with the twin's own small cloud, or with another one."""
        self.wires = Wires()
        self.world = WorldFiles(paths, cloud)
        self.disks = paths.hosts
        self._paths = paths
        self._images = images
        self._small_disks = small_disks
        self._groups = Groups(paths.name)
        self._relay = Relay()
        self._hosts: dict[str, TwinHost] = {}
        self._devices: dict[str, _Device] = {}
        self._operator = paths.operator_key.with_suffix(".pub").read_text()

    def add_host(self, layout: HostLayout, furniture: Furniture) -> None:
        """Give a host its namespace, wires, addresses and keys; it can be reached by name once it is started."""
        namespace = make_namespace(layout.name)
        self.wires.plug(Plug(port.segment, layout.name, port.name) for port in layout.ports)
        address_host(layout.name, layout.ports)
        spec = HostSpec(
            name=layout.name,
            image=self._images[layout.image],
            folder=self._paths.hosts / layout.name,
            namespace=namespace,
            resolver=layout.resolver,
            operator_key=self._operator,
            host_key=self._paths.host_key(layout.name),
            seed=furniture.seed,
            files=furniture.files,
            services=furniture.services,
            disk=SMALL_DISK if layout.name in self._small_disks else 0,
        )
        key = make_key(spec.host_key)
        self._hosts[layout.name] = TwinHost(spec, self._groups)
        self._publish(layout.name, HOST_USER, layout.name, key)
        self._relay.open(self._paths.ssh(layout.name), lambda: (stream_in(namespace), ("127.0.0.1", SSH)))

    def add_device(self, layout: DeviceLayout, boot: Boot) -> None:
        """Give a device its namespaces and wires; it can be reached by name once it is started."""
        vrfs = {vrf: make_namespace(namespace_of(layout.name, vrf), forwards=True) for vrf in layout.vrfs}
        namespace = make_namespace(layout.name, forwards=True)
        self.wires.plug(Plug(port.segment, namespace_of(layout.name, port.vrf), port.name) for port in layout.ports)
        self.wires.plug([Plug(MANAGEMENT, layout.name, MANAGEMENT)])
        for spare in boot.spares:
            add_dummy(namespace_of(layout.name, spare.vrf if spare.vrf in layout.vrfs else None), spare.name)
        for vrf in (None, *layout.vrfs):
            raise_links(namespace_of(layout.name, vrf), (port.name for port in layout.ports if port.vrf == vrf))
        add_address(layout.name, MANAGEMENT, layout.management)
        if layout.translates:
            translate(namespace, layout.translates)
        spec = RouterSpec(
            name=layout.name,
            platform=layout.platform,
            addresses=(*((port.name, port.address) for port in layout.ports), *boot.addresses),
            namespace=namespace,
            domains=tuple(vrfs.items()),
            configuration=boot.configuration,
            folder=self._paths.devices / layout.name,
            management=layout.management,
            operator_key=self._operator,
        )
        key = host_key(spec.folder)
        self._devices[layout.name] = _Device(spec)
        self._publish(layout.name, DEVICE_USER, layout.name, key)
        if spec.system.shell:
            self._publish(f"{layout.name}-shell", SHELL_USER, layout.name, key)
        address = str(layout.management.ip)
        self._relay.open(self._paths.ssh(layout.name), lambda: (socket(AF_INET, SOCK_STREAM), (address, SSH)))

    def expect(self, name: str, dial: Dial) -> None:
        """Let a host be reached by its name that another one makes; whoever makes it proves its key."""
        self.world.add(Access(name=name, user=HOST_USER, socket=self._paths.ssh(name)))
        self._relay.open(self._paths.ssh(name), dial)

    def join_management(self, own: IPv4Interface) -> None:
        """Give the supervisor its own address among the devices' management interfaces."""
        run(("ip", "address", "replace", str(own), "dev", self.wires.bridge(MANAGEMENT)))

    def start(self, name: str) -> None:
        """Start a host or device and return once it can be reached; one that runs stays as it is."""
        if name in self._hosts:
            self._hosts[name].start()
            return
        device = self._devices[name]
        with device.changing:
            if device.init is None or device.init.poll() is not None:
                device.init = start_router(device.spec)

    def stop(self, name: str, *, at_once: bool = False) -> None:
        """Stop a host or device; a host in order, unless `at_once` cuts its power, a device always at once."""
        if name in self._hosts:
            host = self._hosts[name]
            if at_once:
                host.kill()
            else:
                host.stop()
            return
        device = self._devices[name]
        with device.changing:
            if device.init is not None:
                stop_router(device.init)

    def drop_host(self, name: str) -> None:
        """End a host, forget its disk and its name; one that is not there is no error."""
        host = self._hosts.pop(name, None)
        if host is None:
            return
        self.world.remove(name)
        self._relay.close(self._paths.ssh(name))
        host.drop()
        # The wire's end in here may live on until the kernel has emptied the namespace: cut it now.
        drop_namespace(name)

    def running(self, name: str) -> bool:
        """Say whether a host or device runs; False for a name that is not there."""
        if name in self._hosts:
            return self._hosts[name].running
        device = self._devices.get(name)
        return device is not None and device.init is not None and device.init.poll() is None

    def host(self, name: str) -> TwinHost:
        """Return a host; KeyError where there is none of that name."""
        return self._hosts[name]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of all hosts."""
        return tuple(self._hosts)

    @property
    def devices(self) -> tuple[str, ...]:
        """The names of all devices."""
        return tuple(self._devices)

    def _publish(self, name: str, user: str, place: str, key: str) -> None:
        self.world.add(Access(name=name, user=user, socket=self._paths.ssh(place), key=key))


def namespace_of(device: str, vrf: str | None) -> str:
    """Return the name of the namespace that a device's VRF, or the device itself, is kept in."""
    return device if vrf is None else f"{device}.{vrf}"


def make_key(private: Path) -> str:
    """Return the public half of an ed25519 key, type and key only; the key is made where it is missing."""
    if not private.exists():
        private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", private.name, "-f", private))
    kind, key = private.with_suffix(".pub").read_text().split()[:2]
    return f"{kind} {key}"


def reaches(namespace: Path, target: IPv4Address, patience: float = 1.0) -> bool:
    """Say whether a TCP connection to an address's SSH port is accepted, seen from a namespace."""
    with stream_in(namespace) as stream:
        stream.settimeout(patience)
        return stream.connect_ex((str(target), SSH)) == 0
