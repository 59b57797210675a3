"""The twin's devices: their configuration as surveyed, and routers that carry it in namespaces of their own.

A router is FRR, or BIRD where the device is: which configures no interfaces, so those have their addresses before it.
A vendor's device is a double at the SSH port, which has FRR forward what it is told (`netcfg.doubles.playing`).
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import NamedTuple

from infra.twin.bird import surveyed_bird
from infra.twin.vendors import surveyed_ios, surveyed_vrp8
from inventory.base import Model
from inventory.derived.exits import DEFAULT, link_leads_out
from inventory.derived.surveyed import CIRCUIT_IN, EXTRANET, OWN, OWN_OUT, extranet_networks, own_networks
from inventory.derived.wiring import MANAGEMENT, Interface, Wires
from inventory.errors import ZhengheError
from inventory.model import Device, Programme
from inventory.words import _

OPERATOR = "netops"
"""The account whose shell is the device's command line."""
TIMER_KEEPER = "netadm"
"""The account with a plain shell, for the timer that returns an unconfirmed change."""

_START = Path(__file__).with_name("router.sh")
_START_SECONDS = 30.0
_STEP_SECONDS = 0.02


class RouterError(ZhengheError):
    """A router did not start; the message names its log."""


class _System(NamedTuple):
    """What a platform is on Debian."""

    name: str
    configuration: str
    user: str
    group: str
    """Whoever belongs to it may configure."""
    shell: str
    """Of the operator's account; empty where a double answers, which has no accounts."""


_OTHERS = {"bird": surveyed_bird, "vrp8": surveyed_vrp8, "ios": surveyed_ios}
"""Whoever has words of his own for a surveyed configuration; every other platform's is written as FRR's."""
_FRR = _System("frr", "frr.conf", "frr", "frrvty", "/usr/bin/vtysh")
_SYSTEMS = {
    "bird": _System("bird", "bird.conf", "bird", "bird", "/bin/sh"),
    "vrp8": _System("vrp8", "vrp8.cfg", "frr", "frrvty", ""),
    "ios": _System("ios", "ios.cfg", "frr", "frrvty", ""),
}
"""Every other platform is played by FRR."""
_BELOW = "frr defaults traditional\nhostname {name}\nservice integrated-vtysh-config\nbgp route-map delay-timer 1\n"
"""What FRR begins with below a double."""


class RouterSpec(Model):
    """All that one router needs; its namespaces, interfaces and cables are there before it starts."""

    name: str
    platform: str = "frr"
    addresses: tuple[tuple[str, IPv4Interface], ...] = ()
    """Interfaces with their addresses, for a platform that does not configure them."""
    namespace: Path
    """The network namespace that has `mgmt`, and everything else of a device without VRFs."""
    domains: tuple[tuple[str, Path], ...] = ()
    """A provider edge's VRFs: for each domain the network namespace that it is kept in."""
    configuration: str
    folder: Path
    """Its disk: configuration, host key, homes, log; kept from one start to the next."""
    management: IPv4Interface
    operator_key: str
    """Public key that may log in to both accounts, as a line of authorized_keys."""

    @property
    def system(self) -> _System:
        """What plays the platform here."""
        return _SYSTEMS.get(self.platform, _FRR)


def surveyed_configuration(programme: Programme, device: str) -> str:
    """Return the configuration that a device of the programme has before anything is moved, in its platform's words."""
    of = next(each for each in programme.network.devices if each.name == device)
    wires = Wires(programme).of(device)
    if of.platform in _OTHERS and of.role == "pe":
        text = _("{device}: a provider edge keeps domains apart in VRFs, which no {platform} of a twin does; say frr")
        raise RouterError(text.format(device=device, platform=of.platform))
    if of.platform in _OTHERS:
        return _OTHERS[of.platform](programme, of, wires)
    lines = [
        "frr version 8.4.4",
        "frr defaults traditional",
        f"hostname {device}",
        "service integrated-vtysh-config",
        "bgp route-map delay-timer 1",
        "!",
        *_vrfs(wires),
        *(line for wire in wires if wire.kind != "site" for line in _interface(wire)),
        *(_edge(programme, of, wires) if of.role == "pe" else _customer(programme, of, wires)),
        "end",
    ]
    return "\n".join(lines) + "\n"


def start_router(spec: RouterSpec) -> subprocess.Popen[bytes]:
    """Start a router and return its init once SSH answers there; ending that process ends all of the router.

    RouterError where it is not up within 30 seconds.
    """
    _lay_out(spec)
    log = spec.folder / "log"
    with log.open("ab") as sink:
        init = subprocess.Popen(_command(spec), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    ready = spec.folder / "ready"
    limit = time.monotonic() + _START_SECONDS
    while not ready.exists():
        if init.poll() is not None or time.monotonic() > limit:
            stop_router(init)
            raise RouterError(f"router {spec.name} did not start; see {log}")
        time.sleep(_STEP_SECONDS)
    return init


def stop_router(init: subprocess.Popen[bytes]) -> None:
    """End a router as a power cut would: at once, with every process it has; one that is stopped stays so."""
    if init.poll() is None:
        init.kill()
    init.wait()


def host_key(folder: Path) -> str:
    """Return the public host key of the router that lives in a folder, making it if there is none yet."""
    private = folder / "hostkey"
    if not private.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", folder.name, "-f", str(private))
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    kind, key = private.with_suffix(".pub").read_text().split()[:2]
    return f"{kind} {key}"


def _vrfs(wires: tuple[Interface, ...]) -> Iterator[str]:
    for name in sorted({wire.vrf for wire in wires if wire.vrf is not None}):
        yield from (f"vrf {name}", "exit-vrf", "!")


def _interface(wire: Interface) -> Iterator[str]:
    yield f"interface {wire.name}" + (f" vrf {wire.vrf}" if wire.vrf else "")
    yield f" description {wire.link}"
    yield f" ip address {wire.address}"
    yield from ("exit", "!")


def _session(programme: Programme, wire: Interface) -> Iterator[str]:
    asn = next(each.asn for each in programme.network.devices if each.name == wire.peer)
    yield f" neighbor {wire.peer_address} remote-as {asn}"
    yield f" neighbor {wire.peer_address} description {wire.link}"
    # The default waits two minutes after a refused attempt: a twin is up long before that.
    yield f" neighbor {wire.peer_address} timers connect 1"


def _speaker(device: Device, vrf: str | None) -> Iterator[str]:
    yield f"router bgp {device.asn}" + (f" vrf {vrf}" if vrf else "")
    yield f" bgp router-id {device.router_id}"
    yield " no bgp ebgp-requires-policy"
    yield " timers bgp 3 9"


def _edge(programme: Programme, device: Device, wires: tuple[Interface, ...]) -> Iterator[str]:
    for vrf in sorted({wire.vrf for wire in wires if wire.vrf is not None}):
        yield from _speaker(device, vrf)
        for wire in wires:
            if wire.vrf == vrf and wire.peer is not None:
                yield from _session(programme, wire)
        yield from (" !", " address-family ipv4 unicast", "  redistribute connected", " exit-address-family")
        yield from ("exit", "!")


def _customer(programme: Programme, device: Device, wires: tuple[Interface, ...]) -> Iterator[str]:
    out = _ways_out(programme, device, wires)
    peers = tuple(wire for wire in wires if wire.peer is not None and not link_leads_out(programme.network, wire.link))
    shared = any(each.device == device.name for each in programme.network.exits)
    own = (*own_networks(programme, device.name), *((DEFAULT,) if shared else ()))
    yield from (f"ip route {DEFAULT} {wire.peer_address}" for wire in out)
    yield from _policies(programme, device, own)
    yield from _speaker(device, None)
    for wire in peers:
        yield from _session(programme, wire)
        if device.operated_by and wire.kind == "line":
            # When we shut our end it has to be silent, as its operator was asked to keep it.
            yield f" neighbor {wire.peer_address} passive"
    yield from (" !", " address-family ipv4 unicast")
    yield from (f"  network {network}" for network in own)
    for wire in peers:
        # The extranet's own exit answers whoever the extranet has; others have done what a line's move asks of them.
        if wire.kind == "circuit" and not shared and not device.operated_by:
            yield f"  neighbor {wire.peer_address} route-map {CIRCUIT_IN} in"
        yield f"  neighbor {wire.peer_address} route-map {OWN_OUT} out"
    yield from (" exit-address-family", "exit", "!")


def _ways_out(programme: Programme, device: Device, wires: tuple[Interface, ...]) -> tuple[Interface, ...]:
    """Return the interfaces by which a device reaches the internet; a carrier's own is none of them."""
    return tuple(wire for wire in wires if not device.operated_by and link_leads_out(programme.network, wire.link))


def _policies(programme: Programme, device: Device, own: tuple[IPv4Network, ...]) -> Iterator[str]:
    circuits = {each.domain for each in programme.network.attachments if each.device == device.name}
    offered = sorted({network for domain in circuits for network in extranet_networks(programme, domain)})
    for name, networks in ((EXTRANET, offered), (OWN, own)):
        yield from (f"ip prefix-list {name} seq {5 * n} permit {each}" for n, each in enumerate(networks, start=1))
    yield "!"
    for name, networks_list in ((CIRCUIT_IN, EXTRANET), (OWN_OUT, OWN)):
        if name == OWN_OUT or circuits:
            yield from (f"route-map {name} permit 10", f" match ip address prefix-list {networks_list}", "exit", "!")


def _lay_out(spec: RouterSpec) -> None:
    folder, system = spec.folder, spec.system
    for sign in ("ready", "up"):
        (folder / sign).unlink(missing_ok=True)
    for name in ("etc", "home/netops", "home/netadm"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    # A router that was configured before starts from what was saved on it, as a real one does.
    if not (folder / "etc" / system.configuration).exists():
        (folder / "etc" / system.configuration).write_text(spec.configuration)
    if not system.shell:
        (folder / "etc/frr.conf").write_text(_BELOW.format(name=spec.name))
    if system.name != "bird":
        (folder / "etc/vtysh.conf").write_text("service integrated-vtysh-config\n")
    (folder / "addresses").write_text("".join(f"{name} {address}\n" for name, address in spec.addresses))
    host_key(folder)
    (folder / "operator.pub").write_text(spec.operator_key.strip() + "\n")
    (folder / "sshd_config").write_text(_sshd(spec.management.ip))
    if system.shell:
        _accounts(folder, system)
    _own(folder / "etc", system)


def _accounts(folder: Path, system: _System) -> None:
    users = ((OPERATOR, 2001, system.shell), (TIMER_KEEPER, 2002, "/bin/sh"))
    group = next(line for line in Path("/etc/group").read_text().splitlines() if line.startswith(f"{system.group}:"))
    number = group.split(":")[2]
    passwd = Path("/etc/passwd").read_text().rstrip("\n")
    (folder / "passwd").write_text(
        "\n".join((passwd, *(f"{n}:x:{u}:{number}:{n}:/home/{n}:{shell}" for n, u, shell in users))) + "\n"
    )
    # `*` is no password that fits: only keys open these accounts. `!` would lock them for keys too.
    names = [line.split(":")[0] for line in passwd.splitlines()] + [name for name, _, _ in users]
    shadow = folder / "shadow"
    shadow.touch(mode=0o600)
    shadow.write_text("".join(f"{name}:*:19000:0:99999:7:::\n" for name in names))
    # vtysh asks PAM whether the account is in order, and its helper reads as this group.
    shutil.chown(shadow, "root", "shadow")
    shadow.chmod(0o640)
    for name, uid, _shell in users:
        shutil.chown(folder / "home" / name, uid, int(number))


def _own(etc: Path, system: _System) -> None:
    for path in (etc, *etc.iterdir()):
        shutil.chown(path, system.user, system.group)
        path.chmod(0o775 if path.is_dir() else 0o664)


def _sshd(address: IPv4Address) -> str:
    return f"""\
ListenAddress {address}
HostKey /run/router/hostkey
AuthorizedKeysFile /run/router/operator.pub
PidFile /run/sshd.pid
AllowUsers {OPERATOR} {TIMER_KEEPER}
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
PrintLastLog no
MaxSessions 20
MaxStartups 100
"""


def _command(spec: RouterSpec) -> tuple[str, ...]:
    own = ("--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
    domains = tuple(f"{name}={path}" for name, path in spec.domains)
    enter = ("nsenter", f"--net={spec.namespace}", "unshare", *own)
    words = (spec.system.name, spec.name, str(spec.folder), str(spec.management), MANAGEMENT, sys.executable)
    return (*enter, "sh", str(_START), *words, *domains)
