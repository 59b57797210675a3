"""How OpenSSH would reach a name, asked of OpenSSH itself."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

_ANSWER_SECONDS = 10.0


class Way(NamedTuple):
    """How OpenSSH would reach a name."""

    host: str
    port: int
    alias: str | None
    user: str | None
    keys: tuple[str, ...]
    agent: bool
    known_hosts: tuple[Path, ...]
    command: str | None
    """Speaks SSH on its standard streams in place of a connection of ours."""
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    """Algorithms that may be used: OpenSSH's own, and older ones where ssh_config permits them for this name."""


def way_to(config: Path, name: str) -> Way:
    """Ask OpenSSH itself, which alone knows Include, Match and all tokens."""
    words = ("ssh", "-F", str(config), "-G", "--", name)
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_ANSWER_SECONDS)
    if done.returncode != 0:
        raise OSError(done.stderr.strip() or "ssh -G failed")
    said: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        said.setdefault(key, []).append(value)
    one = {key: values[0] for key, values in said.items() if values[0] != "none"}
    tokens = {"%%": "%", "%h": one["hostname"], "%p": one["port"], "%r": one.get("user", ""), "%n": name}
    command = one.get("proxycommand")
    if "proxyjump" in one:
        *before, last = one["proxyjump"].split(",")
        jumps = ("-J", ",".join(before)) if before else ()
        options = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes")
        command = shlex.join(("ssh", "-F", str(config), *options, *jumps, "-W", "[%h]:%p", last))
    keys = tuple(str(Path(key).expanduser()) for key in said.get("identityfile", ()))
    # Only who is in the world's known_hosts is believed, whoever else the machine knows.
    known = one.get("userknownhostsfile", "").split()
    return Way(
        host=one["hostname"],
        port=int(one["port"]),
        alias=one.get("hostkeyalias"),
        user=one.get("user"),
        keys=tuple(key for key in keys if Path(key).is_file()),
        agent=one.get("identitiesonly") != "yes",
        known_hosts=tuple(path for each in known if (path := Path(each).expanduser()).is_file()),
        ciphers=tuple(one["ciphers"].split(",")),
        macs=tuple(one["macs"].split(",")),
        command=command and re.sub("%[%hprn]", lambda token: tokens[token[0]], command),
    )
