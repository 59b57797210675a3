"""How the two ends of a move know each other's servers: by TLS, each certificate pinned by the other end.

A server that shows a certificate of its own goes on showing it. One without TLS shows one of ours after a restart, the
one that a person agreed to; where nobody did, nothing goes between the ends unless the component says `in_the_clear`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_tls as tls
from ansible.module_utils.zhenghe_my_place import TRUST, Place, side_of, text, value
from ansible.module_utils.zhenghe_owned import Owned

from playbooks.agents.kit import write

MYSQL = Owned("mysql")
"""The server runs as this account, and reads its key and what it believes by itself."""


def speaks(connection: Any) -> bool:
    """Say whether a server speaks TLS to those who ask for it."""
    return text(value(connection, "SELECT @@GLOBAL.have_ssl")) == "YES"


def against(place: Place, connection: Any) -> list[str]:
    """Say why what the other end hears of this server would not be safe on its way, and what to do."""
    if place.in_the_clear:
        return []
    otherwise = "or set in_the_clear: true in the component's settings"
    if not speaks(connection):
        if place.may_restart and shutil.which("openssl") is None:
            return ["there is no openssl on this host to make a certificate with: install it"]
        restart = (
            "the server speaks no TLS, so rows and passwords would go to the new host in the clear, and only a restart "
            "(about 3 s without the database) turns it on: agree to that with the department and set may_restart: true "
            f"in the component's settings, {otherwise}"
        )
        return [] if place.may_restart else [restart]
    if _pinned_of(_shown_now(connection), place.address):
        return []
    unknown = (
        f"the server's certificate does not name {place.address}, or its authority's is not in its file, so the new "
        f"host could not know it: give the server one that does and FLUSH SSL (no restart), {otherwise}"
    )
    return [unknown]


def shown(place: Place) -> str:
    """Return what others pin of this server, its certificate made where it has none of its own; empty: nothing."""
    if place.end == "target":
        return _made(place)
    connection = place.connect()
    if speaks(connection):
        return _pinned_of(_shown_now(connection), place.address)
    restarts = place.may_restart and side_of(connection, place.base) == "absent" and not against(place, connection)
    return _made(place) if restarts else ""


def options(place: Place) -> str:
    """Return the lines by which a server shows what was made for it."""
    folder = TRUST / "server"
    return f"ssl_cert = {folder / tls.CERTIFICATE}\nssl_key = {folder / tls.KEY}\n" if _made(place) else ""


def demanded(connection: Any, place: Place) -> bool:
    """Say whether the other end comes in by TLS alone: it was told by what it knows this server."""
    return speaks(connection) and bool(_pinned_of(_shown_now(connection), place.address))


def pin(place: Place, server: Mapping[str, str]) -> None:
    """Believe the other end's server by this certificate alone; without one it is not known by any."""
    if not server:
        return
    place.make_folder()
    write(place.authority, server["certificate"], 0o600)
    MYSQL.make_top(TRUST, 0o700)
    MYSQL.write(_believed(place), server["certificate"])


def unpin(place: Place) -> None:
    """Forget the other end's server."""
    place.authority.unlink(missing_ok=True)
    if TRUST.exists():
        MYSQL.remove(_believed(place))


def take_away(place: Place) -> None:
    """Remove the server's certificate as well, once it shows it no more."""
    unpin(place)
    if TRUST.exists():
        folder = TRUST / "server"
        MYSQL.remove(*MYSQL.find(folder, "*"))
        with contextlib.suppress(OSError), MYSQL.acting():
            folder.rmdir()
        with contextlib.suppress(OSError):
            TRUST.rmdir()


def followed(place: Place) -> tuple[str, tuple[Any, ...]]:
    """Return how a server is told whom to believe when it follows the other end."""
    if not place.authority.exists():
        return "MASTER_SSL = 0", ()
    return "MASTER_SSL = 1, MASTER_SSL_CA = %s, MASTER_SSL_VERIFY_SERVER_CERT = 1", (str(_believed(place)),)


def _believed(place: Place) -> Path:
    return TRUST / f"{place.base}.crt"


def _made(place: Place) -> str:
    folder = TRUST / "server"
    MYSQL.make_top(TRUST, 0o700)
    MYSQL.make_inside(folder, 0o700)
    tls.make(MYSQL, folder, place.address)
    return MYSQL.read(folder / tls.CERTIFICATE)


def _shown_now(connection: Any) -> list[str]:
    """Return the certificates of the file that a server shows, as its own account reads it."""
    data = Path(text(value(connection, "SELECT @@GLOBAL.datadir")))
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return tls.certificates(MYSQL.read(data / text(value(connection, "SELECT @@GLOBAL.ssl_cert"))))
    return []


def _pinned_of(found: list[str], address: str) -> str:
    """Return what to pin of a server's certificates, empty where they do not say who it is."""
    anchors = [one for one in found if tls.signed_by_itself(one)]
    if not anchors or not tls.vouches_for(found[0], address):
        return ""
    return found[0] + (anchors[0] if anchors[0] != found[0] else "")
