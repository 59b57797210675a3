"""From where the source lets whom into a database, so that the entry before it lets in nobody else.

A server behind an entry sees the entry's address alone, so the entry has to hold what pg_hba.conf holds: the rules
about this database that come over a network, in their order, with groups written as their members. A rule that no
entry can hold is told by its line, with what to do.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.zhenghe_pg_place import POSTGRES, Place, rows, value

from playbooks.agents.kit import Refused, run

_BY_PASSWORD = {"md5": "md5", "password": "md5", "scram-sha-256": "scram-sha-256", "reject": "reject"}
_KINDS = {"local": "host", "host": "host", "hostssl": "hostssl", "hostnossl": "hostnossl", "hostnogssenc": "host"}
_RULES = """
SELECT line_number, type, database, user_name, address, netmask, auth_method, coalesce(options, '{}')
FROM pg_hba_file_rules WHERE error IS NULL ORDER BY line_number
"""
_MEMBERS = """
WITH RECURSIVE inside (role, member) AS (
    SELECT roleid, member FROM pg_auth_members UNION SELECT i.role, m.member FROM inside i
    JOIN pg_auth_members m ON m.roleid = i.member)
SELECT r.rolname, array_agg(m.rolname::text ORDER BY m.rolname) FROM inside
JOIN pg_roles r ON r.oid = role JOIN pg_roles m ON m.oid = member GROUP BY 1
"""
# A superuser does not come in by an entry, nor do roles of ours.
_CLIENTS = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND rolname !~ '^(pg|zhenghe)_' ORDER BY 1"
EVERYWHERE = ("0.0.0.0/0", "::/0")
_SHOWN = 5


class Line(NamedTuple):
    """One line of pg_hba.conf, as the server reads it."""

    number: int
    kind: str
    databases: Sequence[str]
    users: Sequence[str]
    address: str
    netmask: str | None
    method: str
    options: Sequence[str] = ()


class Cluster(NamedTuple):
    """Whom and what the words of a line may mean."""

    clients: Sequence[str]
    """Roles that may log in by an entry."""
    members: Mapping[str, Sequence[str]]
    addresses: Sequence[str]
    """The host's own networks, such as 10.1.2.3/24."""
    leaving: Sequence[str] = ()
    """New addresses of services that come by the host itself today, and end in the switch."""


class Held(NamedTuple):
    """What an entry has to hold, and what it cannot."""

    lines: list[dict[str, Any]]
    refused: list[str]
    near: list[dict[str, Any]]
    """What lets the host itself in, for the new addresses of services that leave it: it holds before all else."""

    @property
    def every(self) -> list[dict[str, Any]]:
        """All lines."""
        return [*self.near, *self.lines]


def of_source(place: Place, entry: Mapping[str, Any]) -> Held:
    """Return the rules by which the source's cluster lets clients into the database.

    A service beside it that ends in the switch (`ending` of the entry) comes by the host itself, and later from its new
    address (`moved`): that is let in as the host itself is.
    """
    connection = place.connect()
    ours = _written_by_us(POSTGRES.read(Path(value(connection, "SHOW hba_file"))))
    lines = [line for line in (Line(*row) for row in rows(connection, _RULES)) if line.number not in ours]
    members = {str(role): list(names) for role, names in rows(connection, _MEMBERS)}
    own = _own_networks() if {line.address for line in lines} & {"samehost", "samenet"} else ()
    leaves = place.address in entry.get("ending", ())
    leaving = [one for one in entry.get("moved", {}).get(place.address, ()) if leaves and one != place.address]
    cluster = Cluster([name for (name,) in rows(connection, _CLIENTS)], members, own, leaving)
    found = held(lines, place.database, cluster)
    if re.fullmatch(r"[A-Za-z0-9_.-]+", place.database) is None:
        why = "an entry can name databases by letters, digits, dots and dashes of ASCII alone: rename this one first"
        return found._replace(refused=[*found.refused, f"{place.database}: {why}"])
    return found


def held(lines: Iterable[Line], database: str, cluster: Cluster) -> Held:
    """Return the rules about one database in the words of an entry; no users mean everybody."""
    found: list[dict[str, Any]] = []
    near: list[dict[str, Any]] = []
    refused: list[str] = []
    for line in lines:
        users = _users(line, database, cluster)
        if users is None:
            continue
        try:
            networks = _networks(line, cluster)
            why = _not_held(line) if networks else ""
        except Refused as unknown:
            networks, why = [line.address], unknown.reason
        meant = [name for name in users or cluster.clients if name in cluster.clients]
        if why and meant:
            shown = ", ".join(meant[:_SHOWN]) + (f" and {len(meant) - _SHOWN} more" if len(meant) > _SHOWN else "")
            where = ", ".join(networks)
            refused.append(f"line {line.number} of pg_hba.conf lets {shown} in from {where} {why}")
        elif networks and not why:
            kind, method = _KINDS[line.kind], _BY_PASSWORD[line.method]
            place = near if _is_near(line) else found
            place += [{"kind": kind, "users": users, "network": one, "method": method} for one in networks]
    return Held(found, refused, near)


def with_moved(lines: Sequence[dict[str, Any]], moved: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return the lines with those before them that let a host that moves in from its new address as from its old."""
    first: list[tuple[int, dict[str, Any]]] = []
    for old, news in sorted(moved.items()):
        wanted = _meaning(lines, old)
        for new in news:
            if new != old and _meaning(lines, new) != wanted:
                first += [(number, {**lines[number], "network": f"{new}/32"}) for number in wanted]
    ahead = [line for _, line in sorted(first, key=lambda each: each[0])]
    return [*ahead, *lines]


def _meaning(lines: Sequence[Mapping[str, Any]], address: str) -> list[int]:
    at = ipaddress.ip_address(address)
    return [number for number, line in enumerate(lines) if at in ipaddress.ip_network(line["network"])]


def _written_by_us(text: str) -> set[int]:
    ours, inside = set(), False
    for number, line in enumerate(text.splitlines(), 1):
        tag = re.fullmatch(r"# zhenghe_\S+ (?:entry|peer) (begin|end)", line)
        if tag is not None:
            inside = tag[1] == "begin"
        if inside:
            ours.add(number)
    return ours


def _users(line: Line, database: str, cluster: Cluster) -> list[str] | None:
    """Return the names of who is meant, an empty list for everybody; None: nobody, or another database is meant."""
    found: list[str] = []
    if {"all", database} & set(line.databases):
        if "all" in line.users:
            return []
        for user in line.users:
            if user.startswith("+"):
                found += [user[1:], *cluster.members.get(user[1:], ())]
            elif not user.startswith("zhenghe_"):
                found.append(user)
    elif {"samerole", "samegroup"} & set(line.databases):
        found += [database, *cluster.members.get(database, ())]
    elif "sameuser" in line.databases:
        found.append(database)
    # A name with a line break would be a line of its own in the entry's file.
    return sorted({name for name in found if name.isprintable()}) or None


def _networks(line: Line, cluster: Cluster) -> list[str]:
    """Return the networks that are meant, none: this host alone; Refused where nobody can say."""
    interfaces = [ipaddress.ip_interface(one) for one in cluster.addresses]
    leaving = [str(ipaddress.ip_network(one)) for one in cluster.leaving]
    if _is_near(line):
        # Whoever comes by the socket as himself has no password: a service that does is stopped by its own test start.
        return leaving if line.kind != "local" or line.method in _BY_PASSWORD else []
    if line.address == "all":
        return list(EVERYWHERE)
    if line.address == "samehost":
        return [str(ipaddress.ip_network(one.ip)) for one in interfaces]
    if line.address == "samenet":
        return [str(one.network) for one in interfaces]
    try:
        network = ipaddress.ip_network(f"{line.address}/{line.netmask}" if line.netmask else line.address, strict=False)
    except ValueError:
        return _resolved(line.address)
    return [str(network)]


def _is_near(line: Line) -> bool:
    if line.kind == "local":
        return True
    try:
        return ipaddress.ip_address(line.address).is_loopback
    except ValueError:
        return False


def _resolved(name: str) -> list[str]:
    mend = "by its name: an entry knows no names of hosts: write the address there"
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(name, None)} if not name.startswith(".") else set()
    except OSError:
        found = set()
    if not found:
        raise Refused(mend)
    return sorted(str(ipaddress.ip_network(one)) for one in found if not ipaddress.ip_address(one).is_loopback)


def _not_held(line: Line) -> str:
    certificate = [one for one in line.options if re.fullmatch(r"clientcert=(?!no-verify$|0$).*", one)]
    if line.method == "cert" or certificate:
        asked = "by a certificate" if line.method == "cert" else f"with a certificate ({certificate[0]})"
        return f"{asked}: an entry cannot pass it on: let them in by their password alone, or move without an entry"
    if line.kind not in _KINDS:
        return "encrypted by GSSAPI, which an entry does not know: let them in by hostssl and a password"
    if line.method not in _BY_PASSWORD:
        return (
            f"by {line.method}: behind an entry everybody needs a password: give them one, have their clients send "
            "it, and write scram-sha-256 there"
        )
    return ""


def _own_networks() -> list[str]:
    told = run("ip", "-o", "address", "show", "scope", "global")
    return re.findall(r"\binet6? (\S+/\d+)", told)
