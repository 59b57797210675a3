"""The configuration of a department's device or a hub that is BIRD, before anything is moved."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from inventory.derived.surveyed import extranet_networks, own_networks
from inventory.derived.wiring import Interface
from inventory.model import Device, Programme


def surveyed_bird(programme: Programme, device: Device, wires: tuple[Interface, ...]) -> str:
    """Return the surveyed configuration of a device in BIRD's words; never of a provider edge, which has VRFs."""
    circuits = {each.domain for each in programme.network.attachments if each.device == device.name}
    offered = sorted({network for domain in circuits for network in extranet_networks(programme, domain)})
    lines = [
        f"# {device.name}",
        "log stderr all;",
        f"router id {device.router_id};",
        "",
        *_policy("extranet_in", offered),
        *_policy("own_out", own_networks(programme, device.name)),
        "protocol device { }",
        "protocol direct { ipv4; }",
        "protocol kernel { ipv4 { export where source ~ [RTS_BGP, RTS_STATIC]; }; }",
        *(line for wire in wires if wire.peer is not None for line in _session(programme, device, wire)),
    ]
    return "\n".join(lines) + "\n"


def _policy(name: str, networks: tuple[IPv4Network, ...] | list[IPv4Network]) -> Iterator[str]:
    yield f"function {name}()"
    yield "{"
    if networks:
        yield f"\treturn net ~ [ {', '.join(map(str, networks))} ];"
    else:
        yield "\treturn false;"
    yield from ("}", "")


def _session(programme: Programme, device: Device, wire: Interface) -> Iterator[str]:
    asn = next(each.asn for each in programme.network.devices if each.name == wire.peer)
    accepted = "where extranet_in()" if wire.kind == "circuit" else "all"
    # Words that BIRD has a meaning for are no names, so all begin alike.
    yield f"protocol bgp to_{''.join(each if each.isalnum() else '_' for each in wire.link.partition(':')[2])} {{"
    yield f'\tdescription "{wire.link}";'
    yield f"\tlocal {wire.address.ip} as {device.asn};"
    yield f"\tneighbor {wire.peer_address} as {asn};"
    yield "\thold time 9;"
    # The defaults wait up to minutes after a refused attempt: a twin is up long before that.
    yield "\tconnect delay time 1; connect retry time 1; error wait time 1, 2;"
    yield "\tipv4 {"
    yield f"\t\timport {accepted};"
    yield "\t\texport where own_out();"
    yield from ("\t};", "}", "")
