"""What the shell account of a device with Linux says, as plain values; every function is pure."""

import re
from collections.abc import Mapping
from itertools import pairwise

from netcfg.facts import Traffic

_OF_THE_LINK = {"kernel", "ra", "bird"}
"""Who makes routes that are an interface's own, or are told by the command line."""
_OWN = {"local", "broadcast", "multicast", "anycast"}
"""What routes of an interface's own addresses begin with."""


def kernel_routes(answer: str, interface: str) -> dict[str, str]:
    """Return the prefixes that a device's system sends over an interface, each with who has made the route."""
    found: dict[str, str] = {}
    for line in answer.splitlines():
        prefix, *words = line.split()
        pairs = dict(pairwise(words))
        maker = pairs.get("proto", "boot")
        of_link = maker in _OF_THE_LINK or prefix.startswith(("fe80:", "ff00:")) or prefix in _OWN
        if not of_link and re.search(rf"\bdev {re.escape(interface)}(?=\s|$)", line):
            found[("::/0" if ":" in line else "0.0.0.0/0") if prefix == "default" else prefix] = maker
    return found


def management_way(answer: str) -> tuple[str, str, str]:
    """Return whence a session with a device comes, which address of it that speaks to, and by what it is answered.

    The answer is that of the platform's command: SSH_CONNECTION, then the route back. LookupError where it is neither.
    """
    here, _, back = answer.partition("\n")
    words, interface = here.split(), re.search(r" dev (\S+)", back)
    if len(words) != 4 or interface is None:
        raise LookupError(answer)
    return words[0], words[2], interface[1]


_ETHERNET_BYTES = 14
_SEEKING = ("Type133", "Type134", "Type135", "Type136", "Type143", "GroupMembReports", "GroupMembReductions")
"""Router and neighbour solicitations and advertisements, and reports of who listens to which of them."""


def traffic(answer: str, interface: str) -> Traffic:
    """Return what an interface has carried so far; LookupError where it is not there."""
    lines = answer.splitlines()
    found = [numbers for name, _, numbers in (line.partition(":") for line in lines) if name.strip() == interface]
    if not found:
        raise LookupError(f"no interface {interface}")
    counted = [int(number) for number in found[0].split()]
    six = {words[0]: int(words[1]) for line in lines if len(words := line.split()) == 2 and words[1].isdigit()}
    sent = _of(six, "Ip6OutRequests", "Ip6OutForwDatagrams")
    return Traffic(
        uptime=float(lines[0].split()[0]),
        packets=counted[1] + counted[9],
        others=counted[9] - sent,
        length=counted[8] - _of(six, "Ip6OutOctets") - _ETHERNET_BYTES * sent,
        carried=sent - _of(six, *(f"Icmp6Out{kind}" for kind in _SEEKING)),
    )


def _of(counted: Mapping[str, int], *names: str) -> int:
    return sum(counted.get(name, 0) for name in names)
