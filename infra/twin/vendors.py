"""The configuration of a Huawei or Cisco device of a department or a hub, before anything is moved."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from inventory.derived.exits import link_leads_out
from inventory.derived.surveyed import CIRCUIT_IN, EXTRANET, OWN, OWN_OUT, extranet_networks, own_networks
from inventory.derived.wiring import Interface
from inventory.model import Device, Programme

Wired = tuple[Interface, ...]


def surveyed_vrp8(programme: Programme, device: Device, wires: Wired) -> str:
    """Return the surveyed configuration of a device in the words of Huawei VRP8."""
    return "\n".join([*_vrp8(programme, device, wires), "#", "return"]) + "\n"


def _vrp8(programme: Programme, device: Device, wires: Wired) -> Iterator[str]:
    yield from ("#", f"sysname {device.name}")
    for wire in wires:
        yield from ("#", f"interface {wire.name}", f" description {wire.link}", " undo shutdown")
        yield f" ip address {wire.address.ip} {wire.address.netmask}"
    # The defaults of 180 and 120 s are for people's patience: a twin is to notice within seconds.
    yield from ("#", f"bgp {device.asn}", f" router-id {device.router_id}", " timer keepalive 3 hold 9")
    for wire, asn in _peers(programme, wires):
        yield from (f" peer {wire.peer_address} as-number {asn}", f" peer {wire.peer_address} description {wire.link}")
    yield from (" #", " ipv4-family unicast", "  undo synchronization")
    yield from (f"  network {each.network_address} {each.netmask}" for each in own_networks(programme, device.name))
    for wire, _asn in _peers(programme, wires):
        yield f"  peer {wire.peer_address} enable"
        if wire.kind == "circuit":
            yield f"  peer {wire.peer_address} route-policy {CIRCUIT_IN} import"
        yield f"  peer {wire.peer_address} route-policy {OWN_OUT} export"
    for policy, name, networks in _policies(programme, device):
        yield from ("#", f"route-policy {policy} permit node 10", f" if-match ip-prefix {name}", "#")
        # A list that is not there would let everything through.
        if not networks:
            yield f"ip ip-prefix {name} index 10 deny 0.0.0.0 32"
        for number, each in enumerate(networks, start=1):
            yield f"ip ip-prefix {name} index {10 * number} permit {each.network_address} {each.prefixlen}"
    yield from (f"ip route-static 0.0.0.0 0.0.0.0 {wire.peer_address}" for wire in _ways_out(programme, wires))


def surveyed_ios(programme: Programme, device: Device, wires: Wired) -> str:
    """Return the surveyed configuration of a device in the words of Cisco IOS."""
    return "\n".join([*_ios(programme, device, wires), "!", "end"]) + "\n"


def _ios(programme: Programme, device: Device, wires: Wired) -> Iterator[str]:
    yield from ("!", f"hostname {device.name}", "!", "archive", " path flash:archive")
    for wire in wires:
        yield from ("!", f"interface {wire.name}", f" description {wire.link}")
        yield f" ip address {wire.address.ip} {wire.address.netmask}"
    yield from ("!", f"router bgp {device.asn}", f" bgp router-id {device.router_id}", " timers bgp 3 9")
    for wire, asn in _peers(programme, wires):
        yield f" neighbor {wire.peer_address} remote-as {asn}"
        yield f" neighbor {wire.peer_address} description {wire.link}"
    yield from (" !", " address-family ipv4")
    own = own_networks(programme, device.name)
    yield from (f"  network {each.network_address} mask {each.netmask}" for each in own)
    for wire, _asn in _peers(programme, wires):
        yield f"  neighbor {wire.peer_address} activate"
        if wire.kind == "circuit":
            yield f"  neighbor {wire.peer_address} route-map {CIRCUIT_IN} in"
        yield f"  neighbor {wire.peer_address} route-map {OWN_OUT} out"
    yield " exit-address-family"
    for policy, name, networks in _policies(programme, device):
        if not networks:
            yield f"ip prefix-list {name} seq 5 deny 0.0.0.0/32"
        yield from (f"ip prefix-list {name} seq {5 * n} permit {each}" for n, each in enumerate(networks, start=1))
        yield from ("!", f"route-map {policy} permit 10", f" match ip address prefix-list {name}", "!")
    yield from (f"ip route 0.0.0.0 0.0.0.0 {wire.peer_address}" for wire in _ways_out(programme, wires))


def _peers(programme: Programme, wires: Wired) -> Iterator[tuple[Interface, int]]:
    numbers = {device.name: device.asn for device in programme.network.devices}
    for wire in wires:
        if wire.peer is not None and not link_leads_out(programme.network, wire.link):
            yield wire, numbers[wire.peer]


def _ways_out(programme: Programme, wires: Wired) -> Iterator[Interface]:
    """Yield the interfaces on lines into the internet, over which a default route leads."""
    yield from (wire for wire in wires if link_leads_out(programme.network, wire.link))


def _policies(programme: Programme, device: Device) -> Iterator[tuple[str, str, tuple[IPv4Network, ...]]]:
    """Yield the device's policies, each with its list and what stands in that."""
    circuits = {each.domain for each in programme.network.attachments if each.device == device.name}
    offered = {network for domain in circuits for network in extranet_networks(programme, domain)}
    if circuits:
        yield CIRCUIT_IN, EXTRANET, tuple(sorted(offered))
    yield OWN_OUT, OWN, own_networks(programme, device.name)
