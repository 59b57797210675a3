"""Certificates of servers: each is made where it is shown, its key never leaves that host, the other end pins it.

A certificate of ours vouches for one address and for nobody else, so that pinning it trusts one server only.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.zhenghe_owned import Owned

from playbooks.agents.kit import Refused

CERTIFICATE, KEY = "server.crt", "server.key"
# Hosts of departments have clocks of their own, and what is pinned is believed because it is pinned: dates of a month
# would only stop an entry some night.
_FROM, _UNTIL = "20200101000000Z", "20491231235959Z"
_CONFIGURATION = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = {address}
[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = named
x509_extensions = extensions
[named]
commonName = supplied
[extensions]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = IP:{address}
"""
_ONE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def make(owner: Owned, folder: Path, address: str) -> None:
    """Make certificate and key of a server at an address in a folder of its account, unless they are there."""
    kept = folder / CERTIFICATE
    if owner.exists(kept) and owner.exists(folder / KEY) and vouches_for(owner.read(kept), address):
        return
    scratch = folder / "making"
    _empty(owner, scratch)
    owner.make_inside(scratch, 0o700)
    owner.write(scratch / "openssl.cnf", _CONFIGURATION.format(address=address, folder=scratch))
    owner.write(scratch / "serial", f"01{secrets.token_hex(15)}\n")
    owner.write(scratch / "index.txt", "")
    words = ("-config", str(scratch / "openssl.cnf"))
    key, asked, made = (str(scratch / name) for name in (KEY, "asked", CERTIFICATE))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl("req", "-new", *curve, "-keyout", key, "-out", asked, *words, owner=owner)
    dates = ("-startdate", _FROM, "-enddate", _UNTIL)
    own = ("-batch", "-selfsign", "-notext", "-keyfile", key, "-in", asked, "-out", made)
    _openssl("ca", *own, *dates, *words, owner=owner)
    with owner.acting():
        for name in (KEY, CERTIFICATE):
            (scratch / name).replace(folder / name)
    _empty(owner, scratch)


def _empty(owner: Owned, folder: Path) -> None:
    owner.remove(*owner.find(folder, "*"))
    with owner.acting(), contextlib.suppress(FileNotFoundError):
        folder.rmdir()


def certificates(text: str) -> list[str]:
    """Return each certificate of a file, without whatever else is in it."""
    return [one + "\n" for one in _ONE.findall(text)]


def vouches_for(certificate: str, address: str) -> bool:
    """Say whether a certificate names an address."""
    return "does match" in _openssl("x509", "-noout", "-checkip", address, given=certificate)


def for_itself_alone(certificate: str) -> bool:
    """Say whether a certificate is signed by its own key and can vouch for nobody else."""
    said = _openssl("x509", "-noout", "-purpose", given=certificate)
    return "SSL server CA : No\n" in said and signed_by_itself(certificate)


def signed_by_itself(certificate: str) -> bool:
    """Say whether a certificate names itself as its issuer."""
    said = _openssl("x509", "-noout", "-subject", "-issuer", given=certificate)
    found = dict(re.findall(r"^(subject|issuer)= ?(.*)$", said, re.MULTILINE))
    return bool(found) and found.get("subject") == found.get("issuer")


def name_in(certificate: str, address: str) -> str:
    """Return the name under which a server with this certificate is believed: its address, or one that is in it."""
    if vouches_for(certificate, address):
        return address
    words = ("-noout", "-subject", "-nameopt", "multiline", "-text", "-certopt", "no_pubkey,no_sigdump,no_header")
    said = _openssl("x509", *words, given=certificate)
    # Where it has names of its own for servers, the one in its subject counts no more.
    names = re.findall(r"DNS:([^\s,]+)", said) or re.findall(r"^ *commonName *= *(\S+)$", said, re.MULTILINE)
    if not names or re.fullmatch(r"[A-Za-z0-9.*_-]+", names[0]) is None:
        raise Refused("the server's certificate names no server", "give the server one that names it, and repeat")
    return str(names[0].replace("*", "any"))


def _openssl(*words: str, given: str = "", owner: Owned | None = None) -> str:
    try:
        done = subprocess.run(
            ["openssl", *words], input=given, capture_output=True, text=True, check=False, cwd="/", **_as(owner)
        )
    except FileNotFoundError:
        raise Refused("there is no openssl on this host", "install it, and run the step again") from None
    if done.returncode and owner is not None:
        raise Refused(f"openssl {words[0]}: {done.stderr.strip()[-300:]}", "see that openssl works on this host")
    return done.stdout


def _as(owner: Owned | None) -> dict[str, Any]:
    if owner is None or os.geteuid():
        return {"umask": 0o077}
    person = pwd.getpwnam(owner.login)
    groups = os.getgrouplist(owner.login, person.pw_gid)
    return {"umask": 0o077, "user": person.pw_uid, "group": person.pw_gid, "extra_groups": groups}
