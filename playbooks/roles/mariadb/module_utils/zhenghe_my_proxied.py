"""Clients behind an entry: the server believes it on where they come from, so accounts' addresses go on to hold."""

from __future__ import annotations

from ansible.module_utils.zhenghe_my_fence import keep_fenced, keep_open
from ansible.module_utils.zhenghe_my_place import Place, rows, side_of, text, value

NAME = "proxy_protocol_networks"


def believe(place: Place, address: str) -> None:
    """Take the PROXY protocol from an entry's address, besides whom the server believed before; from none: no more."""
    connection = place.connect()
    now = _listed(text(value(connection, f"SELECT @@GLOBAL.{NAME}")))
    before: list[str] = place.remembered().get("believed", now)
    wanted = [*before, *([address] if address and address not in before else [])]
    line = f"{NAME} = {','.join(wanted)}\n" if wanted != before else ""
    place.remember(believed=before, proxied=line)
    (keep_fenced if side_of(connection, place.base) == "waiting" else keep_open)(place)
    if wanted != now:
        rows(connection, f"SET GLOBAL {NAME} = %s", (",".join(wanted),))


def _listed(words: str) -> list[str]:
    return [one.strip() for one in words.split(",") if one.strip()]
