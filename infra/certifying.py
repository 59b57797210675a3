"""A key for one run: made anew, signed by the world's own SSH authority for some hours and some accounts.

Hosts that trust the authority (`TrustedUserCAKeys`) let it in until it expires, and need no key of an operator's.
OpenSSH and paramiko find the certificate beside the key, so ssh_config names the key alone.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from inventory.errors import ZhengheError
from inventory.words import _

KEY = "run-key"


class NotCertified(ZhengheError):
    """The authority's key could not be used; carries what ssh-keygen says."""


class Certified(NamedTuple):
    """A key with its certificate, and what ssh-keygen tells of that."""

    key: Path
    certificate: Path
    told: str


def certify(folder: Path, authority: Path, principals: Sequence[str], hours: int, identity: str) -> Certified:
    """Make a key and its certificate in a folder, in place of earlier ones; NotCertified.

    `authority` is the file of the private key, or of the public one where an agent or a token has the private one.
    """
    key = folder / KEY
    files = [key, key.with_name(f"{KEY}.pub"), key.with_name(f"{KEY}-cert.pub")]
    for file in files:
        file.unlink(missing_ok=True)
    _said("-q", "-t", "ed25519", "-N", "", "-C", identity, "-f", str(key))
    by_agent = ("-U",) if authority.suffix == ".pub" else ()
    # Nothing but commands: no agent, no port and no screen goes along.
    rights = ("-O", "clear")
    who = ("-I", identity, "-n", ",".join(principals), "-V", f"-5m:+{hours}h")
    try:
        _said("-q", *by_agent, "-s", str(authority), *who, *rights, str(files[1]))
    except NotCertified:
        for file in files:
            file.unlink(missing_ok=True)
        raise
    return Certified(key, files[2], _said("-L", "-f", str(files[2])))


def _said(*words: str) -> str:
    done = subprocess.run(["ssh-keygen", *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        why = (done.stderr or done.stdout).strip().splitlines()
        raise NotCertified(_("ssh-keygen: {why}").format(why=why[-1] if why else done.returncode))
    return done.stdout
