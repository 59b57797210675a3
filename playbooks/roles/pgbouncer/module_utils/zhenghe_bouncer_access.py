"""Whom an entry believes and whom it lets in: certificates of its ends, and the rules of its pg_hba.conf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.module_utils import zhenghe_tls as tls
from ansible.module_utils.zhenghe_bouncer_console import name


def trust_in(ends: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return by what an entry knows its ends: certificates, whether each names its address, older passwords."""
    pinned = {address: tls.certificates(str(end["server"]["certificate"])) for address, end in ends.items()}
    named = all(tls.for_itself_alone(found[0]) and tls.vouches_for(found[0], to) for to, found in pinned.items())
    older = sorted({role for end in ends.values() for role in end["older"]})
    return {"certificates": sorted({one for found in pinned.values() for one in found}), "named": named, "older": older}


def believed(trust: Sequence[Mapping[str, Any]]) -> str:
    """Return how servers are verified: by their addresses too, unless an end's own certificate does not name it.

    All servers of a port have one file of certificates: with names, none of them can stand in for another.
    """
    return "verify-full" if all(one["named"] for one in trust) else "verify-ca"


def rules(database: str, account: str, address: str, lines: Iterable[Mapping[str, Any]], *, older: bool) -> str:
    """Return the lines of PgBouncer's own pg_hba.conf for one database, and one for the entry's own account.

    Unless somebody has an older password, everybody proves his by SCRAM, which md5 would admit as well.
    """
    text = f"host {name(database)} {name(account)} {address}/32 scram-sha-256\n"
    for line in lines:
        users = ",".join(map(name, line["users"])) or "all"
        method = "scram-sha-256" if line["method"] == "md5" and not older else line["method"]
        text += f"{line['kind']} {name(database)} {users} {line['network']} {method}\n"
    return text


def by_tls(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of an entry that demands TLS: nobody without it is meant by any of them."""
    return [{**line, "kind": "hostssl"} for line in lines if line["kind"] != "hostnossl"]
