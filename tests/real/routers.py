"""A laboratory of real routers, with users at both ends of every line.

Two departments have a router, a hub and rented lines between them, and circuits to one provider edge: all of the water
authority's are FRR, the school's hub is BIRD.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Interface
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

from infra.twin.namespaces import NAMES, stream_in
from infra.twin.relay import Relay
from infra.twin.routers import RouterSpec, host_key, start_router, stop_router, surveyed_configuration
from inventory.derived.wiring import Interface, Wires
from inventory.model import Programme
from netcfg.difference import commands_between
from netcfg.guards.texts import data_of, text_in, text_of
from netcfg.intent import LineStage, line_steps
from netcfg.platforms import load_platform

CE, HUB, EDGE = "water-ce", "water-hub", "pe1"
SCHOOL, BIRD = "school-ce", "school-hub"
DEVICES = (CE, HUB, SCHOOL, BIRD, EDGE)
LINES = {
    "water-leased": ("water", (CE, HUB), "10.252.11.0/30"),
    "water-backup": ("water", (CE, HUB), "10.252.12.0/31"),
    "school-leased": ("school", (SCHOOL, BIRD), "10.252.13.0/30"),
}
USERS = {CE: "users-ce", HUB: "users-hub", SCHOOL: "users-sc", BIRD: "users-sh"}
USER, FAR_USER, FAR = "10.11.0.10", "10.81.0.10", "10.81.0.1"
PUPIL, FAR_PUPIL = "10.12.0.10", "10.82.0.10"
Arguments = dict[str, Any]


def district() -> Programme:
    """Two departments with rented lines to their hubs, and a circuit at every end."""
    rooms = {"water": (CE, "10.11.0.0/24"), "school": (SCHOOL, "10.12.0.0/24")}
    departments = [
        {"name": name, "title": name,
         "rooms": [{"name": f"{name}-room", "area": 9, "prefix": prefix, "gateway": gateway, "hosts": []}]}
        for name, (gateway, prefix) in rooms.items()
    ]  # fmt: skip
    lines = [
        {"name": name, "department": department, "kind": "leased", "ends": list(ends), "prefix": prefix,
         "domain": "administrative"} for name, (department, ends, prefix) in LINES.items()
    ]  # fmt: skip
    numbers = {CE: 11, HUB: 81, SCHOOL: 12, BIRD: 82}
    network = {
        "domains": [{"name": "administrative", "title": "administrative"}],
        "devices": [
            {"platform": "frr", "name": EDGE, "role": "pe", "asn": 65101, "router_id": "10.255.0.1"},
            *({"platform": "bird" if name == BIRD else "frr", "name": name, "role": "ce" if number < 80 else "hub",
               "asn": 65200 + number, "router_id": f"10.255.0.{number}"} for name, number in numbers.items()),
        ],
        "attachments": [
            {"device": name, "edge": EDGE, "domain": "administrative", "prefix": f"10.254.{number}.0/30"}
            for name, number in numbers.items()
        ],
        "lines": lines,
        "vantages": [{"name": "counter-1", "address": FAR_USER, "prefix": "10.81.0.0/24", "gateway": HUB},
                     {"name": "counter-2", "address": FAR_PUPIL, "prefix": "10.82.0.0/24", "gateway": BIRD}],
        "centre": {"gateway": EDGE, "networks": [{"domain": "administrative", "prefix": "10.50.1.0/24"}],
                   "hosts": [{"name": "ns1", "number": 53}]},
        "names": {"zone": "lab.example", "server": "ns1", "ttl": "1s"},
    }  # fmt: skip
    return Programme.model_validate({
        "programme": "lab", "title": "lab", "profile": "jimo", "sites": [], "sizes": [], "systems": [],
        "departments": departments, "network": network,
    })  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """What a transaction needs of a world."""

    ssh_config: Path


_NUMBER = count()


def _forget_the_dead() -> None:
    """A session that was killed could not take its namespaces down."""
    for path in NAMES.glob("zl*-*"):
        if (match := re.match(r"zl(\d+)-", path.name)) and not Path(f"/proc/{match[1]}").exists():
            subprocess.run(("ip", "netns", "del", path.name), capture_output=True, check=False)


class Routers:
    """The laboratory; everything of it is in namespaces of its own names, and ends with `down`."""

    def __init__(self, folder: Path, vendors: Mapping[str, str] = MappingProxyType({})) -> None:
        """`vendors`: platforms of devices that doubles play, which forward packets as all others do."""
        surveyed = district()
        devices = (
            each.model_copy(update={"platform": vendors.get(each.name, each.platform)})
            for each in surveyed.network.devices
        )
        network = surveyed.network.model_copy(update={"devices": tuple(devices)})
        self.programme = surveyed.model_copy(update={"network": network})
        self.folder = folder
        self.world = Ground(folder / "ssh_config")
        # Two of them may stand in one session of tests.
        self._mark = f"zl{os.getpid()}-{next(_NUMBER)}-"
        self._wires = Wires(self.programme)
        self._spaces: list[str] = []
        self._inits: dict[str, tuple[subprocess.Popen[bytes], RouterSpec]] = {}
        self._relay = Relay()
        self._bridges: dict[str, str] = {}
        steps = {line.name: line_steps(self.programme, line, self._wires) for line in self.programme.network.lines}
        self._steps = {name: {s.verb: s.arguments.model_dump_json() for s in each} for name, each in steps.items()}

    def step(self, line: str, stage: LineStage) -> Arguments:
        """What a plan carries of one stage."""
        return dict(json.loads(self._steps[line][stage]))

    def up(self) -> None:
        """Wire everything, start the routers, and wait until all their sessions are up."""
        _forget_the_dead()
        for name in ("wan", *USERS.values(), *DEVICES, f"{EDGE}-administrative"):
            self._run("ip", "netns", "add", self._mark + name)
            self._spaces.append(name)
            self._ip(name, "link", "set", "lo", "up")
        for device in DEVICES:
            self._ip(device, "link", "add", "mgmt", "type", "bridge")
            for wire in self._wires.of(device):
                self._wire(device, wire)
        key = self.folder / "key"
        self._run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        known = self.folder / "known_hosts"
        with ThreadPoolExecutor(len(DEVICES)) as pool:
            started = dict(zip(DEVICES, pool.map(partial(self._start, key), DEVICES), strict=True))
        self._inits = started
        known.write_text("".join(f"{d} {host_key(self.folder / d)}\n" for d in started))
        access = (("", "netops"), ("-shell", "netadm"))
        self.world.ssh_config.write_text(
            "".join(self._host(device, suffix, user) for device in started for suffix, user in access)
            + f"Host *\n  IdentityFile {key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
            "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  ControlMaster no\n"
        )
        self.settle()

    def down(self) -> None:
        """End everything."""
        for init, _spec in self._inits.values():
            stop_router(init)
        for device in self._inits:
            self._relay.close(self.folder / f"{device}.sock")
        for name in self._spaces:
            self._run("ip", "netns", "del", self._mark + name)

    def space(self, name: str) -> Path:
        """The path of a network namespace."""
        return NAMES / (self._mark + name)

    def ssh(self, name: str, command: str) -> str:
        """What a command prints on a device; it may fail."""
        words = ("ssh", "-F", str(self.world.ssh_config), name, command)
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).stdout

    def typed(self, device: str, *lines: str, save: bool = False) -> None:
        """Somebody else configures, on FRR."""
        words = ("configure terminal", *lines, "end", *(("write memory",) if save else ()))
        self.ssh(f"{device}-shell", shlex.join(("vtysh", *(part for line in words for part in ("-c", line)))))

    def running(self, device: str) -> str:
        """The configuration in force; of BIRD, which does not show it, the file to start with."""
        if device == BIRD:
            return self.startup(device)
        return self.enter(device, "vtysh", "-c", "show running-config")

    def startup(self, device: str) -> str:
        """The configuration to start with."""
        return text_in(self.configuration(device))

    def configuration(self, device: str) -> Path:
        """The file that a router starts with."""
        return self.folder / device / "etc" / ("bird.conf" if device == BIRD else "frr.conf")

    def enter(self, device: str, *words: str) -> str:
        """What a command prints inside a router, as root; it may fail."""
        inner = Path(f"/proc/{self._inits[device][0].pid}/task/{self._inits[device][0].pid}/children").read_text()
        into = ("nsenter", "-t", inner.split()[0], "-m", "-n", "-u", "-p")
        return text_of(subprocess.run((*into, *words), capture_output=True, timeout=60, check=False).stdout)

    def restart(self, device: str, *, anew: bool = False) -> None:
        """A power cut; `anew` also forgets all that was ever saved there."""
        init, spec = self._inits[device]
        stop_router(init)
        if anew:
            shutil.rmtree(spec.folder / "home", ignore_errors=True)
            self.configuration(device).unlink()
        self._inits[device] = (start_router(spec), spec)

    def put_back(self, device: str, text: str) -> None:
        """Configure a router as it was, and forget all that was kept there; with a power cut where that does not do."""
        if device != BIRD:
            self.typed(device, *commands_between(load_platform("frr"), self.running(device), text), save=True)
            shutil.rmtree(self.folder / device / "home/netadm/zhenghe", ignore_errors=True)
        if self.running(device) != text:
            self.restart(device, anew=True)

    def rewrite(self, device: str, *pairs: tuple[str, str]) -> None:
        """Start a router anew from another configuration than the surveyed one."""
        file, text = self.configuration(device), surveyed_configuration(self.programme, device)
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        file.write_bytes(data_of(text))
        self.restart(device)

    def cut(self, line: str, *, again: bool = False) -> None:
        """A carrier's network fails, or works again, and no interface of ours goes down."""
        self._ip("wan", "link", "set", self._bridges[f"line:{line}"], "up" if again else "down")

    def ping(self, source: str, address: str, *options: str) -> "subprocess.Popen[str]":
        """Users' packets, which end on SIGINT."""
        words = ("nsenter", f"--net={self.space(USERS[source])}", "ping", "-n", "-q", "-W", "1", *options, address)
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    def settle(self) -> None:
        """Wait until every session with a neighbour that is not shut down is up."""
        self.until(lambda: all(self._settled(device) for device in DEVICES))

    def until(self, so: Callable[[], bool], seconds: float = 120.0) -> None:
        limit = time.monotonic() + seconds
        while not so():
            assert time.monotonic() < limit, "it did not come about"
            time.sleep(0.1)

    def _settled(self, device: str) -> bool:
        if device == BIRD:
            rows = [line.split() for line in self.enter(device, "birdc", "show protocols").splitlines()]
            states = [row[3] for row in rows if row[1:2] == ["BGP"]]
            return bool(states) and all(state == "up" for state in states)
        vrf = "vrf administrative " if device == EDGE else ""
        answer = json.loads(self.enter(device, "vtysh", "-c", f"show bgp {vrf}summary json") or "{}")
        peers: Mapping[str, Mapping[str, str]] = answer.get("ipv4Unicast", {}).get("peers", {})
        # Those without an address are made up by tests.
        states = [peer["state"] for name, peer in peers.items() if name[0].isdigit()]
        return bool(states) and all(state in {"Established", "Idle (Admin)"} for state in states)

    def _wire(self, device: str, wire: Interface) -> None:
        space = f"{device}-{wire.vrf}" if wire.vrf else device
        if wire.peer is None:
            if device in USERS:
                self._veth(space, wire.name, USERS[device], "eth0")
                self._ip(USERS[device], "address", "add", f"{wire.address.network[10]}/24", "dev", "eth0")
                self._ip(USERS[device], "route", "add", "default", "via", str(wire.address.ip))
            else:
                self._ip(space, "link", "add", wire.name, "type", "bridge")
            return
        bridge = self._bridges.get(wire.link)
        if bridge is None:
            bridge = self._bridges[wire.link] = f"b{len(self._bridges)}"
            self._ip("wan", "link", "add", bridge, "type", "bridge")
            self._ip("wan", "link", "set", bridge, "up")
        port = f"p{device[-4:]}{bridge}"
        self._veth(space, wire.name, "wan", port)
        self._ip("wan", "link", "set", port, "master", bridge)

    def _veth(self, space: str, name: str, other: str, port: str) -> None:
        peer = ("peer", "name", port, "netns", self._mark + other)
        self._run("ip", "link", "add", name, "netns", self._mark + space, "type", "veth", *peer)
        self._ip(space, "link", "set", name, "up")
        self._ip(other, "link", "set", port, "up")

    def _start(self, key: Path, device: str) -> tuple[subprocess.Popen[bytes], RouterSpec]:
        folder = self.folder / device
        domains = (("administrative", self.space(f"{EDGE}-administrative")),) if device == EDGE else ()
        spec = RouterSpec(
            name=device, platform=self._wires.device(device).platform,
            addresses=tuple((wire.name, wire.address) for wire in self._wires.of(device)),
            namespace=self.space(device), domains=domains, folder=folder,
            configuration=surveyed_configuration(self.programme, device),
            management=IPv4Interface("192.0.2.1/32"), operator_key=key.with_suffix(".pub").read_text(),
        )  # fmt: skip
        self._relay.open(self.folder / f"{device}.sock", lambda: (stream_in(self.space(device)), ("192.0.2.1", 22)))
        return start_router(spec), spec

    def _host(self, device: str, suffix: str, user: str) -> str:
        way = f"socat - UNIX-CONNECT:{self.folder / device}.sock"
        return f"Host {device}{suffix}\n  User {user}\n  HostKeyAlias {device}\n  ProxyCommand {way}\n"

    def _ip(self, space: str, *words: str) -> None:
        self._run("ip", "-n", self._mark + space, *words)

    @staticmethod
    def _run(*words: str) -> None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"
