"""Further proofs of a signed head, where settings ask for them: somebody else's time, and a signature by SM2 and SM3.

ZHENGHE_EVIDENCE_STAMP   a time stamp authority (RFC 3161): `https://...`, or `command:words`, which reads the query
                         from its standard input and writes the reply to its output
ZHENGHE_EVIDENCE_DIGEST  what the query hashes by: sha256 unless it says sha384, sha512 or sm3
ZHENGHE_EVIDENCE_SM2     the file of a private key for SM2, by which each head is signed as well
"""

import base64
import os
import shlex
import subprocess
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from inventory.plain import one_line
from inventory.words import _

STAMP, DIGEST, SM2 = "ZHENGHE_EVIDENCE_STAMP", "ZHENGHE_EVIDENCE_DIGEST", "ZHENGHE_EVIDENCE_SM2"
DIGESTS = ("sha256", "sha384", "sha512", "sm3")
PATIENCE = 20.0
"""Seconds for one answer of an authority; the evidence waits for it."""
LONGEST = 1 << 16
"""Bytes of a reply."""


class Proofs(NamedTuple):
    """What settings asked for, in base64, and why what is missing is missing."""

    stamp: str = ""
    sm2: str = ""
    sm2_key: str = ""
    missing: str = ""


def proofs(text: str, environment: Mapping[str, str] = os.environ) -> Proofs:
    """Return the further proofs of a head; one that cannot be had keeps nobody from going on, and is told."""
    found = Proofs()
    if authority := environment.get(STAMP):
        try:
            reply = _stamped(text.encode(), authority, environment.get(DIGEST, DIGESTS[0]))
            found = found._replace(stamp=base64.b64encode(reply).decode())
        except (OSError, ValueError, subprocess.SubprocessError) as exc:
            found = found._replace(missing=_("no time stamp: {why}").format(why=one_line(str(exc), 300)))
    if key := environment.get(SM2):
        try:
            signed, public = _signed(text.encode(), Path(key))
            found = found._replace(sm2=base64.b64encode(signed).decode(), sm2_key=public)
        except (OSError, ValueError, subprocess.SubprocessError) as exc:
            why = _("no signature by SM2: {why}").format(why=one_line(str(exc), 300))
            found = found._replace(missing="; ".join(filter(None, (found.missing, why))))
    return found


def _stamped(text: bytes, authority: str, digest: str) -> bytes:
    if digest not in DIGESTS:
        raise ValueError(_("{digest} is none of {known}").format(digest=digest, known=", ".join(DIGESTS)))
    query = _openssl("ts", "-query", f"-{digest}", "-cert", given=text)
    kind, _colon, rest = authority.partition(":")
    if kind == "command":
        words = shlex.split(rest)
        reply = subprocess.run(words, input=query, timeout=PATIENCE, check=True, capture_output=True).stdout
    elif kind in {"http", "https"}:
        headers = {"Content-Type": "application/timestamp-query"}
        request = urllib.request.Request(authority, data=query, headers=headers)  # noqa: S310 - its scheme was looked at
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            reply = answer.read(LONGEST + 1)
    else:
        raise ValueError(_("there is no way '{kind}' to an authority").format(kind=kind))
    if len(reply) > LONGEST or b"Granted" not in _openssl("ts", "-reply", "-in", "/dev/stdin", "-text", given=reply):
        raise ValueError(_("the authority granted no time stamp"))
    return reply


def _signed(text: bytes, key: Path) -> tuple[bytes, str]:
    public = _openssl("pkey", "-in", str(key), "-pubout", given=b"").decode()
    return _openssl("dgst", "-sm3", "-sign", str(key), given=text), public


def stands_by_sm2(text: str, signature: str, public: str) -> bool:
    """Say whether a signature by SM2 is one over this text by this public key."""
    with tempfile.TemporaryDirectory(prefix="zh-sm2-") as folder:
        files = {name: Path(folder, name) for name in ("signature", "key")}
        files["signature"].write_bytes(base64.b64decode(signature))
        files["key"].write_text(public)
        words = ("dgst", "-sm3", "-verify", str(files["key"]), "-signature", str(files["signature"]))
        done = subprocess.run(["openssl", *words], input=text.encode(), capture_output=True, check=False)
        return done.returncode == 0


def _openssl(*words: str, given: bytes) -> bytes:
    done = subprocess.run(["openssl", *words], input=given, capture_output=True, check=False, timeout=PATIENCE)
    if done.returncode:
        raise ValueError(f"openssl {words[0]}: {done.stderr.decode(errors='replace').strip()[-200:]}")
    return done.stdout
