"""Which account of a server counts for a client's address, and which ones clients lack whose host moves."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

Account = tuple[str, str]
_OF_THE_HOST = ("localhost", "127.0.0.1", "::1")
"""How accounts name clients on the server's own host."""


def wanted_accounts(
    server: str, kept: Mapping[Account, Mapping[str, Any]], entry: Mapping[str, Any]
) -> list[tuple[Account, str]]:
    """Return which accounts a server at that address lacks: the one to follow, and the new address."""
    users: dict[str, list[str]] = {}
    for (user, host), privileges in kept.items():
        if user and privileges.get("plugin") != "unix_socket":
            users.setdefault(user, []).append(host)
    ends_here = server in entry.get("ending", ())
    found = []
    for old, news in sorted(entry.get("moved", {}).items()):
        ways = (old, *(_OF_THE_HOST if ends_here and old == server else ()))
        for user, hosts in sorted(users.items()):
            model = next((one for one in (most_special(hosts, way) for way in ways) if one), None)
            for new in news if model else ():
                now = most_special(hosts, new)
                if now not in (model, new):
                    found.append(((user, str(model)), new))
    return found


def most_special(hosts: Iterable[str], address: str) -> str | None:
    """Return which of an account's hosts the server would take for a client's address, None where none lets it in."""
    fitting = [one for one in hosts if _lets_in(one, address)]
    return max(fitting, key=_how_special, default=None)


def _how_special(host: str) -> tuple[bool, int]:
    wild = re.search(r"(?<!\\)[%_]", host)
    return wild is None and "/" not in host, wild.start() if wild else len(host)


def _lets_in(host: str, address: str) -> bool:
    if "/" in host:
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(address) in ipaddress.ip_network(host, strict=False)
        return False
    letters = re.findall(r"\\.|.", host, re.DOTALL)
    pattern = "".join({"%": ".*", "_": "."}.get(one) or re.escape(one[-1]) for one in letters)
    return re.fullmatch(pattern, address, re.IGNORECASE | re.DOTALL) is not None
