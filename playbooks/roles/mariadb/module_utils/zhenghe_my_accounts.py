"""Who may log in: the account of the move at the other end, and the department's accounts, locked where nobody serves.

A password is made at the end that uses it and stays there in a file of root's; what travels is its double hash, as the
server stores it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from typing import Any

from ansible.module_utils.zhenghe_my_place import Place, account, rows, text

from playbooks.agents.kit import Refused, write

_HASH = re.compile(r"\*[0-9A-F]{40}")
_STAY = frozenset({("root", "localhost"), ("mysql", "localhost"), ("mariadb.sys", "localhost")})
"""Debian's own accounts, which log in by the socket as a user of the host."""
# It follows the binary log and reads in order to compare; it changes nothing. Triggers are told by a routine of ours,
# because the right to see them is the right to make them.
_RIGHTS = "REPLICATION SLAVE, REPLICATION CLIENT, SELECT, SHOW VIEW"
Account = tuple[str, str]


def own_password(place: Place) -> str:
    """Make the password by which this end logs in at the other one, once; return its double hash."""
    place.make_folder()
    if not place.passfile.exists():
        write(place.passfile, secrets.token_urlsafe(32), 0o600)
    inner = hashlib.sha1(place.password().encode()).digest()  # noqa: S324 - the server's own way of keeping it
    return "*" + hashlib.sha1(inner).hexdigest().upper()  # noqa: S324


def admit_peer(place: Place, connection: Any, verifier: str, *, by_tls: bool) -> None:
    """Let the other end in, from its address alone, with the least rights that following and comparing need."""
    if _HASH.fullmatch(verifier) is None:
        raise Refused("the other end's password is no hash of MariaDB's", "see who answers on that host")
    who = account(place.base, place.peer_address)
    rows(connection, f"CREATE USER IF NOT EXISTS {who} IDENTIFIED BY PASSWORD '{verifier}'")
    rows(connection, f"ALTER USER {who} IDENTIFIED BY PASSWORD '{verifier}' REQUIRE {'SSL' if by_tls else 'NONE'}")
    rows(connection, f"GRANT {_RIGHTS} ON *.* TO {who}")
    rows(connection, f"GRANT EXECUTE ON zhenghe.* TO {who}")


def dismiss_peers(place: Place, connection: Any) -> None:
    """Remove the accounts of the move at this end, whatever address they come from."""
    for (host,) in rows(connection, "SELECT Host FROM mysql.global_priv WHERE User = %s", (place.base,)):
        rows(connection, f"DROP USER IF EXISTS {account(place.base, text(host))}")


def privileges(found: Any) -> dict[str, Any]:
    """Return what the server keeps of an account; nothing where that is no object of JSON."""
    try:
        kept = json.loads(text(found), strict=False)
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def of_department(connection: Any, base: str) -> dict[Account, dict[str, Any]]:
    """Return the accounts of others that may log in, with what the server keeps of each; roles are none."""
    found = rows(connection, "SELECT User, Host, Priv FROM mysql.global_priv ORDER BY User, Host")
    each = ((text(user), text(host), privileges(kept)) for user, host, kept in found)
    return {
        (user, host): kept
        for user, host, kept in each
        if not kept.get("is_role") and user != base and (user, host) not in _STAY
    }


def unlocked(connection: Any, base: str) -> list[Account]:
    """Return the accounts of others that are not locked."""
    return [who for who, kept in of_department(connection, base).items() if not kept.get("account_locked")]


def set_lock(connection: Any, accounts: Iterable[Account], *, locked: bool) -> None:
    """Lock accounts, or unlock them; those that are gone are passed over."""
    names = ", ".join(account(*one) for one in accounts)
    if names:
        rows(connection, f"ALTER USER IF EXISTS {names} ACCOUNT {'LOCK' if locked else 'UNLOCK'}")
