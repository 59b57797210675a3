"""The options of every SSH client of this software, whatever the ssh_config of a world says beside them.

A world's ssh_config says how names are reached. It does not decide whom we believe and what we hand over: an operator
who wrote `StrictHostKeyChecking accept-new` or `ForwardAgent yes` for other purposes must not lend them to a
department's host. OpenSSH takes the first value that it finds, and the command line comes before any file. The client
that OpenSSH itself starts for a ProxyJump gets the file and not the command line, so the file has our options on top.
"""

import hashlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 10
"""Seconds for which a host may not answer at all."""
OPTIONS = {
    # Whom we believe: only who is in the world's known_hosts, and nobody adds to it.
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
    "VerifyHostKeyDNS": "no",
    "NoHostAuthenticationForLocalhost": "no",
    "GlobalKnownHostsFile": "/dev/null",
    "KnownHostsCommand": "none",
    # What a host gets of us: no keys of the operator's, no screen, no way back into our network.
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ForwardX11Trusted": "no",
    "GSSAPIDelegateCredentials": "no",
    "ClearAllForwardings": "yes",
    "Tunnel": "no",
    # What runs here and there: nothing but what we ask for.
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
    "BatchMode": "yes",
}
_LAST = b"\nHost *\n  SendEnv -*\n"
"""Behind what a world's file says, because names are gathered from all of it: secrets may stand in the environment."""
ALONE = {"ControlMaster": "no", "ControlPath": "none"}
"""A connection of its own: over one that the operator left open, nobody's key is looked at any more."""


def client(ssh_config: Path, patience: int = PATIENCE) -> tuple[str, ...]:
    """Return the client's command for a world, to which a name of the world and a command are added."""
    return ("ssh", *options(ALONE), "-F", str(trusted(ssh_config)), "-o", f"ConnectTimeout={patience}")


def trusted(ssh_config: Path) -> Path:
    """Return a file that says what a world's says, after our options: for it and for the clients that it leads to."""
    try:
        said = ssh_config.read_bytes()
    except OSError:
        # The client says what is wrong with it.
        return ssh_config
    ours = "".join(f"  {name} {value}\n" for name, value in {**OPTIONS, **ALONE}.items())
    text = f"Host *\n{ours}\n".encode() + said + _LAST
    file = _folder() / f"{hashlib.sha256(text).hexdigest()[:24]}.conf"
    if not file.exists():
        descriptor, scratch = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text)
        Path(scratch).replace(file)
    return file


def _folder() -> Path:
    """Return a folder of our user's alone; another one's in its place is not used."""
    wanted = Path(tempfile.gettempdir()) / f"zhenghe-ssh-{os.geteuid()}"
    wanted.mkdir(mode=0o700, exist_ok=True)
    found = wanted.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return wanted if ours else Path(tempfile.mkdtemp(prefix="zhenghe-ssh-"))


def sharing(command: Sequence[str], socket: str, seconds: int = 30) -> tuple[str, ...]:
    """Return a client's command that keeps its connection at a socket of ours, for as many seconds after its use."""
    shared = {"ControlMaster": "auto", "ControlPath": socket, "ControlPersist": f"{seconds}s"}
    return (command[0], *options(shared), *command[1:])


def strict(command: Sequence[str]) -> tuple[str, ...]:
    """Return a client's command with our options before its own, for a connection of its own."""
    return (command[0], *options(ALONE), *command[1:])


def said_of(ssh_config: Path, name: str) -> dict[str, str]:
    """Return what OpenSSH makes of a file for a name, by its options in lower case; empty where it refuses the file."""
    command = ["ssh", "-F", str(ssh_config), "-G", "--", name]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in said.splitlines()}


def options(more: dict[str, str]) -> tuple[str, ...]:
    """Return our options as words of a command line."""
    return tuple(word for name, value in {**OPTIONS, **more}.items() for word in ("-o", f"{name}={value}"))
