"""Host keys of new hosts: what a cloud proves goes into the world's known_hosts before anything connects.

A key is never trusted because a host showed it when we first called. The cloud, which we know by its certificate and
which knows us by our credentials, hands out what the host printed on its console while it booted; a line that comes of
it bears the server's id, so that it goes when the server is made anew. Lines without one are people's and stay.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.ssh import said_of
from inventory.base import Model
from inventory.words import _

_MARK = "zhenghe:"
_BEGIN, _END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
_KEY = re.compile(r"\b(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]{40,2000}={0,2})(?:\s|$)")


class HostKeys(Model):
    """The keys that a cloud proves of one server, or why it proves none."""

    name: str
    server: str
    keys: tuple[str, ...] = ()
    """Type and key, as in known_hosts."""
    why: str = ""


def keys_on_console(text: str) -> tuple[str, ...]:
    """Return the host keys that cloud-init printed on a console; none where there are none, or where they differ.

    A host prints them at every boot, so several blocks must say the same. What stands between the lines is the
    kernel's and others' and is passed over.
    """
    blocks = [_of_block(part.split(_END)[0]) for part in text.split(_BEGIN)[1:] if _END in part]
    return tuple(sorted(blocks[0])) if blocks and all(block == blocks[0] for block in blocks) else ()


def _of_block(text: str) -> frozenset[str]:
    found = (f"{kind} {key}" for kind, key in _KEY.findall(text) if _is_key(kind, key))
    return frozenset(found)


def _is_key(kind: str, key: str) -> bool:
    try:
        blob = base64.b64decode(key, validate=True)
    except binascii.Error:
        return False
    # RFC 4253, 6.6: a key begins with the length and the name of its type.
    return blob[:4] == len(kind).to_bytes(4, "big") and blob[4 : 4 + len(kind)] == kind.encode()


def unknown(ssh_config: Path, servers: Mapping[str, str]) -> dict[str, str]:
    """Return those of some servers (name to id) for which known_hosts has no line: of this id, or a person's."""
    return {name: server for name, server in servers.items() if not _known(_place(ssh_config, name), server)}


def _known(place: _Place, server: str) -> bool:
    marks = [line.mark for line in _lines(place.file) if place.name in line.names]
    return any(mark in ("", server) for mark in marks)


def admit(ssh_config: Path, hosts: Sequence[HostKeys]) -> None:
    """Write the keys of some hosts into the known_hosts that a world's ssh_config names, instead of our older ones."""
    for host in hosts:
        if not host.keys:
            continue
        place = _place(ssh_config, host.name)
        with _held(place.file):
            kept = [
                line.text for line in _lines(place.file) if place.name not in line.names or not line.mark
            ]  # fmt: skip
            ours = [f"{place.name} {key} {_MARK}{host.server}" for key in host.keys]
            scratch = place.file.with_name(f".{place.file.name}.new")
            scratch.write_text("".join(f"{line}\n" for line in (*kept, *ours)))
            scratch.replace(place.file)


def way_to_prove(ssh_config: Path, name: str) -> str:
    """Say how a person proves the key of a host that the cloud proves none of."""
    place = _place(ssh_config, name)
    return _(
        "log in at its console in the cloud, read /etc/ssh/ssh_host_ed25519_key.pub there, and add the line "
        "'{name} KEY' to {file}"
    ).format(name=place.name, file=place.file)


class _Place(Model):
    """Where the client looks for a host's key, and under which name."""

    file: Path
    name: str


class _Line(Model):
    text: str
    names: tuple[str, ...]
    mark: str


def _place(ssh_config: Path, name: str) -> _Place:
    settings = said_of(ssh_config, name)
    files = shlex.split(settings.get("userknownhostsfile", "")) or ["~/.ssh/known_hosts"]
    host, port = settings.get("hostname", name), settings.get("port", "22")
    looked_up = settings.get("hostkeyalias") or (host if port == "22" else f"[{host}]:{port}")
    return _Place(file=Path(files[0]).expanduser(), name=looked_up)


def _lines(file: Path) -> Iterator[_Line]:
    text = file.read_text() if file.exists() else ""
    for line in text.splitlines():
        words = line.split()
        is_entry = bool(words) and not line.startswith(("#", "@"))
        marks = [word.removeprefix(_MARK) for word in words[3:] if word.startswith(_MARK)]
        yield _Line(text=line, names=tuple(words[0].split(",")) if is_entry else (), mark=marks[0] if marks else "")


@contextmanager
def _held(file: Path) -> Iterator[None]:
    """Hold a lock beside a file: sites are made side by side and share it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
