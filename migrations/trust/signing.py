"""Signatures by OpenSSH's own tool: the one module that calls `ssh-keygen -Y`; no private key is ever read here.

SigningFailed   there is no key, or ssh-keygen did not sign
"""

import os
import subprocess
import tempfile
from pathlib import Path

from inventory.errors import ZhengheError
from inventory.plain import one_line
from inventory.regular import content_of, opened
from inventory.words import _

PATIENCE = 120.0
"""Seconds: whoever signs with a token has to touch it."""


class SigningFailed(ZhengheError):
    """Nothing was signed; carries the key's file and the reason."""

    def __init__(self, key: Path, reason: str) -> None:
        self.key = key
        self.reason = reason
        text = _("nothing was signed with {key}: {reason}; name a key of yours, or its public half if an agent has it")
        super().__init__(text.format(key=key, reason=reason))


def make_key(file: Path, name: str) -> str:
    """Make a key without a passphrase, for our own use, and return its public half."""
    if not file.exists():
        _keygen("-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(file))
    return public_half(file)


def public_file(file: Path) -> Path:
    """Return the file of a key's public half."""
    return file if file.suffix == ".pub" else file.with_name(f"{file.name}.pub")


def public_half(file: Path) -> str:
    """Return type and key of a public key's file, or of the one beside a private key; SigningFailed."""
    try:
        words = content_of(public_file(file)).decode().split()
    except (OSError, UnicodeDecodeError) as exc:
        raise SigningFailed(file, one_line(str(exc), 200)) from exc
    if len(words) < 2:
        raise SigningFailed(file, _("it is no key of OpenSSH's"))
    return " ".join(words[:2])


def fingerprint(public: str) -> str:
    """Return the fingerprint of a public key, as OpenSSH writes it; nothing where it is none."""
    done = _run(("ssh-keygen", "-lf", "-"), f"{public}\n")
    words = done.stdout.split()
    return words[1] if done.returncode == 0 and len(words) > 1 else ""


def sign(text: str, key: Path, namespace: str) -> str:
    """Return a signature of a text; SigningFailed where the key, or the agent that has it, does not sign."""
    try:
        # ssh-keygen would wait for whoever writes into a pipe.
        opened(key).close()
    except OSError as exc:
        raise SigningFailed(key, exc.strerror or str(exc)) from exc
    done = _run(("ssh-keygen", "-Y", "sign", "-q", "-f", str(key), "-n", namespace), text)
    if done.returncode != 0 or "BEGIN SSH SIGNATURE" not in done.stdout:
        raise SigningFailed(key, one_line(done.stderr, 300) or str(done.returncode))
    return done.stdout


def is_signed(text: str, signature: str, public: str, namespace: str) -> bool:
    """Say whether a text was signed with the private half of a public key."""
    if "\n" in public.strip():
        return False
    with tempfile.TemporaryDirectory(prefix="zh-signed-") as scratch:
        allowed, signed = Path(scratch, "allowed_signers"), Path(scratch, "signature")
        allowed.write_text(f"signer {public.strip()}\n")
        signed.write_text(signature)
        command = ("ssh-keygen", "-Y", "verify", "-q", "-f", str(allowed), "-I", "signer", "-n", namespace)
        return _run((*command, "-s", str(signed)), text).returncode == 0


def signer_of(text: str, signature: str, namespace: str) -> str:
    """Return the fingerprint of the key that signed a text, whoever's it is; nothing where no key did."""
    with tempfile.NamedTemporaryFile("w", prefix="zh-signed-") as signed:
        signed.write(signature)
        signed.flush()
        done = _run(("ssh-keygen", "-Y", "check-novalidate", "-n", namespace, "-s", signed.name), text)
    return done.stdout.split()[-1] if done.returncode == 0 and done.stdout.split() else ""


def _keygen(*words: str) -> None:
    done = _run(("ssh-keygen", *words), "")
    if done.returncode != 0:
        raise SigningFailed(Path(words[-1]), one_line(done.stderr, 300))


def _run(command: tuple[str, ...], given: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        late = _("ssh-keygen did not answer in {seconds:g} s").format(seconds=PATIENCE)
        return subprocess.CompletedProcess(command, 1, "", late)
