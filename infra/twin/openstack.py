"""A twin's cloud that is a real OpenStack: a laboratory beside its hosts, led into its provider edges.

What the operator of an extranet does for a cloud is done here: a provider edge stands in each network outside,
announces the sites' networks, and leads to the router that the cloud has made for each.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from socket import socket
from typing import Any

from infra.backends import BackendError
from infra.egress_proxy import serve
from infra.laboratory.inside.furnishing import PROJECT
from infra.laboratory.laboratory import Laboratory, NotHere
from infra.openstack import connection
from infra.openstack.finding import servers_named
from infra.streams import PIECE, Stream
from infra.twin.commands import ip, run
from infra.twin.errors import CannotBuild
from infra.twin.fleet import Fleet, namespace_of
from infra.twin.namespaces import NAMES, inside, stream_in
from infra.twin.outside import Outside, furniture, outsides
from infra.twin.paths import TwinPaths
from infra.twin.substrate import Segment, SubstrateError
from infra.twin.twin_substrate import TwinSubstrate
from infra.twin.wires import Plug, add_address
from infra.worlds import CloudSettings
from inventory.derived.targets import target_hosts
from inventory.model import Programme, SiteNetwork
from inventory.words import _

_LOOK_SECONDS = 0.5
_SSH = 22
Tell = Callable[[str], None]


def settings(paths: TwinPaths) -> CloudSettings:
    """Return how a run speaks to the cloud of a twin: as its operator, through a socket of the twin's."""
    return CloudSettings(
        backend="openstack", endpoint=PROJECT, file=paths.cloud / "files" / "clouds.yaml", through=paths.egress,
        key=paths.operator_key.with_suffix(".pub"),
    )  # fmt: skip


class OpenStack:
    """The cloud of one twin; lives in a thread of its own, because the laboratory ends with the thread it came from."""

    def __init__(self, programme: Programme, paths: TwinPaths, fleet: Fleet) -> None:
        self._programme = programme
        self._paths = paths
        self._fleet = fleet
        self._outsides = outsides(programme)
        self._laboratory = Laboratory(paths.cloud, furniture(programme), f"{paths.name}-cloud")
        self._stands = threading.Event()
        self._failure = ""
        self._led: dict[str, IPv4Address] = {}
        self._substrate = TwinSubstrate(programme, fleet)

    def begin(self, tell: Tell) -> None:
        """Have the laboratory come up; `await_ready` waits for it."""
        threading.Thread(target=self._live, args=(tell,), name="openstack", daemon=True).start()

    def await_ready(self) -> None:
        """Return once the cloud may be used; CannotBuild."""
        self._stands.wait()
        if self._failure:
            raise CannotBuild(_("OpenStack"), self._failure, _("leave --cloud out: the small cloud needs less"))
        for number, each in enumerate(self._outsides):
            self._plug(number, each)
        for host, network in self._hosts():
            # Reached as everybody reaches it: through its provider edge, the cloud's router and its security groups.
            namespace = NAMES / namespace_of(network.attached_to, network.domain)
            self._fleet.expect(host[0], _dial(namespace, host[1]))
        threading.Thread(target=self._keep_leading, name="leading", daemon=True).start()
        asyncio.run_coroutine_threadsafe(serve(self._paths.egress, self._dial), _loop()).result()

    def stop(self, name: str) -> None:
        """Cut the power of a server."""
        self._asked(lambda cloud: cloud.compute.stop_server(_server(cloud, name)))
        self._await(name, "SHUTOFF")

    def start(self, name: str) -> None:
        """Start a server that was stopped."""
        self._asked(lambda cloud: cloud.compute.start_server(_server(cloud, name)))
        self._await(name, "ACTIVE")

    def _await(self, name: str, status: str) -> None:
        self._asked(lambda cloud: cloud.compute.wait_for_server(_server(cloud, name), status=status, interval=0.5))

    def _live(self, tell: Tell) -> None:
        try:
            self._laboratory.start(lambda line: tell(f"OpenStack, {line}"))
        except NotHere as why:
            self._failure = str(why)
        self._stands.set()
        threading.Event().wait()

    def _plug(self, number: int, outside: Outside) -> None:
        """Put one end of a network outside on a bridge, and the provider edge on it too."""
        segment = f"cloud:{outside.uplink.name}"
        self._fleet.wires.make([segment])
        end = f"ext{number}"
        enter = ("nsenter", f"--net={self._laboratory.namespace}")
        run((*enter, "ip", "link", "set", end, "netns", str(os.getpid())))
        ip([f"link set {end} master {self._fleet.wires.bridge(segment)} up"])
        edge = namespace_of(outside.edge, outside.domain)
        self._fleet.wires.plug([Plug(segment, edge, outside.interface)])
        add_address(edge, outside.interface, outside.address)

    def _hosts(self) -> list[tuple[tuple[str, IPv4Address], SiteNetwork]]:
        networks = {network.name: network for site in self._programme.sites for network in site.networks}
        found = (host for site in self._programme.sites for host in target_hosts(self._programme, site.name))
        return [((host.name, host.address), networks[host.network]) for host in found]

    def _keep_leading(self) -> None:
        while True:
            try:
                self._lead(self._asked(_routed))
            except (BackendError, CannotBuild, SubstrateError) as error:
                print(f"leading: {error}", flush=True)
            time.sleep(_LOOK_SECONDS)

    def _lead(self, wanted: Mapping[str, IPv4Address]) -> None:
        """Have provider edges announce the networks that there are in the cloud, and lead to their routers."""
        networks = {str(net.prefix): (site, net) for site in self._programme.sites for net in site.networks}
        for prefix, gateway in wanted.items():
            if prefix in networks and self._led.get(prefix) != gateway:
                site, network = networks[prefix]
                edge = namespace_of(network.attached_to, network.domain)
                # Its own first address is what it announces; the two halves of the network are more particular.
                self._substrate.make_segment(
                    Segment(name=network.name, site=site.name, domain=network.domain, prefix=network.prefix,
                            edge=network.attached_to)
                )  # fmt: skip
                ip((f"route replace {half} via {gateway}" for half in _halves(network.prefix)), edge)
                self._led[prefix] = gateway
        for prefix in [each for each in self._led if each not in wanted]:
            _site, network = networks[prefix]
            edge = namespace_of(network.attached_to, network.domain)
            ip((f"route del {half}" for half in _halves(network.prefix)), edge)
            self._substrate.drop_segment(network.name)
            del self._led[prefix]

    def _asked(self, act: Callable[[Any], Any]) -> Any:
        known = CloudSettings(backend="openstack", endpoint=PROJECT, file=self._laboratory.clouds)

        def ask() -> Any:
            cloud = connection.connect(known)
            try:
                with connection.translated(known):
                    return act(cloud)
            finally:
                cloud.close()

        return inside(self._laboratory.namespace, ask)

    async def _dial(self, host: str, port: int) -> Stream:
        stream = await asyncio.to_thread(stream_in, self._laboratory.namespace)
        stream.setblocking(False)  # noqa: FBT003 -- the socket's own word
        try:
            await asyncio.get_running_loop().sock_connect(stream, (host, port))
        except OSError:
            stream.close()
            raise
        return await asyncio.open_connection(sock=stream, limit=PIECE)


def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="egress", daemon=True).start()
    return loop


def _dial(namespace: Path, address: IPv4Address) -> Callable[[], tuple[socket, tuple[str, int]]]:
    return lambda: (stream_in(namespace), (str(address), _SSH))


def _server(cloud: Any, name: str) -> Any:
    (server,) = servers_named(cloud, name)
    return server


def _halves(prefix: IPv4Network) -> tuple[IPv4Network, ...]:
    return tuple(prefix.subnets())


def _routed(cloud: Any) -> dict[str, IPv4Address]:
    """Return the prefixes that hang on a router, with the address that this one has outside."""
    subnets = {each.id: each.cidr for each in cloud.network.subnets(project_id=cloud.current_project_id)}
    found: dict[str, IPv4Address] = {}
    for router in cloud.network.routers():
        outside = [each["ip_address"] for each in (router.external_gateway_info or {}).get("external_fixed_ips", ())]
        for port in cloud.network.ports(device_id=router.id, device_owner="network:router_interface"):
            for each in port.fixed_ips:
                if outside and each["subnet_id"] in subnets:
                    found[subnets[each["subnet_id"]]] = IPv4Address(outside[0])
    return found
