"""How the two ends of a move, and its entry, know each other's clusters: by TLS, each certificate pinned by the others.

A cluster that shows a certificate of its own goes on showing it. One without TLS, or with Debian's snake oil, which a
whole family of images may share, shows one of ours from then on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils import zhenghe_tls as tls
from ansible.module_utils.zhenghe_pg_place import POSTGRES, STATE, Place, rows, value
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused, wait

NOT_ITS_OWN = "snakeoil"


def shown(place: Place) -> dict[str, str]:
    """Return what others have to know of this end's server, its certificate made where it has none of its own."""
    theirs = _its_own(place.connect()) if place.running() else None
    folder = _folder(place)
    if theirs is None:
        POSTGRES.make_top(folder, 0o700)
        tls.make(POSTGRES, folder, place.address)
    pinned = _anchor(theirs or folder / tls.CERTIFICATE)
    return {"certificate": pinned, "name": tls.name_in(pinned, place.address)}


def against(place: Place) -> list[str]:
    """Say, before anything is changed, why others could not know this end's server by its certificate."""
    theirs = _its_own(place.connect())
    try:
        if theirs is not None:
            tls.name_in(_anchor(theirs), place.address)
        elif shutil.which("openssl") is None:
            return ["there is no openssl on this host to make a certificate with: install it"]
    except (Refused, OSError) as exc:
        return [": ".join(filter(None, (str(exc), getattr(exc, "mend", ""))))]
    return []


def show(place: Place) -> None:
    """Have the cluster speak TLS to those who ask for it; clients that do not ask notice nothing."""
    connection = place.connect()
    folder = _folder(place)
    if _its_own(connection) is not None:
        return
    if _in_force(connection, folder):
        # The files may have been made anew since.
        rows(connection, "SELECT pg_reload_conf()")
        return
    if not POSTGRES.exists(folder / "before.json"):
        POSTGRES.write(folder / "before.json", json.dumps(_chosen(connection)))
    _set(connection, _ours(folder))
    _await(place, "on")


def hide(place: Place) -> None:
    """Give a source's cluster its own settings back once no move has it speak TLS any more."""
    folder = _folder(place)
    with POSTGRES.acting():
        if any(STATE.glob("*/peer.json")) or not (folder / "before.json").exists():
            return
        before = json.loads((folder / "before.json").read_text())
    connection = place.connect()
    if rows(connection, "SELECT FROM pg_hba_file_rules WHERE type = 'hostssl'"):
        # Somebody comes in by it.
        return
    if _in_force(connection, folder):
        _set(connection, before)
    POSTGRES.remove(*POSTGRES.find(folder, "*"))


def pin(place: Place, peer: Mapping[str, str]) -> None:
    """Believe the other end's server by this certificate and this name, and nobody else under its address."""
    place.write(place.authority, peer["certificate"])
    place.write(place.peer_file, json.dumps({"name": peer["name"]}))


def pinned(place: Place) -> bool:
    """Say whether the other end's server is known here."""
    return POSTGRES.exists(place.peer_file) and POSTGRES.exists(place.authority)


def unpin(place: Place) -> None:
    """Forget the other end's server."""
    place.forget_files(place.authority.name, place.peer_file.name)


class Older(NamedTuple):
    """Passwords that are kept as MD5, and by whom: nobody but who knows one can turn it into SCRAM's."""

    roles: tuple[str, ...]
    still_made: bool
    """Whether a password that is set today becomes another one."""

    @property
    def method(self) -> str:
        """The method by which everybody else comes in."""
        return "md5" if self.still_made else "scram-sha-256"


def older_passwords(place: Place) -> Older:
    """Ask the source, from either end, which passwords SCRAM cannot check."""
    source = place.connect(place.database) if place.end == "source" else place.connect_peer()
    roles = rows(source, "SELECT name FROM zhenghe.verifiers() WHERE verifier ~ '^md5' ORDER BY 1")
    return Older(tuple(name for (name,) in roles), value(source, "SHOW password_encryption") in ("md5", "on"))


def _folder(place: Place) -> Path:
    return STATE / f"server-{place.port}"


def _ours(folder: Path) -> dict[str, str]:
    return {"ssl": "on", "ssl_cert_file": str(folder / tls.CERTIFICATE), "ssl_key_file": str(folder / tls.KEY)}


def _in_force(connection: Any, folder: Path) -> bool:
    question = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
    return dict(rows(connection, question, (list(_ours(folder)),))) == _ours(folder)


_BY_COMMAND = """
SELECT name, setting FROM pg_file_settings WHERE name = ANY(%s) AND sourcefile ~ '/postgresql[.]auto[.]conf$'
"""


def _chosen(connection: Any) -> dict[str, str | None]:
    """Return what ALTER SYSTEM has set of TLS, nothing where the files decide."""
    names = ["ssl", "ssl_cert_file", "ssl_key_file"]
    return {**dict.fromkeys(names), **dict(rows(connection, _BY_COMMAND, (names,)))}


def _set(connection: Any, settings: Mapping[str, str | None]) -> None:
    for name, setting in settings.items():
        statement = "ALTER SYSTEM RESET {}" if setting is None else "ALTER SYSTEM SET {} = {}"
        words = [sql.Identifier(name), *([] if setting is None else [sql.Literal(setting)])]
        rows(connection, sql.SQL(statement).format(*words))
    rows(connection, "SELECT pg_reload_conf()")


def _await(place: Place, wanted: str, seconds: float = 10) -> None:
    if not wait(lambda: value(place.connect(), "SHOW ssl") == wanted, seconds):
        raise Refused("the cluster does not turn TLS on", "see the cluster's log on this host, and repeat")


def _its_own(connection: Any) -> Path | None:
    """Return where the certificate of a cluster is that somebody gave it."""
    if value(connection, "SHOW ssl") != "on":
        return None
    told = Path(value(connection, "SHOW data_directory")) / value(connection, "SHOW ssl_cert_file")
    return None if NOT_ITS_OWN in told.name or told.is_relative_to(STATE) else told


def _anchor(file: Path) -> str:
    """Return what to pin of a server's certificates: the one whose key signed all of them."""
    found = tls.certificates(POSTGRES.read(file))
    anchors = [one for one in found if tls.signed_by_itself(one)]
    if not anchors:
        raise Refused(
            f"the cluster's certificate in {file} was issued by an authority whose certificate is not there",
            "append the authority's certificate to that file and reload the cluster: clients notice nothing",
        )
    return found[0] + (anchors[0] if anchors[0] != found[0] else "")
